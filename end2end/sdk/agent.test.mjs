// The official @openrouter/agent package (npm), which runs tools itself and speaks the
// Responses API, against a demo server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { OpenRouter, stepCountIs, tool } from "@openrouter/agent";
import { z } from "zod";
import {
  assertPerson,
  collect,
  faulty,
  key,
  models,
  personSchema,
  pixel,
  poorKey,
  seesPicture,
  thinks,
  url,
  wrongKey,
} from "./common.mjs";

const connect = (apiKey = key) =>
  new OpenRouter({ serverURL: url, apiKey, retryConfig: { strategy: "none" }, timeoutMs: 60_000 });
const client = connect();
const call = (model, request) => client.callModel({ model, ...request });

const question = "What is the weather in Paris in celsius?";
const asked = [];
const weather = tool({
  name: "get_weather",
  description: "The weather of a city",
  inputSchema: z.object({ city: z.string(), unit: z.enum(["celsius", "fahrenheit"]) }),
  outputSchema: z.object({ degrees: z.number(), sky: z.string() }),
  execute: async (input) => {
    asked.push(input);
    return { degrees: 17, sky: "cloudy" };
  },
});

for (const model of models) {
  test(`${model} answers with text, usage and cost`, async () => {
    const result = call(model, { input: "Say hello." });
    const response = await result.getResponse();
    assert.equal(response.status, "completed");
    assert.equal(await result.getText(), response.outputText ?? response.output.at(-1).content[0].text);
    assert.ok(await result.getText());
    assert.ok(response.usage.inputTokens > 0 && response.usage.outputTokens > 0);
    assert.ok(response.usage.cost > 0);
  });

  test(`${model} streams the text it ends with`, async () => {
    const result = call(model, { input: "Say hello." });
    const pieces = await collect(result.getTextStream());
    assert.ok(pieces.length > 1);
    assert.equal(pieces.join(""), await result.getText());
    assert.equal(pieces.join(""), await call(model, { input: "Say hello." }).getText());
  });

  test(`${model} streams the items of its answer`, async () => {
    const items = await collect(call(model, { input: "Say hello.", reasoning: { effort: "high" } }).getItemsStream());
    const last = items.findLast((item) => item.type === "message");
    assert.equal(last.status, "completed");
    assert.ok(last.content[0].text);
    assert.ok(items.some((item) => item.type === "reasoning"));
  });

  test(`${model} has its tool run and goes on with the result`, async () => {
    asked.length = 0;
    const result = call(model, { input: question, tools: [weather], stopWhen: stepCountIs(3) });
    const events = await collect(result.getFullResponsesStream());
    assert.deepEqual(asked, [{ city: "Paris", unit: "celsius" }]);
    assert.match(await result.getText(), /The tool answered: .*17.*cloudy/);
    const completed = events.filter((event) => event.type === "response.completed");
    assert.equal(completed.length, 2, "two turns");
  });

  test(`${model} streams the arguments of a tool that is not run`, async () => {
    const manual = tool({ name: "get_weather", inputSchema: z.object({ city: z.string() }), execute: false });
    const result = call(model, { input: question, tools: [manual] });
    const [made] = await result.getToolCalls();
    assert.equal(made.name, "get_weather");
    assert.deepEqual(made.arguments, { city: "Paris" });
  });

  test(`${model} thinks before it calls a tool, and its thoughts go back to it`, async () => {
    asked.length = 0;
    const result = call(model, { input: question, tools: [weather], reasoning: { effort: "high" } });
    assert.match((await collect(result.getReasoningStream())).join(""), thinks);
    assert.match(await result.getText(), /The tool answered: .*17/);
    assert.equal(asked.length, 1);
    // Without its signed thoughts a model would not think in the middle of a tool loop.
    assert.ok((await result.getResponse()).output.some((item) => item.type === "reasoning"));
  });

  test(`${model} keeps to a schema`, async () => {
    const format = { type: "json_schema", name: "person", strict: true, schema: personSchema };
    assertPerson(JSON.parse(await call(model, { input: "Make up a person.", text: { format } }).getText()));
  });

  test(`${model} sees a picture`, async () => {
    const content = [
      { type: "input_text", text: "What is this?" },
      { type: "input_image", detail: "auto", imageUrl: pixel },
    ];
    assert.match(await call(model, { input: [{ role: "user", content }] }).getText(), seesPicture);
  });

  test(`${model} tells of its reasoning`, async () => {
    const result = call(model, { input: "Think about seven times eight.", reasoning: { effort: "high" } });
    assert.match((await collect(result.getReasoningStream())).join(""), thinks);
    assert.ok(await result.getText());
    assert.ok((await result.getResponse()).usage.outputTokensDetails.reasoningTokens > 0);
  });

  test(`${model} goes on with a conversation that was stored`, async () => {
    let stored = null;
    const state = { load: async () => stored, save: async (next) => (stored = next) };
    const request = { tools: [weather], state };
    assert.match(await call(model, { ...request, input: question }).getText(), /The tool answered: .*17/);
    assert.match(await call(model, { ...request, input: "And tomorrow?" }).getText(), /And tomorrow/);
    assert.ok(JSON.stringify(stored.messages).includes("Paris"));
  });

  test(`a stream of ${model} that breaks is an error`, async () => {
    const result = call(model, { input: faulty("error-chunk") });
    await assert.rejects(result.getText(), /broke off/);
  });
}

test("errors have their status", async () => {
  const refused = (promise, statusCode, message) =>
    assert.rejects(promise, (error) => {
      assert.equal(error.statusCode, statusCode, error.message);
      assert.match(error.message, message);
      return true;
    });
  const ask = (apiKey, request) => connect(apiKey).callModel({ model: models[0], input: "Hi", ...request }).getText();
  await refused(ask(wrongKey), 401, /API key/);
  await refused(ask(poorKey), 402, /credit/);
  await refused(ask(key, { model: "nobody/nothing" }), 400, /nobody\/nothing/);
  await refused(ask(key, { input: faulty("429-retry-after") }), 429, /./);
  await refused(ask(key, { input: faulty("500") }), 502, /./);
});
