"""A real inference server, llama-cpp-python's, as a provider behind the gateway."""

import json
import os
import re
import time
import unittest

import openai

URL = os.environ["END2END_URL"] + "/api/v1"
KEY = os.environ["END2END_KEY"]
LOG = os.environ["END2END_LLAMA_LOG"]
MODEL = "tiny-server/tiny"
HELLO = [{"role": "user", "content": "Say hello."}]
# Random weights would choose their own end at any moment, or bytes that never become a letter.
ENDLESS = {"logit_bias": {str(token): -100 for token in (0, 1, 2, *range(131, 259))}}
LONG = 1500


def logged(pattern):
    with open(LOG, encoding="utf-8", errors="replace") as log:
        return len(re.findall(pattern, log.read()))


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
        left = logged("Disconnected from client")
        stream = self.client.chat.completions.create(
            model=MODEL, messages=HELLO, max_tokens=LONG, stream=True, extra_body=ENDLESS
        )
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                break
        stream.close()
        while logged("Disconnected from client") == left:
            time.sleep(0.1)
        # The server is free again, and has counted the answers that it worked out to their end.
        answer = self.client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=4, extra_body=ENDLESS)
        self.assertEqual(answer.choices[0].finish_reason, "length")
        self.assertEqual(logged(rf"/ +({LONG - 1}|{LONG}) runs"), 0)
        generation = self.client.get(f"/generation?id={chunk.id}", cast_to=object)["data"]
        self.assertTrue(generation["cancelled"])
        self.assertLess(generation["tokens_completion"], LONG)

    def test_what_the_server_refuses_is_told_in_its_own_words(self):
        with self.assertRaises(openai.APIStatusError) as caught:
            self.client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "word " * 3000}])
        self.assertIn("context", str(caught.exception.body["message"]).lower())
        self.assertEqual(caught.exception.status_code, 400)


if __name__ == "__main__":
    unittest.main()
