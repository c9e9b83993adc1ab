//! Features that operators switch, as those notice who use them.

use app::types::Money;
use patchbay::billing::top_up;
use patchbay::flags::Flag;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::payments::{PAYS, Till};
use crate::support::person::{PASSWORD, Person};
use crate::support::{Database, TestApp, Upstream, question, read};

async fn switch(olga: &Person<'_>, name: &str, state: &str) -> Value {
    let path = format!("/api/v1/admin/flags/{name}");
    let (status, answer) = olga.call(Method::PATCH, &path, json!({ "state": state })).await;
    assert_eq!(status, 200, "{answer}");
    answer["data"].clone()
}

async fn sign_up(app: &TestApp, email: &str) -> String {
    let form = [("name", "New"), ("email", email), ("password", PASSWORD)];
    let answer = Person::visitor(app).form("/sign-up", &form).await;
    answer.headers()["location"].to_str().unwrap().to_owned()
}

on_both_databases! {
    async fn a_switched_feature_is_off_until_it_is_left_to_the_settings(database: Database) {
        let app = TestApp::start(database, &[]).await;
        let olga = Person::operator(&app).await;
        let (_, all) = olga.get("/api/v1/admin/flags").await;
        let names: Vec<&str> = all["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, Flag::ALL.map(Flag::name));
        assert!(all["data"].as_array().unwrap().iter().all(|one| one["is_on"] == true && one["changed_at"].is_null()));

        let off = switch(&olga, "sign_up", "off").await;
        assert_eq!((&off["is_on"], &off["is_on_by_default"]), (&json!(false), &json!(true)));
        assert!(off["changed_at"].is_string());
        assert_eq!(sign_up(&app, "one@example.org").await, "/sign-up?error=closed");
        assert_eq!(Person::visitor(&app).get("/api/v1/session").await.1["data"]["allows_sign_up"], false);
        switch(&olga, "sign_up", "default").await;
        assert_ne!(sign_up(&app, "one@example.org").await, "/sign-up?error=closed");

        let path = "/api/v1/admin/flags/sign_up";
        let (status, answer) = olga.call(Method::PATCH, path, json!({ "state": "maybe" })).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains("on, off or default"));
        assert_eq!(olga.call(Method::PATCH, "/api/v1/admin/flags/nothing", json!({ "state": "on" })).await.0, 404);
        let ann = Person::new(&app, "ann@example.org").await;
        assert_eq!(ann.call(Method::PATCH, path, json!({ "state": "off" })).await.0, 403);
        let (_, log) = olga.get("/api/v1/admin/log?action=flag.set").await;
        let details: Vec<&str> = log["data"].as_array().unwrap().iter().map(|line| line["detail"].as_str().unwrap()).collect();
        assert_eq!(details, ["default", "off"]);
        sqlx::query("UPDATE sessions SET data = REPLACE(data, '\"proved_at\":', '\"proved_at\":0,\"then\":')")
            .execute(app.app.store.pool())
            .await
            .unwrap();
        let (status, answer) = olga.call(Method::PATCH, path, json!({ "state": "off" })).await;
        assert_eq!((status, &answer["error"]["metadata"]["error_type"]), (403, &json!("confirmation_required")));
        app.finish().await;
    }
}

on_both_databases! {
    async fn a_switch_by_another_process_is_taken_over_and_survives_a_restart(database: Database) {
        let app = TestApp::start(database, &[]).await;
        app.app.store.set_flag("sign_up", Some(false), 1).await.unwrap();
        assert!(app.app.flags.is_on(Flag::SignUp), "nobody looked yet");
        app.app.refresh_topics().await.unwrap();
        assert!(!app.app.flags.is_on(Flag::SignUp));
        let database = app.finish().await;
        let app = TestApp::start(database, &[]).await;
        assert_eq!(sign_up(&app, "one@example.org").await, "/sign-up?error=closed");
        app.finish().await;
    }
}

on_both_databases! {
    async fn a_closed_chat_room_refuses_people_and_serves_keys(database: Database) {
        let upstream = Upstream::start("one").await.offering(&["acme/one", "acme/two"]);
        let app = TestApp::start(database, &[&upstream]).await;
        let olga = Person::operator(&app).await;
        let ann = Person::new(&app, "ann@example.org").await;
        let key = app.member(Money::from_dollars(1)).await.key().await;
        let ask = async || ann.call(Method::POST, "/api/v1/chat/completions", question(json!({ "model": "acme/one" }))).await;
        assert_eq!(ask().await.0, 402, "only credit is missing");
        assert_eq!(ann.get("/api/v1/votes/pair").await.0, 200);
        switch(&olga, "chat_room", "off").await;
        switch(&olga, "blind_votes", "off").await;
        let (status, answer) = ask().await;
        assert_eq!(status, 403);
        assert!(answer["error"]["message"].as_str().unwrap().contains("API key"), "{answer}");
        assert_eq!(key.ask(json!({ "model": "acme/one" })).await.status(), 200);
        assert_eq!(ann.get("/api/v1/votes/pair").await.0, 403);
        let page = ann.open("/chat").await.text().await.unwrap();
        assert!(page.contains("The chat room is closed at the moment"), "{page}");
        let home = app.get("/").await.text().await.unwrap();
        assert!(!home.contains("href=\"/chat") && home.contains("Browse the models"), "{home}");
        assert!(!home.contains("Ask a model something"), "{home}");
        switch(&olga, "chat_room", "on").await;
        let page = ann.open("/chat").await.text().await.unwrap();
        assert!(page.contains("New chat") && !page.contains("Compare blindly"), "{page}");
        app.finish().await;
    }
}

on_both_databases! {
    async fn while_apps_get_no_keys_those_they_have_go_on(database: Database) {
        let app = TestApp::start(database, &[]).await;
        let olga = Person::operator(&app).await;
        let wish = json!({ "callback_url": "https://app.example.org/back", "code_challenge": "v", "code_challenge_method": "plain" });
        let code = async || olga.call(Method::POST, "/api/v1/auth/keys/code", wish.clone()).await;
        let exchange = async |code: &Value| {
            let body = json!({ "code": code["data"]["id"], "code_verifier": "v", "code_challenge_method": "plain" });
            read(app.request(Method::POST, "/api/v1/auth/keys").json(&body).send().await.unwrap()).await
        };
        let (status, made) = exchange(&code().await.1).await;
        assert_eq!(status, 200, "{made}");
        let (_, waiting) = code().await;
        switch(&olga, "app_keys", "off").await;
        let (status, answer) = code().await;
        assert_eq!(status, 403);
        assert!(answer["error"]["message"].as_str().unwrap().contains("/keys"), "{answer}");
        assert_eq!(exchange(&waiting).await.0, 403);
        let key = app.request(Method::GET, "/api/v1/key").bearer_auth(made["key"].as_str().unwrap());
        assert_eq!(key.send().await.unwrap().status(), 200);
        switch(&olga, "app_keys", "default").await;
        assert_eq!(exchange(&waiting).await.0, 200, "the code was not spent by the refusal");
        app.finish().await;
    }
}

on_both_databases! {
    async fn while_no_credit_is_sold_payments_under_way_are_credited(database: Database) {
        let till = Till::open().await;
        let app = TestApp::start_with(database, &[], |config| till.configure(config)).await;
        let olga = Person::operator(&app).await;
        let member = app.member(Money::ZERO).await;
        let manager = member.management_key().await;
        let (_, first) = till.begin(&manager, 5, true).await;
        till.service.pay(&first, PAYS).unwrap();
        till.deliver_all(&app).await;
        let top_up = json!({ "top_up": { "enabled": true, "threshold": 30, "amount": 10 } });
        assert_eq!(manager.send(Method::PATCH, "/api/v1/billing", &top_up).await.status(), 200);
        let (_, under_way) = till.begin(&manager, 7, false).await;

        switch(&olga, "purchases", "off").await;
        let wish = json!({ "amount": 5 });
        let (status, answer) = read(manager.send(Method::POST, "/api/v1/credits/purchases", &wish).await).await;
        assert_eq!(status, 403);
        assert!(answer["error"]["message"].as_str().unwrap().contains("switched it off"), "{answer}");
        top_up::buy_due(&app.app).await.unwrap();
        assert_eq!(member.available().await, Money::from_dollars(5), "nothing was bought automatically");
        till.service.pay(&under_way, PAYS).unwrap();
        till.deliver_all(&app).await;
        assert_eq!(member.available().await, Money::from_dollars(12));
        let page = olga.open("/credits").await.text().await.unwrap();
        assert!(page.contains("No credit is sold at the moment"), "{page}");

        switch(&olga, "purchases", "on").await;
        top_up::buy_due(&app.app).await.unwrap();
        assert_eq!(member.available().await, Money::from_dollars(22));
        app.finish().await;
    }
}
