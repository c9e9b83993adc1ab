//! The hosted checkout page, clearly a play.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use serde_json::Value;

use super::Simulated;

const STYLE: &str = "@view-transition{navigation:auto}*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f4f4f6;\
    color:#1b1b1f}main{max-width:26rem;margin:8vh auto;padding:1.5rem;background:#fff;border-radius:12px;\
    box-shadow:0 1px 3px #0003}h1{font-size:1.25rem;margin:.25rem 0 1rem}.play{background:#fff4d6;color:#5c4300;\
    border-radius:8px;padding:.6rem .8rem;margin:0 0 1rem}table{width:100%;border-collapse:collapse;margin-bottom:1rem}\
    td,th{text-align:left;padding:.35rem 0;border-top:1px solid #ddd;font-weight:inherit}td:last-child,th:last-child\
    {text-align:right}tr:last-child{font-weight:600}label{display:block;margin-bottom:1rem}input,button{font:inherit;\
    width:100%;padding:.6rem .7rem;border-radius:8px;border:1px solid #8a8a94}button{background:#2b2b36;color:#fff;\
    border:0;cursor:pointer;margin-bottom:.5rem}button[value=cancel]{background:none;color:inherit}.bad{color:#a4001d}\
    @media(prefers-color-scheme:dark){body{background:#111114;color:#eee}main{background:#1d1d22}td,th{border-color:#444}\
    input{background:#111114;color:#eee}button[value=pay]{background:#eee;color:#111}}";

/// Shows the page.
pub async fn show(State(stripe): State<Simulated>, Path(id): Path<String>) -> Response {
    answer(&stripe, &id, "")
}

/// Pays, or goes back.
pub async fn pay(State(stripe): State<Simulated>, Path(id): Path<String>, body: Bytes) -> Response {
    let field = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(&body);
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let address = |name: &str| {
        let world = stripe.inner.world.lock();
        let address = world.sessions.get(&id).and_then(|session| session[name].as_str().map(str::to_owned));
        address.unwrap_or_default().replace("{CHECKOUT_SESSION_ID}", &id)
    };
    if field("action") == "cancel" {
        return see_other(&address("cancel_url"));
    }
    match stripe.pay(&id, &field("number")) {
        Ok(()) => see_other(&address("success_url")),
        Err(problem) => answer(&stripe, &id, &problem),
    }
}

fn see_other(target: &str) -> Response {
    let location = HeaderValue::from_str(target).unwrap_or_else(|_| HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

fn answer(stripe: &Simulated, id: &str, problem: &str) -> Response {
    let session = stripe.inner.world.lock().sessions.get(id).cloned();
    let Some(session) = session else {
        return (StatusCode::NOT_FOUND, "There is no such checkout page.").into_response();
    };
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
    let headers = [(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-store")];
    (headers, Html(page(&session, problem))).into_response()
}

fn dollars(cents: &Value) -> String {
    let cents = cents.as_i64().unwrap_or(0);
    format!("${}.{:02}", cents / 100, cents % 100)
}

fn page(session: &Value, problem: &str) -> String {
    let lines = session["lines"].as_array().into_iter().flatten();
    let row = |name: &str, cents: &Value| format!("<tr><th scope=row>{name}</th><td>{}</td></tr>", dollars(cents));
    let mut rows: String =
        lines.map(|line| row(&escaped(line["name"].as_str().unwrap_or_default()), &line["amount"])).collect();
    rows.push_str(&row("Total", &session["amount_total"]));
    let total = dollars(&session["amount_total"]);
    let problem =
        if problem.is_empty() { String::new() } else { format!("<p class=bad role=alert>{}</p>", escaped(problem)) };
    let form = if session["status"] == "open" {
        format!(
            "<form method=post>{problem}<label>Card number<input name=number inputmode=numeric autocomplete=off \
             value=\"4242 4242 4242 4242\" required></label>\
             <button name=action value=pay>Pay {total}</button>\
             <button name=action value=cancel formnovalidate>Back</button></form>"
        )
    } else {
        "<p>This page was used already.</p>".to_owned()
    };
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Simulated checkout</title><style>{STYLE}</style><main>\
         <p class=play><strong>Simulated checkout.</strong> No card is charged and no money is moved. \
         4242 4242 4242 4242 pays, 4000 0000 0000 0002 is declined.</p>\
         <h1>Pay {total}</h1><table>{rows}</table>{form}</main></html>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
