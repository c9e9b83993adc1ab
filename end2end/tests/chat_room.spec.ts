// The chat room's shelves and tools: folders, files that stay, a calculator, the web.
import { readFile } from "node:fs/promises";

import { awake, expect, signIn, test } from "./support";

const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

for (const place of ["device", "server"] as const) {
  test(`a conversation lies in a folder with its picture, after a reload too (${place})`, async ({ page }) => {
    const word = `lantern-${place}`;
    await signIn(page, "/chat");
    await page.goto("/chat?model=openai/gpt-5.4-mini");
    await awake(page);
    await page.getByRole("button", { name: "Conversations" }).click();
    await page.getByLabel("Keep what is said").selectOption(place);
    await page.getByLabel("Attach files").setInputFiles({ name: "dot.png", mimeType: "image/png", buffer: Buffer.from(picture, "base64") });
    await expect(page.getByRole("button", { name: "Leave out dot.png" })).toBeVisible();
    await page.getByRole("textbox", { name: "Message" }).fill(`What is on this ${word}?`);
    await page.getByRole("button", { name: "Send" }).click();
    const answer = page.getByRole("article", { name: "Answer" });
    await expect(answer).toHaveAttribute("aria-busy", "false");

    const library = page.getByRole("complementary", { name: "Conversations" });
    const line = library.getByRole("listitem").filter({ hasText: word });
    await expect(line).toHaveCount(1);
    await library.getByLabel("New folder").fill(`Sea ${place}`);
    await library.getByRole("button", { name: "Add" }).click();
    const folder = library.locator("details.chat-folder").filter({ hasText: `Sea ${place}` });
    await expect(folder).toBeVisible();
    await line.getByRole("button", { name: /^Name or move/ }).click();
    await library.getByLabel("Title").fill(`Named ${word}`);
    await library.getByRole("combobox", { name: /^Folder/ }).selectOption(`Sea ${place}`);
    await library.getByRole("button", { name: "Save" }).last().click();
    await expect(folder.getByRole("listitem")).toContainText(`Named ${word}`);
    await folder.getByRole("button", { name: /^Rename the folder/ }).click();
    await folder.getByLabel("Name", { exact: true }).fill(`Shore ${place}`);
    await folder.getByRole("button", { name: "Save" }).first().click();
    const renamed = library.locator("details.chat-folder").filter({ hasText: `Shore ${place}` });
    await expect(renamed.getByRole("listitem")).toContainText(`Named ${word}`);

    await page.reload();
    await awake(page);
    await page.getByRole("button", { name: "Conversations" }).click();
    await library.getByRole("searchbox").fill("shore");
    await renamed.getByRole("button", { name: new RegExp(`^Named ${word}`) }).click();
    const shown = page.getByRole("article", { name: "You" }).getByRole("img", { name: "dot.png" });
    await expect(shown).toBeVisible();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export" }).click()]);
    const text = await readFile(await file.path(), "utf8");
    expect(text).toContain(picture);
    await library.getByRole("searchbox").fill("");
    await renamed.getByRole("button", { name: /^Delete/ }).click();
    await expect(renamed.getByRole("listitem")).toHaveCount(0);
    await page.getByLabel("Import").setInputFiles({ name: "conversation.json", mimeType: "application/json", buffer: Buffer.from(text) });
    await expect(shown).toBeVisible();
    await renamed.getByRole("button", { name: /^Remove the folder/ }).click();
    await expect(renamed).toHaveCount(0);
  });
}

test("a model calls the calculator, and what it said is in the answer", async ({ page }) => {
  await signIn(page, "/chat");
  await page.goto("/chat?model=openai/gpt-5.4-mini");
  await awake(page);
  const bodies: { tools?: unknown; messages: { role: string; content: string }[] }[] = [];
  const stream = (chunks: unknown[]) => [...chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`), "data: [DONE]\n\n"].join("");
  await page.route("**/api/v1/chat/completions", (route) => {
    bodies.push(route.request().postDataJSON());
    const call = (part: unknown) => ({ id: "gen-1", choices: [{ delta: { tool_calls: [part] } }] });
    const usage = { choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, cost: 0.001 } };
    const chunks =
      bodies.length === 1
        ? [
            call({ index: 0, id: "call_1", type: "function", function: { name: "calculate", arguments: '{"formula":' } }),
            call({ index: 0, function: { arguments: '"17 * 23.5"}' } }),
            { choices: [{ delta: {}, finish_reason: "tool_calls" }] },
            usage,
          ]
        : [{ id: "gen-2", choices: [{ delta: { content: "It is 399.5." }, finish_reason: "stop" }] }, usage];
    return route.fulfill({ contentType: "text/event-stream", body: stream(chunks) });
  });
  await page.getByRole("button", { name: "Tools", exact: true }).click();
  await expect(page.getByRole("button", { name: "Tools", exact: true })).toHaveAttribute("aria-pressed", "true");
  await page.getByRole("textbox", { name: "Message" }).fill("What is 17 times 23.5?");
  await page.getByRole("button", { name: "Send" }).click();
  const answer = page.getByRole("article", { name: "Answer" });
  await expect(answer).toHaveAttribute("aria-busy", "false");
  await expect(answer).toContainText("It is 399.5.");
  await expect(answer.locator(".tool-call summary")).toContainText("Calculator 399.5");
  await expect(answer.locator(".facts")).toContainText("20 in, 10 out");
  expect(bodies[0].tools).toBeDefined();
  expect(bodies[1].messages.map((message) => message.role)).toEqual(["user", "assistant", "tool"]);
  expect(bodies[1].messages[2].content).toBe("399.5");
});

test("simulated models go through the same loop, and it is kept", async ({ page }) => {
  await signIn(page, "/chat");
  await page.goto("/chat?model=openai/gpt-5.4-mini");
  await awake(page);
  await page.getByRole("button", { name: "Tools", exact: true }).click();
  await page.getByRole("textbox", { name: "Message" }).fill("Please tell the current time.");
  await page.getByRole("button", { name: "Send" }).click();
  const answer = page.getByRole("article", { name: "Answer" });
  await expect(answer).toHaveAttribute("aria-busy", "false");
  await expect(answer.locator(".tool-call")).toContainText("Clock");
  await expect(answer.locator(".prose").last()).not.toBeEmpty();
  await page.goto("/chat");
  await awake(page);
  await expect(page.locator(".tool-call").first()).toContainText("Clock");
});

test("the web is searched on request, and a refusal is told in its own words", async ({ page, trouble }) => {
  await signIn(page, "/chat");
  await page.goto("/chat?model=openai/gpt-5.4-mini");
  await awake(page);
  let plugins: unknown;
  await page.route("**/api/v1/chat/completions", (route) => {
    plugins = route.request().postDataJSON().plugins;
    return route.fulfill({ status: 400, json: { error: { code: 400, message: "No endpoint of this model searches the web." } } });
  });
  await page.getByRole("button", { name: "Web search" }).click();
  await page.getByRole("textbox", { name: "Message" }).fill("What is new?");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByRole("alert")).toContainText("No endpoint of this model searches the web.");
  expect(plugins).toEqual([{ id: "web" }]);
  trouble.splice(0);
});
