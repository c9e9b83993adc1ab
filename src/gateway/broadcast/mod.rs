//! Events of requests for the observability destinations of workspaces: which
//! destinations want one, and the outbox it waits in. [`send`] empties that.

pub mod config;
pub mod event;
pub mod filter;
pub mod send;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use self::config::Target;
use self::event::Event;
use self::filter::Filter;
use super::Job;
use super::keep::is_drawn;
use crate::App;
use crate::accounts::new_id;
use crate::store::Store;
use crate::store::observability::{DestinationRow, EventRow};
use crate::vault::Vault;

/// Where the settings of a destination are bound to, for their encryption.
#[must_use]
pub fn place(organization_id: &str, id: &str) -> String {
    format!("observability/{organization_id}/{id}")
}

/// Where an event on its way is bound to.
#[must_use]
pub fn event_place(organization_id: &str, id: &str) -> String {
    format!("observability_outbox/{organization_id}/{id}")
}

/// A destination, opened and ready.
pub struct Destination {
    pub id: String,
    pub organization_id: String,
    pub target: Target,
    pub tells: Tells,
    per_myriad: u32,
    key_hashes: Option<Vec<String>>,
    filter: Filter,
}

/// What an event says beside its figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Tells {
    /// The words of prompt and answer.
    pub words: bool,
    pub cost: bool,
    pub identity: bool,
    pub context: bool,
}

impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Destination").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Destination {
    /// Opens a row.
    ///
    /// # Errors
    /// A sentence that holds no secret.
    pub fn open(row: DestinationRow, vault: &Vault) -> Result<Self, String> {
        let text = vault.open(&row.config, &place(&row.organization_id, &row.id)).map_err(|error| error.to_string())?;
        let config = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let target = Target::read(&row.kind, &config).map_err(|(field, cause)| format!("{field}: {cause}"))?;
        let list = |text: &str| serde_json::from_str(text).unwrap_or_default();
        let filter = row.filter_rules.as_deref().map(serde_json::from_str).transpose();
        let filter = Filter::new(filter.map_err(|error| error.to_string())?.as_ref())?;
        Ok(Self {
            target,
            tells: Tells {
                words: row.is_private == 0,
                cost: row.tells_cost != 0,
                identity: row.tells_identity != 0,
                context: row.tells_context != 0,
            },
            per_myriad: u32::try_from(row.per_myriad).unwrap_or(0),
            key_hashes: row.key_hashes.as_deref().map(list),
            filter,
            id: row.id,
            organization_id: row.organization_id,
        })
    }

    fn wants(&self, job: &Job, id: &str) -> bool {
        let hash = job.requester.key.as_ref().map(|key| key.hash.as_str());
        let is_named =
            self.key_hashes.as_ref().is_none_or(|own| hash.is_some_and(|hash| own.iter().any(|it| it == hash)));
        let session = job.inference.session_id.as_deref().or(job.attribution.session_id.as_deref());
        is_named && is_drawn(session.unwrap_or(id), self.per_myriad)
    }
}

/// The destinations of all workspaces that are switched on.
#[derive(Debug, Default)]
pub struct Destinations {
    by_workspace: ArcSwap<HashMap<String, Vec<Arc<Destination>>>>,
    by_id: ArcSwap<HashMap<String, Arc<Destination>>>,
}

impl Destinations {
    /// Reads them again. One that cannot be opened is left out, and logged.
    ///
    /// # Errors
    /// Any database error; the old ones stay.
    pub async fn reload(&self, store: &Store, vault: &Vault) -> sqlx::Result<()> {
        let mut by_workspace: HashMap<String, Vec<Arc<Destination>>> = HashMap::new();
        let mut by_id = HashMap::new();
        for row in store.destinations("", "").await?.into_iter().filter(|row| row.is_enabled != 0) {
            let (id, workspace_id) = (row.id.clone(), row.workspace_id.clone());
            match Destination::open(row, vault).map(Arc::new) {
                Ok(destination) => {
                    by_id.insert(id, Arc::clone(&destination));
                    by_workspace.entry(workspace_id).or_default().push(destination);
                }
                Err(error) => tracing::error!(destination.id = %id, error, "A destination cannot be opened"),
            }
        }
        self.by_workspace.store(Arc::new(by_workspace));
        self.by_id.store(Arc::new(by_id));
        Ok(())
    }

    /// Those that want an event of this request.
    #[must_use]
    pub fn of(&self, job: &Job, id: &str) -> Vec<Arc<Destination>> {
        if !job.requester.policy.broadcasts {
            return Vec::new();
        }
        let all = self.by_workspace.load();
        let own = all.get(&job.requester.workspace_id).into_iter().flatten();
        own.filter(|destination| destination.wants(job, id)).cloned().collect()
    }

    /// One that is switched on.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Arc<Destination>> {
        self.by_id.load().get(id).cloned()
    }
}

/// Puts an event into the outbox for each destination whose rules let it pass.
pub(super) async fn post(app: &App, destinations: &[Arc<Destination>], event: &Event<'_>) {
    for destination in destinations.iter().filter(|own| own.filter.passes(event)) {
        if let Err(error) = post_one(app, destination, event).await {
            tracing::error!(destination.id = %destination.id, error, "An event could not be put on its way");
        }
    }
}

async fn post_one(app: &App, destination: &Destination, event: &Event<'_>) -> Result<(), String> {
    let now = app.clock.now_ms();
    let id = new_id(now);
    let span = event.span(destination.tells, destination.target.wants_langfuse_names());
    let organization_id = destination.organization_id.clone();
    let sealed = app.vault.seal(&span.to_string(), &event_place(&organization_id, &id));
    let sealed = sealed.map_err(|error| error.to_string())?;
    let destination_id = destination.id.clone();
    let row = EventRow { id, destination_id, organization_id, sealed, tries: 0, created_at: now };
    let most = i64::from(app.config.observability.waiting);
    let is_posted = app.store.post_event(&row, most).await.map_err(|error| error.to_string())?;
    if !is_posted {
        let error = format!("{most} events wait for this destination already; newer ones are dropped");
        let noted = app.store.note_delivery(&destination.id, 0, 1, Some(&error), now).await;
        noted.map_err(|error| error.to_string())?;
    }
    Ok(())
}
