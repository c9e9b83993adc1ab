//! A payment service on a socket of its own, whose events wait to be delivered.

use app::types::Money;
use patchbay::billing::stripe::WEBHOOK_PATH;
use patchbay::billing::stripe::simulated::{Options, Simulated};
use patchbay::clock::Clock;
use patchbay::config::Config;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{KeyHolder, TestApp, read};

pub const PAYS: &str = "4242 4242 4242 4242";
pub const WANTS_ITS_HOLDER_LATER: &str = "4000 0025 0000 3155";
pub const DECLINED_LATER: &str = "4000 0000 0000 0341";

/// The payment service.
pub struct Till {
    pub service: Simulated,
    pub options: Options,
    pub client: Client,
}

impl Till {
    pub async fn open() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let options = Options {
            base_url: url.clone(),
            page_url: url,
            secret_key: "sk_test".to_owned(),
            webhook_secret: "whsec_test".to_owned(),
            webhook_url: None,
        };
        let client = Client::builder().no_proxy().build().expect("a client");
        let service = Simulated::new(options.clone(), Clock::system(), client.clone());
        service.serve(listener);
        Self { service, options, client }
    }

    /// Lets a server use it.
    pub fn configure(&self, config: &mut Config) {
        config.billing.stripe.base_url.clone_from(&self.options.base_url);
        config.billing.stripe.secret_key.clone_from(&self.options.secret_key);
        config.billing.stripe.webhook_secret.clone_from(&self.options.webhook_secret);
    }

    /// Delivers an event; the status of the answer.
    pub async fn deliver(&self, app: &TestApp, event: &Value) -> u16 {
        self.service.deliver(event, &format!("{}{WEBHOOK_PATH}", app.url)).await
    }

    /// Delivers everything that waits, in order; each must be taken.
    pub async fn deliver_all(&self, app: &TestApp) {
        for event in self.service.take_events() {
            assert_eq!(self.deliver(app, &event).await, 200, "{event}");
        }
    }

    /// Opens a purchase; its id and session.
    pub async fn begin(&self, manager: &KeyHolder<'_>, dollars: i64, save_card: bool) -> (String, String) {
        let body = json!({ "amount": dollars, "save_card": save_card });
        let (status, answer) = read(manager.send(Method::POST, "/api/v1/credits/purchases", &body).await).await;
        assert_eq!(status, 201, "{answer}");
        let url = answer["data"]["checkout_url"].as_str().expect("an address").to_owned();
        let session = url.rsplit('/').next().expect("an id").to_owned();
        (answer["data"]["id"].as_str().expect("an id").to_owned(), session)
    }

    /// Buys credit from the wish to the credit; the ids of purchase and payment.
    pub async fn buy(&self, app: &TestApp, manager: &KeyHolder<'_>, dollars: i64) -> (String, String) {
        let (purchase, session) = self.begin(manager, dollars, false).await;
        self.service.pay(&session, PAYS).expect("pays");
        self.deliver_all(app).await;
        let row = app.app.store.purchase(&purchase).await.expect("reads").expect("is there");
        assert_eq!(row.state, "paid");
        (purchase, row.payment_id.expect("is paid"))
    }
}

/// What the platform took as fees.
pub async fn fees(app: &TestApp) -> Money {
    app.app.ledger.balance(patchbay::billing::ledger::FEE_REVENUE).await.expect("reads").available
}
