//! From a list that was read to the rows that have to change.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;

use super::families;
use super::names::Name;
use super::{Import, Offer, Skipped, Source};
use crate::catalog::{Model, rows};
use crate::store::catalog::{AuthorRow, CatalogChanges, CatalogRows, EndpointRow, ModelRow, PriceRow};

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `models.dev`, `model list`, `built-in`.
    pub format: &'static str,
    pub providers: Tally,
    pub models: Tally,
    pub endpoints: Tally,
    pub prices: Tally,
    /// Models that turned out to be another name of a known one.
    pub merged_models: usize,
    /// Offers their provider no longer lists.
    pub withdrawn_endpoints: usize,
    /// Offers without a price: kept, but never used until one is known.
    pub unpriced_endpoints: usize,
    pub skipped: Vec<Skipped>,
}

/// How many entries were what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub added: usize,
    pub changed: usize,
    pub unchanged: usize,
}

impl Tally {
    /// Counts one entry; whether it has to be written.
    fn count<T: PartialEq>(&mut self, old: Option<&T>, new: &T) -> bool {
        let counter = match old {
            None => &mut self.added,
            Some(old) if old != new => &mut self.changed,
            Some(_) => &mut self.unchanged,
        };
        *counter += 1;
        old != Some(new)
    }
}

/// The rows that bring `existing` up to what `import` says. Importing the same
/// twice, or two lists in either order, ends in the same catalog.
#[must_use]
pub fn plan(existing: &CatalogRows, import: Import, now_ms: i64) -> (CatalogChanges, Report) {
    let mut planner = Planner::new(existing, &import, now_ms);
    planner.providers(&import);
    let mut offers = import.offers;
    offers.sort_by_cached_key(|offer| (!offer.is_by_maker(), offer.endpoint.id.clone()));
    planner.resolve(&mut offers);
    planner.endpoints(&offers);
    planner.models(import.models, &offers);
    planner.authors();
    planner.report.format = import.source.title();
    planner.report.skipped = import.skipped;
    (planner.changes, planner.report)
}

struct Planner<'a> {
    existing: &'a CatalogRows,
    old_models: HashMap<&'a str, &'a ModelRow>,
    old_endpoints: HashMap<&'a str, &'a EndpointRow>,
    old_prices: HashMap<&'a str, &'a PriceRow>,
    /// What a key stands for, best authority first.
    ids: HashMap<String, String>,
    /// Other names, by model id.
    aliases: BTreeMap<String, BTreeSet<String>>,
    source: Source,
    now_ms: i64,
    changes: CatalogChanges,
    report: Report,
}

impl<'a> Planner<'a> {
    fn new(existing: &'a CatalogRows, import: &Import, now_ms: i64) -> Self {
        let mut planner = Self {
            existing,
            old_models: existing.models.iter().map(|row| (row.id.as_str(), row)).collect(),
            old_endpoints: existing.endpoints.iter().map(|row| (row.id.as_str(), row)).collect(),
            old_prices: existing.prices.iter().map(|row| (row.id.as_str(), row)).collect(),
            ids: HashMap::new(),
            aliases: BTreeMap::new(),
            source: import.source,
            now_ms,
            changes: CatalogChanges::default(),
            report: Report::default(),
        };
        let incoming: Vec<(&str, &str)> =
            import.models.iter().map(|model| (model.id.as_str(), model.canonical_slug.as_str())).collect();
        let stored = |is_wanted: fn(i64) -> bool| -> Vec<(&str, &str)> {
            let rows = existing.models.iter().filter(|row| is_wanted(row.source));
            rows.map(|row| (row.id.as_str(), row.canonical_slug.as_str())).collect()
        };
        let listed = stored(|source| source >= Source::ModelList.rank());
        let others = stored(|source| source < Source::ModelList.rank());
        let levels =
            if import.source == Source::ModelList { [incoming, listed, others] } else { [listed, others, incoming] };
        for level in levels {
            planner.claim(&level);
        }
        planner
    }

    /// Names of one authority: ids before canonical slugs.
    fn claim(&mut self, models: &[(&str, &str)]) {
        for (id, _) in models {
            self.ids.entry(Name::read(id, "").key).or_insert_with(|| (*id).to_owned());
        }
        for (id, canonical) in models {
            let key = Name::read(canonical, "").key;
            // The permanent name of `x:free` is that of `x`.
            if id.contains(':') == canonical.contains(':') {
                self.ids.entry(key).or_insert_with(|| (*id).to_owned());
            }
        }
    }

    fn providers(&mut self, import: &Import) {
        for provider in &import.providers {
            let row = rows::provider_row(provider, self.source.rank());
            let old = self.existing.providers.iter().find(|old| old.slug == row.slug);
            if old.is_some_and(|old| old.source > row.source) {
                self.report.providers.unchanged += 1;
            } else if self.report.providers.count(old, &row) {
                self.changes.upserts.providers.push(row);
            }
        }
    }

    /// Gives every offer its model, known offers of earlier imports too: a better
    /// name may have come meanwhile.
    fn resolve(&mut self, offers: &mut [Offer]) {
        for offer in &mut *offers {
            let name = offer.name();
            let id = match &offer.model_id {
                Some(id) => self.ids.get(&Name::read(id, "").key).unwrap_or(id).clone(),
                None => self.ids.entry(name.key.clone()).or_insert_with(|| name.id()).clone(),
            };
            if offer.is_by_maker() {
                let spelled = offer.endpoint.upstream_model.to_ascii_lowercase();
                let bare = spelled.rsplit('/').next().unwrap_or(&spelled);
                self.add_alias(&id, format!("{}/{bare}", name.author));
            }
            offer.endpoint.model_id = id;
        }
        for row in &self.existing.models {
            let Some(id) = self.ids.get(&Name::read(&row.id, "").key).filter(|id| **id != row.id).cloned() else {
                continue;
            };
            if row.source < Source::ModelList.rank() {
                let others: Vec<String> = serde_json::from_str(&row.aliases).unwrap_or_default();
                for alias in others.into_iter().chain([row.id.clone()]) {
                    self.add_alias(&id, alias);
                }
                self.changes.merged_models.push(row.id.clone());
                self.report.merged_models += 1;
            }
        }
    }

    fn add_alias(&mut self, id: &str, alias: String) {
        if alias != id {
            self.aliases.entry(id.to_owned()).or_default().insert(alias);
        }
    }

    fn endpoints(&mut self, offers: &[Offer]) {
        let mut seen = HashSet::new();
        let mut listing_providers = HashSet::new();
        for offer in offers {
            let mut row = rows::endpoint_row(&offer.endpoint, self.source.rank());
            seen.insert(row.id.clone());
            listing_providers.insert(row.provider_slug.clone());
            let old = self.old_endpoints.get(row.id.as_str()).copied();
            if let Some(old) = old.filter(|old| old.source > row.source) {
                let moved = EndpointRow { model_id: row.model_id, ..old.clone() };
                self.put_endpoint(Some(old), moved);
                continue;
            }
            row.price_id = self.price(offer, old);
            if row.price_id.is_none() {
                self.report.unpriced_endpoints += 1;
            }
            self.put_endpoint(old, row);
        }
        let merged: HashSet<String> = self.changes.merged_models.iter().cloned().collect();
        let existing = self.existing;
        for old in existing.endpoints.iter().filter(|old| !seen.contains(&old.id)) {
            let mut row = old.clone();
            let is_gone = old.source == self.source.rank()
                && self.source.lists_everything()
                && listing_providers.contains(&old.provider_slug);
            if is_gone && old.is_offered == 1 {
                row.is_offered = 0;
                self.report.withdrawn_endpoints += 1;
            }
            let key = if merged.contains(&old.model_id) || old.source == Source::BuiltIn.rank() {
                Name::read(&old.model_id, "").key
            } else {
                Name::read(&old.upstream_model, &old.provider_slug).key
            };
            if old.is_simulated == 0
                && let Some(id) = self.ids.get(&key)
            {
                row.model_id.clone_from(id);
            }
            if row != *old {
                self.report.endpoints.changed += 1;
                self.changes.upserts.endpoints.push(row);
            }
        }
    }

    fn put_endpoint(&mut self, old: Option<&EndpointRow>, row: EndpointRow) {
        if self.report.endpoints.count(old, &row) {
            self.changes.upserts.endpoints.push(row);
        }
    }

    /// The id of the price version this offer means, a new one if it differs from the old.
    fn price(&mut self, offer: &Offer, old: Option<&EndpointRow>) -> Option<String> {
        let prices = offer.prices.as_ref()?;
        let endpoint_id = &offer.endpoint.id;
        let in_force = old.and_then(|old| self.old_prices.get(old.price_id.as_deref()?)).copied();
        if let Some(in_force) = in_force
            && rows::price_row(endpoint_id, in_force.valid_from, prices) == *in_force
        {
            self.report.prices.unchanged += 1;
            return Some(in_force.id.clone());
        }
        let valid_from = in_force.map_or(self.now_ms, |old| self.now_ms.max(old.valid_from.saturating_add(1)));
        let row = rows::price_row(endpoint_id, valid_from, prices);
        *(if in_force.is_some() { &mut self.report.prices.changed } else { &mut self.report.prices.added }) += 1;
        let id = row.id.clone();
        self.changes.upserts.prices.push(row);
        Some(id)
    }

    fn models(&mut self, named: Vec<Model>, offers: &[Offer]) {
        let mut new: BTreeMap<String, ModelRow> = BTreeMap::new();
        for model in named {
            let id = self.ids.get(&Name::read(&model.id, "").key).filter(|_| self.source != Source::ModelList);
            let id = id.cloned().unwrap_or_else(|| model.id.clone());
            new.insert(id.clone(), rows::model_row(&Model { id, ..model }, self.source.rank()));
        }
        for (id, model) in super::derive::models(offers) {
            new.entry(id).or_insert_with(|| rows::model_row(&model, self.source.rank()));
        }
        let ids: BTreeSet<String> = new.keys().chain(self.aliases.keys()).cloned().collect();
        for id in ids {
            let old = self.old_models.get(id.as_str()).copied();
            let row = match (old, new.remove(&id)) {
                (Some(old), Some(new)) if old.source <= new.source => keep_what_is_not_said(new, old),
                (Some(old), _) => old.clone(),
                (None, Some(new)) => new,
                (None, None) => continue,
            };
            let row = with_aliases(row, self.aliases.get(&id));
            if self.report.models.count(old, &row) {
                self.changes.upserts.models.push(row);
            }
        }
    }

    fn authors(&mut self) {
        let known: HashSet<&str> = self.existing.authors.iter().map(|row| row.slug.as_str()).collect();
        let slugs: BTreeSet<&str> = self.changes.upserts.models.iter().map(|row| row.author.as_str()).collect();
        let new = slugs.into_iter().filter(|slug| !known.contains(slug));
        self.changes.upserts.authors =
            new.map(|slug| AuthorRow { slug: slug.to_owned(), name: families::title(slug) }).collect();
    }
}

/// A list that says less than an earlier one takes nothing away.
fn keep_what_is_not_said(new: ModelRow, old: &ModelRow) -> ModelRow {
    ModelRow {
        description: new.description.or_else(|| old.description.clone()),
        context_length: new.context_length.or(old.context_length),
        default_parameters: new.default_parameters.or_else(|| old.default_parameters.clone()),
        hugging_face_id: new.hugging_face_id.or_else(|| old.hugging_face_id.clone()),
        knowledge_cutoff: new.knowledge_cutoff.or_else(|| old.knowledge_cutoff.clone()),
        benchmarks: new.benchmarks.or_else(|| old.benchmarks.clone()),
        reference_prices: new.reference_prices.or_else(|| old.reference_prices.clone()),
        aliases: old.aliases.clone(),
        ..new
    }
}

fn with_aliases(mut row: ModelRow, more: Option<&BTreeSet<String>>) -> ModelRow {
    let mut aliases: BTreeSet<String> = serde_json::from_str(&row.aliases).unwrap_or_default();
    aliases.extend(more.into_iter().flatten().cloned());
    aliases.remove(&row.id);
    aliases.remove(&row.canonical_slug);
    row.aliases = serde_json::to_string(&aliases).unwrap_or_else(|_| "[]".to_owned());
    row
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "Read a list of the format {}.", self.format)?;
        let tallies = [
            ("providers", self.providers),
            ("models", self.models),
            ("endpoints", self.endpoints),
            ("prices", self.prices),
        ];
        for (name, tally) in tallies {
            writeln!(
                f,
                "  {name:<10} {:>5} added, {:>5} changed, {:>5} unchanged",
                tally.added, tally.changed, tally.unchanged
            )?;
        }
        writeln!(
            f,
            "  {} models merged, {} endpoints withdrawn, {} without a price",
            self.merged_models, self.withdrawn_endpoints, self.unpriced_endpoints
        )?;
        for skipped in &self.skipped {
            writeln!(f, "  skipped {}: {}", skipped.entry, skipped.reason)?;
        }
        Ok(())
    }
}
