"""The whole life of keys, agreements, provider keys, guardrails, workspaces, presets and
members with the official openrouter package (PyPI)."""

import base64
import hashlib
import os
import secrets
import unittest

from openrouter import OpenRouter, errors
from openrouter.utils import RetryConfig

from common import KEY, MODELS, URL, hello


def connect(key):
    return OpenRouter(api_key=key, server_url=URL, retry_config=RetryConfig("none", None, False), timeout_ms=60_000)


def ask(key, **fields):
    return connect(key).chat.send(**{"model": MODELS[0], "messages": hello(), **fields})


def unique(word):
    return f"{word}-{secrets.token_hex(4)}"


def everything(page):
    found = []
    while page is not None:
        found += page.result.data
        page = page.next()
    return found


class ControlPlane(unittest.TestCase):
    def setUp(self):
        self.manager = connect(os.environ["END2END_MANAGEMENT_KEY"])

    def test_a_key_is_made_shown_changed_used_up_and_deleted(self):
        keys = self.manager.api_keys
        made = keys.create(name=unique("key"), limit=1.5, limit_reset="monthly", include_byok_in_limit=True)
        hash_ = made.data.hash
        self.assertEqual((made.data.limit, made.data.limit_reset), (1.5, "monthly"))
        self.assertTrue(keys.get(hash=hash_).data.include_byok_in_limit)
        self.assertTrue(ask(made.key).choices)
        own = connect(made.key).api_keys.get_current_key_metadata().data
        self.assertGreater(own.usage, 0)
        self.assertEqual(own.byok_usage, 0)
        changed = keys.update(hash=hash_, limit=1e-9, limit_reset=None, name="used up").data
        self.assertEqual((changed.limit_reset, changed.limit_remaining, changed.name), (None, 0, "used up"))
        with self.assertRaises(errors.ForbiddenResponseError):
            ask(made.key)
        self.assertTrue(keys.delete(hash=hash_).DELETED)
        with self.assertRaises(errors.UnauthorizedResponseError):
            ask(made.key)
        with self.assertRaises(errors.NotFoundResponseError):
            keys.get(hash=hash_)

    def test_an_app_gets_its_key_by_pkce_once(self):
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        made = self.manager.o_auth.create_auth_code(
            callback_url="https://app.example.org/back", code_challenge=challenge, code_challenge_method="S256",
            limit=2, key_label="An app", usage_limit_type="weekly",
        ).data
        exchange = {"code": made.id, "code_verifier": verifier, "code_challenge_method": "S256"}
        with self.assertRaises(errors.ForbiddenResponseError):
            self.manager.o_auth.exchange_auth_code_for_api_key(code=made.id, code_verifier="another")
        answer = self.manager.o_auth.exchange_auth_code_for_api_key(**exchange)
        own = connect(answer.key).api_keys.get_current_key_metadata().data
        self.assertEqual((own.limit, own.limit_reset), (2, "weekly"))
        with self.assertRaises(errors.ForbiddenResponseError):
            self.manager.o_auth.exchange_auth_code_for_api_key(**exchange)
        with self.assertRaises(errors.UnauthorizedResponseError):
            ask(answer.key)

    def test_a_provider_key_is_kept_changed_and_forgotten(self):
        byok = self.manager.byok
        made = byok.create(provider="openai", key="sk-nobody-0123456789", name="Ours", disabled=True, is_fallback=True).data
        self.assertNotIn("nobody-012345", made.label)
        self.assertIn(made.id, [each.id for each in everything(byok.list(provider="openai"))])
        changed = byok.update(id=made.id, name=None, allowed_models=[MODELS[0]], is_fallback=False).data
        self.assertEqual((changed.name, changed.allowed_models, changed.is_fallback), (None, [MODELS[0]], False))
        self.assertEqual(byok.get(id=made.id).data.id, made.id)
        self.assertTrue(byok.delete(id=made.id).DELETED)
        with self.assertRaises(errors.NotFoundResponseError):
            byok.get(id=made.id)

    def test_a_workspace_has_its_own_budgets_members_keys_and_provider_keys(self):
        workspaces, slug = self.manager.workspaces, unique("labs")
        made = workspaces.create(name="Labs", slug=slug, description="Ours", default_text_model=MODELS[0]).data
        self.assertEqual(workspaces.get(id=slug).data.id, made.id)
        self.assertIn(made.id, [each.id for each in everything(workspaces.list())])
        self.assertEqual(workspaces.update(id=made.id, name="Laboratory").data.name, "Laboratory")

        def limit(interval, dollars):
            return workspaces.set_budget(
                workspace_ref=made.id, interval=interval, limit_usd=dollars, include_byok_in_budgets=True
            ).data

        self.assertEqual(limit("daily", 1).limit_usd, 1)
        limit("monthly", 9)
        with self.assertRaises(errors.BadRequestResponseError):
            limit("weekly", 20)
        self.assertEqual(workspaces.get_budget(workspace_ref=made.id, interval="monthly").data.reset_interval, "monthly")
        budgets = workspaces.list_budgets(workspace_ref=made.id)
        self.assertEqual((len(budgets.data), budgets.include_byok_in_budgets), (2, True))
        self.assertTrue(workspaces.delete_budget(workspace_ref=made.id, interval="monthly").DELETED)

        member = everything(self.manager.organization.list_members())[0]
        self.assertEqual(workspaces.bulk_add_members(id=made.id, user_ids=[member.id]).added_count, 1)
        self.assertIn(member.id, [each.user_id for each in everything(workspaces.list_members(id=made.id))])
        self.assertEqual(workspaces.bulk_remove_members(id=made.id, user_ids=[member.id]).removed_count, 1)

        own = self.manager.api_keys.create(name="in there", workspace_id=made.id)
        self.assertEqual(own.data.workspace_id, made.id)
        self.assertTrue(ask(own.key).choices)
        limit("daily", 0.000001)
        with self.assertRaisesRegex(errors.ForbiddenResponseError, "budget"):
            ask(own.key)
        kept = self.manager.byok.create(
            provider="openai", key="sk-nobody-9876543210", disabled=True, workspace_id=made.id
        ).data
        self.assertEqual([each.id for each in everything(self.manager.byok.list(workspace_id=made.id))], [kept.id])
        self.manager.byok.delete(id=kept.id)
        self.manager.api_keys.delete(hash=own.data.hash)
        self.assertTrue(workspaces.delete(id=made.id).DELETED)
        with self.assertRaises(errors.NotFoundResponseError):
            workspaces.get(id=made.id)

    def test_a_guardrail_is_made_assigned_felt_and_lifted(self):
        guardrails = self.manager.guardrails
        made = guardrails.create(
            name=unique("careful"), ignored_models=[MODELS[1]], limit_usd=50, reset_interval="daily",
            content_filters=[{"pattern": "secret-[0-9]+", "action": "block"}],
        ).data
        self.assertEqual((made.limit_usd, guardrails.get(id=made.id).data.name), (50, made.name))
        self.assertIn(made.id, [each.id for each in everything(guardrails.list())])
        subject = self.manager.api_keys.create(name="guarded")
        hashes = [subject.data.hash]
        self.assertEqual(guardrails.bulk_assign_keys(id=made.id, key_hashes=hashes).assigned_count, 1)
        assigned = everything(guardrails.list_guardrail_key_assignments(id=made.id))
        self.assertEqual([each.key_hash for each in assigned], hashes)
        self.assertIn(made.id, [each.guardrail_id for each in everything(guardrails.list_key_assignments())])
        secret = hello("It is secret-42.")
        with self.assertRaises(errors.ForbiddenResponseError):
            ask(subject.key, messages=secret)
        with self.assertRaises(errors.NotFoundResponseError):
            ask(subject.key, model=MODELS[1])
        guardrails.update(id=made.id, content_filters=None, ignored_models=None)
        self.assertTrue(ask(subject.key, messages=secret).choices)
        self.assertEqual(guardrails.bulk_unassign_keys(id=made.id, key_hashes=hashes).unassigned_count, 1)

        member = everything(self.manager.organization.list_members())[0]
        guardrails.bulk_assign_members(id=made.id, member_user_ids=[member.id])
        assigned = everything(guardrails.list_guardrail_member_assignments(id=made.id))
        self.assertEqual([each.user_id for each in assigned], [member.id])
        self.assertTrue(everything(guardrails.list_member_assignments()))
        guardrails.bulk_unassign_members(id=made.id, member_user_ids=[member.id])
        self.assertTrue(guardrails.delete(id=made.id).DELETED)
        with self.assertRaises(errors.NotFoundResponseError):
            guardrails.get(id=made.id)
        self.manager.api_keys.delete(hash=subject.data.hash)

    def test_a_preset_is_kept_in_three_client_apis_versioned_and_used(self):
        presets, slug = connect(KEY).presets, unique("brief")
        system = {"role": "system", "content": "Briefly."}
        first = presets.create_presets_chat_completions(
            slug=slug, model=MODELS[0], temperature=0.5, messages=[system, *hello()]
        ).data
        self.assertEqual((first.slug, first.designated_version.version), (slug, 1))
        presets.create_presets_messages(slug=slug, model=MODELS[1], max_tokens=50, system="Briefly.", messages=hello())
        third = presets.create_presets_responses(slug=slug, model=MODELS[0], instructions="Briefly.", input="Hello").data
        self.assertEqual(third.designated_version.version, 3)
        self.assertIn(slug, [each.slug for each in everything(presets.list())])
        self.assertEqual(presets.get(slug=slug).data.designated_version.system_prompt, "Briefly.")
        self.assertEqual([each.version for each in everything(presets.list_versions(slug=slug))], [1, 2, 3])
        self.assertEqual(presets.get_version(slug=slug, version="1").data.config["temperature"], 0.5)
        self.assertTrue(ask(KEY, model=f"@preset/{slug}").choices)
        with self.assertRaises(errors.NotFoundResponseError):
            presets.get_version(slug=slug, version="9")

    def test_members_activity_credits_and_a_remark_on_an_answer(self):
        members = everything(self.manager.organization.list_members(limit=1))
        self.assertIn("@", members[0].email)
        self.assertIsInstance(self.manager.analytics.get_user_activity(request={"group_by": "workspace"}).data, list)
        credits = self.manager.credits.get_credits().data
        self.assertGreaterEqual(credits.total_credits, credits.total_usage)
        answer = ask(KEY)
        kept = connect(KEY).generations.submit_feedback(generation_id=answer.id, category="latency", comment="Slow.")
        self.assertTrue(kept.data.SUCCESS)


if __name__ == "__main__":
    unittest.main()
