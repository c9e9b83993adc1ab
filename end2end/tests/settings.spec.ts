// Letters, privacy, the way numbers are written, and the way back from what was done.
import { awake, createKey, expect, signIn, test } from "./support";

test("what a person chose can be taken back, without a script too", async ({ browser, baseURL }) => {
  const context = await browser.newContext({ javaScriptEnabled: false, baseURL });
  const page = await context.newPage();
  await signIn(page, "/settings/notifications");
  const announcements = page.getByRole("checkbox", { name: /^Announcements/ });
  await expect(announcements).not.toBeChecked();
  await announcements.check();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toContainText("Your choice is kept.");
  await expect(announcements).toBeChecked();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("status")).toContainText("It is as it was.");
  await expect(announcements).not.toBeChecked();
  await page.goto("/settings/privacy");
  await page.getByLabel("Providers that keep prompts").first().selectOption("Are never asked");
  await page.getByRole("button", { name: /^Change the data policy/ }).first().click();
  await expect(page.getByRole("status")).toContainText("The data policy of");
  await expect(page.getByLabel("Providers that keep prompts").first()).toHaveValue("1");
  await page.goto("/guardrails");
  await page.getByRole("button", { name: "Delete Privacy" }).click();
  await expect(page.getByText("No guardrail yet.")).toBeVisible();
  await context.close();
});

test("numbers and days are written as the browser's language or the settings have it", async ({ browser, baseURL }) => {
  const context = await browser.newContext({ locale: "de-DE", baseURL });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await signIn(page, "/keys");
  await awake(page);
  const row = page.getByRole("table").locator("tbody tr").first();
  await expect(row).toContainText(/\d{2}\.\d{2}\.\d{4}/);
  await page.goto("/settings");
  await page.getByLabel("Written as in").selectOption("English, United States");
  await page.getByRole("button", { name: "Use" }).click();
  await page.goto("/keys");
  await awake(page);
  await expect(row).toContainText(/[A-Z][a-z]{2} \d{1,2}, \d{4}/);
  expect(errors).toEqual([]);
  await context.close();
});

test("a key that is deleted stops at once and can come back", async ({ page, request }) => {
  await signIn(page, "/keys");
  await awake(page);
  const key = await createKey(page, "Short life");
  const status = async () => (await request.get("/api/v1/key", { headers: { authorization: `Bearer ${key}` } })).status();
  const row = page.getByRole("row", { name: /Short life/ });
  const remove = async () => {
    await page.getByRole("button", { name: "Delete Short life" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete key" }).click();
    await expect(row).toHaveCount(0);
  };
  await remove();
  await expect.poll(status).toBe(401);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(row).toContainText("Active");
  await expect.poll(status).toBe(200);
  await page.getByRole("button", { name: "Disable Short life" }).click();
  await expect(row).toContainText("Disabled");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(row).toContainText("Active");
  await remove();
  // Who leaves meant it.
  await page.goto("/");
  await expect.poll(status).toBe(401);
  await page.goto("/keys");
  await expect(row).toHaveCount(0);
});
