//! Public leaderboards: as JSON, as CSV, and as a picture to put into other pages.

pub mod datasets;
mod picture;
mod speed;
pub mod tasks;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use app::types::Envelope;
use app::types::labels;
use app::types::rankings::{Board, BoardKind};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::input::Query;
use crate::App;
use crate::catalog::{Catalog, Model};
use crate::clock::MS_PER_DAY;
use crate::error::{Error, Result};
use crate::rankings;
use crate::store::page_totals::Counted;

pub use speed::show_speed_board;

/// Ranges of prompt lengths, by their upper end in tokens.
const LENGTHS: [&str; 5] = ["1K", "10K", "100K", "1M", "10M"];
/// What a model can be asked to read, write or do.
const MODALITIES: [&str; 6] = ["text", "image", "image_output", "audio", TOOL_CALLING, IMAGE_PROMPTS];
/// Not what models can, but what was done: answers that call tools, and questions with images.
const TOOL_CALLING: &str = "tool_calling";
const IMAGE_PROMPTS: &str = "image_prompts";

/// Query of `GET /rankings`. Empty values count as absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RankingsQuery {
    pub by: Option<String>,
    pub period: Option<String>,
    pub sort: Option<String>,
    pub category: Option<String>,
    pub modality: Option<String>,
    pub length: Option<String>,
    pub app: Option<String>,
    pub provider: Option<String>,
    pub task: Option<String>,
    pub language: Option<String>,
    pub app_category: Option<String>,
}

/// The query, read.
struct Wish {
    kind: BoardKind,
    days: i64,
    is_trending: bool,
    modality: Option<String>,
    /// Of apps, what they are for.
    app_categories: Vec<&'static str>,
    /// Dimension and name of what is counted.
    counted: (&'static str, String),
}

fn said(value: Option<&String>) -> Option<&str> {
    value.map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn one_of(field: &str, value: Option<&String>, known: &[&str]) -> Result<Option<String>> {
    match said(value) {
        None => Ok(None),
        Some(text) if known.contains(&text) => Ok(Some(text.to_owned())),
        Some(_) => Err(Error::bad_request(field, format!("{field} must be one of {}", known.join(", ")))),
    }
}

impl RankingsQuery {
    fn read(&self) -> Result<Wish> {
        let kind = match said(self.by.as_ref()) {
            None | Some("model") => BoardKind::Model,
            Some("author") => BoardKind::Author,
            Some("provider") => BoardKind::Provider,
            Some("app") => BoardKind::App,
            Some("task") => BoardKind::Task,
            Some("category") => BoardKind::Category,
            Some("language") => BoardKind::Language,
            Some(_) => {
                let message = "by must be model, author, provider, app, task, category or language";
                return Err(Error::bad_request("by", message));
            }
        };
        let days = match said(self.period.as_ref()) {
            Some("day") => 1,
            None | Some("week") => 7,
            Some("month") => 30,
            Some("year") => 365,
            Some(_) => return Err(Error::bad_request("period", "period must be day, week, month or year")),
        };
        let modality = one_of("modality", self.modality.as_ref(), &MODALITIES)?;
        let mut narrowings = self.narrowings(modality.as_deref())?;
        if narrowings.len() > 1 {
            let names: Vec<&str> = narrowings.iter().map(|(name, _)| *name).collect();
            let message = format!("{} cannot be combined; leave out all but one", names.join(" and "));
            return Err(Error::bad_request(names.first().copied().unwrap_or_default(), message));
        }
        let is_of_models = matches!(kind, BoardKind::Model | BoardKind::Author);
        if !is_of_models && (!narrowings.is_empty() || modality.is_some()) {
            let remedy =
                "by must be model or author with a category, modality, length, app, provider, task or language";
            return Err(Error::bad_request("by", remedy));
        }
        let app_categories = app_categories("app_category", self.app_category.as_ref())?;
        if kind != BoardKind::App && !app_categories.is_empty() {
            return Err(Error::bad_request("by", "by must be app with an app_category"));
        }
        Ok(Wish {
            kind,
            days,
            is_trending: one_of("sort", self.sort.as_ref(), &["popular", "trending"])?.as_deref() == Some("trending"),
            modality,
            app_categories,
            counted: narrowings.pop().unwrap_or(("model", String::new())),
        })
    }

    /// Dimensions and names that only a part of the requests has.
    fn narrowings(&self, modality: Option<&str>) -> Result<Vec<(&'static str, String)>> {
        let mut narrowings = Vec::new();
        if let Some(length) = one_of("length", self.length.as_ref(), &LENGTHS)? {
            narrowings.push(("length", length));
        }
        match modality {
            Some(TOOL_CALLING) => narrowings.push(("tools", String::new())),
            Some(IMAGE_PROMPTS) => narrowings.push(("images", String::new())),
            _ => {}
        }
        for (field, value, known) in [
            ("task", &self.task, &labels::TASKS[..]),
            ("category", &self.category, &labels::CATEGORIES[..]),
            ("language", &self.language, &labels::LANGUAGES[..]),
        ] {
            let known: Vec<&str> = known.iter().map(|(label, _)| *label).collect();
            if let Some(label) = one_of(field, value.as_ref(), &known)? {
                narrowings.push((field, label));
            }
        }
        for (field, value) in [("app", &self.app), ("provider", &self.provider)] {
            if let Some(name) = said(value.as_ref()) {
                narrowings.push((field, name.to_owned()));
            }
        }
        Ok(narrowings)
    }
}

/// The categories of apps that a group or a category names; none when nothing is said.
fn app_categories(field: &str, value: Option<&String>) -> Result<Vec<&'static str>> {
    let Some(name) = said(value) else { return Ok(Vec::new()) };
    let found = labels::app_categories_in(name);
    if found.is_empty() {
        let known = labels::APP_GROUPS.iter().map(|(group, _)| *group);
        let known: Vec<&str> = known.chain(labels::APP_CATEGORIES.iter().map(|(name, ..)| *name)).collect();
        return Err(Error::bad_request(field, format!("{field} must be one of {}", known.join(", "))));
    }
    Ok(found)
}

/// The apps of some categories.
async fn apps_of(app: &App, categories: &[&str]) -> Result<HashSet<String>> {
    let mut apps = HashSet::new();
    for category in categories {
        apps.extend(app.store.apps_of_category(category).await?);
    }
    Ok(apps)
}

/// Whether a model reads, writes or does what is asked for.
fn has_modality(model: &Model, modality: &str) -> bool {
    let has = |list: &[String], kind: &str| list.iter().any(|known| known == kind);
    let architecture = &model.architecture;
    match modality {
        "text" => has(&architecture.output_modalities, "text"),
        "image_output" => has(&architecture.output_modalities, "image"),
        TOOL_CALLING | IMAGE_PROMPTS => true,
        kind => has(&architecture.input_modalities, kind),
    }
}

impl Wish {
    fn takes(&self, catalog: &Catalog, model_id: &str) -> bool {
        // What was done was counted; models may be gone since.
        let asked = self.modality.as_deref().filter(|kind| ![TOOL_CALLING, IMAGE_PROMPTS].contains(kind));
        asked.is_none_or(|kind| catalog.model(model_id).is_some_and(|model| has_modality(model, kind)))
    }
}

async fn board(app: &App, query: &RankingsQuery) -> Result<Board> {
    let wish = query.read()?;
    let to = app.clock.now_ms().div_euclid(MS_PER_DAY) + 1;
    let from = to - wish.days;
    let catalog = app.catalog();
    let is_plain = wish.counted.0 == "model" && wish.modality.is_none();
    let counted = match (wish.kind, &wish.counted) {
        (BoardKind::Provider, _) => Counted::All("provider"),
        (BoardKind::App, _) => Counted::All("app"),
        (BoardKind::Task, _) => Counted::All("task"),
        (BoardKind::Category, _) => Counted::All("category"),
        (BoardKind::Language, _) => Counted::All("language"),
        (BoardKind::Author, _) if is_plain => Counted::All("author"),
        (BoardKind::Model | BoardKind::Author, ("model", _)) => Counted::All("model"),
        (BoardKind::Model | BoardKind::Author, (dimension, name)) => Counted::Models(dimension, name),
    };
    let mut totals = app.store.board_totals(counted, from, to).await?;
    if !is_plain {
        totals.retain(|row| wish.takes(&catalog, &row.id));
    }
    if !wish.app_categories.is_empty() {
        let apps = apps_of(app, &wish.app_categories).await?;
        totals.retain(|row| apps.contains(&row.id));
    }
    let name = |id: &str, title: &str| match wish.kind {
        BoardKind::Model => catalog.model(id).map_or_else(|| id.to_owned(), |model| model.name.clone()),
        BoardKind::Task => labels::task_name(id).unwrap_or(id).to_owned(),
        BoardKind::Category => labels::category_name(id).unwrap_or(id).to_owned(),
        BoardKind::Language => labels::language_name(id).unwrap_or(id).to_owned(),
        _ if !title.is_empty() => title.to_owned(),
        _ => id.to_owned(),
    };
    let ranks = rankings::ranks(totals, wish.kind == BoardKind::Author, wish.is_trending);
    let days = app.store.board_days(counted, &ranks.names(), from, to).await?;
    let mut board = ranks.board(&days, from, to, &name);
    if let ("app", url) = (wish.counted.0, &wish.counted.1) {
        board.title = app.store.app_title(url).await?;
        board.categories = app.store.app_categories(url).await?;
    }
    Ok(board)
}

/// `GET /api/v1/rankings` (ours, public): tokens by model, author, provider, app, task, category or language.
///
/// # Errors
/// 400 naming the values there are.
pub async fn show_rankings(
    State(app): State<Arc<App>>,
    Query(query): Query<RankingsQuery>,
) -> Result<Json<Envelope<Board>>> {
    Ok(Json(Envelope { data: board(&app, &query).await? }))
}

/// `GET /api/v1/rankings.csv` (ours, public): a line for every day and name.
///
/// # Errors
/// 400 naming the values there are.
pub async fn show_rankings_csv(State(app): State<Arc<App>>, Query(query): Query<RankingsQuery>) -> Result<Response> {
    let board = board(&app, &query).await?;
    let mut out = String::from("date,id,name,tokens\n");
    for (column, day) in board.days.iter().enumerate() {
        for row in &board.rows {
            let tokens = row.daily_tokens.get(column).copied().unwrap_or_default();
            let _ = writeln!(out, "{day},{},{},{tokens}", cell(&row.id), cell(&row.name));
        }
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"rankings.csv\""),
    ];
    Ok((headers, out).into_response())
}

/// `GET /api/v1/rankings.svg` (ours, public): the chart, to put into other pages.
///
/// # Errors
/// 400 naming the values there are.
pub async fn show_rankings_svg(State(app): State<Arc<App>>, Query(query): Query<RankingsQuery>) -> Result<Response> {
    let board = board(&app, &query).await?;
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "public, max-age=300"),
        // It holds no script; should it be opened as a page, none may be added.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    ];
    Ok((headers, picture::draw(&board, &app.config.public_url())).into_response())
}

/// A field of a CSV line. What a spreadsheet would take for a formula gets an apostrophe
/// (OWASP, "CSV Injection").
#[must_use]
pub fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_a_formula_or_a_second_cell() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(cell("plain"), "plain");
    }

    #[test]
    fn narrowings_that_exclude_each_other_are_refused() {
        let some = |text: &str| Some(text.to_owned());
        let both = RankingsQuery { length: some("1K"), app: some("https://x"), ..RankingsQuery::default() };
        assert!(both.read().is_err());
        let of_apps = RankingsQuery { by: some("app"), category: some("programming"), ..RankingsQuery::default() };
        assert!(of_apps.read().is_err());
        assert!(RankingsQuery { length: some(""), ..RankingsQuery::default() }.read().is_ok());
    }
}
