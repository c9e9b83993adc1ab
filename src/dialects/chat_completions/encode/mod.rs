//! The answer to the caller: streamed ([`ChunkWriter`]) or whole ([`Collector`]).
//!
//! The shapes are the original's: exactly one chunk with a finish reason per
//! choice, one usage chunk, and no optional field ever `null`, because the
//! official SDKs reject that.

mod chunks;
mod collect;
mod usage;

pub use chunks::{ChunkWriter, DONE, error_chunk};
pub use collect::Collector;
pub use usage::UsageReport;

use serde::Serialize;

use crate::dialects::{Delta, FinishReason, reasoning};

/// What stands at the top of every chunk and of the whole answer.
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
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: u16,
    message: &'a str,
    metadata: ErrorMetadata<'a>,
}

#[derive(Serialize)]
struct ErrorMetadata<'a> {
    error_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_code: Option<&'a str>,
}

impl Failure {
    fn body(&self) -> ErrorBody<'_> {
        ErrorBody {
            code: self.code,
            message: &self.message,
            metadata: ErrorMetadata { error_type: self.error_type, provider_code: self.provider_code.as_deref() },
        }
    }
}

/// Why a choice ended: ours and the provider's word for it.
type Ending = Option<(FinishReason, Option<String>)>;

/// The reason to report when the provider gave none.
fn ending_or_default(ending: &Ending, has_calls: bool) -> (FinishReason, Option<&str>) {
    match ending {
        Some((reason, native)) => (*reason, native.as_deref()),
        None if has_calls => (FinishReason::ToolCalls, None),
        None => (FinishReason::Stop, None),
    }
}

/// Tool call ids that are present and distinct within one answer.
#[derive(Debug)]
struct CallIds {
    /// Letters and digits of the generation id.
    seed: String,
    used: Vec<String>,
}

impl CallIds {
    fn new(heading_id: &str) -> Self {
        let seed = heading_id.strip_prefix("gen-").unwrap_or(heading_id);
        Self { seed: seed.chars().filter(char::is_ascii_alphanumeric).collect(), used: Vec::new() }
    }

    /// The provider's id, unless it is missing, empty or already taken.
    fn claim(&mut self, given: Option<&str>) -> String {
        let id = match given {
            Some(id) if !id.is_empty() && !self.used.iter().any(|used| used == id) => id.to_owned(),
            _ => format!("call_{}{}", self.seed, self.used.len()),
        };
        self.used.push(id.clone());
        id
    }
}

/// The characters a delta adds to what the caller pays for when the provider
/// does not count tokens: text, reasoning and tool arguments.
fn characters(delta: &Delta) -> u64 {
    let text = match delta {
        Delta::Text { text, .. } | Delta::Reasoning { text, .. } | Delta::Refusal { text, .. } => text,
        Delta::ToolCall { name, arguments, .. } => {
            let name = name.as_deref().map_or(0, |name| name.chars().count());
            return u64::try_from(name + arguments.chars().count()).unwrap_or(u64::MAX);
        }
        Delta::ReasoningDetail { detail, .. } => reasoning::words(detail).unwrap_or_default(),
        _ => "",
    };
    u64::try_from(text.chars().count()).unwrap_or(u64::MAX)
}

/// Appends `value` as JSON.
fn append_json(out: &mut Vec<u8>, value: &impl Serialize) {
    let start = out.len();
    // Writing to memory fails only for maps whose keys are no strings; there are none.
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests;
