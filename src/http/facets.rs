//! What the list of models can be narrowed to.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::types::Envelope;
use app::types::labels::CATEGORIES;
use app::types::models::{Facet, Facets};
use axum::Json;
use axum::extract::State;

use crate::App;
use crate::catalog::uses::Uses;
use crate::catalog::{Catalog, Model};

/// `GET /api/v1/models/facets` (ours, public).
pub async fn show_facets(State(app): State<Arc<App>>) -> Json<Envelope<Facets>> {
    Json(Envelope { data: facets(&app.catalog(), &app.uses()) })
}

fn facets(catalog: &Catalog, uses: &Uses) -> Facets {
    let listed: Vec<&Arc<Model>> = catalog.models.values().filter(|model| model.is_listed()).collect();
    let provider =
        |slug: &str| catalog.provider(slug).map_or_else(|| slug.to_owned(), |provider| provider.name.clone());
    let plain = str::to_owned;
    let mut providers = Vec::new();
    for model in &listed {
        // A provider counts once however many endpoints of a model it has.
        let mut slugs: Vec<&str> = model.endpoints.iter().map(|endpoint| endpoint.provider_slug.as_str()).collect();
        slugs.sort_unstable();
        slugs.dedup();
        providers.extend(slugs);
    }
    Facets {
        authors: count(listed.iter().map(|model| model.author.as_str()), &plain),
        providers: count(providers.into_iter(), &provider),
        supported_parameters: count(each(&listed, |model| &model.supported_parameters), &plain),
        input_modalities: count(each(&listed, |model| &model.architecture.input_modalities), &plain),
        output_modalities: count(each(&listed, |model| &model.architecture.output_modalities), &plain),
        categories: CATEGORIES
            .into_iter()
            .map(|(value, name)| {
                let count = number(listed.iter().filter(|model| uses.has(value, model)).count());
                Facet { value: value.to_owned(), name: name.to_owned(), count }
            })
            .collect(),
        free: number(listed.iter().filter(|model| is_free(model)).count()),
        zdr: number(listed.iter().filter(|model| model.endpoints.iter().any(|e| e.is_zero_retention())).count()),
    }
}

fn is_free(model: &Model) -> bool {
    model.list_prices().is_some_and(|prices| prices.prompt.is_zero() && prices.completion.is_zero())
}

fn each<'a>(models: &[&'a Arc<Model>], list: fn(&'a Model) -> &'a Vec<String>) -> impl Iterator<Item = &'a str> {
    models.iter().flat_map(move |model| list(model)).map(String::as_str)
}

/// Values with how often they occur, most frequent first.
fn count<'a>(values: impl Iterator<Item = &'a str>, name: &dyn Fn(&str) -> String) -> Vec<Facet> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut facets: Vec<Facet> = counts
        .into_iter()
        .map(|(value, count)| Facet { value: value.to_owned(), name: name(value), count: number(count) })
        .collect();
    facets.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    facets
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
