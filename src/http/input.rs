//! Query strings and JSON bodies whose mistakes are answered in our own words.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use super::inference::read_body;
use crate::App;
use crate::error::Error;

/// A query string.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Error> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(query) => Ok(Self(query.0)),
            Err(error) => Err(Error::bad_request("query", format!("The query string is wrong: {}", error.body_text()))),
        }
    }
}

/// A JSON body; an empty one counts as `{}`.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Error> {
        read_json(request, app.config.limits.body_bytes).await.map(Self)
    }
}

/// A JSON body of at most `limit` bytes, where that is more than the usual; an empty one counts as `{}`.
///
/// # Errors
/// 400 for what is not understood, 413 beyond the limit.
pub async fn read_json<T: DeserializeOwned>(request: Request, limit: u64) -> Result<T, Error> {
    let bytes = read_body(request.into_body(), limit).await?;
    let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
    serde_json::from_slice(bytes)
        .map_err(|error| Error::bad_request("body", format!("The request body is wrong: {error}")))
}

/// A field that may be `null`, told from one that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said<T>(pub Option<T>);

/// For `#[serde(deserialize_with)]` of an `Option<Said<T>>`.
///
/// # Errors
/// As the inner type.
pub fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Said<T>>, D::Error> {
    Option::deserialize(deserializer).map(|value| Some(Said(value)))
}
