"""The official google-genai package (PyPI) against a demo server."""

import json
import os
import unittest

from google import genai
from google.genai import errors, types

from common import KEY, MODELS

BASE = os.environ["END2END_URL"] + "/api"
GEMINI = "google/gemini-3.5-flash"
WEATHER = types.FunctionDeclaration(
    name="get_weather",
    description="The weather of a city",
    parameters=types.Schema(
        type="OBJECT",
        properties={
            "city": types.Schema(type="STRING"),
            "unit": types.Schema(type="STRING", enum=["celsius", "fahrenheit"]),
        },
        required=["city", "unit"],
    ),
)
ASK = "What is the weather in Paris in celsius?"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63fcffffff7f0009fb03fd"
    "08b3a0000000000049454e44ae426082"
)


def client(key=KEY):
    return genai.Client(api_key=key, vertexai=False, http_options=types.HttpOptions(base_url=BASE))


class GenaiPackage(unittest.TestCase):
    def setUp(self):
        self.client = client()

    def raises(self, code, model=GEMINI, text="Say hello.", key=KEY):
        with self.assertRaises(errors.APIError) as caught:
            # The client must outlive the call: it closes its connections when collected.
            own = client(key)
            own.models.generate_content(model=model, contents=text)
        self.assertEqual(caught.exception.code, code)
        return caught.exception

    def test_an_answer_is_counted(self):
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.models.generate_content(model=model, contents="Say hello.")
                self.assertTrue(answer.text)
                self.assertEqual(answer.candidates[0].finish_reason, types.FinishReason.STOP)
                self.assertGreater(answer.usage_metadata.prompt_token_count, 0)
                self.assertGreater(answer.usage_metadata.candidates_token_count, 0)
                self.assertEqual(answer.model_version, model)

    def test_a_stream_says_the_same_as_the_whole_answer(self):
        for model in MODELS:
            with self.subTest(model):
                chunks = list(self.client.models.generate_content_stream(model=model, contents="Say hello."))
                self.assertGreater(len(chunks), 1)
                text = "".join(chunk.text or "" for chunk in chunks)
                self.assertEqual(text, self.client.models.generate_content(model=model, contents="Say hello.").text)
                self.assertEqual(chunks[-1].candidates[0].finish_reason, types.FinishReason.STOP)
                self.assertGreater(chunks[-1].usage_metadata.total_token_count, 0)

    def test_thoughts_and_tools_go_round_twice(self):
        config = types.GenerateContentConfig(
            tools=[types.Tool(function_declarations=[WEATHER])],
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            thinking_config=types.ThinkingConfig(include_thoughts=True),
        )
        for model in MODELS:
            for is_streamed in (False, True):
                with self.subTest(model, is_streamed=is_streamed):
                    parts = self.parts(model, [types.Content(role="user", parts=[types.Part(text=ASK)])], config, is_streamed)
                    self.assertTrue(any(part.thought and part.text for part in parts))
                    [call] = [part.function_call for part in parts if part.function_call]
                    self.assertEqual(call.args, {"city": "Paris", "unit": "celsius"})
                    response = types.FunctionResponse(id=call.id, name=call.name, response={"result": "14 degrees"})
                    history = [
                        types.Content(role="user", parts=[types.Part(text=ASK)]),
                        types.Content(role="model", parts=parts),
                        types.Content(role="user", parts=[types.Part(function_response=response)]),
                    ]
                    again = self.parts(model, history, config, is_streamed)
                    text = "".join(part.text or "" for part in again if not part.thought)
                    self.assertIn("14 degrees", text)

    def parts(self, model, contents, config, is_streamed):
        fields = {"model": model, "contents": contents, "config": config}
        if is_streamed:
            chunks = list(self.client.models.generate_content_stream(**fields))
        else:
            chunks = [self.client.models.generate_content(**fields)]
        return [part for chunk in chunks for part in chunk.candidates[0].content.parts or []]

    def test_a_forced_function_is_called(self):
        calling = types.FunctionCallingConfig(mode="ANY", allowed_function_names=["get_weather"])
        config = types.GenerateContentConfig(
            tools=[types.Tool(function_declarations=[WEATHER])],
            tool_config=types.ToolConfig(function_calling_config=calling),
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.models.generate_content(model=model, contents=ASK, config=config)
                self.assertEqual(answer.function_calls[0].args["city"], "Paris")

    def test_an_answer_keeps_to_a_schema(self):
        schema = types.Schema(type="OBJECT", properties={"n": types.Schema(type="INTEGER")}, required=["n"])
        config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=schema)
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.models.generate_content(model=model, contents="Pick a number.", config=config)
                self.assertIsInstance(json.loads(answer.text)["n"], int)

    def test_an_image_is_seen(self):
        contents = [types.Part.from_bytes(data=PIXEL, mime_type="image/png"), "What is this?"]
        for model in MODELS:
            with self.subTest(model):
                self.assertIn("One image", self.client.models.generate_content(model=model, contents=contents).text)

    def test_tokens_are_counted(self):
        count = self.client.models.count_tokens(model=GEMINI, contents="word " * 200)
        self.assertGreater(count.total_tokens, 150)

    def test_models_are_listed_and_shown(self):
        names = [model.name for model in self.client.models.list(config={"page_size": 5})]
        self.assertTrue({f"models/{model}" for model in MODELS} <= set(names))
        self.assertEqual(len(names), len(set(names)), "no model is on two pages")
        self.assertEqual(self.client.models.get(model=GEMINI).name, f"models/{GEMINI}")

    def test_a_name_without_the_author_is_understood(self):
        answer = self.client.models.generate_content(model="gemini-3.5-flash", contents="Say hello.")
        self.assertEqual(answer.model_version, GEMINI)

    def test_errors_are_googles(self):
        self.assertEqual(self.raises(401, key="sk-or-v1-" + "0" * 64).status, "UNAUTHENTICATED")
        self.assertIn("nobody/nothing", self.raises(400, model="nobody/nothing").message)
        self.assertIn("credit", self.raises(402, key=os.environ["END2END_POOR_KEY"]).message)
        self.assertEqual(self.raises(429, text="Hello [[fault:429-retry-after]]").status, "RESOURCE_EXHAUSTED")
        self.assertEqual(self.raises(502, text="Hello [[fault:500]]").status, "UNAVAILABLE")

    def test_an_error_inside_a_stream_is_raised(self):
        text = "Hello there, tell me more. [[fault:error-chunk]]"
        for model in MODELS:
            with self.subTest(model), self.assertRaises(errors.APIError):
                list(self.client.models.generate_content_stream(model=model, contents=text))


if __name__ == "__main__":
    unittest.main()
