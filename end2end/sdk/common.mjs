// What the tests of both npm packages ask for.

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
