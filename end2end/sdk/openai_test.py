"""The official openai package (PyPI) against a demo server."""

import asyncio
import json
import unittest

import openai
from openai.lib.streaming.chat import ContentDeltaEvent

from common import (
    ASK_WEATHER, FORECAST, IN_PARIS, KEY, MODELS, PIXEL_URL, POOR_KEY, REPEATS_FORECAST, SEES_PICTURE, THINKS, URL,
    WEATHER, WRONG_KEY, Person, faulty, hello,
)


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

    def test_a_tool_goes_round_twice(self):
        for model in MODELS:
            with self.subTest(model):
                fields = {"model": model, "tools": [WEATHER]}
                whole = self.client.chat.completions.create(messages=ASK_WEATHER, **fields)
                with self.client.chat.completions.stream(messages=ASK_WEATHER, **fields) as stream:
                    streamed = stream.get_final_completion()
                for answer in (whole, streamed):
                    self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
                    [call] = answer.choices[0].message.tool_calls
                    self.assertEqual(call.function.name, "get_weather")
                    self.assertEqual(json.loads(call.function.arguments), IN_PARIS)
                    result = {"role": "tool", "tool_call_id": call.id, "content": FORECAST}
                    turns = [*ASK_WEATHER, answer.choices[0].message.model_dump(exclude_none=True), result]
                    last = self.client.chat.completions.create(messages=turns, **fields).choices[0]
                    self.assertEqual(last.finish_reason, "stop")
                    self.assertRegex(last.message.content, REPEATS_FORECAST)

    def test_reasoning_is_shown_and_goes_back_with_the_result_of_a_tool(self):
        for model in MODELS:
            with self.subTest(model):
                fields = {"model": model, "tools": [WEATHER], "reasoning_effort": "high"}
                first = self.client.chat.completions.create(messages=ASK_WEATHER, **fields)
                message = first.choices[0].message
                self.assertIn(THINKS, message.reasoning)
                self.assertTrue(message.reasoning_details)
                self.assertGreater(first.usage.completion_tokens_details.reasoning_tokens, 0)
                chunks = list(self.client.chat.completions.create(messages=ASK_WEATHER, stream=True, **fields))
                deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
                self.assertEqual("".join(getattr(delta, "reasoning", "") or "" for delta in deltas), message.reasoning)
                result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": FORECAST}
                turns = [*ASK_WEATHER, message.model_dump(exclude_none=True), result]
                second = self.client.chat.completions.create(messages=turns, **fields).choices[0].message
                self.assertRegex(second.content, REPEATS_FORECAST)
                # Without its signed thoughts a model would not think in the middle of a tool loop.
                self.assertIn(THINKS, second.reasoning)

    def test_a_class_is_filled_in(self):
        for model in MODELS:
            with self.subTest(model):
                fields = {"model": model, "messages": hello("Make up a person."), "response_format": Person}
                answer = self.client.chat.completions.parse(**fields)
                self.assertIsInstance(answer.choices[0].message.parsed, Person)
                with self.client.chat.completions.stream(**fields) as stream:
                    pieces = [event.delta for event in stream if isinstance(event, ContentDeltaEvent)]
                    final = stream.get_final_completion().choices[0].message
                self.assertGreater(len(pieces), 1)
                self.assertEqual(final.parsed, answer.choices[0].message.parsed)

    def test_a_picture_is_seen(self):
        content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PIXEL_URL}}]
        for model in MODELS:
            with self.subTest(model):
                messages = [{"role": "user", "content": content}]
                answer = self.client.chat.completions.create(model=model, messages=messages)
                self.assertIn(SEES_PICTURE, answer.choices[0].message.content)

    def test_many_can_ask_at_once(self):
        async def ask_all():
            async with openai.AsyncOpenAI(base_url=URL, api_key=KEY, max_retries=0, timeout=60) as many:
                return await asyncio.gather(*(ask(many, number) for number in range(12)))

        async def ask(many, number):
            text = f"[[echo:answer {number}]]"
            stream = await many.chat.completions.create(model=MODELS[number % 3], messages=hello(text), stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

        self.assertEqual(asyncio.run(ask_all()), [f"answer {number}" for number in range(12)])

    def test_a_bad_key_is_an_authentication_error(self):
        error = self.raises(openai.AuthenticationError, key=WRONG_KEY)
        self.assertEqual(error.status_code, 401)

    def test_an_unknown_model_is_a_bad_request_that_names_it(self):
        error = self.raises(openai.BadRequestError, model="nobody/nothing")
        self.assertIn("nobody/nothing", error.body["message"])

    def test_a_bad_parameter_is_a_bad_request_that_names_it(self):
        error = self.raises(openai.BadRequestError, temperature="hot")
        self.assertIn("temperature", error.body["message"])

    def test_an_empty_account_is_told_to_add_credit(self):
        error = self.raises(openai.APIStatusError, key=POOR_KEY)
        self.assertEqual(error.status_code, 402)
        self.assertIn("credit", error.body["message"])

    def test_a_failing_provider_is_named(self):
        error = self.raises(openai.APIStatusError, messages=hello(faulty("500")))
        self.assertEqual(error.status_code, 502)
        self.assertIn("simulated", error.body["metadata"]["provider_name"])

    def test_a_rate_limit_is_a_rate_limit(self):
        error = self.raises(openai.RateLimitError, messages=hello(faulty("429-retry-after")))
        self.assertTrue(int(error.response.headers["retry-after"]) > 0)

    def test_an_error_inside_a_stream_is_raised(self):
        for model in MODELS:
            with self.subTest(model):
                stream = self.client.chat.completions.create(
                    model=model, messages=hello(faulty("error-chunk")), stream=True
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
