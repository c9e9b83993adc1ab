//! Failures on request, by model name (`fault/500`), header (`x-simulated-fault: 500`)
//! or a word in the prompt (`[[fault:500]]`).
//!
//! - a status: `400` … `529`; `429-retry-after` also says when to come back
//! - `hang`: never answers; `stall-after-N`: stops after N pieces, connection open
//! - `cut-after-N`: the connection breaks after N pieces
//! - `garbage`: something that is no JSON; `no-done`: no end marker
//! - `error-chunk`: an error in the middle of a 200; `empty`: an answer of nothing
//! - `slow-first-token`; `flaky-N`: the first N requests fail with 500
//! - `context-length`: the prompt is too long

use axum::http::HeaderMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Status {
        code: u16,
        retry_after_s: Option<u64>,
    },
    /// The request breaks a rule of the protocol: 400 with these words.
    Invalid(&'static str),
    ContextLength,
    Hang,
    StallAfter(usize),
    CutAfter(usize),
    Garbage,
    NoDone,
    ErrorChunk,
    Empty,
    SlowFirstToken,
    Flaky(u64),
}

impl Fault {
    /// `None` for a name there is not.
    pub fn read(name: &str) -> Option<Self> {
        let number = |prefix: &str| name.strip_prefix(prefix)?.parse().ok();
        match name {
            "429-retry-after" => Some(Self::Status { code: 429, retry_after_s: Some(7) }),
            "context-length" => Some(Self::ContextLength),
            "hang" => Some(Self::Hang),
            "garbage" => Some(Self::Garbage),
            "no-done" => Some(Self::NoDone),
            "error-chunk" => Some(Self::ErrorChunk),
            "empty" => Some(Self::Empty),
            "slow-first-token" => Some(Self::SlowFirstToken),
            _ => {
                let code = name.parse::<u16>().ok().filter(|code| (400..600).contains(code));
                code.map(|code| Self::Status { code, retry_after_s: None })
                    .or_else(|| number("cut-after-").map(Self::CutAfter))
                    .or_else(|| number("stall-after-").map(Self::StallAfter))
                    .or_else(|| name.strip_prefix("flaky-")?.parse().ok().map(Self::Flaky))
            }
        }
    }
}

/// The fault a request asks for, in its model, a header or the prompt.
pub fn asked_for(model: &str, headers: &HeaderMap, prompt: &str) -> Option<String> {
    if let Some(name) = model.strip_prefix("fault/") {
        return Some(name.to_owned());
    }
    if let Some(name) = headers.get("x-simulated-fault").and_then(|value| value.to_str().ok()) {
        return Some(name.to_owned());
    }
    let (_, rest) = prompt.split_once("[[fault:")?;
    rest.split_once("]]").map(|(name, _)| name.trim().to_owned())
}
