//! The store behind `tower-sessions`: our table, holding the digest of the session's id.

use std::fmt::Write as _;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use crate::clock::Clock;
use crate::store::Store;
use crate::store::sessions::SessionRow;

/// Where in a session the user's id stands.
pub const USER_ID: &str = "user_id";
/// When and from where it was opened.
pub const OPENED_AT: &str = "opened_at";
pub const ADDRESS: &str = "address";
pub const USER_AGENT: &str = "user_agent";

/// Sessions in the database.
#[derive(Clone, Debug)]
pub struct Sessions {
    store: Store,
    clock: Clock,
}

impl Sessions {
    #[must_use]
    pub const fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        loop {
            let is_new = self.store.create_session(&row(record)?).await;
            if is_new.map_err(backend)? {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.store.save_session(&row(record)?).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = self.store.load_session(&digest(*id), self.clock.now_ms()).await.map_err(backend)?;
        let Some(text) = found else { return Ok(None) };
        let (data, expiry_ms): (_, i64) = serde_json::from_str(&text).map_err(|e| Error::Decode(e.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(expiry_ms) * 1_000_000)
            .map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.store.delete_session(&digest(*id)).await.map_err(backend)
    }
}

fn row(record: &Record) -> Result<SessionRow> {
    let text = |name: &str| record.data.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    Ok(SessionRow {
        id_hash: digest(record.id),
        data: encode(record)?,
        expires_at: expiry_ms(record),
        user_id: Some(text(USER_ID)).filter(|id| !id.is_empty()),
        opened_at: record.data.get(OPENED_AT).and_then(serde_json::Value::as_i64).unwrap_or(0),
        address: text(ADDRESS),
        user_agent: text(USER_AGENT),
    })
}

fn encode(record: &Record) -> Result<String> {
    serde_json::to_string(&(&record.data, expiry_ms(record))).map_err(|error| Error::Encode(error.to_string()))
}

fn expiry_ms(record: &Record) -> i64 {
    i64::try_from(record.expiry_date.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

/// What stands for a session in the table and in the list of sessions.
#[must_use]
pub fn digest(id: Id) -> String {
    Sha256::digest(id.0.to_be_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function for map_err")]
fn backend(error: sqlx::Error) -> Error {
    Error::Backend(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::clock;

    #[tokio::test]
    async fn a_session_is_found_until_it_expires_and_its_id_is_not_in_the_table() {
        let (store, _folder) = Store::for_test().await;
        let now = clock::parse_rfc3339("2026-11-21T00:00:00Z").unwrap();
        let clock = Clock::fixed(now);
        let sessions = Sessions::new(store.clone(), clock.clone());
        let expiry_date = OffsetDateTime::from_unix_timestamp(now / 1_000 + 60).unwrap();
        let data = HashMap::from([(USER_ID.to_owned(), serde_json::json!("u1"))]);
        let mut record = Record { id: Id::default(), data, expiry_date };

        sessions.create(&mut record).await.unwrap();
        assert_eq!(sessions.load(&record.id).await.unwrap(), Some(record.clone()));
        assert_eq!(store.load_session(&record.id.to_string(), now).await.unwrap(), None);

        let mut second = record.clone();
        sessions.create(&mut second).await.unwrap();
        assert_ne!(second.id, record.id, "a taken id is never handed out again");

        clock.set(now + 61_000);
        assert_eq!(sessions.load(&record.id).await.unwrap(), None);
    }
}
