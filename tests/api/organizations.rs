//! Organizations, members, workspaces and budgets, as people and their programs meet them.

use app::types::Money;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::person::Person;
use crate::support::{Database, TestApp, Upstream, question, read};

/// An organization of this person, with credit; its id.
async fn organization(app: &TestApp, owner: &Person<'_>, credit: i64) -> String {
    let (status, body) = owner.call(Method::POST, "/api/v1/organizations", json!({ "name": "Acme Labs" })).await;
    assert_eq!(status, 201, "{body}");
    let id = body["data"]["id"].as_str().unwrap().to_owned();
    if credit > 0 {
        app.app.ledger.grant(&id, &id, Money::from_dollars(credit), "for a test").await.expect("grants");
    }
    id
}

/// Lets a new person join with this role.
async fn join<'a>(app: &'a TestApp, owner: &Person<'_>, email: &str, role: &str) -> Person<'a> {
    let wanted = json!({ "email": email, "role": role });
    let (status, invited) = owner.call(Method::POST, "/api/v1/organization/invitations", wanted).await;
    assert_eq!(status, 201, "{invited}");
    let link = invited["link"].as_str().unwrap();
    let token = link.split_once("token=").unwrap().1;
    let person = Person::new(app, email).await;
    let (status, body) = person.call(Method::POST, "/api/v1/invitations/accept", json!({ "token": token })).await;
    assert_eq!(status, 200, "{body}");
    person
}

async fn user_id(person: &Person<'_>) -> String {
    person.get("/api/v1/account").await.1["data"]["id"].as_str().unwrap().to_owned()
}

fn message(body: &Value) -> &str {
    body["error"]["message"].as_str().unwrap_or_default()
}

async fn ask(app: &TestApp, key: &str) -> (u16, Value) {
    let request = app.request(Method::POST, "/api/v1/chat/completions").bearer_auth(key);
    read(request.json(&question(json!({ "max_tokens": 20 }))).send().await.unwrap()).await
}

on_both_databases! {
    async fn a_team_works_within_a_budget_and_the_log_shows_it(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let owner = Person::new(&app, "owner@example.org").await;
        organization(&app, &owner, 10).await;
        let member = join(&app, &owner, "member@example.org", "member").await;

        let (status, workspace) = owner.call(Method::POST, "/api/v1/workspaces", json!({ "name": "Research" })).await;
        assert_eq!((status, workspace["data"]["slug"].as_str()), (201, Some("research")), "{workspace}");
        let id = workspace["data"]["id"].as_str().unwrap();
        let path = format!("/api/v1/workspaces/{id}/members/add");
        let add = json!({ "user_ids": [user_id(&member).await] });
        assert_eq!(owner.call(Method::POST, &path, add).await.0, 200);
        let budget = format!("/api/v1/workspaces/{id}/budgets/daily");
        assert_eq!(owner.call(Method::PUT, &budget, json!({ "limit_usd": 1 })).await.0, 200);

        let wanted = json!({ "name": "mine", "workspace_id": "research" });
        let (status, key) = member.call(Method::POST, "/api/v1/keys", wanted).await;
        assert_eq!(status, 201, "{key}");
        assert_eq!(key["data"]["workspace_id"], json!(id));
        let key = key["key"].as_str().unwrap();
        assert_eq!(ask(&app, key).await.0, 200);
        assert_eq!(owner.get(&budget).await.1["data"]["used_usd"].to_string(), "0.000016");

        assert_eq!(owner.call(Method::PUT, &budget, json!({ "limit_usd": 0.000_02 })).await.0, 200);
        let (status, refused) = ask(&app, key).await;
        assert_eq!(status, 403, "{refused}");
        assert!(message(&refused).starts_with("The daily budget of workspace \"Research\" leaves $0.000004"), "{refused}");
        assert!(message(&refused).contains("00:00 UTC"), "{refused}");
        let (_, own) = read(app.request(Method::GET, "/api/v1/key").bearer_auth(key).send().await.unwrap()).await;
        assert_eq!(own["data"]["effective_budget"]["limit_remaining"].as_f64(), Some(0.000_004));
        let too_small = owner.call(Method::PUT, &budget.replace("daily", "monthly"), json!({ "limit_usd": 0.000_01 })).await;
        assert_eq!(too_small.0, 400, "a longer period needs the larger budget");
        assert_eq!(owner.call(Method::DELETE, &budget, json!({})).await.0, 200);
        assert_eq!(ask(&app, key).await.0, 200, "without the budget it goes on at once");

        let (_, log) = owner.get("/api/v1/organization/audit-log").await;
        let actions: Vec<&str> = log["data"].as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
        assert_eq!(
            actions,
            ["budget.delete", "budget.set", "key.create", "budget.set", "workspace.add_members", "workspace.create",
             "member.join", "member.invite", "organization.create"]
        );
        assert_eq!(log["data"][2]["actor_name"], "member@example.org");
        assert_eq!(log["data"][2]["address"], "127.0.0.1");
        let (_, only) = owner.get("/api/v1/organization/audit-log?action=budget.&limit=2").await;
        assert_eq!(only["data"].as_array().unwrap().len(), 2);
        let (_, csv) = owner.get("/api/v1/organization/audit-log?format=csv").await;
        assert_eq!(csv.as_str().unwrap().lines().count(), 10);
        app.finish().await;
    }
}

on_both_databases! {
    async fn what_a_role_may_not_do_is_refused_by_name(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let owner = Person::new(&app, "owner@example.org").await;
        organization(&app, &owner, 10).await;
        let member = join(&app, &owner, "member@example.org", "member").await;
        let viewer = join(&app, &owner, "viewer@example.org", "viewer").await;
        let admin = join(&app, &owner, "admin@example.org", "admin").await;

        let invite = json!({ "email": "x@example.org", "role": "viewer" });
        let (status, body) = member.call(Method::POST, "/api/v1/organization/invitations", invite).await;
        assert_eq!(status, 403);
        assert!(message(&body).contains("`member`") && message(&body).contains("owner, admin"), "{body}");
        assert_eq!(viewer.call(Method::POST, "/api/v1/keys", json!({ "name": "x" })).await.0, 403);
        let chat = viewer.call(Method::POST, "/api/v1/chat/completions", question(json!({}))).await;
        assert_eq!(chat.0, 403, "a viewer spends nothing");
        let owner_path = format!("/api/v1/organization/members/{}", user_id(&owner).await);
        assert_eq!(admin.call(Method::PATCH, &owner_path, json!({ "role": "viewer" })).await.0, 403);
        let own_path = format!("/api/v1/organization/members/{}", user_id(&admin).await);
        assert_eq!(admin.call(Method::PATCH, &own_path, json!({ "role": "owner" })).await.0, 403, "nobody raises himself");
        assert_eq!(owner.call(Method::DELETE, &owner_path, json!({})).await.0, 400, "the last owner stays");
        assert_eq!(owner.call(Method::PATCH, &owner_path, json!({ "role": "admin" })).await.0, 400);

        // Each sees his own requests; those with the right see all.
        for person in [&member, &owner] {
            let (status, body) = person.call(Method::POST, "/api/v1/chat/completions", question(json!({ "max_tokens": 9 }))).await;
            assert_eq!(status, 200, "{body}");
        }
        let seen = async |person: &Person<'_>| person.get("/api/v1/generations").await.1["data"].as_array().unwrap().clone();
        assert_eq!((seen(&member).await.len(), seen(&owner).await.len(), seen(&viewer).await.len()), (1, 2, 2));
        let all = seen(&owner).await;
        let own = seen(&member).await;
        let other = all.iter().find(|row| row["id"] != own[0]["id"]).unwrap()["id"].as_str().unwrap().to_owned();
        assert_eq!(member.get(&format!("/api/v1/generation?id={other}")).await.0, 404);
        assert_eq!(member.get("/api/v1/ledger").await.0, 403);

        // A member's own limit, and the end of a membership.
        let (_, key) = member.call(Method::POST, "/api/v1/keys", json!({ "name": "mine" })).await;
        let key = key["key"].as_str().unwrap().to_owned();
        assert_eq!(ask(&app, &key).await.0, 200);
        let path = format!("/api/v1/organization/members/{}", user_id(&member).await);
        assert_eq!(admin.call(Method::PATCH, &path, json!({ "monthly_limit": 0 })).await.0, 200);
        let (status, body) = ask(&app, &key).await;
        assert_eq!(status, 403);
        assert!(message(&body).starts_with("Your monthly limit as a member"), "{body}");
        assert_eq!(admin.call(Method::PATCH, &path, json!({ "monthly_limit": null })).await.0, 200);
        assert_eq!(ask(&app, &key).await.0, 200);
        assert_eq!(admin.call(Method::DELETE, &path, json!({})).await.0, 200);
        assert_eq!(ask(&app, &key).await.0, 401, "the key of somebody removed stops");
        let (_, session) = member.get("/api/v1/session").await;
        assert_ne!(session["data"]["user"]["organization_name"], "Acme Labs", "and he is back in his own account");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_works_once_and_for_its_address_only() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    let owner = Person::new(&app, "owner@example.org").await;
    let (status, body) = owner
        .call(Method::POST, "/api/v1/organization/invitations", json!({ "email": "a@b.c", "role": "member" }))
        .await;
    assert_eq!(status, 400, "nobody joins a personal account: {body}");
    organization(&app, &owner, 0).await;
    let invite = json!({ "email": "Bob@Example.org", "role": "billing" });
    let (_, first) = owner.call(Method::POST, "/api/v1/organization/invitations", invite.clone()).await;
    let (_, second) = owner.call(Method::POST, "/api/v1/organization/invitations", invite).await;
    let token = |body: &Value| json!({ "token": body["link"].as_str().unwrap().split_once("token=").unwrap().1 });
    let show = async |body: &Value| owner.call(Method::POST, "/api/v1/invitations/show", token(body)).await;
    assert_eq!(show(&first).await.0, 404, "the second replaced it");
    assert_eq!(show(&second).await.1["data"]["organization_name"], "Acme Labs");
    let stranger = Person::new(&app, "eve@example.org").await;
    let (status, body) = stranger.call(Method::POST, "/api/v1/invitations/accept", token(&second)).await;
    assert_eq!(status, 403, "{body}");
    let bob = Person::new(&app, "bob@example.org").await;
    assert_eq!(bob.call(Method::POST, "/api/v1/invitations/accept", token(&second)).await.0, 200);
    assert_eq!(bob.call(Method::POST, "/api/v1/invitations/accept", token(&second)).await.0, 404, "used");
    let (_, members) = owner.get("/api/v1/organization/members").await;
    assert_eq!(members["total_count"], 2);
    let roles: Vec<&Value> = members["data"].as_array().unwrap().iter().map(|one| &one["role"]).collect();
    assert_eq!(roles, [&json!("org:admin"), &json!("org:member")]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_held_to_its_models_and_networks() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let manager = member.management_key().await;
    let make = async |fields: Value| {
        let mut wanted = json!({ "name": "x" });
        wanted.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let (status, body) = read(manager.send(Method::POST, "/api/v1/keys", &wanted).await).await;
        assert_eq!(status, 201, "{body}");
        body["key"].as_str().unwrap().to_owned()
    };
    let (status, body) = ask(&app, &make(json!({ "allowed_models": ["other/model"] })).await).await;
    assert_eq!(status, 403);
    assert!(message(&body).contains("acme/one") && message(&body).contains("other/model"), "{body}");
    assert_eq!(ask(&app, &make(json!({ "allowed_models": ["acme/*"] })).await).await.0, 200);
    assert_eq!(ask(&app, &make(json!({ "allowed_providers": ["one"] })).await).await.0, 200);
    assert_ne!(ask(&app, &make(json!({ "allowed_providers": ["two"] })).await).await.0, 200);
    assert_eq!(ask(&app, &make(json!({ "allowed_networks": ["127.0.0.0/8"] })).await).await.0, 200);
    let (status, body) = ask(&app, &make(json!({ "allowed_networks": ["192.0.2.0/24"] })).await).await;
    assert_eq!(status, 403);
    assert!(message(&body).contains("127.0.0.1"), "{body}");
    let wrong = json!({ "name": "x", "allowed_networks": ["10.0.0.0/99"] });
    assert_eq!(manager.send(Method::POST, "/api/v1/keys", &wrong).await.status(), 400);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_lends_its_default_model() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let (manager, key) = (member.management_key().await, member.key().await);
    let path = "/api/v1/workspaces/default";
    let unknown = json!({ "default_text_model": "acme/none" });
    assert_eq!(manager.send(Method::PATCH, path, &unknown).await.status(), 400);
    let bare = json!({ "messages": [{ "role": "user", "content": "Hi" }], "max_tokens": 9 });
    assert_eq!(key.send(Method::POST, "/api/v1/chat/completions", &bare).await.status(), 400);
    let wanted = json!({ "default_text_model": "acme/one", "default_provider_sort": "price" });
    assert_eq!(manager.send(Method::PATCH, path, &wanted).await.status(), 200);
    assert_eq!(key.send(Method::POST, "/api/v1/chat/completions", &bare).await.status(), 200);
    assert_eq!(manager.send(Method::DELETE, path, &json!({})).await.status(), 400, "the default one stays");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_gets_a_key_once_and_with_the_right_verifier_only() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let ann = Person::new(&app, "ann@example.org").await;
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let approve = async |callback: &str| {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let fields = [("callback_url", callback), ("code_challenge", challenge), ("limit", "2"), ("state", "s&1")];
        let response = ann.form("/auth/approve", &fields).await;
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(approve("http://evil.example/cb").await.0, 400);
    let (status, page) = approve("http://localhost:9/cb?x=1").await;
    assert_eq!(status, 200);
    let target = page.split_once("url=").unwrap().1.split('"').next().unwrap().replace("&amp;", "&");
    let target = url::Url::parse(&target).unwrap();
    let of = |name: &str| target.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    assert_eq!((of("x"), of("state"), target.port()), ("1".to_owned(), "s&1".to_owned(), Some(9)));
    let exchange = async |verifier: &str| {
        let body = json!({ "code": of("code"), "code_verifier": verifier, "code_challenge_method": "S256" });
        read(app.request(Method::POST, "/api/v1/auth/keys").json(&body).send().await.unwrap()).await
    };
    assert_eq!(exchange("wrong").await.0, 403);
    let (status, body) = exchange(verifier).await;
    assert_eq!(status, 200, "{body}");
    let key = body["key"].as_str().unwrap().to_owned();
    let own = async || read(app.request(Method::GET, "/api/v1/key").bearer_auth(&key).send().await.unwrap()).await;
    assert_eq!(own().await.1["data"]["limit"].to_string(), "2");
    assert_eq!(exchange(verifier).await.0, 403, "a code works once");
    assert_eq!(own().await.0, 401, "and its second use ends the key");
    app.finish().await;
}

on_both_databases! {
    async fn an_organization_is_used_from_its_networks_only_by_page_form_and_key(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start_with(database, &[&upstream], |config| {
            "127.0.0.0/8".clone_into(&mut config.limits.trusted_proxies);
        })
        .await;
        let owner = Person::new(&app, "owner@example.org").await;
        let id = organization(&app, &owner, 5).await;
        let (_, key) = owner.call(Method::POST, "/api/v1/keys", json!({ "name": "mine" })).await;
        let key = key["key"].as_str().unwrap().to_owned();
        let restrict = json!({ "allowed_networks": ["192.0.2.0/24", "127.0.0.1"] });
        assert_eq!(owner.call(Method::PATCH, "/api/v1/organization", restrict).await.0, 200, "from here it goes on");
        let as_person = |method: Method, path: &str, from: &str| {
            let request = app.request(method, path).header("cookie", owner.cookie()).header("x-forwarded-for", from);
            request.header("sec-fetch-site", "same-origin")
        };
        // The last but the trusted ones is who asks; what stands before it anybody can write.
        for (from, status) in [("192.0.2.7", 200), ("198.51.100.1", 403), ("192.0.2.7, 198.51.100.1", 403), ("198.51.100.1, 192.0.2.7", 200)] {
            for path in ["/api/v1/keys", "/api/v1/credits", "/api/v1/organization/audit-log"] {
                let answer = as_person(Method::GET, path, from).send().await.unwrap();
                assert_eq!(answer.status().as_u16(), status, "{path} from {from}");
            }
            let request = app.request(Method::GET, "/api/v1/key").bearer_auth(&key).header("x-forwarded-for", from);
            assert_eq!(request.send().await.unwrap().status().as_u16(), status, "a key from {from}");
        }
        let far = "198.51.100.1";
        for path in ["/credits/purchase", "/credits/top-up", "/credits/refund", "/credits/promo", "/credits/forget-card"] {
            let form = as_person(Method::POST, path, far).header("content-type", "application/x-www-form-urlencoded");
            let there = form.body("amount=5&code=x").send().await.unwrap().headers()["location"].to_str().unwrap().to_owned();
            assert!(there.starts_with("/credits?problem=This+organization+may+not+be+used"), "{path}: {there}");
        }
        let wish = "callback_url=https%3A%2F%2Fapp.example%2Fcb&code_challenge=x";
        assert_eq!(as_person(Method::POST, "/auth/approve", far).body(wish).send().await.unwrap().status(), 403);
        let (_, session) = read(as_person(Method::GET, "/api/v1/session", far).send().await.unwrap()).await;
        let user = &session["data"]["user"];
        assert_eq!((&user["organization_id"], user["available"].as_f64()), (&json!(id), Some(0.0)));
        app.finish().await;
    }
}
