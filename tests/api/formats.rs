//! How numbers and days are written for a person, in every browser they use.

use reqwest::Method;
use serde_json::json;

use crate::on_both_databases;
use crate::support::person::{PASSWORD, Person};
use crate::support::{Database, TestApp, Upstream};

fn cookies(response: &reqwest::Response) -> Vec<String> {
    let all = response.headers().get_all("set-cookie").iter();
    all.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned()).collect()
}

on_both_databases! {
    async fn the_way_numbers_are_written_belongs_to_the_person_and_holds_at_every_sign_in(database: Database) {
        const EMAIL: &str = "ann@example.org";
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let ann = Person::new(&app, EMAIL).await;
        assert_eq!(ann.get("/api/v1/account").await.1["data"]["formats"], "");
        let (status, refused) = ann.call(Method::PATCH, "/api/v1/account", json!({ "formats": "klingon" })).await;
        assert_eq!((status, refused["error"]["metadata"]["field"].as_str()), (400, Some("formats")), "{refused}");

        let signed_in = async || {
            let form = [("email", EMAIL), ("password", PASSWORD), ("next", "/settings")];
            Person::visitor(&app).form("/sign-in", &form).await
        };
        assert!(!cookies(&signed_in().await).iter().any(|cookie| cookie.starts_with("formats=")), "nothing was chosen");
        let (status, changed) = ann.call(Method::PATCH, "/api/v1/account", json!({ "formats": "de" })).await;
        assert_eq!((status, &changed["data"]["formats"], &changed["data"]["name"]), (200, &json!("de"), &json!("Ann Example")));
        assert!(cookies(&signed_in().await).contains(&"formats=de".to_owned()), "another browser obeys");

        // The form of the settings page: the browser and the account at once.
        let bob = Person::new(&app, "bob@example.org").await;
        let chosen = bob.form("/formats", &[("formats", "fr"), ("_next", "/settings")]).await;
        assert_eq!((chosen.status().as_u16(), cookies(&chosen)), (303, vec!["formats=fr".to_owned()]));
        let visitor = Person::visitor(&app);
        let chosen = visitor.form("/formats", &[("formats", "fr"), ("_next", "/")]).await;
        assert_eq!((chosen.status().as_u16(), cookies(&chosen)), (303, vec!["formats=fr".to_owned()]), "a visitor's browser only");
        app.finish().await;
    }
}
