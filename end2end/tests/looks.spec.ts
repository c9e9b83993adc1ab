// Every page at three widths and in both colour schemes: a picture, no horizontal
// scrolling, nothing axe complains of.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { awake, expect, memberPages, readingPages, signIn, test } from "./support";

/** A call that our own page makes. */
const own = { "sec-fetch-site": "same-origin" };
const picture =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
const conversation = {
  document: {
    columns: [
      {
        model: { id: "openai/gpt-5.4-mini", name: "OpenAI: GPT-5.4 Mini" },
        turns: [
          { is_answer: false, content: "What is on it?", attachments: [{ id: "dot", name: "dot.png", kind: "image/png" }] },
          { is_answer: true, content: "A **quay** with `one` ship.\n\n| quay | ships |\n|---|---|\n| 1 | 3 |" },
        ],
      },
    ],
  },
};

const sizes = [
  { name: "wide", width: 1440, height: 900 },
  { name: "tablet", width: 768, height: 1024 },
  { name: "phone", width: 390, height: 844 },
];

async function look(page: Page, name: string, path: string, size: string, scheme: string) {
  await page.goto(path);
  await awake(page);
  await judge(page, name, path, size, scheme);
}

/** The drawer of the chat room: a folder with a conversation, whose place is being changed. */
async function lookAtDrawer(page: Page, size: string, scheme: string) {
  const folder = await page.request.post("/api/v1/chat-folders", { headers: own, data: { name: `Quay ${size} ${scheme}` } });
  const { id } = (await folder.json()).data;
  const chat = await page.request.post("/api/v1/chats", { headers: own, data: { ...conversation, folder_id: id } });
  await page.goto("/chat");
  await awake(page);
  await page.getByRole("button", { name: "Conversations" }).click();
  const shelf = page.locator("details.chat-folder").filter({ hasText: `Quay ${size} ${scheme}` });
  await shelf.getByRole("button", { name: /^Name or move/ }).click();
  await judge(page, "drawer", "/chat with its drawer", size, scheme);
  await page.request.delete(`/api/v1/chats/${(await chat.json()).data.id}`, { headers: own });
  await page.request.delete(`/api/v1/chat-folders/${id}`, { headers: own });
}

/** A conversation behind a link, with an image. */
async function lookAtShared(page: Page, size: string, scheme: string) {
  const chat = await page.request.post("/api/v1/chats", { headers: own, data: conversation });
  const path = `/api/v1/chats/${(await chat.json()).data.id}`;
  await page.request.put(`${path}/files/dot`, { headers: own, data: { name: "dot.png", kind: "image/png", data: picture } });
  const shared = await page.request.post(`${path}/share?images=true`, { headers: own });
  await look(page, "shared", `/shared/${(await shared.json()).data.share_id}`, size, scheme);
  await page.request.delete(path, { headers: own });
}

async function judge(page: Page, name: string, path: string, size: string, scheme: string) {
  await page.screenshot({ path: `artefacts/${name}-${size}-${scheme}.png`, fullPage: true, animations: "disabled" });
  const [content, frame] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  expect.soft(content, `${path} is ${content} px wide in a window of ${frame}`).toBeLessThanOrEqual(frame);
  // A table whose rows can become cards never hides a part of them.
  const hidden = await page.locator(".table-scroll:has(> .table-cards)").evaluateAll((tables) =>
    tables.filter((table) => table.scrollWidth > table.clientWidth + 1).map((table) => table.getAttribute("aria-label")),
  );
  expect.soft(hidden, `${path}: tables that are cut off`).toEqual([]);
  const { violations } = await new AxeBuilder({ page }).analyze();
  const complaints = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
  expect.soft(complaints, `accessibility of ${path}`).toEqual([]);
}

for (const { name: size, width, height } of sizes) {
  for (const scheme of ["light", "dark"] as const) {
    test.describe(`${size}, ${scheme}`, () => {
      test.use({ viewport: { width, height }, colorScheme: scheme });

      test("what anybody may read", async ({ page }) => {
        for (const [name, path] of readingPages) await look(page, name, path, size, scheme);
      });

      test("what a member sees", async ({ page }) => {
        await signIn(page);
        for (const [name, path] of memberPages) await look(page, name, path, size, scheme);
        await page.goto("/activity");
        const first = await page.getByRole("table", { name: "Requests" }).locator("tbody a").first().getAttribute("href");
        await look(page, "generation", first ?? "", size, scheme);
        await lookAtDrawer(page, size, scheme);
        await lookAtShared(page, size, scheme);
        await page.goto("/keys");
        await awake(page);
        await page.getByRole("button", { name: "Create key" }).click();
        await expect(page.getByRole("dialog")).toBeVisible();
        await page.screenshot({ path: `artefacts/key-dialog-${size}-${scheme}.png`, animations: "disabled" });
        const { violations } = await new AxeBuilder({ page }).include("dialog[open]").analyze();
        expect(violations).toEqual([]);
      });
    });
  }
}

test("the theme switch is remembered", async ({ page }) => {
  await page.goto("/");
  await awake(page);
  const root = page.locator("html");
  const before = await root.getAttribute("data-theme");
  await page.locator(".theme-switch").click();
  await expect(root).not.toHaveAttribute("data-theme", before ?? "");
  const chosen = await root.getAttribute("data-theme");
  await page.reload();
  await expect(root).toHaveAttribute("data-theme", chosen ?? "");
});
