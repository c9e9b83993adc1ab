//! The description of the API, as OpenAPI 3.1.
//!
//! The functions below only carry descriptions; `tests/api/openapi.rs` calls every
//! path described here, so a description without a route fails.
#![expect(dead_code, reason = "the functions exist for their descriptions")]

use app::types::Envelope;
use app::types::activity::{ActivityItem, Generation, GenerationSummary, Usage};
use app::types::credits::{Credits, LedgerEntry};
use app::types::error::ErrorBody;
use app::types::keys::{CreateKey, CreatedKey, CurrentKey, Deleted, Key, UpdateKey};
use app::types::models::{Facets, Model, ModelCount, ModelEndpoints, ModelList, Provider};
use app::types::session::Session;
use app::types::statistics::{ModelStatistics, Status};
use axum::Json;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::openapi_people::People;

/// The whole description.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Description::openapi();
    document.merge(super::openapi_chats::Description::openapi());
    document.merge(super::analytics::Description::openapi());
    document.merge(super::byok::Description::openapi());
    document.merge(super::feedback::Description::openapi());
    document.merge(People::openapi());
    document.merge(super::identity::Description::openapi());
    document.merge(super::admin::Description::openapi());
    document.merge(super::second_factor::Description::openapi());
    document.merge(super::passkeys::Description::openapi());
    document.merge(super::notifications::Description::openapi());
    document.merge(super::guardrails::Description::openapi());
    document.merge(super::presets::Description::openapi());
    document.merge(super::observability::Description::openapi());
    document.merge(super::prompt_logs::Description::openapi());
    document.merge(super::openapi_money::MoneyDescription::openapi());
    document.merge(super::openapi_rankings::Description::openapi());
    document
}

/// `GET /api/v1/openapi.json`
pub async fn show_openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Patchbay API", description = "One endpoint in front of many models. Compatible with the clients of OpenAI and OpenRouter.", license(name = "Apache-2.0")),
    servers((url = "/api/v1")),
    modifiers(&BearerKey),
    security(("key" = [])),
    paths(
        chat_completions, explain_route, create_message, count_message_tokens, generate_content, stream_generate_content,
        count_content_tokens, show_listed_model, list_models, count_models, show_facets, show_model, list_endpoints, show_statistics, show_status, list_providers, show_current_key,
        create_response, complete, embed, rerank, list_embedding_models,
        show_current_key_alias, list_keys, create_key, show_key, update_key, delete_key, show_credits, list_ledger,
        list_activity, show_usage, show_usage_csv, show_generation, list_generations, show_session, show_description
    ),
    tags(
        (name = "inference", description = "Requests to models"),
        (name = "catalog", description = "Models, endpoints and providers; public"),
        (name = "keys", description = "API keys; managing them needs a management key or a signed-in person"),
        (name = "accounting", description = "Credit, spending and single requests"),
    )
)]
struct Description;

struct BearerKey;

/// What of the spending.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct UsageParams {
    /// How far back
    days: Option<u32>,
    /// How far back by minute, at most 6
    hours: Option<u32>,
    /// model, key, app, provider or member
    by: Option<String>,
    /// minute, hour, day, week or month
    granularity: Option<String>,
    /// Only this key
    api_key_hash: Option<String>,
}

impl Modify for BearerKey {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key, sk-or-v1-…, in the Authorization header"))
            .build();
        openapi.components.get_or_insert_default().add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

/// Asks a model.
///
/// The body is OpenAI's chat completion request with the original's additions: `models`
/// (fallbacks), `provider` (routing preferences), `reasoning`. With `stream: true` the
/// answer is a stream of server-sent events that ends with one chunk with a finish reason,
/// one chunk with `usage` and its cost, and `[DONE]`.
#[utoipa::path(post, path = "/chat/completions", tag = "inference",
    request_body(content = Object, description = "OpenAI's chat completion request", content_type = "application/json"),
    responses((status = 200, description = "The answer, or a stream of chunks", body = Object),
        (status = 400, description = "A field is wrong; the message names it", body = ErrorBody),
        (status = 401, description = "No valid key", body = ErrorBody),
        (status = 402, description = "The balance does not cover the request; the message says what would fit", body = ErrorBody),
        (status = 403, description = "The key's limit is used up, or it is a management key", body = ErrorBody),
        (status = 404, description = "No endpoint fits; `availability` says what excluded them", body = ErrorBody),
        (status = 413, description = "The body is too large", body = ErrorBody),
        (status = 429, description = "The provider limits our rate", body = ErrorBody),
        (status = 502, description = "Every endpoint failed", body = ErrorBody),
        (status = 503, description = "The server or the provider is overloaded", body = ErrorBody),
        (status = 504, description = "The provider did not answer in time", body = ErrorBody)))]
fn chat_completions() {}

/// Tells how a request would be routed, without sending or charging anything.
///
/// The body is that of `/chat/completions`. The answer names every endpoint: those to try,
/// in their order, with price, latency, throughput, state and the chance to be first; and
/// those left out, with the reason and what to relax.
#[utoipa::path(post, path = "/route", tag = "inference",
    request_body(content = Object, description = "OpenAI's chat completion request", content_type = "application/json"),
    responses((status = 200, description = "Candidates and excluded endpoints", body = Object),
        (status = 400, description = "A field is wrong; the message names it", body = ErrorBody),
        (status = 403, description = "The key may not do this; the message says why", body = ErrorBody), (status = 401, description = "No valid key", body = ErrorBody)))]
fn explain_route() {}

/// Asks a model in the words of Anthropic's Messages API.
///
/// Any model can be asked. Anthropic's clients take `/api` for their base URL and may send
/// the key as `x-api-key`. To a provider that speaks this protocol the request goes as it
/// came, with the header `anthropic-beta`; for others it is translated. The original's
/// additions: `models` or `fallbacks`, `provider`, `session_id`.
#[utoipa::path(post, path = "/messages", tag = "inference",
    request_body(content = Object, description = "Anthropic's message request", content_type = "application/json"),
    responses((status = 200, description = "The message, or a stream of events", body = Object),
        (status = 400, description = "A field is wrong; the message names it", body = Object),
        (status = 401, description = "No valid key", body = Object),
        (status = 402, description = "The balance does not cover the request", body = Object),
        (status = 403, description = "The key's limit is used up, or it is a management key", body = Object),
        (status = 404, description = "No endpoint fits", body = Object),
        (status = 413, description = "The body is too large", body = Object),
        (status = 429, description = "The provider limits our rate", body = Object),
        (status = 502, description = "Every endpoint failed", body = Object),
        (status = 503, description = "The server or the provider is overloaded", body = Object),
        (status = 504, description = "The provider did not answer in time", body = Object)))]
fn create_message() {}

/// Counts the tokens of a message request; an estimate.
#[utoipa::path(post, path = "/messages/count_tokens", tag = "inference",
    request_body(content = Object, description = "Anthropic's message request", content_type = "application/json"),
    responses((status = 200, description = "`{input_tokens}`", body = Object),
        (status = 400, description = "A field is wrong; the message names it", body = Object),
        (status = 401, description = "No valid key", body = Object),
        (status = 403, description = "The key may not run inference", body = Object),
        (status = 413, description = "The body is too large", body = Object)))]
fn count_message_tokens() {}

/// Asks a model in the words of Google's Gemini API; also under `/api/v1beta`.
///
/// Any model can be asked. Google's clients take `/api` for their base URL and may send the
/// key as `x-goog-api-key` or `?key=`. To a provider that speaks this protocol the request
/// goes as it came; for others it is translated.
#[utoipa::path(post, path = "/models/{author}/{slug}:generateContent", tag = "inference",
    params(("author" = String, Path, description = "May be left out for Google's own models"),
        ("slug" = String, Path)),
    request_body(content = Object, description = "Google's generateContent request", content_type = "application/json"),
    responses((status = 200, description = "A GenerateContentResponse", body = Object),
        (status = 400, description = "A field is wrong; the message names it", body = Object),
        (status = 401, description = "No valid key", body = Object),
        (status = 402, description = "The balance does not cover the request", body = Object),
        (status = 403, description = "The key's limit is used up, or it is a management key", body = Object),
        (status = 404, description = "No endpoint fits", body = Object),
        (status = 413, description = "The body is too large", body = Object),
        (status = 429, description = "The provider limits our rate", body = Object),
        (status = 502, description = "Every endpoint failed", body = Object),
        (status = 503, description = "The server or the provider is overloaded", body = Object),
        (status = 504, description = "The provider did not answer in time", body = Object)))]
fn generate_content() {}

/// The same as a stream of responses: server-sent events with `alt=sse`, else one JSON array.
#[utoipa::path(post, path = "/models/{author}/{slug}:streamGenerateContent", tag = "inference",
    params(("author" = String, Path, description = "May be left out for Google's own models"),
        ("slug" = String, Path), ("alt" = Option<String>, Query, description = "sse")),
    request_body(content = Object, description = "Google's generateContent request", content_type = "application/json"),
    responses((status = 200, description = "GenerateContentResponses", body = Object),
        (status = 400, description = "A field is wrong; the message names it", body = Object),
        (status = 401, description = "No valid key", body = Object),
        (status = 402, description = "The balance does not cover the request", body = Object),
        (status = 403, description = "The key's limit is used up, or it is a management key", body = Object),
        (status = 404, description = "No endpoint fits", body = Object),
        (status = 413, description = "The body is too large", body = Object),
        (status = 429, description = "The provider limits our rate", body = Object),
        (status = 502, description = "Every endpoint failed", body = Object),
        (status = 503, description = "The server or the provider is overloaded", body = Object),
        (status = 504, description = "The provider did not answer in time", body = Object)))]
fn stream_generate_content() {}

/// Counts the tokens of a prompt; an estimate.
#[utoipa::path(post, path = "/models/{author}/{slug}:countTokens", tag = "inference",
    params(("author" = String, Path, description = "May be left out for Google's own models"),
        ("slug" = String, Path)),
    request_body(content = Object, description = "Google's countTokens request", content_type = "application/json"),
    responses((status = 200, description = "`{totalTokens}`", body = Object),
        (status = 400, description = "A field is wrong; the message names it", body = Object),
        (status = 401, description = "No valid key", body = Object),
        (status = 403, description = "The key may not run inference", body = Object),
        (status = 413, description = "The body is too large", body = Object)))]
fn count_content_tokens() {}

/// Asks a model in OpenAI's Responses protocol.
///
/// Stateless: every request carries its whole history in `input`, and `store: true`,
/// `previous_response_id`, `conversation` and `background: true` are refused. Reasoning
/// items can be sent back as they came. With `stream: true` the answer is a stream of
/// named events that ends with `response.completed`, `response.incomplete` or
/// `response.failed`.
#[utoipa::path(post, path = "/responses", tag = "inference",
    request_body(content = Object, description = "OpenAI's Responses request", content_type = "application/json"),
    responses((status = 200, description = "The response object, or a stream of events", body = Object),
        (status = 400, description = "A field is wrong or needs stored responses; the message names it", body = ErrorBody),
        (status = 403, description = "The key may not do this; the message says why", body = ErrorBody), (status = 401, description = "No valid key", body = ErrorBody),
        (status = 402, description = "The balance does not cover the request", body = ErrorBody),
        (status = 404, description = "No endpoint fits", body = ErrorBody),
        (status = 429, description = "The provider limits our rate", body = ErrorBody),
        (status = 502, description = "Every endpoint failed", body = ErrorBody)))]
fn create_response() {}

/// Continues a prompt, in OpenAI's older protocol.
///
/// The prompt is one text and is asked as a user's message. `echo`, `n`, `logprobs` and
/// `stop` are served; `suffix`, several prompts at once and `best_of` above `n` are refused.
#[utoipa::path(post, path = "/completions", tag = "inference",
    request_body(content = Object, description = "OpenAI's completion request", content_type = "application/json"),
    responses((status = 200, description = "The answer, or a stream of chunks", body = Object),
        (status = 400, description = "A field is wrong or not served; the message names it", body = ErrorBody),
        (status = 403, description = "The key may not do this; the message says why", body = ErrorBody), (status = 401, description = "No valid key", body = ErrorBody),
        (status = 402, description = "The balance does not cover the request", body = ErrorBody),
        (status = 502, description = "Every endpoint failed", body = ErrorBody)))]
fn complete() {}

/// Makes vectors of texts.
///
/// `input` is a text, several texts, token numbers, or content of several kinds.
/// `encoding_format` is `float` or `base64` (little-endian 32-bit floats).
#[utoipa::path(post, path = "/embeddings", tag = "inference",
    request_body(content = Object, description = "OpenAI's embeddings request, with `input_type` and `provider`", content_type = "application/json"),
    responses((status = 200, description = "A list of vectors, with `usage` and its cost", body = Object),
        (status = 400, description = "A field is wrong, or the model makes no embeddings", body = ErrorBody),
        (status = 403, description = "The key may not do this; the message says why", body = ErrorBody), (status = 401, description = "No valid key", body = ErrorBody),
        (status = 402, description = "The balance does not cover the request", body = ErrorBody),
        (status = 502, description = "Every endpoint failed", body = ErrorBody)))]
fn embed() {}

/// Orders documents by what they have to do with a query.
#[utoipa::path(post, path = "/rerank", tag = "inference",
    request_body(content = Object, description = "`model`, `query`, `documents` (texts, or objects with text and image), `top_n`", content_type = "application/json"),
    responses((status = 200, description = "`results`, most relevant first, with `usage` and its cost", body = Object),
        (status = 400, description = "A field is wrong, or the model ranks nothing", body = ErrorBody),
        (status = 403, description = "The key may not do this; the message says why", body = ErrorBody), (status = 401, description = "No valid key", body = ErrorBody),
        (status = 402, description = "The balance does not cover the request", body = ErrorBody),
        (status = 502, description = "Every endpoint failed", body = ErrorBody)))]
fn rerank() {}

/// Lists the models that make embeddings.
#[utoipa::path(get, path = "/embeddings/models", tag = "catalog", security(()),
    responses((status = 200, body = ModelList), (status = 400, body = ErrorBody)))]
fn list_embedding_models() {}

/// Lists the models; to Anthropic's and Google's clients in their own shapes.
#[utoipa::path(get, path = "/models", tag = "catalog", security(()),
    params(("q" = Option<String>, Query, description = "Words in id, name or description"),
        ("sort" = Option<String>, Query),
        ("category" = Option<String>, Query, description = "What models were used for in the last seven days, such as programming, most used first"),
        ("supported_parameters" = Option<String>, Query, description = "Comma-separated"),
        ("input_modalities" = Option<String>, Query), ("output_modalities" = Option<String>, Query),
        ("model_authors" = Option<String>, Query, description = "Comma-separated"),
        ("providers" = Option<String>, Query, description = "Comma-separated slugs or names"),
        ("context" = Option<u64>, Query, description = "At least so many tokens"),
        ("min_price" = Option<String>, Query, description = "US dollars per million input tokens"),
        ("max_price" = Option<String>, Query), ("min_output_price" = Option<String>, Query),
        ("max_output_price" = Option<String>, Query), ("arch" = Option<String>, Query, description = "Tokenizers"),
        ("zdr" = Option<bool>, Query), ("min_age_days" = Option<u32>, Query), ("max_age_days" = Option<u32>, Query),
        ("use_rss" = Option<bool>, Query, description = "Answers with a feed, newest first"),
        ("use_rss_chat_links" = Option<bool>, Query),
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query)),
    responses((status = 200, content((ModelList = "application/json"), (String = "application/rss+xml"))), (status = 400, body = ErrorBody)))]
fn list_models() {}

/// Counts the models the same filters leave.
#[utoipa::path(get, path = "/models/count", tag = "catalog", security(()),
    responses((status = 200, body = Envelope<ModelCount>), (status = 400, body = ErrorBody)))]
fn count_models() {}

/// Lists what the list of models can be narrowed to, and how many models each value leaves.
#[utoipa::path(get, path = "/models/facets", tag = "catalog", security(()),
    responses((status = 200, body = Envelope<Facets>)))]
fn show_facets() {}

/// Shows one model as lists show it; to Anthropic's and Google's clients in their own shapes.
#[utoipa::path(get, path = "/models/{author}/{slug}", tag = "catalog", security(()),
    params(("author" = String, Path), ("slug" = String, Path)),
    responses((status = 200, body = Model), (status = 404, body = ErrorBody)))]
fn show_listed_model() {}

/// Shows one model.
#[utoipa::path(get, path = "/model/{author}/{slug}", tag = "catalog", security(()),
    params(("author" = String, Path), ("slug" = String, Path)),
    responses((status = 200, body = Envelope<Model>), (status = 404, body = ErrorBody)))]
fn show_model() {}

/// Lists the endpoints that serve a model, with prices and statistics.
#[utoipa::path(get, path = "/models/{author}/{slug}/endpoints", tag = "catalog", security(()),
    params(("author" = String, Path), ("slug" = String, Path)),
    responses((status = 200, body = Envelope<ModelEndpoints>), (status = 404, body = ErrorBody)))]
fn list_endpoints() {}

/// Shows how a model did: speed, uptime, tokens, apps and prices over time.
#[utoipa::path(get, path = "/models/{author}/{slug}/statistics", tag = "catalog", security(()),
    params(("author" = String, Path), ("slug" = String, Path),
        ("period" = Option<String>, Query, description = "day, week or month: the window of the curves")),
    responses((status = 200, body = Envelope<ModelStatistics>), (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
fn show_statistics() {}

/// Shows how the providers did in the last 72 hours, and what went wrong.
#[utoipa::path(get, path = "/status", tag = "catalog", security(()),
    responses((status = 200, body = Envelope<Status>)))]
fn show_status() {}

/// Lists the providers.
#[utoipa::path(get, path = "/providers", tag = "catalog", security(()),
    responses((status = 200, body = Envelope<Vec<Provider>>)))]
fn list_providers() {}

/// Shows the calling key.
#[utoipa::path(get, path = "/key", tag = "keys",
    responses((status = 200, body = Envelope<CurrentKey>), (status = 401, body = ErrorBody)))]
fn show_current_key() {}

/// Shows the calling key (older name).
#[utoipa::path(get, path = "/auth/key", tag = "keys",
    responses((status = 200, body = Envelope<CurrentKey>), (status = 401, body = ErrorBody)))]
fn show_current_key_alias() {}

/// Lists the keys, 100 at a time.
#[utoipa::path(get, path = "/keys", tag = "keys",
    params(("offset" = Option<u32>, Query), ("include_disabled" = Option<bool>, Query),
        ("workspace_id" = Option<String>, Query)),
    responses((status = 200, body = Envelope<Vec<Key>>), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn list_keys() {}

/// Makes a key. Only this answer holds its text.
#[utoipa::path(post, path = "/keys", tag = "keys", request_body = CreateKey,
    responses((status = 201, body = CreatedKey), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody)))]
fn create_key() {}

/// Shows a key.
#[utoipa::path(get, path = "/keys/{hash}", tag = "keys", params(("hash" = String, Path)),
    responses((status = 200, body = Envelope<Key>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
fn show_key() {}

/// Changes a key; it takes effect at once.
#[utoipa::path(patch, path = "/keys/{hash}", tag = "keys", params(("hash" = String, Path)), request_body = UpdateKey,
    responses((status = 200, body = Envelope<Key>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn update_key() {}

/// Deletes a key; it stops working at once.
#[utoipa::path(delete, path = "/keys/{hash}", tag = "keys", params(("hash" = String, Path)),
    responses((status = 200, body = Deleted), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
fn delete_key() {}

/// Shows the balance.
#[utoipa::path(get, path = "/credits", tag = "accounting",
    responses((status = 200, body = Envelope<Credits>), (status = 401, body = ErrorBody)))]
fn show_credits() {}

/// Lists what moved the balance, newest first.
#[utoipa::path(get, path = "/ledger", tag = "accounting", params(("limit" = Option<u32>, Query)),
    responses((status = 200, body = Envelope<Vec<LedgerEntry>>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn list_ledger() {}

/// Lists the last 30 complete UTC days by model and endpoint.
#[utoipa::path(get, path = "/activity", tag = "accounting",
    params(("date" = Option<String>, Query, description = "YYYY-MM-DD"), ("api_key_hash" = Option<String>, Query),
        ("user_id" = Option<String>, Query), ("workspace_id" = Option<String>, Query, description = "Id or slug"),
        ("group_by" = Option<String>, Query, description = "workspace")),
    responses((status = 200, body = Envelope<Vec<ActivityItem>>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn list_activity() {}

/// Shows spending over time, now included.
#[utoipa::path(get, path = "/usage", tag = "accounting", params(UsageParams),
    responses((status = 200, body = Envelope<Usage>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn show_usage() {}

/// The same as CSV: a line for every period and name.
#[utoipa::path(get, path = "/usage.csv", tag = "accounting", params(UsageParams),
    responses((status = 200, body = String, content_type = "text/csv"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn show_usage_csv() {}

/// Shows one request: tokens, price, provider, timings. Readable before its answer ends.
#[utoipa::path(get, path = "/generation", tag = "accounting", params(("id" = String, Query)),
    responses((status = 200, body = Envelope<Generation>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn show_generation() {}

/// Lists the newest requests.
#[utoipa::path(get, path = "/generations", tag = "accounting",
    params(("limit" = Option<u32>, Query), ("before" = Option<String>, Query)),
    responses((status = 200, body = Envelope<Vec<GenerationSummary>>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn list_generations() {}

/// Shows who is signed in, and what kind of site this is.
#[utoipa::path(get, path = "/session", tag = "accounting", security(()),
    responses((status = 200, body = Envelope<Session>)))]
fn show_session() {}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "catalog", security(()), responses((status = 200, body = Object)))]
fn show_description() {}
