// The operators' area, and the second step at sign-in, with and without a script.
import { createHmac } from "node:crypto";
import type { Page } from "@playwright/test";
import { expect, signIn, test } from "./support";

/** The code an authenticator app shows for a secret in base32 (RFC 6238), `ahead` periods from now. */
function code(secret: string, ahead = 0) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replaceAll(" ", "")].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const digest = createHmac("sha1", key).update(step).digest();
  const word = digest.readUInt32BE(digest[digest.length - 1] & 0xf) & 0x7fffffff;
  return String(word % 1_000_000).padStart(6, "0");
}

async function open(page: Page, email: string, password: string) {
  await page.goto("/sign-in?next=/settings");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with script" : "without script", () => {
    test.use({ javaScriptEnabled });

    test("a person switches the second step on and signs in with it", async ({ page }) => {
      const email = `careful-${Date.now()}-${javaScriptEnabled}@patchbay.example`;
      const password = "a harbour in the morning";
      await page.goto("/sign-up?next=/settings/second-factor");
      await page.getByLabel("Name").fill("Cara");
      await page.getByLabel("E-mail").fill(email);
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Create account" }).click();
      await page.getByRole("button", { name: "Set it up" }).click();
      await expect(page.getByRole("img", { name: "QR code" })).toBeVisible();
      const secret = (await page.locator("code.secret").textContent()) ?? "";
      await page.getByLabel("Six digits").fill(code(secret));
      await page.getByRole("button", { name: "Switch the second step on" }).click();
      const codes = await page.getByRole("status").locator("code").allTextContents();
      expect(codes).toHaveLength(10);

      await page.context().clearCookies();
      await open(page, email, password);
      await expect(page).toHaveURL(/\/sign-in\/code/);
      await page.getByLabel("Six digits").fill("000000");
      await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
      await expect(page.getByRole("alert")).toContainText("wrong, too old or was used before");
      await page.getByLabel("Six digits").fill(code(secret, 1));
      await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
      await expect(page).toHaveURL(/\/settings$/);

      await page.context().clearCookies();
      await open(page, email, password);
      await page.getByLabel("Six digits").fill(codes[0]);
      await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("link", { name: "Recovery codes, or switch it off" }).click();
      await expect(page.getByText("9 are left.")).toBeVisible();
    });

    test("an operator gives credit, hides an offer and tells everybody", async ({ page }) => {
      const email = `guest-${Date.now()}-${javaScriptEnabled}@patchbay.example`;
      await page.goto("/sign-up?next=/settings");
      await page.getByLabel("Name").fill("Gus");
      await page.getByLabel("E-mail").fill(email);
      await page.getByLabel("Password").fill("a harbour in the morning");
      await page.getByRole("button", { name: "Create account" }).click();
      await page.goto("/admin");
      await expect(page.getByText("This part of the site is for the people who run the server.")).toBeVisible();
      await page.context().clearCookies();

      await signIn(page, "/admin/people");
      await page.getByLabel("Address, name or id").fill(email);
      await page.getByRole("button", { name: "Find" }).click();
      await page.getByRole("region", { name: "Organizations" }).getByRole("link").click();
      await page.getByLabel("US dollars").fill("7.5");
      await page.getByLabel("Reason, for the books").fill("Welcome");
      await page.getByRole("button", { name: "Give credit" }).click();
      await expect(page.getByRole("status")).toContainText("$7.50 were credited");
      await expect(page.locator(".facts-grid")).toContainText("$7.50");

      await page.goto("/admin/catalog?query=claude-haiku");
      const offer = page.locator(".offer").first();
      await offer.locator("summary").click();
      await offer.getByRole("button", { name: "Hide it" }).click();
      await expect(page.locator(".offer").first()).toContainText("Hidden");
      await page.locator(".offer").first().locator("summary").click();
      await page.locator(".offer").first().getByRole("button", { name: "Show it again" }).click();
      await expect(page.locator(".offer").first()).not.toContainText("Hidden");

      const words = `The harbour closes at ten (${javaScriptEnabled}).`;
      await page.goto("/admin/announcements");
      await page.getByLabel("Text, one line").fill(words);
      await page.getByRole("button", { name: "Tell everybody" }).click();
      await page.goto("/models");
      await expect(page.getByRole("complementary", { name: "Announcements" })).toContainText(words);
      await page.goto("/admin/announcements");
      const line = page.getByRole("main").getByRole("listitem").filter({ hasText: words });
      await line.getByRole("button", { name: "Take it back" }).click();
      await page.goto("/models");
      await expect(page.getByText(words)).toHaveCount(0);

      await page.goto("/admin/flags");
      const votes = page.getByRole("listitem").filter({ hasText: "blind_votes" });
      await votes.getByRole("button", { name: "Switch blind_votes off" }).click();
      await expect(votes).toContainText("Off");
      await votes.getByRole("button", { name: "Leave blind_votes to the settings" }).click();
      await expect(votes).toContainText("As by default: on.");

      await page.goto("/admin/log");
      await expect(page.getByRole("region", { name: "Audit log" })).toContainText("credit.grant");
    });
  });
}
