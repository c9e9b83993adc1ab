//! Events of the stream: their frame and their numbers.

use serde::Serialize;
use serde_json::Value;

use crate::dialects::answer::append_json;

/// Numbers events and frames them, or swallows them for an answer in one piece.
#[derive(Debug, Default)]
pub(super) struct Events {
    pub(super) sequence: u64,
    pub(super) is_silent: bool,
}

#[derive(Serialize)]
struct Frame<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    sequence_number: u64,
    #[serde(flatten)]
    body: &'a T,
}

/// Where in the answer a piece of a message belongs.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Place<'a> {
    pub(super) item_id: &'a str,
    pub(super) output_index: usize,
    pub(super) content_index: usize,
}

/// The next words of a text.
#[derive(Serialize)]
pub(super) struct TextDelta<'a> {
    #[serde(flatten)]
    pub(super) place: Place<'a>,
    pub(super) delta: &'a str,
    pub(super) logprobs: &'a [Value],
}

/// The next words of a refusal or of reasoning.
#[derive(Serialize)]
pub(super) struct WordsDelta<'a> {
    #[serde(flatten)]
    pub(super) place: Place<'a>,
    pub(super) delta: &'a str,
}

/// The next words of a summary.
#[derive(Serialize)]
pub(super) struct SummaryDelta<'a> {
    pub(super) item_id: &'a str,
    pub(super) output_index: usize,
    pub(super) summary_index: usize,
    pub(super) delta: &'a str,
}

/// The next piece of a call's arguments.
#[derive(Serialize)]
pub(super) struct ArgumentsDelta<'a> {
    pub(super) item_id: &'a str,
    pub(super) output_index: usize,
    pub(super) delta: &'a str,
}

impl Events {
    /// Appends one event.
    pub(super) fn send(&mut self, kind: &str, body: &impl Serialize, out: &mut Vec<u8>) {
        if self.is_silent {
            return;
        }
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\ndata: ");
        append_json(out, &Frame { kind, sequence_number: self.sequence, body });
        out.extend_from_slice(b"\n\n");
        self.sequence = self.sequence.saturating_add(1);
    }
}
