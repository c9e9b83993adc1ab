//! What operators changed about offers: hidden ones, and prices of their own. The lists
//! that are imported stay as they are below it.

use std::collections::HashMap;

use sqlx::FromRow;

use super::Store;
use super::catalog::{CatalogRows, PriceRow, insert_price};
use super::operators::contains;

/// What was changed about one offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct EndpointEditRow {
    pub endpoint_id: String,
    pub is_hidden: i64,
    pub price_id: Option<String>,
    pub updated_at: i64,
}

/// An offer with what was changed about it.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct EditableEndpointRow {
    pub id: String,
    pub model_id: String,
    pub provider_slug: String,
    pub upstream_model: String,
    pub is_offered: i64,
    /// The version in the list.
    pub list_price_id: Option<String>,
    pub is_hidden: i64,
    /// The operators' own version.
    pub own_price_id: Option<String>,
}

const EDITABLE: &str = "SELECT e.id, e.model_id, e.provider_slug, e.upstream_model, e.is_offered, \
     e.price_id AS list_price_id, COALESCE(x.is_hidden, 0) AS is_hidden, x.price_id AS own_price_id \
     FROM endpoints e LEFT JOIN endpoint_edits x ON x.endpoint_id = e.id";

impl Store {
    /// The catalog as it is offered: the lists with the operators' changes.
    ///
    /// # Errors
    /// Any database error.
    pub async fn load_offered_catalog(&self) -> sqlx::Result<CatalogRows> {
        let mut rows = self.load_catalog().await?;
        let edits: Vec<EndpointEditRow> =
            sqlx::query_as("SELECT endpoint_id, is_hidden, price_id, updated_at FROM endpoint_edits")
                .fetch_all(self.pool())
                .await?;
        if edits.is_empty() {
            return Ok(rows);
        }
        let own: Vec<PriceRow> = sqlx::query_as("SELECT p.* FROM prices p JOIN endpoint_edits x ON x.price_id = p.id")
            .fetch_all(self.pool())
            .await?;
        let mut edits: HashMap<String, EndpointEditRow> =
            edits.into_iter().map(|edit| (edit.endpoint_id.clone(), edit)).collect();
        for endpoint in &mut rows.endpoints {
            let Some(edit) = edits.remove(&endpoint.id) else { continue };
            if edit.is_hidden == 1 {
                endpoint.is_offered = 0;
            }
            if edit.price_id.is_some() {
                endpoint.price_id = edit.price_id;
            }
        }
        rows.prices.extend(own);
        Ok(rows)
    }

    /// Offers whose model, provider or id contains a text; with `only_edited` those that
    /// were changed.
    ///
    /// # Errors
    /// Any database error.
    pub async fn find_endpoints(
        &self,
        text: &str,
        only_edited: bool,
        limit: i64,
        offset: i64,
    ) -> sqlx::Result<Vec<EditableEndpointRow>> {
        let query = format!(
            "{EDITABLE} WHERE (LOWER(e.model_id) LIKE $1 ESCAPE '!' OR e.provider_slug LIKE $1 ESCAPE '!' OR e.id = $2) \
             AND ($3 = 0 OR x.endpoint_id IS NOT NULL) ORDER BY e.model_id, e.provider_slug, e.id LIMIT $4 OFFSET $5"
        );
        sqlx::query_as(sqlx::AssertSqlSafe(query))
            .bind(contains(text))
            .bind(text.trim())
            .bind(i64::from(only_edited))
            .bind(limit)
            .bind(offset)
            .fetch_all(self.pool())
            .await
    }

    /// One offer with what was changed about it.
    ///
    /// # Errors
    /// Any database error.
    pub async fn editable_endpoint(&self, id: &str) -> sqlx::Result<Option<EditableEndpointRow>> {
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{EDITABLE} WHERE e.id = $1")))
            .bind(id)
            .fetch_optional(self.pool())
            .await
    }

    /// One version of a price.
    ///
    /// # Errors
    /// Any database error.
    pub async fn price(&self, id: &str) -> sqlx::Result<Option<PriceRow>> {
        sqlx::query_as("SELECT * FROM prices WHERE id = $1").bind(id).fetch_optional(self.pool()).await
    }

    /// Writes what is changed about an offer, with a new version of its price if there is
    /// one. What changes nothing is forgotten.
    ///
    /// # Errors
    /// Any database error.
    pub async fn edit_endpoint(&self, edit: &EndpointEditRow, price: Option<&PriceRow>) -> sqlx::Result<()> {
        let mut tx = self.begin_write().await?;
        if let Some(price) = price {
            insert_price(&mut tx, price).await?;
        }
        sqlx::query("DELETE FROM endpoint_edits WHERE endpoint_id = $1")
            .bind(edit.endpoint_id.as_str())
            .execute(&mut *tx)
            .await?;
        if edit.is_hidden == 1 || edit.price_id.is_some() {
            sqlx::query(
                "INSERT INTO endpoint_edits (endpoint_id, is_hidden, price_id, updated_at) VALUES ($1, $2, $3, $4)",
            )
            .bind(edit.endpoint_id.as_str())
            .bind(edit.is_hidden)
            .bind(edit.price_id.as_deref())
            .bind(edit.updated_at)
            .execute(&mut *tx)
            .await?;
        }
        sqlx::query("UPDATE catalog_revision SET number = number + 1").execute(&mut *tx).await?;
        tx.commit().await
    }
}
