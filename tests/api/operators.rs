//! What only the people who run the server may do.

use app::types::Money;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::payments::Till;
use crate::support::person::{PASSWORD, Person};
use crate::support::{Database, KeyHolder, TestApp, Upstream, read};

/// The address of a file.
async fn serving(text: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/list.json", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(move || std::future::ready(text.clone()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn post(person: &Person<'_>, path: &str, body: Value) -> (u16, Value) {
    person.call(Method::POST, &format!("/api/v1/admin{path}"), body).await
}

async fn log(person: &Person<'_>, path: &str) -> Vec<(String, String)> {
    let (_, log) = person.get(path).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    log["data"].as_array().unwrap().iter().map(|line| (text(&line["action"]), text(&line["detail"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_operators_with_a_fresh_password_get_in() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    let olga = Person::operator(&app).await;
    let ann = Person::new(&app, "ann@example.org").await;
    assert_eq!(olga.get("/api/v1/session").await.1["data"]["user"]["is_operator"], true);
    assert_eq!(ann.get("/api/v1/session").await.1["data"]["user"]["is_operator"], false);
    let (status, answer) = ann.get("/api/v1/admin").await;
    assert_eq!(status, 403);
    assert!(answer["error"]["message"].as_str().unwrap().contains("patchbay user operator"), "{answer}");
    let member = app.member(Money::ZERO).await;
    assert_eq!(member.management_key().await.get("/api/v1/admin/users").await.status(), 403, "no key is an operator");
    assert_eq!(olga.get("/api/v1/admin").await.0, 200);
    sqlx::query("UPDATE sessions SET data = REPLACE(data, '\"proved_at\":', '\"proved_at\":0,\"then\":')")
        .execute(app.app.store.pool())
        .await
        .unwrap();
    assert_eq!(olga.get("/api/v1/admin/users").await.0, 200, "looking needs none");
    let (_, me) = olga.get("/api/v1/account").await;
    let id = me["data"]["id"].as_str().unwrap();
    for (path, body) in [
        ("/announcements", json!({ "text": "x" })),
        ("/endpoints/edit", json!({ "endpoint_id": "x" })),
        ("/catalog/import", json!({ "url": "http://127.0.0.1:1/" })),
        (&format!("/users/{id}/suspend"), json!({})),
        (&format!("/users/{id}/restore"), json!({})),
        (&format!("/organizations/{id}/freeze"), json!({})),
        (&format!("/organizations/{id}/thaw"), json!({})),
        (&format!("/organizations/{id}/credit"), json!({ "amount": 1, "reason": "x" })),
        (&format!("/purchases/{id}/refund"), json!({})),
    ] {
        let (status, answer) = post(&olga, path, body).await;
        let kind = answer["error"]["metadata"]["error_type"].as_str();
        assert_eq!((status, kind), (403, Some("confirmation_required")), "{path}");
    }
    app.finish().await;
}

on_both_databases! {
    async fn operators_find_freeze_and_credit_an_organization(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let olga = Person::operator(&app).await;
        let ann = Person::new(&app, "ann_x@example.org").await;
        let (_, found) = olga.get("/api/v1/admin/organizations?query=ANN_X").await;
        assert_eq!(found["data"].as_array().unwrap().len(), 1, "an underscore is an underscore: {found}");
        assert_eq!(olga.get("/api/v1/admin/organizations?query=annqx").await.1["data"], json!([]));
        let id = found["data"][0]["id"].as_str().unwrap().to_owned();
        let (_, detail) = olga.get(&format!("/api/v1/admin/organizations/{id}")).await;
        assert_eq!(detail["data"]["members"][0]["email"], "ann_x@example.org");
        let gift = json!({ "amount": 5, "reason": "For the trouble", "request_id": detail["data"]["request_id"] });
        let path = format!("/organizations/{id}/credit");
        assert_eq!(post(&olga, &path, gift.clone()).await.0, 200);
        let (status, again) = post(&olga, &path, gift.clone()).await;
        assert!(status == 200 && again["data"]["message"].as_str().unwrap().contains("nothing was booked twice"), "{again}");
        let mut other = gift.clone();
        other["amount"] = json!(6);
        assert_eq!(post(&olga, &path, other).await.0, 400);
        for bad in [json!({ "amount": 0, "reason": "x" }), json!({ "amount": -1, "reason": "x" }), json!({ "amount": 1 })] {
            assert_eq!(post(&olga, &path, bad).await.0, 400);
        }
        let ask = async || {
            let question = crate::support::question(json!({ "max_tokens": 9 }));
            ann.call(Method::POST, "/api/v1/chat/completions", question).await.0
        };
        assert_eq!(ask().await, 200);
        let freeze = post(&olga, &format!("/organizations/{id}/freeze"), json!({ "reason": "Looks stolen" })).await;
        assert_eq!(freeze.0, 200);
        assert_eq!(ask().await, 403);
        assert_eq!(olga.get(&format!("/api/v1/admin/organizations/{id}")).await.1["data"]["organization"]["is_frozen"], true);
        assert_eq!(post(&olga, &format!("/organizations/{id}/thaw"), json!({})).await.0, 200);
        assert_eq!(ask().await, 200);
        let own = log(&ann, "/api/v1/organization/audit-log").await;
        assert!(own.contains(&("credit.grant".into(), "$5.00: For the trouble".into())), "{own:?}");
        assert!(own.contains(&("organization.freeze".into(), "Looks stolen".into())), "{own:?}");
        let (_, shown) = ann.get("/api/v1/organization/audit-log").await;
        assert!(!shown.to_string().contains("olga"), "customers do not learn which operator it was");
        let theirs = log(&olga, "/api/v1/admin/log").await;
        assert_eq!(theirs.len(), 3, "{theirs:?}");
        let (_, overview) = olga.get("/api/v1/admin").await;
        assert_eq!(overview["data"]["months"][0]["granted"].to_string(), "5", "{overview}");
        assert_eq!(overview["data"]["users"], 2);
        assert_eq!(olga.get("/api/v1/admin/organizations/nobody").await.0, 404);
        app.finish().await;
    }
}

on_both_databases! {
    async fn who_is_suspended_is_out_at_once(database: Database) {
        let app = TestApp::start(database, &[]).await;
        let olga = Person::operator(&app).await;
        let ann = Person::new(&app, "ann@example.org").await;
        let (_, users) = olga.get("/api/v1/admin/users?query=ann%40").await;
        let id = users["data"][0]["id"].as_str().unwrap().to_owned();
        let (_, made) = ann.call(Method::POST, "/api/v1/keys", json!({ "name": "hers" })).await;
        let key = KeyHolder { app: &app, text: made["key"].as_str().unwrap().to_owned(), hash: String::new() };
        let others = app.member(Money::ZERO).await.key().await;
        assert_eq!(key.get("/api/v1/key").await.status(), 200);
        assert_eq!(post(&olga, &format!("/users/{id}/suspend"), json!({ "reason": "Spam" })).await.0, 200);
        assert_eq!(ann.get("/api/v1/account").await.0, 401);
        let (status, answer) = read(key.get("/api/v1/key").await).await;
        assert!(status == 401 && answer["error"]["message"].as_str().unwrap().contains("suspended"), "{answer}");
        assert_eq!(others.get("/api/v1/key").await.status(), 200, "other people's keys go on");
        let back = ann.form("/sign-in", &[("email", "ann@example.org"), ("password", PASSWORD)]).await;
        assert!(back.headers()["location"].to_str().unwrap().starts_with("/sign-in?error=suspended"));
        let wrong = ann.form("/sign-in", &[("email", "ann@example.org"), ("password", "wrong")]).await;
        assert!(wrong.headers()["location"].to_str().unwrap().starts_with("/sign-in?error=invalid"), "nobody else is told");
        assert_eq!(post(&olga, &format!("/users/{id}/restore"), json!({})).await.0, 200);
        assert_eq!(key.get("/api/v1/key").await.status(), 200, "restored with its maker");
        Person::sign_in(&app, "ann@example.org").await;
        let (_, me) = olga.get("/api/v1/account").await;
        let own = format!("/users/{}/suspend", me["data"]["id"].as_str().unwrap());
        assert_eq!(post(&olga, &own, json!({})).await.0, 400, "nobody locks himself out");
        assert_eq!(log(&olga, "/api/v1/admin/log?action=user.").await.len(), 2);
        app.finish().await;
    }
}

on_both_databases! {
    async fn an_offer_is_hidden_and_priced_and_no_import_undoes_it(database: Database) {
        let upstream = Upstream::with_prices("one", "1", "2").await;
        let app = TestApp::start_with(database, &[&upstream], |config| config.media.allow_private_networks = true).await;
        let olga = Person::operator(&app).await;
        let key = app.member(Money::from_dollars(9)).await.key().await;
        let (_, offers) = olga.get("/api/v1/admin/endpoints?query=acme/one").await;
        let offer = &offers["data"][0];
        assert_eq!((offer["price"]["prompt"].to_string(), offer["has_own_price"].clone()), ("1".into(), json!(false)), "{offers}");
        let id = offer["id"].as_str().unwrap().to_owned();
        let edit = async |mut fields: Value| {
            fields["endpoint_id"] = json!(id);
            post(&olga, "/endpoints/edit", fields).await
        };
        let pricing = async || {
            let (_, model) = read(app.get("/api/v1/models/acme/one/endpoints").await).await;
            model["data"]["endpoints"][0]["pricing"]["prompt"].clone()
        };
        assert_eq!(edit(json!({ "prompt": 3.5 })).await.0, 200);
        assert_eq!(pricing().await, "0.0000035");
        assert_eq!(key.ask(json!({ "max_tokens": 9 })).await.status(), 200, "and charged so: the books are worked out again at the end");

        // The list says otherwise, and says it again.
        let list = json!({ upstream.slug.clone(): upstream.as_models_dev() });
        let source = serving(list.to_string()).await;
        let (status, report) = post(&olga, "/catalog/import", json!({ "url": source })).await;
        assert_eq!(status, 200, "{report}");
        assert_eq!(pricing().await, "0.0000035");
        assert_eq!(edit(json!({ "hidden": true })).await.0, 200);
        assert_eq!(key.ask(json!({})).await.status(), 400, "nobody offers the model");
        assert_eq!(post(&olga, "/catalog/import", json!({ "url": source })).await.0, 200);
        assert_eq!(key.ask(json!({})).await.status(), 400, "nobody offers the model");
        assert_eq!(olga.get("/api/v1/admin/endpoints?edited=true").await.1["data"].as_array().unwrap().len(), 1);
        let back = edit(json!({ "hidden": false, "use_list_price": true })).await;
        assert_eq!((back.0, &back.1["data"]["has_own_price"]), (200, &json!(false)), "{}", back.1);
        assert_eq!(pricing().await, "0.000001");
        for bad in [
            json!({ "prompt": -1 }), json!({ "prompt": 100_000 }), json!({ "prompt": 0.000_000_1 }),
            json!({ "prompt": 1, "use_list_price": true }), json!({ "price": 1 }),
        ] {
            assert_eq!(edit(bad.clone()).await.0, 400, "{bad}");
        }
        assert_eq!(post(&olga, "/endpoints/edit", json!({ "endpoint_id": "nothing" })).await.0, 404);
        assert_eq!(post(&olga, "/catalog/import", json!({ "url": "file:///etc/passwd" })).await.0, 400);
        assert_eq!(log(&olga, "/api/v1/admin/log?action=endpoint.").await.len(), 3);
        app.finish().await;
    }
}

on_both_databases! {
    async fn an_announcement_is_on_every_page_until_it_is_taken_back(database: Database) {
        let app = TestApp::start(database, &[]).await;
        let olga = Person::operator(&app).await;
        let words = "We move house on <b>Friday</b>.";
        assert_eq!(post(&olga, "/announcements", json!({ "text": " " })).await.0, 400);
        assert_eq!(post(&olga, "/announcements", json!({ "text": "x", "ends_at": "2001-01-01" })).await.0, 400);
        let (status, made) = post(&olga, "/announcements", json!({ "text": words, "is_warning": true })).await;
        assert_eq!(status, 201, "{made}");
        for page in ["/", "/models", "/sign-in", "/docs/roles"] {
            let html = app.get(page).await.text().await.unwrap();
            assert!(html.contains("We move house on &lt;b&gt;Friday"), "{page} shows it, escaped");
        }
        let id = made["data"]["id"].as_str().unwrap();
        assert_eq!(olga.call(Method::DELETE, &format!("/api/v1/admin/announcements/{id}"), json!({})).await.0, 200);
        assert!(!app.get("/").await.text().await.unwrap().contains("We move house"));
        assert_eq!(olga.call(Method::DELETE, &format!("/api/v1/admin/announcements/{id}"), json!({})).await.0, 404);
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_pays_an_old_purchase_back() {
    let till = Till::open().await;
    let app = TestApp::start_with(Database::sqlite(), &[], |config| till.configure(config)).await;
    let olga = Person::operator(&app).await;
    let member = app.member(Money::ZERO).await;
    let (purchase, _) = till.buy(&app, &member.management_key().await, 20).await;
    let old = app.app.clock.now_ms() - 90 * 86_400_000;
    sqlx::query("UPDATE purchases SET paid_at = $1").bind(old).execute(app.app.store.pool()).await.unwrap();
    let id = &member.account.organization_id;
    let (_, detail) = olga.get(&format!("/api/v1/admin/organizations/{id}")).await;
    assert_eq!(detail["data"]["purchases"][0]["refundable"].to_string(), "20", "{detail}");
    assert_eq!(post(&olga, &format!("/purchases/{purchase}/refund"), json!({})).await.0, 200);
    till.deliver_all(&app).await;
    assert_eq!(member.available().await, Money::ZERO);
    assert_eq!(post(&olga, &format!("/purchases/{purchase}/refund"), json!({})).await.0, 400, "there is nothing left");
    assert_eq!(post(&olga, "/purchases/nothing/refund", json!({})).await.0, 404);
    let (_, overview) = olga.get("/api/v1/admin").await;
    let month = &overview["data"]["months"][0];
    assert_eq!(
        (month["sold"].to_string(), month["returned"].to_string(), month["fees"].to_string()),
        ("20".into(), "20".into(), "1.1".into())
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_which_providers_work() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let olga = Person::operator(&app).await;
    let (_, providers) = olga.get("/api/v1/admin/providers").await;
    let one = providers["data"].as_array().unwrap().iter().find(|one| one["slug"] == "one").unwrap().clone();
    assert_eq!((&one["credential"], &one["endpoints"], &one["resting"]), (&json!("set"), &json!(1), &json!(0)));
    assert!(!providers.to_string().contains("upstream-key"), "no key is shown");
    let (status, check) = post(&olga, "/providers/one/check", json!({})).await;
    assert!(status == 200 && check["data"]["message"].as_str().unwrap().contains("one"), "{check}");
    assert_eq!(post(&olga, "/providers/nothing/check", json!({})).await.0, 404);
    app.finish().await;
}
