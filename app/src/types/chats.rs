//! Conversations of the chat room, and the votes of its blind comparisons.

use serde::{Deserialize, Serialize};

use super::models::{Model, Pricing};
use super::{Money, Price};

/// The model being talked to, as the room shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ModelChoice {
    pub id: String,
    pub name: String,
    /// Prices for people.
    #[serde(default)]
    pub price: String,
    #[serde(default)]
    pub is_simulated: bool,
    /// It is known not to call tools.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_toolless: bool,
}

/// A model as the room reads it from the catalog: the rest of a [`Model`] is no use there.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Candidate {
    id: String,
    name: String,
    pricing: CandidatePrices,
    #[serde(default)]
    supported_parameters: Vec<String>,
    #[serde(default)]
    is_simulated: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct CandidatePrices {
    prompt: Price,
    completion: Price,
    #[serde(default)]
    request: Price,
}

impl From<Candidate> for ModelChoice {
    fn from(model: Candidate) -> Self {
        let prices = model.pricing;
        let is_free = [prices.prompt, prices.completion, prices.request].into_iter().all(Price::is_zero);
        let price = if is_free {
            "Free".to_owned()
        } else {
            format!("{} in, {} out per M tokens", prices.prompt.per_million(), prices.completion.per_million())
        };
        let is_toolless = !model.supported_parameters.iter().any(|name| name == "tools");
        Self { id: model.id, name: model.name, price, is_simulated: model.is_simulated, is_toolless }
    }
}

impl From<&Model> for ModelChoice {
    fn from(model: &Model) -> Self {
        let Pricing { prompt, completion, request, .. } = model.pricing;
        let pricing = CandidatePrices { prompt, completion, request: request.unwrap_or_default() };
        Self::from(Candidate {
            id: model.id.clone(),
            name: model.name.clone(),
            pricing,
            supported_parameters: model.supported_parameters.clone(),
            is_simulated: model.is_simulated,
        })
    }
}

/// What is known about an answer besides its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Facts {
    pub id: Option<String>,
    pub model: Option<String>,
    pub provider: Option<String>,
    pub finish_reason: Option<String>,
    pub prompt_tokens: Option<i64>,
    pub completion_tokens: Option<i64>,
    pub cost: Option<Money>,
    pub first_token_ms: Option<i64>,
    pub total_ms: Option<i64>,
    /// The reader stopped it.
    pub is_stopped: bool,
}

/// Why there is no (whole) answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Problem {
    pub status: u16,
    pub message: String,
}

/// A file that was sent with a question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Attachment {
    /// Where its content is kept: `/chats/{id}/files/{this}`, or on the device.
    #[serde(default)]
    pub id: String,
    pub name: String,
    /// `image/png`
    pub kind: String,
    /// `data:image/png;base64,…`. Only in what is exported: it is kept apart from the conversation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub data: String,
}

/// What a tool was asked, and what it said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// JSON as the model wrote it.
    pub arguments: String,
    pub result: String,
}

/// What an answer did before its last words: text, and the tools it called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ToolStep {
    pub content: String,
    pub calls: Vec<ToolCall>,
    /// The model's thoughts as its provider wants them back, while the answer is under way.
    #[serde(skip)]
    #[cfg_attr(feature = "ssr", schema(ignore))]
    pub details: Vec<serde_json::Value>,
}

/// A page that an answer names as its source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Source {
    #[serde(default)]
    pub url: String,
    #[serde(default)]
    pub title: String,
}

impl Source {
    /// What to call it.
    #[must_use]
    pub fn name(&self) -> &str {
        if self.title.is_empty() { &self.url } else { &self.title }
    }

    /// It is an address that a link may lead to.
    #[must_use]
    pub fn is_web(&self) -> bool {
        self.url.starts_with("https://") || self.url.starts_with("http://")
    }
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Kept {
    pub is_answer: bool,
    pub content: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reasoning: String,
    #[serde(default)]
    pub facts: Facts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<ToolStep>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
}

/// What a model is asked with. Empty fields leave the model's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Settings {
    pub system: String,
    pub temperature: String,
    pub top_p: String,
    pub max_tokens: String,
    /// `low`, `medium`, `high`
    pub reasoning: String,
    /// Slug of the only provider to ask.
    pub provider: String,
    /// The model may call the room's tools.
    pub has_tools: bool,
    /// The answer may rest on a search of the web.
    pub has_web: bool,
}

/// One model's side of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ChatColumn {
    pub model: Option<ModelChoice>,
    #[serde(default)]
    pub settings: Settings,
    pub turns: Vec<Kept>,
}

/// A whole conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ChatDocument {
    /// One to six.
    pub columns: Vec<ChatColumn>,
}

impl ChatDocument {
    /// Every file of every question.
    pub fn files(&self) -> impl Iterator<Item = &Attachment> {
        self.columns.iter().flat_map(|column| &column.turns).flat_map(|turn| &turn.attachments)
    }

    /// Every file, to be changed.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut Attachment> {
        self.columns.iter_mut().flat_map(|column| &mut column.turns).flat_map(|turn| &mut turn.attachments)
    }

    /// The beginning of the first question.
    #[must_use]
    pub fn title(&self) -> String {
        let question = self.columns.iter().flat_map(|column| &column.turns).find(|turn| !turn.is_answer);
        let words = question.map(|turn| turn.content.split_whitespace().collect::<Vec<_>>().join(" "));
        let title: String = words.unwrap_or_default().chars().take(80).collect();
        if title.is_empty() { "New chat".to_owned() } else { title }
    }
}

/// `GET /api/v1/chats` (ours), one of `data`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ChatSummary {
    pub id: String,
    pub title: String,
    /// RFC 3339.
    pub updated_at: String,
    /// The last part of the link under which others may read it.
    pub share_id: Option<String>,
    #[serde(default)]
    pub folder_id: Option<String>,
}

/// A conversation kept on the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Chat {
    pub id: String,
    pub title: String,
    pub updated_at: String,
    pub share_id: Option<String>,
    #[serde(default)]
    pub folder_id: Option<String>,
    /// Who has the link sees its images, too.
    #[serde(default)]
    pub shares_images: bool,
    pub document: ChatDocument,
}

/// `PUT /api/v1/chats/{id}` (ours) and `POST /api/v1/chats`: what to keep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct SaveChat {
    /// Taken from the first question when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The folder of a new conversation; a kept one stays where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder_id: Option<String>,
    pub document: ChatDocument,
}

/// `PATCH /api/v1/chats/{id}` (ours): what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ChangeChat {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The folder to move it to; empty takes it out of its folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder_id: Option<String>,
}

/// `GET /api/v1/chat-folders` (ours), one of `data`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Folder {
    pub id: String,
    pub name: String,
}

/// `POST /api/v1/chat-folders` and `PATCH /api/v1/chat-folders/{id}` (ours).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct NameFolder {
    pub name: String,
}

/// `POST /api/v1/votes` (ours): which of two answers to the same question is better.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CastVote {
    pub generation_a: String,
    pub generation_b: String,
    /// `a`, `b`, `tie` or `neither`
    pub outcome: String,
}

/// Who the two were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CountedVote {
    pub model_a: String,
    pub model_b: String,
}

/// `GET /api/v1/ratings` (ours), inside `data`: how often models are preferred.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Ratings {
    /// Best first.
    pub models: Vec<Rating>,
    pub votes: u64,
    pub voters: u64,
    /// Some of the answers were simulated.
    pub has_simulated: bool,
}

/// A model's place among those compared with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Rating {
    pub id: String,
    pub name: String,
    /// Elo's scale: 400 more wins ten of eleven.
    pub rating: f64,
    /// 95 % of the time the true rating is between these.
    pub low: f64,
    pub high: f64,
    /// The rating of the answers' content alone, with the effect of their length taken out.
    pub rating_without_length: f64,
    pub votes: u64,
    /// Percent; a tie is half a win.
    pub win_rate: f64,
}

/// `POST /api/v1/math` (ours).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Formulas {
    pub formulas: Vec<Formula>,
}

/// A formula in the notation of TeX.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Formula {
    pub tex: String,
    /// It stands on a line of its own.
    #[serde(default)]
    pub is_display: bool,
}
