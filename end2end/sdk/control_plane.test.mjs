// The whole life of keys, agreements, provider keys, guardrails, workspaces, presets and
// members with the official @openrouter/sdk (npm).

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { OpenRouter } from "@openrouter/sdk";
import * as errors from "@openrouter/sdk/models/errors";
import { hello, key, models, url } from "./common.mjs";

const connect = (apiKey) =>
  new OpenRouter({ serverURL: url, apiKey, retryConfig: { strategy: "none" }, timeoutMs: 60_000 });
const manager = connect(process.env.END2END_MANAGEMENT_KEY);
const ask = (apiKey, chatRequest = {}) =>
  connect(apiKey).chat.send({ chatRequest: { model: models[0], messages: hello(), ...chatRequest } });
/** A name nothing else has. */
const unique = (word) => `${word}-${randomBytes(4).toString("hex")}`;

/** All of a list that comes in pages. */
async function all(pages) {
  const found = [];
  for await (const page of await pages) found.push(...page.result.data);
  return found;
}

test("a key is made, shown, changed, used up and deleted", async () => {
  const wish = { name: unique("key"), limit: 1.5, limitReset: "monthly", includeByokInLimit: true };
  const made = await manager.apiKeys.create({ requestBody: { ...wish, expiresAt: new Date("2090-01-01T00:00:00Z") } });
  const { hash } = made.data;
  assert.deepEqual([made.data.limit, made.data.limitReset, made.data.includeByokInLimit], [1.5, "monthly", true]);
  assert.equal((await manager.apiKeys.get({ hash })).data.name, wish.name);
  assert.ok((await manager.apiKeys.list({ offset: 0 })).data.some((each) => each.hash === hash));
  assert.ok((await ask(made.key)).choices);
  const own = (await connect(made.key).apiKeys.getCurrentKeyMetadata()).data;
  assert.ok(own.usage > 0 && own.limitRemaining < 1.5 && own.byokUsage === 0);
  const changed = await manager.apiKeys.update({ hash, requestBody: { limit: 0.000000001, limitReset: null, name: "used up" } });
  assert.deepEqual([changed.data.limitReset, changed.data.limitRemaining, changed.data.name], [null, 0, "used up"]);
  await assert.rejects(ask(made.key), errors.ForbiddenResponseError);
  assert.equal((await manager.apiKeys.delete({ hash })).deleted, true);
  await assert.rejects(ask(made.key), errors.UnauthorizedResponseError);
  await assert.rejects(manager.apiKeys.get({ hash }), errors.NotFoundResponseError);
});

test("an app gets its key by PKCE, once", async () => {
  const verifier = randomBytes(48).toString("base64url");
  const codeChallenge = createHash("sha256").update(verifier).digest("base64url");
  const callbackUrl = "https://app.example.org/back";
  const made = await manager.oAuth.createAuthCode({
    requestBody: { callbackUrl, codeChallenge, codeChallengeMethod: "S256", limit: 2, keyLabel: "An app", usageLimitType: "weekly" },
  });
  const exchange = { requestBody: { code: made.data.id, codeVerifier: verifier, codeChallengeMethod: "S256" } };
  await assert.rejects(
    manager.oAuth.exchangeAuthCodeForAPIKey({ requestBody: { code: made.data.id, codeVerifier: "another" } }),
    errors.ForbiddenResponseError,
  );
  const answer = await connect("").oAuth.exchangeAuthCodeForAPIKey(exchange);
  const own = (await connect(answer.key).apiKeys.getCurrentKeyMetadata()).data;
  assert.deepEqual([own.limit, own.limitReset], [2, "weekly"]);
  assert.ok((await ask(answer.key)).choices);
  await assert.rejects(manager.oAuth.exchangeAuthCodeForAPIKey(exchange), errors.ForbiddenResponseError);
  await assert.rejects(ask(answer.key), errors.UnauthorizedResponseError, "a code shown twice ends its key");
});

test("a provider key is kept, changed and forgotten", async () => {
  const wish = { provider: "openai", key: "sk-nobody-0123456789", name: unique("ours"), disabled: true, isFallback: true };
  const made = (await manager.byok.create({ createBYOKKeyRequest: wish })).data;
  assert.ok(!made.label.includes("nobody-012345"));
  assert.deepEqual([made.provider, made.disabled, made.isFallback], ["openai", true, true]);
  const { id } = made;
  assert.equal((await manager.byok.get({ id })).data.name, wish.name);
  assert.ok((await all(manager.byok.list({ provider: "openai" }))).some((each) => each.id === id));
  const change = { name: null, allowedModels: [models[0]], isFallback: false };
  const changed = (await manager.byok.update({ id, updateBYOKKeyRequest: change })).data;
  assert.deepEqual([changed.name, changed.allowedModels, changed.isFallback], [null, [models[0]], false]);
  assert.equal((await manager.byok.delete({ id })).deleted, true);
  await assert.rejects(manager.byok.get({ id }), errors.NotFoundResponseError);
});

test("a workspace has its own budgets, members, keys and provider keys", async () => {
  const slug = unique("labs");
  const wish = { name: "Labs", slug, description: "Ours", defaultTextModel: models[0], defaultProviderSort: "price" };
  const made = (await manager.workspaces.create({ createWorkspaceRequest: wish })).data;
  const { id } = made;
  assert.deepEqual([made.slug, made.defaultTextModel], [slug, models[0]]);
  assert.equal((await manager.workspaces.get({ id: slug })).data.id, id);
  assert.ok((await all(manager.workspaces.list())).some((each) => each.id === id));
  const renamed = await manager.workspaces.update({ id, updateWorkspaceRequest: { name: "Laboratory", description: null } });
  assert.deepEqual([renamed.data.name, renamed.data.description], ["Laboratory", null]);

  const limit = (interval, limitUsd) =>
    manager.workspaces.setBudget({ workspaceRef: id, interval, upsertWorkspaceBudgetRequest: { limitUsd, includeByokInBudgets: true } });
  assert.equal((await limit("daily", 1)).data.limitUsd, 1);
  await limit("monthly", 9);
  await assert.rejects(limit("weekly", 20), errors.BadRequestResponseError, "a week in a month");
  assert.equal((await manager.workspaces.getBudget({ workspaceRef: id, interval: "monthly" })).data.resetInterval, "monthly");
  const budgets = await manager.workspaces.listBudgets({ workspaceRef: id });
  assert.deepEqual([budgets.data.length, budgets.includeByokInBudgets], [2, true]);
  assert.equal((await manager.workspaces.deleteBudget({ workspaceRef: id, interval: "monthly" })).deleted, true);

  const [member] = await all(manager.organization.listMembers());
  const people = { userIds: [member.id] };
  assert.equal((await manager.workspaces.bulkAddMembers({ id, bulkAddWorkspaceMembersRequest: people })).addedCount, 1);
  assert.ok((await all(manager.workspaces.listMembers({ id }))).some((each) => each.userId === member.id));
  assert.equal((await manager.workspaces.bulkRemoveMembers({ id, bulkRemoveWorkspaceMembersRequest: people })).removedCount, 1);

  const own = await manager.apiKeys.create({ requestBody: { name: "in there", workspaceId: id } });
  assert.equal(own.data.workspaceId, id);
  assert.ok((await ask(own.key)).choices);
  await limit("daily", 0.000001);
  await assert.rejects(ask(own.key), (error) => error instanceof errors.ForbiddenResponseError && /budget/.test(error.message));
  const credential = { provider: "openai", key: "sk-nobody-9876543210", disabled: true, workspaceId: id };
  const kept = (await manager.byok.create({ createBYOKKeyRequest: credential })).data;
  assert.equal(kept.workspaceId, id);
  assert.deepEqual((await all(manager.byok.list({ workspaceId: id }))).map((each) => each.id), [kept.id]);
  await manager.byok.delete({ id: kept.id });
  await manager.apiKeys.delete({ hash: own.data.hash });
  assert.equal((await manager.workspaces.delete({ id })).deleted, true);
  await assert.rejects(manager.workspaces.get({ id }), errors.NotFoundResponseError);
});

test("a guardrail is made, assigned, felt and lifted", async () => {
  const made = await manager.guardrails.create({
    createGuardrailRequest: {
      name: unique("careful"), description: "No letters", ignoredModels: [models[1]], limitUsd: 50, resetInterval: "daily",
      contentFilters: [{ pattern: "secret-[0-9]+", action: "block" }], contentFilterBuiltins: [{ slug: "email", action: "redact" }],
    },
  });
  const { id } = made.data;
  assert.deepEqual([made.data.limitUsd, made.data.ignoredModels], [50, [models[1]]]);
  assert.equal((await manager.guardrails.get({ id })).data.description, "No letters");
  assert.ok((await all(manager.guardrails.list())).some((each) => each.id === id));
  const subject = await manager.apiKeys.create({ requestBody: { name: "guarded" } });
  const keys = { bulkAssignKeysRequest: { keyHashes: [subject.data.hash] }, id };
  assert.equal((await manager.guardrails.bulkAssignKeys(keys)).assignedCount, 1);
  assert.deepEqual((await all(manager.guardrails.listGuardrailKeyAssignments({ id }))).map((each) => each.keyHash), [subject.data.hash]);
  assert.ok((await all(manager.guardrails.listKeyAssignments())).some((each) => each.guardrailId === id));
  await assert.rejects(ask(subject.key, { messages: hello("It is secret-42.") }), errors.ForbiddenResponseError);
  await assert.rejects(ask(subject.key, { model: models[1] }), errors.NotFoundResponseError);
  assert.ok((await ask(subject.key)).choices);
  await manager.guardrails.update({ id, updateGuardrailRequest: { contentFilters: null, ignoredModels: null } });
  assert.ok((await ask(subject.key, { messages: hello("It is secret-42.") })).choices);
  const gone = { bulkUnassignKeysRequest: { keyHashes: [subject.data.hash] }, id };
  assert.equal((await manager.guardrails.bulkUnassignKeys(gone)).unassignedCount, 1);

  const [member] = await all(manager.organization.listMembers());
  const people = { memberUserIds: [member.id] };
  await manager.guardrails.bulkAssignMembers({ id, bulkAssignMembersRequest: people });
  assert.deepEqual((await all(manager.guardrails.listGuardrailMemberAssignments({ id }))).map((each) => each.userId), [member.id]);
  assert.ok((await all(manager.guardrails.listMemberAssignments())).length >= 1);
  await manager.guardrails.bulkUnassignMembers({ id, bulkUnassignMembersRequest: people });
  assert.equal((await manager.guardrails.delete({ id })).deleted, true);
  await assert.rejects(manager.guardrails.get({ id }), errors.NotFoundResponseError);
  await manager.apiKeys.delete({ hash: subject.data.hash });
});

test("a preset is kept in three client APIs, versioned and used", async () => {
  const slug = unique("brief");
  const client = connect(key);
  const system = { role: "system", content: "Briefly." };
  const first = await client.presets.createPresetsChatCompletions({
    slug, chatRequest: { model: models[0], temperature: 0.5, messages: [system, ...hello()] },
  });
  assert.deepEqual([first.data.slug, first.data.designatedVersion.version], [slug, 1]);
  await client.presets.createPresetsMessages({
    slug, messagesRequest: { model: models[1], maxTokens: 50, system: "Briefly.", messages: hello() },
  });
  const third = await client.presets.createPresetsResponses({
    slug, responsesRequest: { model: models[0], instructions: "Briefly.", input: "Hello" },
  });
  assert.equal(third.data.designatedVersion.version, 3);
  assert.ok((await all(client.presets.list())).some((each) => each.slug === slug));
  assert.equal((await client.presets.get({ slug })).data.designatedVersion.systemPrompt, "Briefly.");
  assert.deepEqual((await all(client.presets.listVersions({ slug }))).map((each) => each.version), [1, 2, 3]);
  assert.equal((await client.presets.getVersion({ slug, version: "1" })).data.config.temperature, 0.5);
  assert.ok((await ask(key, { model: `@preset/${slug}` })).choices);
  await assert.rejects(client.presets.getVersion({ slug, version: "9" }), errors.NotFoundResponseError);
});

test("members, activity, credits and a remark on an answer", async () => {
  const members = await all(manager.organization.listMembers({ limit: 1 }));
  assert.ok(members[0].email.includes("@"));
  assert.ok(Array.isArray((await manager.analytics.getUserActivity({ groupBy: "workspace" })).data));
  const { data } = await manager.credits.getCredits();
  assert.ok(data.totalCredits >= data.totalUsage);
  const answer = await ask(key);
  const remark = { generationId: answer.id, category: "latency", comment: "Slow." };
  const kept = await connect(key).generations.submitFeedback({ submitGenerationFeedbackRequest: remark });
  assert.equal(kept.data.success, true);
});

test("a key for models manages nothing", async () => {
  const client = connect(key);
  const refused = (promise) => assert.rejects(promise, (error) => error.statusCode === 403);
  await refused(client.apiKeys.list());
  await refused(client.workspaces.create({ createWorkspaceRequest: { name: "x", slug: unique("x") } }));
  await refused(client.guardrails.create({ createGuardrailRequest: { name: "x" } }));
  await refused(client.byok.create({ createBYOKKeyRequest: { provider: "openai", key: "sk-nobody-0123456789" } }));
});
