// What the tests of the npm packages ask for.

import assert from "node:assert/strict";

export const url = `${process.env.END2END_URL}/api/v1`;
export const key = process.env.END2END_KEY;
export const poorKey = process.env.END2END_POOR_KEY;
export const wrongKey = `sk-or-v1-${"0".repeat(64)}`;

// One for each protocol the simulated providers speak: OpenAI chat, Anthropic Messages, Gemini.
export const models = ["openai/gpt-5.4-mini", "anthropic/claude-haiku-4.5", "google/gemini-3.5-flash"];

export const hello = (content = "Say hello.") => [{ role: "user", content }];
export const askWeather = [{ role: "user", content: "What is the weather in Paris in celsius?" }];
export const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather of a city",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, unit: { type: "string", enum: ["celsius", "fahrenheit"] } },
      required: ["city", "unit"],
    },
  },
};

export async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** A picture of one red point. */
export const pixel =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";


/** What the tool says, and what a model makes of it. */
export const forecast = "17 degrees, cloudy";
export const repeatsForecast = /The tool answered: .*17 degrees, cloudy/;
/** What a model says of one picture, and while it thinks. */
export const seesPicture = /One image came along/;
export const thinks = /This reasoning is simulated/;

export const personSchema = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer" } },
  required: ["name", "age"],
  additionalProperties: false,
};
export function assertPerson(person) {
  assert.deepEqual(Object.keys(person).sort(), ["age", "name"]);
  assert.equal(typeof person.name, "string");
  assert.ok(Number.isInteger(person.age));
}

/** A question after which the provider fails. */
export const faulty = (fault) => `Hello there, tell me more. [[fault:${fault}]]`;
