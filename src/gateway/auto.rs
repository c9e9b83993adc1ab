//! `openrouter/auto`: a model for the task, within a price band, that can do what the
//! request needs.
//!
//! The task is read off the request here, without a model. Ranked is by what callers
//! of this server use, by what the catalog says a model is for, and by age. Source of
//! the options: `AutoRouterPlugin` of the original's API description.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::named::{self, Named, Strategy};
use super::route;
use crate::App;
use crate::catalog::category::Category;
use crate::catalog::{Catalog, Endpoint, Model};
use crate::dialects::Inference;
use crate::dialects::inference::{Part, Role};
use crate::error::{Error, Result};

pub const NAME: &str = "openrouter/auto";
/// The pick and its fallbacks.
const CHOICES: usize = 5;
/// A band holds so many models at least, where there are so many.
const LEAST_IN_BAND: usize = 3;
/// Prompts longer than this are a task of their own, tokens.
const LONG_PROMPT: u64 = 50_000;
const SECONDS_PER_YEAR: f64 = 31_557_600.0;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    ToolUse,
    Vision,
    LongContext,
    Code,
    Math,
    Translation,
    Summarization,
    Extraction,
    Roleplay,
    Writing,
    Chat,
}

impl Task {
    const fn word(self) -> &'static str {
        match self {
            Self::ToolUse => "tool_use",
            Self::Vision => "vision",
            Self::LongContext => "long_context",
            Self::Code => "code",
            Self::Math => "math",
            Self::Translation => "translation",
            Self::Summarization => "summarization",
            Self::Extraction => "data_extraction",
            Self::Roleplay => "roleplay",
            Self::Writing => "writing",
            Self::Chat => "chat",
        }
    }

    /// What the request itself says it is.
    fn of(inference: &Inference, prompt_tokens: u64) -> Self {
        let has = |wanted: fn(&Part) -> bool| inference.messages.iter().flat_map(|m| &m.content).any(wanted);
        if !inference.tools.is_empty() {
            return Self::ToolUse;
        }
        if has(|part| matches!(part, Part::Image { .. } | Part::Video { .. })) {
            return Self::Vision;
        }
        if prompt_tokens > LONG_PROMPT {
            return Self::LongContext;
        }
        let last = inference.messages.iter().rev().find(|message| message.role == Role::User);
        let text: String = last
            .into_iter()
            .flat_map(|message| &message.content)
            .filter_map(|part| if let Part::Text { text, .. } = part { Some(text.as_str()) } else { None })
            .flat_map(|text| text.chars().take(4_000))
            .collect();
        let by_words = Self::of_words(&text.to_lowercase());
        let wants_json = inference.wants_json();
        if by_words == Self::Chat && wants_json { Self::Extraction } else { by_words }
    }

    fn of_words(text: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let is_code = ["```", "fn ", "def ", "class ", "import ", "select ", "#include", "function(", "=> {", "</"];
        let table: [(&[&str], Self); 8] = [
            (&is_code, Self::Code),
            (&["stack trace", "refactor", "unit test", "regex", "compile", "python", "javascript", "rust"], Self::Code),
            (&["translate", "übersetze", "traduis", "traduce", "in english", "into german"], Self::Translation),
            (&["summarize", "summarise", "summary of", "tl;dr", "key points"], Self::Summarization),
            (&["prove that", "integral", "equation", "solve for", "probability of", "derivative"], Self::Math),
            (&["extract", "as a json", "as json", "classify", "into a table"], Self::Extraction),
            (&["roleplay", "role-play", "stay in character", "you are a character"], Self::Roleplay),
            (
                &["write a story", "write a poem", "write an essay", "blog post", "rewrite", "cover letter"],
                Self::Writing,
            ),
        ];
        table.into_iter().find(|(words, _)| has(words)).map_or(Self::Chat, |(_, task)| task)
    }

    fn suits(self, model: &Model) -> bool {
        match self {
            Self::Code | Self::ToolUse => Category::Programming.fits(model),
            Self::Math => model.supported_parameters.iter().any(|name| name == "reasoning"),
            Self::Roleplay => Category::Roleplay.fits(model),
            _ => Category::General.fits(model),
        }
    }
}

/// The plugin's options.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Options {
    allowed_models: Option<Vec<String>>,
    excluded_models: Vec<String>,
    cost_tier: Option<String>,
    cost_quality_tradeoff: Option<u8>,
    pin_model: bool,
}

/// The models to try, and how they were found, as a stage of the metadata's `pipeline`.
#[derive(Debug)]
pub struct Choice {
    pub models: Vec<Named>,
    pub stage: Value,
}

/// Chooses.
///
/// # Errors
/// 400 for an option that is wrong; 404 when no model is left.
pub fn choose(app: &App, catalog: &Catalog, inference: &Inference, prompt_tokens: u64) -> Result<Choice> {
    let options = options(inference)?;
    let task = Task::of(inference, prompt_tokens);
    let (low, high) = band(&options)?;
    let mut able: Vec<(&Arc<Model>, i128)> = catalog
        .models
        .values()
        .filter(|model| !model.id.contains(':') && options.allows(&model.id))
        .filter_map(|model| {
            let fit =
                model.endpoints.iter().filter(|endpoint| can_do(app, catalog, endpoint, inference, prompt_tokens));
            fit.map(|endpoint| route::blended(endpoint)).min().map(|price| (model, price))
        })
        .collect();
    if able.is_empty() {
        return Err(nothing_left(&options));
    }
    able.sort_by(|(a, price), (b, other)| (price, &a.id).cmp(&(other, &b.id)));
    let count = able.len();
    let end = (count * high).div_ceil(100).max(LEAST_IN_BAND.min(count));
    let begin = (count * low / 100).min(end.saturating_sub(LEAST_IN_BAND.min(end)));
    let in_band: Vec<&Arc<Model>> = able.iter().take(end).skip(begin).map(|(model, _)| *model).collect();
    let mut ranked: Vec<(f64, &Arc<Model>)> = in_band.iter().map(|model| (score(app, task, model), *model)).collect();
    ranked.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.id.cmp(&other.id)));
    let mut chosen: Vec<Arc<Model>> = ranked.iter().take(CHOICES).map(|(_, model)| Arc::clone(model)).collect();
    let pinned = options.pin_model.then(|| pinned(inference)).flatten();
    let pinned = pinned.and_then(|name| able.iter().find(|(model, _)| model.id == name).map(|(model, _)| *model));
    if let Some(pinned) = pinned {
        chosen.retain(|model| model.id != pinned.id);
        chosen.insert(0, Arc::clone(pinned));
    }
    let names: Vec<&str> = chosen.iter().map(|model| model.id.as_str()).collect();
    let stage = json!({
        "type": "plugin",
        "name": "auto-router",
        "summary": format!("task={}, {} models in the band, chosen={}", task.word(), in_band.len(), names.join(", ")),
        "data": {
            "task_type": task.word(),
            "cost_band": { "from_percentile": low, "to_percentile": high },
            "able": count,
            "in_band": in_band.len(),
            "pinned": pinned.map(|model| model.id.as_str()),
            "chosen": names,
        },
    });
    let models = chosen.into_iter().map(|model| Named::plain(model, Strategy::Auto)).collect();
    Ok(Choice { models, stage })
}

/// Percentiles of the price, from and to.
fn band(options: &Options) -> Result<(usize, usize)> {
    Ok(match (options.cost_tier.as_deref(), options.cost_quality_tradeoff) {
        (Some("medium"), _) => (20, 40),
        (Some("high"), _) => (40, 60),
        (Some("xhigh"), _) => (60, 80),
        (Some("max"), _) => (80, 100),
        (None, Some(cheapness @ 0..=10)) => (0, 10 + (10 - usize::from(cheapness)) * 8),
        (None, Some(_)) => {
            let field = "plugins.auto-router.cost_quality_tradeoff";
            return Err(Error::bad_request(field, format!("{field} must be from 0 to 10")));
        }
        (Some("low"), _) | (None, None) => (0, 20),
        (Some(_), _) => {
            let field = "plugins.auto-router.cost_tier";
            return Err(Error::bad_request(field, format!("{field} must be low, medium, high, xhigh or max")));
        }
    })
}

fn options(inference: &Inference) -> Result<Options> {
    let Some(raw) = inference.raw.get("plugins") else { return Ok(Options::default()) };
    let wrong = |error: serde_json::Error| {
        let message = format!("plugins must be an array of objects with an id, and auto-router's options fit: {error}");
        Error::bad_request("plugins", message)
    };
    let plugins: Vec<Value> = serde_json::from_str(raw.get()).map_err(wrong)?;
    let own = plugins.into_iter().find(|plugin| plugin["id"] == "auto-router" && plugin["enabled"] != json!(false));
    own.map_or_else(|| Ok(Options::default()), |own| serde_json::from_value(own).map_err(wrong))
}

impl Options {
    fn allows(&self, id: &str) -> bool {
        let is_in = |list: &[String]| list.iter().any(|pattern| matches(pattern, id));
        self.allowed_models.as_deref().is_none_or(is_in) && !is_in(&self.excluded_models)
    }
}

/// Whether an id fits a pattern, in which `*` stands for anything.
fn matches(pattern: &str, id: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| id.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

/// Whether an endpoint takes what the request brings and gives what it asks for.
fn can_do(app: &App, catalog: &Catalog, endpoint: &Endpoint, inference: &Inference, prompt_tokens: u64) -> bool {
    let takes = |kind: &&str| endpoint.input_modalities.iter().any(|own| own == kind);
    let asked = inference.parameters_in_use();
    let is_asked = |name: &&str| matches!(*name, "tools" | "structured_outputs" | "reasoning");
    // Half as much again for the answer.
    let has_room =
        endpoint.context_length.and_then(|own| u64::try_from(own).ok()).is_none_or(|own| own > prompt_tokens * 3 / 2);
    let outputs = if inference.modalities.is_empty() {
        vec!["text"]
    } else {
        inference.modalities.iter().map(String::as_str).collect()
    };
    // Nobody who leaves the choice to us has asked for a service tier's price.
    endpoint.tier().is_none()
        && catalog.provider(&endpoint.provider_slug).is_some_and(|provider| app.can_call(provider))
        && has_room
        && outputs.iter().all(|kind| endpoint.output_modalities.iter().any(|own| own == kind))
        && endpoint.output_modalities.iter().any(|own| own == "text")
        && named::media(inference).iter().all(takes)
        && asked.iter().filter(|name| is_asked(name)).all(|name| endpoint.supports(name))
}

/// Higher is better: what callers use counts most, then what it is for, then its age.
fn score(app: &App, task: Task, model: &Model) -> f64 {
    let usage = app.popularity();
    let most = usage.values().copied().max().unwrap_or(0).max(1);
    let own = usage.get(&model.id).copied().unwrap_or(0);
    let used = share(own, most).sqrt();
    let age_years = share(app.clock.now_ms() / 1_000 - model.created, 1) / SECONDS_PER_YEAR;
    let fresh = (1.0 - age_years / 3.0).clamp(0.0, 1.0);
    used * 3.0 + f64::from(u8::from(task.suits(model))) * 2.0 + fresh
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "a rank needs no exact count")]
fn share(part: i64, whole: i64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// The model that gave the last answer, as the caller repeats it.
fn pinned(inference: &Inference) -> Option<String> {
    let messages: Vec<Value> = serde_json::from_str(inference.raw.get("messages")?.get()).ok()?;
    let last = messages.iter().rev().find(|message| message["role"] == "assistant")?;
    last["model"].as_str().map(str::to_owned)
}

fn nothing_left(options: &Options) -> Error {
    let narrowed = options.allowed_models.is_some() || !options.excluded_models.is_empty();
    let remedy = if narrowed {
        "widen plugins.auto-router.allowed_models or excluded_models"
    } else {
        "drop what the request needs (tools, images, a schema, a long prompt), or name a model"
    };
    Error::NothingRoutable {
        message: format!("No model of this server can do what `{NAME}` is asked. To get an answer, {remedy}."),
        availability: json!({
            "code": "constraint_filtered",
            "retryable": false,
            "requested_models": [NAME],
            "excluded_by": [if narrowed { "allowed_models" } else { "capabilities" }],
            "docs_url": "/docs",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::chat_completions::parse::parse;

    fn task(content: &str) -> Task {
        let body = json!({ "model": NAME, "messages": [{ "role": "user", "content": content }] });
        Task::of(&parse(body.to_string().as_bytes()).unwrap(), 100)
    }

    #[test]
    fn the_task_is_read_off_the_request() {
        assert_eq!(task("Why does this not compile?\n```rust\nfn main() {}\n```"), Task::Code);
        assert_eq!(task("Translate this into German: good morning"), Task::Translation);
        assert_eq!(task("Please summarize the following article"), Task::Summarization);
        assert_eq!(task("Prove that the square root of 2 is irrational"), Task::Math);
        assert_eq!(task("Hello, how are you?"), Task::Chat);
    }

    #[test]
    fn patterns_may_have_stars_anywhere() {
        assert!(matches("anthropic/*", "anthropic/claude") && !matches("anthropic/*", "openai/gpt"));
        assert!(matches("*", "a/b") && matches("a/*-mini", "a/x-mini") && !matches("a/*-mini", "a/mini-x"));
        assert!(matches("a/b", "a/b") && !matches("a/b", "a/bc") && matches("*gpt*", "openai/gpt-5"));
    }
}
