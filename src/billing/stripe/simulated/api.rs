//! The calls of the API, with its authentication, idempotency keys and errors.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::Simulated;
use super::world::{Refusal, World, fresh, method_by_id};

type Answer = Result<Json<Value>, Refusal>;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let error = json!({ "type": self.kind, "code": self.code, "message": self.message });
        (status, Json(json!({ "error": error }))).into_response()
    }
}

/// Names and values of a form or a query.
struct Form(BTreeMap<String, String>);

impl Form {
    fn read(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).into_owned().collect())
    }

    fn text(&self, name: &str) -> Result<String, Refusal> {
        let value = self.0.get(name).filter(|value| !value.is_empty()).cloned();
        value.ok_or_else(|| Refusal::new(format!("Missing required param: {name}.")))
    }

    fn number(&self, name: &str) -> Result<i64, Refusal> {
        self.text(name)?.parse().map_err(|_| Refusal::new(format!("Invalid integer: {name}")))
    }

    /// `name[a]`, `name[b]`, … as an object.
    fn map(&self, name: &str) -> Value {
        let mut map = Map::new();
        for (key, value) in &self.0 {
            let inner = key.strip_prefix(name).and_then(|rest| rest.strip_prefix('['));
            if let Some(inner) = inner.and_then(|rest| rest.strip_suffix(']')) {
                map.insert(inner.to_owned(), json!(value));
            }
        }
        Value::Object(map)
    }
}

impl Simulated {
    fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let expected = format!("Bearer {}", self.inner.options.secret_key);
        let given = headers.get("authorization").and_then(|value| value.to_str().ok());
        if given == Some(expected.as_str()) {
            return Ok(());
        }
        Err(Refusal { status: 401, ..Refusal::new("Invalid API Key provided") })
    }

    /// Runs a call that changes something, once per idempotency key.
    fn once(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        run: impl FnOnce(&mut World, &Form) -> Result<(Value, Vec<Value>), Refusal>,
    ) -> Answer {
        self.check(headers)?;
        let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let asked = String::from_utf8_lossy(body).into_owned();
        let mut world = self.inner.world.lock();
        if let Some((before, answer)) = world.answered.get(&key).filter(|_| !key.is_empty()) {
            if *before != asked {
                return Err(Refusal {
                    kind: "idempotency_error",
                    ..Refusal::new("Keys for idempotent requests can only be used with the same parameters")
                });
            }
            return Ok(Json(answer.clone()));
        }
        let (answer, events) = run(&mut world, &Form::read(body))?;
        if !key.is_empty() {
            world.answered.insert(key, (asked, answer.clone()));
        }
        drop(world);
        self.emit(events);
        Ok(Json(answer))
    }

    fn read(&self, headers: &HeaderMap, what: &str, find: impl FnOnce(&World) -> Option<Value>) -> Answer {
        self.check(headers)?;
        find(&self.inner.world.lock()).map(Json).ok_or_else(|| Refusal::missing(what))
    }
}

pub async fn create_customer(State(stripe): State<Simulated>, headers: HeaderMap, body: Bytes) -> Answer {
    stripe.once(&headers, &body, |_, form| {
        Ok((json!({ "id": fresh("cus"), "object": "customer", "metadata": form.map("metadata") }), Vec::new()))
    })
}

pub async fn create_session(State(stripe): State<Simulated>, headers: HeaderMap, body: Bytes) -> Answer {
    let page_url = stripe.inner.options.page_url.clone();
    stripe.once(&headers, &body, |world, form| {
        let mut total = 0;
        let mut lines = Vec::new();
        for line in 0.. {
            let name = format!("line_items[{line}][price_data][product_data][name]");
            let Some(name) = form.0.get(&name) else { break };
            let amount = form.number(&format!("line_items[{line}][price_data][unit_amount]"))?
                * form.number(&format!("line_items[{line}][quantity]"))?;
            total += amount;
            lines.push(json!({ "name": name, "amount": amount }));
        }
        if total < 50 {
            return Err(Refusal::new("The Checkout Session's total amount must be at least $0.50 usd"));
        }
        let id = fresh("cs");
        let session = json!({
            "id": id, "object": "checkout.session", "status": "open", "payment_status": "unpaid", "currency": "usd",
            "url": format!("{page_url}/pay/{id}"), "amount_total": total, "payment_intent": null,
            "client_reference_id": form.0.get("client_reference_id"), "customer": form.text("customer")?,
            "metadata": form.map("metadata"), "intent_metadata": form.map("payment_intent_data[metadata]"),
            "setup_future_usage": form.0.get("payment_intent_data[setup_future_usage]"),
            "success_url": form.text("success_url")?, "cancel_url": form.0.get("cancel_url"), "lines": lines,
        });
        world.sessions.insert(id, session.clone());
        Ok((session, Vec::new()))
    })
}

pub async fn show_session(State(stripe): State<Simulated>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    stripe.read(&headers, "checkout.session", |world| world.sessions.get(&id).cloned())
}

pub async fn create_intent(State(stripe): State<Simulated>, headers: HeaderMap, body: Bytes) -> Answer {
    stripe.once(&headers, &body, |world, form| {
        let method_id = form.text("payment_method")?;
        World::charge(&method_id)?;
        let amount = form.number("amount")?;
        let intent = json!({
            "id": fresh("pi"), "object": "payment_intent", "status": "succeeded", "currency": form.text("currency")?,
            "amount": amount, "amount_received": amount, "customer": form.text("customer")?,
            "metadata": form.map("metadata"), "setup_future_usage": null, "payment_method": method_id,
            "amount_refunded": 0,
        });
        let events = world.succeed(intent.clone());
        Ok((expanded(intent), events))
    })
}

pub async fn show_intent(State(stripe): State<Simulated>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    stripe.read(&headers, "payment_intent", |world| world.intents.get(&id).cloned().map(expanded))
}

fn expanded(mut intent: Value) -> Value {
    if let Some(id) = intent["payment_method"].as_str() {
        intent["payment_method"] = method_by_id(id);
    }
    intent
}

pub async fn detach_method(State(stripe): State<Simulated>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    stripe.once(&headers, &[], |_, _| Ok((method_by_id(&id), Vec::new())))
}

pub async fn create_refund(State(stripe): State<Simulated>, headers: HeaderMap, body: Bytes) -> Answer {
    stripe.once(&headers, &body, |world, form| {
        world.refund(&form.text("payment_intent")?, form.number("amount")?, &form.map("metadata"))
    })
}

pub async fn list_refunds(State(stripe): State<Simulated>, headers: HeaderMap, RawQuery(query): RawQuery) -> Answer {
    let form = Form::read(query.unwrap_or_default().as_bytes());
    let intent_id = form.text("payment_intent")?;
    stripe.read(&headers, "refund", |world| {
        let data: Vec<&Value> = world.refunds.iter().filter(|refund| refund["payment_intent"] == intent_id).collect();
        Some(json!({ "object": "list", "data": data }))
    })
}

pub async fn show_dispute(State(stripe): State<Simulated>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    stripe.read(&headers, "dispute", |world| world.disputes.get(&id).cloned())
}
