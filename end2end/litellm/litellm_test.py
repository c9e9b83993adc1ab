"""litellm as a client, through its OpenRouter provider."""

import json
import os
import unittest

# Its price list would be fetched from the network at import.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm  # noqa: E402

URL = os.environ["END2END_URL"] + "/api/v1"
KEY = os.environ["END2END_KEY"]
MODELS = ["openai/gpt-5.4-mini", "anthropic/claude-haiku-4.5", "google/gemini-3.5-flash"]
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
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
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def ask(model, content="Say hello.", key=KEY, **options):
    messages = options.pop("messages", [{"role": "user", "content": content}])
    return litellm.completion(
        model=f"openrouter/{model}", api_base=URL, api_key=key, messages=messages, num_retries=0, **options
    )


class Litellm(unittest.TestCase):
    def test_an_answer_has_text_and_usage(self):
        for model in MODELS:
            with self.subTest(model=model):
                answer = ask(model)
                self.assertTrue(answer.choices[0].message.content)
                self.assertEqual(answer.choices[0].finish_reason, "stop")
                self.assertGreater(answer.usage.prompt_tokens, 0)
                self.assertGreater(answer.usage.completion_tokens, 0)

    def test_a_stream_comes_in_pieces(self):
        for model in MODELS:
            with self.subTest(model=model):
                chunks = list(ask(model, stream=True, stream_options={"include_usage": True}))
                pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
                self.assertGreater(len([piece for piece in pieces if piece]), 1)
                self.assertTrue(any(getattr(chunk, "usage", None) for chunk in chunks))

    def test_a_tool_is_called_and_its_result_used(self):
        for model in MODELS:
            with self.subTest(model=model):
                messages = [{"role": "user", "content": "What is the weather in Paris in celsius?"}]
                first = ask(model, messages=messages, tools=[WEATHER]).choices[0]
                self.assertEqual(first.finish_reason, "tool_calls")
                call = first.message.tool_calls[0]
                self.assertEqual(json.loads(call.function.arguments), {"city": "Paris", "unit": "celsius"})
                messages += [
                    first.message.model_dump(exclude_none=True),
                    {"role": "tool", "tool_call_id": call.id, "content": '{"degrees": 21}'},
                ]
                second = ask(model, messages=messages, tools=[WEATHER]).choices[0]
                self.assertEqual(second.finish_reason, "stop")
                self.assertTrue(second.message.content)

    def test_a_schema_is_kept_to(self):
        for model in MODELS:
            with self.subTest(model=model):
                response_format = {
                    "type": "json_schema",
                    "json_schema": {"name": "person", "strict": True, "schema": SCHEMA},
                }
                person = json.loads(ask(model, response_format=response_format).choices[0].message.content)
                self.assertIsInstance(person["name"], str)
                self.assertIsInstance(person["age"], int)

    def test_a_picture_is_taken(self):
        for model in MODELS:
            with self.subTest(model=model):
                parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
                self.assertTrue(ask(model, parts).choices[0].message.content)

    def test_reasoning_is_shown(self):
        for model in MODELS:
            with self.subTest(model=model):
                message = ask(model, extra_body={"reasoning": {"effort": "high"}}).choices[0].message
                self.assertTrue(message.reasoning_content)

    def test_errors_have_their_kind(self):
        with self.assertRaises(litellm.AuthenticationError):
            ask(MODELS[0], key="sk-or-v1-" + "0" * 64)
        with self.assertRaises(litellm.BadRequestError):
            ask("nobody/nothing")


if __name__ == "__main__":
    unittest.main()
