//! Guardrails of organizations, ready to be asked.

use std::collections::HashMap;
use std::sync::Arc;

use app::types::guardrails::Rules;
use arc_swap::ArcSwap;

use super::filters::Filter;
use super::keys::KeyRecord;
use super::policy::{Cap, member_counter, workspace_counter};
use crate::store::Store;
use crate::store::guardrails::GuardrailRow;

/// A guardrail with its filters compiled.
#[derive(Clone, Debug)]
pub struct Guard {
    pub id: String,
    pub name: String,
    pub rules: Rules,
    pub filters: Vec<Filter>,
}

impl Guard {
    /// # Errors
    /// The field and what is wrong with it.
    pub fn new(id: String, name: String, rules: Rules) -> Result<Self, (&'static str, String)> {
        let own = rules.content_filters.iter().flatten();
        let own: Result<Vec<Filter>, String> = own.map(Filter::own).collect();
        let mut filters = own.map_err(|cause| ("content_filters", cause))?;
        let builtin = rules.content_filter_builtins.iter().flatten();
        let builtin: Result<Vec<Filter>, String> = builtin.map(Filter::builtin).collect();
        filters.extend(builtin.map_err(|cause| ("content_filter_builtins", cause))?);
        Ok(Self { id, name, rules, filters })
    }

    /// Whether a list that allows and a list that ignores let `names` pass.
    fn passes(allowed: Option<&Vec<String>>, ignored: Option<&Vec<String>>, names: &[&str]) -> bool {
        let is_in = |list: &Vec<String>| list.iter().any(|own| names.iter().any(|name| own.eq_ignore_ascii_case(name)));
        allowed.is_none_or(is_in) && !ignored.is_some_and(is_in)
    }

    /// Whether a model may be asked, by any of its names.
    #[must_use]
    pub fn allows_model(&self, names: &[&str]) -> bool {
        Self::passes(self.rules.allowed_models.as_ref(), self.rules.ignored_models.as_ref(), names)
    }

    /// Whether a provider may be asked, by its slug or name.
    #[must_use]
    pub fn allows_provider(&self, names: &[&str]) -> bool {
        Self::passes(self.rules.allowed_providers.as_ref(), self.rules.ignored_providers.as_ref(), names)
    }

    /// Whether models of this author may be asked only where nothing is retained.
    #[must_use]
    pub fn wants_zero_retention(&self, author: &str) -> bool {
        let rules = &self.rules;
        let own = match author.trim_start_matches('~') {
            "anthropic" => rules.enforce_zdr_anthropic,
            "google" => rules.enforce_zdr_google,
            "openai" => rules.enforce_zdr_openai,
            "x-ai" => rules.enforce_zdr_xai,
            _ => rules.enforce_zdr_other,
        };
        own.or(rules.enforce_zdr).unwrap_or(false)
    }

    /// Whether an endpoint may be asked that learns from what it is asked.
    #[must_use]
    pub fn allows_training(&self, is_free: bool) -> bool {
        let rules = &self.rules;
        let allowed = if is_free { rules.enable_free_model_training } else { rules.enable_paid_model_training };
        allowed.unwrap_or(true) && (!is_free || rules.enable_free_model_publication.unwrap_or(true))
    }
}

/// The guardrails of one organization.
#[derive(Debug, Default)]
struct Own {
    /// By workspace.
    defaults: HashMap<String, Arc<Guard>>,
    /// By hash.
    keys: HashMap<String, Arc<Guard>>,
    /// By user.
    members: HashMap<String, Arc<Guard>>,
}

/// The guardrails of all organizations.
#[derive(Debug, Default)]
pub struct Guardrails {
    by_organization: ArcSwap<HashMap<String, Own>>,
}

impl Guardrails {
    /// Reads them again. One that no longer compiles is left out, and logged.
    ///
    /// # Errors
    /// Any database error; the old ones stay.
    pub async fn reload(&self, store: &Store) -> sqlx::Result<()> {
        let mut all: HashMap<String, Own> = HashMap::new();
        let mut by_id = HashMap::new();
        for row in store.guardrails(None).await? {
            let (organization_id, workspace_id, is_default) =
                (row.organization_id.clone(), row.workspace_id.clone(), row.is_default != 0);
            let Some(guard) = opened(row).map(Arc::new) else { continue };
            let own = all.entry(organization_id).or_default();
            if is_default {
                own.defaults.insert(workspace_id, Arc::clone(&guard));
            }
            by_id.insert(guard.id.clone(), guard);
        }
        for row in store.guardrail_assignments(None).await? {
            let Some(guard) = by_id.get(&row.guardrail_id).cloned() else { continue };
            let own = all.entry(row.organization_id).or_default();
            let subjects = if row.kind == "key" { &mut own.keys } else { &mut own.members };
            subjects.insert(row.subject, guard);
        }
        self.by_organization.store(Arc::new(all));
        Ok(())
    }

    /// What holds for a request: the workspace's, the member's and the key's guardrail.
    #[must_use]
    pub fn of(
        &self,
        organization_id: &str,
        workspace_id: &str,
        key_hash: Option<&str>,
        user_id: Option<&str>,
    ) -> Vec<Arc<Guard>> {
        let all = self.by_organization.load();
        let Some(own) = all.get(organization_id) else { return Vec::new() };
        let mut guards: Vec<Arc<Guard>> = Vec::new();
        let key = key_hash.and_then(|hash| own.keys.get(hash));
        let member = user_id.and_then(|id| own.members.get(id));
        for guard in [own.defaults.get(workspace_id), member, key].into_iter().flatten() {
            if !guards.iter().any(|other| other.id == guard.id) {
                guards.push(Arc::clone(guard));
            }
        }
        guards
    }
    /// The budgets of these guardrails: of what the key, the member or the workspace
    /// spends, whichever the guardrail holds for.
    #[must_use]
    pub fn caps(
        &self,
        organization_id: &str,
        workspace_id: &str,
        key: Option<&KeyRecord>,
        user_id: Option<&str>,
    ) -> Vec<Cap> {
        let all = self.by_organization.load();
        let Some(own) = all.get(organization_id) else { return Vec::new() };
        let default = own.defaults.get(workspace_id).map(|guard| (guard, workspace_counter(workspace_id)));
        let member = user_id.and_then(|id| Some((own.members.get(id)?, member_counter(organization_id, id))));
        let key = key.and_then(|key| Some((own.keys.get(&key.hash)?, key.id.clone())));
        let budget = |(guard, counter): (&Arc<Guard>, String)| {
            let name = format!("The budget of the guardrail \"{}\"", guard.name);
            let rules = &guard.rules;
            let includes_byok = rules.include_byok_in_budgets;
            Some(Cap { counter, name, limit: rules.limit_usd?, reset: rules.reset_interval, includes_byok })
        };
        [default, member, key].into_iter().flatten().filter_map(budget).collect()
    }
}

fn opened(row: GuardrailRow) -> Option<Guard> {
    let rules = serde_json::from_str(&row.rules).map_err(|error| error.to_string());
    let guard = rules.and_then(|rules| Guard::new(row.id.clone(), row.name, rules).map_err(|(_, cause)| cause));
    guard.inspect_err(|cause| tracing::error!(guardrail.id = row.id, cause, "A guardrail cannot be used")).ok()
}
