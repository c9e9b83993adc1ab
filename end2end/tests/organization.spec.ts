// A team from its first day: organization, invitation, workspace, budget, key, log.
import type { Browser, Page } from "@playwright/test";
import { awake, expect, operator, test } from "./support";

const password = "a lighthouse at noon";

async function signUp(page: Page, name: string, email: string) {
  await page.goto("/sign-up?next=/organization");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL(/\/organization$/);
}

async function other(browser: Browser) {
  const context = await browser.newContext();
  return { context, page: await context.newPage() };
}

test("a team works within a budget, and the log shows who did what", async ({ page, browser, request }) => {
  const stamp = Date.now();
  const [owner, member] = [`owner-${stamp}@patchbay.example`, `member-${stamp}@patchbay.example`];
  const name = `Lighthouse Keepers ${stamp}`;
  let link = "";

  await test.step("open an organization and invite somebody", async () => {
    await signUp(page, "Olive Owner", owner);
    await expect(page.getByText("This is your personal account.")).toBeVisible();
    await page.getByLabel("Name of the organization").fill(name);
    await page.getByRole("button", { name: "Open organization" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
    await page.getByLabel("E-mail").fill(member);
    await page.getByRole("button", { name: "Invite" }).click();
    link = (await page.getByRole("status").locator("code").textContent()) ?? "";
    expect(link).toContain("/invitation?token=");
    await page.reload();
    expect(await page.content()).not.toContain(link);
  });

  const guest = await other(browser);
  await test.step("the invited person opens an account and joins", async () => {
    await guest.page.goto(new URL(link).pathname + new URL(link).search);
    await expect(guest.page.getByRole("main")).toContainText(name);
    await guest.page.getByLabel("Name").fill("Max Member");
    await guest.page.getByLabel("Password").fill(password);
    await guest.page.getByRole("button", { name: "Create account" }).click();
    await guest.page.getByRole("button", { name: "Accept the invitation" }).click();
    await expect(guest.page.getByRole("heading", { level: 1 })).toHaveText(name);
    await expect(guest.page.getByText("You are member.")).toBeVisible();
    await expect(guest.page.getByRole("button", { name: "Invite" })).toHaveCount(0);
  });

  await test.step("a workspace with a daily budget of one dollar", async () => {
    await page.goto("/workspaces");
    await page.getByLabel("Name of the workspace").fill("Fog Signals");
    await page.getByRole("button", { name: "Open workspace" }).click();
    await page.getByRole("link", { name: "Fog Signals" }).click();
    await page.getByLabel("The daily budget in US dollars").fill("1");
    await page.getByRole("button", { name: "Set the daily budget" }).click();
    await expect(page.getByRole("status")).toContainText("holds from now on");
    await expect(page.getByRole("row", { name: /daily/ })).toContainText("$1");
    await page.getByLabel("Add a member").selectOption(member);
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await expect(page.getByRole("row", { name: new RegExp(member) })).toBeVisible();
  });

  let key = "";
  await test.step("a key in the workspace", async () => {
    await guest.page.goto("/keys");
    await awake(guest.page);
    await guest.page.getByRole("button", { name: "Create key" }).click();
    const dialog = guest.page.getByRole("dialog", { name: "Create a key" });
    await dialog.getByLabel("Name").fill("Horn");
    await dialog.getByText("Workspace and restrictions").click();
    await dialog.getByLabel("Workspace").selectOption({ label: "Fog Signals" });
    await dialog.getByRole("button", { name: "Create key" }).click();
    const shown = guest.page.getByRole("dialog", { name: "Your new key" });
    key = (await shown.locator("code").textContent()) ?? "";
    await shown.getByRole("button", { name: "Done" }).click();
    await expect(guest.page.getByRole("row", { name: /Horn/ })).toContainText("Fog Signals");
  });

  await test.step("the budget ends the spending, by name", async () => {
    const session = await (await page.request.get("/api/v1/session", { headers: { "sec-fetch-site": "same-origin" } })).json();
    await operator("credit", "grant", "--email", session.data.user.organization_id, "--amount", "20");
    await expect(async () => {
      await page.reload();
      await expect(page.locator(".balance")).toHaveText("$20.00", { timeout: 500 });
    }).toPass();
    const ask = () =>
      request.post("/api/v1/chat/completions", {
        headers: { authorization: `Bearer ${key}` },
        data: { model: "openai/gpt-5.5", max_tokens: 20, messages: [{ role: "user", content: "Hello ".repeat(60_000) }] },
      });
    let answer = await ask();
    expect(answer.status()).toBe(200);
    // A question costs a few dimes: the dollar is spent after some of them.
    for (let more = 0; more < 9 && answer.status() === 200; more += 1) answer = await ask();
    expect(answer.status()).toBe(403);
    expect((await answer.json()).error.message).toMatch(/^The daily budget of workspace "Fog Signals" leaves \$0\.\d+/);
  });

  await test.step("the audit log shows all", async () => {
    await page.goto("/organization/audit");
    const log = page.getByRole("table");
    for (const action of ["organization.create", "member.invite", "member.join", "workspace.create", "budget.set", "key.create"]) {
      await expect(log.getByText(action).first()).toBeVisible();
    }
    await page.goto("/settings");
    await expect(page.getByRole("table")).toContainText("This one");
  });
  await guest.context.close();
});
