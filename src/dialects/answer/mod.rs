//! What every client API's answer is made of: what stands at its top, how it is
//! gathered or written piece by piece, what it cost, how it fails.

mod gather;

pub use gather::{Answer, AnsweredCall, AnsweredChoice};

use app::types::Money;
use app::types::error::ErrorBody;
use serde::Serialize;
use serde_json::Value;

use super::inference::Tool;
use super::{Delta, FinishReason, Usage, reasoning};

/// A client API: how its answers look. One value belongs to one request, so it
/// may keep what the answer has to repeat.
pub trait Inbound: Send + Sync {
    /// A fresh writer of one streamed answer.
    fn writer(&self, heading: &Heading) -> Box<dyn Writer>;

    /// The body of an answer in one piece.
    fn whole(&self, heading: &Heading, answer: &Answer, report: &UsageReport) -> Vec<u8>;

    /// The body of a response that is refused before the answer began.
    fn error(&self, error: &ErrorBody) -> Value;

    /// Whether [`Inbound::whole`] needs [`Answer::pieces`].
    fn wants_order(&self) -> bool {
        false
    }

    /// What is sent when nothing came for a while.
    fn keep_alive(&self) -> &'static [u8] {
        b": PATCHBAY PROCESSING\n\n"
    }

    /// The content type of a streamed answer.
    fn stream_type(&self) -> &'static str {
        "text/event-stream; charset=utf-8"
    }
}

/// Writes one streamed answer as whole events.
pub trait Writer: Send {
    /// Appends what `delta` means: mostly one event, none for what comes at the
    /// end. Reasoning the caller asked to hide never gets here.
    fn write(&mut self, delta: &Delta, out: &mut Vec<u8>);

    /// The answer goes on from another endpoint; `metadata` tells how, and is told in
    /// the end where this API has a place for it.
    fn resumed(&mut self, metadata: Value) {
        let _ = metadata;
    }

    /// Ends a complete answer: its last events, the usage, the terminator.
    fn finish(&mut self, report: &UsageReport, out: &mut Vec<u8>);

    /// Ends an answer that broke after its first byte. `report` is what was
    /// charged for the part delivered.
    fn fail(&mut self, failure: &Failure, report: Option<&UsageReport>, out: &mut Vec<u8>);
}

/// What stands at the top of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heading {
    /// The generation id, `gen-…`.
    pub id: String,
    /// Epoch seconds.
    pub created: i64,
    /// The model that really served.
    pub model: String,
    /// The provider's display name.
    pub provider: String,
    /// How the request was routed, for callers who asked: `openrouter_metadata`.
    pub metadata: Option<Value>,
}

/// The final accounting of one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageReport {
    pub usage: Usage,
    /// What was charged.
    pub cost: Money,
    /// The part of it for the prompt.
    pub prompt_cost: Money,
    /// The part of it for the output.
    pub completion_cost: Money,
    /// The caller's own provider key was used.
    pub is_byok: bool,
    /// The part of it for a search this server made on the web.
    pub search: Money,
    /// What the provider charges the caller directly; only with his own key.
    pub upstream_inference_cost: Option<Money>,
}

/// A failure after the first byte, as the caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// An HTTP status, although the response already has one.
    pub code: u16,
    pub message: String,
    /// From the original's vocabulary, see `FaultKind::error_type`.
    pub error_type: &'static str,
    /// The provider's own code.
    pub provider_code: Option<String>,
    /// What the provider sent instead of the rest.
    pub raw: Option<String>,
}

/// The original's error object within a stream.
#[derive(Serialize)]
pub struct FailureBody<'a> {
    code: u16,
    message: &'a str,
    metadata: FailureMetadata<'a>,
}

#[derive(Serialize)]
struct FailureMetadata<'a> {
    error_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a str>,
}

impl Failure {
    /// The original's error object.
    #[must_use]
    pub fn body(&self) -> FailureBody<'_> {
        FailureBody {
            code: self.code,
            message: &self.message,
            metadata: FailureMetadata {
                error_type: self.error_type,
                provider_code: self.provider_code.as_deref(),
                raw: self.raw.as_deref(),
            },
        }
    }
}

/// Why a choice ended: ours and the provider's word for it.
pub type Ending = Option<(FinishReason, Option<String>)>;

/// The reason to report when the provider gave none.
#[must_use]
pub fn ending_or_default(ending: &Ending, has_calls: bool) -> (FinishReason, Option<&str>) {
    match ending {
        Some((reason, native)) => (*reason, native.as_deref()),
        None if has_calls => (FinishReason::ToolCalls, None),
        None => (FinishReason::Stop, None),
    }
}

/// How many bytes of an answer a [`Tally`] keeps, and a little more.
const KEPT_BYTES: usize = 32 << 10;

/// What the gateway itself has to know of an answer, whichever way it is written.
#[derive(Debug, Default)]
pub struct Tally {
    /// Characters of text, reasoning and tool calls so far, hidden ones included.
    pub characters: u64,
    /// The first of them, for whoever may have to count their tokens.
    pub words: Option<String>,
    pub usage: Usage,
    /// The provider's own id of the answer.
    pub upstream_id: Option<String>,
    /// The provider's word for the service tier that served.
    pub service_tier: Option<String>,
    /// By choice.
    endings: Vec<(u32, FinishReason, Option<String>)>,
    /// The tool calls, where somebody wants to know whether they are sound.
    calls: Option<Vec<TalliedCall>>,
}

/// A tool call as far as it has come.
#[derive(Debug)]
struct TalliedCall {
    choice: u32,
    index: u32,
    name: String,
    arguments: String,
}

impl Tally {
    /// A tally that keeps words, too.
    #[must_use]
    pub fn keeping(keeps_words: bool) -> Self {
        Self { words: keeps_words.then(String::new), ..Self::default() }
    }

    /// The same, watching the tool calls.
    #[must_use]
    pub fn watching_calls(mut self, is_watching: bool) -> Self {
        self.calls = is_watching.then(Vec::new);
        self
    }

    /// Whether every tool call names one of these tools and has arguments that read as
    /// a JSON object; `None` where there is no call or nobody watched.
    #[must_use]
    pub fn has_sound_calls(&self, tools: &[Tool]) -> Option<bool> {
        let calls = self.calls.as_ref().filter(|calls| !calls.is_empty())?;
        Some(calls.iter().all(|call| {
            // Nothing at all stands for no arguments at some providers.
            let is_object = call.arguments.trim().is_empty()
                || serde_json::from_str::<serde_json::Map<String, Value>>(&call.arguments).is_ok();
            is_object && tools.iter().any(|tool| tool.name == call.name)
        }))
    }

    fn note_call(&mut self, delta: &Delta) {
        let (Some(calls), Delta::ToolCall { choice, index, name, arguments, .. }) = (&mut self.calls, delta) else {
            return;
        };
        let name = name.as_deref().unwrap_or_default();
        if let Some(call) = calls.iter_mut().find(|call| (call.choice, call.index) == (*choice, *index)) {
            call.name.push_str(name);
            call.arguments.push_str(arguments);
        } else {
            let (name, arguments) = (name.to_owned(), arguments.clone());
            calls.push(TalliedCall { choice: *choice, index: *index, name, arguments });
        }
    }

    /// Notes the next piece of the answer.
    pub fn note(&mut self, delta: &Delta) {
        for text in words(delta) {
            let characters = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
            self.characters = self.characters.saturating_add(characters);
            if let Some(words) = self.words.as_mut().filter(|words| words.len() < KEPT_BYTES) {
                words.push_str(text);
            }
        }
        match delta {
            Delta::Usage(usage) => self.usage.merge(usage),
            Delta::Start { upstream_id: Some(id), .. } => self.upstream_id = Some(id.clone()),
            Delta::Finish { choice, reason, native } => {
                self.endings.retain(|(earlier, ..)| earlier != choice);
                self.endings.push((*choice, *reason, native.clone()));
            }
            Delta::ToolCall { .. } => self.note_call(delta),
            Delta::Extra { key: "service_tier", value } => self.service_tier = value.as_str().map(str::to_owned),
            _ => {}
        }
    }

    /// Why the first choice ended, in our word and the provider's; `None` until it has.
    #[must_use]
    pub fn ending(&self) -> Option<(FinishReason, Option<&str>)> {
        let (_, reason, native) = self.endings.iter().min_by_key(|(choice, ..)| *choice)?;
        Some((*reason, native.as_deref()))
    }
}

/// Tool call ids that are present and distinct within one answer.
#[derive(Debug)]
pub struct CallIds {
    generation_id: String,
    used: Vec<String>,
}

impl CallIds {
    #[must_use]
    pub fn new(heading_id: &str) -> Self {
        Self { generation_id: heading_id.to_owned(), used: Vec::new() }
    }

    /// The provider's id, unless it is missing, empty or already taken.
    pub fn claim(&mut self, given: Option<&str>) -> String {
        let id = match given {
            Some(id) if !id.is_empty() && !self.used.iter().any(|used| used == id) => id.to_owned(),
            _ => {
                let rest = self.generation_id.strip_prefix("gen-").unwrap_or(&self.generation_id);
                let seed: String = rest.chars().filter(char::is_ascii_alphanumeric).collect();
                format!("call_{seed}{}", self.used.len())
            }
        };
        self.used.push(id.clone());
        id
    }
}

/// The words a delta adds to what the caller pays for when the provider does not
/// count tokens: text, reasoning, and a tool's name and arguments.
fn words(delta: &Delta) -> [&str; 2] {
    match delta {
        Delta::Text { text, .. } | Delta::Reasoning { text, .. } | Delta::Refusal { text, .. } => [text, ""],
        Delta::ToolCall { name, arguments, .. } => [name.as_deref().unwrap_or_default(), arguments],
        Delta::ReasoningDetail { detail, .. } => [reasoning::words(detail).unwrap_or_default(), ""],
        _ => ["", ""],
    }
}

/// Appends `value` as JSON.
pub fn append_json(out: &mut Vec<u8>, value: &impl Serialize) {
    let start = out.len();
    // Writing to memory fails only for maps whose keys are no strings; there are none.
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}
