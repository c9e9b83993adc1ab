//! The answer to the caller: streamed ([`ChunkWriter`]) or whole.
//!
//! The shapes are the original's: exactly one chunk with a finish reason per
//! choice, one usage chunk, and no optional field ever `null`, because the
//! official SDKs reject that.

mod chunks;
mod usage;
mod whole;

pub use chunks::{ChunkWriter, DONE};
pub use usage::UsageBody;

use app::types::error::ErrorBody;
use serde_json::Value;

use super::super::answer::{Answer, Heading, Inbound, UsageReport, Writer};

/// The original's own API.
#[derive(Clone, Copy, Debug)]
pub struct ChatCompletions;

impl Inbound for ChatCompletions {
    fn writer(&self, heading: &Heading) -> Box<dyn Writer> {
        Box::new(ChunkWriter::new(heading))
    }

    fn whole(&self, heading: &Heading, answer: &Answer, report: &UsageReport) -> Vec<u8> {
        whole::whole(heading, answer, report)
    }

    fn error(&self, error: &ErrorBody) -> Value {
        serde_json::to_value(error).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
