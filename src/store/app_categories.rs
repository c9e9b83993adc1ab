//! What apps say they are for.

use super::Store;

/// An app has no more categories than these.
const OF_APP: i64 = 10;

impl Store {
    /// Adds a category to an app, unless it has it or has many.
    ///
    /// # Errors
    /// Any database error.
    pub async fn add_app_category(&self, url: &str, category: &str) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO app_categories (app_url, category) SELECT CAST($1 AS TEXT), CAST($2 AS TEXT) \
             WHERE (SELECT COUNT(*) FROM app_categories WHERE app_url = $1) < $3 ON CONFLICT (app_url, category) DO NOTHING",
        )
        .bind(url)
        .bind(category)
        .bind(OF_APP)
        .execute(&mut *self.write_turn().await?)
        .await
        .map(|_| ())
    }

    /// What the app at an address says it is for.
    ///
    /// # Errors
    /// Any database error.
    pub async fn app_categories(&self, url: &str) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar("SELECT category FROM app_categories WHERE app_url = $1 ORDER BY category")
            .bind(url)
            .fetch_all(self.pool())
            .await
    }

    /// The addresses of the apps of a category.
    ///
    /// # Errors
    /// Any database error.
    pub async fn apps_of_category(&self, category: &str) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar("SELECT app_url FROM app_categories WHERE category = $1")
            .bind(category)
            .fetch_all(self.pool())
            .await
    }
}
