"""The official openai package (PyPI) against a demo server."""

import json
import os
import unittest

import openai

URL = os.environ["END2END_URL"] + "/api/v1"
KEY = os.environ["END2END_KEY"]
# One for each protocol the simulated providers speak: OpenAI chat, Anthropic Messages, Gemini.
MODELS = ["openai/gpt-5.4-mini", "anthropic/claude-haiku-4.5", "google/gemini-3.5-flash"]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
            "required": ["city", "unit"],
        },
    },
}
ASK_WEATHER = [{"role": "user", "content": "What is the weather in Paris in celsius?"}]


def hello(text="Say hello."):
    return [{"role": "user", "content": text}]


def client(key=KEY):
    return openai.OpenAI(base_url=URL, api_key=key, max_retries=0, timeout=60)


class OpenAI(unittest.TestCase):
    def setUp(self):
        self.client = client()
        self.addCleanup(self.client.close)

    def raises(self, kind, key=KEY, **fields):
        other = client(key)
        self.addCleanup(other.close)
        with self.assertRaises(kind) as caught:
            other.chat.completions.create(**{"model": MODELS[0], "messages": hello(), **fields})
        self.assertTrue(caught.exception.body["message"])
        return caught.exception

    def test_models_are_listed(self):
        ids = [model.id for model in self.client.models.list()]
        for model in MODELS:
            self.assertIn(model, ids)

    def test_a_chat_is_answered_and_priced(self):
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.chat.completions.create(model=model, messages=hello())
                self.assertTrue(answer.choices[0].message.content)
                self.assertEqual(answer.choices[0].finish_reason, "stop")
                self.assertEqual(answer.model, model)
                self.assertTrue(answer.id.startswith("gen-"))
                self.assertGreater(answer.usage.completion_tokens, 0)
                self.assertGreater(answer.usage.cost, 0)
                self.assertIn("simulated", answer.provider)

    def test_a_stream_has_one_finish_and_one_usage(self):
        for model in MODELS:
            with self.subTest(model):
                stream = self.client.chat.completions.create(model=model, messages=hello(), stream=True)
                chunks = list(stream)
                text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
                finishes = [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason]
                usages = [c.usage for c in chunks if c.usage]
                self.assertTrue(text)
                self.assertGreater(len(chunks), 3)
                self.assertEqual(finishes, ["stop"])
                self.assertEqual(len(usages), 1)
                self.assertGreater(usages[0].cost, 0)
                self.assertEqual(len({c.id for c in chunks}), 1)

    def test_a_tool_is_called(self):
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.chat.completions.create(model=model, messages=ASK_WEATHER, tools=[WEATHER])
                self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
                [call] = answer.choices[0].message.tool_calls
                self.assertEqual(call.function.name, "get_weather")
                self.assertEqual(json.loads(call.function.arguments), {"city": "Paris", "unit": "celsius"})
                result = {"role": "tool", "tool_call_id": call.id, "content": "17 degrees, cloudy"}
                again = ASK_WEATHER + [answer.choices[0].message.model_dump(exclude_none=True), result]
                last = self.client.chat.completions.create(model=model, messages=again, tools=[WEATHER])
                self.assertTrue(last.choices[0].message.content)

    def test_a_tool_call_streams(self):
        for model in MODELS:
            with self.subTest(model), self.client.chat.completions.stream(
                model=model, messages=ASK_WEATHER, tools=[WEATHER]
            ) as stream:
                answer = stream.get_final_completion()
                [call] = answer.choices[0].message.tool_calls
                self.assertEqual(json.loads(call.function.arguments)["city"], "Paris")
                self.assertEqual(answer.choices[0].finish_reason, "tool_calls")

    def test_a_schema_is_followed(self):
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
        answer = self.client.chat.completions.create(
            model=MODELS[0],
            messages=hello("Give me a number."),
            response_format={"type": "json_schema", "json_schema": {"name": "number", "strict": True, "schema": schema}},
        )
        self.assertIsInstance(json.loads(answer.choices[0].message.content)["n"], int)

    def test_a_bad_key_is_an_authentication_error(self):
        error = self.raises(openai.AuthenticationError, key="sk-or-v1-" + "0" * 64)
        self.assertEqual(error.status_code, 401)

    def test_an_unknown_model_is_a_bad_request_that_names_it(self):
        error = self.raises(openai.BadRequestError, model="nobody/nothing")
        self.assertIn("nobody/nothing", error.body["message"])

    def test_a_bad_parameter_is_a_bad_request_that_names_it(self):
        error = self.raises(openai.BadRequestError, temperature="hot")
        self.assertIn("temperature", error.body["message"])

    def test_an_empty_account_is_told_to_add_credit(self):
        error = self.raises(openai.APIStatusError, key=os.environ["END2END_POOR_KEY"])
        self.assertEqual(error.status_code, 402)
        self.assertIn("credit", error.body["message"])

    def test_a_failing_provider_is_named(self):
        error = self.raises(openai.APIStatusError, messages=hello("Hello [[fault:500]]"))
        self.assertEqual(error.status_code, 502)
        self.assertIn("simulated", error.body["metadata"]["provider_name"])

    def test_a_rate_limit_is_a_rate_limit(self):
        error = self.raises(openai.RateLimitError, messages=hello("Hello [[fault:429-retry-after]]"))
        self.assertTrue(int(error.response.headers["retry-after"]) > 0)

    def test_an_error_inside_a_stream_is_raised(self):
        stream = self.client.chat.completions.create(
            model=MODELS[0], messages=hello("Hello there, tell me more. [[fault:error-chunk]]"), stream=True
        )
        with self.assertRaises(openai.APIError) as caught:
            list(stream)
        self.assertTrue(caught.exception.message)

    def test_key_credits_and_generation_can_be_read(self):
        key = self.client.get("/key", cast_to=object)["data"]
        self.assertTrue(key["label"].startswith("sk-or-v1-"))
        answer = self.client.chat.completions.with_raw_response.create(model=MODELS[0], messages=hello())
        completion = answer.parse()
        self.assertEqual(answer.headers["x-generation-id"], completion.id)
        generation = self.client.get(f"/generation?id={completion.id}", cast_to=object)["data"]
        self.assertEqual(generation["id"], completion.id)
        self.assertAlmostEqual(generation["total_cost"], completion.usage.cost, places=9)
        self.assertEqual(generation["tokens_completion"], completion.usage.completion_tokens)
        after = self.client.get("/key", cast_to=object)["data"]
        self.assertGreaterEqual(after["usage"], key["usage"] + completion.usage.cost - 1e-9)
        credits = self.client.get("/credits", cast_to=object)["data"]
        self.assertGreater(credits["total_credits"], credits["total_usage"])


if __name__ == "__main__":
    unittest.main()
