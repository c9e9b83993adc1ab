//! One request as a span in the JSON form of OTLP, under the names that OpenTelemetry's
//! conventions have for requests to models.

use app::types::Money;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::Tells;
use crate::accounts::keys::{KeyRecord, hex};
use crate::store::generations::GenerationRow;

/// The number OTLP has for spans of clients.
const CLIENT: u8 = 3;

/// What happened, before a destination's switches are asked.
pub struct Event<'a> {
    pub row: &'a GenerationRow,
    pub key: Option<&'a KeyRecord>,
    /// `{"messages": …}`; null where nothing may be told.
    pub input: &'a Value,
    /// `{"completion": …, "reasoning": …}`; null where nothing may be told.
    pub output: &'a Value,
    /// What the caller said for traces: `trace` of the request.
    pub trace: Option<&'a Map<String, Value>>,
}

impl Event<'_> {
    /// An event without words, of nobody's request.
    #[must_use]
    pub const fn test(row: &GenerationRow) -> Event<'_> {
        Event { row, key: None, input: &Value::Null, output: &Value::Null, trace: None }
    }

    /// What a rule is about, as text.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        let row = self.row;
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        match name {
            "model" => said(&row.model_id),
            "provider" => said(&row.provider_name),
            "session_id" => row.session_id.clone(),
            "user_id" => row.external_user.clone().or_else(|| said(&row.user_id)),
            "api_key_name" => self.key.map(|key| key.name.clone()),
            "finish_reason" => row.finish_reason.clone(),
            "input" => (!self.input.is_null()).then(|| self.input.to_string()),
            "output" => (!self.output.is_null()).then(|| self.output.to_string()),
            "total_cost" => Some(Money(row.cost_nanos).to_string()),
            "total_tokens" => Some((row.prompt_tokens + row.completion_tokens).to_string()),
            "prompt_tokens" => Some(row.prompt_tokens.to_string()),
            "completion_tokens" => Some(row.completion_tokens.to_string()),
            _ => None,
        }
    }

    fn said(&self, name: &str) -> Option<&str> {
        self.trace?.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// The span, with no more than a destination is to be told.
    #[must_use]
    pub fn span(&self, tells: Tells, is_langfuse: bool) -> Value {
        let row = self.row;
        let trace_id = self.said("trace_id").map_or_else(|| id("trace", &row.id, 16), trace_id);
        let name = self.said("generation_name").or(self.said("span_name"));
        let end_at =
            row.created_at.saturating_add(row.latency_ms.unwrap_or(0)).saturating_add(row.generation_ms.unwrap_or(0));
        let mut span = json!({
            "traceId": trace_id,
            "spanId": id("generation", &row.id, 8),
            "name": name.map_or_else(|| format!("chat {}", row.model_id), str::to_owned),
            "kind": CLIENT,
            "startTimeUnixNano": format!("{}000000", row.created_at),
            "endTimeUnixNano": format!("{end_at}000000"),
            "attributes": self.attributes(tells, is_langfuse),
        });
        if let Some(parent) = self.said("parent_span_id").filter(|parent| is_hex(parent, 16)) {
            span["parentSpanId"] = json!(parent.to_ascii_lowercase());
        }
        if let Some(error) = &row.error {
            // A provider's complaint may quote the prompt.
            let message = if tells.words && !self.input.is_null() { error.as_str() } else { "the request failed" };
            span["status"] = json!({ "code": 2, "message": message });
        }
        span
    }

    fn attributes(&self, tells: Tells, is_langfuse: bool) -> Vec<Value> {
        let row = self.row;
        let mut all = vec![
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.request.model", &row.requested_model),
            text("gen_ai.response.model", &row.model_id),
            text("gen_ai.response.id", &row.id),
            text("gen_ai.provider.name", &row.provider_slug),
            text("openrouter.provider_name", &row.provider_name),
            whole("gen_ai.usage.input_tokens", row.prompt_tokens),
            whole("gen_ai.usage.output_tokens", row.completion_tokens),
            whole("gen_ai.usage.cached_tokens", row.cached_tokens),
            whole("gen_ai.usage.reasoning_tokens", row.reasoning_tokens),
            whole("http.response.status_code", row.status),
        ];
        if let Some(reason) = &row.finish_reason {
            let values = json!({ "arrayValue": { "values": [{ "stringValue": reason }] } });
            all.push(json!({ "key": "gen_ai.response.finish_reasons", "value": values }));
        }
        all.extend(row.latency_ms.map(|ms| whole("openrouter.latency_ms", ms)));
        all.extend(row.session_id.as_deref().map(|session| text("session.id", session)));
        all.extend(self.said("trace_name").map(|name| text("trace.name", name)));
        if is_langfuse {
            all.push(text("langfuse.observation.type", "generation"));
            all.extend(self.said("trace_name").map(|name| text("langfuse.trace.name", name)));
            all.extend(row.session_id.as_deref().map(|session| text("langfuse.session.id", session)));
        }
        let known = ["trace_id", "trace_name", "span_name", "generation_name", "parent_span_id"];
        for (name, value) in self.trace.into_iter().flatten().filter(|(name, _)| !known.contains(&name.as_str())) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            all.push(text(&format!("metadata.{name}"), &value));
        }
        if tells.cost {
            self.cost(&mut all);
        }
        if tells.identity {
            self.identity(&mut all, is_langfuse);
        }
        if tells.context {
            self.context(&mut all);
        }
        if tells.words && !self.input.is_null() {
            self.words(&mut all, is_langfuse);
        }
        all
    }

    fn cost(&self, all: &mut Vec<Value>) {
        let row = self.row;
        all.push(dollars("gen_ai.usage.cost", row.cost_nanos));
        all.push(dollars("openrouter.cost.list_price", row.upstream_cost_nanos));
        all.push(flag("openrouter.cost.is_byok", !row.own_key_id.is_empty()));
    }

    fn identity(&self, all: &mut Vec<Value>, is_langfuse: bool) {
        let row = self.row;
        all.push(text("openrouter.organization_id", &row.organization_id));
        all.push(text("openrouter.workspace_id", &row.workspace_id));
        if let Some(user) = self.field("user_id") {
            all.push(text("user.id", &user));
            if is_langfuse {
                all.push(text("langfuse.user.id", &user));
            }
        }
        all.extend(self.key.map(|key| text("openrouter.api_key_name", &key.name)));
        all.extend(self.key.map(|key| text("openrouter.api_key_hash", &key.hash)));
    }

    fn context(&self, all: &mut Vec<Value>) {
        let row = self.row;
        all.push(text("openrouter.api_type", &row.api_type));
        all.push(flag("openrouter.streamed", row.is_streamed != 0));
        all.push(flag("openrouter.cancelled", row.is_cancelled != 0));
        all.push(text("openrouter.app.url", &row.app_url));
        all.push(text("openrouter.app.title", &row.app_title));
        all.extend(row.user_agent.as_deref().map(|agent| text("user_agent.original", agent)));
    }

    fn words(&self, all: &mut Vec<Value>, is_langfuse: bool) {
        let input = self.input.get("messages").unwrap_or(self.input).to_string();
        let output = self.output.to_string();
        if is_langfuse {
            all.push(text("langfuse.observation.input", &input));
            all.push(text("langfuse.observation.output", &output));
        }
        all.push(text("gen_ai.prompt", &input));
        all.push(text("gen_ai.completion", &output));
    }
}

/// Spans as one document.
#[must_use]
pub fn document(spans: &[Value]) -> Vec<u8> {
    let resource = json!({ "attributes": [
        text("service.name", "patchbay"), text("service.version", env!("CARGO_PKG_VERSION")),
    ] });
    let scope = json!({ "name": "patchbay" });
    let document =
        json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "scope": scope, "spans": spans }] }] });
    document.to_string().into_bytes()
}

fn text(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": { "stringValue": value } })
}

/// OTLP's JSON has whole numbers as text.
fn whole(name: &str, value: i64) -> Value {
    json!({ "key": name, "value": { "intValue": value.to_string() } })
}

fn flag(name: &str, value: bool) -> Value {
    json!({ "key": name, "value": { "boolValue": value } })
}

/// Written digit by digit: no amount passes through a float.
fn dollars(name: &str, nanos: i64) -> Value {
    let number: Value = serde_json::from_str(&Money(nanos).to_string()).unwrap_or_default();
    json!({ "key": name, "value": { "doubleValue": number } })
}

fn id(kind: &str, of: &str, bytes: usize) -> String {
    let digest = Sha256::digest(format!("{kind} {of}").as_bytes());
    hex(digest.get(..bytes).unwrap_or_default())
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A caller's own id of a trace; one in another form stands for itself by its digest.
fn trace_id(own: &str) -> String {
    if is_hex(own, 32) { own.to_ascii_lowercase() } else { id("trace", own, 16) }
}
