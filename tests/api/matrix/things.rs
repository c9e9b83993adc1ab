//! What callers ask for.

use std::collections::BTreeMap;
use std::rc::Rc;

use patchbay::accounts::new_id;
use patchbay::store::passkeys::PasskeyRow;
use patchbay::store::sessions::SessionRow;
use reqwest::Method;
use serde_json::{Value, json};

use super::Whose;
use super::cast::Principal;
use crate::isolation::Victim;
use crate::support::TestApp;
use crate::support::person::{PASSWORD, Person};

/// An id that nothing has, in the form of most.
const NOBODYS: &str = "01arz3ndektsv4rrffq69g5fav";

/// One thing.
#[derive(Clone, Debug)]
pub struct Thing {
    kind: &'static str,
    pub id: String,
    /// Who can look at it.
    watcher: &'static str,
}

/// Everything there is.
pub struct World<'a> {
    pub app: &'a TestApp,
    people: Rc<BTreeMap<&'static str, Person<'a>>>,
    organization: String,
    victim: Victim,
    colleague_id: String,
    /// A key of the organization's.
    hash: String,
    known: BTreeMap<(&'static str, &'static str, bool), Thing>,
    deleted: BTreeMap<(&'static str, &'static str), Thing>,
    made: usize,
}

/// Where things of a kind are listed.
pub fn collection(kind: &str) -> &'static str {
    match kind {
        "own key" => "/byok",
        "chat" => "/chats",
        "folder" => "/chat-folders",
        "hash" => "/keys",
        "guardrail" => "/guardrails",
        "destination" => "/observability/destinations",
        "workspace" => "/workspaces",
        "passkey" => "/account/passkeys",
        "session" => "/account/sessions",
        "member" => "/organization/members",
        "invitation" => "/organization/invitations",
        _ => "",
    }
}

/// What a list says of one thing.
pub fn entry(list: &Value, id: &str) -> Option<Value> {
    let all = list["data"].as_array()?;
    all.iter().find(|one| ["id", "hash"].iter().any(|name| one[name] == id)).cloned()
}

/// A path with what it names.
pub fn filled(path: &str, object: &str) -> String {
    let path = path.replace("{author}", "acme").replace("{slug}", "one").replace("{interval}", "daily");
    let path = path
        .replace("{file}", "f1")
        .replace("{version}", "1")
        .replace("{provider}", "github")
        .replace("{name}", "stream_resume");
    format!("/api/v1{}", path.replace("{hash}", object).replace("{id}", object))
}

/// Those who act in another organization.
const OUTSIDE: [&str; 3] = ["removed", "operator", "canary"];

/// Under what a thing is remembered: what an organization has is the same for all of its people.
fn place(kind: &'static str, maker: &'static str, is_own: bool) -> (&'static str, &'static str, bool) {
    let is_one_persons = is_private(kind) || ["hash", "workspace"].contains(&kind);
    if is_one_persons || OUTSIDE.contains(&maker) { (kind, maker, is_own) } else { (kind, "the owner", true) }
}

/// What belongs to one person only, whatever his role.
fn is_private(kind: &str) -> bool {
    ["chat", "folder", "passkey", "session"].contains(&kind)
}

pub async fn add_member(app: &TestApp, organization: &str, user_id: &str, role: &str) {
    sqlx::query("INSERT INTO members (organization_id, user_id, role, created_at) VALUES ($1, $2, $3, 1)")
        .bind(organization)
        .bind(user_id)
        .bind(role)
        .execute(app.app.store.pool())
        .await
        .unwrap();
}

impl<'a> World<'a> {
    pub async fn new(
        app: &'a TestApp,
        people: Rc<BTreeMap<&'static str, Person<'a>>>,
        organization: String,
        victim: Victim,
    ) -> Self {
        let (_, account) = people["colleague"].get("/api/v1/account").await;
        let colleague_id = account["data"]["id"].as_str().unwrap().to_owned();
        let (_, keys) = people["the owner"].get("/api/v1/keys").await;
        let hash = keys["data"][0]["hash"].as_str().unwrap().to_owned();
        Self {
            app,
            people,
            organization,
            victim,
            colleague_id,
            hash,
            known: BTreeMap::new(),
            deleted: BTreeMap::new(),
            made: 0,
        }
    }

    pub fn foreign(&self, kind: &str) -> &str {
        &self.victim.own[kind]
    }

    pub fn canaries(&self) -> &[String] {
        &self.victim.canaries
    }

    /// A body that each operation takes, so that nothing but the right is missing.
    pub fn body(&self, path: &str) -> Value {
        let colleague = &self.colleague_id;
        match path {
            "/workspaces/{id}/members/add" | "/workspaces/{id}/members/remove" => json!({ "user_ids": [colleague] }),
            "/workspaces/{id}/budgets/{interval}" => json!({ "limit_usd": 1 }),
            "/organization/members/{id}" => json!({ "role": "viewer" }),
            "/chats/{id}/files/{file}" => {
                json!({ "name": "a.txt", "kind": "text/plain", "data": "data:text/plain;base64,eA==" })
            }
            path if path.contains("/assignments/keys") => json!({ "key_hashes": [self.hash] }),
            path if path.contains("/assignments/members") => json!({ "member_user_ids": [colleague] }),
            path if path.starts_with("/chats") => json!({ "title": "renamed", "document": { "columns": [
                { "model": { "id": "acme/one", "name": "One" }, "turns": [{ "is_answer": false, "content": "Hi" }] }] } }),
            "/account/passkeys/{id}" | "/chat-folders/{id}" => json!({ "name": format!("renamed {}", self.made) }),
            "/analytics/query" => json!({ "metrics": ["request_count"], "dimensions": ["api_key_id", "user"] }),
            _ => json!({ "name": "renamed", "disabled": true }),
        }
    }

    /// A thing for a caller; nothing where there can be none.
    pub async fn thing(&mut self, who: &Principal<'_>, kind: &'static str, whose: Whose) -> Option<Thing> {
        let watcher = if is_private(kind) { who.maker } else { "the owner" };
        let at = |id: &str| Some(Thing { kind, id: id.to_owned(), watcher });
        match whose {
            Whose::Nobodys if kind == "hash" => at(&"0".repeat(64)),
            Whose::Nobodys => at(NOBODYS),
            // His own; the matrix asks for the others' from his place.
            Whose::AnotherOrganizations if who.is_canary => at(&self.organization).filter(|_| kind == "organization"),
            Whose::AnotherOrganizations => Some(Thing { kind, id: self.victim.own[kind].clone(), watcher: "canary" }),
            // Organizations stay.
            Whose::Deleted if kind == "organization" => None,
            Whose::Deleted => {
                let maker = if is_private(kind) { who.maker } else { "the owner" };
                if !self.deleted.contains_key(&(kind, maker)) {
                    let thing = self.make(kind, maker, maker).await?;
                    self.delete(&thing).await;
                    self.deleted.insert((kind, maker), thing);
                }
                self.deleted.get(&(kind, maker)).cloned()
            }
            Whose::AnotherMembers => self.known(kind, "colleague", false, who).await,
            Whose::Own => self.known(kind, who.maker, true, who).await,
        }
    }

    /// A thing that stays until somebody deletes it.
    async fn known(
        &mut self,
        kind: &'static str,
        maker: &'static str,
        is_own: bool,
        who: &Principal<'_>,
    ) -> Option<Thing> {
        let place = place(kind, maker, is_own);
        if let Some(thing) = self.known.get(&place) {
            return Some(thing.clone());
        }
        let thing = self.make(kind, maker, if is_own { who.maker } else { "the owner" }).await?;
        self.known.insert(place, thing.clone());
        Some(thing)
    }

    /// It, or a part of it, was deleted: the next caller is given another one.
    pub fn forget(&mut self, who: &Principal<'_>, kind: &'static str, whose: Whose) {
        let is_own = whose == Whose::Own;
        self.known.remove(&place(kind, if is_own { who.maker } else { "colleague" }, is_own));
    }

    /// What is said of a thing to whom it belongs.
    pub async fn look(&self, thing: &Thing) -> Option<Value> {
        let path = collection(thing.kind);
        if path.is_empty() {
            return None;
        }
        let limit = if ["/workspaces", "/byok", "/guardrails"].contains(&path) { "?limit=100" } else { "" };
        let (status, list) = self.people[thing.watcher].get(&format!("/api/v1{path}{limit}")).await;
        assert!(status == 200 || thing.watcher == "suspended", "{path} of {}: {list}", thing.watcher);
        let mut entry = entry(&list, &thing.id)?;
        if let Some(fields) = entry.as_object_mut() {
            fields.remove("last_used_at");
        }
        Some(entry)
    }

    async fn delete(&self, thing: &Thing) {
        let path = format!("/api/v1{}/{}", collection(thing.kind), thing.id);
        let (status, answer) = self.people[thing.watcher].call(Method::DELETE, &path, json!({})).await;
        assert_eq!(status, 200, "{path}: {answer}");
    }

    /// Makes a thing that is this person's, or that somebody of his organization made for it.
    async fn make(&mut self, kind: &'static str, maker: &'static str, of: &'static str) -> Option<Thing> {
        self.made += 1;
        let is_outside = OUTSIDE.contains(&maker);
        // Only some may make what an organization has; an admin's is like an owner's.
        let may_make = is_private(kind)
            || is_outside
            || (kind == "hash" && ["a member", "colleague", "an admin"].contains(&maker));
        let maker = if may_make { maker } else { "the owner" };
        let watcher = if is_private(kind) || is_outside { maker } else { "the owner" };
        let made = |id: String| Some(Thing { kind, id, watcher });
        let now = self.app.app.clock.now_ms();
        let name = format!("thing {}", self.made);
        let body = match kind {
            // Nobody else is in a personal account.
            "member" | "invitation" if is_outside && maker != "canary" => return None,
            "organization" => return made(self.organization.clone()),
            "member" => return made(self.new_member(maker).await),
            "passkey" | "session" => return made(self.sign_in_thing(kind, maker, now).await),
            "invitation" => json!({ "email": format!("{}@example.net", self.made), "role": "member" }),
            "own key" => json!({ "provider": "one", "key": "a-credential-0001", "disabled": true }),
            "destination" => json!({ "type": "webhook", "name": name, "enabled": false,
                "config": { "url": "https://canary.example/hook" } }),
            "chat" => self.body("/chats"),
            _ => json!({ "name": name }),
        };
        let person = &self.people[maker];
        let path = format!("/api/v1{}", collection(kind));
        let (status, answer) = person.call(Method::POST, &path, body).await;
        assert_eq!(status, 201, "{maker} makes a {kind}: {answer}");
        let field = if kind == "hash" { "hash" } else { "id" };
        let id = answer["data"][field].as_str().unwrap().to_owned();
        match kind {
            "chat" => {
                let file = self.body("/chats/{id}/files/{file}");
                assert_eq!(person.call(Method::PUT, &format!("{path}/{id}/files/f1"), file).await.0, 200);
            }
            "workspace" => self.furnish(maker, of, &id).await,
            _ => {}
        }
        made(id)
    }

    /// A workspace has a budget, and somebody in it.
    async fn furnish(&self, maker: &str, of: &str, id: &str) {
        let person = &self.people[maker];
        let path = format!("/api/v1/workspaces/{id}");
        assert_eq!(person.call(Method::PUT, &format!("{path}/budgets/daily"), json!({ "limit_usd": 3 })).await.0, 200);
        let (status, account) = self.people[of].get("/api/v1/account").await;
        if maker != of && status == 200 {
            let add = json!({ "user_ids": [account["data"]["id"]] });
            assert_eq!(person.call(Method::POST, &format!("{path}/members/add"), add).await.0, 200);
        }
    }

    async fn new_member(&self, maker: &str) -> String {
        let email = format!("made-{}@example.org", self.made);
        let account = self.app.app.users.sign_up("Made", &email, PASSWORD, false).await.expect("signs up");
        let organization = if maker == "canary" { &self.victim.own["organization"] } else { &self.organization };
        add_member(self.app, organization, &account.user.id, "member").await;
        account.user.id
    }

    async fn sign_in_thing(&self, kind: &str, maker: &str, now: i64) -> String {
        let (_, account) = self.people[maker].get("/api/v1/account").await;
        let user_id = account["data"]["id"].as_str().unwrap().to_owned();
        let id = new_id(now);
        let store = &self.app.app.store;
        let is_made = if kind == "passkey" {
            let credential_id = id.clone();
            let row = PasskeyRow {
                id: id.clone(),
                credential_id,
                user_id,
                name: "A phone".to_owned(),
                ..PasskeyRow::default()
            };
            store.insert_passkey(&row, 1_000).await.unwrap()
        } else {
            let data = "{}".to_owned();
            let row = SessionRow {
                id_hash: id.clone(),
                data,
                expires_at: now + 86_400_000,
                user_id: Some(user_id),
                opened_at: now,
                ..SessionRow::default()
            };
            store.create_session(&row).await.unwrap()
        };
        assert!(is_made);
        id
    }
}
