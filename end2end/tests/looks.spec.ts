// Every page at two widths and in both colour schemes: a picture, no horizontal
// scrolling, nothing axe calls serious.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { awake, expect, memberPages, readingPages, signIn, test } from "./support";

const sizes = [
  { name: "wide", width: 1440, height: 900 },
  { name: "tablet", width: 768, height: 1024 },
  { name: "phone", width: 390, height: 844 },
];

async function look(page: Page, name: string, path: string, size: string, scheme: string) {
  await page.goto(path);
  await awake(page);
  await page.screenshot({ path: `artefacts/${name}-${size}-${scheme}.png`, fullPage: true, animations: "disabled" });
  const [content, frame] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  expect.soft(content, `${path} is ${content} px wide in a window of ${frame}`).toBeLessThanOrEqual(frame);
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
  expect.soft(serious, `accessibility of ${path}`).toEqual([]);
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
        await page.goto("/keys");
        await awake(page);
        await page.getByRole("button", { name: "Create key" }).click();
        await expect(page.getByRole("dialog")).toBeVisible();
        await page.screenshot({ path: `artefacts/key-dialog-${size}-${scheme}.png`, animations: "disabled" });
        const { violations } = await new AxeBuilder({ page }).include("dialog[open]").analyze();
        expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);
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
