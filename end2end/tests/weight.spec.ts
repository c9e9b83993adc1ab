// What a page transfers of scripts: a budget for each kind of page.
import type { Page } from "@playwright/test";
import { awake, expect, memberPages, readingPages, signIn, test } from "./support";

/** KB, with Brotli, headers included. */
const budgets = { reading: 150, desk: 250, room: 400 };

/** Bytes of scripts and modules as they come over the wire, and what compressed them. */
async function scripts(page: Page, path: string) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  const files = new Map<string, string>();
  let bytes = 0;
  session.on("Network.responseReceived", ({ requestId, response }) => {
    if (!/\.(js|wasm)(\?|$)/.test(response.url)) return;
    const encoding = Object.entries(response.headers).find(([name]) => name.toLowerCase() === "content-encoding");
    files.set(requestId, encoding?.[1] ?? "none");
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (files.has(requestId)) bytes += encodedDataLength;
  });
  await page.goto(path);
  await awake(page);
  await session.detach();
  return { kilobytes: bytes / 1024, encodings: new Set(files.values()) };
}

async function weigh(page: Page, path: string, most: number) {
  const { kilobytes, encodings } = await scripts(page, path);
  expect([...encodings], `${path}: how scripts are compressed`).toEqual(["br"]);
  expect.soft(kilobytes, `${path}: KB of scripts`).toBeLessThanOrEqual(most);
}

test("what a page for reading loads is within its budget", async ({ page }) => {
  for (const [, path] of readingPages) await weigh(page, path, budgets.reading);
});

test("what a page of a member loads is within its budget", async ({ page }) => {
  await signIn(page);
  for (const [, path] of memberPages) {
    await weigh(page, path, path.startsWith("/chat") ? budgets.room : budgets.desk);
  }
});
