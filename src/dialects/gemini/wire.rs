//! Gemini's answer. In a stream every event is one of these.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::partial::Piece;
use crate::dialects::lenient::{counts_or_absent, or_absent};
use crate::dialects::text::Text;
use crate::dialects::{FinishReason, Usage};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer<'a> {
    #[serde(borrow)]
    pub(super) candidates: Option<Vec<&'a RawValue>>,
    pub(super) prompt_feedback: Option<PromptFeedback>,
    #[serde(default, deserialize_with = "counts_or_absent")]
    pub(super) usage_metadata: Option<WireUsage>,
    #[serde(borrow)]
    pub(super) model_version: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) response_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    pub(super) index: Option<u32>,
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Option<&'a RawValue>,
    pub(super) finish_message: Option<String>,
    #[serde(default, deserialize_with = "or_absent")]
    pub(super) grounding_metadata: Option<Grounding>,
    #[serde(default, deserialize_with = "or_absent")]
    pub(super) logprobs_result: Option<super::logprobs::Logprobs>,
}

#[derive(Deserialize)]
pub(super) struct Content<'a> {
    #[serde(borrow)]
    pub(super) parts: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(default, deserialize_with = "or_absent")]
    pub(super) thought: Option<bool>,
    #[serde(borrow)]
    pub(super) thought_signature: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) function_call: Option<Call<'a>>,
    #[serde(borrow)]
    pub(super) inline_data: Option<Blob<'a>>,
}

impl Part<'_> {
    /// A part of a kind the canonical answer has no word for.
    pub(super) fn is_unknown(&self) -> bool {
        self.text.is_none()
            && self.thought_signature.is_none()
            && self.function_call.is_none()
            && self.inline_data.is_none()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Call<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) args: Option<&'a RawValue>,
    pub(super) partial_args: Option<Vec<Piece>>,
    #[serde(default, deserialize_with = "or_absent")]
    pub(super) will_continue: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    #[serde(borrow)]
    pub(super) mime_type: Text<'a>,
    #[serde(borrow)]
    pub(super) data: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PromptFeedback {
    pub(super) block_reason: Option<String>,
    pub(super) block_reason_message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Grounding {
    grounding_chunks: Option<Vec<Value>>,
    web_search_queries: Option<Vec<String>>,
}

impl Grounding {
    /// What is billed as searches: each query since Gemini 3, one for the answer before.
    pub(super) fn searches(&self, is_per_query: bool) -> Option<u64> {
        let queries = self.web_search_queries.as_ref().map_or(0, Vec::len);
        let queries = u64::try_from(queries).unwrap_or(u64::MAX);
        (queries > 0).then_some(if is_per_query { queries } else { 1 })
    }

    /// The pages the answer rests on, as OpenAI's annotations.
    pub(super) fn annotations(self) -> impl Iterator<Item = Value> {
        self.grounding_chunks.unwrap_or_default().into_iter().filter_map(|chunk| {
            let web = chunk.get("web")?;
            let text = |key: &str| web.get(key).and_then(Value::as_str);
            Some(serde_json::json!({
                "type": "url_citation",
                "url_citation": { "url": text("uri")?, "title": text("title").unwrap_or_default(), "start_index": 0, "end_index": 0 },
            }))
        })
    }
}

/// Counts as Gemini keeps them: cumulative, thoughts and tool prompts apart.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WireUsage {
    prompt_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    prompt_tokens_details: Option<Vec<Modality>>,
    candidates_tokens_details: Option<Vec<Modality>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Modality {
    modality: String,
    token_count: u64,
}

impl WireUsage {
    /// Takes over what `newer` says: early events lack some counts.
    pub(super) fn merge(&mut self, newer: Self) {
        self.prompt_token_count = newer.prompt_token_count.or(self.prompt_token_count);
        self.candidates_token_count = newer.candidates_token_count.or(self.candidates_token_count);
        self.thoughts_token_count = newer.thoughts_token_count.or(self.thoughts_token_count);
        self.tool_use_prompt_token_count = newer.tool_use_prompt_token_count.or(self.tool_use_prompt_token_count);
        self.cached_content_token_count = newer.cached_content_token_count.or(self.cached_content_token_count);
        self.prompt_tokens_details = newer.prompt_tokens_details.or(self.prompt_tokens_details.take());
        self.candidates_tokens_details = newer.candidates_tokens_details.or(self.candidates_tokens_details.take());
    }

    pub(super) fn counts(&self) -> Usage {
        let audio = |details: &Option<Vec<Modality>>| {
            let found = details.as_ref()?.iter().find(|detail| detail.modality == "AUDIO");
            found.map(|detail| detail.token_count)
        };
        Usage {
            prompt_tokens: sum(self.prompt_token_count, self.tool_use_prompt_token_count),
            completion_tokens: sum(self.candidates_token_count, self.thoughts_token_count),
            cached_tokens: self.cached_content_token_count,
            reasoning_tokens: self.thoughts_token_count,
            prompt_audio_tokens: audio(&self.prompt_tokens_details),
            completion_audio_tokens: audio(&self.candidates_tokens_details),
            ..Usage::default()
        }
    }
}

/// `None` only when neither is known.
fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (None, None) => None,
        _ => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
    }
}

/// The reason as a word; Vertex sometimes sends the number of its enum.
pub(super) fn reason_word(raw: &RawValue) -> Option<String> {
    match serde_json::from_str(raw.get()).ok()? {
        Value::String(word) if !word.is_empty() && word != "FINISH_REASON_UNSPECIFIED" => Some(word),
        Value::Number(number) => match number.as_u64()? {
            0 => None,
            1 => Some("STOP".to_owned()),
            2 => Some("MAX_TOKENS".to_owned()),
            3 => Some("SAFETY".to_owned()),
            4 => Some("RECITATION".to_owned()),
            5 => Some("OTHER".to_owned()),
            // From here on AI Studio and Vertex count differently.
            other => Some(other.to_string()),
        },
        _ => None,
    }
}

pub(super) fn finish_reason(native: &str, has_calls: bool) -> FinishReason {
    match native {
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => FinishReason::ContentFilter,
        _ if has_calls => FinishReason::ToolCalls,
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "MISSING_THOUGHT_SIGNATURE" | "TOO_MANY_TOOL_CALLS" => {
            FinishReason::Error
        }
        _ => FinishReason::Stop,
    }
}
