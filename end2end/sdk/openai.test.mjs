// The official openai package (npm) against a demo server.

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import {
  assertPerson,
  askWeather,
  collect,
  faulty,
  forecast,
  hello,
  key,
  models,
  pixel,
  poorKey,
  repeatsForecast,
  seesPicture,
  thinks,
  url,
  weather,
  wrongKey,
} from "./common.mjs";

const connect = (apiKey = key) => new OpenAI({ baseURL: url, apiKey, maxRetries: 0, timeout: 60_000 });
const client = connect();

const failure = async (fields, apiKey = key) => {
  try {
    await connect(apiKey).chat.completions.create({ model: models[0], messages: hello(), ...fields });
  } catch (error) {
    assert.ok(error.error.message, "the error has a message");
    return error;
  }
  return assert.fail("the request was answered");
};

test("models are listed", async () => {
  const ids = (await collect(await client.models.list())).map((model) => model.id);
  for (const model of models) assert.ok(ids.includes(model), model);
});

for (const model of models) {
  test(`a chat with ${model} is answered and priced`, async () => {
    const answer = await client.chat.completions.create({ model, messages: hello() });
    assert.ok(answer.choices[0].message.content);
    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.ok(answer.usage.cost > 0);
    assert.match(answer.provider, /simulated/);
  });

  test(`a stream of ${model} has one finish and one usage`, async () => {
    const chunks = await collect(await client.chat.completions.create({ model, messages: hello(), stream: true }));
    const choices = chunks.flatMap((chunk) => chunk.choices);
    assert.ok(choices.map((choice) => choice.delta.content ?? "").join(""));
    assert.deepEqual(choices.map((choice) => choice.finish_reason).filter(Boolean), ["stop"]);
    const usages = chunks.map((chunk) => chunk.usage).filter(Boolean);
    assert.equal(usages.length, 1);
    assert.ok(usages[0].cost > 0);
  });

  test(`${model} calls a tool, streamed and not`, async () => {
    const fields = { model, messages: askWeather, tools: [weather] };
    const whole = await client.chat.completions.create(fields);
    const streamed = await client.chat.completions.stream(fields).finalChatCompletion();
    for (const { choices } of [whole, streamed]) {
      assert.equal(choices[0].finish_reason, "tool_calls");
      const [call] = choices[0].message.tool_calls;
      assert.equal(call.function.name, "get_weather");
      assert.deepEqual(JSON.parse(call.function.arguments), { city: "Paris", unit: "celsius" });
      const result = { role: "tool", tool_call_id: call.id, content: forecast };
      const messages = [...askWeather, choices[0].message, result];
      const second = await client.chat.completions.create({ ...fields, messages });
      assert.equal(second.choices[0].finish_reason, "stop");
      assert.match(second.choices[0].message.content, repeatsForecast);
    }
  });

  test(`${model} has its tools run by the package, streamed and not`, async () => {
    for (const stream of [false, true]) {
      const asked = [];
      const run = (input) => {
        asked.push(input);
        return forecast;
      };
      const tool = { type: "function", function: { ...weather.function, function: run, parse: JSON.parse } };
      const runner = client.chat.completions.runTools({ model, messages: askWeather, tools: [tool], stream });
      assert.match(await runner.finalContent(), repeatsForecast);
      assert.deepEqual(asked, [{ city: "Paris", unit: "celsius" }]);
    }
  });

  test(`${model} keeps to a schema, streamed and not`, async () => {
    const person = z.object({ name: z.string(), age: z.int() });
    const fields = { model, messages: hello("Make up a person."), response_format: zodResponseFormat(person, "person") };
    assertPerson((await client.chat.completions.parse(fields)).choices[0].message.parsed);
    assertPerson((await client.chat.completions.stream(fields).finalChatCompletion()).choices[0].message.parsed);
  });

  test(`${model} sees a picture`, async () => {
    const content = [{ type: "text", text: "What is this?" }, { type: "image_url", image_url: { url: pixel } }];
    const answer = await client.chat.completions.create({ model, messages: [{ role: "user", content }] });
    assert.match(answer.choices[0].message.content, seesPicture);
  });

  test(`${model} shows its reasoning, and takes it back with the result of a tool`, async () => {
    const fields = { model, tools: [weather], reasoning_effort: "high" };
    const whole = await client.chat.completions.create({ ...fields, messages: askWeather });
    const streamed = await client.chat.completions.create({ ...fields, messages: askWeather, stream: true });
    const deltas = (await collect(streamed)).flatMap((chunk) => chunk.choices).map((choice) => choice.delta);
    const { message } = whole.choices[0];
    assert.match(message.reasoning, thinks);
    assert.equal(deltas.map((delta) => delta.reasoning ?? "").join(""), message.reasoning);
    assert.ok(deltas.some((delta) => delta.reasoning_details?.length));
    assert.ok(message.reasoning_details.length);
    assert.ok(whole.usage.completion_tokens_details.reasoning_tokens > 0);
    const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: forecast };
    const second = await client.chat.completions.create({ ...fields, messages: [...askWeather, message, result] });
    assert.match(second.choices[0].message.content, repeatsForecast);
    assert.match(second.choices[0].message.reasoning, thinks);
  });

  test(`an error inside a stream of ${model} is thrown`, async () => {
    const messages = hello(faulty("error-chunk"));
    const stream = await client.chat.completions.create({ model, messages, stream: true });
    await assert.rejects(collect(stream), OpenAI.APIError);
  });
}

test("a bad key is an authentication error", async () => {
  assert.ok((await failure({}, wrongKey)) instanceof OpenAI.AuthenticationError);
});

test("an unknown model is a bad request that names it", async () => {
  const error = await failure({ model: "nobody/nothing" });
  assert.ok(error instanceof OpenAI.BadRequestError);
  assert.match(error.error.message, /nobody\/nothing/);
});

test("a bad parameter is a bad request that names it", async () => {
  const error = await failure({ temperature: "hot" });
  assert.ok(error instanceof OpenAI.BadRequestError);
  assert.match(error.error.message, /temperature/);
});

test("an empty account is told to add credit", async () => {
  const error = await failure({}, poorKey);
  assert.equal(error.status, 402);
  assert.match(error.error.message, /credit/);
});

test("a failing provider is a 502 that names it", async () => {
  const error = await failure({ messages: hello(faulty("500")) });
  assert.equal(error.status, 502);
  assert.match(error.error.metadata.provider_name, /simulated/);
});

test("a rate limit is a rate limit", async () => {
  const error = await failure({ messages: hello(faulty("429-retry-after")) });
  assert.ok(error instanceof OpenAI.RateLimitError);
  assert.ok(Number(error.headers.get("retry-after")) > 0);
});

test("a reader who stops is not charged for the rest", async () => {
  const messages = hello("Write a very long story about a lighthouse. " + "And then? ".repeat(40));
  const stream = await client.chat.completions.create({ model: models[0], messages, stream: true });
  let id;
  for await (const chunk of stream) {
    id = chunk.id;
    if (chunk.choices[0]?.delta.content) break;
  }
  // The charge follows as soon as the server has seen the caller leave.
  for (;;) {
    const found = await client.get(`/generation?id=${id}`).catch((error) => error);
    if (found.data) {
      assert.equal(found.data.cancelled, true);
      break;
    }
    assert.equal(found.status, 404);
  }
});

test("key, credits and generation can be read", async () => {
  const before = (await client.get("/key")).data;
  const answer = await client.chat.completions.create({ model: models[0], messages: hello() });
  const generation = (await client.get(`/generation?id=${answer.id}`)).data;
  assert.equal(generation.id, answer.id);
  assert.equal(generation.total_cost, answer.usage.cost);
  const after = (await client.get("/key")).data;
  assert.ok(after.usage >= before.usage + answer.usage.cost - 1e-9);
  const credits = (await client.get("/credits")).data;
  assert.ok(credits.total_credits > credits.total_usage);
});
