// The official @anthropic-ai/sdk package (npm) against a demo server.

import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { hello, key, models, poorKey, wrongKey } from "./common.mjs";

const connect = (apiKey = key) =>
  new Anthropic({ baseURL: `${process.env.END2END_URL}/api`, apiKey, maxRetries: 0, timeout: 60_000 });
const client = connect();
const claude = "anthropic/claude-haiku-4.5";
const ask = [{ role: "user", content: "What is the weather in Paris in celsius?" }];
const weather = {
  name: "get_weather",
  description: "The weather of a city",
  input_schema: {
    type: "object",
    properties: { city: { type: "string" }, unit: { type: "string", enum: ["celsius", "fahrenheit"] } },
    required: ["city", "unit"],
  },
};
const pixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

const failure = async (fields, apiKey = key) => {
  try {
    await connect(apiKey).messages.create({ model: claude, max_tokens: 1000, messages: hello(), ...fields });
  } catch (error) {
    return error;
  }
  return assert.fail("the request was answered");
};

for (const model of models) {
  test(`a message of ${model} is answered and priced, streamed and not`, async () => {
    const fields = { model, max_tokens: 2000, messages: hello() };
    const whole = await client.messages.create(fields);
    const streamed = await client.messages.stream(fields).finalMessage();
    for (const message of [whole, streamed]) {
      assert.equal(message.stop_reason, "end_turn");
      assert.ok(message.content[0].text);
      assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 1);
    }
    assert.equal(streamed.content[0].text, whole.content[0].text);
    assert.ok(whole.usage.cost > 0);
  });

  test(`${model} thinks and calls tools in a loop of two turns`, async () => {
    const fields = {
      model,
      max_tokens: 4000,
      thinking: { type: "enabled", budget_tokens: 1024 },
      tools: [weather],
    };
    const first = await client.messages.stream({ ...fields, messages: ask }).finalMessage();
    assert.equal(first.stop_reason, "tool_use");
    assert.ok(first.content.find((block) => block.type === "thinking").thinking);
    const call = first.content.find((block) => block.type === "tool_use");
    assert.deepEqual(call.input, { city: "Paris", unit: "celsius" });
    const result = { type: "tool_result", tool_use_id: call.id, content: "14 degrees, light rain" };
    const messages = [...ask, { role: "assistant", content: first.content }, { role: "user", content: [result] }];
    const second = await client.messages.stream({ ...fields, messages }).finalMessage();
    assert.match(second.content.at(-1).text, /14 degrees/);
  });

  test(`${model} keeps to a schema and sees an image`, async () => {
    const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"], additionalProperties: false };
    const strict = await client.messages.create({
      model,
      max_tokens: 1000,
      messages: hello("Pick a number."),
      output_config: { format: { type: "json_schema", schema } },
    });
    assert.ok(Number.isInteger(JSON.parse(strict.content[0].text).n));
    const source = { type: "base64", media_type: "image/png", data: pixel };
    const content = [{ type: "image", source }, { type: "text", text: "What is this?" }];
    const seen = await client.messages.create({ model, max_tokens: 1000, messages: [{ role: "user", content }] });
    assert.match(seen.content[0].text, /One image/);
  });
}

test("tokens are counted and models listed", async () => {
  const count = await client.messages.countTokens({ model: claude, messages: hello("word ".repeat(200)) });
  assert.ok(count.input_tokens > 150);
  const ids = [];
  for await (const model of client.models.list({ limit: 5 })) ids.push(model.id);
  for (const model of models) assert.ok(ids.includes(model), model);
  assert.equal((await client.models.retrieve(claude)).id, claude);
});

test("errors are Anthropic's", async () => {
  assert.ok((await failure({}, wrongKey)) instanceof Anthropic.AuthenticationError);
  const unknown = await failure({ model: "nobody/nothing" });
  assert.ok(unknown instanceof Anthropic.BadRequestError);
  assert.equal(unknown.error.error.type, "invalid_request_error");
  assert.match(unknown.message, /nobody\/nothing/);
  const poor = await failure({}, poorKey);
  assert.equal(poor.status, 402);
  assert.equal(poor.error.error.type, "billing_error");
  assert.ok((await failure({ messages: hello("Hello [[fault:429-retry-after]]") })) instanceof Anthropic.RateLimitError);
});

test("an error inside a stream is thrown", async () => {
  const messages = hello("Hello there, tell me more. [[fault:error-chunk]]");
  const stream = client.messages.stream({ model: claude, max_tokens: 1000, messages });
  await assert.rejects(stream.finalMessage(), Anthropic.APIError);
});
