"""Responses, completions, embeddings and rankings with the official openai package (PyPI)."""

import json
import math
import unittest

import httpx
import openai
from pydantic import BaseModel

from openai_test import KEY, MODELS, URL, client

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        "required": ["city", "unit"],
        "additionalProperties": False,
    },
    "strict": True,
}
ASK_WEATHER = {"role": "user", "content": "What is the weather in Paris in celsius?"}
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
EMBEDDERS = ["openai/text-embedding-3-small", "google/gemini-embedding-001"]


class Person(BaseModel):
    name: str
    age: int


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
                self.assertEqual(json.loads(call.arguments), {"city": "Paris", "unit": "celsius"})
                result = {"type": "function_call_output", "call_id": call.call_id, "output": "17 degrees, cloudy"}
                second = self.client.responses.create(
                    model=model, input=[ASK_WEATHER, *first.output, result], tools=[WEATHER]
                )
                self.assertTrue(second.output_text)

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

    def test_a_picture_is_taken(self):
        content = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": PIXEL}]
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.responses.create(model=model, input=[{"role": "user", "content": content}])
                self.assertTrue(answer.output_text)

    def test_reasoning_is_shown_and_can_be_sent_back(self):
        for model in MODELS:
            with self.subTest(model):
                ask = {"role": "user", "content": "Think about seven."}
                fields = {"reasoning": {"effort": "high", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
                with self.client.responses.stream(model=model, input=[ask], **fields) as stream:
                    kinds = {event.type for event in stream}
                    first = stream.get_final_response()
                [thought] = [item for item in first.output if item.type == "reasoning"]
                words = [part.text for part in (thought.content or []) + thought.summary]
                self.assertTrue("".join(words))
                self.assertTrue({"response.reasoning_text.delta", "response.reasoning_summary_text.delta"} & kinds)
                history = [ask, *first.output, {"role": "user", "content": "And eight?"}]
                second = self.client.responses.create(model=model, input=history, **fields)
                self.assertTrue(second.output_text)

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
        with self.assertRaises(openai.AuthenticationError):
            client("sk-or-v1-" + "0" * 64).responses.create(model=MODELS[0], input="hi")
        with self.assertRaises(openai.RateLimitError):
            self.client.responses.create(model=MODELS[0], input="Hello [[fault:429]]")
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.responses.create(model="nobody/nothing", input="hi")
        self.assertIn("nobody/nothing", caught.exception.body["message"])

    def test_a_stream_that_breaks_is_a_failed_response(self):
        stream = self.client.responses.create(
            model=MODELS[0], input="Hello there, tell me more. [[fault:error-chunk]]", stream=True
        )
        last = list(stream)[-1]
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

    def test_a_chat_model_is_refused(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.embeddings.create(model=MODELS[0], input="hello")
        self.assertIn("embeddings", caught.exception.body["message"])

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
