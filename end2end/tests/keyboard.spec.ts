// Every page with the keyboard alone: what is focused can be seen, nothing holds the focus.
import { awake, expect, memberPages, readingPages, signIn, test } from "./support";
import type { Page } from "@playwright/test";

/** More stops than any page has. */
const MOST = 900;

async function walk(page: Page, path: string) {
  await page.goto(path);
  await awake(page);
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  let before = "";
  let stops = 0;
  let parts = 0;
  for (let press = 0; press < MOST; press += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body || element === document.documentElement) return null;
      const numbered = element as Element & { stop?: number };
      const counter = globalThis as { stops?: number };
      const isNew = numbered.stop === undefined;
      numbered.stop ??= counter.stops = (counter.stops ?? 0) + 1;
      // A radio button or a file field may lend its outline to its label.
      const shows = [element, element.nextElementSibling, element.parentElement].some((shown) => {
        if (!shown) return false;
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(shown);
        return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
      });
      return { id: String(numbered.stop), isNew, shows, html: element.outerHTML.slice(0, 120) };
    });
    if (!stop) break;
    // A date has a stop for each of its parts.
    parts = stop.id === before ? parts + 1 : 0;
    expect(parts, `${path}: ${stop.html} holds the focus`).toBeLessThan(stop.html.includes('type="date') ? 8 : 1);
    // The browser marks the part itself.
    if (parts > 0) continue;
    expect.soft(stop.shows, `${path}: the focus cannot be seen on ${stop.html}`).toBe(true);
    // Around once: the page has let go of the focus and begins again.
    if (!stop.isNew) break;
    if (stops === 0) expect(stop.html, `${path}: the first stop`).toContain("skip-link");
    before = stop.id;
    stops += 1;
  }
  expect(stops, `${path}: stops`).toBeGreaterThan(8);
  expect(stops, `${path}: stops`).toBeLessThan(MOST);
}

test("pages for reading are walked with the keyboard alone", async ({ page }) => {
  for (const [, path] of readingPages) await walk(page, path);
});

test("pages of members are walked with the keyboard alone", async ({ page }) => {
  await signIn(page);
  for (const [, path] of memberPages) await walk(page, path);
});

test("a key is found with the palette, from its own page too", async ({ page }) => {
  await signIn(page, "/models");
  for (const path of ["/models", "/keys"]) {
    await page.goto(path);
    await awake(page);
    await page.keyboard.press("Control+k");
    const palette = page.getByRole("dialog", { name: "Search pages, models and keys" });
    await expect(palette).toBeVisible();
    await page.keyboard.type("demo key");
    await expect(page.getByRole("option").first()).toHaveText(/^Demo key\s*Key$/);
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/keys#key-[0-9a-f]+$/);
    await expect(palette).toBeHidden();
    await expect(page.locator("tr:target")).toContainText("Demo key");
  }
});

test("a model is found, compared and asked with the keyboard alone", async ({ page }) => {
  await page.goto("/sign-in?next=/models");
  await awake(page);
  await page.getByLabel("E-mail").focus();
  await page.keyboard.type(process.env.END2END_EMAIL ?? "");
  await page.keyboard.press("Tab");
  await page.keyboard.type(process.env.END2END_PASSWORD ?? "");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/models$/);
  await awake(page);
  const palette = page.locator("dialog.palette");
  // The script may still be starting.
  await expect(async () => {
    if (!(await palette.isVisible())) await page.keyboard.press("Control+k");
    await expect(palette).toBeVisible({ timeout: 500 });
  }).toPass();
  await page.keyboard.type("gpt-5.4 mini");
  await expect(palette.getByRole("option").first()).toContainText(/mini/i);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/gpt-5\.4-mini/);
  await page.getByRole("link", { name: "Chat", exact: false }).first().focus();
  await page.goto("/chat?model=openai/gpt-5.4-mini");
  await awake(page);
  await page.getByRole("textbox", { name: "Message" }).focus();
  await page.keyboard.type("Say hello");
  await page.keyboard.press("Enter");
  const answer = page.getByRole("article", { name: "Answer" });
  await expect(answer).toHaveAttribute("aria-busy", "false");
  await expect(answer).toContainText("Simulated");
});
