"""Responses, completions, embeddings and rankings with the official openai package (PyPI)."""

import json
import math
import unittest

import httpx
import openai

from common import (
    EMBEDDERS, FORECAST, IN_PARIS, KEY, MODELS, PIXEL_URL, POOR_KEY, REPEATS_FORECAST, SEES_PICTURE, THINKS, URL,
    WRONG_KEY, Person, faulty,
)
from common import WEATHER as CHAT_WEATHER
from openai_test import client

WEATHER = {"type": "function", "strict": True, **CHAT_WEATHER["function"]}
ASK_WEATHER = {"role": "user", "content": "What is the weather in Paris in celsius?"}


class Responses(unittest.TestCase):
    def setUp(self):
        self.client = client()
        self.addCleanup(self.client.close)

    def test_a_response_is_answered_and_priced(self):
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.responses.create(model=model, input="Say hello.", instructions="Be brief.")
                self.assertEqual(answer.status, "completed")
                self.assertTrue(answer.output_text)
                self.assertEqual(answer.model, model)
                self.assertEqual(answer.instructions, "Be brief.")
                self.assertGreater(answer.usage.output_tokens, 0)
                self.assertGreater(answer.usage.cost, 0)

    def test_a_stream_builds_the_whole_response(self):
        for model in MODELS:
            with self.subTest(model), self.client.responses.stream(model=model, input="Say hello.") as stream:
                events = list(stream)
                text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
                final = stream.get_final_response()
                self.assertEqual(events[0].type, "response.created")
                self.assertEqual(events[-1].type, "response.completed")
                numbers = [event.sequence_number for event in events if event.type.startswith("response.")]
                self.assertEqual(numbers, sorted(numbers))
                self.assertTrue(text)
                self.assertEqual(final.output_text, text)

    def test_a_tool_loop_of_two_turns(self):
        for model in MODELS:
            with self.subTest(model):
                first = self.client.responses.create(model=model, input=[ASK_WEATHER], tools=[WEATHER])
                [call] = [item for item in first.output if item.type == "function_call"]
                self.assertEqual(json.loads(call.arguments), IN_PARIS)
                result = {"type": "function_call_output", "call_id": call.call_id, "output": FORECAST}
                second = self.client.responses.create(
                    model=model, input=[ASK_WEATHER, *first.output, result], tools=[WEATHER]
                )
                self.assertRegex(second.output_text, REPEATS_FORECAST)

    def test_a_tool_call_streams(self):
        for model in MODELS:
            with self.subTest(model), self.client.responses.stream(
                model=model, input=[ASK_WEATHER], tools=[WEATHER]
            ) as stream:
                pieces = [event.delta for event in stream if event.type == "response.function_call_arguments.delta"]
                final = stream.get_final_response()
                [call] = [item for item in final.output if item.type == "function_call"]
                self.assertEqual("".join(pieces), call.arguments)
                self.assertEqual(json.loads(call.arguments)["city"], "Paris")

    def test_a_class_is_filled_in(self):
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.responses.parse(model=model, input="Who are you?", text_format=Person)
                self.assertIsInstance(answer.output_parsed, Person)
                with self.client.responses.stream(model=model, input="Who are you?", text_format=Person) as stream:
                    stream.until_done()
                    self.assertEqual(stream.get_final_response().output_parsed, answer.output_parsed)

    def test_a_picture_is_taken(self):
        content = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": PIXEL_URL}]
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.responses.create(model=model, input=[{"role": "user", "content": content}])
                self.assertIn(SEES_PICTURE, answer.output_text)

    def test_reasoning_is_shown_and_goes_back_with_the_result_of_a_tool(self):
        fields = {
            "tools": [WEATHER], "include": ["reasoning.encrypted_content"],
            "reasoning": {"effort": "high", "summary": "auto"},
        }
        for model in MODELS:
            with self.subTest(model):
                with self.client.responses.stream(model=model, input=[ASK_WEATHER], **fields) as stream:
                    kinds = {event.type for event in stream}
                    first = stream.get_final_response()
                [call] = [item for item in first.output if item.type == "function_call"]
                thoughts = [item for item in first.output if item.type == "reasoning"]
                words = [part.text for item in thoughts for part in (item.content or []) + item.summary]
                self.assertIn(THINKS, "".join(words))
                self.assertTrue({"response.reasoning_text.delta", "response.reasoning_summary_text.delta"} & kinds)
                self.assertGreater(first.usage.output_tokens_details.reasoning_tokens, 0)
                result = {"type": "function_call_output", "call_id": call.call_id, "output": FORECAST}
                history = [ASK_WEATHER, *first.output, result]
                second = self.client.responses.create(model=model, input=history, **fields)
                self.assertRegex(second.output_text, REPEATS_FORECAST)
                # Without its signed thoughts a model would not think in the middle of a tool loop.
                self.assertEqual(second.output[0].type, "reasoning")

    def test_a_cap_makes_the_response_incomplete(self):
        answer = self.client.responses.create(model=MODELS[0], input="Tell me a long story.", max_output_tokens=3)
        self.assertEqual(answer.status, "incomplete")
        self.assertEqual(answer.incomplete_details.reason, "max_output_tokens")

    def test_what_needs_storage_is_a_bad_request(self):
        for fields in ({"store": True}, {"previous_response_id": "resp_1"}, {"background": True}):
            with self.subTest(fields), self.assertRaises(openai.BadRequestError) as caught:
                self.client.responses.create(model=MODELS[0], input="hi", **fields)
            self.assertIn(next(iter(fields)), caught.exception.body["message"])

    def test_errors_have_their_kind(self):
        def fails(kind, key=KEY, **fields):
            with self.assertRaises(kind) as caught, client(key) as other:
                other.responses.create(**{"model": MODELS[0], "input": "hi", **fields})
            return caught.exception.body["message"]

        self.assertIn("API key", fails(openai.AuthenticationError, key=WRONG_KEY))
        self.assertIn("credit", fails(openai.APIStatusError, key=POOR_KEY))
        self.assertIn("nobody/nothing", fails(openai.BadRequestError, model="nobody/nothing"))
        self.assertTrue(fails(openai.RateLimitError, input=faulty("429-retry-after")))
        self.assertTrue(fails(openai.InternalServerError, input=faulty("500")))

    def test_a_stream_that_breaks_is_a_failed_response(self):
        for model in MODELS:
            with self.subTest(model):
                last = list(self.client.responses.create(model=model, input=faulty("error-chunk"), stream=True))[-1]
                self.assertEqual(last.type, "response.failed")
                self.assertTrue(last.response.error.message)


class Completions(unittest.TestCase):
    def setUp(self):
        self.client = client()
        self.addCleanup(self.client.close)

    def test_a_prompt_is_completed(self):
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.completions.create(model=model, prompt="Say hello.", echo=True)
                self.assertTrue(answer.choices[0].text.startswith("Say hello."))
                self.assertGreater(len(answer.choices[0].text), len("Say hello."))
                self.assertEqual(answer.choices[0].finish_reason, "stop")
                self.assertGreater(answer.usage.cost, 0)

    def test_a_completion_streams(self):
        chunks = list(self.client.completions.create(model=MODELS[0], prompt="Say hello.", stream=True))
        self.assertTrue("".join(chunk.choices[0].text for chunk in chunks if chunk.choices))
        self.assertEqual([c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason], ["stop"])
        self.assertGreater(chunks[-1].usage.total_tokens, 0)

    def test_a_suffix_is_refused_by_name(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.completions.create(model=MODELS[0], prompt="a", suffix="b")
        self.assertIn("suffix", caught.exception.body["message"])


class Embeddings(unittest.TestCase):
    def setUp(self):
        self.client = client()
        self.addCleanup(self.client.close)

    def test_texts_become_vectors_in_both_encodings(self):
        for model in EMBEDDERS:
            with self.subTest(model):
                texts = ["a red apple", "the red apple", "tax law"]
                # The package asks for base64 and unpacks it.
                packed = self.client.embeddings.create(model=model, input=texts)
                plain = self.client.embeddings.create(model=model, input=texts, encoding_format="float")
                raw = self.client.embeddings.with_raw_response.create(
                    model=model, input=texts, encoding_format="base64"
                )
                self.assertIsInstance(json.loads(raw.text)["data"][0]["embedding"], str)
                for one, other in zip(packed.data, plain.data):
                    for a, b in zip(one.embedding, other.embedding):
                        self.assertAlmostEqual(a, b, places=6)
                near = sum(a * b for a, b in zip(plain.data[0].embedding, plain.data[1].embedding))
                far = sum(a * b for a, b in zip(plain.data[0].embedding, plain.data[2].embedding))
                self.assertGreater(near, far)
                self.assertGreater(plain.usage.cost, 0)
                self.assertGreater(plain.usage.prompt_tokens, 0)

    def test_vectors_can_be_shorter(self):
        answer = self.client.embeddings.create(model=EMBEDDERS[0], input="hello", dimensions=64)
        self.assertEqual(len(answer.data[0].embedding), 64)
        self.assertAlmostEqual(math.sqrt(sum(n * n for n in answer.data[0].embedding)), 1, places=5)

    def test_errors_have_their_kind(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.embeddings.create(model=MODELS[0], input="hello")
        self.assertIn("embeddings", caught.exception.body["message"])
        with self.assertRaises(openai.AuthenticationError), client(WRONG_KEY) as other:
            other.embeddings.create(model=EMBEDDERS[0], input="hello")
        with self.assertRaises(openai.RateLimitError):
            self.client.embeddings.create(model=EMBEDDERS[0], input=faulty("429-retry-after"))

    def test_models_that_embed_are_listed(self):
        ids = [model["id"] for model in self.client.get("/embeddings/models", cast_to=object)["data"]]
        for model in EMBEDDERS:
            self.assertIn(model, ids)
        self.assertNotIn(MODELS[0], ids)

    def test_documents_are_ranked(self):
        documents = ["Berlin is in Germany.", "The capital of France is Paris."]
        body = {"model": "cohere/rerank-v3.5", "query": "capital of France", "documents": documents, "top_n": 1}
        answer = httpx.post(f"{URL}/rerank", json=body, headers={"Authorization": f"Bearer {KEY}"}, timeout=60).json()
        [best] = answer["results"]
        self.assertEqual((best["index"], best["document"]["text"]), (1, documents[1]))
        self.assertAlmostEqual(answer["usage"]["cost"], 0.002)


if __name__ == "__main__":
    unittest.main()
