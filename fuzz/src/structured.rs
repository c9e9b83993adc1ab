//! Answers checked against schemas: the first line is the schema, the rest the answer.

use patchbay::dialects::structured::{Checked, check};
use patchbay::dialects::{Delta, FinishReason};
use serde_json::Value;

use crate::must_be_json;

/// One check.
pub fn answer(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let Ok(schema) = serde_json::from_slice::<Value>(&data[..end]) else { return };
    let text = String::from_utf8_lossy(data.get(end + 1..).unwrap_or_default()).into_owned();
    let deltas = vec![
        Delta::Text { choice: 0, text },
        Delta::Finish { choice: 0, reason: FinishReason::Stop, native: None },
    ];
    match check(&schema, deltas) {
        Checked::Unfit { complaint, .. } => assert!(!complaint.is_empty()),
        Checked::Fit(deltas) => {
            for delta in deltas {
                if let Delta::Text { text, .. } = delta {
                    must_be_json(text.as_bytes(), "an answer that fits");
                }
            }
        }
    }
}
