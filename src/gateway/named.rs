//! What a caller's name of a model means: a model, a variant of one, the newest of
//! a family, or any free one.
//! Source of the names: the original's guides on variants and routers.

use std::sync::Arc;

use rand::seq::SliceRandom as _;
use serde_json::value::to_raw_value;

use super::route::Sort;
use crate::catalog::{Catalog, Model, Tier};
use crate::dialects::inference::{Part, Reasoning};
use crate::dialects::{Inference, WebSearch};
use crate::error::{Error, Result};

/// Any free model that can do what is asked.
const FREE: &str = "openrouter/free";
/// Models that `openrouter/free` tries at the most.
const FREE_CHOICES: usize = 5;

/// A model that was asked for, and how its endpoints are to be ordered if the
/// caller did not say so elsewhere.
#[derive(Clone, Debug)]
pub struct Named {
    pub model: Arc<Model>,
    pub sort: Option<Sort>,
    pub strategy: Strategy,
    /// Offers of this service tier may serve, too.
    pub admits: Option<Tier>,
}

impl Named {
    /// A model with nothing said about its endpoints.
    #[must_use]
    pub const fn plain(model: Arc<Model>, strategy: Strategy) -> Self {
        Self { model, sort: None, strategy, admits: None }
    }
}

/// How a name led to a model, in the words of `openrouter_metadata.strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    Direct,
    Latest,
    Free,
    Auto,
}

impl Strategy {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Latest => "latest",
            Self::Free => "free",
            Self::Auto => "auto",
        }
    }
}

/// The models behind a name, the one to try first at the front; empty when nothing is called so.
#[must_use]
pub fn named(catalog: &Catalog, name: &str, inference: &Inference) -> Vec<Named> {
    if name == FREE {
        return free(catalog, inference);
    }
    if let Some(model) = catalog.model(name) {
        return vec![Named::plain(Arc::clone(model), Strategy::Direct)];
    }
    if let Some(model) = name.strip_suffix(":thinking").and_then(|base| catalog.model(base)) {
        return vec![Named::plain(Arc::clone(model), Strategy::Direct)];
    }
    let (base, sort) = match name.rsplit_once(':') {
        Some((base, "nitro")) => (base, Some(Sort::Throughput)),
        Some((base, "exacto")) => (base, Some(Sort::Exacto)),
        Some((base, "floor")) => (base, Some(Sort::Price)),
        Some((base, "extended")) => (base, Some(Sort::Context)),
        _ => (name, None),
    };
    let found = match base.strip_prefix('~') {
        Some(family) => latest(catalog, family).map(|model| (model, Strategy::Latest)),
        None => catalog.model(base).filter(|_| sort.is_some()).map(|model| (model, Strategy::Direct)),
    };
    // Who wants speed or a low price takes the tier that is made for it.
    let admits = match sort {
        Some(Sort::Throughput) => Some(Tier::Priority),
        Some(Sort::Price) => Some(Tier::Flex),
        _ => None,
    };
    found.map(|(model, strategy)| Named { model: Arc::clone(model), sort, strategy, admits }).into_iter().collect()
}

/// What variants ask beside the order of endpoints: `:thinking` switches reasoning on,
/// `:online` and the plugin `web` a search on the web.
///
/// # Errors
/// 400 for a plugin that cannot be read.
pub fn apply_variants(catalog: &Catalog, inference: &mut Inference) -> Result<()> {
    let mut wish =
        WebSearch::read(inference).map_err(|bad| Error::BadRequest { field: bad.field, message: bad.message })?;
    for name in &mut inference.models {
        if catalog.model(name).is_none()
            && let Some(base) = name.strip_suffix(":online")
        {
            *name = base.to_owned();
            wish.get_or_insert_with(WebSearch::plain).is_required = true;
        }
    }
    inference.web_search = wish.filter(|_| inference.retrieval.is_none());
    let asks_thinking = |name: &String| catalog.model(name).is_none() && name.ends_with(":thinking");
    if inference.models.iter().any(asks_thinking) && inference.reasoning.is_none() {
        inference.reasoning = Some(Reasoning { enabled: Some(true), ..Reasoning::default() });
        if !inference.raw.is_empty()
            && let Ok(value) = to_raw_value(&serde_json::json!({ "enabled": true }))
        {
            inference.raw.insert("reasoning".to_owned(), value);
        }
    }
    Ok(())
}

/// `author/family-latest`: the newest model of the author whose name has all words of the family.
fn latest<'a>(catalog: &'a Catalog, name: &str) -> Option<&'a Arc<Model>> {
    let (author, family) = name.strip_suffix("-latest")?.split_once('/')?;
    let has_all_words = |slug: &str| family.split('-').all(|word| slug.split('-').any(|own| own == word));
    catalog
        .models
        .values()
        .filter(|model| {
            let slug = model.id.split_once('/').filter(|(own, _)| *own == author).map(|(_, slug)| slug);
            // A variant is no newer model, and one that nobody serves is no answer.
            slug.is_some_and(|slug| !slug.contains(':') && has_all_words(slug)) && !model.endpoints.is_empty()
        })
        .max_by(|a, b| (a.created, &b.id).cmp(&(b.created, &a.id)))
}

/// Kinds of input besides text and files that a request brings.
#[must_use]
pub fn media(inference: &Inference) -> Vec<&'static str> {
    let parts = || inference.messages.iter().flat_map(|message| &message.content);
    let kinds = [
        ("image", parts().any(|part| matches!(part, Part::Image { .. }))),
        ("audio", parts().any(|part| matches!(part, Part::Audio { .. }))),
        ("video", parts().any(|part| matches!(part, Part::Video { .. }))),
    ];
    kinds.into_iter().filter_map(|(kind, is_there)| is_there.then_some(kind)).collect()
}

/// Free models that take what the request brings, in a random order.
fn free(catalog: &Catalog, inference: &Inference) -> Vec<Named> {
    let media = media(inference);
    let parameters: Vec<&str> = inference
        .parameters_in_use()
        .into_iter()
        .filter(|name| matches!(*name, "tools" | "structured_outputs" | "reasoning"))
        .collect();
    let mut models: Vec<Named> = catalog
        .models
        .values()
        .filter(|model| {
            model.endpoints.iter().any(|endpoint| {
                endpoint.prices.is_free()
                    && endpoint.output_modalities.iter().any(|kind| kind == "text")
                    && parameters.iter().all(|parameter| endpoint.supports(parameter))
                    && media.iter().all(|kind| endpoint.input_modalities.iter().any(|taken| taken == kind))
            })
        })
        .map(|model| Named::plain(Arc::clone(model), Strategy::Free))
        .collect();
    models.shuffle(&mut rand::rng());
    models.truncate(FREE_CHOICES);
    models
}
