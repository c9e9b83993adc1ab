// What the official @openrouter/sdk (npm) must find on a demo server; run for each
// line of releases that is in use. Its retries are off: it would try a definite
// failure again for an hour.

import assert from "node:assert/strict";
import { test as define } from "node:test";
import { askWeather, collect, hello, key, models, pixel, poorKey, url, weather, wrongKey } from "./common.mjs";

/** Defines the tests for one release: its client, its error classes, its name. */
export function suite(OpenRouter, errors, release) {
  const test = (name, run) => define(`${release}: ${name}`, run);
  const connect = (apiKey = key) =>
    new OpenRouter({ serverURL: url, apiKey, retryConfig: { strategy: "none" }, timeoutMs: 60_000 });
  const client = connect();
  const send = (chatRequest, apiKey = key) =>
    connect(apiKey).chat.send({ chatRequest: { model: models[0], messages: hello(), ...chatRequest } });

  const failsAs = (promise, kind, message) =>
    assert.rejects(promise, (error) => {
      assert.ok(error instanceof kind, `${error.name}: ${error.message}`);
      assert.match(error.message, message);
      return true;
    });

  test("models, endpoints and providers are listed", async () => {
    const list = await client.models.list();
    const ids = (list.result ?? list).data.map((model) => model.id);
    for (const model of models) assert.ok(ids.includes(model), model);
    const [author, slug] = models[1].split("/");
    const { endpoints } = (await client.endpoints.list({ author, slug })).data;
    assert.ok(endpoints.some((endpoint) => /simulated/.test(endpoint.providerName)));
    assert.ok((await client.providers.list()).data.some((provider) => /simulated/.test(provider.name)));
  });

  for (const model of models) {
    test(`a chat with ${model} is answered and priced`, async () => {
      const answer = await send({ model });
      assert.ok(answer.choices[0].message.content);
      assert.equal(answer.choices[0].finishReason, "stop");
      assert.ok(answer.usage.cost > 0);
    });

    test(`a stream of ${model} has one finish and one usage`, async () => {
      const chunks = await collect(await send({ model, stream: true }));
      const choices = chunks.flatMap((chunk) => chunk.choices);
      assert.ok(choices.map((choice) => choice.delta.content ?? "").join(""));
      assert.deepEqual(choices.map((choice) => choice.finishReason).filter(Boolean), ["stop"]);
      const usages = chunks.map((chunk) => chunk.usage).filter(Boolean);
      assert.equal(usages.length, 1);
      assert.ok(usages[0].cost > 0);
    });

    test(`${model} calls a tool`, async () => {
      const answer = await send({ model, messages: askWeather, tools: [weather] });
      assert.equal(answer.choices[0].finishReason, "tool_calls");
      const [call] = answer.choices[0].message.toolCalls;
      assert.equal(call.function.name, "get_weather");
      assert.deepEqual(JSON.parse(call.function.arguments), { city: "Paris", unit: "celsius" });
    });
  }

  for (const model of models) {
    test(`${model} goes on with the result of a tool`, async () => {
      const first = await send({ model, messages: askWeather, tools: [weather] });
      const call = first.choices[0].message;
      const result = { role: "tool", toolCallId: call.toolCalls[0].id, content: '{"degrees":21}' };
      const second = await send({ model, messages: [...askWeather, call, result], tools: [weather] });
      assert.equal(second.choices[0].finishReason, "stop");
      assert.ok(second.choices[0].message.content);
    });

    test(`${model} keeps to a schema, sees a picture and shows its reasoning`, async () => {
      const schema = { type: "object", properties: { name: { type: "string" } }, required: ["name"], additionalProperties: false };
      const jsonSchema = { name: "person", strict: true, schema };
      const strict = await send({ model, responseFormat: { type: "json_schema", jsonSchema } });
      assert.equal(typeof JSON.parse(strict.choices[0].message.content).name, "string");
      const picture = [{ type: "text", text: "What is this?" }, { type: "image_url", imageUrl: { url: pixel } }];
      assert.ok((await send({ model, messages: [{ role: "user", content: picture }] })).choices[0].message.content);
      const thought = await send({ model, reasoning: { effort: "high" } });
      assert.ok(thought.choices[0].message.reasoning);
    });
  }

  test("a bad key is unauthorized", () => failsAs(send({}, wrongKey), errors.UnauthorizedResponseError, /API key/));

  test("an unknown model is a bad request that names it", () =>
    failsAs(send({ model: "nobody/nothing" }), errors.BadRequestResponseError, /nobody\/nothing/));

  test("a bad parameter is a bad request that names it", () =>
    failsAs(send({ temperature: 9 }), errors.BadRequestResponseError, /temperature/));

  test("an empty account is told to add credit", () =>
    failsAs(send({}, poorKey), errors.PaymentRequiredResponseError, /credit/));

  test("a failing provider is a bad gateway", () =>
    failsAs(send({ messages: hello("Hello [[fault:500]]") }), errors.BadGatewayResponseError, /./));

  test("an error inside a stream is a chunk", async () => {
    const messages = hello("Hello there, tell me more. [[fault:error-chunk]]");
    const chunks = await collect(await send({ messages, stream: true }));
    const failures = chunks.map((chunk) => chunk.error).filter(Boolean);
    assert.equal(failures.length, 1);
    assert.ok(failures[0].message);
    assert.ok(Number.isInteger(failures[0].code));
  });

  test("key, credits and generation can be read", async () => {
    const before = (await client.apiKeys.getCurrentKeyMetadata()).data;
    assert.match(before.label, /^sk-or-v1-/);
    const answer = await send({});
    const generation = (await client.generations.getGeneration({ id: answer.id })).data;
    assert.equal(generation.id, answer.id);
    assert.equal(generation.totalCost, answer.usage.cost);
    const after = (await client.apiKeys.getCurrentKeyMetadata()).data;
    assert.ok(after.usage >= before.usage + answer.usage.cost - 1e-9);
    const credits = (await client.credits.getCredits()).data;
    assert.ok(credits.totalCredits > credits.totalUsage);
  });

  test("keys are made, changed and deleted", async () => {
    const manager = connect(process.env.END2END_MANAGEMENT_KEY);
    const made = await manager.apiKeys.create({ requestBody: { name: "made by a program", limit: 1 } });
    assert.ok((await send({}, made.key)).choices.length);
    await manager.apiKeys.update({ hash: made.data.hash, requestBody: { disabled: true } });
    await failsAs(send({}, made.key), errors.UnauthorizedResponseError, /disabled/);
    assert.ok((await manager.apiKeys.list()).data.some((each) => each.hash === made.data.hash));
    assert.equal((await manager.apiKeys.delete({ hash: made.data.hash })).deleted, true);
  });
}
