// Responses, completions and embeddings with the official openai package (npm).

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import {
  assertPerson,
  collect,
  faulty,
  forecast,
  key,
  models,
  pixel,
  poorKey,
  repeatsForecast,
  seesPicture,
  thinks,
  url,
  wrongKey,
} from "./common.mjs";

const connect = (apiKey = key) => new OpenAI({ baseURL: url, apiKey, maxRetries: 0, timeout: 60_000 });
const client = connect();

const question = { role: "user", content: "What is the weather in Paris in celsius?" };
const weather = {
  type: "function",
  name: "get_weather",
  description: "The weather of a city",
  strict: true,
  parameters: {
    type: "object",
    properties: { city: { type: "string" }, unit: { type: "string", enum: ["celsius", "fahrenheit"] } },
    required: ["city", "unit"],
    additionalProperties: false,
  },
};

for (const model of models) {
  test(`a response of ${model} is answered and priced`, async () => {
    const answer = await client.responses.create({ model, input: "Say hello.", metadata: { k: "v" } });
    assert.equal(answer.status, "completed");
    assert.ok(answer.output_text);
    assert.equal(answer.metadata.k, "v");
    assert.ok(answer.usage.cost > 0);
  });

  test(`a stream of ${model} builds the whole response`, async () => {
    const stream = client.responses.stream({ model, input: "Say hello.", reasoning: { effort: "high" } });
    const events = await collect(stream);
    const text = events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta);
    const thought = events.filter((event) => /^response\.reasoning.*\.delta$/.test(event.type)).map((event) => event.delta);
    const final = await stream.finalResponse();
    assert.equal(events[0].type, "response.created");
    assert.equal(events.at(-1).type, "response.completed");
    assert.ok(final.output_text);
    assert.equal(final.output_text, text.join(""));
    assert.match(thought.join(""), thinks);
    assert.deepEqual(final.output.map((item) => item.type), ["reasoning", "message"]);
    assert.ok(final.usage.output_tokens_details.reasoning_tokens > 0);
  });

  test(`${model} calls a tool in a loop of two turns`, async () => {
    const fields = { model, tools: [weather], reasoning: { effort: "high" }, include: ["reasoning.encrypted_content"] };
    const whole = await client.responses.create({ ...fields, input: [question] });
    const streamed = await client.responses.stream({ ...fields, input: [question] }).finalResponse();
    for (const first of [whole, streamed]) {
      const call = first.output.find((item) => item.type === "function_call");
      assert.deepEqual(JSON.parse(call.arguments), { city: "Paris", unit: "celsius" });
      const output = { type: "function_call_output", call_id: call.call_id, output: forecast };
      const second = await client.responses.create({ ...fields, input: [question, ...first.output, output] });
      assert.match(second.output_text, repeatsForecast);
      // Without its signed thoughts a model would not think in the middle of a tool loop.
      assert.equal(second.output[0].type, "reasoning");
    }
  });

  test(`${model} follows a schema, streamed and not`, async () => {
    const format = zodTextFormat(z.object({ name: z.string(), age: z.int() }), "person");
    const fields = { model, input: "Make up a person.", text: { format } };
    assertPerson((await client.responses.parse(fields)).output_parsed);
    assertPerson((await client.responses.stream(fields).finalResponse()).output_parsed);
  });

  test(`${model} sees a picture`, async () => {
    const content = [
      { type: "input_text", text: "What is this?" },
      { type: "input_image", image_url: pixel, detail: "low" },
    ];
    const answer = await client.responses.create({ model, input: [{ role: "user", content }] });
    assert.match(answer.output_text, seesPicture);
  });

  test(`a stream of ${model} that breaks is a failed response`, async () => {
    const events = await collect(await client.responses.create({ model, input: faulty("error-chunk"), stream: true }));
    assert.equal(events.at(-1).type, "response.failed");
    assert.ok(events.at(-1).response.error.message);
  });
}

test("errors have their kind", async () => {
  const fails = (kind, message, fields, apiKey = key) =>
    assert.rejects(connect(apiKey).responses.create({ model: models[0], input: "hi", ...fields }), (error) => {
      assert.ok(error instanceof kind, `${error.name}: ${error.message}`);
      assert.match(error.message, message);
      return true;
    });
  await fails(OpenAI.BadRequestError, /store/, { store: true });
  await fails(OpenAI.BadRequestError, /nobody\/nothing/, { model: "nobody/nothing" });
  await fails(OpenAI.AuthenticationError, /API key/, {}, wrongKey);
  await fails(OpenAI.APIError, /credit/, {}, poorKey);
  await fails(OpenAI.RateLimitError, /./, { input: faulty("429-retry-after") });
  await fails(OpenAI.InternalServerError, /./, { input: faulty("500") });
});

test("a prompt is completed, whole and streamed", async () => {
  const fields = { model: models[0], prompt: "Say hello." };
  const answer = await client.completions.create(fields);
  assert.ok(answer.choices[0].text);
  const chunks = await collect(await client.completions.create({ ...fields, stream: true }));
  assert.ok(chunks.flatMap((chunk) => chunk.choices).map((choice) => choice.text).join(""));
});

for (const model of ["openai/text-embedding-3-small", "google/gemini-embedding-001"]) {
  test(`${model} makes the same vectors in both encodings`, async () => {
    const input = ["a red apple", "the red apple", "tax law"];
    // The package asks for base64 and unpacks it, unless it is told otherwise.
    const packed = await client.embeddings.create({ model, input });
    const plain = await client.embeddings.create({ model, input, encoding_format: "float" });
    const vectors = plain.data.map((each) => each.embedding);
    packed.data.forEach(({ embedding }, index) => {
      assert.equal(embedding.length, vectors[index].length);
      embedding.forEach((number, at) => assert.ok(Math.abs(number - vectors[index][at]) < 1e-6));
    });
    const nearness = (a, b) => a.reduce((sum, number, at) => sum + number * b[at], 0);
    assert.ok(nearness(vectors[0], vectors[1]) > nearness(vectors[0], vectors[2]));
    assert.ok(plain.usage.cost > 0);
  });

  test(`${model} refuses what cannot be`, async () => {
    await assert.rejects(client.embeddings.create({ model, input: [] }), OpenAI.BadRequestError);
    await assert.rejects(connect(wrongKey).embeddings.create({ model, input: "hi" }), OpenAI.AuthenticationError);
    await assert.rejects(client.embeddings.create({ model, input: faulty("429") }), OpenAI.RateLimitError);
    await assert.rejects(client.embeddings.create({ model: models[0], input: "hi" }), /embeddings/);
  });
}
