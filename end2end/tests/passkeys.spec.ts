// Passkeys, with a browser's own authenticator, on a server that is reached as localhost.
import type { Page } from "@playwright/test";
import { expect, ownServer, test } from "./support";

let own: Awaited<ReturnType<typeof ownServer>>;
let site: string;

test.beforeAll(async () => {
  own = await ownServer("localhost", "off");
  site = own.site;
});

test.afterAll(() => own.stop());

/** A device that keeps passkeys and whose owner always agrees. */
async function device(page: Page) {
  const client = await page.context().newCDPSession(page);
  await client.send("WebAuthn.enable");
  const options = {
    protocol: "ctap2",
    transport: "internal",
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
  } as const;
  const { authenticatorId } = await client.send("WebAuthn.addVirtualAuthenticator", { options });
  const agrees = (enabled: boolean) =>
    client.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
  return { agrees };
}

test("a passkey is made, signs in alone, confirms and is removed", async ({ page }) => {
  const { agrees } = await device(page);
  await page.goto(`${site}/sign-up?next=/settings/passkeys`);
  await page.getByLabel("Name").fill("Ada");
  await page.getByLabel("E-mail").fill("ada@example.org");
  await page.getByLabel("Password").fill("an engine of analysis");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL(`${site}/settings/passkeys`);
  await page.getByLabel(/^Name/).fill("My laptop");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByRole("status")).toContainText("The passkey is kept");
  await expect(page.getByRole("listitem").filter({ hasText: "not used yet" })).toContainText("My laptop");
  for (const width of [390, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: `artefacts/passkeys-${width}.png`, fullPage: true });
  }

  await page.getByLabel(/^Name/).fill("Again");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByRole("alert")).toContainText("has a passkey for your account already");

  await page.context().clearCookies();
  await agrees(false);
  await page.goto(`${site}/sign-in?next=/settings/passkeys`);
  const button = page.getByRole("button", { name: "Sign in with a passkey" });
  await expect(button).toBeVisible();
  await page.screenshot({ path: "artefacts/passkeys-sign-in.png" });
  await agrees(true);
  // The browser may have offered it among what it fills in, and its owner agreed.
  await button.click().catch(() => undefined);
  await expect(page).toHaveURL(`${site}/settings/passkeys`);
  await expect(page.getByRole("listitem").filter({ hasText: "My laptop" }).last()).toContainText("last used");

  await page.goto(`${site}/confirm?next=/settings/passkeys`);
  await page.screenshot({ path: "artefacts/passkeys-confirm.png" });
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await expect(page).toHaveURL(`${site}/settings/passkeys`);

  const name = `Old laptop"><img src=x onerror=globalThis.ran=1>`;
  await page.getByLabel("New name of My laptop").fill(name);
  await page.getByRole("button", { name: "Rename" }).click();
  await expect(page.getByRole("button", { name: `Remove ${name}` })).toBeVisible();
  expect(await page.evaluate(() => (globalThis as { ran?: number }).ran)).toBeUndefined();
  await page.getByRole("button", { name: `Remove ${name}` }).click();
  await expect(page.getByRole("status")).toContainText("opens nothing any more");
  await expect(page.getByText("A passkey signs you in with your finger")).toBeVisible();
});
