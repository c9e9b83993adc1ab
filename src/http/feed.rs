//! The catalog as a feed: what is new, for readers of RSS.

use std::fmt::Write as _;

use app::api::encode;
use app::components::markdown::{escape, to_text};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use chrono::DateTime;

use super::models::context;
use crate::App;
use crate::catalog::Model;
use crate::catalog::filter::{self, ModelsQuery};
use crate::error::Result;

/// Entries of a feed that names no limit.
const ENTRIES: &str = "100";

/// The models that fit, as RSS 2.0.
///
/// # Errors
/// 400 naming the field and what it takes.
pub fn models_feed(app: &App, mut query: ModelsQuery) -> Result<Response> {
    let leads_to_chat = query.has_chat_links()?;
    query.sort = query.sort.filter(|sort| !sort.is_empty()).or_else(|| Some("newest".to_owned()));
    query.limit = query.limit.filter(|limit| !limit.is_empty()).or_else(|| Some(ENTRIES.to_owned()));
    let catalog = app.catalog();
    let (popularity, uses) = (app.popularity(), app.uses());
    let page = filter::list(&catalog, &query, &context(app, &catalog, &popularity, &uses))?;
    let site = app.config.public_url();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"><channel>");
    let _ = write!(
        out,
        "<title>Models on Patchbay</title><link>{0}/models</link><description>What the catalog of {0} offers.</description>",
        escape(&site)
    );
    for model in page.models {
        entry(&mut out, &site, model, leads_to_chat);
    }
    out.push_str("</channel></rss>\n");
    Ok(([(header::CONTENT_TYPE, "application/rss+xml; charset=utf-8")], out).into_response())
}

fn entry(out: &mut String, site: &str, model: &Model, leads_to_chat: bool) {
    let link = if leads_to_chat {
        format!("{site}/chat?model={}", encode(&model.id))
    } else {
        format!("{site}/models/{}", model.id)
    };
    let date = DateTime::from_timestamp(model.created, 0).unwrap_or_default().to_rfc2822();
    let text = model.description.as_deref().map(to_text).unwrap_or_default();
    let _ = write!(
        out,
        "<item><title>{}</title><link>{}</link><guid isPermaLink=\"false\">{}</guid><pubDate>{date}</pubDate><description>{}</description></item>",
        text_of(&model.name),
        escape(&link),
        escape(&model.id),
        text_of(&text),
    );
}

/// Text without the characters that XML cannot hold.
fn text_of(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    escape(&text)
}
