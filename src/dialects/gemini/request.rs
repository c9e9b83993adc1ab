//! The request body.

use serde::Serialize;
use serde_json::{Value, json};

use super::contents::{Turn, WirePart, contents};
use super::untranslatable;
use crate::dialects::inference::{Inference, Reasoning, ResponseFormat, Tool, ToolChoice};
use crate::dialects::{Target, Untranslatable, WebSearch, reasoning};

/// Gemini takes no more stop sequences.
const STOP_LIMIT: usize = 5;
/// What the thinking models produce at most, for an endpoint whose limit is unknown, tokens.
const OUTPUT_LIMIT: u64 = 65_536;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<System<'a>>,
    contents: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<Value>,
    generation_config: Settings<'a>,
}

#[derive(Serialize)]
struct System<'a> {
    parts: Vec<WirePart<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Settings<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_modalities: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speech_config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<u64>,
}

/// What differs between generations, read off the model's name. Source:
/// Google's documentation of thinking and of thought signatures.
#[derive(Clone, Copy)]
struct Generation {
    major: u16,
    minor: u16,
    is_flash: bool,
}

impl Generation {
    /// Names without a number count as newest.
    fn of(model: &str) -> Self {
        let number = model.split('-').find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        let (major, minor) = number.map_or(("", ""), |number| number.split_once('.').unwrap_or((number, "0")));
        Self {
            major: major.parse().unwrap_or(u16::MAX),
            minor: minor.parse().unwrap_or(0),
            is_flash: model.contains("flash"),
        }
    }

    fn thinks(self) -> bool {
        (self.major, self.minor) >= (2, 5)
    }

    /// Wants a level where its elders want a budget, and signatures on calls.
    fn has_levels(self) -> bool {
        self.major >= 3
    }

    fn level(self, effort: &str) -> &'static str {
        match effort {
            "minimal" | "none" if self.is_flash => "minimal",
            "minimal" | "none" | "low" => "low",
            "medium" if self.is_flash || (self.major, self.minor) >= (3, 1) => "medium",
            _ => "high",
        }
    }

    /// The budgets the 2.5 models accept, in tokens; only Flash can stop thinking.
    fn budget(self, tokens: u64) -> u64 {
        if self.is_flash { tokens.min(24_576) } else { tokens.clamp(128, 32_768) }
    }
}

/// The model refuses calls without a signature.
pub(super) fn needs_signatures(model: &str) -> bool {
    Generation::of(model).has_levels()
}

/// The model's searches are billed one by one, not once for each answer.
pub(super) fn pays_per_query(model: &str) -> bool {
    Generation::of(model).major >= 3
}

pub(super) fn body(target: &Target<'_>, model: &str, inference: &Inference) -> Result<Vec<u8>, Untranslatable> {
    let generation = Generation::of(model);
    let contents = contents(&inference.messages, generation.has_levels())?;
    let body = Body {
        system_instruction: (!contents.system.is_empty()).then_some(System { parts: contents.system }),
        contents: contents.turns,
        tools: tools(inference)?,
        tool_config: tool_config(inference),
        generation_config: settings(target, generation, inference)?,
    };
    serde_json::to_vec(&body).map_err(|error| untranslatable("body", error))
}

fn settings<'a>(
    target: &Target<'_>,
    generation: Generation,
    inference: &'a Inference,
) -> Result<Settings<'a>, Untranslatable> {
    let sampling = &inference.sampling;
    if sampling.stop.len() > STOP_LIMIT {
        return Err(untranslatable("stop", format!("Gemini takes at most {STOP_LIMIT} sequences")));
    }
    let limit = target.max_output_tokens.and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0);
    let max_output_tokens = sampling.max_tokens.map(|wish| limit.map_or(wish, |limit| wish.min(limit)));
    let (response_mime_type, response_json_schema) = match &inference.response_format {
        Some(ResponseFormat::JsonObject) => (Some("application/json"), None),
        Some(ResponseFormat::JsonSchema { schema, .. }) => (Some("application/json"), Some(schema)),
        Some(ResponseFormat::Other(_)) => {
            return Err(untranslatable("response_format", "Gemini knows JSON and JSON schemas only"));
        }
        Some(ResponseFormat::Text) | None => (None, None),
    };
    let room = max_output_tokens.or(limit).unwrap_or(OUTPUT_LIMIT);
    Ok(Settings {
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k.filter(|top_k| *top_k > 0),
        max_output_tokens,
        stop_sequences: &sampling.stop,
        candidate_count: sampling.n.filter(|n| *n > 1),
        seed: sampling.seed,
        frequency_penalty: sampling.frequency_penalty,
        presence_penalty: sampling.presence_penalty,
        response_mime_type,
        response_json_schema,
        response_modalities: modalities(inference),
        image_config: image_config(inference),
        speech_config: speech_config(inference),
        response_logprobs: sampling.logprobs.filter(|wanted| *wanted),
        logprobs: sampling.top_logprobs.filter(|_| sampling.logprobs == Some(true)),
        thinking_config: inference.reasoning.as_ref().and_then(|wish| thinking(generation, wish, room)),
    })
}

fn thinking(generation: Generation, wish: &Reasoning, room: u64) -> Option<Value> {
    if !generation.thinks() {
        return None;
    }
    if reasoning::is_off(wish) {
        return Some(if generation.has_levels() {
            json!({ "thinkingLevel": generation.level("none") })
        } else {
            json!({ "thinkingBudget": generation.budget(0) })
        });
    }
    let is_shown = wish.exclude != Some(true);
    if !wish.is_on() {
        // Showing what the model thinks anyway was asked for.
        return (wish.exclude == Some(false)).then(|| json!({ "includeThoughts": true }));
    }
    Some(if generation.has_levels() && wish.max_tokens.is_none() {
        let level = generation.level(reasoning::effort(wish, Some(room)));
        json!({ "thinkingLevel": level, "includeThoughts": is_shown })
    } else {
        let budget = generation.budget(reasoning::budget(wish, room).min(room));
        json!({ "thinkingBudget": budget, "includeThoughts": is_shown })
    })
}

/// `["image", "text"]` of the caller in Gemini's capitals.
fn modalities(inference: &Inference) -> Option<Vec<String>> {
    let wished = &inference.modalities;
    let is_plain = wished.iter().all(|kind| kind == "text");
    (!is_plain).then(|| wished.iter().map(|kind| kind.to_uppercase()).collect())
}

/// The voice of OpenAI's `audio`; its format is Gemini's own choice.
fn speech_config(inference: &Inference) -> Option<Value> {
    let audio: Value = serde_json::from_str(inference.raw.get("audio")?.get()).ok()?;
    let voice = audio.get("voice").and_then(Value::as_str)?;
    Some(json!({ "voiceConfig": { "prebuiltVoiceConfig": { "voiceName": voice } } }))
}

/// The original's `image_config` under Gemini's names.
fn image_config(inference: &Inference) -> Option<Value> {
    let config = inference.image_config.as_ref()?;
    let names = [("aspect_ratio", "aspectRatio"), ("image_size", "imageSize")];
    let fields: serde_json::Map<String, Value> =
        names.into_iter().filter_map(|(ours, theirs)| Some((theirs.to_owned(), config.get(ours)?.clone()))).collect();
    (!fields.is_empty()).then(|| fields.into())
}

fn tools(inference: &Inference) -> Result<Option<Value>, Untranslatable> {
    if inference.tools.is_empty() {
        return Ok(inference.web_search.as_ref().map(|_| json!([WebSearch::as_gemini_tool()])));
    }
    let mut functions = Vec::with_capacity(inference.tools.len());
    for (index, tool) in inference.tools.iter().enumerate() {
        if tool.other.is_some() {
            return Err(untranslatable(format!("tools[{index}].type"), "only functions can be translated for Gemini"));
        }
        functions.push(declaration(tool));
    }
    Ok(Some(json!([{ "functionDeclarations": functions }])))
}

fn declaration(tool: &Tool) -> Value {
    let mut fields = serde_json::Map::new();
    fields.insert("name".to_owned(), Value::from(tool.name.as_str()));
    if let Some(description) = &tool.description {
        fields.insert("description".to_owned(), Value::from(description.as_str()));
    }
    // A function without arguments has no schema: an empty one used to be refused.
    let has_properties = |schema: &&Value| {
        schema.get("properties").and_then(Value::as_object).is_none_or(|properties| !properties.is_empty())
    };
    if let Some(schema) = tool.parameters.as_ref().filter(has_properties) {
        fields.insert("parametersJsonSchema".to_owned(), schema.clone());
    }
    Value::Object(fields)
}

fn tool_config(inference: &Inference) -> Option<Value> {
    let config = match inference.tool_choice.as_ref().filter(|_| !inference.tools.is_empty())? {
        ToolChoice::Auto => json!({ "mode": "AUTO" }),
        ToolChoice::None => json!({ "mode": "NONE" }),
        ToolChoice::Required => json!({ "mode": "ANY" }),
        ToolChoice::Function(name) => json!({ "mode": "ANY", "allowedFunctionNames": [name] }),
    };
    Some(json!({ "functionCallingConfig": config }))
}
