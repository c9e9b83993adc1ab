//! Conversations that stay with the endpoint whose prompt cache knows them.
//! Source of the rules: the original's guide on prompt caching.

use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::sync::LazyLock;

use foldhash::HashMap;
use foldhash::quality::RandomState;
use parking_lot::Mutex;

use super::Job;
use crate::catalog::Endpoint;
use crate::dialects::inference::{Part, Role};

/// A conversation without a request for this long is forgotten, ms.
const IDLE_MS: i64 = 600_000;
/// Conversations remembered; beyond it new ones are not.
const MOST: usize = 100_000;

/// Which endpoint served a conversation last.
#[derive(Debug, Default)]
pub struct Sticky {
    conversations: Mutex<HashMap<u64, (String, i64)>>,
}

impl Sticky {
    /// The endpoint a conversation sticks to.
    #[must_use]
    pub fn get(&self, conversation: u64, now_ms: i64) -> Option<String> {
        let conversations = self.conversations.lock();
        conversations.get(&conversation).filter(|(_, at)| now_ms - at < IDLE_MS).map(|(endpoint, _)| endpoint.clone())
    }

    /// Notes who served a conversation.
    pub fn put(&self, conversation: u64, endpoint_id: &str, now_ms: i64) {
        let mut conversations = self.conversations.lock();
        if conversations.len() < MOST || conversations.contains_key(&conversation) {
            conversations.insert(conversation, (endpoint_id.to_owned(), now_ms));
        }
    }

    /// Forgets conversations that are over.
    pub fn forget_idle(&self, now_ms: i64) {
        self.conversations.lock().retain(|_, (_, at)| now_ms - *at < IDLE_MS);
    }
}

/// The hash of conversations, the same as long as this process runs.
static CONVERSATIONS: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// What tells a conversation from others of its organization, and whether the caller
/// named it: by a session, a cache key, or what it began with.
#[must_use]
pub fn conversation(job: &Job) -> Option<(u64, bool)> {
    let inference = &job.inference;
    if inference.retrieval.is_some() {
        return None;
    }
    let mut hasher = CONVERSATIONS.build_hasher();
    job.requester.organization_id.hash(&mut hasher);
    inference.models.hash(&mut hasher);
    let named = inference.session_id.as_ref().or(job.attribution.session_id.as_ref());
    let key = inference.raw.get("prompt_cache_key").map(|raw| raw.get());
    match (named, key) {
        (Some(session), _) => session.hash(&mut hasher),
        (None, Some(key)) => key.hash(&mut hasher),
        (None, None) => {
            let is_system = |role: Role| matches!(role, Role::System | Role::Developer);
            let first = inference.messages.iter().find(|message| is_system(message.role));
            let next = inference.messages.iter().find(|message| !is_system(message.role));
            for message in first.into_iter().chain(next) {
                for part in &message.content {
                    if let Part::Text { text, .. } = part {
                        text.hash(&mut hasher);
                    }
                }
            }
        }
    }
    Some((hasher.finish(), named.is_some()))
}

/// Whether it pays to come back to an endpoint: what it has cached is cheaper to read.
#[must_use]
pub fn pays(endpoint: &Endpoint) -> bool {
    endpoint.prices.input_cache_read.is_some_and(|cached| cached < endpoint.prices.prompt)
}
