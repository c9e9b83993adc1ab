"""litellm as a client, through its OpenRouter provider."""

import gc
import json
import os
import unittest

# Its price list would be fetched from the network at import.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm  # noqa: E402

from common import (  # noqa: E402
    ASK_WEATHER, EMBEDDERS, FORECAST, IN_PARIS, KEY, MODELS, PERSON, PIXEL_URL, POOR_KEY, REPEATS_FORECAST, ROOT,
    SEES_PICTURE, THINKS, URL, WEATHER, WRONG_KEY, Person, faulty, hello,
)


# litellm drops streams unclosed. One that is collected inside httpcore's lock waits for that
# lock for ever, so they are collected between the calls only.
gc.disable()


def ask(model, content="Say hello.", key=KEY, **options):
    gc.collect()
    messages = options.pop("messages", hello(content))
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

    def test_a_stream_says_the_same_as_the_whole_answer(self):
        for model in MODELS:
            with self.subTest(model=model):
                chunks = list(ask(model, stream=True, stream_options={"include_usage": True}))
                pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
                self.assertGreater(len([piece for piece in pieces if piece]), 1)
                self.assertEqual("".join(piece or "" for piece in pieces), ask(model).choices[0].message.content)
                usages = [chunk.usage for chunk in chunks if getattr(chunk, "usage", None)]
                self.assertEqual(len(usages), 1)
                self.assertGreater(usages[0].completion_tokens, 0)

    def test_a_tool_is_called_and_its_result_used(self):
        for model in MODELS:
            for is_streamed in (False, True):
                with self.subTest(model=model, is_streamed=is_streamed):
                    fields = {"tools": [WEATHER], "extra_body": {"reasoning": {"effort": "high"}}}
                    answer = ask(model, messages=ASK_WEATHER, stream=is_streamed, **fields)
                    if is_streamed:
                        answer = litellm.stream_chunk_builder(list(answer), messages=ASK_WEATHER)
                    first = answer.choices[0]
                    self.assertEqual(first.finish_reason, "tool_calls")
                    [call] = first.message.tool_calls
                    self.assertEqual(json.loads(call.function.arguments), IN_PARIS)
                    result = {"role": "tool", "tool_call_id": call.id, "content": FORECAST}
                    messages = [*ASK_WEATHER, first.message.model_dump(exclude_none=True), result]
                    second = ask(model, messages=messages, **fields).choices[0]
                    self.assertEqual(second.finish_reason, "stop")
                    self.assertRegex(second.message.content, REPEATS_FORECAST)

    def test_a_schema_is_kept_to(self):
        schema = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": PERSON}}
        for model in MODELS:
            with self.subTest(model=model):
                whole = ask(model, "Make up a person.", response_format=schema).choices[0].message.content
                chunks = ask(model, "Make up a person.", response_format=schema, stream=True)
                streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
                self.assertEqual(Person.model_validate_json(whole), Person.model_validate_json(streamed))

    def test_a_picture_is_seen(self):
        parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PIXEL_URL}}]
        for model in MODELS:
            with self.subTest(model=model):
                self.assertIn(SEES_PICTURE, ask(model, parts).choices[0].message.content)

    def test_reasoning_is_shown(self):
        for model in MODELS:
            with self.subTest(model=model):
                options = {"extra_body": {"reasoning": {"effort": "high"}}}
                thought = ask(model, **options).choices[0].message.reasoning_content
                self.assertIn(THINKS, thought)
                chunks = list(ask(model, stream=True, **options))
                deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
                self.assertEqual("".join(getattr(delta, "reasoning_content", "") or "" for delta in deltas), thought)

    def test_texts_become_vectors(self):
        for model in EMBEDDERS:
            with self.subTest(model=model):
                answer = litellm.embedding(
                    model=f"openrouter/{model}", api_base=URL, api_key=KEY, input=["a red apple", "tax law"]
                )
                self.assertEqual(len(answer.data), 2)
                self.assertGreater(len(answer.data[0]["embedding"]), 10)

    def test_the_other_dialects_are_spoken_as_well(self):
        for model in ("anthropic/claude-haiku-4.5", "gemini/gemini-3.5-flash"):
            with self.subTest(model=model):
                # Each provider of litellm adds another part of the path.
                base = ROOT + "/api" if model.startswith("anthropic/") else f"{ROOT}/api/v1beta"
                fields = {"model": model, "api_base": base, "api_key": KEY, "tools": [WEATHER], "num_retries": 0}
                first = litellm.completion(messages=ASK_WEATHER, **fields).choices[0].message
                [call] = first.tool_calls
                self.assertEqual(json.loads(call.function.arguments), IN_PARIS)
                result = {"role": "tool", "tool_call_id": call.id, "content": FORECAST}
                second = litellm.completion(messages=[*ASK_WEATHER, first, result], **fields)
                self.assertRegex(second.choices[0].message.content, REPEATS_FORECAST)

    def test_errors_have_their_kind(self):
        def fails(kind, message, *args, **options):
            with self.assertRaises(kind) as caught:
                ask(*args, **options)
            self.assertIn(message, str(caught.exception))

        fails(litellm.AuthenticationError, "API key", MODELS[0], key=WRONG_KEY)
        fails(litellm.APIError, "credit", MODELS[0], key=POOR_KEY)
        fails(litellm.BadRequestError, "nobody/nothing", "nobody/nothing")
        fails(litellm.RateLimitError, "", MODELS[0], faulty("429-retry-after"))
        fails(litellm.APIError, "502", MODELS[0], faulty("500"))

    def test_an_error_inside_a_stream_is_raised(self):
        for model in MODELS:
            with self.subTest(model=model):
                with self.assertRaises(litellm.exceptions.MidStreamFallbackError) as caught:
                    list(ask(model, faulty("error-chunk"), stream=True))
                self.assertIn("broke off", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
