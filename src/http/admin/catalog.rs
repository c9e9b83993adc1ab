//! Providers and offers, for operators: credentials and health, hidden offers, prices of
//! their own, imports.

use std::sync::Arc;

use app::types::account::Said;
use app::types::admin::{AdminEndpoint, AdminProvider, EditEndpoint, ImportCatalog, ProviderCheck, TokenPrices};
use app::types::error::ErrorBody;
use app::types::{Envelope, Money, Price};
use axum::Json;
use axum::extract::{Path, State};

use super::{ListQuery, Operator, PAGE};
use crate::App;
use crate::catalog::{Auth, Prices, Provider, import, rows};
use crate::error::{Error, Result};
use crate::http::audit::Deed;
use crate::http::input::{Body, Query};
use crate::store::catalog::PriceRow;
use crate::store::catalog_edits::{EditableEndpointRow, EndpointEditRow};

/// The largest list, bytes.
const LIST_BYTES: usize = 64 << 20;
/// The highest price, US dollars per million tokens: a typing error, not an offer.
const DEAREST: Money = Money::from_dollars(10_000);
/// Pico-dollars per token in a nano-dollar per million tokens.
const NANOS_PER_PICO: i64 = 1_000;

/// Lists the providers with the state of their credentials and endpoints.
#[utoipa::path(get, path = "/admin/providers", tag = "operators",
    responses((status = 200, body = Envelope<Vec<AdminProvider>>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn list_admin_providers(State(app): State<Arc<App>>, _: Operator) -> Json<Envelope<Vec<AdminProvider>>> {
    let catalog = app.catalog();
    let now = app.clock.now_ms();
    let data = catalog
        .providers
        .values()
        .map(|provider| {
            let own = catalog.models.values().flat_map(|model| &model.endpoints);
            let own: Vec<_> = own.filter(|endpoint| endpoint.provider_slug == provider.slug).collect();
            let uptimes: Vec<f64> =
                own.iter().filter_map(|endpoint| app.health.statistics(&endpoint.id, now).uptime_30m).collect();
            let count = u32::try_from(uptimes.len()).unwrap_or(u32::MAX);
            AdminProvider {
                slug: provider.slug.clone(),
                name: provider.name.clone(),
                dialect: provider.dialect.and_then(spoken),
                base_url: app.credentials().base_url(&provider.slug).unwrap_or(&provider.base_url).to_owned(),
                credential: credential(&app, provider).to_owned(),
                variables: provider.env.clone(),
                is_simulated: provider.is_simulated,
                endpoints: own.len(),
                resting: own.iter().filter(|endpoint| app.health.is_open(&endpoint.id, now)).count(),
                uptime: (count > 0).then(|| uptimes.iter().sum::<f64>() / f64::from(count)),
            }
        })
        .collect();
    Json(Envelope { data })
}

fn spoken(dialect: crate::dialects::Dialect) -> Option<String> {
    serde_json::to_value(dialect).ok()?.as_str().map(str::to_owned)
}

fn credential(app: &App, provider: &Provider) -> &'static str {
    let credentials = app.credentials();
    if credentials.is_switched_off(&provider.slug) {
        "switched off"
    } else if provider.auth == Auth::None {
        "not needed"
    } else if credentials.has(&provider.slug) && !credentials.is_disabled(&provider.slug) {
        "set"
    } else {
        "missing"
    }
}

/// Asks a provider for its models with the server's credential.
#[utoipa::path(post, path = "/admin/providers/{slug}/check", tag = "operators", params(("slug" = String, Path)),
    responses((status = 200, body = Envelope<ProviderCheck>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn check_provider(
    State(app): State<Arc<App>>,
    _: Operator,
    Path(slug): Path<String>,
) -> Result<Json<Envelope<ProviderCheck>>> {
    let catalog = app.catalog();
    let provider =
        catalog.provider(&slug).ok_or_else(|| Error::not_found(format!("No provider is called `{slug}`.")))?;
    let credentials = app.credentials();
    let header = match credentials.key(&slug) {
        Some(key) => provider.auth.header(key),
        None if provider.auth == Auth::None => None,
        None => {
            let message = "Only providers with a plain key, or without any, can be checked.";
            return Err(Error::bad_request("slug", message));
        }
    };
    let base_url = credentials.base_url(&slug).unwrap_or(&provider.base_url);
    let data = match app.upstreams.check(base_url, header).await {
        Ok(status @ (401 | 403)) => {
            ProviderCheck { works: false, message: format!("{slug} refuses the key (status {status}).") }
        }
        Ok(status @ 500..) => {
            ProviderCheck { works: false, message: format!("{slug} is in trouble (status {status}).") }
        }
        Ok(status) => ProviderCheck { works: true, message: format!("{slug} answers (status {status}).") },
        Err(fault) => ProviderCheck { works: false, message: format!("{slug}: {}.", fault.message) },
    };
    Ok(Json(Envelope { data }))
}

/// Lists offers with their prices, hidden ones too, at most 50 from `offset`.
#[utoipa::path(get, path = "/admin/endpoints", tag = "operators",
    params(("query" = Option<String>, Query), ("edited" = Option<bool>, Query), ("offset" = Option<i64>, Query)),
    responses((status = 200, body = Envelope<Vec<AdminEndpoint>>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn list_admin_endpoints(
    State(app): State<Arc<App>>,
    _: Operator,
    Query(query): Query<ListQuery>,
) -> Result<Json<Envelope<Vec<AdminEndpoint>>>> {
    let query = query.checked()?;
    let mut data = Vec::new();
    for row in app.store.find_endpoints(&query.query, query.edited, PAGE, query.offset).await? {
        data.push(shown(&app, row).await?);
    }
    Ok(Json(Envelope { data }))
}

async fn shown(app: &App, row: EditableEndpointRow) -> Result<AdminEndpoint> {
    let list_price = price_of(app, row.list_price_id.as_deref()).await?;
    let own_price = price_of(app, row.own_price_id.as_deref()).await?;
    Ok(AdminEndpoint {
        id: row.id,
        model_id: row.model_id,
        provider_slug: row.provider_slug,
        upstream_model: row.upstream_model,
        is_listed: row.is_offered == 1,
        is_hidden: row.is_hidden == 1,
        has_own_price: own_price.is_some(),
        price: own_price.as_ref().or(list_price.as_ref()).map(on_wire),
        list_price: list_price.as_ref().map(on_wire),
    })
}

async fn price_of(app: &App, id: Option<&str>) -> Result<Option<PriceRow>> {
    match id {
        Some(id) => Ok(app.store.price(id).await?),
        None => Ok(None),
    }
}

fn on_wire(row: &PriceRow) -> TokenPrices {
    let dollars = |pico: i64| Money(pico.saturating_mul(NANOS_PER_PICO));
    TokenPrices {
        prompt: dollars(row.prompt),
        completion: dollars(row.completion),
        cache_read: row.input_cache_read.map(dollars),
        cache_write: row.input_cache_write.map(dollars),
    }
}

/// Hides an offer or shows it again, and gives it a price of its own. Charges made before
/// keep the version they were made with.
#[utoipa::path(post, path = "/admin/endpoints/edit", tag = "operators",
    request_body = EditEndpoint,
    responses((status = 200, body = Envelope<AdminEndpoint>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn edit_endpoint(
    State(app): State<Arc<App>>,
    operator: Operator,
    Body(wanted): Body<EditEndpoint>,
) -> Result<Json<Envelope<AdminEndpoint>>> {
    operator.check_recent(&app)?;
    let id = wanted.endpoint_id.as_str();
    let missing = || Error::not_found(format!("No endpoint is called `{id}`. GET /api/v1/admin/endpoints lists them."));
    let row = app.store.editable_endpoint(id).await?.ok_or_else(missing)?;
    let now = app.clock.now_ms();
    let price = own_price(&app, &row, &wanted, now).await?;
    let price_id = match &price {
        Some(price) => Some(price.id.clone()),
        None if wanted.use_list_price => None,
        None => row.own_price_id.clone(),
    };
    let is_hidden = wanted.hidden.map_or(row.is_hidden, i64::from);
    let edit = EndpointEditRow { endpoint_id: id.to_owned(), is_hidden, price_id, updated_at: now };
    app.store.edit_endpoint(&edit, price.as_ref()).await?;
    app.refresh_catalog().await?;
    let row = app.store.editable_endpoint(id).await?.ok_or_else(missing)?;
    let data = shown(&app, row).await?;
    let price = data.price.as_ref().map_or_else(
        || "no price".to_owned(),
        |price| format!("{} / {} per million tokens", price.prompt.dollars(), price.completion.dollars()),
    );
    let whose = if data.has_own_price { "own" } else { "the list's" };
    let seen = if data.is_hidden { "hidden" } else { "shown" };
    let detail = format!("{seen}, {whose} price: {price}");
    operator.note(&app, Deed { action: "endpoint.edit", target: id, detail: &detail }).await?;
    Ok(Json(Envelope { data }))
}

/// The new version of an offer's price, where one is wanted: what is not named stays as
/// it is in force.
async fn own_price(app: &App, row: &EditableEndpointRow, wanted: &EditEndpoint, now: i64) -> Result<Option<PriceRow>> {
    let named = [
        ("prompt", wanted.prompt),
        ("completion", wanted.completion),
        ("cache_read", wanted.cache_read),
        ("cache_write", wanted.cache_write),
    ];
    if named.iter().all(|(_, price)| price.is_none()) {
        return Ok(None);
    }
    if wanted.use_list_price {
        let message = "use_list_price cannot go together with prices: leave one of them out";
        return Err(Error::bad_request("use_list_price", message));
    }
    let in_force = row.own_price_id.as_deref().or(row.list_price_id.as_deref());
    let mut prices = match price_of(app, in_force).await? {
        Some(price) => rows::prices(&price).map_err(|error| Error::Internal(error.to_string()))?,
        None => Prices::default(),
    };
    for (field, price) in named {
        let Some(price) = price else { continue };
        if price < Money::ZERO || price > DEAREST || price.0 % NANOS_PER_PICO != 0 {
            let remedy = format!(
                "{field} must be 0 to {} US dollars per million tokens, with at most six decimals",
                DEAREST.0 / 1_000_000_000
            );
            return Err(Error::bad_request(field, remedy));
        }
        let price = Price(price.0 / NANOS_PER_PICO);
        match field {
            "prompt" => prices.prompt = price,
            "completion" => prices.completion = price,
            "cache_read" => prices.input_cache_read = Some(price),
            _ => prices.input_cache_write = Some(price),
        }
    }
    Ok(Some(rows::price_row(&row.id, now, &prices)))
}

/// Brings the catalog up to what a list says. What operators hid or priced stays so.
#[utoipa::path(post, path = "/admin/catalog/import", tag = "operators",
    request_body = ImportCatalog,
    responses((status = 200, body = Envelope<Said>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn import_catalog(
    State(app): State<Arc<App>>,
    operator: Operator,
    Body(wanted): Body<ImportCatalog>,
) -> Result<Json<Envelope<Said>>> {
    operator.check_recent(&app)?;
    let url = wanted.url.trim();
    let fetched = app.media.fetch(url, LIST_BYTES).await;
    let fetched = fetched.map_err(|cause| Error::bad_request("url", format!("url {cause}")))?;
    let list = import::read(&fetched.bytes).map_err(|error| Error::bad_request("url", format!("url: {error:#}")))?;
    let (changes, report) = import::plan(&app.store.load_catalog().await?, list, app.clock.now_ms());
    app.store.apply_catalog(&changes).await?;
    app.refresh_catalog().await?;
    let message = report.to_string();
    operator.note(&app, Deed { action: "catalog.import", target: url, detail: &message }).await?;
    Ok(Json(Envelope { data: Said { message } }))
}
