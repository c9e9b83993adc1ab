//! What providers say when they fail: many envelopes, one [`Fault`].

mod classify;
mod retry;

use serde_json::Value;

use super::fault::{Fault, FaultKind};
use super::text::{head, lossy};

/// How much of the provider's body is kept, bytes.
const RAW_LIMIT: usize = 4 << 10;

/// A failure as the provider put it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Complaint {
    message: String,
    /// `insufficient_quota`, `RateLimitReached`, `API_KEY_INVALID`.
    code: Option<String>,
    /// `invalid_request_error`, `RESOURCE_EXHAUSTED`.
    kind: Option<String>,
    /// A status inside the body.
    status: Option<u16>,
    retry_after_ms: Option<u64>,
    /// Anthropic marks a reached spending limit so.
    is_spending_limit: bool,
    /// The content was judged, not the credential.
    is_moderated: bool,
}

/// What an answer with a non-2xx status means.
pub(super) fn from_response(status: u16, headers: &dyn Fn(&str) -> Option<String>, body: &[u8]) -> Fault {
    let text = lossy(body);
    let mut complaint = read(&text).unwrap_or_else(|| Complaint { message: plain(&text), ..Complaint::default() });
    // Amazon says in a header what it was; a link may stand behind the name.
    if let Some(class) = headers("x-amzn-errortype")
        && complaint.code.is_none()
    {
        complaint.code = class.split(':').next().map(str::to_owned);
    }
    let retry_after_ms = retry::from_headers(headers).or(complaint.retry_after_ms);
    let mut kind = classify::kind(Some(status), &complaint);
    if complaint.is_spending_limit && retry_after_ms.is_none() {
        kind = FaultKind::OurCredential;
    }
    let may_retry = matches!(kind, FaultKind::RateLimited | FaultKind::Overloaded | FaultKind::Unavailable);
    Fault {
        kind,
        message: if complaint.message.is_empty() {
            format!("The provider answered with status {status}")
        } else {
            complaint.message
        },
        status: Some(status),
        code: complaint.code.or(complaint.kind),
        raw: raw(&text),
        retry_after_ms: retry_after_ms.filter(|_| may_retry),
    }
}

/// The failure in `text`, if it is one: an event of a stream, text between
/// events, or a body that came with status 200.
pub(super) fn in_band(text: &str) -> Option<Fault> {
    let complaint = read(text)?;
    let kind = classify::kind(complaint.status, &complaint);
    Some(Fault {
        kind,
        message: if complaint.message.is_empty() {
            "The provider reported a failure without a reason".to_owned()
        } else {
            complaint.message
        },
        status: complaint.status,
        code: complaint.code.or(complaint.kind),
        raw: raw(text),
        retry_after_ms: complaint.retry_after_ms,
    })
}

/// The provider sent something that is no answer of its dialect.
pub(super) fn nonsense(what: &str, text: &str) -> Fault {
    Fault { raw: raw(text), ..Fault::new(FaultKind::Unavailable, what) }
}

/// The connection ended in the middle of an answer.
pub(super) fn cut() -> Fault {
    Fault::new(FaultKind::Unavailable, "The provider's stream ended before the answer was complete")
}

fn raw(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| head(text, RAW_LIMIT).to_owned())
}

/// A body that is not JSON: pages of proxies are named, not shown.
fn plain(text: &str) -> String {
    let text = text.trim();
    if text.starts_with('<') { String::new() } else { head(text, 500).to_owned() }
}

fn read(text: &str) -> Option<Complaint> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    from_value(&serde_json::from_str(text).ok()?)
}

fn from_value(value: &Value) -> Option<Complaint> {
    let value = value.as_array().map_or(Some(value), |list| list.first())?;
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    match value.get("error") {
        Some(error @ Value::Object(_)) => return Some(from_error(error)),
        Some(Value::String(message)) => {
            return Some(Complaint { message: message.clone(), code: text("code"), ..Complaint::default() });
        }
        _ => {}
    }
    match value.get("detail") {
        Some(Value::String(detail)) => return Some(Complaint { message: detail.clone(), ..Complaint::default() }),
        Some(Value::Array(items)) => return Some(from_validation(items)),
        _ => {}
    }
    if value.get("choices").is_some() || value.get("candidates").is_some() || value.get("content").is_some() {
        return None;
    }
    Some(Complaint {
        // Amazon's signature check writes it with a capital.
        message: text("message").or_else(|| text("Message"))?,
        code: scalar(value.get("code")).or_else(|| text("error_type")),
        kind: text("type"),
        status: status_of(value.get("code")).or_else(|| status_of(value.get("status_code"))),
        ..Complaint::default()
    })
}

fn from_error(error: &Value) -> Complaint {
    let text = |key: &str| error.get(key).and_then(Value::as_str).map(str::to_owned);
    let details = error.get("details").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let reason = details.iter().find_map(|detail| detail.get("reason")?.as_str());
    let metadata = error.get("metadata");
    let mut message = text("message").unwrap_or_default();
    if let Some(cause) = metadata.and_then(|metadata| metadata.get("raw")).and_then(upstream_cause)
        && (message.is_empty() || message == "Provider returned error")
    {
        message = cause;
    }
    Complaint {
        message,
        code: reason.map(str::to_owned).or_else(|| scalar(error.get("code")).filter(|code| !is_number(code))),
        kind: text("type").or_else(|| text("status")),
        status: status_of(error.get("code")).or_else(|| status_of(error.get("status_code"))),
        retry_after_ms: retry::from_details(details),
        is_spending_limit: error.get("details").is_some_and(|details| details.get("error_code").is_some()),
        is_moderated: metadata.is_some_and(|metadata| metadata.get("reasons").is_some())
            || error.get("innererror").is_some_and(|inner| inner.get("content_filter_result").is_some()),
    }
}

/// The text of the provider behind a gateway: JSON in a string, or plain.
fn upstream_cause(raw: &Value) -> Option<String> {
    let text = raw.as_str().map_or_else(|| raw.to_string(), str::to_owned);
    let inner = read(&text).map(|complaint| complaint.message).filter(|message| !message.is_empty());
    inner.or_else(|| Some(plain(&text))).filter(|message| !message.is_empty())
}

/// `[{"loc": ["body", "messages"], "msg": "…"}]`, as FastAPI writes it.
fn from_validation(items: &[Value]) -> Complaint {
    let sentences: Vec<String> = items
        .iter()
        .filter_map(|item| {
            let place: Vec<String> =
                item.get("loc")?.as_array()?.iter().filter_map(|step| scalar(Some(step))).collect();
            Some(format!("{}: {}", place.join("."), item.get("msg")?.as_str()?))
        })
        .collect();
    Complaint { message: sentences.join("; "), status: Some(422), ..Complaint::default() }
}

fn scalar(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn status_of(value: Option<&Value>) -> Option<u16> {
    let number = scalar(value)?.parse::<u16>().ok()?;
    (400..600).contains(&number).then_some(number)
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
