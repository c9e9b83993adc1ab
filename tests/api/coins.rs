//! Paying with coins: what the chain confirms is credited, once for each transaction.

use std::fmt::Write as _;
use std::sync::Arc;

use app::types::Money;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::on_both_databases;
use crate::support::{Database, TestApp, read};

const SECRET: &str = "shared";

/// A service that speaks the protocol; its one charge is what the test says.
#[derive(Clone, Default)]
struct Chain(Arc<Mutex<Value>>);

async fn open_charge(State(chain): State<Chain>, Json(body): Json<Value>) -> Json<Value> {
    let mut charge = chain.0.lock();
    *charge = json!({
        "code": "CHARGE1", "hosted_url": "https://pay.example/CHARGE1", "metadata": body["metadata"],
        "asked": body["local_price"]["amount"], "payments": [], "timeline": [{ "status": "NEW" }],
    });
    Json(json!({ "data": *charge }))
}

async fn show_charge(State(chain): State<Chain>, Path(_): Path<String>) -> Json<Value> {
    Json(json!({ "data": *chain.0.lock() }))
}

impl Chain {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/charges", post(open_charge)).route("/charges/{code}", get(show_charge));
        let router = router.with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn receive(&self, id: &str, amount: &str, status: &str) {
        let payment = json!({
            "network": "base", "transaction_id": id, "status": status,
            "value": { "local": { "amount": amount, "currency": "USD" },
                       "crypto": { "amount": amount, "currency": "USDC" } },
        });
        self.0.lock()["payments"].as_array_mut().unwrap().push(payment);
    }
}

async fn tell(app: &TestApp, secret: &str) -> u16 {
    let body = json!({ "event": { "type": "charge:confirmed", "data": { "code": "CHARGE1" } } }).to_string();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let mut header = String::new();
    for byte in ring::hmac::sign(&key, body.as_bytes()).as_ref() {
        write!(header, "{byte:02x}").unwrap();
    }
    let request = app.request(Method::POST, "/webhooks/coinbase").header("x-cc-webhook-signature", header);
    request.body(body).send().await.unwrap().status().as_u16()
}

on_both_databases! {
    async fn what_the_chain_confirms_is_credited_once(database: Database) {
        let chain = Chain::default();
        let url = chain.start().await;
        let app = TestApp::start_with(database, &[], |config| {
            "key".clone_into(&mut config.billing.coinbase.api_key);
            SECRET.clone_into(&mut config.billing.coinbase.webhook_secret);
            config.billing.coinbase.base_url = url;
        }).await;
        let member = app.member(Money::ZERO).await;
        let manager = member.management_key().await;
        let body = json!({ "amount": 20, "method": "crypto" });
        let (status, answer) = read(manager.send(Method::POST, "/api/v1/credits/purchases", &body).await).await;
        assert_eq!((status, &answer["data"]["checkout_url"]), (201, &json!("https://pay.example/CHARGE1")), "{answer}");
        assert_eq!((answer["data"]["fee"].to_string(), chain.0.lock()["asked"].clone()), ("1".to_owned(), json!("21")));

        chain.receive("0xa", "10.50", "PENDING");
        assert_eq!(tell(&app, SECRET).await, 200);
        assert_eq!(member.available().await, Money::ZERO, "not confirmed yet");
        assert_eq!(tell(&app, "forged").await, 400);
        chain.0.lock()["payments"][0]["status"] = json!("CONFIRMED");
        for _ in 0..3 {
            assert_eq!(tell(&app, SECRET).await, 200);
        }
        assert_eq!(member.available().await, Money::from_dollars(10), "half was sent, half is credited");
        chain.receive("0xb", "21", "CONFIRMED");
        let (one, other) = tokio::join!(tell(&app, SECRET), tell(&app, SECRET));
        assert!([one, other].contains(&200), "{one} {other}");
        assert_eq!(tell(&app, SECRET).await, 200);
        assert_eq!(member.available().await, Money::from_dollars(30), "more than asked is credited, too");
        chain.receive("0xc", "21", "CONFIRMED");
        chain.0.lock()["payments"][2]["network"] = json!("solana");
        assert_eq!(tell(&app, SECRET).await, 200);
        assert_eq!(member.available().await, Money::from_dollars(30), "only coins on the networks that are set");
        let (_, list) = read(manager.get("/api/v1/credits/purchases").await).await;
        assert_eq!((list["data"].as_array().unwrap().len(), list["data"][0]["refundable"].to_string()), (2, "0".to_owned()));
        app.finish().await;
    }
}
