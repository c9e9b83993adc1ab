"""The official anthropic package (PyPI) against a demo server. The base URL is
the one Anthropic's clients want: they append /v1/messages."""

import json
import unittest

import anthropic

from common import (
    ASK_WEATHER, FORECAST, IN_PARIS, KEY, MODELS, PERSON, PIXEL, POOR_KEY, REPEATS_FORECAST, ROOT, SEES_PICTURE,
    THINKS, WRONG_KEY, Person, faulty, hello,
)
from common import WEATHER as CHAT_WEATHER

BASE = ROOT + "/api"
CLAUDE = "anthropic/claude-haiku-4.5"
FUNCTION = CHAT_WEATHER["function"]
WEATHER = {"name": FUNCTION["name"], "description": FUNCTION["description"], "input_schema": FUNCTION["parameters"]}
THINKING = {"type": "enabled", "budget_tokens": 1024}


def client(key=KEY):
    return anthropic.Anthropic(base_url=BASE, api_key=key, max_retries=0, timeout=60)


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
        for model in MODELS:
            with self.subTest(model):
                fields = {"model": model, "max_tokens": 4000, "thinking": THINKING, "tools": [WEATHER]}
                whole = self.client.messages.create(messages=ASK_WEATHER, **fields)
                with self.client.messages.stream(messages=ASK_WEATHER, **fields) as stream:
                    events = list(stream)
                    streamed = stream.get_final_message()
                thoughts = "".join(event.thinking for event in events if event.type == "thinking")
                self.assertIn(THINKS, thoughts)
                pieces = [event.partial_json for event in events if event.type == "input_json"]
                self.assertEqual(json.loads("".join(pieces)), IN_PARIS)
                for first in (whole, streamed):
                    self.assertEqual(first.stop_reason, "tool_use")
                    self.assertEqual(first.content[0].thinking, thoughts)
                    [call] = [block for block in first.content if block.type == "tool_use"]
                    self.assertEqual(call.input, IN_PARIS)
                    result = {"type": "tool_result", "tool_use_id": call.id, "content": FORECAST}
                    turns = [*ASK_WEATHER, {"role": "assistant", "content": first.content}, hello([result])[0]]
                    second = self.client.messages.create(messages=turns, **fields)
                    self.assertEqual(second.stop_reason, "end_turn")
                    self.assertRegex(second.content[-1].text, REPEATS_FORECAST)
                    # Without its signed thoughts a model would not think in the middle of a tool loop.
                    self.assertIn(THINKS, second.content[0].thinking)

    def test_a_tool_is_run_by_the_package(self):
        asked = []

        @anthropic.beta_tool
        def get_weather(city: str, unit: str) -> str:
            """The weather of a city"""
            asked.append(city)
            return FORECAST

        for model in MODELS:
            for is_streamed in (False, True):
                with self.subTest(model, is_streamed=is_streamed):
                    asked.clear()
                    runner = self.client.beta.messages.tool_runner(
                        model=model, max_tokens=2000, messages=ASK_WEATHER, tools=[get_weather], stream=is_streamed
                    )
                    last = runner.until_done()
                    self.assertRegex(last.content[-1].text, REPEATS_FORECAST)
                    self.assertEqual(asked, ["Paris"])

    def test_a_forced_tool_is_called_whole_and_streamed_alike(self):
        for model in MODELS:
            with self.subTest(model):
                fields = {"model": model, "tools": [WEATHER], "tool_choice": {"type": "any"}, "messages": ASK_WEATHER}
                whole = self.create(**fields)
                with self.client.messages.stream(max_tokens=2000, **fields) as stream:
                    streamed = stream.get_final_message()
                for message in (whole, streamed):
                    self.assertEqual(message.stop_reason, "tool_use")
                    [call] = [block for block in message.content if block.type == "tool_use"]
                    self.assertEqual(call.input["city"], "Paris")

    def test_an_answer_keeps_to_a_schema(self):
        for model in MODELS:
            with self.subTest(model):
                config = {"format": {"type": "json_schema", "schema": PERSON}}
                message = self.create(model, messages=hello("Make up a person."), output_config=config)
                person = Person.model_validate_json(message.content[0].text)
                fields = {"model": model, "max_tokens": 2000, "messages": hello("Make up a person.")}
                self.assertEqual(self.client.messages.parse(output_format=Person, **fields).parsed_output, person)

    def test_an_image_is_seen(self):
        source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
        content = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
        for model in MODELS:
            with self.subTest(model):
                self.assertIn(SEES_PICTURE, self.create(model, messages=hello(content)).content[0].text)

    def test_tokens_are_counted(self):
        count = self.client.messages.count_tokens(model=CLAUDE, messages=hello("word " * 200))
        self.assertGreater(count.input_tokens, 150)
        more = self.client.messages.count_tokens(
            model=CLAUDE, messages=hello("word " * 200), tools=[WEATHER], system="Be brief."
        )
        self.assertGreater(more.input_tokens, count.input_tokens)
        with self.assertRaises(anthropic.BadRequestError):
            self.client.messages.count_tokens(model="nobody/nothing", messages=hello())

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
        error = self.raises(anthropic.AuthenticationError, key=WRONG_KEY)
        self.assertEqual(error.body["error"]["type"], "authentication_error")
        error = self.raises(anthropic.BadRequestError, model="nobody/nothing")
        self.assertIn("nobody/nothing", error.body["error"]["message"])
        error = self.raises(anthropic.BadRequestError, messages=[{"role": "wizard", "content": "x"}])
        self.assertIn("messages[0].role", error.body["error"]["message"])
        error = self.raises(anthropic.APIStatusError, key=POOR_KEY)
        self.assertEqual((error.status_code, error.body["error"]["type"]), (402, "billing_error"))
        self.raises(anthropic.RateLimitError, messages=hello(faulty("429-retry-after")))
        self.raises(anthropic.InternalServerError, messages=hello(faulty("500")))

    def test_an_error_inside_a_stream_is_raised(self):
        messages = hello(faulty("error-chunk"))
        for model in MODELS:
            with self.subTest(model), self.assertRaises(anthropic.APIStatusError):
                with self.client.messages.stream(model=model, max_tokens=2000, messages=messages) as stream:
                    list(stream)


if __name__ == "__main__":
    unittest.main()
