//! The typed client of the API: one method per endpoint, for pages and islands alike.
//!
//! It speaks through one of two transports: `fetch` in the browser, and on the
//! server a closure over the same router, provided with each page request.

mod admin;
#[cfg(feature = "hydrate")]
mod browser;
mod chat;
mod chats;
mod people;
mod query;
#[cfg(not(feature = "hydrate"))]
mod server;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use chat::{ChatChunk, ChatUsage};
pub use query::{BoardQuery, ModelQuery, Period, encode};

use crate::types::Envelope;
use crate::types::activity::{Feedback, Generation, GenerationContent, GenerationSummary, Usage};
use crate::types::chats::{Candidate, CastVote, CountedVote, Formulas, ModelChoice, Ratings};
use crate::types::credits::{Billing, Credits, LedgerEntry, Purchase};
use crate::types::error::ErrorBody;
use crate::types::keys::{CreateKey, CreatedKey, Deleted, Key, UpdateKey};
use crate::types::models::{Facets, Model, ModelEndpoints, ModelList, Provider};
use crate::types::rankings::{Board, SpeedLine};
use crate::types::session::Session;
use crate::types::statistics::{ModelStatistics, Status};

#[cfg(feature = "hydrate")]
pub use browser::{Api, ChatStream, use_api};
#[cfg(not(feature = "hydrate"))]
pub use server::{Api, Sent, use_api};

/// Why a call did not give what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status, or 0 when no answer came.
    pub status: u16,
    /// A sentence for a person.
    pub message: String,
}

impl ApiError {
    /// The call did not reach the server, or its answer did not reach us.
    #[must_use]
    pub fn unreachable(reason: impl std::fmt::Display) -> Self {
        Self {
            status: 0,
            message: format!("The server could not be reached ({reason}). Check the connection and try again."),
        }
    }

    /// What an answer that is no success says.
    #[must_use]
    pub fn from_answer(status: u16, body: &[u8]) -> Self {
        let message = serde_json::from_slice::<ErrorBody>(body)
            .map_or_else(|_| format!("The server answered with status {status}."), |body| body.error.message);
        Self { status, message }
    }

    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        self.status == 404
    }

    /// Nobody is signed in, or no longer.
    #[must_use]
    pub const fn is_unauthenticated(&self) -> bool {
        self.status == 401
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

/// What a call gives.
pub type ApiResult<T> = Result<T, ApiError>;

impl Api {
    /// Who looks at the page, and what kind of site this is.
    pub async fn session(&self) -> ApiResult<Session> {
        self.get("/api/v1/session").await
    }

    /// Formulas as MathML; `None` for those that are not understood.
    pub async fn math(&self, formulas: &Formulas) -> ApiResult<Vec<Option<String>>> {
        let set: Envelope<Vec<Option<String>>> = self.call(Method::POST, "/api/v1/math", Some(formulas)).await?;
        Ok(set.data)
    }

    /// One page of the catalog.
    pub async fn models(&self, query: &ModelQuery) -> ApiResult<ModelList> {
        self.call(Method::GET, &format!("/api/v1/models{}", query.to_query_string()), None::<&()>).await
    }

    /// Ids and names of one page of the catalog.
    pub async fn model_names(&self, query: &ModelQuery) -> ApiResult<Vec<(String, String)>> {
        #[derive(serde::Deserialize)]
        struct Named {
            id: String,
            name: String,
        }
        let path = format!("/api/v1/models{}", query.to_query_string());
        let list: Envelope<Vec<Named>> = self.call(Method::GET, &path, None::<&()>).await?;
        Ok(list.data.into_iter().map(|model| (model.id, model.name)).collect())
    }

    /// Hashes and names of the keys one may see.
    pub async fn key_names(&self) -> ApiResult<Vec<(String, String)>> {
        #[derive(serde::Deserialize)]
        struct Named {
            hash: String,
            name: String,
        }
        let list: Envelope<Vec<Named>> = self.call(Method::GET, "/api/v1/keys", None::<&()>).await?;
        Ok(list.data.into_iter().map(|key| (key.hash, key.name)).collect())
    }

    /// Models to talk to.
    pub async fn model_choices(&self, query: &ModelQuery) -> ApiResult<Vec<ModelChoice>> {
        let path = format!("/api/v1/models{}", query.to_query_string());
        let list: Envelope<Vec<Candidate>> = self.call(Method::GET, &path, None::<&()>).await?;
        Ok(list.data.into_iter().map(ModelChoice::from).collect())
    }

    /// What the list of models can be narrowed to.
    pub async fn model_facets(&self) -> ApiResult<Facets> {
        self.get("/api/v1/models/facets").await
    }

    /// One model.
    pub async fn model(&self, author: &str, slug: &str) -> ApiResult<Model> {
        self.get(&format!("/api/v1/model/{}/{}", encode(author), encode(slug))).await
    }

    /// Who serves a model, and on what terms.
    pub async fn model_endpoints(&self, author: &str, slug: &str) -> ApiResult<ModelEndpoints> {
        self.get(&format!("/api/v1/models/{}/{}/endpoints", encode(author), encode(slug))).await
    }

    /// How a model did; `period` is `day`, `week` or `month`.
    pub async fn model_statistics(&self, author: &str, slug: &str, period: &str) -> ApiResult<ModelStatistics> {
        let (author, slug) = (encode(author), encode(slug));
        self.get(&format!("/api/v1/models/{author}/{slug}/statistics?period={}", encode(period))).await
    }

    /// How the providers did.
    pub async fn status(&self) -> ApiResult<Status> {
        self.get("/api/v1/status").await
    }

    /// Every provider of the catalog.
    pub async fn providers(&self) -> ApiResult<Vec<Provider>> {
        self.get("/api/v1/providers").await
    }

    /// A leaderboard.
    pub async fn board(&self, query: &BoardQuery) -> ApiResult<Board> {
        self.get(&format!("/api/v1/rankings{}", query.to_query_string())).await
    }

    /// The fastest models of the last 24 hours.
    pub async fn speed_board(&self) -> ApiResult<Vec<SpeedLine>> {
        self.get("/api/v1/rankings/speed").await
    }

    /// Spend, tokens and requests over time; `query` is `?days=30&by=model&granularity=day`.
    pub async fn usage(&self, query: &str) -> ApiResult<Usage> {
        self.get(&format!("/api/v1/usage{query}")).await
    }

    /// The newest generations, or those older than `before`.
    pub async fn generations(&self, limit: u32, before: Option<&str>) -> ApiResult<Vec<GenerationSummary>> {
        let before = before.map(|id| format!("&before={}", encode(id))).unwrap_or_default();
        self.get(&format!("/api/v1/generations?limit={limit}{before}")).await
    }

    /// Two models to compare blindly.
    pub async fn vote_pair(&self) -> ApiResult<Vec<ModelChoice>> {
        self.get("/api/v1/votes/pair").await
    }

    /// Counts a vote.
    pub async fn vote(&self, vote: &CastVote) -> ApiResult<CountedVote> {
        self.call::<_, Envelope<CountedVote>>(Method::POST, "/api/v1/votes", Some(vote)).await.map(|e| e.data)
    }

    /// How often models are preferred.
    pub async fn ratings(&self) -> ApiResult<Ratings> {
        self.get("/api/v1/ratings").await
    }

    /// Everything known about one generation.
    pub async fn generation(&self, id: &str) -> ApiResult<Generation> {
        self.get(&format!("/api/v1/generation?id={}", encode(id))).await
    }

    /// What was kept of a request's text.
    pub async fn generation_content(&self, id: &str) -> ApiResult<GenerationContent> {
        self.get(&format!("/api/v1/generation/content?id={}", encode(id))).await
    }

    /// What was said of a generation.
    pub async fn feedback(&self, id: &str) -> ApiResult<Vec<Feedback>> {
        self.get(&format!("/api/v1/generation/feedback?id={}", encode(id))).await
    }

    /// The description of the API.
    pub async fn description(&self) -> ApiResult<serde_json::Value> {
        self.call(Method::GET, "/api/v1/openapi.json", None::<&()>).await
    }

    /// The balance.
    pub async fn credits(&self) -> ApiResult<Credits> {
        self.get("/api/v1/credits").await
    }

    /// What can be bought, and how the organization pays.
    pub async fn billing(&self) -> ApiResult<Billing> {
        self.get("/api/v1/billing").await
    }

    /// Purchases, newest first.
    pub async fn purchases(&self, limit: u32) -> ApiResult<Vec<Purchase>> {
        self.get(&format!("/api/v1/credits/purchases?limit={limit}")).await
    }

    /// What moved the balance, newest first.
    pub async fn ledger(&self, limit: u32) -> ApiResult<Vec<LedgerEntry>> {
        self.get(&format!("/api/v1/ledger?limit={limit}")).await
    }

    /// The keys of the organization.
    pub async fn keys(&self) -> ApiResult<Vec<Key>> {
        self.get("/api/v1/keys").await
    }

    /// Makes a key; the answer is the only place where it can be read.
    pub async fn create_key(&self, key: &CreateKey) -> ApiResult<CreatedKey> {
        self.call(Method::POST, "/api/v1/keys", Some(key)).await
    }

    /// Changes a key.
    pub async fn update_key(&self, hash: &str, change: &UpdateKey) -> ApiResult<Key> {
        let path = format!("/api/v1/keys/{}", encode(hash));
        self.call::<_, Envelope<Key>>(Method::PATCH, &path, Some(change)).await.map(|envelope| envelope.data)
    }

    /// Ends a key for good.
    pub async fn delete_key(&self, hash: &str) -> ApiResult<Deleted> {
        self.call(Method::DELETE, &format!("/api/v1/keys/{}", encode(hash)), None::<&()>).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> ApiResult<T> {
        self.call::<(), Envelope<T>>(Method::GET, path, None).await.map(|envelope| envelope.data)
    }

    async fn call<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> ApiResult<T> {
        let request = request(method, path, body)?;
        let response = self.send(request).await?;
        read(&response)
    }
}

fn request<B: Serialize>(method: Method, path: &str, body: Option<&B>) -> ApiResult<Request<Bytes>> {
    let builder = Request::builder().method(method).uri(path).header(http::header::ACCEPT, "application/json");
    match body {
        Some(body) => {
            let json = serde_json::to_vec(body).map_err(ApiError::unreachable)?;
            builder.header(http::header::CONTENT_TYPE, "application/json").body(Bytes::from(json))
        }
        None => builder.body(Bytes::new()),
    }
    .map_err(ApiError::unreachable)
}

fn read<T: DeserializeOwned>(response: &Response<Bytes>) -> ApiResult<T> {
    if !response.status().is_success() {
        return Err(ApiError::from_answer(response.status().as_u16(), response.body()));
    }
    serde_json::from_slice(response.body()).map_err(|error| ApiError {
        status: StatusCode::BAD_GATEWAY.as_u16(),
        message: format!("The server's answer was not understood: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_answer_keeps_the_sentence_for_the_person() {
        let body = br#"{"error":{"code":402,"message":"Add credit to go on."}}"#;
        let error = ApiError::from_answer(402, body);
        assert_eq!((error.status, error.message.as_str()), (402, "Add credit to go on."));
        assert_eq!(ApiError::from_answer(502, b"<html>").message, "The server answered with status 502.");
    }
}
