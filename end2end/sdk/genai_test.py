"""The official google-genai package (PyPI) against a demo server."""

import base64
import unittest

from google import genai
from google.genai import errors, types

from common import (
    FORECAST, IN_PARIS, KEY, MODELS, PIXEL, POOR_KEY, REPEATS_FORECAST, ROOT, SEES_PICTURE, THINKS, WRONG_KEY, Person,
    faulty,
)

BASE = ROOT + "/api"
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
MANUAL = types.AutomaticFunctionCallingConfig(disable=True)
THINKING = types.ThinkingConfig(include_thoughts=True)


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
            automatic_function_calling=MANUAL,
            thinking_config=THINKING,
        )
        for model in MODELS:
            for is_streamed in (False, True):
                with self.subTest(model, is_streamed=is_streamed):
                    parts = self.parts(model, [types.Content(role="user", parts=[types.Part(text=ASK)])], config, is_streamed)
                    self.assertIn(THINKS, "".join(part.text or "" for part in parts if part.thought))
                    [call] = [part.function_call for part in parts if part.function_call]
                    self.assertEqual(call.args, IN_PARIS)
                    response = types.FunctionResponse(id=call.id, name=call.name, response={"result": FORECAST})
                    history = [
                        types.Content(role="user", parts=[types.Part(text=ASK)]),
                        types.Content(role="model", parts=parts),
                        types.Content(role="user", parts=[types.Part(function_response=response)]),
                    ]
                    again = self.parts(model, history, config, is_streamed)
                    text = "".join(part.text or "" for part in again if not part.thought)
                    self.assertRegex(text, REPEATS_FORECAST)
                    # Without its signed thoughts a model would not think in the middle of a tool loop.
                    self.assertIn(THINKS, "".join(part.text or "" for part in again if part.thought))

    def test_a_function_is_run_by_the_package(self):
        asked = []

        def get_weather(city: str, unit: str) -> str:
            """The weather of a city"""
            asked.append(city)
            return FORECAST

        config = types.GenerateContentConfig(tools=[get_weather])
        for model in MODELS:
            with self.subTest(model):
                asked.clear()
                chat = self.client.chats.create(model=model, config=config)
                self.assertRegex(chat.send_message(ASK).text, REPEATS_FORECAST)
                self.assertEqual(asked, ["Paris"])
                self.assertIn("You wrote", chat.send_message("Thank you.").text)

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
            automatic_function_calling=MANUAL,
        )
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.models.generate_content(model=model, contents=ASK, config=config)
                self.assertEqual(answer.function_calls[0].args["city"], "Paris")

    def test_an_answer_keeps_to_a_schema(self):
        fields = {"contents": "Make up a person."}
        for schema in ({"response_schema": Person}, {"response_json_schema": Person.model_json_schema()}):
            config = types.GenerateContentConfig(response_mime_type="application/json", **schema)
            for model in MODELS:
                with self.subTest(model, schema=next(iter(schema))):
                    answer = self.client.models.generate_content(model=model, config=config, **fields)
                    person = Person.model_validate_json(answer.text)
                    if "response_schema" in schema:
                        self.assertEqual(answer.parsed, person)
                    chunks = self.client.models.generate_content_stream(model=model, config=config, **fields)
                    text = "".join(chunk.text or "" for chunk in chunks)
                    self.assertEqual(Person.model_validate_json(text), person)

    def test_an_image_is_seen(self):
        contents = [types.Part.from_bytes(data=base64.b64decode(PIXEL), mime_type="image/png"), "What is this?"]
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.models.generate_content(model=model, contents=contents)
                self.assertIn(SEES_PICTURE, answer.text)

    def test_thoughts_are_shown_and_counted(self):
        config = types.GenerateContentConfig(thinking_config=THINKING)
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.models.generate_content(model=model, contents="Think of seven.", config=config)
                thoughts = [part.text for part in answer.candidates[0].content.parts if part.thought]
                self.assertIn(THINKS, "".join(thoughts))
                self.assertNotIn(THINKS, answer.text)
                self.assertGreater(answer.usage_metadata.thoughts_token_count, 0)

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
        self.assertEqual(self.raises(401, key=WRONG_KEY).status, "UNAUTHENTICATED")
        self.assertIn("nobody/nothing", self.raises(400, model="nobody/nothing").message)
        self.assertIn("credit", self.raises(402, key=POOR_KEY).message)
        self.assertEqual(self.raises(429, text=faulty("429-retry-after")).status, "RESOURCE_EXHAUSTED")
        self.assertEqual(self.raises(502, text=faulty("500")).status, "UNAVAILABLE")

    def test_an_error_inside_a_stream_is_raised(self):
        for model in MODELS:
            with self.subTest(model), self.assertRaises(errors.APIError):
                list(self.client.models.generate_content_stream(model=model, contents=faulty("error-chunk")))


if __name__ == "__main__":
    unittest.main()
