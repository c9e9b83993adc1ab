// A page that notices trouble, and the people who use it.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { test as base, expect, type Page } from "@playwright/test";

const run = promisify(execFile);

export const email = process.env.END2END_EMAIL ?? "";
export const password = process.env.END2END_PASSWORD ?? "";

/** Pages anybody may read. */
export const readingPages = [
  ["home", "/"],
  ["models", "/models"],
  ["model", "/models/openai/gpt-5.4"],
  ["rankings", "/rankings"],
  ["rankings-tasks", "/rankings?by=task"],
  ["rankings-categories", "/rankings?by=category"],
  ["rankings-language", "/rankings?language=de&period=month"],
  ["providers", "/providers"],
  ["docs", "/docs"],
  ["guide", "/docs/routing"],
  ["reference", "/docs/api"],
  ["compare", "/compare?models=openai/gpt-5.4,anthropic/claude-haiku-4.5"],
  ["provider", "/providers/openai"],
  ["collections", "/collections"],
  ["apps", "/apps"],
  ["app", "/app?url=https://foxglove-code.example"],
  ["status", "/status"],
  ["quality", "/rankings/quality"],
  ["sign-in", "/sign-in"],
  ["sign-in-code", "/sign-in/code"],
  ["sign-up", "/sign-up"],
  ["forgot-password", "/forgot-password"],
  ["reset-password", "/reset-password?token=gone"],
  ["verify-email", "/verify-email?token=gone"],
  ["roles", "/docs/roles"],
] as const;

/** Pages of a member. */
export const memberPages = [
  ["chat", "/chat"],
  ["chats", "/chat?models=openai/gpt-5.4,anthropic/claude-haiku-4.5"],
  ["keys", "/keys"],
  ["credits", "/credits"],
  ["activity", "/activity"],
  ["organization", "/organization"],
  ["audit", "/organization/audit"],
  ["workspaces", "/workspaces"],
  ["workspace", "/workspaces/default"],
  ["provider-keys", "/provider-keys"],
  ["guardrails", "/guardrails"],
  ["presets", "/presets"],
  ["observability", "/observability"],
  ["settings", "/settings"],
  ["second-factor", "/settings/second-factor"],
  ["passkeys", "/settings/passkeys"],
  ["notifications", "/settings/notifications"],
  ["privacy", "/settings/privacy"],
  ["admin", "/admin"],
  ["admin-providers", "/admin/providers"],
  ["admin-catalog", "/admin/catalog?query=gpt"],
  ["admin-people", "/admin/people"],
  ["admin-announcements", "/admin/announcements"],
  ["admin-flags", "/admin/flags"],
  ["admin-log", "/admin/log"],
  ["confirm", "/confirm?next=/keys"],
  ["authorize", "/auth?callback_url=https://app.example/callback"],
] as const;

/** Fails a test whose page wrote an error to the console, threw one, or asked for something that is not there. */
export const test = base.extend<{ trouble: string[] }>({
  trouble: [
    async ({ page, javaScriptEnabled }, use) => {
      const trouble: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error") trouble.push(`console: ${message.text()} (${message.location().url})`);
      });
      page.on("pageerror", (error) => trouble.push(`uncaught: ${error.message}`));
      page.on("response", (response) => {
        if (response.status() >= 400) trouble.push(`${response.status()} ${response.url()}`);
      });
      page.on("requestfailed", (request) => {
        // A page that is left, or a stream that is stopped, aborts what it was reading;
        // a browser without script does not load scripts and calls it "csp".
        const reason = request.failure()?.errorText;
        const isOurs = reason === "net::ERR_ABORTED" || (!javaScriptEnabled && reason === "csp");
        if (!isOurs) trouble.push(`failed: ${request.url()} ${reason}`);
      });
      await use(trouble);
      expect(trouble).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** Waits until the page's script answers to clicks. */
export async function awake(page: Page) {
  await page.waitForLoadState("networkidle");
}

export async function signIn(page: Page, next = "/") {
  await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL((url) => url.pathname === next);
}

/** Makes a key on the keys' page, which is open, and returns it. */
export async function createKey(page: Page, name: string) {
  await page.getByRole("button", { name: "Create key" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("button", { name: "Create key" }).click();
  const key = (await dialog.locator(".secret code").textContent()) ?? "";
  await dialog.getByRole("button", { name: "Done" }).click();
  return key;
}

/** What the operator does on the command line, beside the running server. */
export async function operator(...words: string[]) {
  const { stdout } = await run(process.env.END2END_PATCHBAY ?? "", words);
  return stdout;
}

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}

/** A server of a test's own, reached under this name, and its command line. */
export async function ownServer(host: string, demo: "on" | "off", before?: (words: (...words: string[]) => Promise<unknown>) => Promise<unknown>) {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "patchbay-"));
  const site = `http://${host}:${port}`;
  const binary = process.env.END2END_PATCHBAY ?? "";
  const own = {
    PATCHBAY_LISTEN: `127.0.0.1:${port}`,
    PATCHBAY_BASE_URL: site,
    PATCHBAY_DEMO: demo,
    PATCHBAY_DATABASE_URL: `sqlite:${join(folder, "patchbay.db")}`,
    PATCHBAY_MAIL__FOLDER: join(folder, "mail"),
  };
  const env = { ...process.env, ...own };
  const words = (...words: string[]) => run(binary, words, { env });
  await before?.(words);
  const server = spawn(binary, ["serve"], { env, stdio: "ignore" });
  const ready = async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.status;
  await expect.poll(ready, { timeout: 60_000 }).toBe(204);
  const stop = async () => {
    server.kill();
    await once(server, "exit");
    await rm(folder, { recursive: true });
  };
  return { site, words, stop };
}
