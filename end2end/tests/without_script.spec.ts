// Reading needs no JavaScript.
import { expect, memberPages, readingPages, test } from "./support";

test.use({ javaScriptEnabled: false });

const expected: Record<string, (string | RegExp)[]> = {
  home: ["Every model on one panel.", "Top models this week"],
  models: [/\d+ models/, "openai/gpt-5.4", "anthropic/claude-haiku-4.5"],
  model: ["GPT-5.4", "Providers", "Alpha (simulated)", "Call it", "curl"],
  rankings: ["Leaderboard", "Tokens"],
  providers: ["Alpha (simulated)"],
  docs: ["Base URL", "/api/v1", "chat/completions"],
  "sign-in": ["Password"],
  "sign-up": ["Create account"],
};

for (const [name, path] of readingPages) {
  test(`${name} is complete without a script`, async ({ page }) => {
    const response = await page.goto(path);
    expect(response?.status()).toBe(200);
    const main = page.getByRole("main");
    await expect(main.getByRole("heading", { level: 1 })).toBeVisible();
    for (const text of expected[name] ?? []) await expect(main).toContainText(text);
    await expect(page).toHaveTitle(/Patchbay/);
  });
}

test("models can be searched and sorted without a script", async ({ page, request }) => {
  await page.goto("/models");
  await page.locator('input[name="q"]').fill("claude");
  await page.getByLabel("Sort by").selectOption("pricing-low-to-high");
  await page.getByRole("button", { name: "Apply" }).click();
  const rows = page.getByRole("main").locator("tbody tr");
  await expect(rows.first()).toContainText(/claude/i);
  for (const row of await rows.all()) {
    if (/claude/i.test(await row.innerText())) continue;
    // Not its name, but its description is about it.
    const model = await request.get((await row.getByRole("link").first().getAttribute("href")) ?? "");
    expect(await model.text()).toMatch(/claude/i);
  }
});

test("an address that is not there says so", async ({ request }) => {
  const response = await request.get("/models/nobody/nothing");
  expect(response.status()).toBe(404);
  expect(await response.text()).toContain("<main");
});

test("signing in works without a script", async ({ page }) => {
  await page.goto("/sign-in?next=/activity");
  await page.getByLabel("E-mail").fill(process.env.END2END_EMAIL ?? "");
  await page.getByLabel("Password").fill(process.env.END2END_PASSWORD ?? "");
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/activity$/);
  await expect(page.getByRole("heading", { level: 1, name: "Activity" })).toBeVisible();
  await expect(page.getByRole("table", { name: "Requests" }).locator("tbody tr").first()).toBeVisible();
});

// Pages are rendered and dropped on any thread; the server's log is read after the tests.
test("every page bears a crowd of members", async ({ request, baseURL }) => {
  const { END2END_EMAIL: email = "", END2END_PASSWORD: password = "" } = process.env;
  const signedIn = await request.post("/sign-in", { form: { email, password }, headers: { Origin: baseURL ?? "" } });
  expect(signedIn.status()).toBe(200);
  for (const [, path] of [...readingPages, ...memberPages] as const) {
    const answers = await Promise.all(Array.from({ length: 30 }, () => request.get(path)));
    for (const answer of answers) expect(answer.status()).toBe(200);
  }
});
