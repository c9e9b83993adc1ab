//! OpenAI's answer as providers really send it. Fields we do not name are
//! skipped; fields of little use are read leniently.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::dialects::Usage;
use crate::dialects::lenient::{self, own_or_absent};
use crate::dialects::text::Text;

/// A chunk of a stream, or a whole answer.
#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default, deserialize_with = "own_or_absent")]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "own_or_absent")]
    pub(super) model: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "own_or_absent")]
    pub(super) x_groq: Option<Groq<'a>>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) system_fingerprint: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) service_tier: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) citations: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Groq<'a> {
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    pub(super) index: Option<u32>,
    #[serde(borrow)]
    pub(super) delta: Option<Message<'a>>,
    #[serde(borrow)]
    pub(super) message: Option<Message<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "own_or_absent")]
    pub(super) native_finish_reason: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) logprobs: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
    #[serde(borrow, default, deserialize_with = "own_or_absent")]
    pub(super) refusal: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) reasoning: Option<Content<'a>>,
    #[serde(borrow)]
    pub(super) reasoning_content: Option<Content<'a>>,
    #[serde(default, deserialize_with = "own_or_absent")]
    pub(super) reasoning_details: Option<Vec<Value>>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<Vec<Call<'a>>>,
    #[serde(borrow)]
    pub(super) function_call: Option<Function<'a>>,
    #[serde(default, deserialize_with = "own_or_absent")]
    pub(super) annotations: Option<Vec<Value>>,
    #[serde(default, deserialize_with = "own_or_absent")]
    pub(super) images: Option<Vec<Value>>,
    pub(super) audio: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct Call<'a> {
    pub(super) index: Option<u32>,
    #[serde(borrow, default, deserialize_with = "own_or_absent")]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) function: Option<Function<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Function<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
}

/// `content` is a string, or at Mistral a list of parts.
pub(super) enum Content<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<Value>),
    /// Something no provider is known to send.
    Strange,
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of parts")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Content::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Content::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = items.next_element()? {
            parts.push(part);
        }
        Ok(Content::Parts(parts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Content::Strange)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Content::Strange)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Content::Strange)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Content::Strange)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Content::Strange)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
    /// DeepSeek.
    prompt_cache_hit_tokens: Option<u64>,
    /// Mistral.
    num_cached_tokens: Option<u64>,
    /// Together, Moonshot.
    cached_tokens: Option<u64>,
    /// Gateways before Anthropic.
    cache_creation_input_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
    /// OpenRouter.
    server_tool_use: Option<ServerToolUse>,
    server_tool_use_details: Option<ServerToolUse>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct PromptDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    audio_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
    audio_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServerToolUse {
    web_search_requests: Option<u64>,
}

/// The counts in OpenAI's accounting; `None` when there are none.
/// `is_reasoning_outside` says that `completion_tokens` leaves reasoning out.
pub(super) fn usage(raw: &RawValue, is_reasoning_outside: bool) -> Option<Usage> {
    if raw.get() == "null" {
        return None;
    }
    let wire: WireUsage = serde_json::from_str(raw.get()).ok().or_else(|| lenient::counts(raw.get()))?;
    let prompt = wire.prompt_tokens_details.unwrap_or_default();
    let completion = wire.completion_tokens_details.unwrap_or_default();
    let reasoning_tokens = completion.reasoning_tokens.or(wire.reasoning_tokens);
    let mut completion_tokens = wire.completion_tokens;
    if let (Some(inside), Some(reasoning)) = (completion_tokens, reasoning_tokens) {
        let sum = wire.prompt_tokens.unwrap_or(0).saturating_add(inside);
        // The total tells how the provider counts; the quirk decides where it is missing.
        let is_outside = wire
            .total_tokens
            .map_or(is_reasoning_outside, |total| reasoning > 0 && total == sum.saturating_add(reasoning));
        if is_outside {
            completion_tokens = Some(inside.saturating_add(reasoning));
        }
    }
    let usage = Usage {
        cache_write_1h_tokens: None,
        searches: None,
        prompt_tokens: wire.prompt_tokens,
        completion_tokens,
        cached_tokens: prompt
            .cached_tokens
            .or(wire.num_cached_tokens)
            .or(wire.prompt_cache_hit_tokens)
            .or(wire.cached_tokens),
        cache_write_tokens: prompt.cache_write_tokens.or(wire.cache_creation_input_tokens),
        reasoning_tokens,
        prompt_audio_tokens: prompt.audio_tokens,
        completion_audio_tokens: completion.audio_tokens,
        web_search_requests: wire
            .server_tool_use
            .or(wire.server_tool_use_details)
            .and_then(|tools| tools.web_search_requests),
        ..Usage::default()
    };
    (usage != Usage::default()).then_some(usage)
}
