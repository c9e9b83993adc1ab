// What people, programs and catalogs are called, and what addresses ask for, is shown on every page and does nothing.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, type APIRequestContext, type Page } from "@playwright/test";
import { memberPages, ownServer, readingPages } from "./support";

const email = "fields@patchbay.example";
const password = "a ferry in the fog";

/** Every field by its number, and what leaves attributes, titles, text areas and scripts to do something. */
const fields: string[] = [];
const mark = (count: number) => `f${count}f"'`;
function hostile(field: string) {
  if (!fields.includes(field)) fields.push(field);
  return `${mark(fields.indexOf(field))}></textarea></title><script>ran=1</script><img src=x onerror=ran=1>`;
}

/** What no page shows as it is opened; programs read it. */
const forPrograms = [
  "description of a model", "description of a workspace", "label of a filter", "description of a guardrail",
  "prompt of a preset", "description of a preset", "name of a folder", "id of a session",
];

let own: Awaited<ReturnType<typeof ownServer>>;
let lists: string;

test.beforeAll(async () => {
  lists = await mkdtemp(join(tmpdir(), "lists-"));
  const cost = { input: 1, output: 2 };
  const model = {
    id: "hostile", name: hostile("name of a model"), description: hostile("description of a model"), cost,
    release_date: "2026-01-01", tool_call: true, temperature: true, attachment: false, reasoning: false,
    open_weights: false, limit: { context: 8000, output: 4000 }, modalities: { input: ["text"], output: ["text"] },
  };
  const provider = {
    id: "hostile", name: hostile("name of a provider"), api: "https://hostile.example/v1", doc: "javascript:ran=1",
    env: ["HOSTILE_KEY"], npm: "@ai-sdk/openai-compatible", models: { hostile: model },
  };
  const file = join(lists, "models.json");
  await writeFile(file, JSON.stringify({ hostile: provider }));
  own = await ownServer("127.0.0.1", "on", (words) => words("catalog", "import", file));
});

test.afterAll(async () => {
  await own.stop();
  await rm(lists, { recursive: true });
});

/** Calls the API as a page of ours does. */
function caller(request: APIRequestContext, headers: Record<string, string>) {
  return async (method: string, path: string, data: unknown, status = 201) => {
    const answer = await request.fetch(`${own.site}/api/v1${path}`, { method, data, headers });
    expect(answer.status(), `${method} ${path}: ${await answer.text()}`).toBe(status);
    return (await answer.json()) as { data: Record<string, string>; key: string; link: string; id: string };
  };
}

/** Everything that has a name, made; and the pages of single things. */
async function fill(request: APIRequestContext) {
  const call = caller(request, { Origin: own.site });
  await call("PATCH", "/account", { name: hostile("name of a person") }, 200);
  const organization = await call("POST", "/organizations", { name: hostile("name of an organization") });
  const { id } = organization.data;
  await call("POST", `/admin/organizations/${id}/credit`, { amount: 20, reason: hostile("reason of a grant"), request_id: "fields" }, 200);
  const workspace = { name: hostile("name of a workspace"), slug: "fields", description: hostile("description of a workspace") };
  await call("POST", "/workspaces", workspace);
  const key = await call("POST", "/keys", { name: hostile("name of a key") });
  const invited = await call("POST", "/organization/invitations", { email: "nobody@patchbay.example", role: "member" });
  const filters = { content_filters: [{ pattern: "x{3}", action: "flag", label: hostile("label of a filter") }] };
  await call("POST", "/guardrails", { name: hostile("name of a guardrail"), description: hostile("description of a guardrail"), ...filters });
  await call("POST", "/byok", { provider: "openai", key: "sk-nobody-0123456789", name: hostile("name of a provider key"), disabled: true });
  const config = { url: "https://hooks.example.org/in", headers: {} };
  await call("POST", "/observability/destinations", { type: "webhook", name: hostile("name of a destination"), enabled: false, config });
  const system = { role: "system", content: hostile("prompt of a preset") };
  const kept = { model: "openai/gpt-5.4-mini", messages: [system, { role: "user", content: "Hello" }] };
  await call("POST", "/presets/fields/chat/completions", kept, 200);
  await call("PATCH", "/presets/fields", { name: hostile("name of a preset"), description: hostile("description of a preset") }, 200);
  const folder = await call("POST", "/chat-folders", { name: hostile("name of a folder") });
  const turns = [{ is_answer: false, content: hostile("a question") }, { is_answer: true, content: "Yes.", reasoning: hostile("reasoning") }];
  const column = { model: { id: "openai/gpt-5.4", name: hostile("name of a model in a chat") }, turns };
  const chat = await call("POST", "/chats", { title: hostile("title of a chat"), document: { columns: [column] } });
  await call("PATCH", `/chats/${chat.data.id}`, { folder_id: folder.data.id }, 200);
  const shared = await call("POST", `/chats/${chat.data.id}/share`, {}, 200);
  await call("POST", "/admin/announcements", { text: hostile("an announcement"), is_warning: true });
  await call("PATCH", "/billing", { receipt: { name: hostile("name on receipts"), address: hostile("address on receipts"), tax_id: hostile("tax number") } }, 200);
  await call("PATCH", "/workspaces/default", { is_observability_io_logging_enabled: true }, 200);
  const app = { authorization: `Bearer ${key.key}`, "HTTP-Referer": "https://fields.example", "X-Title": hostile("title of an app"), "X-Session-Id": hostile("id of a session") };
  const ask = caller(request, app);
  const asked = await ask("POST", "/chat/completions", { model: "openai/gpt-5.4-mini", user: hostile("user of an app"), max_tokens: 20, messages: [{ role: "user", content: hostile("a prompt that is kept") }] }, 200);
  await ask("POST", "/generation/feedback", { generation_id: asked.id, category: "other", comment: hostile("a remark") }, 200);
  const remove = await call("POST", "/organizations", { name: "Another" });
  await call("POST", "/organizations/switch", { organization_id: id }, 200);
  expect(remove.data.id).not.toBe(id);
  return [
    `/activity/${asked.id}`, `/admin/organizations/${id}`, "/workspaces/fields", `/shared/${shared.data.share_id}`,
    new URL(invited.link).pathname + new URL(invited.link).search, "/hostile/hostile", "/models/hostile/hostile",
    "/providers/hostile", "/app?url=https://fields.example", "/admin/people?query=fields", "/compare?models=hostile/hostile",
    "/chat?model=hostile/hostile", "/admin/catalog?query=hostile",
  ];
}

/** What did something, or could. */
async function harm(page: Page) {
  return page.evaluate(() => {
    const found: string[] = (globalThis as { ran?: number }).ran === undefined ? [] : ["a script ran"];
    for (const element of document.querySelectorAll("*")) {
      const isOurs = !(element instanceof HTMLImageElement && element.getAttribute("src") === "x") && element.textContent !== "ran=1";
      const handlers = element.getAttributeNames().filter((name) => name.startsWith("on"));
      const leads = ["href", "src", "action", "formaction"].some((name) => /^\s*(javascript|data:text)/i.test(element.getAttribute(name) ?? ""));
      if (!isOurs || handlers.length > 0 || leads) found.push(element.outerHTML.slice(0, 300));
    }
    return found;
  });
}

test("whatever is written into any field, no page does it", async ({ browser }) => {
  const context = await browser.newContext({ userAgent: hostile("name of a browser") });
  const page = await context.newPage();
  const wrong: string[] = [];
  page.on("dialog", (dialog) => {
    wrong.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(own.site) && !/^(data|blob):/.test(request.url())) wrong.push(`asked for ${request.url()}`);
  });
  await page.goto(`${own.site}/sign-up?next=/keys`);
  await page.getByLabel("Name").fill("Fay");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL(/\/keys$/);
  await own.words("user", "operator", "--email", email);
  const single = await fill(page.request);
  // What goes into a link must lead to a web page.
  const call = caller(page.request, { Origin: own.site });
  for (const url of ["javascript:ran=1", "data:text/html,x", "https://x.example/\"><script>ran=1</script>"]) {
    await call("POST", "/auth/keys/code", { callback_url: url.replace("https:", "ftp:") }, 400);
  }

  const seen = new Set<number>();
  let visits = 0;
  async function visit(path: string) {
    await page.goto(own.site + path);
    await page.waitForLoadState("networkidle");
    visits += 1;
    wrong.push(...(await harm(page)).map((what) => `${path.slice(0, 80)}: ${what}`));
    const text = await page.evaluate(() => {
      const values = [...document.querySelectorAll("input, textarea, option, [title], [aria-label], [content]")].flatMap((element) => [
        (element as HTMLInputElement).value ?? "", ...element.getAttributeNames().map((name) => element.getAttribute(name) ?? ""),
      ]);
      return [document.title, document.documentElement.textContent ?? "", ...values].join("\n");
    });
    for (const count of fields.keys()) if (text.includes(mark(count))) seen.add(count);
  }
  const pages = [...[...readingPages, ...memberPages].map(([, path]) => path as string), ...single];
  for (const path of pages) await visit(path);
  const unseen = fields.filter((_, count) => !seen.has(count));

  const words = ["q", "query", "error", "next", "email", "problem", "result", "period", "by", "url", "callback_url", "key_label", "state", "token", "action", "model", "models", "sort", "author", "before", "workspace", "invitation", "code_challenge", "limit"];
  const asked = words.map((word) => `${word}=${encodeURIComponent(hostile("an address"))}`).join("&");
  const before = visits;
  for (const path of new Set(pages.map((path) => path.split("?")[0]))) await visit(`${path}?${asked}`);
  console.log(`${seen.size} of ${fields.length} fields seen, ${visits} pages, ${visits - before} of them asked for in a hostile way`);
  expect(wrong).toEqual([]);
  expect(unseen.filter((field) => !forPrograms.includes(field))).toEqual([]);
  expect(fields.length).toBeGreaterThan(30);
  expect(visits).toBeGreaterThan(100);
  await context.close();
});
