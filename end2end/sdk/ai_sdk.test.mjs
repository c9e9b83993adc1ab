// The Vercel AI SDK through its official provider (@openrouter/ai-sdk-provider) against a demo server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { generateText, isStepCount, Output, streamText, tool } from "ai";
import { z } from "zod";
import { key, models, pixel, url, wrongKey } from "./common.mjs";

const connect = (apiKey = key) => createOpenRouter({ apiKey, baseURL: url, compatibility: "strict" });
const openrouter = connect();
const ask = (model, options) => generateText({ model: openrouter.chat(model), maxRetries: 0, ...options });

const weather = tool({
  description: "The weather of a city",
  inputSchema: z.object({ city: z.string(), unit: z.enum(["celsius", "fahrenheit"]) }),
  execute: async ({ city, unit }) => ({ city, unit, degrees: 21 }),
});
const person = z.object({ name: z.string(), age: z.number() });

for (const model of models) {
  test(`${model} answers with text and usage`, async () => {
    const { text, finishReason, usage, providerMetadata } = await ask(model, { prompt: "Say hello." });
    assert.ok(text);
    assert.equal(finishReason, "stop");
    assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
    assert.ok(providerMetadata.openrouter.usage.cost > 0);
  });

  test(`${model} streams its text`, async () => {
    const answer = streamText({ model: openrouter.chat(model), prompt: "Say hello.", maxRetries: 0 });
    const pieces = [];
    for await (const piece of answer.textStream) pieces.push(piece);
    assert.ok(pieces.length > 1);
    assert.equal(pieces.join(""), await answer.text);
    assert.equal(await answer.finishReason, "stop");
  });

  test(`${model} calls a tool and goes on with its result`, async () => {
    const { steps, text } = await ask(model, {
      prompt: "What is the weather in Paris in celsius?",
      tools: { get_weather: weather },
      stopWhen: isStepCount(3),
    });
    assert.equal(steps.length, 2);
    assert.equal(steps[0].finishReason, "tool-calls");
    assert.deepEqual(steps[0].toolResults[0].output, { city: "Paris", unit: "celsius", degrees: 21 });
    assert.ok(text);
  });

  test(`${model} keeps to a schema`, async () => {
    const { output } = await ask(model, { prompt: "Make up a person.", output: Output.object({ schema: person }) });
    assert.equal(typeof output.name, "string");
    assert.equal(typeof output.age, "number");
  });

  test(`${model} takes an image`, async () => {
    const content = [
      { type: "text", text: "What is on this picture?" },
      { type: "file", mediaType: "image/png", data: pixel },
    ];
    assert.ok((await ask(model, { messages: [{ role: "user", content }] })).text);
  });

  test(`${model} shows its reasoning`, async () => {
    const { reasoningText, text } = await ask(model, {
      prompt: "Think about seven times eight.",
      providerOptions: { openrouter: { reasoning: { effort: "high" } } },
    });
    assert.ok(reasoningText);
    assert.ok(text);
  });
}

test("a bad key and an unknown model are told apart", async () => {
  const refused = (promise, status) =>
    assert.rejects(promise, (error) => {
      assert.equal(error.statusCode, status, error.message);
      return true;
    });
  await refused(generateText({ model: connect(wrongKey).chat(models[0]), prompt: "Hi", maxRetries: 0 }), 401);
  await refused(ask("nobody/nothing", { prompt: "Hi" }), 400);
});
