//! Reads lists of models and turns them into changes of the catalog.
//!
//! Two formats are told apart by themselves: models.dev's `api.json` and the answer
//! of an OpenRouter-compatible `GET /api/v1/models`. An odd entry is named and left
//! out; the rest is taken.

mod derive;
mod families;
mod fields;
mod model_list;
mod models_dev;
pub mod names;
mod plan;

pub use families::title as author_name;
pub use plan::{Report, Tally, plan};

use serde::Serialize;
use serde_json::Value;

use self::names::Name;
use super::{Endpoint, Model, Prices, Provider};

/// A list that was read.
#[derive(Clone, Debug)]
pub struct Import {
    pub source: Source,
    pub providers: Vec<Provider>,
    /// Models with an established name.
    pub models: Vec<Model>,
    pub offers: Vec<Offer>,
    pub skipped: Vec<Skipped>,
}

/// Where facts come from. A later one is not overwritten by an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    BuiltIn,
    ModelsDev,
    /// `GET /api/v1/models`; its names are the preferred ones.
    ModelList,
}

impl Source {
    #[must_use]
    pub const fn rank(self) -> i64 {
        match self {
            Self::BuiltIn => 1,
            Self::ModelsDev => 2,
            Self::ModelList => 3,
        }
    }

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::ModelsDev => "models.dev",
            Self::ModelList => "model list",
        }
    }

    /// What such a list leaves out is not on offer any more.
    const fn lists_everything(self) -> bool {
        !matches!(self, Self::BuiltIn)
    }
}

/// One provider's offer, before it is known which model it is.
#[derive(Clone, Debug)]
pub struct Offer {
    /// `model_id` and `price_id` are still empty.
    pub endpoint: Endpoint,
    /// `None` is unknown, not free.
    pub prices: Option<Prices>,
    /// The model, where the list says it.
    pub model_id: Option<String>,
    /// What the offer says about the model itself.
    pub facts: Option<Model>,
}

impl Offer {
    fn name(&self) -> Name {
        Name::read(&self.endpoint.upstream_model, &self.endpoint.provider_slug)
    }

    /// The provider made the model.
    fn is_by_maker(&self) -> bool {
        families::author(&self.endpoint.provider_slug) == self.name().author
    }
}

/// An entry that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// `provider/model` or `model`.
    pub entry: String,
    pub reason: String,
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("this is not JSON: {0}; give the file as it was downloaded")]
    NotJson(#[from] serde_json::Error),
    #[error(
        "this JSON is no list of models: expected models.dev's api.json \
         (an object of providers, each with `models`) or the answer of GET /api/v1/models (an object with `data`)"
    )]
    UnknownFormat,
}

/// Reads a list in either format.
///
/// # Errors
/// [`ImportError`] when the whole of it makes no sense; single odd entries are reported instead.
pub fn read(bytes: &[u8]) -> Result<Import, ImportError> {
    match serde_json::from_slice(bytes)? {
        Value::Object(mut object) => {
            if let Some(Value::Array(list)) = object.get_mut("data") {
                return Ok(model_list::read(std::mem::take(list)));
            }
            if object.values().any(|provider| provider.get("models").is_some()) {
                return Ok(models_dev::read(object));
            }
            Err(ImportError::UnknownFormat)
        }
        Value::Array(list) if !list.is_empty() => Ok(model_list::read(list)),
        _ => Err(ImportError::UnknownFormat),
    }
}

#[cfg(test)]
mod tests;
