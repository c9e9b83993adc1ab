//! Provider credentials of organizations (bring your own key): whom they serve, and
//! what such requests cost.

use std::collections::HashMap;
use std::sync::Arc;

use app::types::Money;
use arc_swap::ArcSwap;
use chrono::{DateTime, Datelike as _};
use parking_lot::Mutex;

use super::Requester;
use crate::App;
use crate::catalog::{Catalog, Provider};
use crate::clock::Windows;
use crate::config::OwnKeySettings;
use crate::providers::credentials::{Credentials, OwnSecret};
use crate::store::own_keys::OwnKeyRow;

/// A credential, opened and ready.
pub struct OwnKey {
    pub id: String,
    workspace_id: String,
    pub provider_slug: String,
    /// Tried after the shared capacity, not before.
    pub is_fallback: bool,
    /// The shared capacity of this provider is not used, for any model.
    pub is_only: bool,
    /// It is not used for the models this serves.
    pub is_required: bool,
    /// Whether the owner's account at the provider keeps nothing; unsaid, the endpoint's policy holds.
    pub declared_zdr: Option<bool>,
    models: Option<Vec<String>>,
    keys: Option<Vec<String>>,
    users: Option<Vec<String>>,
    pub credentials: Credentials,
}

impl std::fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnKey").field("id", &self.id).field("provider", &self.provider_slug).finish_non_exhaustive()
    }
}

/// What a request with an own key costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fee {
    /// List price that is free for the rest of the month.
    pub free: Money,
    pub percent: u32,
}

impl Fee {
    /// The fee for a list price, rounded up to a nano-dollar.
    #[must_use]
    pub fn of(self, list: Money) -> Money {
        let charged = i128::from(list.0.saturating_sub(self.free.0.max(0)).max(0));
        let fee = (charged * i128::from(self.percent) + 99) / 100;
        Money(i64::try_from(fee).unwrap_or(i64::MAX))
    }
}

/// A credential on its way to one endpoint.
#[derive(Clone, Debug)]
pub struct Own {
    pub key: Arc<OwnKey>,
    /// What its failures are noted under: they say nothing of the shared account.
    pub record_id: String,
    pub fee: Fee,
}

impl OwnKey {
    /// Whether it serves this model.
    #[must_use]
    pub fn serves(&self, model_id: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.iter().any(|model| model == model_id))
    }

    fn is_for(&self, requester: &Requester) -> bool {
        let names = |list: &Option<Vec<String>>, own: Option<&str>| {
            list.as_ref().is_none_or(|list| own.is_some_and(|own| list.iter().any(|name| name == own)))
        };
        self.workspace_id == requester.workspace_id
            && names(&self.keys, requester.key.as_ref().map(|key| key.hash.as_str()))
            && names(&self.users, requester.user_id.as_deref())
    }
}

/// The credentials of all organizations, and what was used of the free part.
#[derive(Default)]
pub struct OwnKeys {
    settings: OwnKeySettings,
    by_organization: ArcSwap<HashMap<String, Vec<Arc<OwnKey>>>>,
    /// List price by organization in this month, nano-USD.
    used: Mutex<(i64, HashMap<String, i64>)>,
}

impl OwnKeys {
    #[must_use]
    pub fn new(settings: OwnKeySettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// The credentials a requester may use, in order.
    #[must_use]
    pub fn of(&self, requester: &Requester) -> Vec<Arc<OwnKey>> {
        let all = self.by_organization.load();
        let own = all.get(&requester.organization_id).into_iter().flatten();
        own.filter(|key| key.is_for(requester)).cloned().collect()
    }

    /// What a request of an organization would cost now.
    #[must_use]
    pub fn fee(&self, organization_id: &str, now_ms: i64) -> Fee {
        let used = self.used.lock();
        let spent = if used.0 == month(now_ms) { used.1.get(organization_id).copied().unwrap_or(0) } else { 0 };
        Fee { free: Money((self.settings.free_per_month.0 - spent).max(0)), percent: self.settings.fee_percent }
    }

    /// The fee for an answer with this list price, which counts from now on.
    #[must_use]
    pub fn charge(&self, organization_id: &str, list: Money, now_ms: i64) -> Money {
        let fee = self.fee(organization_id, now_ms).of(list);
        let mut used = self.used.lock();
        if used.0 != month(now_ms) {
            *used = (month(now_ms), HashMap::new());
        }
        let spent = used.1.entry(organization_id.to_owned()).or_default();
        *spent = spent.saturating_add(list.0);
        fee
    }
}

impl App {
    /// Reads the organizations' credentials again. One that does not open is left out.
    ///
    /// # Errors
    /// Any database error; the old ones stay.
    pub async fn reload_own_keys(&self) -> sqlx::Result<()> {
        let catalog = self.catalog();
        let mut by_organization: HashMap<String, Vec<Arc<OwnKey>>> = HashMap::new();
        for row in self.store.all_own_keys().await? {
            let organization_id = row.organization_id.clone();
            match self.opened(&catalog, row) {
                Ok(key) => by_organization.entry(organization_id).or_default().extend(key.map(Arc::new)),
                Err((id, cause)) => tracing::warn!(own_key.id = id, cause, "A provider credential cannot be used"),
            }
        }
        self.own_keys.by_organization.store(Arc::new(by_organization));
        Ok(())
    }

    /// Counts again what the organizations used with credentials of their own this month.
    ///
    /// # Errors
    /// Any database error; the old counts stay.
    pub async fn recount_own_keys(&self) -> sqlx::Result<()> {
        let now = self.clock.now_ms();
        let counted = self.store.own_key_usage(month_began_ms(now)).await?;
        *self.own_keys.used.lock() = (month(now), counted.into_iter().collect());
        Ok(())
    }

    fn opened(&self, catalog: &Catalog, row: OwnKeyRow) -> Result<Option<OwnKey>, (String, String)> {
        let Some(provider) = catalog.provider(&row.provider_slug).filter(|_| row.is_disabled == 0) else {
            return Ok(None);
        };
        let wrong = |cause: String| (row.id.clone(), cause);
        let place = place(&row.organization_id, &row.id);
        let secret = self.vault.open(&row.secret, &place).map_err(|error| wrong(error.to_string()))?;
        let credentials = self.own_credentials(provider, &secret).map_err(wrong)?;
        let list = |text: &Option<String>| text.as_ref().and_then(|text| serde_json::from_str(text).ok());
        Ok(Some(OwnKey {
            models: list(&row.allowed_models),
            keys: list(&row.allowed_keys),
            users: list(&row.allowed_users),
            id: row.id,
            workspace_id: row.workspace_id,
            provider_slug: row.provider_slug,
            is_fallback: row.is_fallback != 0,
            is_only: row.is_only != 0,
            is_required: row.is_required != 0,
            declared_zdr: row.declared_zdr.map(|flag| flag != 0),
            credentials,
        }))
    }

    /// What a person's credential for a provider amounts to.
    ///
    /// # Errors
    /// A sentence saying what is missing.
    pub fn own_credentials(&self, provider: &Provider, secret: &str) -> Result<Credentials, String> {
        let base_url = self.config.providers.get(&provider.slug).and_then(|settings| settings.base_url.as_deref());
        Credentials::own(provider.sought(), base_url, OwnSecret::read(secret)?)
    }
}

/// What a credential is sealed for.
#[must_use]
pub fn place(organization_id: &str, id: &str) -> String {
    format!("own_keys/{organization_id}/{id}")
}

/// The month as `Windows` counts it.
fn month(now_ms: i64) -> i64 {
    Windows::at(now_ms).month
}

/// When the month began, epoch ms, UTC.
fn month_began_ms(now_ms: i64) -> i64 {
    let at = DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
    let first = at.date_naive().with_day(1).and_then(|day| day.and_hms_opt(0, 0, 0));
    first.map_or(0, |midnight| midnight.and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fee_is_five_per_cent_beyond_what_is_free_and_never_less() {
        let fee = Fee { free: Money(1_000), percent: 5 };
        assert_eq!(fee.of(Money(1_000)), Money(0));
        assert_eq!(fee.of(Money(1_001)), Money(1), "rounded up");
        assert_eq!(fee.of(Money(3_000)), Money(100));
        assert_eq!(fee.of(Money(0)), Money(0));
    }

    #[test]
    fn the_free_part_is_used_up_and_begins_anew_each_month() {
        let settings = OwnKeySettings { fee_percent: 5, free_per_month: Money(1_000) };
        let keys = OwnKeys::new(settings);
        let november = 1_794_000_000_000;
        assert_eq!(keys.charge("acme", Money(900), november), Money(0));
        assert_eq!(keys.charge("acme", Money(300), november), Money(10));
        assert_eq!(keys.charge("acme", Money(300), november), Money(15));
        assert_eq!(keys.charge("other", Money(300), november), Money(0));
        assert_eq!(keys.charge("acme", Money(300), november + 40 * 86_400_000), Money(0));
    }
}
