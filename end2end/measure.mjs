// What the site's budgets are measured with; scripts/measure starts the server and calls this.
//   node measure.mjs pages|room|rows
import { readFileSync } from "node:fs";
import { chromium } from "@playwright/test";

const site = process.env.END2END_URL;
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"],
});
let failures = 0;

function tell(what, value, unit, most) {
  const isGood = most === undefined || value <= most;
  if (!isGood) failures += 1;
  const budget = most === undefined ? "" : `${isGood ? "within" : "OVER"} ${most} ${unit}`;
  console.log(`| ${what} | ${typeof value === "number" ? Math.round(value * 10) / 10 : value} ${unit} | ${budget} |`);
}

async function signIn(page) {
  await page.goto(`${site}/sign-in`);
  await page.getByLabel("E-mail").fill(process.env.END2END_EMAIL);
  await page.getByLabel("Password").fill(process.env.END2END_PASSWORD);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname !== "/sign-in");
}

/** Notes paints, interactions and long tasks from the first moment of a page on. */
async function watch(page) {
  await page.addInitScript(() => {
    const seen = { paint: 0, interactions: {}, long: [] };
    globalThis.seen = seen;
    const on = (type, take, more) => {
      new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true, ...more });
    };
    on("paint", (entry) => entry.name === "first-contentful-paint" && (seen.paint = entry.startTime));
    on("event", (entry) => {
      if (entry.interactionId) {
        seen.interactions[entry.interactionId] = Math.max(seen.interactions[entry.interactionId] ?? 0, entry.duration);
      }
    }, { durationThreshold: 16 });
    on("longtask", (entry) => seen.long.push(Math.round(entry.duration)));
  });
}

/** Bytes of scripts as they are transferred. */
async function scripts(path, isMember) {
  const context = await browser.newContext();
  const page = await context.newPage();
  if (isMember) await signIn(page);
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  const files = new Map();
  let bytes = 0;
  session.on("Network.responseReceived", ({ requestId, response }) => {
    if (/\.(js|wasm)(\?|$)/.test(response.url)) files.set(requestId, response.url);
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (files.has(requestId)) bytes += encodedDataLength;
  });
  await page.goto(`${site}${path}`);
  await page.waitForLoadState("networkidle");
  await context.close();
  return bytes / 1024;
}

async function pages() {
  console.log("| Four times slower processor, whole catalog | Measured | Budget |\n|---|---|---|");
  const paints = [];
  const reactions = [];
  let models = "";
  for (let run = 0; run < 5; run += 1) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await watch(page);
    const session = await context.newCDPSession(page);
    await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
    await page.goto(`${site}/models`);
    await page.waitForLoadState("networkidle");
    models = await page.locator("main .count").first().innerText();
    const search = page.getByRole("searchbox", { name: "Search models" });
    await search.click();
    for (const letter of "claude") {
      await page.keyboard.press(letter);
      await page.waitForTimeout(120);
    }
    await page.waitForLoadState("networkidle");
    await page.getByRole("checkbox", { name: /^image/ }).first().check();
    await page.waitForLoadState("networkidle");
    await page.keyboard.press("Control+k");
    await page.waitForTimeout(400);
    const { paint, interactions } = await page.evaluate(() => globalThis.seen);
    paints.push(paint);
    reactions.push(Math.max(0, ...Object.values(interactions)));
    await context.close();
  }
  const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
  tell(`/models (${models}): first contentful paint, median of 5`, median(paints), "ms", 1000);
  tell("/models: slowest interaction (typing, a facet, the palette), median of 5", median(reactions), "ms", 100);
  tell("Scripts of a reading page, Brotli", await scripts("/models"), "KB", 150);
  tell("Scripts of the chat room, Brotli", await scripts("/chat", true), "KB", 400);
}

/** A long answer with everything Markdown has, `tokens` pieces long. */
function lecture(tokens) {
  const parts = [];
  let count = 0;
  for (let section = 1; count < tokens; section += 1) {
    const text = `## Part ${section}\n\nThe **harbour** has \`${section}\` quays, and *each* of them is told in one paragraph of plain words that goes on for a line or two.\n\n- first item of ${section}\n- second item\n\n\`\`\`python\ndef quay(n):\n    return n * ${section}\n\`\`\`\n\n| quay | ships |\n|---|---|\n| ${section} | ${section * 3} |\n`;
    parts.push(text);
    count += text.split(/(?<=\s)/).length;
  }
  return parts.join("\n");
}

async function room() {
  const seconds = Number(process.env.MEASURE_SECONDS ?? 60);
  const models = process.env.MODELS.split(",").slice(0, 6);
  console.log(`| ${models.length} columns for ${seconds} s | Measured | Budget |\n|---|---|---|`);
  const context = await browser.newContext({ viewport: { width: 1920, height: 1080 } });
  const page = await context.newPage();
  await watch(page);
  await signIn(page);
  await page.goto(`${site}/chat?models=${models.join(",")}`);
  await page.waitForLoadState("networkidle");
  const text = lecture(80 * seconds);
  const session = await context.newCDPSession(page);
  const heap = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    const { nodes } = await session.send("Memory.getDOMCounters");
    return { mb: usedSize / 1048576, nodes };
  };
  // Received by the page's own streams, counted before any code of the page sees it.
  await page.getByRole("textbox", { name: "Message" }).fill(`[[echo:${text}]]`);
  const before = await heap();
  await page.evaluate(() => (globalThis.seen.long = []));
  const started = Date.now();
  await page.getByRole("button", { name: "Send" }).click();
  const answers = page.getByRole("article", { name: "Answer" });
  await answers.nth(models.length - 1).waitFor({ state: "attached" });
  if (process.env.MEASURE_PICTURE) await page.waitForTimeout(4000).then(() => page.screenshot({ path: process.env.MEASURE_PICTURE }));
  const busy = page.locator("article[aria-busy=true]");
  const heaps = [];
  while ((await busy.count()) > 0) {
    await page.waitForTimeout(5000);
    heaps.push(await page.evaluate(() => performance.memory.usedJSHeapSize / 1048576));
  }
  const elapsed = (Date.now() - started) / 1000;
  const long = await page.evaluate(() => globalThis.seen.long);
  const after = await heap();
  // What is kept on the device is what came; what is on the screen must be the same in every column.
  const { kept, shown } = await page.evaluate(() => ({
    kept: JSON.parse(localStorage.getItem(`patchbay.chat.${JSON.parse(localStorage.getItem("patchbay.chats"))[0].id}`)),
    shown: [...document.querySelectorAll("article.message-answer")].map((answer) => answer.querySelector(".prose").textContent),
  }));
  let lost = shown.filter((words) => words !== shown[0] || !words.includes("Part 1")).length;
  for (const words of shown) {
    const at = [...words].findIndex((letter, place) => letter !== shown[0][place]);
    if (at >= 0) console.error(`the screen differs at ${at}: ${JSON.stringify([words, shown[0]].map((text) => text.slice(at - 40, at + 40)))}`);
  }
  for (const { turns } of kept.columns) {
    const answer = turns.at(-1);
    if (answer.content.trim() !== text.trim()) {
      lost += 1;
      console.error(answer.problem ?? `${answer.content.length} of ${text.length} letters: …${answer.content.slice(-80)}`);
    }
  }
  const pieces = text.split(/(?<=\s)/).length;
  tell("Time of the answers", elapsed, "s");
  tell("Pieces a second and column", pieces / elapsed, "");
  tell("Answers that differ from what was sent", lost, "", 0);
  tell("Longest task of the main thread", Math.max(0, ...long), "ms", 50);
  tell("Tasks over 50 ms", long.length, "", 0);
  tell("Heap of the page before", before.mb, "MB");
  tell("Heap of the page after", after.mb, "MB");
  tell("Highest heap in between", Math.max(0, ...heaps), "MB");
  tell("DOM nodes after", after.nodes, "");
}

async function rows() {
  const pagesOf = readFileSync(new URL("measured-pages.txt", import.meta.url), "utf8").trim().split("\n");
  console.log("| Page | Median of 9 | Slowest | Budget |\n|---|---|---|---|");
  const context = await browser.newContext();
  const page = await context.newPage();
  await signIn(page);
  for (const path of pagesOf) {
    const times = [];
    for (let run = 0; run < 10; run += 1) {
      const started = performance.now();
      const response = await context.request.get(`${site}${path}`);
      await response.body();
      if (response.status() !== 200) throw new Error(`${path}: ${response.status()}`);
      // The first one warms the caches of the database.
      if (run > 0) times.push(performance.now() - started);
    }
    times.sort((a, b) => a - b);
    const isGood = times[4] < 200;
    if (!isGood) failures += 1;
    console.log(`| \`${path}\` | ${Math.round(times[4])} ms | ${Math.round(times[8])} ms | ${isGood ? "within" : "OVER"} 200 ms |`);
  }
}

await { pages, room, rows }[process.argv[2]]();
await browser.close();
process.exitCode = failures > 0 ? 1 : 0;
