//! Patchbay: an open, self-hosted AI model marketplace.
//!
//! Imports point down the floors: `http` (4) → `gateway`, `billing`, `accounts`,
//! `catalog`, `rankings`, `mail`, `jobs` (3) → `dialects`, `providers`, `store` (2) →
//! `app::types`, `clock`, `config`, `error` (1).

pub mod accounts;
pub mod billing;
pub mod catalog;
pub mod clock;
pub mod config;
pub mod demo;
pub mod dialects;
pub mod error;
pub mod flags;
pub mod gateway;
pub mod http;
pub mod jobs;
pub mod mail;
pub mod providers;
pub mod rankings;
pub mod store;
pub mod telemetry;
pub mod vault;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use app::types::admin::Announcement;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accounts::guardrails::Guardrails;
use crate::accounts::identity::Identities;
use crate::accounts::keys::KeyRing;
use crate::accounts::users::Users;
use crate::billing::ledger::{Ledger, WriterTask};
use crate::billing::payments::Payments;
use crate::catalog::Catalog;
use crate::catalog::configured::{configured, with_quirks};
use crate::catalog::local::Local;
use crate::catalog::uses::Uses;
use crate::clock::Clock;
use crate::config::Config;
use crate::flags::Flags;
use crate::gateway::broadcast::Destinations;
use crate::gateway::byok::OwnKeys;
use crate::gateway::health::Health;
use crate::gateway::limits::RateLimits;
use crate::gateway::memory::Memory;
use crate::gateway::sticky::Sticky;
use crate::mail::Mail;
use crate::providers::client::Upstreams;
use crate::providers::credentials::Credentials;
use crate::providers::media::Media;
use crate::store::Store;
use crate::store::announcements::AnnouncementRow;
use crate::store::page_totals::Counted;
use crate::telemetry::Telemetry;
use crate::vault::Vault;

/// Days whose tokens make a model popular.
const POPULAR_DAYS: i64 = 7;

/// What secrets are kept with: the operator's key, or one kept beside the database file.
///
/// # Errors
/// [`StartError::Setting`] naming the key that is none.
pub fn vault(config: &Config, store: &Store) -> Result<Vault, StartError> {
    let settings = &config.secrets;
    let made = if settings.key.is_empty() { store.key_beside(Vault::fresh_key)? } else { None };
    let current = made.as_deref().unwrap_or(&settings.key);
    let old = settings.old_keys.split(',').map(str::trim);
    let keys: Vec<&str> = std::iter::once(current).chain(old).filter(|key| !key.is_empty()).collect();
    let wrong = |place| if place == 0 { "secrets.key" } else { "secrets.old_keys" };
    Vault::new(keys).map_err(|place| {
        StartError::Setting(format!("{}: write base64 of 32 random bytes (openssl rand -base64 32)", wrong(place)))
    })
}

/// Everything a request can reach.
pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub store: Store,
    pub ledger: Ledger,
    pub keys: KeyRing,
    pub users: Users,
    /// Where else people may have the account they sign in with.
    pub identities: Identities,
    pub upstreams: Upstreams,
    pub media: Media,
    pub mail: Mail,
    pub payments: Payments,
    pub health: Health,
    pub rate_limits: RateLimits,
    pub sticky: Sticky,
    /// Keeps secrets of organizations.
    pub vault: Vault,
    pub own_keys: OwnKeys,
    pub guardrails: Guardrails,
    /// Where events of requests go.
    pub destinations: Destinations,
    /// The way to them.
    pub outgoing: Media,
    /// What is told to those who watch this server.
    pub telemetry: Telemetry,
    /// Providers are simulated.
    pub is_demo: bool,
    /// This start of this server.
    pub node_id: String,
    /// Requests to models under way; each outlives its connection.
    pub requests: TaskTracker,
    /// The server will stop soon: it says it is not ready.
    pub leaving: CancellationToken,
    /// No more connections are taken.
    pub shutdown: CancellationToken,
    /// Streams still open are ended.
    pub cut: CancellationToken,
    /// Every request is over, and with them what is done beside them.
    pub over: CancellationToken,
    /// Places for answers that nobody reads any more.
    unread: Arc<Semaphore>,
    catalog: ArcSwap<Catalog>,
    /// The revision of the store that `catalog` was read at.
    revision: AtomicI64,
    /// Servers found on this machine; never stored.
    local: ArcSwap<Local>,
    credentials: ArcSwap<Credentials>,
    /// Tokens of the last days by model.
    popularity: ArcSwap<HashMap<String, i64>>,
    uses: ArcSwap<Uses>,
    /// What apps said they are for.
    pub noted: rankings::app_categories::Noted,
    announcements: ArcSwap<Vec<AnnouncementRow>>,
    /// Features that operators switch.
    pub flags: Flags,
    in_flight: Arc<Semaphore>,
    pub memory: Memory,
    /// The revision each topic of the store was read at.
    revisions: Mutex<HashMap<String, i64>>,
    /// Held for as long as this process decides the balances of an SQLite file.
    _ownership: Option<std::fs::File>,
}

/// The server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the ledger cannot start: {0}")]
    Ledger(#[from] store::native::WriteError),
    #[error("{0}")]
    Setting(String),
    #[error(transparent)]
    Open(#[from] store::OpenError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Client(#[from] providers::client::SetupError),
}

impl App {
    /// Opens the ledger over a migrated store. The task returned writes it; finish it last.
    ///
    /// # Errors
    /// [`StartError`] when the database or the HTTP client cannot be used.
    pub async fn start(
        config: Config,
        clock: Clock,
        store: Store,
        is_demo: bool,
    ) -> Result<(Arc<Self>, WriterTask), StartError> {
        let ownership = store.own()?;
        let node_id = accounts::new_id(clock.now_ms());
        let (ledger, writer) = Ledger::start(store.clone(), clock.clone(), node_id.clone()).await?;
        let in_flight = usize::try_from(config.limits.in_flight).unwrap_or(8_192);
        let trusted_proxies = http::address::networks(&config.limits.trusted_proxies)
            .map_err(|cause| StartError::Setting(format!("limits.trusted_proxies: {cause}")))?;
        let upstreams = Upstreams::new(&config)?;
        let over = CancellationToken::new();
        let telemetry = Telemetry::new(&config, &node_id, upstreams.plain(), &over).map_err(StartError::Setting)?;
        let app = Self {
            keys: KeyRing::new(store.clone()),
            users: Users::new(store.clone(), clock.clone())
                .without_stolen(&config.breached_passwords)
                .map_err(StartError::Setting)?,
            identities: Identities::new(&config.identity, upstreams.plain().clone()).map_err(StartError::Setting)?,
            payments: Payments::new(&config.billing, upstreams.plain(), &clock, &config.public_url()),
            upstreams,
            media: Media::new(config.media)?,
            mail: Mail::new(&config.mail, store.clone(), clock.clone()).map_err(StartError::Setting)?,
            health: Health::new(config.resilience),
            sticky: Sticky::default(),
            vault: vault(&config, &store)?,
            own_keys: OwnKeys::new(config.own_keys),
            guardrails: Guardrails::default(),
            destinations: Destinations::default(),
            outgoing: Media::new(config.observability.as_media())?,
            telemetry,
            revisions: Mutex::default(),
            popularity: ArcSwap::default(),
            uses: ArcSwap::default(),
            noted: rankings::app_categories::Noted::default(),
            announcements: ArcSwap::default(),
            flags: Flags::new(config.allow_sign_up),
            rate_limits: RateLimits::new(&config, trusted_proxies, &clock).map_err(StartError::Setting)?,
            is_demo,
            node_id,
            requests: TaskTracker::new(),
            leaving: CancellationToken::new(),
            shutdown: CancellationToken::new(),
            cut: CancellationToken::new(),
            over,
            unread: Arc::new(Semaphore::new(config.streams.unread_answers.min(Semaphore::MAX_PERMITS))),
            catalog: ArcSwap::default(),
            revision: AtomicI64::new(-1),
            local: ArcSwap::default(),
            credentials: ArcSwap::default(),
            in_flight: Arc::new(Semaphore::new(in_flight)),
            memory: Memory::new(config.limits.memory_bytes),
            _ownership: ownership,
            config,
            clock,
            store,
            ledger,
        };
        app.reload_catalog().await?;
        app.refresh_topics().await?;
        app.recount_own_keys().await?;
        app.health.read(&app.store, &app.node_id, app.clock.now_ms(), true).await?;
        Ok((Arc::new(app), writer))
    }

    /// The catalog as it is now.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// Tokens of the last seven days by model, as of a minute ago.
    #[must_use]
    pub fn popularity(&self) -> Arc<HashMap<String, i64>> {
        self.popularity.load_full()
    }

    /// What models were used for in these days.
    #[must_use]
    pub fn uses(&self) -> Arc<Uses> {
        self.uses.load_full()
    }

    /// What operators tell everybody now, newest first.
    #[must_use]
    pub fn announcements(&self) -> Vec<Announcement> {
        let now = self.clock.now_ms();
        let all = self.announcements.load();
        all.iter().filter(|row| row.ends_at.is_none_or(|end| end > now)).map(http::admin::notices::shown).collect()
    }

    /// Counts anew what is popular, and for what.
    ///
    /// # Errors
    /// Any database error; the old counts stay.
    pub async fn refresh_popularity(&self) -> sqlx::Result<()> {
        let to = self.clock.now_ms().div_euclid(clock::MS_PER_DAY) + 1;
        let mut tokens: HashMap<String, i64> = HashMap::new();
        for row in self.store.board_totals(Counted::All("model"), to - POPULAR_DAYS, to).await? {
            tokens.insert(row.id, row.tokens);
        }
        let uses = self.store.public_names_by_model("category", to - POPULAR_DAYS, to).await?;
        self.popularity.store(Arc::new(tokens));
        self.uses.store(Arc::new(Uses::of(uses)));
        Ok(())
    }

    /// The providers' keys as they are now.
    #[must_use]
    pub fn credentials(&self) -> Arc<Credentials> {
        self.credentials.load_full()
    }

    /// Reads the catalog from the store and the keys that fit its providers.
    ///
    /// # Errors
    /// Any database error; the old snapshot stays.
    pub async fn reload_catalog(&self) -> sqlx::Result<()> {
        let revision = self.store.catalog_revision().await?;
        let stored = Catalog::from_rows(&self.store.load_offered_catalog().await?);
        let stored = if self.is_demo { stored } else { stored.without_simulated() }.with(&self.local.load());
        let configured = configured(&self.config.providers, &stored);
        let catalog = with_quirks(&self.config.providers, stored.with(&configured));
        let providers = catalog.providers.values().map(|provider| provider.sought());
        let credentials = Credentials::gather(&self.config.providers, providers);
        let catalog = catalog.led_by(|provider| can_call(&credentials, provider));
        self.credentials.store(Arc::new(credentials));
        self.catalog.store(Arc::new(catalog));
        self.revision.store(revision, Ordering::SeqCst);
        Ok(())
    }

    /// Reads the catalog again if it was changed by another process.
    ///
    /// # Errors
    /// Any database error; the old snapshot stays.
    pub async fn refresh_catalog(&self) -> sqlx::Result<()> {
        if self.store.catalog_revision().await? != self.revision.load(Ordering::SeqCst) {
            self.reload_catalog().await?;
            self.reload_own_keys().await?;
            tracing::info!(models = self.catalog().models.len(), "Took over a changed catalog");
        }
        Ok(())
    }

    /// Reads what organizations set up again where it was changed, by whichever node.
    ///
    /// # Errors
    /// Any database error; what was read before stays.
    pub async fn refresh_topics(&self) -> sqlx::Result<()> {
        for (topic, revision) in self.store.revisions().await? {
            if self.revisions.lock().get(&topic) == Some(&revision) {
                continue;
            }
            match topic.as_str() {
                store::own_keys::TOPIC => self.reload_own_keys().await?,
                store::announcements::TOPIC => self.announcements.store(Arc::new(self.store.announcements().await?)),
                store::flags::TOPIC => self.flags.take_over(&self.store.flags().await?),
                store::observability::TOPIC => self.destinations.reload(&self.store, &self.vault).await?,
                store::guardrails::TOPIC => self.guardrails.reload(&self.store).await?,
                _ => {}
            }
            self.revisions.lock().insert(topic, revision);
        }
        Ok(())
    }

    /// Offers the models of inference servers found on this machine.
    ///
    /// # Errors
    /// Any database error; the old snapshot stays.
    pub async fn offer_local(&self, found: Local) -> sqlx::Result<()> {
        self.local.store(Arc::new(found));
        self.reload_catalog().await
    }

    /// Whether requests can be sent to a provider: its protocol is spoken, it is
    /// not switched off, and it needs no key or has one.
    #[must_use]
    pub fn can_call(&self, provider: &catalog::Provider) -> bool {
        can_call(&self.credentials.load(), provider)
    }
}

fn can_call(credentials: &Credentials, provider: &catalog::Provider) -> bool {
    provider.is_callable()
        && !credentials.is_disabled(&provider.slug)
        && (provider.auth == catalog::Auth::None || credentials.has(&provider.slug))
}
