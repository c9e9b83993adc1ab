//! The original's description: its operations, and whether an answer fits them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use reqwest::{Method, Response};
use serde_json::{Map, Value, json};

use crate::support::read;

/// Lists of names that are the operator's to extend, so that ours may hold others.
const OPEN_LISTS: [&str; 2] = ["BYOKProviderSlug", "ProviderName"];

/// One method of one path.
#[derive(Clone, Debug)]
pub struct Operation {
    pub method: Method,
    pub path: String,
    responses: Map<String, Value>,
    takes_a_body: bool,
}

impl Operation {
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn describes(&self, status: u16) -> bool {
        self.responses.contains_key(&status.to_string())
    }

    pub const fn takes_a_body(&self) -> bool {
        self.takes_a_body
    }

    /// The path with every parameter replaced; what has a form of its own keeps it.
    pub fn with(&self, id: &str) -> String {
        let path = self.path.replace("{interval}", "daily").replace("{version}", "1");
        path.replace("{hash}", &"0".repeat(64)).replace("{slug}", "nothing").replace("{id}", id)
    }

    /// Asking for what is not there makes it.
    pub fn makes_what_it_names(&self) -> bool {
        self.method == Method::POST && self.path.starts_with("/presets/")
    }

    /// A body nothing is wrong with, whatever it is sent to.
    pub fn sound_body(&self) -> Value {
        match self.path.as_str() {
            path if path.contains("/budgets/") => json!({ "limit_usd": 5 }),
            path if path.contains("/assignments/keys") => json!({ "key_hashes": ["0".repeat(64)] }),
            path if path.contains("/assignments/members") => json!({ "member_user_ids": ["user_nobody"] }),
            path if path.contains("/members/") => json!({ "user_ids": ["user_nobody"] }),
            "/generation/feedback" => json!({ "generation_id": "gen-nothing", "category": "other" }),
            _ => json!({ "name": "Nothing" }),
        }
    }
}

pub struct Description {
    document: Value,
    operations: Vec<Operation>,
    covered: BTreeMap<String, u32>,
    wrong: Vec<String>,
}

impl Description {
    /// The operations of these groups, where the file is there.
    pub fn read(groups: &[&str]) -> Option<Self> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/openrouter-openapi.yaml");
        let mut document: Value = serde_yaml_ng::from_str(&std::fs::read_to_string(file).ok()?).unwrap();
        for name in OPEN_LISTS {
            let list = document["components"]["schemas"][name].as_object_mut().unwrap();
            assert!(list.remove("enum").is_some(), "{name} is a list");
        }
        let mut operations = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let tags = operation["tags"].as_array().into_iter().flatten();
                if tags.filter_map(Value::as_str).any(|tag| groups.contains(&tag)) {
                    operations.push(Operation {
                        method: method.to_uppercase().parse().unwrap(),
                        path: path.clone(),
                        responses: operation["responses"].as_object().unwrap().clone(),
                        takes_a_body: operation["requestBody"].is_object(),
                    });
                }
            }
        }
        Some(Self { document, operations, covered: BTreeMap::new(), wrong: Vec::new() })
    }

    pub fn operations(&self) -> Vec<Operation> {
        self.operations.clone()
    }

    /// The operation of this name: `GET /keys`.
    pub fn operation(&self, name: &str) -> Operation {
        self.operations.iter().find(|own| own.name() == name).unwrap_or_else(|| panic!("no {name}")).clone()
    }

    /// Notes whether an answer is the one expected and has the form described.
    pub async fn check(&mut self, operation: &Operation, expected: u16, response: Response) -> Value {
        let (status, body) = read(response).await;
        let name = operation.name();
        *self.covered.entry(name.clone()).or_default() += 1;
        if status != expected {
            self.wrong.push(format!("{name}: {status} instead of {expected}: {body}"));
            return body;
        }
        let Some(described) = operation.responses.get(&status.to_string()) else {
            self.wrong.push(format!("{name}: {status} is not described"));
            return body;
        };
        let schema = &described["content"]["application/json"]["schema"];
        if schema.is_object() {
            let found = problems(schema, &self.document["components"], &body);
            self.wrong.extend(found.into_iter().map(|what| format!("{name} {status}: {what}")));
        }
        body
    }

    pub fn covered(&self) -> BTreeSet<String> {
        self.covered.keys().cloned().collect()
    }

    /// How many answers were looked at, and what is wrong with them.
    pub fn findings(&self) -> (u32, Vec<String>) {
        (self.covered.values().sum(), self.wrong.clone())
    }
}

/// What of an answer its schema does not allow.
pub fn problems(schema: &Value, components: &Value, answer: &Value) -> Vec<String> {
    let whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": components,
        "allOf": [schema],
    });
    let validator = jsonschema::options().should_validate_formats(true).build(&whole).unwrap();
    let found = validator.iter_errors(answer).map(|error| {
        let text: String = error.to_string().chars().take(300).collect();
        format!("{}: {text}", error.instance_path())
    });
    found.collect()
}
