//! Our answers against the original's own description of its API: every operation of the
//! control plane is called, and what comes back must be what that file allows.

mod description;
mod walk;

use std::collections::BTreeSet;

use app::types::Money;
use description::{Description, Operation};
use serde_json::{Value, json};

use crate::support::{Database, TestApp, Upstream};

/// The groups of operations that are compared, by their tags.
const GROUPS: [&str; 11] = [
    "API Keys",
    "Analytics",
    "BYOK",
    "Credits",
    "Generations",
    "Guardrails",
    "OAuth",
    "Observability",
    "Organization",
    "Presets",
    "Workspaces",
];

/// The one provider there is.
const PROVIDER: &str = "alpha";

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_of_the_control_plane_answers_as_the_original_describes() {
    let Some(mut described) = Description::read(&GROUPS) else {
        eprintln!("skipped: ../shared/reference/openrouter-openapi.yaml is not there");
        return;
    };
    let upstream = Upstream::start(PROVIDER).await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(5)).await;
    walk::walk(&mut described, &app, &member).await;
    let operations = described.operations();
    for operation in &operations {
        refusals(&mut described, &app, operation).await;
    }

    let covered: BTreeSet<String> = described.covered();
    let names: BTreeSet<String> = operations.iter().map(Operation::name).collect();
    let missing: Vec<&String> = names.difference(&covered).collect();
    assert!(missing.is_empty(), "add a call to tests/api/conformance/walk.rs for {missing:?}");
    let (answers, wrong) = described.findings();
    assert!(wrong.is_empty(), "{} of {answers} answers differ:\n{}", wrong.len(), wrong.join("\n"));
    println!("{} operations, {answers} answers", covered.len());
    assert!(covered.len() >= 59 && answers >= 290, "{} operations, {answers} answers", covered.len());
    app.finish().await;
}

/// What every operation refuses alike: callers without a key, bodies that are none, things
/// that are not there.
async fn refusals(described: &mut Description, app: &TestApp, operation: &Operation) {
    let member = app.member(Money::ZERO).await;
    let manager = member.management_key().await;
    let path = format!("/api/v1{}", operation.with("00000000-0000-4000-8000-000000000000"));
    let is_of_one = ["/generation", "/generation/content"].contains(&operation.path.as_str());
    let path = if is_of_one { format!("{path}?id=gen-nothing") } else { path };
    let is_open = operation.path == "/auth/keys" || operation.path == "/credits/coinbase";
    if operation.describes(401) && !is_open {
        let request = app.request(operation.method.clone(), &path).json(&json!({}));
        described.check(operation, 401, request.send().await.unwrap()).await;
        let request = app.request(operation.method.clone(), &path).bearer_auth("sk-or-v1-nobody").json(&json!({}));
        described.check(operation, 401, request.send().await.unwrap()).await;
    }
    if operation.describes(400) && operation.takes_a_body() && !operation.path.contains('{') {
        for body in [json!([]), json!({ "name": 7, "code": [] })] {
            described.check(operation, 400, manager.send(operation.method.clone(), &path, &body).await).await;
        }
    }
    let names_a_thing = operation.path.contains('{') || is_of_one;
    // Presets come to be where they are not yet; members belong to every organization.
    if operation.describes(404) && names_a_thing && !operation.makes_what_it_names() {
        let body = operation.sound_body();
        described.check(operation, 404, manager.send(operation.method.clone(), &path, &body).await).await;
    }
}

#[test]
fn an_answer_that_differs_from_its_schema_is_found() {
    let schema = json!({ "type": "object", "required": ["at"], "properties": {
        "at": { "type": "string", "format": "date-time" }, "kind": { "enum": ["a", "b"] } } });
    let problems_of = |schema: &Value, answer: &Value| description::problems(schema, &json!({}), answer);
    assert_eq!(problems_of(&schema, &json!({ "at": "2026-11-21T12:00:00Z", "kind": "a" })), Vec::<String>::new());
    for wrong in [
        json!({}),
        json!({ "at": "today" }),
        json!({ "at": null }),
        json!({ "at": "2026-11-21T12:00:00Z", "kind": "c" }),
    ] {
        assert_ne!(problems_of(&schema, &wrong), Vec::<String>::new(), "{wrong}");
    }
}
