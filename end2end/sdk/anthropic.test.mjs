// The official @anthropic-ai/sdk package (npm) against a demo server.

import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import {
  assertPerson,
  askWeather,
  collect,
  faulty,
  forecast,
  hello,
  key,
  models,
  personSchema,
  pixel,
  poorKey,
  repeatsForecast,
  seesPicture,
  thinks,
  weather as chatWeather,
  wrongKey,
} from "./common.mjs";

const connect = (apiKey = key) =>
  new Anthropic({ baseURL: `${process.env.END2END_URL}/api`, apiKey, maxRetries: 0, timeout: 60_000 });
const client = connect();
const claude = "anthropic/claude-haiku-4.5";
const { name, description, parameters } = chatWeather.function;
const weather = { name, description, input_schema: parameters };

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
    const whole = await client.messages.create({ ...fields, messages: askWeather });
    const streamed = await client.messages.stream({ ...fields, messages: askWeather }).finalMessage();
    for (const first of [whole, streamed]) {
      assert.equal(first.stop_reason, "tool_use");
      assert.match(first.content.find((block) => block.type === "thinking").thinking, thinks);
      const call = first.content.find((block) => block.type === "tool_use");
      assert.deepEqual(call.input, { city: "Paris", unit: "celsius" });
      const result = { type: "tool_result", tool_use_id: call.id, content: forecast };
      const messages = [...askWeather, { role: "assistant", content: first.content }, { role: "user", content: [result] }];
      const second = await client.messages.stream({ ...fields, messages }).finalMessage();
      assert.match(second.content.at(-1).text, repeatsForecast);
      // Without its signed thoughts a model would not think in the middle of a tool loop.
      assert.match(second.content[0].thinking, thinks);
    }
  });

  test(`${model} streams its thoughts and the input of a tool in pieces`, async () => {
    const thinking = { type: "enabled", budget_tokens: 1024 };
    const fields = { model, max_tokens: 4000, thinking, tools: [weather], messages: askWeather };
    const events = await collect(await client.messages.create({ ...fields, stream: true }));
    const pieces = (type, field) =>
      events.filter((event) => event.delta?.type === type).map((event) => event.delta[field]).join("");
    assert.match(pieces("thinking_delta", "thinking"), thinks);
    if (model === claude) assert.ok(pieces("signature_delta", "signature"));
    assert.deepEqual(JSON.parse(pieces("input_json_delta", "partial_json")), { city: "Paris", unit: "celsius" });
    assert.equal(events[0].type, "message_start");
    assert.equal(events.at(-1).type, "message_stop");
  });

  test(`${model} has its tools run by the package`, async () => {
    const asked = [];
    const run = (input) => {
      asked.push(input);
      return forecast;
    };
    const tool = betaTool({ name, description, inputSchema: parameters, run });
    const runner = client.beta.messages.toolRunner({ model, max_tokens: 2000, messages: askWeather, tools: [tool] });
    const last = await runner.runUntilDone();
    assert.match(last.content.at(-1).text, repeatsForecast);
    assert.deepEqual(asked, [{ city: "Paris", unit: "celsius" }]);
  });

  test(`${model} keeps to a schema`, async () => {
    const answer = await client.messages.create({
      model,
      max_tokens: 1000,
      messages: hello("Make up a person."),
      output_config: { format: { type: "json_schema", schema: personSchema } },
    });
    assertPerson(JSON.parse(answer.content[0].text));
  });

  test(`${model} sees a picture`, async () => {
    const source = { type: "base64", media_type: "image/png", data: pixel.split(",")[1] };
    const content = [{ type: "image", source }, { type: "text", text: "What is this?" }];
    const seen = await client.messages.create({ model, max_tokens: 1000, messages: [{ role: "user", content }] });
    assert.match(seen.content[0].text, seesPicture);
  });

  test(`an error inside a stream of ${model} is thrown`, async () => {
    const stream = client.messages.stream({ model, max_tokens: 1000, messages: hello(faulty("error-chunk")) });
    await assert.rejects(stream.finalMessage(), Anthropic.APIError);
  });
}

test("tokens are counted and models listed", async () => {
  const count = await client.messages.countTokens({ model: claude, messages: hello("word ".repeat(200)) });
  assert.ok(count.input_tokens > 150);
  const withTool = await client.messages.countTokens({ model: claude, messages: hello("word ".repeat(200)), tools: [weather] });
  assert.ok(withTool.input_tokens > count.input_tokens);
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
  const limited = await failure({ messages: hello(faulty("429-retry-after")) });
  assert.ok(limited instanceof Anthropic.RateLimitError);
  assert.ok(Number(limited.headers.get("retry-after")) > 0);
  assert.ok((await failure({ messages: hello(faulty("500")) })) instanceof Anthropic.InternalServerError);
});
