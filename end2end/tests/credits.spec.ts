// Buying credit, from the amount over the simulated checkout to the receipt and the refund.
import { readFile } from "node:fs/promises";
import { expect, operator, test } from "./support";

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with script" : "without script", () => {
    test.use({ javaScriptEnabled });

    test("a person buys 20 dollars, gets a receipt and some of it back", async ({ page }) => {
      const email = `buyer-${Date.now()}-${javaScriptEnabled}@patchbay.example`;
      await page.goto("/sign-up?next=/credits");
      await page.getByLabel("Name").fill("Bea");
      await page.getByLabel("E-mail").fill(email);
      await page.getByLabel("Password").fill("a harbour in the morning");
      await page.getByRole("button", { name: "Create account" }).click();
      await expect(page).toHaveURL(/\/credits$/);
      await expect(page.getByText("Nothing was bought yet.")).toBeVisible();

      await test.step("an amount that cannot be bought is named", async () => {
        await page.getByLabel("Amount").fill("3");
        await page.getByRole("button", { name: "Show the price" }).click();
        await expect(page.getByRole("alert")).toContainText("$5.00 to $25,000.00");
      });

      await test.step("the fee is shown before anything is paid", async () => {
        await page.getByLabel("Amount").fill("20");
        await page.getByRole("button", { name: "Show the price" }).click();
        const bill = page.locator(".bill");
        await expect(bill).toContainText("$20.00");
        await expect(bill).toContainText("$1.10");
        await expect(bill).toContainText("$21.10");
        await page.getByLabel("Keep the card").check();
        await page.getByRole("button", { name: "Pay $21.10" }).click();
      });

      await test.step("the checkout says that it is simulated, and a declined card is told", async () => {
        await expect(page.getByText("Simulated checkout.")).toBeVisible();
        await expect(page.getByRole("row", { name: /Processing fee/ })).toContainText("$1.10");
        await page.getByLabel("Card number").fill("4000 0000 0000 0002");
        await page.getByRole("button", { name: "Pay $21.10" }).click();
        await expect(page.getByRole("alert")).toHaveText("Your card was declined.");
        await page.getByLabel("Card number").fill("4242 4242 4242 4242");
        await page.getByRole("button", { name: "Pay $21.10" }).click();
      });

      const row = page.getByRole("region", { name: "Purchases" }).locator("tbody tr");
      await test.step("the credit is there with its receipt", async () => {
        await expect(page.getByRole("status")).toContainText("The credit is there");
        await expect(page.locator(".facts-large")).toContainText("$20.00");
        await expect(row).toContainText("$21.10");
        const waiting = page.waitForEvent("download");
        await row.getByRole("link", { name: "Receipt" }).click();
        const text = await readFile(await (await waiting).path(), "latin1");
        for (const part of ["%PDF-1.4", "SIMULATED", "$20.00", "$1.10", "$21.10"]) expect(text).toContain(part);
      });

      await test.step("automatic purchases can be switched on with the kept card", async () => {
        await page.getByLabel("Charge Visa •••• 4242 automatically").check();
        await page.getByLabel("When less than this is left").fill("5");
        await page.getByRole("region", { name: "Automatic purchases" }).getByLabel("Buy this much").fill("10");
        await page.getByRole("region", { name: "Automatic purchases" }).getByRole("button", { name: "Save" }).first().click();
        await expect(page.getByRole("status")).toHaveText("Saved.");
        await expect(page.getByLabel("Charge Visa •••• 4242 automatically")).toBeChecked();
        await page.getByRole("button", { name: "Forget Visa •••• 4242" }).click();
        await expect(page.getByRole("status")).toContainText("The card is forgotten");
      });

      await test.step("a promo code is a gift", async () => {
        const code = `BEA-${javaScriptEnabled ? "A" : "B"}-${Date.now()}`;
        await operator("promo", "create", code, "--amount", "2");
        await page.getByText("Have a promo code?").click();
        await page.getByLabel("Code").fill(code);
        await page.getByRole("button", { name: "Use code" }).click();
        await expect(page.getByRole("status")).toHaveText("The code gave you $2.00.");
      });

      await test.step("what is unused comes back, the fee and the gift do not", async () => {
        await row.getByRole("button", { name: "Refund $20.00" }).click();
        await expect(page.getByRole("status")).toContainText("$20.00 is on its way back");
        await expect(row).toContainText("Refunded");
        await expect(page.locator(".facts-large")).toContainText("$2.00 of it a gift");
      });
    });
  });
}
