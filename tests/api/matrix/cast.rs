//! The callers.

use std::collections::BTreeMap;

use app::types::Money;
use app::types::roles::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::things::World;
use crate::isolation::victim;
use crate::support::person::Person;
use crate::support::{TestApp, read};

/// What a caller is to the organization whose things are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody, or nobody any more.
    Unknown,
    Member(Role),
    InferenceKey,
    ManagementKey,
    Outside,
    OutsideKey,
    Operator,
}

enum Credentials {
    None,
    /// One of the people of [`World::people`].
    Person(&'static str),
    Key(String),
}

/// A caller.
pub struct Principal<'a> {
    pub name: &'static str,
    pub standing: Standing,
    credentials: Credentials,
    people: std::rc::Rc<BTreeMap<&'static str, Person<'a>>>,
    /// Who makes what is his own.
    pub maker: &'static str,
    /// The canaries are his.
    pub is_canary: bool,
}

impl Principal<'_> {
    pub async fn call(&self, app: &TestApp, method: &Method, path: &str, body: &Value) -> (u16, Value) {
        let request = app.request(method.clone(), path);
        match &self.credentials {
            Credentials::None => read(request.json(body).send().await.unwrap()).await,
            Credentials::Person(name) => self.people[name].call(method.clone(), path, body.clone()).await,
            Credentials::Key(text) => read(request.bearer_auth(text).json(body).send().await.unwrap()).await,
        }
    }
}

async fn id_of(person: &Person<'_>) -> String {
    person.get("/api/v1/account").await.1["data"]["id"].as_str().unwrap().to_owned()
}

/// Makes somebody a member, who acts in the organization from then on.
async fn join<'a>(app: &'a TestApp, organization: &str, email: &str, role: &str) -> Person<'a> {
    let person = Person::new(app, email).await;
    let id = id_of(&person).await;
    super::things::add_member(app, organization, &id, role).await;
    let switch = json!({ "organization_id": organization });
    assert_eq!(person.call(Method::POST, "/api/v1/organizations/switch", switch).await.0, 200);
    person
}

async fn key(person: &Person<'_>, fields: Value) -> (String, String) {
    let (status, made) = person.call(Method::POST, "/api/v1/keys", fields).await;
    assert_eq!(status, 201, "{made}");
    (made["key"].as_str().unwrap().to_owned(), made["data"]["hash"].as_str().unwrap().to_owned())
}

const ROLES: [(&str, Role); 5] = [
    ("the owner", Role::Owner),
    ("an admin", Role::Admin),
    ("somebody for billing", Role::Billing),
    ("a member", Role::Member),
    ("a viewer", Role::Viewer),
];

/// The keys: for inference, disabled, expired, deleted, for management, and another organization's.
async fn programs(app: &TestApp, people: &BTreeMap<&str, Person<'_>>) -> [String; 6] {
    let member = &people["a member"];
    let (inference, _) = key(member, json!({ "name": "program" })).await;
    let (disabled, hash) = key(member, json!({ "name": "disabled" })).await;
    let off = member.call(Method::PATCH, &format!("/api/v1/keys/{hash}"), json!({ "disabled": true })).await;
    assert_eq!(off.0, 200);
    let (expired, hash) = key(member, json!({ "name": "expired" })).await;
    sqlx::query("UPDATE api_keys SET expires_at = 1 WHERE hash = $1")
        .bind(hash)
        .execute(app.app.store.pool())
        .await
        .unwrap();
    let (deleted, hash) = key(member, json!({ "name": "deleted" })).await;
    assert_eq!(member.call(Method::DELETE, &format!("/api/v1/keys/{hash}"), json!({})).await.0, 200);
    let (management, _) = key(&people["the owner"], json!({ "name": "manager", "is_management_key": true })).await;
    let (foreign, _) = key(&people["canary"], json!({ "name": "canary manager", "is_management_key": true })).await;
    [inference, disabled, expired, deleted, management, foreign]
}

/// Everybody, and what they ask for.
pub async fn cast(app: &TestApp) -> (Vec<Principal<'_>>, World<'_>) {
    let canary = Person::new(app, "victim@example.org").await;
    let victim = victim(app, &canary).await;
    let owner = Person::new(app, "owner@example.org").await;
    let (_, made) = owner.call(Method::POST, "/api/v1/organizations", json!({ "name": "Acme Labs" })).await;
    let organization = made["data"]["id"].as_str().unwrap().to_owned();
    app.app.ledger.grant(&organization, &organization, Money::from_dollars(5), "for a test").await.expect("grants");
    let mut people = BTreeMap::from([("canary", canary), ("the owner", owner)]);
    for (name, role) in ROLES.into_iter().skip(1) {
        let person = join(app, &organization, &format!("{}@example.org", role.as_str()), role.as_str()).await;
        people.insert(name, person);
    }
    for name in ["colleague", "removed", "suspended"] {
        people.insert(name, join(app, &organization, &format!("{name}@example.org"), "member").await);
    }
    people.insert("operator", Person::new(app, "operator@example.org").await);
    let operator = id_of(&people["operator"]).await;
    sqlx::query("UPDATE users SET is_operator = 1 WHERE id = $1")
        .bind(operator)
        .execute(app.app.store.pool())
        .await
        .unwrap();
    let removed = format!("/api/v1/organization/members/{}", id_of(&people["removed"]).await);
    assert_eq!(people["the owner"].call(Method::DELETE, &removed, json!({})).await.0, 200);
    let suspended = id_of(&people["suspended"]).await;
    assert!(app.app.store.set_suspended(&suspended, Some(1)).await.unwrap());

    let [inference, disabled, expired, deleted, management, foreign] = programs(app, &people).await;
    let mut principals: Vec<(&str, Standing, Credentials, &str)> = vec![
        ("nobody", Standing::Unknown, Credentials::None, "the owner"),
        ("a suspended member", Standing::Unknown, Credentials::Person("suspended"), "the owner"),
        ("a disabled key", Standing::Unknown, Credentials::Key(disabled), "a member"),
        ("an expired key", Standing::Unknown, Credentials::Key(expired), "a member"),
        ("a deleted key", Standing::Unknown, Credentials::Key(deleted), "a member"),
        ("an inference key", Standing::InferenceKey, Credentials::Key(inference), "a member"),
        ("a management key", Standing::ManagementKey, Credentials::Key(management), "the owner"),
        ("a removed member", Standing::Outside, Credentials::Person("removed"), "removed"),
        ("another organization's owner", Standing::Outside, Credentials::Person("canary"), "canary"),
        ("another organization's management key", Standing::OutsideKey, Credentials::Key(foreign), "canary"),
        ("an operator", Standing::Operator, Credentials::Person("operator"), "operator"),
    ];
    for (name, role) in ROLES {
        principals.push((name, Standing::Member(role), Credentials::Person(name), name));
    }
    let people = std::rc::Rc::new(people);
    let principals = principals
        .into_iter()
        .map(|(name, standing, credentials, maker)| Principal {
            name,
            standing,
            credentials,
            people: std::rc::Rc::clone(&people),
            maker,
            is_canary: maker == "canary",
        })
        .collect();
    let world = World::new(app, people, organization, victim).await;
    (principals, world)
}
