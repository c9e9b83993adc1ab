// What the pages of settings and the chat room's drawer can do, with the keyboard alone; and
// what of it works without a script.
import type { Locator, Page } from "@playwright/test";
import { awake, expect, signIn, test } from "./support";

/** More stops than lie between two parts of a page. */
const MOST = 250;

/** Goes on with Tab until `goal` has the focus. */
async function tabTo(page: Page, goal: Locator) {
  await expect(goal).toHaveCount(1);
  for (let press = 0; press < MOST; press += 1) {
    if (await goal.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the keyboard does not reach ${goal}`);
}

/** Goes to a button, a link or a box, and presses it. */
async function press(page: Page, goal: Locator, key = "Enter") {
  await tabTo(page, goal);
  await page.keyboard.press(key);
}

/** Goes to a field and writes over what is in it. */
async function write(page: Page, goal: Locator, text: string) {
  await tabTo(page, goal);
  await page.keyboard.press("Control+a");
  await page.keyboard.type(text);
}

/** Goes to a list and takes the entry that begins so. */
async function choose(page: Page, goal: Locator, text: string) {
  await tabTo(page, goal);
  await page.keyboard.type(text);
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with script" : "without script", () => {
    test.use({ javaScriptEnabled });

    test("letters, privacy and the labels of requests are chosen with the keyboard", async ({ page }) => {
      await signIn(page, "/settings/notifications");
      const announcements = page.getByRole("checkbox", { name: /^Announcements/ });
      await press(page, announcements, "Space");
      await expect(announcements).toBeChecked();
      await press(page, page.getByRole("button", { name: "Save" }));
      await expect(page.getByRole("status")).toContainText("Your choice is kept.");
      await press(page, page.getByRole("button", { name: "Undo" }));
      await expect(page.getByRole("status")).toContainText("It is as it was.");
      await expect(announcements).not.toBeChecked();

      await page.goto("/settings/privacy");
      for (const [choice, value] of [["Get no labels", ""], ["Get a task, a category and a language", "1"]]) {
        const labels = page.getByLabel("Requests of this organization");
        await choose(page, labels, choice);
        await press(page, page.getByRole("button", { name: "Store the choice" }));
        await expect(page.getByRole("status")).toContainText("The choice is stored.");
        await expect(labels).toHaveValue(value);
      }
    });

    test("a destination of events is added, switched off and removed with the keyboard", async ({ page }) => {
      const name = `Harbour log ${javaScriptEnabled}`;
      await signIn(page, "/observability");
      const form = page.locator("details").filter({ has: page.locator('input[name="type"][value="webhook"]') });
      await press(page, form.locator("summary"));
      await write(page, form.getByLabel("Name"), name);
      await write(page, form.getByLabel("Address"), "https://hooks.harbour.example/in");
      await press(page, form.getByRole("button", { name: "Add destination" }));
      await expect(page.getByRole("status")).toContainText("The destination is added.");
      const row = page.getByRole("region", { name: "Destinations" }).getByRole("row").filter({ hasText: name });
      await press(page, row.getByRole("button", { name: /^Switch off/ }));
      await expect(row.getByRole("button", { name: /^Switch on/ })).toBeVisible();
      await press(page, row.getByRole("button", { name: /^Remove/ }));
      await expect(row).toHaveCount(0);
    });
  });
}

test("folders are made, named, filled and removed with the keyboard", async ({ page }) => {
  await signIn(page, "/chat");
  await page.goto("/chat?model=openai/gpt-5.4-mini");
  await awake(page);
  await write(page, page.getByRole("textbox", { name: "Message" }), "Which way to the lighthouse?");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("article", { name: "Answer" })).toHaveAttribute("aria-busy", "false");
  await press(page, page.getByRole("button", { name: "Conversations" }));
  const library = page.getByRole("complementary", { name: "Conversations" });
  await write(page, library.getByLabel("New folder"), "Quay");
  await page.keyboard.press("Enter");
  const folder = library.locator("details.chat-folder").filter({ hasText: "Quay" });
  await expect(folder).toBeVisible();
  const line = library.getByRole("listitem").filter({ hasText: "Which way to the lighthouse?" });
  await press(page, line.getByRole("button", { name: /^Name or move/ }));
  await write(page, library.getByLabel("Title"), "The lighthouse");
  await choose(page, library.getByRole("combobox", { name: /^Folder/ }), "Quay");
  await press(page, line.getByRole("button", { name: "Save" }));
  await expect(folder.getByRole("listitem")).toContainText("The lighthouse");
  await press(page, folder.getByRole("button", { name: /^Rename the folder/ }));
  await write(page, folder.getByLabel("Name", { exact: true }), "Pier");
  await page.keyboard.press("Enter");
  const renamed = library.locator("details.chat-folder").filter({ hasText: "Pier" });
  await expect(renamed.getByRole("listitem")).toContainText("The lighthouse");
  await press(page, renamed.getByRole("button", { name: /^Delete/ }));
  await expect(renamed.getByRole("listitem")).toHaveCount(0);
  await press(page, renamed.getByRole("button", { name: /^Remove the folder/ }));
  await expect(renamed).toHaveCount(0);
});

test("numbers are written for a person as they chose, in another browser too", async ({ page, browser, baseURL }) => {
  await signIn(page, "/settings");
  await page.getByLabel("Written as in").selectOption("Deutsch");
  await page.getByRole("button", { name: "Use" }).click();
  const context = await browser.newContext({ locale: "en-US", baseURL });
  const other = await context.newPage();
  await signIn(other, "/settings");
  await expect(other.locator("html")).toHaveAttribute("data-formats", "de");
  await other.getByLabel("Written as in").selectOption({ index: 0 });
  await other.getByRole("button", { name: "Use" }).click();
  await expect(other.locator("html")).not.toHaveAttribute("data-formats", "de");
  await context.close();
});

test("whoever has a link sees images only if that was agreed to", async ({ page, browser, baseURL }) => {
  const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
  await signIn(page, "/chat");
  await page.goto("/chat?model=openai/gpt-5.4-mini");
  await awake(page);
  await page.getByRole("button", { name: "Conversations" }).click();
  await page.getByLabel("Keep what is said").selectOption("server");
  await page.getByLabel("Attach files").setInputFiles({ name: "quay.png", mimeType: "image/png", buffer: Buffer.from(picture, "base64") });
  await page.getByRole("textbox", { name: "Message" }).fill("What is on this quay?");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByRole("article", { name: "Answer" })).toHaveAttribute("aria-busy", "false");
  const context = await browser.newContext({ javaScriptEnabled: false, baseURL });
  const stranger = await context.newPage();
  const library = page.getByRole("complementary", { name: "Conversations" });
  for (const agreed of [false, true]) {
    if (agreed) await library.getByLabel("Who has the link sees images, too").check();
    await library.getByRole("button", { name: "Share by link" }).click();
    const link = (await library.locator(".secret code").textContent()) ?? "";
    await stranger.goto(new URL(link).pathname);
    const image = stranger.getByRole("img", { name: "quay.png" });
    await expect(image).toHaveCount(agreed ? 1 : 0);
    if (agreed) {
      await expect.poll(() => image.evaluate((element: HTMLImageElement) => element.naturalWidth)).toBe(1);
    } else {
      await expect(stranger.getByRole("article", { name: "Question" })).toContainText("quay.png");
    }
    const address = agreed ? ((await image.getAttribute("src")) ?? "") : "";
    await library.getByRole("button", { name: "Stop sharing" }).click();
    await expect(library.getByRole("button", { name: "Share by link" })).toBeVisible();
    if (agreed) expect((await context.request.get(address)).status()).toBe(404);
  }
  await library.getByRole("listitem").filter({ hasText: "What is on this quay?" }).getByRole("button", { name: /^Delete/ }).click();
  await page.goto("/chat");
  await context.close();
});
