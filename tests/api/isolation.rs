//! Nobody reaches what is not his: every route with every kind of caller and every
//! kind of object of a stranger's; [`crate::matrix`] has the callers of one organization. The routes are read from the router's own source, so that a new
//! one without a row here fails.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use app::types::Money;
use patchbay::http::openapi;
use patchbay::store::passkeys::PasskeyRow;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::person::Person;
use crate::support::{Database, KeyHolder, TestApp, Upstream, question, read};

/// Who may read a route without belonging anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The same for everybody.
    Public,
    /// Needs a caller and shows or changes only what is his own.
    Own,
    /// As [`Reach::Own`]; the path names an object, which must be the caller's.
    Object,
}

use Reach::{Object, Own, Public};

/// A row for every path of the API.
pub const ROWS: [(&str, Reach); 171] = [
    ("/account", Own),
    ("/account/delete", Own),
    ("/account/export", Own),
    ("/account/identities", Own),
    ("/account/identities/{provider}", Own),
    ("/account/notifications", Own),
    ("/account/passkeys", Own),
    ("/account/passkeys/begin", Own),
    ("/account/passkeys/{id}", Object),
    ("/account/password", Own),
    ("/account/password-reset", Public),
    ("/account/password-reset/finish", Public),
    ("/account/second-factor", Own),
    ("/account/second-factor/confirm", Own),
    ("/account/second-factor/off", Own),
    ("/account/second-factor/recovery-codes", Own),
    ("/account/sessions", Own),
    ("/account/sessions/{id}", Object),
    ("/account/verification", Own),
    ("/account/verification/finish", Public),
    ("/activity", Own),
    ("/admin", Own),
    ("/admin/announcements", Own),
    ("/admin/announcements/{id}", Object),
    ("/admin/catalog/import", Own),
    ("/admin/endpoints", Own),
    ("/admin/endpoints/edit", Own),
    ("/admin/flags", Own),
    ("/admin/flags/{name}", Own),
    ("/admin/log", Own),
    ("/admin/organizations", Own),
    ("/admin/organizations/{id}", Object),
    ("/admin/organizations/{id}/credit", Object),
    ("/admin/organizations/{id}/freeze", Object),
    ("/admin/organizations/{id}/thaw", Object),
    ("/admin/providers", Own),
    ("/admin/providers/{slug}/check", Own),
    ("/admin/purchases/{id}/refund", Object),
    ("/admin/users", Own),
    ("/admin/users/{id}/restore", Object),
    ("/admin/users/{id}/suspend", Object),
    ("/analytics/meta", Own),
    ("/analytics/query", Own),
    ("/auth/key", Own),
    ("/auth/keys", Public),
    ("/auth/keys/code", Own),
    ("/byok", Own),
    ("/byok/{id}", Object),
    ("/byok/{id}/test", Object),
    ("/chat/completions", Own),
    ("/completions", Own),
    ("/credits", Own),
    ("/embeddings", Own),
    ("/embeddings/models", Public),
    ("/generation", Own),
    ("/generation/content", Own),
    ("/generation/feedback", Own),
    ("/generations", Own),
    ("/invitations/accept", Own),
    ("/invitations/show", Public),
    ("/key", Own),
    ("/keys", Own),
    ("/keys/{hash}", Object),
    ("/ledger", Own),
    ("/messages", Own),
    ("/messages/count_tokens", Own),
    ("/model/{author}/{slug}", Public),
    ("/models", Public),
    ("/models/count", Public),
    ("/models/{author}/{slug}", Public),
    ("/models/{author}/{slug}/endpoints", Public),
    ("/models/{author}/{slug}:countTokens", Own),
    ("/models/{author}/{slug}:generateContent", Own),
    ("/models/{author}/{slug}:streamGenerateContent", Own),
    ("/models/{id}", Public),
    ("/openapi.json", Public),
    ("/observability/destinations", Own),
    ("/observability/destinations/{id}", Object),
    ("/observability/destinations/{id}/test", Object),
    ("/organization", Own),
    ("/organization/audit-log", Own),
    ("/organization/invitations", Own),
    ("/organization/invitations/{id}", Object),
    ("/organization/members", Own),
    ("/organization/members/{id}", Object),
    ("/organizations", Own),
    ("/organizations/switch", Own),
    ("/providers", Public),
    ("/rankings", Public),
    ("/rerank", Own),
    ("/responses", Own),
    ("/route", Own),
    ("/session", Public),
    ("/usage", Own),
    ("/workspaces", Own),
    ("/workspaces/{id}", Object),
    ("/workspaces/{id}/budgets", Object),
    ("/workspaces/{id}/budgets/{interval}", Object),
    ("/workspaces/{id}/members", Object),
    ("/workspaces/{id}/members/add", Object),
    ("/workspaces/{id}/members/remove", Object),
    ("/workspaces/{id}/prompts", Object),
    ("/billing", Own),
    ("/credits/coinbase", Public),
    ("/credits/forget-card", Own),
    ("/credits/promo", Own),
    ("/credits/purchase", Own),
    ("/credits/purchases", Own),
    ("/credits/purchases.csv", Own),
    ("/credits/receipt", Own),
    ("/credits/receipt-address", Own),
    ("/credits/refund", Own),
    ("/credits/return", Own),
    ("/credits/statement", Own),
    ("/credits/top-up", Own),
    ("/guardrails", Own),
    ("/guardrails/assignments/keys", Own),
    ("/guardrails/assignments/members", Own),
    ("/guardrails/{id}", Object),
    ("/guardrails/{id}/assignments/keys", Object),
    ("/guardrails/{id}/assignments/keys/remove", Object),
    ("/guardrails/{id}/assignments/members", Object),
    ("/guardrails/{id}/assignments/members/remove", Object),
    ("/presets", Own),
    ("/presets/{slug}", Own),
    ("/presets/{slug}/chat/completions", Own),
    ("/presets/{slug}/messages", Own),
    ("/presets/{slug}/responses", Own),
    ("/presets/{slug}/versions", Own),
    ("/presets/{slug}/versions/{version}", Own),
    ("/chats", Own),
    ("/chats/{id}", Object),
    ("/chats/{id}/share", Object),
    ("/chats/{id}/files/{file}", Object),
    ("/chat-folders", Own),
    ("/chat-folders/{id}", Object),
    ("/classifications/task", Public),
    ("/datasets/app-rankings", Public),
    ("/datasets/rankings-daily", Public),
    ("/models/facets", Public),
    ("/models/{author}/{slug}/statistics", Public),
    ("/rankings.csv", Public),
    ("/rankings.svg", Public),
    ("/rankings/speed", Public),
    ("/ratings", Public),
    ("/shared/{share_id}", Public),
    ("/shared/{share_id}/files/{file}", Public),
    ("/status", Public),
    ("/usage.csv", Own),
    ("/math", Own),
    ("/votes", Own),
    ("/votes/pair", Own),
    // Signed by the payment services.
    ("WEBHOOK_PATH", Public),
    ("coinbase::WEBHOOK_PATH", Public),
    // Outside of /api/v1.
    ("/api/v1beta/models", Public),
    ("/api/v1beta/models/{*call}", Public),
    ("/api/{*rest}", Public),
    ("/auth/approve", Own),
    ("/confirm", Own),
    ("/form", Own),
    ("/formats", Public),
    ("/healthz", Public),
    ("/readyz", Public),
    ("/sign-in", Public),
    ("/sign-in/code", Public),
    ("/sign-in/passkey", Public),
    ("/sign-in/passkey/begin", Public),
    ("/sign-in/with/{provider}", Public),
    ("/sign-in/with/{provider}/callback", Public),
    ("/sign-out", Public),
    ("/sign-up", Public),
];

/// The paths in the source of the router.
fn routes() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in ["src/http/mod.rs", "src/http/forms.rs", "src/http/admin/mod.rs"] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
        for piece in text.split(".route(").skip(1) {
            // Some paths have a name.
            let path = piece.split(',').next().unwrap().trim().trim_matches('"');
            found.insert(path.to_owned());
        }
    }
    found
}

#[test]
fn every_route_has_a_row() {
    let routes = routes();
    assert!(routes.len() > 50, "{routes:?}");
    let rows: BTreeSet<&str> = ROWS.iter().map(|(path, _)| *path).collect();
    let missing: Vec<&String> = routes.iter().filter(|path| !rows.contains(path.as_str())).collect();
    assert!(missing.is_empty(), "add a row to ROWS in tests/api/isolation.rs for {missing:?}");
    let described = serde_json::to_value(openapi::document()).unwrap();
    for path in described["paths"].as_object().unwrap().keys() {
        assert!(rows.contains(path.as_str()), "add a row to ROWS for {path}");
    }
}

/// A caller of the matrix.
enum Principal<'a> {
    Nobody,
    Person(Person<'a>),
    Key(KeyHolder<'a>),
}

impl Principal<'_> {
    async fn call(&self, app: &TestApp, method: &Method, path: &str, body: &Value) -> (u16, Value) {
        match self {
            Self::Nobody => read(app.request(method.clone(), path).json(body).send().await.unwrap()).await,
            Self::Person(person) => person.call(method.clone(), path, body.clone()).await,
            Self::Key(key) => read(key.send(method.clone(), path, body).await).await,
        }
    }
}

/// What belongs to the one whom nobody else may reach.
pub struct Victim {
    /// What to put in place of a path's parameters.
    pub own: BTreeMap<&'static str, String>,
    /// Words that only his data contains.
    pub canaries: Vec<String>,
}

pub async fn victim(app: &TestApp, owner: &Person<'_>) -> Victim {
    let (_, organization) =
        owner.call(Method::POST, "/api/v1/organizations", json!({ "name": "Canary Holdings" })).await;
    let id = organization["data"]["id"].as_str().unwrap().to_owned();
    app.app.ledger.grant(&id, &id, Money::from_dollars(5), "canary grant").await.expect("grants");
    let (_, workspace) = owner.call(Method::POST, "/api/v1/workspaces", json!({ "name": "Canary Bay" })).await;
    let workspace = workspace["data"]["id"].as_str().unwrap().to_owned();
    let budget = format!("/api/v1/workspaces/{workspace}/budgets/daily");
    assert_eq!(owner.call(Method::PUT, &budget, json!({ "limit_usd": 3 })).await.0, 200);
    let (_, key) = owner.call(Method::POST, "/api/v1/keys", json!({ "name": "canary key" })).await;
    let invite = json!({ "email": "canary@example.net", "role": "member" });
    let (_, invitation) = owner.call(Method::POST, "/api/v1/organization/invitations", invite).await;
    let (_, guardrail) = owner.call(Method::POST, "/api/v1/guardrails", json!({ "name": "canary rail" })).await;
    let chat = json!({ "title": "canary talk", "document": { "columns": [
        { "model": { "id": "acme/one", "name": "One" }, "turns": [{ "is_answer": false, "content": "canary words" }] }] } });
    let (_, chat) = owner.call(Method::POST, "/api/v1/chats", chat).await;
    let file = json!({ "name": "canary.txt", "kind": "text/plain", "data": "data:text/plain;base64,Y2FuYXJ5" });
    let path = format!("/api/v1/chats/{}/files/f1", chat["data"]["id"].as_str().unwrap());
    assert_eq!(owner.call(Method::PUT, &path, file).await.0, 200);
    let (_, folder) = owner.call(Method::POST, "/api/v1/chat-folders", json!({ "name": "canary folder" })).await;
    let own_key = json!({ "provider": "one", "key": "canary-credential-0001", "disabled": true });
    let (_, own_key) = owner.call(Method::POST, "/api/v1/byok", own_key).await;
    let destination = json!({ "type": "webhook", "name": "canary hook", "enabled": false,
        "config": { "url": "https://canary.example/hook", "headers": { "x-token": "canary-token-0001" } } });
    let (status, destination) = owner.call(Method::POST, "/api/v1/observability/destinations", destination).await;
    assert_eq!(status, 201, "{destination}");
    let (status, _) = owner.call(Method::POST, "/api/v1/chat/completions", question(json!({ "max_tokens": 9 }))).await;
    assert_eq!(status, 200);
    let (_, generations) = owner.get("/api/v1/generations").await;
    let (_, account) = owner.get("/api/v1/account").await;
    let (_, sessions) = owner.get("/api/v1/account/sessions").await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let passkey = PasskeyRow {
        id: "canarypasskey".to_owned(),
        user_id: text(&account["data"]["id"]),
        credential_id: "Y2FuYXJ5".to_owned(),
        name: "canary phone".to_owned(),
        ..PasskeyRow::default()
    };
    assert!(app.app.store.insert_passkey(&passkey, 1).await.unwrap());
    let own = BTreeMap::from([
        ("organization", id.clone()),
        ("chat", text(&chat["data"]["id"])),
        ("folder", text(&folder["data"]["id"])),
        ("own key", text(&own_key["data"]["id"])),
        ("destination", text(&destination["data"]["id"])),
        ("guardrail", text(&guardrail["data"]["id"])),
        ("hash", text(&key["data"]["hash"])),
        ("workspace", workspace.clone()),
        ("invitation", text(&invitation["data"]["id"])),
        ("member", text(&account["data"]["id"])),
        ("passkey", passkey.id),
        ("session", text(&sessions["data"][0]["id"])),
        ("generation", text(&generations["data"][0]["id"])),
    ]);
    let mut canaries: Vec<String> = ["Canary", "canary", "victim@example.org"].into_iter().map(str::to_owned).collect();
    canaries.extend([id, text(&key["data"]["label"])]);
    Victim { own, canaries }
}

/// Which of the victim's objects a path names.
pub fn kind(path: &str) -> &'static str {
    match path.split('/').nth(1).unwrap() {
        "byok" => "own key",
        "chats" => "chat",
        "chat-folders" => "folder",
        "keys" => "hash",
        "guardrails" => "guardrail",
        "observability" => "destination",
        "workspaces" => "workspace",
        "account" if path.contains("/passkeys/") => "passkey",
        "account" => "session",
        "admin" if path.contains("/users/") => "member",
        "admin" => "organization",
        _ if path.starts_with("/organization/members") => "member",
        _ => "invitation",
    }
}

fn filled(path: &str, object: &str) -> String {
    let path = path
        .replace("{author}", "acme")
        .replace("{slug}", "one")
        .replace("{interval}", "daily")
        .replace("{file}", "f1");
    format!("/api/v1{}", path.replace("{hash}", object).replace("{id}", object))
}

/// A body that each operation takes, so that nothing but the right is missing.
fn body_for(path: &str) -> Value {
    let id = "01arz3ndektsv4rrffq69g5fav";
    match path {
        "/workspaces/{id}/members/add" | "/workspaces/{id}/members/remove" => json!({ "user_ids": [id] }),
        "/workspaces/{id}/budgets/{interval}" => json!({ "limit_usd": 1 }),
        "/analytics/query" => json!({ "metrics": ["request_count"], "dimensions": ["api_key_id", "user"] }),
        "/organization/members/{id}" => json!({ "role": "viewer" }),
        _ => json!({ "name": "renamed", "disabled": true }),
    }
}

/// What the owner sees of it all: it must not change.
async fn snapshot(owner: &Person<'_>, victim: &Victim) -> String {
    let mut all = String::new();
    for path in [
        "/keys",
        "/workspaces",
        "/organization",
        "/organization/members",
        "/organization/invitations",
        "/generations",
        "/ledger",
        "/organization/audit-log",
        "/account",
        "/byok",
        "/observability/destinations",
        "/chats",
        "/chat-folders",
    ] {
        all.push_str(&owner.get(&format!("/api/v1{path}")).await.1.to_string());
    }
    all.push_str(&owner.get(&format!("/api/v1/chats/{}/files/f1", victim.own["chat"])).await.1.to_string());
    let workspace = &victim.own["workspace"];
    for part in ["", "/budgets", "/members"] {
        all.push_str(&owner.get(&format!("/api/v1/workspaces/{workspace}{part}")).await.1.to_string());
    }
    all
}

on_both_databases! {
    async fn no_caller_reaches_what_is_not_his(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let owner = Person::new(&app, "victim@example.org").await;
        let victim = victim(&app, &owner).await;
        let before = snapshot(&owner, &victim).await;

        let stranger = app.member(Money::from_dollars(1)).await;
        let disabled = stranger.key_with(|row| row.is_disabled = 1).await;
        let expired = stranger.key_with(|row| row.expires_at = Some(1)).await;
        let outsiders = [
            ("nobody", Principal::Nobody),
            ("a person", Principal::Person(Person::new(&app, "stranger@example.org").await)),
            ("an inference key", Principal::Key(stranger.key().await)),
            ("a management key", Principal::Key(stranger.management_key().await)),
            ("a disabled key", Principal::Key(disabled)),
            ("an expired key", Principal::Key(expired)),
        ];
        let described = serde_json::to_value(openapi::document()).unwrap();
        let (mut cases, mut leaks) = (0, Vec::new());
        for (path, methods) in described["paths"].as_object().unwrap() {
            let reach = ROWS.iter().find(|(row, _)| row == path).unwrap().1;
            for method in methods.as_object().unwrap().keys() {
                // These end the caller's own session, which the rest of the matrix needs.
                if ["/account/delete", "/account/sessions/{id}"].contains(&path.as_str()) && method != "get"
                    && reach == Own
                {
                    continue;
                }
                let method: Method = method.to_uppercase().parse().unwrap();
                for (name, caller) in &outsiders {
                    let mut answers = Vec::new();
                    let objects = match reach {
                        Object => vec![victim.own[kind(path)].clone(), "01arz3ndektsv4rrffq69g5fav".to_owned()],
                        _ => vec![String::new()],
                    };
                    for object in &objects {
                        let mut call = filled(path, object);
                        if ["/generation", "/generation/content"].contains(&path.as_str()) {
                            call = format!("{call}?id={}", victim.own["generation"]);
                        } else if path == "/organization" && method == Method::DELETE {
                            continue;
                        }
                        let (status, answer) = caller.call(&app, &method, &call, &body_for(path)).await;
                        // What was asked for may be repeated.
                        let text = answer.to_string().replace(object.as_str(), "").replace(&victim.own["generation"], "");
                        cases += 1;
                        if status >= 500 || (reach == Object && status < 400) {
                            leaks.push(format!("{method} {path} by {name}: {status}"));
                        }
                        if reach != Public && *name == "nobody" && status < 400 {
                            leaks.push(format!("{method} {path} answers nobody with {status}"));
                        }
                        // The public rankings and catalog name no organization either.
                        if let Some(canary) = victim.canaries.iter().find(|canary| text.contains(canary.as_str())) {
                            leaks.push(format!("{method} {path} by {name} tells {canary}"));
                        }
                        answers.push((status, text));
                    }
                    // A foreign object and one that never was are the same to a stranger.
                    if answers.windows(2).any(|pair| pair[0] != pair[1]) {
                        leaks.push(format!("{method} {path} by {name} tells foreign from absent: {answers:?}"));
                    }
                }
            }
        }
        assert_eq!(leaks, Vec::<String>::new(), "0 leaks in {cases} cases");
        assert!(cases > 400, "{cases}");
        assert_eq!(snapshot(&owner, &victim).await, before, "nothing of the victim's has changed");
        app.finish().await;
    }
}
