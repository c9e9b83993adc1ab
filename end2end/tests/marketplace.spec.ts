// Browsing: facets while one types, comparison, statistics, leaderboards, guides, the palette.
import { awake, createKey, expect, signIn, test } from "./support";

test("the catalog follows while one types, and the address with it", async ({ page }) => {
  await page.goto("/models");
  await awake(page);
  const results = page.locator("#model-results");
  await page.getByRole("searchbox", { name: "Search models" }).fill("claude");
  await expect(page).toHaveURL(/[?&]q=claude/);
  await expect(results.locator("tbody tr").first()).toContainText(/claude/i);
  const image = page.locator('input[name="input_modalities"][value="image"]');
  await image.check();
  await expect(page).toHaveURL(/input_modalities=image/);
  for (const row of await results.locator("tbody tr").all()) await expect(row).toContainText("image");
  const address = page.url();
  await results.getByRole("link").first().click();
  await expect(page.getByRole("heading", { level: 2, name: "Providers" })).toBeVisible();
  await page.goBack();
  await expect(page).toHaveURL(address);
  await expect(results.locator("tbody tr").first()).toContainText(/claude/i);
  await page.reload();
  await expect(image).toBeChecked();
});

test("models are chosen over several searches and compared", async ({ page }) => {
  await page.goto("/models?q=gpt-5.4");
  await awake(page);
  await page.getByRole("checkbox", { name: "Compare OpenAI: GPT-5.4", exact: true }).check();
  await page.getByRole("searchbox", { name: "Search models" }).fill("haiku");
  await page.getByRole("checkbox", { name: "Compare Anthropic: Claude Haiku 4.5", exact: true }).check();
  const tray = page.getByRole("region", { name: "Chosen for comparison" });
  await expect(tray).toContainText("openai/gpt-5.4");
  await tray.getByRole("link", { name: "Compare 2" }).click();
  const table = page.getByRole("table");
  await expect(table).toContainText("OpenAI: GPT-5.4");
  await expect(table.getByRole("row", { name: /Input/ })).toContainText("(best)");
  await expect(page.getByRole("link", { name: "Ask them all the same" })).toBeVisible();
});

test("leaderboards, the status and a model's page tell what the traffic says", async ({ page, request }) => {
  await page.goto("/rankings?by=model&period=month&length=10K");
  await expect(page.getByRole("img", { name: /Tokens per day/ })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Growing most" })).toBeVisible();
  const svg = await request.get((await page.getByRole("link", { name: "SVG to embed" }).getAttribute("href")) ?? "");
  expect(svg.headers()["content-type"]).toBe("image/svg+xml");
  const csv = await request.get((await page.getByRole("link", { name: "CSV" }).getAttribute("href")) ?? "");
  expect(await csv.text()).toContain("date,id,name,tokens");
  await page.goto("/apps");
  await page.getByRole("link", { name: "Foxglove Code" }).click();
  await expect(page.getByRole("heading", { level: 2, name: "Models it uses" })).toBeVisible();
  await page.goto("/models/openai/gpt-5.4?period=month");
  await expect(page.getByRole("img", { name: "Latency, seconds to the first token" })).toBeVisible();
  await expect(page.getByRole("img", { name: /Uptime of Alpha/ })).toBeVisible();
  await page.goto("/status");
  await expect(page.getByRole("heading", { name: "Incidents" })).toBeVisible();
});

test("the numbers on the front page follow the traffic until they are paused", async ({ page, request }) => {
  await signIn(page, "/keys");
  await awake(page);
  const key = await createKey(page, "Front page");
  await page.clock.install();
  await page.goto("/");
  await awake(page);
  const tokens = async () => Number((await page.locator("#numbers dd").last().textContent())?.replace(/\D/g, ""));
  const before = await tokens();
  const answer = await request.post("/api/v1/chat/completions", {
    headers: { authorization: `Bearer ${key}` },
    data: { model: "openai/gpt-5.4", messages: [{ role: "user", content: "Count me" }] },
  });
  expect(answer.status()).toBe(200);
  await expect
    .poll(async () => {
      await page.clock.runFor(10_000);
      return tokens();
    })
    .toBeGreaterThan(before);
  const live = page.getByRole("button", { name: "Live" });
  await expect(live).toHaveAttribute("aria-pressed", "true");
  await live.click();
  await expect(live).toHaveAttribute("aria-pressed", "false");
  let fetched = 0;
  page.on("request", () => (fetched += 1));
  await page.clock.runFor(60_000);
  expect(fetched, "what is paused asks nothing").toBe(0);
});

test("the guides are searched, and the palette goes anywhere", async ({ page }) => {
  await page.goto("/docs?q=fallback charged");
  await page.getByRole("link", { name: "Routing: Fallback models" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Routing" })).toBeVisible();
  await page.goto("/docs/api");
  await page.locator("summary", { hasText: "/datasets/rankings-daily" }).click();
  await expect(page.getByText("context_bucket")).toBeVisible();
  await awake(page);
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Go to a page or a model" }).fill("haiku 4.5");
  await expect(page.getByRole("option").first()).toContainText("Haiku 4.5");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/claude-haiku-4\.5/);
});

test("two models answer side by side, the conversation is kept, shared and taken back", async ({ page, browser, baseURL }) => {
  await signIn(page, "/chat");
  await page.goto("/chat?models=openai/gpt-5.4-mini,anthropic/claude-haiku-4.5");
  await awake(page);
  await page.getByRole("button", { name: "Conversations" }).click();
  await page.getByLabel("Keep what is said").selectOption("server");
  await page.getByRole("textbox", { name: "Message" }).fill("Tell me about the harbour in one sentence.");
  await page.getByRole("button", { name: "Send" }).click();
  const answers = page.getByRole("article", { name: "Answer" });
  await expect(answers).toHaveCount(2);
  for (const answer of await answers.all()) {
    await expect(answer).toHaveAttribute("aria-busy", "false");
    await expect(answer.locator(".facts")).toContainText("$");
  }
  await answers.first().getByRole("button", { name: "Regenerate" }).click();
  await expect(answers.first()).toHaveAttribute("aria-busy", "false");
  await page.getByRole("button", { name: "Share by link" }).click();
  const link = (await page.locator(".chat-takeaway .secret code").textContent()) ?? "";
  expect(link).toContain(`${baseURL}/shared/`);
  const stranger = await (await browser.newContext()).newPage();
  await stranger.goto(link);
  await expect(stranger.getByText("Tell me about the harbour").first()).toBeVisible();
  await page.getByRole("button", { name: "Stop sharing" }).click();
  await expect(page.getByRole("button", { name: "Share by link" })).toBeVisible();
  expect((await stranger.goto(link))?.status()).toBe(404);
  await page.reload();
  await awake(page);
  await page.getByRole("button", { name: "Conversations" }).click();
  await page.getByRole("searchbox", { name: "Search conversations" }).fill("harbour");
  await page.getByRole("listitem").getByRole("button", { name: /Tell me about the harbour/ }).first().click();
  await expect(answers).toHaveCount(2);
});

test("a blind comparison hides the names until there is a vote", async ({ page }) => {
  await signIn(page, "/chat");
  await awake(page);
  const vote = page.getByRole("button", { name: "A is better" });
  const others = page.getByRole("button", { name: "Draw two others" });
  // Any model may be drawn, also one whose server is busy.
  test.setTimeout(600_000);
  await page.getByRole("button", { name: "Compare blindly" }).click();
  const ask = async () => {
    await expect(page.getByText("Model A")).toBeVisible();
    await page.getByRole("textbox", { name: "Message" }).fill("Which is the best season?");
    await page.getByRole("button", { name: "Send" }).click();
    await expect(vote.or(others)).toBeVisible({ timeout: 180_000 });
  };
  // The first answer breaks off: there is nothing to vote on.
  const broken = { id: "gen-1", choices: [], error: { code: 502, message: "The provider hung up." } };
  await page.route(
    "**/api/v1/chat/completions",
    (route) => route.fulfill({ contentType: "text/event-stream", body: `data: ${JSON.stringify(broken)}\n\n` }),
    { times: 1 },
  );
  await ask();
  await expect(vote).toHaveCount(0);
  do {
    await others.click();
    await expect(others).toHaveCount(0);
    await ask();
  } while (await others.isVisible());
  await vote.click();
  await expect(page.getByRole("status")).toContainText(/A was .+\/.+, B was .+\/.+\./);
  await page.goto("/rankings/quality");
  await expect(page.getByRole("table").locator("tbody tr").first()).toBeVisible();
});

test("what a model writes cannot run, and loads nothing from elsewhere", async ({ page, baseURL }) => {
  const outside: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(baseURL ?? "") && !request.url().startsWith("data:")) outside.push(request.url());
  });
  await signIn(page, "/chat");
  await page.goto("/chat?model=openai/gpt-5.4-mini");
  await awake(page);
  const attack = '<img src=x onerror="document.title=1"> ![x](https://evil.example/x.png) [y](javascript:document.title=1) <script>document.title=1</script>';
  await page.route("**/api/v1/chat/completions", (route) =>
    route.fulfill({
      contentType: "text/event-stream",
      body: `data: ${JSON.stringify({ id: "gen-1", choices: [{ delta: { content: attack }, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`,
    }),
  );
  await page.getByRole("textbox", { name: "Message" }).fill("Hi");
  await page.getByRole("button", { name: "Send" }).click();
  const answer = page.getByRole("article", { name: "Answer" });
  await expect(answer).toContainText("onerror");
  expect(await answer.locator("img, script, a[href^=javascript]").count()).toBe(0);
  await expect(page).toHaveTitle(/Chat/);
  expect(outside).toEqual([]);
});

test("formulas are set, columns scroll together, and what was deleted comes back", async ({ page }) => {
  await signIn(page, "/chat");
  await page.goto("/chat?models=openai/gpt-5.4-mini,anthropic/claude-haiku-4.5");
  await awake(page);
  const lines = Array.from({ length: 60 }, (_, line) => `- line ${line}`).join("\n");
  await page.getByRole("textbox", { name: "Message" }).fill(`[[echo:So \\( \\frac{a}{b} \\) it is.\n\n$$\\sum_i x_i$$\n\n${lines}]]`);
  await page.getByRole("button", { name: "Send" }).click();
  const logs = page.getByRole("log");
  for (const log of await logs.all()) await expect(log.locator("article.message-answer")).toHaveAttribute("aria-busy", "false");
  await expect(logs.first().locator(".prose math")).toHaveCount(2);
  await expect(logs.first().locator(".prose math[display=block] munder, .prose math[display=block] msub").first()).toBeAttached();
  await page.getByRole("button", { name: "Scroll together" }).click();
  await logs.first().hover();
  await page.mouse.wheel(0, -4000);
  await expect.poll(() => logs.nth(1).evaluate((log) => log.scrollTop)).toBe(0);
  await page.getByRole("button", { name: "Conversations" }).click();
  const kept = page.getByRole("listitem").filter({ hasText: "echo:So" });
  const count = await kept.count();
  await kept.first().getByRole("button", { name: /^Delete/ }).click();
  await expect(kept).toHaveCount(count - 1);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(kept).toHaveCount(count);
});
