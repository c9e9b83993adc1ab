"""The official anthropic package (PyPI) against a demo server. The base URL is
the one Anthropic's clients want: they append /v1/messages."""

import json
import os
import unittest

import anthropic

from openai_test import KEY, MODELS

BASE = os.environ["END2END_URL"] + "/api"
CLAUDE = "anthropic/claude-haiku-4.5"
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        "required": ["city", "unit"],
    },
}
ASK = [{"role": "user", "content": "What is the weather in Paris in celsius?"}]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


def client(key=KEY):
    return anthropic.Anthropic(base_url=BASE, api_key=key, max_retries=0, timeout=60)


def hello(text="Say hello."):
    return [{"role": "user", "content": text}]


class AnthropicPackage(unittest.TestCase):
    def setUp(self):
        self.client = client()

    def create(self, model=CLAUDE, key=KEY, **fields):
        return client(key).messages.create(**{"model": model, "max_tokens": 2000, "messages": hello(), **fields})

    def raises(self, kind, **fields):
        with self.assertRaises(kind) as caught:
            self.create(**fields)
        return caught.exception

    def test_a_message_is_answered_and_priced(self):
        for model in MODELS:
            with self.subTest(model):
                message = self.create(model)
                self.assertEqual(message.type, "message")
                self.assertTrue(message.content[0].text)
                self.assertEqual(message.stop_reason, "end_turn")
                self.assertGreater(message.usage.input_tokens, 0)
                self.assertGreater(message.usage.cost, 0)

    def test_a_stream_says_the_same_as_the_whole_answer(self):
        for model in MODELS:
            with self.subTest(model):
                fields = {"model": model, "max_tokens": 2000, "messages": hello()}
                with self.client.messages.stream(**fields) as stream:
                    text = "".join(stream.text_stream)
                    final = stream.get_final_message()
                self.assertEqual(text, final.content[0].text)
                self.assertEqual(text, self.create(model).content[0].text)
                self.assertEqual(final.stop_reason, "end_turn")
                self.assertGreater(final.usage.output_tokens, 1)
                self.assertGreater(final.usage.input_tokens, 0)

    def test_thinking_and_tools_go_round_twice(self):
        thinking = {"type": "enabled", "budget_tokens": 1024}
        for model in MODELS:
            with self.subTest(model):
                fields = {"model": model, "max_tokens": 4000, "thinking": thinking, "tools": [WEATHER]}
                with self.client.messages.stream(messages=ASK, **fields) as stream:
                    kinds = {event.type for event in stream}
                    first = stream.get_final_message()
                self.assertIn("thinking", kinds)
                self.assertIn("input_json", kinds)
                self.assertEqual(first.stop_reason, "tool_use")
                self.assertTrue([block for block in first.content if block.type == "thinking"][0].thinking)
                [call] = [block for block in first.content if block.type == "tool_use"]
                self.assertEqual(call.input, {"city": "Paris", "unit": "celsius"})
                result = {"type": "tool_result", "tool_use_id": call.id, "content": "14 degrees, light rain"}
                content = [block.model_dump(exclude_none=True) for block in first.content]
                turns = [*ASK, {"role": "assistant", "content": content}, {"role": "user", "content": [result]}]
                second = self.client.messages.create(messages=turns, **fields)
                self.assertEqual(second.stop_reason, "end_turn")
                self.assertIn("14 degrees", second.content[-1].text)

    def test_a_forced_tool_is_called_whole_and_streamed_alike(self):
        for model in MODELS:
            with self.subTest(model):
                fields = {"model": model, "tools": [WEATHER], "tool_choice": {"type": "any"}, "messages": ASK}
                whole = self.create(**fields)
                with self.client.messages.stream(max_tokens=2000, **fields) as stream:
                    streamed = stream.get_final_message()
                for message in (whole, streamed):
                    self.assertEqual(message.stop_reason, "tool_use")
                    [call] = [block for block in message.content if block.type == "tool_use"]
                    self.assertEqual(call.input["city"], "Paris")

    def test_an_answer_keeps_to_a_schema(self):
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
                  "additionalProperties": False}
        for model in MODELS:
            with self.subTest(model):
                config = {"format": {"type": "json_schema", "schema": schema}}
                message = self.create(model, messages=hello("Pick a number."), output_config=config)
                self.assertIsInstance(json.loads(message.content[0].text)["n"], int)

    def test_an_image_is_seen(self):
        source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
        content = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
        for model in MODELS:
            with self.subTest(model):
                message = self.create(model, messages=[{"role": "user", "content": content}])
                self.assertIn("One image", message.content[0].text)

    def test_tokens_are_counted(self):
        count = self.client.messages.count_tokens(model=CLAUDE, messages=hello("word " * 200))
        self.assertGreater(count.input_tokens, 150)

    def test_models_are_listed_and_shown(self):
        ids = [model.id for model in self.client.models.list(limit=5)]
        self.assertTrue(set(MODELS) <= set(ids))
        self.assertEqual(len(ids), len(set(ids)), "no model is on two pages")
        model = self.client.models.retrieve(CLAUDE)
        self.assertEqual(model.id, CLAUDE)
        self.assertTrue(model.display_name)
        self.assertEqual(self.client.models.retrieve("claude-haiku-4-5").id, CLAUDE)

    def test_a_name_without_the_author_is_understood(self):
        self.assertEqual(self.create("claude-haiku-4-5").model, CLAUDE)

    def test_errors_are_anthropics(self):
        error = self.raises(anthropic.AuthenticationError, key="sk-or-v1-" + "0" * 64)
        self.assertEqual(error.body["error"]["type"], "authentication_error")
        error = self.raises(anthropic.BadRequestError, model="nobody/nothing")
        self.assertIn("nobody/nothing", error.body["error"]["message"])
        error = self.raises(anthropic.BadRequestError, messages=[{"role": "wizard", "content": "x"}])
        self.assertIn("messages[0].role", error.body["error"]["message"])
        error = self.raises(anthropic.APIStatusError, key=os.environ["END2END_POOR_KEY"])
        self.assertEqual((error.status_code, error.body["error"]["type"]), (402, "billing_error"))
        self.raises(anthropic.RateLimitError, messages=hello("Hello [[fault:429-retry-after]]"))
        self.raises(anthropic.InternalServerError, messages=hello("Hello [[fault:500]]"))

    def test_an_error_inside_a_stream_is_raised(self):
        messages = hello("Hello there, tell me more. [[fault:error-chunk]]")
        for model in MODELS:
            with self.subTest(model), self.assertRaises(anthropic.APIStatusError):
                with self.client.messages.stream(model=model, max_tokens=2000, messages=messages) as stream:
                    list(stream)


if __name__ == "__main__":
    unittest.main()
