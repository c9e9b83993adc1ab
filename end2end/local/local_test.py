"""A real inference server, llama-cpp-python's, as a provider behind the gateway."""

import json
import os
import time
import unittest

import openai

URL = os.environ["END2END_URL"] + "/api/v1"
KEY = os.environ["END2END_KEY"]
LOG = os.environ["END2END_LLAMA_LOG"]
MODEL = "tiny-server/tiny"
HELLO = [{"role": "user", "content": "Say hello."}]
# The model's own end, which random weights would choose at any moment.
ENDLESS = {"logit_bias": {"2": -100}}


def broken_off():
    with open(LOG, encoding="utf-8", errors="replace") as log:
        return log.read().count("Disconnected from client")


class LocalServer(unittest.TestCase):
    def setUp(self):
        self.client = openai.OpenAI(base_url=URL, api_key=KEY, max_retries=0, timeout=120)
        self.addCleanup(self.client.close)

    def test_the_model_is_listed_free_of_charge(self):
        models = {model.id: model for model in self.client.models.list()}
        self.assertEqual(models[MODEL].pricing["prompt"], "0")

    def test_a_chat_is_answered_and_counted(self):
        answer = self.client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=12, extra_body=ENDLESS)
        self.assertTrue(answer.choices[0].message.content)
        self.assertEqual(answer.choices[0].finish_reason, "length")
        self.assertEqual(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)
        self.assertGreater(answer.usage.prompt_tokens, 5)

    def test_a_stream_says_what_the_whole_answer_says(self):
        fields = {"model": MODEL, "messages": HELLO, "max_tokens": 40, "temperature": 0, "extra_body": ENDLESS}
        whole = self.client.chat.completions.create(**fields)
        pieces, finish = [], None
        for chunk in self.client.chat.completions.create(stream=True, **fields):
            if chunk.choices:
                pieces.append(chunk.choices[0].delta.content or "")
                finish = chunk.choices[0].finish_reason or finish
        self.assertGreater(len(pieces), 3)
        self.assertEqual("".join(pieces), whole.choices[0].message.content)
        self.assertEqual(finish, "length")

    def test_random_weights_are_held_to_a_schema(self):
        schema = {
            "type": "object",
            "properties": {"ok": {"type": "boolean"}, "size": {"enum": ["small", "large"]}},
            "required": ["ok", "size"],
            "additionalProperties": False,
        }
        for stream in (False, True):
            with self.subTest(stream=stream):
                answer = self.client.chat.completions.create(
                    model=MODEL,
                    messages=HELLO,
                    max_tokens=400,
                    temperature=0,
                    stream=stream,
                    response_format={"type": "json_schema", "json_schema": {"name": "s", "strict": True, "schema": schema}},
                )
                if stream:
                    text = "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
                else:
                    text = answer.choices[0].message.content
                said = json.loads(text)
                self.assertIsInstance(said["ok"], bool)
                self.assertIn(said["size"], ["small", "large"])

    def test_a_caller_who_leaves_stops_the_work(self):
        before = broken_off()
        stream = self.client.chat.completions.create(
            model=MODEL, messages=HELLO, max_tokens=1500, stream=True, extra_body=ENDLESS
        )
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                break
        stream.close()
        while broken_off() == before:
            time.sleep(0.1)
        # The server is free again at once.
        answer = self.client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=4, extra_body=ENDLESS)
        self.assertEqual(answer.choices[0].finish_reason, "length")

    def test_what_the_server_refuses_is_told_in_its_own_words(self):
        with self.assertRaises(openai.APIStatusError) as caught:
            self.client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "word " * 3000}])
        self.assertIn("context", str(caught.exception.body["message"]).lower())
        self.assertEqual(caught.exception.status_code, 400)


if __name__ == "__main__":
    unittest.main()
