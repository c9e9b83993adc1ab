//! The catalog's tables. Rows are flat; `catalog::load` gives them meaning.

use std::sync::LazyLock;

use sqlx::{AnyConnection, FromRow};

use super::Store;
use super::bulk::{Binding, Bulk};

/// A maker of models.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct AuthorRow {
    pub slug: String,
    pub name: String,
}

/// Lists and records are JSON text; flags are 0, 1 or unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct ProviderRow {
    pub slug: String,
    pub name: String,
    pub dialect: Option<String>,
    pub base_url: String,
    pub env: String,
    pub auth: String,
    pub quirks: String,
    pub trains_on_prompts: Option<i64>,
    pub retains_prompts: Option<i64>,
    pub privacy_policy_url: Option<String>,
    pub terms_of_service_url: Option<String>,
    pub status_page_url: Option<String>,
    pub headquarters: Option<String>,
    pub datacenters: String,
    pub supports_cancel: i64,
    pub is_simulated: i64,
    pub source: i64,
}

/// `created` is in epoch seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct ModelRow {
    pub id: String,
    pub canonical_slug: String,
    pub aliases: String,
    pub name: String,
    pub author: String,
    pub created: i64,
    pub description: Option<String>,
    pub context_length: Option<i64>,
    pub architecture: String,
    pub supported_parameters: String,
    pub default_parameters: Option<String>,
    pub hugging_face_id: Option<String>,
    pub knowledge_cutoff: Option<String>,
    pub benchmarks: Option<String>,
    pub expiration_date: Option<String>,
    pub reference_prices: Option<String>,
    pub source: i64,
}

/// One provider's offer. Without a `price_id` nothing may be sent to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct EndpointRow {
    pub id: String,
    pub model_id: String,
    pub provider_slug: String,
    pub upstream_model: String,
    pub tag: String,
    pub price_id: Option<String>,
    pub context_length: Option<i64>,
    pub max_output_tokens: Option<i64>,
    pub max_prompt_tokens: Option<i64>,
    pub quantization: Option<String>,
    pub supported_parameters: String,
    pub input_modalities: String,
    pub output_modalities: String,
    pub trains_on_prompts: Option<i64>,
    pub retains_prompts: Option<i64>,
    pub is_simulated: i64,
    pub is_offered: i64,
    pub source: i64,
}

/// A version of an endpoint's prices, pico-dollars per unit, from `valid_from` (epoch ms) on.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct PriceRow {
    pub id: String,
    pub endpoint_id: String,
    pub valid_from: i64,
    pub prompt: i64,
    pub completion: i64,
    pub request: i64,
    pub image: i64,
    pub audio: Option<i64>,
    pub audio_output: Option<i64>,
    pub internal_reasoning: Option<i64>,
    pub input_cache_read: Option<i64>,
    pub input_cache_write: Option<i64>,
    pub input_cache_write_1h: Option<i64>,
    pub web_search: i64,
    pub tiers: String,
}

/// The whole catalog; of the prices those in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogRows {
    pub authors: Vec<AuthorRow>,
    pub providers: Vec<ProviderRow>,
    pub models: Vec<ModelRow>,
    pub endpoints: Vec<EndpointRow>,
    pub prices: Vec<PriceRow>,
}

/// Rows to write over those of the same key, and models to forget.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogChanges {
    pub upserts: CatalogRows,
    /// Ids of models that became another name of a model in `upserts`.
    pub merged_models: Vec<String>,
}

impl CatalogChanges {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

struct Statements {
    authors: Bulk,
    providers: Bulk,
    models: Bulk,
    endpoints: Bulk,
    prices: Bulk,
    forget: Bulk,
}

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements {
    authors: Bulk::insert(
        "INSERT INTO authors (slug, name)",
        2,
        "ON CONFLICT (slug) DO UPDATE SET name = excluded.name",
    ),
    providers: Bulk::insert(
        "INSERT INTO providers (slug, name, dialect, base_url, env, auth, quirks, trains_on_prompts, retains_prompts,
             privacy_policy_url, terms_of_service_url, status_page_url, headquarters, datacenters, supports_cancel,
             is_simulated, source)",
        17,
        "ON CONFLICT (slug) DO UPDATE SET name = excluded.name, dialect = excluded.dialect,
             base_url = excluded.base_url, env = excluded.env, auth = excluded.auth, quirks = excluded.quirks,
             trains_on_prompts = excluded.trains_on_prompts, retains_prompts = excluded.retains_prompts,
             privacy_policy_url = excluded.privacy_policy_url, terms_of_service_url = excluded.terms_of_service_url,
             status_page_url = excluded.status_page_url, headquarters = excluded.headquarters,
             datacenters = excluded.datacenters, supports_cancel = excluded.supports_cancel,
             is_simulated = excluded.is_simulated, source = excluded.source",
    ),
    models: Bulk::insert(
        "INSERT INTO models (id, canonical_slug, aliases, name, author, created, description, context_length,
             architecture, supported_parameters, default_parameters, hugging_face_id, knowledge_cutoff,
             expiration_date, reference_prices, source, benchmarks)",
        17,
        "ON CONFLICT (id) DO UPDATE SET canonical_slug = excluded.canonical_slug, aliases = excluded.aliases,
             name = excluded.name, author = excluded.author, created = excluded.created,
             description = excluded.description, context_length = excluded.context_length,
             architecture = excluded.architecture, supported_parameters = excluded.supported_parameters,
             default_parameters = excluded.default_parameters, hugging_face_id = excluded.hugging_face_id,
             knowledge_cutoff = excluded.knowledge_cutoff, expiration_date = excluded.expiration_date,
             reference_prices = excluded.reference_prices, source = excluded.source, benchmarks = excluded.benchmarks",
    ),
    endpoints: Bulk::insert(
        "INSERT INTO endpoints (id, model_id, provider_slug, upstream_model, tag, price_id, context_length,
             max_output_tokens, max_prompt_tokens, quantization, supported_parameters, input_modalities,
             output_modalities, trains_on_prompts, retains_prompts, is_simulated, is_offered, source)",
        18,
        "ON CONFLICT (id) DO UPDATE SET model_id = excluded.model_id, provider_slug = excluded.provider_slug,
             upstream_model = excluded.upstream_model, tag = excluded.tag, price_id = excluded.price_id,
             context_length = excluded.context_length, max_output_tokens = excluded.max_output_tokens,
             max_prompt_tokens = excluded.max_prompt_tokens, quantization = excluded.quantization,
             supported_parameters = excluded.supported_parameters, input_modalities = excluded.input_modalities,
             output_modalities = excluded.output_modalities, trains_on_prompts = excluded.trains_on_prompts,
             retains_prompts = excluded.retains_prompts, is_simulated = excluded.is_simulated,
             is_offered = excluded.is_offered, source = excluded.source",
    ),
    prices: Bulk::insert(
        "INSERT INTO prices (id, endpoint_id, valid_from, prompt, completion, request, image, audio, audio_output,
             internal_reasoning, input_cache_read, input_cache_write, input_cache_write_1h, web_search, tiers)",
        15,
        "ON CONFLICT (id) DO NOTHING",
    ),
    forget: Bulk::in_list("DELETE FROM models WHERE id", ""),
});

impl Store {
    /// Everything, with the prices in force.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn load_catalog(&self) -> sqlx::Result<CatalogRows> {
        let mut connection = self.pool().acquire().await?;
        Ok(CatalogRows {
            authors: sqlx::query_as("SELECT * FROM authors ORDER BY slug").fetch_all(&mut *connection).await?,
            providers: sqlx::query_as("SELECT * FROM providers ORDER BY slug").fetch_all(&mut *connection).await?,
            models: sqlx::query_as("SELECT * FROM models ORDER BY id").fetch_all(&mut *connection).await?,
            endpoints: sqlx::query_as("SELECT * FROM endpoints ORDER BY id").fetch_all(&mut *connection).await?,
            prices: sqlx::query_as(
                "SELECT p.* FROM prices p JOIN endpoints e ON e.price_id = p.id ORDER BY p.endpoint_id",
            )
            .fetch_all(&mut *connection)
            .await?,
        })
    }

    /// Writes changes in one transaction.
    ///
    /// # Errors
    /// When the database does not answer; nothing is changed then.
    pub async fn apply_catalog(&self, changes: &CatalogChanges) -> sqlx::Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let CatalogRows { authors, providers, models, endpoints, prices } = &changes.upserts;
        let mut transaction = self.begin_write().await?;
        let connection = &mut *transaction;
        STATEMENTS.authors.execute(connection, authors, |query, row| query.bind(&row.slug).bind(&row.name)).await?;
        STATEMENTS.providers.execute(connection, providers, bind_provider).await?;
        STATEMENTS.forget.execute(connection, &changes.merged_models, sqlx::query::Query::bind).await?;
        STATEMENTS.models.execute(connection, models, bind_model).await?;
        STATEMENTS.prices.execute(connection, prices, bind_price).await?;
        STATEMENTS.endpoints.execute(connection, endpoints, bind_endpoint).await?;
        sqlx::query("UPDATE catalog_revision SET number = number + 1").execute(&mut *connection).await?;
        transaction.commit().await
    }

    /// Grows with every change of the catalog.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn catalog_revision(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT number FROM catalog_revision").fetch_one(self.pool()).await
    }

    /// Every price an endpoint has had, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn price_history(&self, endpoint_id: &str) -> sqlx::Result<Vec<PriceRow>> {
        sqlx::query_as("SELECT * FROM prices WHERE endpoint_id = $1 ORDER BY valid_from")
            .bind(endpoint_id)
            .fetch_all(self.pool())
            .await
    }
}

/// Adds a version of a price.
pub(super) async fn insert_price(connection: &mut AnyConnection, price: &PriceRow) -> sqlx::Result<()> {
    STATEMENTS.prices.execute(connection, std::slice::from_ref(price), bind_price).await
}

fn bind_provider<'q>(query: Binding<'q>, row: &'q ProviderRow) -> Binding<'q> {
    query
        .bind(&row.slug)
        .bind(&row.name)
        .bind(&row.dialect)
        .bind(&row.base_url)
        .bind(&row.env)
        .bind(&row.auth)
        .bind(&row.quirks)
        .bind(row.trains_on_prompts)
        .bind(row.retains_prompts)
        .bind(&row.privacy_policy_url)
        .bind(&row.terms_of_service_url)
        .bind(&row.status_page_url)
        .bind(&row.headquarters)
        .bind(&row.datacenters)
        .bind(row.supports_cancel)
        .bind(row.is_simulated)
        .bind(row.source)
}

fn bind_model<'q>(query: Binding<'q>, row: &'q ModelRow) -> Binding<'q> {
    query
        .bind(&row.id)
        .bind(&row.canonical_slug)
        .bind(&row.aliases)
        .bind(&row.name)
        .bind(&row.author)
        .bind(row.created)
        .bind(&row.description)
        .bind(row.context_length)
        .bind(&row.architecture)
        .bind(&row.supported_parameters)
        .bind(&row.default_parameters)
        .bind(&row.hugging_face_id)
        .bind(&row.knowledge_cutoff)
        .bind(&row.expiration_date)
        .bind(&row.reference_prices)
        .bind(row.source)
        .bind(&row.benchmarks)
}

fn bind_endpoint<'q>(query: Binding<'q>, row: &'q EndpointRow) -> Binding<'q> {
    query
        .bind(&row.id)
        .bind(&row.model_id)
        .bind(&row.provider_slug)
        .bind(&row.upstream_model)
        .bind(&row.tag)
        .bind(&row.price_id)
        .bind(row.context_length)
        .bind(row.max_output_tokens)
        .bind(row.max_prompt_tokens)
        .bind(&row.quantization)
        .bind(&row.supported_parameters)
        .bind(&row.input_modalities)
        .bind(&row.output_modalities)
        .bind(row.trains_on_prompts)
        .bind(row.retains_prompts)
        .bind(row.is_simulated)
        .bind(row.is_offered)
        .bind(row.source)
}

fn bind_price<'q>(query: Binding<'q>, row: &'q PriceRow) -> Binding<'q> {
    query
        .bind(&row.id)
        .bind(&row.endpoint_id)
        .bind(row.valid_from)
        .bind(row.prompt)
        .bind(row.completion)
        .bind(row.request)
        .bind(row.image)
        .bind(row.audio)
        .bind(row.audio_output)
        .bind(row.internal_reasoning)
        .bind(row.input_cache_read)
        .bind(row.input_cache_write)
        .bind(row.input_cache_write_1h)
        .bind(row.web_search)
        .bind(&row.tiers)
}
