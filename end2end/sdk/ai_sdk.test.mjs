// The Vercel AI SDK through its official provider (@openrouter/ai-sdk-provider) against a demo server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { embedMany, generateText, isStepCount, Output, streamText, tool } from "ai";
import { z } from "zod";
import {
  assertPerson,
  collect,
  faulty,
  key,
  models,
  pixel,
  poorKey,
  seesPicture,
  thinks,
  url,
  wrongKey,
} from "./common.mjs";

const connect = (apiKey = key) => createOpenRouter({ apiKey, baseURL: url, compatibility: "strict" });
const openrouter = connect();
const ask = (model, options) => generateText({ model: openrouter.chat(model), maxRetries: 0, ...options });
const stream = (model, options) => streamText({ model: openrouter.chat(model), maxRetries: 0, ...options });
const thinking = { openrouter: { reasoning: { effort: "high" } } };

const weather = tool({
  description: "The weather of a city",
  inputSchema: z.object({ city: z.string(), unit: z.enum(["celsius", "fahrenheit"]) }),
  execute: async ({ city, unit }) => ({ city, unit, degrees: 21 }),
});
const inParis = { prompt: "What is the weather in Paris in celsius?", tools: { get_weather: weather }, stopWhen: isStepCount(3) };
const person = z.object({ name: z.string(), age: z.int() });

for (const model of models) {
  test(`${model} answers with text and usage`, async () => {
    const { text, finishReason, usage, providerMetadata } = await ask(model, { prompt: "Say hello." });
    assert.ok(text);
    assert.equal(finishReason, "stop");
    assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
    assert.ok(providerMetadata.openrouter.usage.cost > 0);
  });

  test(`${model} streams its text`, async () => {
    const answer = stream(model, { prompt: "Say hello." });
    const pieces = await collect(answer.textStream);
    assert.ok(pieces.length > 1);
    assert.equal(pieces.join(""), await answer.text);
    assert.equal(await answer.finishReason, "stop");
    assert.ok((await answer.usage).outputTokens > 0);
    assert.ok((await answer.providerMetadata).openrouter.usage.cost > 0);
  });

  test(`${model} calls a tool and goes on with its result`, async () => {
    const { steps, text } = await ask(model, inParis);
    assert.equal(steps.length, 2);
    assert.equal(steps[0].finishReason, "tool-calls");
    assert.deepEqual(steps[0].toolResults[0].output, { city: "Paris", unit: "celsius", degrees: 21 });
    assert.match(text, /The tool answered: .*21/);
  });

  test(`${model} streams two steps, and its thoughts go back to it`, async () => {
    const answer = stream(model, { ...inParis, providerOptions: thinking });
    const parts = await collect(answer.stream);
    const steps = await answer.steps;
    assert.equal(steps.length, 2);
    assert.deepEqual(steps[0].toolCalls[0].input, { city: "Paris", unit: "celsius" });
    assert.ok(parts.some((part) => part.type === "tool-input-delta"));
    assert.match(await answer.text, /The tool answered: .*21/);
    // Without its signed thoughts a model would not think in the middle of a tool loop.
    for (const step of steps) assert.match(step.reasoningText, thinks);
  });

  test(`${model} keeps to a schema, streamed and not`, async () => {
    const fields = { prompt: "Make up a person.", output: Output.object({ schema: person }) };
    assertPerson((await ask(model, fields)).output);
    const answer = stream(model, fields);
    assertPerson((await collect(answer.partialOutputStream)).at(-1));
  });

  test(`${model} sees a picture`, async () => {
    const content = [
      { type: "text", text: "What is on this picture?" },
      { type: "file", mediaType: "image/png", data: pixel },
    ];
    assert.match((await ask(model, { messages: [{ role: "user", content }] })).text, seesPicture);
  });

  test(`${model} shows its reasoning`, async () => {
    const fields = { prompt: "Think about seven times eight.", providerOptions: thinking };
    const { reasoningText, text, usage } = await ask(model, fields);
    assert.match(reasoningText, thinks);
    assert.ok(text);
    assert.ok(usage.outputTokenDetails.reasoningTokens > 0);
    const parts = await collect(stream(model, fields).stream);
    const thought = parts.filter((part) => part.type === "reasoning-delta").map((part) => part.text);
    assert.equal(thought.join(""), reasoningText);
  });

  test(`an error inside a stream of ${model} is told`, async () => {
    const told = [];
    const answer = stream(model, { prompt: faulty("error-chunk"), onError: ({ error }) => told.push(error) });
    const parts = await collect(answer.stream);
    assert.ok(parts.some((part) => part.type === "error"));
    assert.equal(told.length, 1);
  });
}

test("errors have their status", async () => {
  const refused = (promise, status, message) =>
    assert.rejects(promise, (error) => {
      assert.equal(error.statusCode, status, error.message);
      assert.match(error.message, message);
      return true;
    });
  const withKey = (apiKey) => generateText({ model: connect(apiKey).chat(models[0]), prompt: "Hi", maxRetries: 0 });
  await refused(withKey(wrongKey), 401, /API key/);
  await refused(withKey(poorKey), 402, /credit/);
  await refused(ask("nobody/nothing", { prompt: "Hi" }), 400, /nobody\/nothing/);
  await refused(ask(models[0], { prompt: faulty("429-retry-after") }), 429, /./);
  await refused(ask(models[0], { prompt: faulty("500") }), 502, /./);
});

test("texts become vectors", async () => {
  const model = openrouter.textEmbeddingModel("openai/text-embedding-3-small");
  const { embeddings, usage } = await embedMany({ model, values: ["a red apple", "tax law"], maxRetries: 0 });
  assert.equal(embeddings.length, 2);
  assert.ok(embeddings[0].length > 10);
  assert.ok(usage.tokens > 0);
});
