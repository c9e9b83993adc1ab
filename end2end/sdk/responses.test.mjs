// Responses, completions, embeddings and rankings with the npm packages openai
// and @openrouter/sdk.

import assert from "node:assert/strict";
import { test } from "node:test";
import { OpenRouter } from "@openrouter/sdk";
import OpenAI from "openai";
import { collect, key, models, url, wrongKey } from "./common.mjs";

const connect = (apiKey = key) => new OpenAI({ baseURL: url, apiKey, maxRetries: 0, timeout: 60_000 });
const client = connect();
const router = new OpenRouter({ serverURL: url, apiKey: key, retryConfig: { strategy: "none" }, timeoutMs: 60_000 });

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
const pixel =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

for (const model of models) {
  test(`openai: a response of ${model} is answered and priced`, async () => {
    const answer = await client.responses.create({ model, input: "Say hello.", metadata: { k: "v" } });
    assert.equal(answer.status, "completed");
    assert.ok(answer.output_text);
    assert.equal(answer.metadata.k, "v");
    assert.ok(answer.usage.cost > 0);
  });

  test(`openai: a stream of ${model} builds the whole response`, async () => {
    const stream = client.responses.stream({ model, input: "Say hello.", reasoning: { effort: "high" } });
    const events = await collect(stream);
    const text = events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta);
    const final = await stream.finalResponse();
    assert.equal(events[0].type, "response.created");
    assert.equal(events.at(-1).type, "response.completed");
    assert.ok(final.output_text);
    assert.equal(final.output_text, text.join(""));
    assert.ok(final.output.some((item) => item.type === "reasoning"));
  });

  test(`openai: ${model} calls a tool in a loop of two turns`, async () => {
    const first = await client.responses.stream({ model, input: [question], tools: [weather] }).finalResponse();
    const call = first.output.find((item) => item.type === "function_call");
    assert.deepEqual(JSON.parse(call.arguments), { city: "Paris", unit: "celsius" });
    const output = { type: "function_call_output", call_id: call.call_id, output: "17 degrees" };
    const input = [question, ...first.output, output];
    const second = await client.responses.create({ model, input, tools: [weather] });
    assert.ok(second.output_text);
  });

  test(`openai: ${model} follows a schema`, async () => {
    const schema = {
      type: "object",
      properties: { n: { type: "integer" } },
      required: ["n"],
      additionalProperties: false,
    };
    const answer = await client.responses.parse({
      model,
      input: "Give me a number.",
      text: { format: { type: "json_schema", name: "number", strict: true, schema } },
    });
    assert.ok(Number.isInteger(answer.output_parsed.n));
  });

  test(`@openrouter/sdk: a response of ${model} is answered and streamed`, async () => {
    const answer = await router.responses.send({ responsesRequest: { model, input: "Say hello." } });
    assert.equal(answer.status, "completed");
    assert.ok(answer.usage.cost > 0);
    const tools = [weather];
    const stream = await router.responses.send({ responsesRequest: { model, input: [question], tools, stream: true } });
    const events = await collect(stream);
    assert.equal(events.at(-1).type, "response.completed");
    const call = events.at(-1).response.output.find((item) => item.type === "function_call");
    assert.equal(JSON.parse(call.arguments).city, "Paris");
  });
}

test("openai: a picture is taken", async () => {
  const content = [
    { type: "input_text", text: "What is this?" },
    { type: "input_image", image_url: pixel, detail: "low" },
  ];
  const answer = await client.responses.create({ model: models[0], input: [{ role: "user", content }] });
  assert.ok(answer.output_text);
});

test("openai: a stored response is refused, a bad key too", async () => {
  const ask = (apiKey, fields) => connect(apiKey).responses.create({ model: models[0], input: "hi", ...fields });
  await assert.rejects(ask(key, { store: true }), (error) => error.status === 400 && /store/.test(error.message));
  await assert.rejects(ask(wrongKey, {}), (error) => error.status === 401);
});

test("openai: a stream that breaks is a failed response", async () => {
  const input = "Hello there, tell me more. [[fault:error-chunk]]";
  const events = await collect(await client.responses.create({ model: models[0], input, stream: true }));
  assert.equal(events.at(-1).type, "response.failed");
  assert.ok(events.at(-1).response.error.message);
});

test("openai: a prompt is completed, whole and streamed", async () => {
  const fields = { model: models[0], prompt: "Say hello." };
  const answer = await client.completions.create(fields);
  assert.ok(answer.choices[0].text);
  const chunks = await collect(await client.completions.create({ ...fields, stream: true }));
  assert.ok(chunks.flatMap((chunk) => chunk.choices).map((choice) => choice.text).join(""));
});

for (const model of ["openai/text-embedding-3-small", "google/gemini-embedding-001"]) {
  test(`vectors of ${model} are the same in both packages and encodings`, async () => {
    // The openai package asks for base64 and unpacks it.
    const packed = await client.embeddings.create({ model, input: ["a red apple", "tax law"] });
    const plain = await router.embeddings.generate({ requestBody: { model, input: ["a red apple", "tax law"] } });
    assert.equal(packed.data.length, 2);
    assert.equal(packed.data[0].embedding.length, plain.data[0].embedding.length);
    packed.data[0].embedding.forEach((number, index) => {
      assert.ok(Math.abs(number - plain.data[0].embedding[index]) < 1e-6);
    });
    assert.ok(plain.usage.cost > 0);
  });
}

test("@openrouter/sdk: embedding models are listed and documents ranked", async () => {
  const list = await router.embeddings.listModels();
  assert.ok((list.result ?? list).data.some((model) => model.id === "openai/text-embedding-3-small"));
  const documents = ["Berlin is in Germany.", "The capital of France is Paris."];
  const answer = await router.rerank.rerank({
    requestBody: { model: "cohere/rerank-v3.5", query: "capital of France", documents, topN: 1 },
  });
  assert.equal(answer.results[0].index, 1);
  assert.equal(answer.results[0].document.text, documents[1]);
});
