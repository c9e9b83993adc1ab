"""The official openrouter package (PyPI) against a demo server. Its retries are
off: it would try a definite failure again for an hour."""

import json
import os
import unittest

from openrouter import OpenRouter, errors
from openrouter.utils import RetryConfig

from common import (
    ASK_WEATHER, EMBEDDERS, FORECAST, IN_PARIS, KEY, MODELS, PERSON, PIXEL_URL, POOR_KEY, REPEATS_FORECAST,
    SEES_PICTURE, THINKS, URL, WEATHER, WRONG_KEY, Person, faulty, hello,
)


def client(key=KEY):
    never = RetryConfig("none", None, False)
    return OpenRouter(api_key=key, server_url=URL, retry_config=never, timeout_ms=60_000)


class OpenRouterPackage(unittest.TestCase):
    def setUp(self):
        self.client = client()

    def raises(self, kind, key=KEY, **fields):
        with self.assertRaises(kind) as caught:
            client(key).chat.send(**{"model": MODELS[0], "messages": hello(), **fields})
        self.assertTrue(caught.exception.message)
        return caught.exception

    def test_models_and_providers_are_listed(self):
        ids = [model.id for model in self.client.models.list().result.data]
        for model in MODELS:
            self.assertIn(model, ids)
        self.assertGreaterEqual(self.client.models.count().data.count, len(MODELS))
        self.assertTrue(any("imulated" in provider.name for provider in self.client.providers.list().data))

    def test_the_endpoints_of_a_model_are_listed(self):
        author, slug = MODELS[1].split("/")
        endpoints = self.client.endpoints.list(author=author, slug=slug).data.endpoints
        self.assertTrue(any("imulated" in endpoint.provider_name for endpoint in endpoints))

    def test_a_chat_is_answered_and_priced(self):
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.chat.send(model=model, messages=hello())
                self.assertTrue(answer.choices[0].message.content)
                self.assertEqual(answer.choices[0].finish_reason, "stop")
                self.assertGreater(answer.usage.cost, 0)

    def test_a_stream_has_one_finish_and_one_usage(self):
        for model in MODELS:
            with self.subTest(model), self.client.chat.send(model=model, messages=hello(), stream=True) as stream:
                chunks = list(stream)
                choices = [c.choices[0] for c in chunks if c.choices]
                self.assertTrue("".join(choice.delta.content or "" for choice in choices))
                self.assertEqual([c.finish_reason for c in choices if c.finish_reason], ["stop"])
                usages = [c.usage for c in chunks if c.usage]
                self.assertEqual(len(usages), 1)
                self.assertGreater(usages[0].cost, 0)

    def test_a_tool_goes_round_twice_and_reasoning_with_it(self):
        for model in MODELS:
            with self.subTest(model):
                fields = {"model": model, "tools": [WEATHER], "reasoning": {"effort": "high"}}
                first = self.client.chat.send(messages=ASK_WEATHER, **fields).choices[0]
                self.assertEqual(first.finish_reason, "tool_calls")
                self.assertIn(THINKS, first.message.reasoning)
                [call] = first.message.tool_calls
                self.assertEqual(json.loads(call.function.arguments), IN_PARIS)
                result = {"role": "tool", "tool_call_id": call.id, "content": FORECAST}
                second = self.client.chat.send(messages=[*ASK_WEATHER, first.message, result], **fields).choices[0]
                self.assertEqual(second.finish_reason, "stop")
                self.assertRegex(second.message.content, REPEATS_FORECAST)
                # Without its signed thoughts a model would not think in the middle of a tool loop.
                self.assertIn(THINKS, second.message.reasoning)

    def test_reasoning_and_the_call_of_a_tool_stream(self):
        for model in MODELS:
            fields = {"model": model, "tools": [WEATHER], "reasoning": {"effort": "high"}}
            with self.subTest(model), self.client.chat.send(messages=ASK_WEATHER, stream=True, **fields) as stream:
                deltas = [chunk.choices[0].delta for chunk in stream if chunk.choices]
                self.assertIn(THINKS, "".join(delta.reasoning or "" for delta in deltas))
                calls = [call for delta in deltas for call in delta.tool_calls or []]
                arguments = "".join(call.function.arguments or "" for call in calls if call.function)
                self.assertEqual(json.loads(arguments), IN_PARIS)

    def test_a_schema_is_kept_to(self):
        schema = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": PERSON}}
        for model in MODELS:
            with self.subTest(model):
                fields = {"model": model, "messages": hello("Make up a person."), "response_format": schema}
                whole = self.client.chat.send(**fields).choices[0].message.content
                with self.client.chat.send(stream=True, **fields) as stream:
                    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
                self.assertEqual(Person.model_validate_json(whole), Person.model_validate_json(streamed))

    def test_a_picture_is_seen(self):
        content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PIXEL_URL}}]
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.chat.send(model=model, messages=[{"role": "user", "content": content}])
                self.assertIn(SEES_PICTURE, answer.choices[0].message.content)

    def test_a_response_is_answered_and_streamed(self):
        tool = {"type": "function", "strict": None, **WEATHER["function"]}
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.responses.send(model=model, input="Say hello.", reasoning={"effort": "high"})
                self.assertEqual(answer.status, "completed")
                self.assertGreater(answer.usage.cost, 0)
                self.assertEqual([item.type for item in answer.output], ["reasoning", "message"])
                with self.client.responses.send(model=model, input=ASK_WEATHER, tools=[tool], stream=True) as stream:
                    last = list(stream)[-1]
                self.assertEqual(last.type, "response.completed")
                [call] = [item for item in last.response.output if item.type == "function_call"]
                self.assertEqual(json.loads(call.arguments), IN_PARIS)

    def test_texts_become_vectors_and_documents_are_ranked(self):
        for model in EMBEDDERS:
            with self.subTest(model):
                answer = self.client.embeddings.generate(model=model, input=["a red apple", "tax law"])
                self.assertEqual(len(answer.data), 2)
                self.assertGreater(len(answer.data[0].embedding), 10)
        documents = ["Berlin is in Germany.", "The capital of France is Paris."]
        ranked = self.client.rerank.rerank(
            model="cohere/rerank-v3.5", query="capital of France", documents=documents, top_n=1
        )
        self.assertEqual([(best.index, best.document.text) for best in ranked.results], [(1, documents[1])])

    def test_a_bad_key_is_unauthorized(self):
        self.raises(errors.UnauthorizedResponseError, key=WRONG_KEY)

    def test_an_unknown_model_is_a_bad_request_that_names_it(self):
        self.assertIn("nobody/nothing", self.raises(errors.BadRequestResponseError, model="nobody/nothing").message)

    def test_a_bad_parameter_is_a_bad_request_that_names_it(self):
        self.assertIn("temperature", self.raises(errors.BadRequestResponseError, temperature=9).message)

    def test_an_empty_account_is_told_to_add_credit(self):
        error = self.raises(errors.PaymentRequiredResponseError, key=POOR_KEY)
        self.assertIn("credit", error.message)

    def test_a_failing_provider_is_a_bad_gateway(self):
        self.raises(errors.BadGatewayResponseError, messages=hello(faulty("500")))

    def test_a_rate_limit_is_a_rate_limit(self):
        self.raises(errors.TooManyRequestsResponseError, messages=hello(faulty("429-retry-after")))

    def test_an_error_inside_a_stream_is_a_chunk(self):
        for model in MODELS:
            messages = hello(faulty("error-chunk"))
            with self.subTest(model), self.client.chat.send(model=model, messages=messages, stream=True) as stream:
                failures = [chunk.error for chunk in stream if chunk.error]
                self.assertEqual(len(failures), 1)
                self.assertTrue(failures[0].message)

    def test_key_credits_and_generation_can_be_read(self):
        before = self.client.api_keys.get_current_key_metadata().data
        self.assertTrue(before.label.startswith("sk-or-v1-"))
        answer = self.client.chat.send(model=MODELS[0], messages=hello())
        generation = self.client.generations.get_generation(id=answer.id).data
        self.assertEqual(generation.id, answer.id)
        self.assertAlmostEqual(generation.total_cost, answer.usage.cost, places=9)
        after = self.client.api_keys.get_current_key_metadata().data
        self.assertGreaterEqual(after.usage, before.usage + answer.usage.cost - 1e-9)
        credits = self.client.credits.get_credits().data
        self.assertGreater(credits.total_credits, credits.total_usage)

    def test_keys_are_made_changed_and_deleted(self):
        manager = client(os.environ["END2END_MANAGEMENT_KEY"])
        made = manager.api_keys.create(name="made by a program", limit=1)
        self.assertTrue(made.key.startswith("sk-or-v1-"))
        self.assertTrue(client(made.key).chat.send(model=MODELS[0], messages=hello()).choices)
        manager.api_keys.update(hash=made.data.hash, disabled=True)
        self.raises(errors.UnauthorizedResponseError, key=made.key)
        self.assertIn(made.data.hash, [key.hash for key in manager.api_keys.list().data])
        self.assertTrue(manager.api_keys.delete(hash=made.data.hash).DELETED)


if __name__ == "__main__":
    unittest.main()
