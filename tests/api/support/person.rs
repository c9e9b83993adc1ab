//! A person in a browser: a cookie, and calls from our own pages.

use std::sync::Mutex;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{TestApp, read};

/// What every person of the tests signs in with.
pub const PASSWORD: &str = "a long enough one";

/// Somebody who is signed in.
pub struct Person<'a> {
    app: &'a TestApp,
    cookie: Mutex<String>,
}

impl<'a> Person<'a> {
    /// Somebody who is not signed in.
    pub fn visitor(app: &'a TestApp) -> Self {
        Self { app, cookie: Mutex::default() }
    }

    /// Signs in somebody who has an account.
    pub async fn sign_in(app: &'a TestApp, email: &str) -> Self {
        let person = Self::visitor(app);
        let response = person.form("/sign-in", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(response.status(), 303);
        assert!(!person.cookie.lock().unwrap().is_empty(), "{email} is signed in");
        person
    }

    /// Opens an account and signs in.
    pub async fn new(app: &'a TestApp, email: &str) -> Self {
        app.app.users.sign_up("Ann Example", email, PASSWORD, false).await.expect("signs up");
        Self::sign_in(app, email).await
    }

    /// An operator of the server, signed in.
    pub async fn operator(app: &'a TestApp) -> Self {
        let account = app.app.users.sign_up("Olga", "olga@example.org", PASSWORD, false).await.expect("signs up");
        app.app.store.set_operator(&account.user.id, true).await.expect("is made an operator");
        Self::sign_in(app, "olga@example.org").await
    }

    /// What the browser sends to be known again.
    pub fn cookie(&self) -> String {
        self.cookie.lock().unwrap().clone()
    }

    /// Sends a form as a page of ours does.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        let request = self.app.request(Method::POST, path);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.finish());
        self.send(request).await
    }

    /// Follows a link.
    pub async fn open(&self, path: &str) -> Response {
        self.send(self.app.request(Method::GET, path)).await
    }

    /// Calls the API as a page of ours does.
    pub async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.app.request(method.clone(), path);
        let request = if method == Method::GET { request } else { request.json(&body) };
        read(self.send(request).await).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, json!(null)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Response {
        let cookie = self.cookie.lock().unwrap().clone();
        let request = request.header("sec-fetch-site", "same-origin").header("cookie", cookie);
        let response = request.send().await.expect("answers");
        if let Some(cookie) = response.headers().get("set-cookie") {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
            cookie.clone_into(&mut self.cookie.lock().unwrap());
        }
        response
    }
}
