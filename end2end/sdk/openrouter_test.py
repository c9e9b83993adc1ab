"""The official openrouter package (PyPI) against a demo server. Its retries are
off: it would try a definite failure again for an hour."""

import json
import os
import unittest

from openrouter import OpenRouter, errors
from openrouter.utils import RetryConfig

from openai_test import ASK_WEATHER, KEY, MODELS, URL, WEATHER, hello


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

    def test_a_tool_is_called(self):
        for model in MODELS:
            with self.subTest(model):
                answer = self.client.chat.send(model=model, messages=ASK_WEATHER, tools=[WEATHER])
                self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
                [call] = answer.choices[0].message.tool_calls
                self.assertEqual(json.loads(call.function.arguments), {"city": "Paris", "unit": "celsius"})

    def test_a_bad_key_is_unauthorized(self):
        self.raises(errors.UnauthorizedResponseError, key="sk-or-v1-" + "0" * 64)

    def test_an_unknown_model_is_a_bad_request_that_names_it(self):
        self.assertIn("nobody/nothing", self.raises(errors.BadRequestResponseError, model="nobody/nothing").message)

    def test_a_bad_parameter_is_a_bad_request_that_names_it(self):
        self.assertIn("temperature", self.raises(errors.BadRequestResponseError, temperature=9).message)

    def test_an_empty_account_is_told_to_add_credit(self):
        error = self.raises(errors.PaymentRequiredResponseError, key=os.environ["END2END_POOR_KEY"])
        self.assertIn("credit", error.message)

    def test_a_failing_provider_is_a_bad_gateway(self):
        self.raises(errors.BadGatewayResponseError, messages=hello("Hello [[fault:500]]"))

    def test_an_error_inside_a_stream_is_a_chunk(self):
        text = "Hello there, tell me more. [[fault:error-chunk]]"
        with self.client.chat.send(model=MODELS[0], messages=hello(text), stream=True) as stream:
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
