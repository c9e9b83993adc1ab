//! OpenAI Responses as a client dialect: the caller's request, and the answer in
//! the shape the SDKs read. Nothing is stored: every request carries its history.

mod echo;
mod events;
mod items;
mod message;
mod output;
mod parse;
mod parts;
mod thought;
mod tools;

use app::types::error::ErrorBody;
use serde_json::{Map, Value, json};

use self::echo::echo;
use self::output::Output;
pub use self::parse::parse;
use crate::clock::Clock;
use crate::dialects::answer::{Answer, Ending, Failure, Heading, Inbound, UsageReport, Writer, append_json};
use crate::dialects::{Delta, FinishReason, Inference};

/// OpenAI Responses, as one request wants it.
#[derive(Clone, Debug, Default)]
pub struct Responses {
    clock: Clock,
    /// What of the request the answer repeats.
    echo: Map<String, Value>,
    wants_logprobs: bool,
}

impl Responses {
    /// The answer to this request. `clock` dates its completion.
    #[must_use]
    pub fn of(inference: &Inference, clock: Clock) -> Self {
        Self { clock, echo: echo(inference), wants_logprobs: inference.sampling.logprobs == Some(true) }
    }

    fn answering(&self, heading: &Heading, is_silent: bool) -> Answering {
        Answering {
            clock: self.clock.clone(),
            heading: heading.clone(),
            echo: self.echo.clone(),
            output: Output::new(&heading.id, self.wants_logprobs, is_silent),
            has_begun: false,
            ending: None,
            service_tier: None,
        }
    }
}

impl Inbound for Responses {
    fn writer(&self, heading: &Heading) -> Box<dyn Writer> {
        Box::new(self.answering(heading, false))
    }

    fn whole(&self, heading: &Heading, answer: &Answer, report: &UsageReport) -> Vec<u8> {
        let (mut answering, mut body) = (self.answering(heading, true), Vec::new());
        for delta in answer.pieces.iter().flatten() {
            answering.take(delta, &mut body);
        }
        answering.ending = answer.first().and_then(|choice| choice.ending.clone());
        answering.service_tier = answer.extras.get("service_tier").cloned();
        let (_, response) = answering.ended(Some(report), &mut body);
        append_json(&mut body, &response);
        body
    }

    fn error(&self, error: &ErrorBody) -> Value {
        serde_json::to_value(error).unwrap_or_default()
    }

    fn wants_order(&self) -> bool {
        true
    }
}

/// One answer being put together.
struct Answering {
    clock: Clock,
    heading: Heading,
    echo: Map<String, Value>,
    output: Output,
    has_begun: bool,
    ending: Ending,
    service_tier: Option<Value>,
}

impl Writer for Answering {
    fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        self.begin(out);
        self.take(delta, out);
    }

    fn resumed(&mut self, metadata: Value) {
        self.heading.metadata = Some(metadata);
    }

    fn finish(&mut self, report: &UsageReport, out: &mut Vec<u8>) {
        self.begin(out);
        let (event, response) = self.ended(Some(report), out);
        self.output.events.send(event, &json!({ "response": response }), out);
    }

    fn fail(&mut self, failure: &Failure, report: Option<&UsageReport>, out: &mut Vec<u8>) {
        self.begin(out);
        self.output.end(true, out);
        let error = json!({ "code": error_code(failure), "message": failure.message });
        let mut response = self.response("failed", report);
        response["error"] = error;
        response["error_type"] = Value::from(failure.error_type);
        if let Some(raw) = &failure.raw {
            response["error_metadata"] = json!({ "raw": raw });
        }
        self.output.events.send("response.failed", &json!({ "response": response }), out);
    }
}

impl Answering {
    fn begin(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let response = json!({ "response": self.response("in_progress", None) });
        for event in ["response.created", "response.in_progress"] {
            self.output.events.send(event, &response, out);
        }
    }

    fn take(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Finish { choice: 0, reason, native } => self.ending = Some((*reason, native.clone())),
            Delta::Extra { key: "service_tier", value } => self.service_tier = Some(value.clone()),
            _ => self.output.add(delta, out),
        }
    }

    /// Ends the items; the last event and the response it carries.
    fn ended(&mut self, report: Option<&UsageReport>, out: &mut Vec<u8>) -> (&'static str, Value) {
        let cause = match self.ending.as_ref().map(|(reason, _)| reason) {
            Some(FinishReason::Length) => Some("max_output_tokens"),
            Some(FinishReason::ContentFilter) => Some("content_filter"),
            _ => None,
        };
        self.output.end(cause.is_some(), out);
        if let Some(cause) = cause {
            let mut response = self.response("incomplete", report);
            response["incomplete_details"] = json!({ "reason": cause });
            return ("response.incomplete", response);
        }
        if matches!(self.ending, Some((FinishReason::Error, _))) {
            let mut response = self.response("failed", report);
            response["error"] =
                json!({ "code": "server_error", "message": "The provider's answer ended in an error." });
            return ("response.failed", response);
        }
        let mut response = self.response("completed", report);
        response["completed_at"] = Value::from(self.clock.now_ms() / 1_000);
        ("response.completed", response)
    }

    fn response(&self, status: &str, report: Option<&UsageReport>) -> Value {
        let text: String = self.output.items().iter().flat_map(texts).collect();
        let mut response = json!({
            "id": self.heading.id,
            "object": "response",
            "created_at": self.heading.created,
            "completed_at": null,
            "status": status,
            "model": self.heading.model,
            "provider": self.heading.provider,
            "error": null,
            "incomplete_details": null,
            "output": self.output.items(),
            "output_text": text,
            "usage": report.map(usage),
        });
        if let Some(fields) = response.as_object_mut() {
            fields.extend(self.echo.iter().map(|(name, value)| (name.clone(), value.clone())));
            // Told once, with what it cost.
            if let Some(metadata) = self.heading.metadata.as_ref().filter(|_| report.is_some()) {
                fields.insert("openrouter_metadata".to_owned(), metadata.clone());
            }
            if let Some(tier) = &self.service_tier {
                fields.insert("service_tier".to_owned(), tier.clone());
            }
        }
        response
    }
}

fn texts(item: &Value) -> impl Iterator<Item = &str> {
    let is_message = item.get("type").is_some_and(|kind| kind == "message");
    let parts = item.get("content").and_then(Value::as_array).filter(|_| is_message);
    parts.into_iter().flatten().filter_map(|part| part.get("text")?.as_str())
}

fn usage(report: &UsageReport) -> Value {
    let usage = &report.usage;
    let (input, output) = (usage.prompt_tokens.unwrap_or(0), usage.completion_tokens.unwrap_or(0));
    let mut value = json!({
        "input_tokens": input,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens.unwrap_or(0),
            "cache_write_tokens": usage.cache_write_tokens.unwrap_or(0),
        },
        "output_tokens": output,
        "output_tokens_details": { "reasoning_tokens": usage.reasoning_tokens.unwrap_or(0) },
        "total_tokens": input.saturating_add(output),
        "cost": report.cost,
        "is_byok": report.is_byok,
        "cost_details": {
            "upstream_inference_cost": report.upstream_inference_cost,
            "upstream_inference_input_cost": report.prompt_cost,
            "upstream_inference_output_cost": report.completion_cost,
        },
    });
    if let Some(searches) = usage.web_search_requests {
        value["server_tool_use_details"] = json!({ "web_search_requests": searches });
    }
    value
}

/// This API's word for a failure. Source: the original's error mapping.
fn error_code(failure: &Failure) -> &'static str {
    match failure.error_type {
        "rate_limit_exceeded" => "rate_limit_exceeded",
        "context_length_exceeded" | "invalid_request" | "payload_too_large" => "invalid_prompt",
        "content_policy_violation" => "image_content_policy_violation",
        _ => "server_error",
    }
}

#[cfg(test)]
mod tests;
