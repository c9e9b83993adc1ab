// A new person: account, credit, key, chat, activity.
import { awake, expect, operator, signIn, test } from "./support";

const question = "Tell me about lighthouses, please.";

test("a new person signs up, gets credit, makes a key, chats and sees the request", async ({ page, request }) => {
  const email = `ada-${Date.now()}@patchbay.example`;
  await test.step("sign up", async () => {
    await page.goto("/sign-up?next=/credits");
    await page.getByLabel("Name").fill("Ada");
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill("a lighthouse at noon");
    await page.getByRole("button", { name: "Create account" }).click();
    await expect(page).toHaveURL(/\/credits$/);
    await expect(page.getByRole("main")).toContainText("$0.00");
  });

  await test.step("get credit", async () => {
    await operator("credit", "grant", "--email", email, "--amount", "5");
    await expect(async () => {
      await page.reload();
      await expect(page.locator(".balance")).toHaveText("$5.00", { timeout: 500 });
    }).toPass();
  });

  let key = "";
  await test.step("create a key, which is shown once", async () => {
    await page.goto("/keys");
    await expect(page.getByText("No keys yet.")).toBeVisible();
    await awake(page);
    await page.getByRole("button", { name: "Create key" }).click();
    const dialog = page.getByRole("dialog", { name: "Create a key" });
    await dialog.getByRole("button", { name: "Create key" }).click();
    await expect(dialog.getByRole("alert")).toContainText("name");
    await dialog.getByLabel("Name").fill("My program");
    await dialog.getByLabel("Limit in US dollars").fill("1");
    await dialog.getByRole("button", { name: "Create key" }).click();
    const shown = page.getByRole("dialog", { name: "Your new key" });
    key = (await shown.locator("code").textContent()) ?? "";
    expect(key).toMatch(/^sk-or-v1-[0-9a-f]{64}$/);
    await shown.getByRole("button", { name: "Copy" }).click();
    await expect(shown.getByText("Copied")).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);
    await shown.getByRole("button", { name: "Done" }).click();
    await expect(page.getByRole("row", { name: /My program/ })).toContainText("Active");
    await page.reload();
    expect(await page.content()).not.toContain(key);
  });

  await test.step("the key works", async () => {
    const answer = await request.post("/api/v1/chat/completions", {
      headers: { authorization: `Bearer ${key}` },
      data: { model: "openai/gpt-5.4-mini", messages: [{ role: "user", content: "Hello" }] },
    });
    expect(answer.status()).toBe(200);
    expect((await answer.json()).usage.cost).toBeGreaterThan(0);
  });

  await test.step("chat: the answer streams in", async () => {
    await page.goto("/chat?model=openai/gpt-5.4-mini");
    await awake(page);
    await page.getByRole("textbox", { name: /message/i }).fill(question);
    await page.getByRole("button", { name: "Send" }).click();
    const answer = page.getByRole("article", { name: "Answer" });
    await expect(answer).toHaveAttribute("aria-busy", "true");
    await expect(answer.locator(".prose").last()).not.toBeEmpty();
    await expect(answer).toHaveAttribute("aria-busy", "false");
    await expect(answer.locator(".facts")).toContainText("simulated");
    await expect(answer.locator(".facts")).toContainText("$");
  });

  await test.step("both requests are in activity within a second", async () => {
    const details = await page.locator(".facts a", { hasText: "Details" }).getAttribute("href");
    await page.goto("/activity");
    const rows = page.getByRole("table", { name: "Requests" }).locator("tbody tr");
    await expect(rows).toHaveCount(2, { timeout: 1_000 });
    await expect(rows.first().locator(`a[href="${details}"]`)).toBeVisible();
    await expect(rows.first()).toContainText("openai/gpt-5.4-mini");
    await expect(rows.last()).toContainText("My program");
    await page.goto(details ?? "");
    await expect(page.getByRole("main")).toContainText("openai/gpt-5.4-mini");
  });

  await test.step("a key that is switched off is refused", async () => {
    await page.goto("/keys");
    await awake(page);
    await page.getByRole("button", { name: "Disable My program" }).click();
    await expect(page.getByRole("row", { name: /My program/ })).toContainText("Disabled");
    // The page does not wait for the server to say so.
    const status = async () => (await request.get("/api/v1/key", { headers: { authorization: `Bearer ${key}` } })).status();
    await expect.poll(status).toBe(401);
  });
});

test("an answer can be stopped, and what came stays", async ({ page }) => {
  await signIn(page, "/chat");
  await awake(page);
  await page.getByRole("textbox", { name: /message/i }).fill(`${question} ${"Say more about each of them. ".repeat(40)}`);
  await page.getByRole("button", { name: "Send" }).click();
  const answer = page.getByRole("article", { name: "Answer" });
  await expect(answer.locator(".prose").last()).not.toBeEmpty();
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(answer).toHaveAttribute("aria-busy", "false");
  await expect(answer.locator(".facts")).toContainText("stopped");
  await expect(answer.locator(".prose").last()).not.toBeEmpty();
});

test("a person of the demo signs in, sees the balance, and signs out", async ({ page }) => {
  await signIn(page);
  await expect(page.getByText("Demo mode")).toBeVisible();
  await expect(page.locator(".balance")).toContainText("$");
  await page.locator(".account-menu summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" }).first()).toBeVisible();
});

test("a wrong password is told without saying which half was wrong", async ({ page }) => {
  await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill("demo@patchbay.example");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("do not match");
});
