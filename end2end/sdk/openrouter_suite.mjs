// What the official @openrouter/sdk (npm) must find on a demo server; run for each
// line of releases that is in use. Its retries are off: it would try a definite
// failure again for an hour.

import assert from "node:assert/strict";
import { test as define } from "node:test";
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
  url,
  weather,
  wrongKey,
} from "./common.mjs";

/** Defines the tests for one release: its client, its error classes, its name. */
export function suite(OpenRouter, errors, release) {
  const test = (name, run) => define(`${release}: ${name}`, run);
  const connect = (apiKey = key) =>
    new OpenRouter({ serverURL: url, apiKey, retryConfig: { strategy: "none" }, timeoutMs: 60_000 });
  const client = connect();
  const send = (chatRequest, apiKey = key) =>
    connect(apiKey).chat.send({ chatRequest: { model: models[0], messages: hello(), ...chatRequest } });

  // In 0.13 they are in beta.
  const respond = (responsesRequest) => (client.responses ?? client.beta.responses).send({ responsesRequest });

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
      const fields = { model, tools: [weather], reasoning: { effort: "high" } };
      const { message } = (await send({ ...fields, messages: askWeather })).choices[0];
      const result = { role: "tool", toolCallId: message.toolCalls[0].id, content: forecast };
      const second = (await send({ ...fields, messages: [...askWeather, message, result] })).choices[0];
      assert.equal(second.finishReason, "stop");
      assert.match(second.message.content, repeatsForecast);
      // Without its signed thoughts a model would not think in the middle of a tool loop.
      assert.match(second.message.reasoning, thinks);
    });

    test(`${model} streams its reasoning and the call of a tool`, async () => {
      const fields = { model, messages: askWeather, tools: [weather], reasoning: { effort: "high" } };
      const choices = (await collect(await send({ ...fields, stream: true }))).flatMap((chunk) => chunk.choices);
      assert.match(choices.map(({ delta }) => delta.reasoning ?? "").join(""), thinks);
      assert.ok(choices.some(({ delta }) => delta.reasoningDetails?.length));
      const pieces = choices.flatMap(({ delta }) => delta.toolCalls ?? []).map((call) => call.function?.arguments ?? "");
      assert.deepEqual(JSON.parse(pieces.join("")), { city: "Paris", unit: "celsius" });
      assert.deepEqual(choices.map((choice) => choice.finishReason).filter(Boolean), ["tool_calls"]);
    });

    test(`${model} keeps to a schema, streamed and not`, async () => {
      const jsonSchema = { name: "person", strict: true, schema: personSchema };
      const fields = { model, messages: hello("Make up a person."), responseFormat: { type: "json_schema", jsonSchema } };
      assertPerson(JSON.parse((await send(fields)).choices[0].message.content));
      const choices = (await collect(await send({ ...fields, stream: true }))).flatMap((chunk) => chunk.choices);
      assertPerson(JSON.parse(choices.map(({ delta }) => delta.content ?? "").join("")));
    });

    test(`${model} sees a picture`, async () => {
      const content = [{ type: "text", text: "What is this?" }, { type: "image_url", imageUrl: { url: pixel } }];
      assert.match((await send({ model, messages: [{ role: "user", content }] })).choices[0].message.content, seesPicture);
    });

    test(`a response of ${model} is answered and streamed`, async () => {
      const answer = await respond({ model, input: "Say hello.", reasoning: { effort: "high" } });
      assert.equal(answer.status, "completed");
      assert.ok(answer.usage.cost > 0);
      assert.deepEqual(answer.output.map((item) => item.type), ["reasoning", "message"]);
      const { name, description, parameters } = weather.function;
      const tools = [{ type: "function", name, description, parameters, strict: null }];
      const events = await collect(await respond({ model, input: askWeather, tools, stream: true }));
      assert.equal(events.at(-1).type, "response.completed");
      const call = events.at(-1).response.output.find((item) => item.type === "function_call");
      assert.deepEqual(JSON.parse(call.arguments), { city: "Paris", unit: "celsius" });
    });

    test(`an error inside a stream of ${model} is a chunk`, async () => {
      const chunks = await collect(await send({ model, messages: hello(faulty("error-chunk")), stream: true }));
      const failures = chunks.map((chunk) => chunk.error).filter(Boolean);
      assert.equal(failures.length, 1);
      assert.ok(failures[0].message);
      assert.ok(Number.isInteger(failures[0].code));
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
    failsAs(send({ messages: hello(faulty("500")) }), errors.BadGatewayResponseError, /./));

  test("a rate limit is a rate limit", () =>
    failsAs(send({ messages: hello(faulty("429-retry-after")) }), errors.TooManyRequestsResponseError, /./));

  test("texts become vectors, and embedding models are listed", async () => {
    const model = "openai/text-embedding-3-small";
    const answer = await client.embeddings.generate({ requestBody: { model, input: ["a red apple", "tax law"] } });
    assert.equal(answer.data.length, 2);
    assert.ok(answer.data[0].embedding.length > 10);
    assert.ok(answer.usage.cost > 0);
    const list = await client.embeddings.listModels();
    assert.ok((list.result ?? list).data.some((each) => each.id === model));
  });

  test("documents are ranked", async () => {
    const documents = ["Berlin is in Germany.", "The capital of France is Paris."];
    const requestBody = { model: "cohere/rerank-v3.5", query: "capital of France", documents, topN: 1 };
    const [best] = (await client.rerank.rerank({ requestBody })).results;
    assert.equal(best.index, 1);
    assert.equal(best.document.text, documents[1]);
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
