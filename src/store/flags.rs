//! What operators switched on and off.

use sqlx::FromRow;

use super::Store;
use super::own_keys::revise;

/// The choice of an operator.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct FlagRow {
    pub name: String,
    pub is_on: i64,
    /// Epoch ms.
    pub updated_at: i64,
}

/// The topic of feature flags.
pub const TOPIC: &str = "flags";

impl Store {
    /// Every choice.
    ///
    /// # Errors
    /// Any database error.
    pub async fn flags(&self) -> sqlx::Result<Vec<FlagRow>> {
        sqlx::query_as("SELECT name, is_on, updated_at FROM feature_flags ORDER BY name").fetch_all(self.pool()).await
    }

    /// Keeps a choice; `None` leaves the feature to the settings again.
    ///
    /// # Errors
    /// Any database error.
    pub async fn set_flag(&self, name: &str, is_on: Option<bool>, now_ms: i64) -> sqlx::Result<()> {
        let mut tx = self.begin_write().await?;
        match is_on {
            None => {
                sqlx::query("DELETE FROM feature_flags WHERE name = $1").bind(name).execute(&mut *tx).await?;
            }
            Some(is_on) => {
                sqlx::query(
                    "INSERT INTO feature_flags (name, is_on, updated_at) VALUES ($1, $2, $3) \
                     ON CONFLICT (name) DO UPDATE SET is_on = excluded.is_on, updated_at = excluded.updated_at",
                )
                .bind(name)
                .bind(i64::from(is_on))
                .bind(now_ms)
                .execute(&mut *tx)
                .await?;
            }
        }
        revise(&mut tx, TOPIC).await?;
        tx.commit().await
    }
}
