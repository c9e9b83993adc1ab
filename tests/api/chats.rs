//! Conversations people keep, links to them, and votes.

use app::types::Money;
use patchbay::store::chat_shelves::{FolderRow, NewFolder};
use reqwest::{Client, Method, Response, header};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Database, TestApp, Upstream, read};

/// A person in front of a browser.
struct Person {
    client: Client,
    cookie: String,
    url: String,
}

impl Person {
    async fn new(app: &TestApp) -> Self {
        let member = app.member(Money::from_dollars(5)).await;
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let form = [("email", member.account.user.email.as_str()), ("password", "a long enough one"), ("next", "/")];
        let answer = client
            .post(format!("{}/sign-in", app.url))
            .header(header::ORIGIN, &app.url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish())
            .send()
            .await
            .unwrap();
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { client, cookie, url: app.url.clone() }
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let request = self
            .client
            .request(method, format!("{}{path}", self.url))
            .header(header::COOKIE, &self.cookie)
            .header("sec-fetch-site", "same-origin");
        body.map_or(request.try_clone().unwrap(), |body| request.json(body)).send().await.unwrap()
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        read(self.send(method, path, body).await).await
    }

    /// Asks a model as the chat room does; returns the generation's id.
    async fn ask(&self, model: &str) -> String {
        let body = json!({ "model": model, "messages": [{ "role": "user", "content": "Hi" }] });
        let (status, answer) = self.call(Method::POST, "/api/v1/chat/completions", Some(&body)).await;
        assert_eq!(status, 200, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }
}

fn conversation(words: &str) -> Value {
    json!({ "document": { "columns": [{ "model": { "id": "acme/one", "name": "One" }, "turns": [
        { "is_answer": false, "content": words }, { "is_answer": true, "content": "An **answer**." }] }] } })
}

on_both_databases! {
    async fn a_conversation_is_kept_found_shared_and_forgotten_by_its_owner_alone(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let (ann, bob) = (Person::new(&app).await, Person::new(&app).await);
        let (status, kept) = ann.call(Method::POST, "/api/v1/chats", Some(&conversation("Tell me of 100% lighthouses"))).await;
        assert_eq!((status, kept["data"]["title"].as_str()), (201, Some("Tell me of 100% lighthouses")));
        let path = format!("/api/v1/chats/{}", kept["data"]["id"].as_str().unwrap());
        let count = |words: &'static str| { let ann = &ann; async move { ann.call(Method::GET, &format!("/api/v1/chats?q={words}"), None).await.1["data"].as_array().unwrap().len() } };
        assert_eq!([count("").await, count("LIGHTHOUSE").await, count("100%25").await, count("10%25l").await], [1, 1, 1, 0]);
        for (method, body) in [(Method::GET, None), (Method::PUT, Some(conversation("mine"))), (Method::DELETE, None)] {
            assert_eq!(bob.send(method.clone(), &path, body.as_ref()).await.status(), 404, "{method} by another");
            assert_eq!(app.request(method, &path).json(&body).send().await.unwrap().status(), 401);
        }
        assert_eq!(bob.call(Method::GET, "/api/v1/chats", None).await.1["data"], json!([]));

        let share = format!("{path}/share");
        assert_eq!(bob.send(Method::POST, &share, None).await.status(), 404);
        let (_, shared) = ann.call(Method::POST, &share, None).await;
        let link = shared["data"]["share_id"].as_str().unwrap().to_owned();
        let (status, seen) = read(app.get(&format!("/api/v1/shared/{link}")).await).await;
        assert_eq!((status, &seen["data"]["id"]), (200, &json!("")), "{seen}");
        let page = app.get(&format!("/shared/{link}")).await;
        assert_eq!(page.status(), 200);
        assert!(page.text().await.unwrap().contains("<strong>answer</strong>"));
        assert_eq!(ann.send(Method::DELETE, &share, None).await.status(), 200);
        assert_eq!(app.get(&format!("/api/v1/shared/{link}")).await.status(), 404);
        assert_eq!(app.get(&format!("/shared/{link}")).await.status(), 404);

        let (_, changed) = ann.call(Method::PUT, &path, Some(&conversation("Something else"))).await;
        assert_eq!(changed["data"]["title"], "Tell me of 100% lighthouses", "it keeps its title");
        for wrong in [json!({ "document": { "columns": [] } }), json!({ "document": 5 }), json!({})] {
            assert_eq!(ann.send(Method::POST, "/api/v1/chats", Some(&wrong)).await.status(), 400, "{wrong}");
        }
        assert_eq!(ann.send(Method::DELETE, &path, None).await.status(), 200);
        assert_eq!(ann.send(Method::GET, &path, None).await.status(), 404);
        app.finish().await;
    }
}

on_both_databases! {
    async fn conversations_lie_in_folders_that_only_their_owner_has(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let (ann, bob) = (Person::new(&app).await, Person::new(&app).await);
        let (status, folder) = ann.call(Method::POST, "/api/v1/chat-folders", Some(&json!({ "name": " Sea " }))).await;
        assert_eq!((status, &folder["data"]["name"]), (201, &json!("Sea")));
        let id = folder["data"]["id"].as_str().unwrap();
        let at = format!("/api/v1/chat-folders/{id}");
        for wrong in [json!({ "name": "Sea" }), json!({ "name": " " }), json!({})] {
            assert_eq!(ann.call(Method::POST, "/api/v1/chat-folders", Some(&wrong)).await.0, 400, "{wrong}");
        }
        assert_eq!(bob.call(Method::POST, "/api/v1/chat-folders", Some(&json!({ "name": "Sea" }))).await.0, 201, "his own");
        let mut wish = conversation("Of ships");
        wish["folder_id"] = json!(id);
        assert_eq!(bob.send(Method::POST, "/api/v1/chats", Some(&wish)).await.status(), 400, "a foreign folder");
        let (status, chat) = ann.call(Method::POST, "/api/v1/chats", Some(&wish)).await;
        assert_eq!((status, chat["data"]["folder_id"].as_str()), (201, Some(id)), "{chat}");
        let path = format!("/api/v1/chats/{}", chat["data"]["id"].as_str().unwrap());
        let (_, kept) = ann.call(Method::PUT, &path, Some(&conversation("Of ships and sails"))).await;
        assert_eq!(kept["data"]["folder_id"].as_str(), Some(id), "it stays where it is");
        let names = async |words: &str| ann.call(Method::GET, &format!("/api/v1/chats?q={words}"), None).await.1["data"].as_array().unwrap().len();
        assert_eq!([names("sea").await, names("land").await], [1, 0], "the folder's name is searched");
        assert_eq!(ann.call(Method::PATCH, &at, Some(&json!({ "name": "Land" }))).await.0, 200);
        assert_eq!([names("sea").await, names("land").await], [0, 1]);
        for method in [Method::PATCH, Method::DELETE] {
            assert_eq!(bob.send(method, &at, Some(&json!({ "name": "Mine" }))).await.status(), 404);
        }
        let (_, out) = ann.call(Method::PATCH, &path, Some(&json!({ "folder_id": "", "title": "Boats" }))).await;
        assert_eq!((&out["data"]["folder_id"], &out["data"]["title"]), (&Value::Null, &json!("Boats")));
        assert_eq!(ann.call(Method::PATCH, &path, Some(&json!({ "title": " " }))).await.0, 400);
        assert_eq!(ann.call(Method::PATCH, &path, Some(&json!({ "folder_id": id }))).await.0, 200);
        assert_eq!(ann.send(Method::DELETE, &at, None).await.status(), 200);
        let (status, left) = ann.call(Method::GET, &path, None).await;
        assert_eq!((status, &left["data"]["folder_id"]), (200, &Value::Null), "only the folder is gone");
        assert_eq!(ann.call(Method::GET, "/api/v1/chat-folders", None).await.1["data"], json!([]));
        app.finish().await;
    }
}

on_both_databases! {
    async fn files_are_kept_with_their_conversation_and_go_with_it(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let (ann, bob) = (Person::new(&app).await, Person::new(&app).await);
        let with = |files: Value| json!({ "document": { "columns": [{ "model": null, "turns": [
            { "is_answer": false, "content": "Look", "attachments": files }] }] } });
        let named = json!([{ "id": "f1", "name": "a.png", "kind": "image/png" }]);
        let (status, chat) = ann.call(Method::POST, "/api/v1/chats", Some(&with(named.clone()))).await;
        assert_eq!(status, 201, "{chat}");
        let path = format!("/api/v1/chats/{}", chat["data"]["id"].as_str().unwrap());
        let at = format!("{path}/files/f1");
        let file = json!({ "name": "a.png", "kind": "image/png", "data": "data:image/png;base64,AAECAw==" });
        assert_eq!(ann.send(Method::GET, &at, None).await.status(), 404, "not yet");
        assert_eq!(ann.call(Method::PUT, &at, Some(&file)).await.0, 200);
        let (status, seen) = ann.call(Method::GET, &at, None).await;
        assert_eq!((status, &seen["data"]["data"], &seen["data"]["name"]), (200, &file["data"], &file["name"]), "{seen}");
        for (method, body) in [(Method::GET, None), (Method::PUT, Some(&file))] {
            assert_eq!(bob.send(method, &at, body).await.status(), 404);
        }
        for (field, wrong) in [("data", json!("data:image/png;base64,#")), ("data", json!("AAEC")), ("kind", json!("text/html")), ("name", json!(""))] {
            let mut body = file.clone();
            body[field] = wrong;
            assert_eq!(ann.call(Method::PUT, &format!("{path}/files/f2"), Some(&body)).await.0, 400, "{body}");
        }
        let mut large = file.clone();
        large["data"] = json!(format!("data:image/png;base64,{}", "A".repeat(12 << 20)));
        assert_eq!(ann.call(Method::PUT, &format!("{path}/files/f2"), Some(&large)).await.0, 413);
        // Four of the largest fill a conversation.
        large["data"] = json!(format!("data:image/png;base64,{}", "A".repeat((8 << 20) / 3 * 4)));
        for (name, expected) in [("f2", 200), ("f3", 200), ("f4", 200), ("f5", 200), ("f6", 400)] {
            assert_eq!(ann.call(Method::PUT, &format!("{path}/files/{name}"), Some(&large)).await.0, expected, "{name}");
        }
        let inside = with(json!([{ "id": "f1", "name": "a.png", "kind": "image/png", "data": file["data"] }]));
        assert_eq!(ann.call(Method::PUT, &path, Some(&inside)).await.0, 400, "data belong beside the document");
        assert_eq!(ann.call(Method::PUT, &path, Some(&with(named))).await.0, 200);
        assert_eq!(ann.send(Method::GET, &at, None).await.status(), 200);
        assert_eq!(ann.send(Method::GET, &format!("{path}/files/f2"), None).await.status(), 404, "no question has it");
        assert_eq!(ann.call(Method::PUT, &path, Some(&with(json!([])))).await.0, 200);
        assert_eq!(ann.send(Method::GET, &at, None).await.status(), 404);
        assert_eq!(ann.call(Method::PUT, &at, Some(&file)).await.0, 200);
        assert_eq!(ann.send(Method::DELETE, &path, None).await.status(), 200, "with its file");
        assert_eq!(ann.send(Method::GET, &at, None).await.status(), 404);
        app.finish().await;
    }
}

on_both_databases! {
    async fn images_of_a_shared_conversation_are_seen_only_while_its_owner_wants_it(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let ann = Person::new(&app).await;
        let kinds = [("f1", "a.png", "image/png"), ("f2", "b.pdf", "application/pdf"), ("f3", "c.svg", "image/svg+xml")];
        let files: Vec<Value> = kinds.iter().map(|(id, name, kind)| json!({ "id": id, "name": name, "kind": kind })).collect();
        let document = json!({ "document": { "columns": [{ "model": null, "turns": [
            { "is_answer": false, "content": "Look", "attachments": files }] }] } });
        let (_, chat) = ann.call(Method::POST, "/api/v1/chats", Some(&document)).await;
        let path = format!("/api/v1/chats/{}", chat["data"]["id"].as_str().unwrap());
        for (id, name, kind) in kinds {
            let body = json!({ "name": name, "kind": kind, "data": format!("data:{kind};base64,AAECAw==") });
            assert_eq!(ann.call(Method::PUT, &format!("{path}/files/{id}"), Some(&body)).await.0, 200);
        }
        let (_, shared) = ann.call(Method::POST, &format!("{path}/share"), None).await;
        let link = shared["data"]["share_id"].as_str().unwrap().to_owned();
        let image = async |id: &str| app.get(&format!("/api/v1/shared/{link}/files/{id}")).await;
        let page = async || app.get(&format!("/shared/{link}")).await.text().await.unwrap();
        assert_eq!((&shared["data"]["shares_images"], image("f1").await.status().as_u16()), (&json!(false), 404));
        assert!(page().await.contains("a.png") && !page().await.contains("files/f1"), "the name alone");

        let (_, shared) = ann.call(Method::POST, &format!("{path}/share?images=true"), None).await;
        assert_eq!((&shared["data"]["share_id"], &shared["data"]["shares_images"]), (&json!(link), &json!(true)));
        let seen = image("f1").await;
        assert_eq!((seen.status().as_u16(), &seen.headers()["content-type"]), (200, &"image/png".parse().unwrap()));
        assert_eq!(&seen.headers()["cache-control"], "no-store");
        assert_eq!(&seen.bytes().await.unwrap()[..], [0, 1, 2, 3]);
        assert!(page().await.contains(&format!("/api/v1/shared/{link}/files/f1")));
        for other in ["f2", "f3", "f9"] {
            assert_eq!(image(other).await.status(), 404, "{other}: images that cannot carry a script");
        }
        assert_eq!(ann.send(Method::DELETE, &format!("{path}/share"), None).await.status(), 200);
        assert_eq!(image("f1").await.status(), 404, "the link was taken back");
        let (_, again) = ann.call(Method::POST, &format!("{path}/share"), None).await;
        assert_eq!(again["data"]["shares_images"], false, "what was agreed to then does not hold for a new link");
        app.finish().await;
    }
}

on_both_databases! {
    async fn a_vote_counts_once_and_only_for_ones_own_answers(database: Database) {
        let upstream = Upstream::start("one").await.offering(&["acme/one", "acme/two"]);
        let app = TestApp::start(database, &[&upstream]).await;
        let (ann, bob) = (Person::new(&app).await, Person::new(&app).await);
        let (status, pair) = ann.call(Method::GET, "/api/v1/votes/pair", None).await;
        assert_eq!((status, pair["data"].as_array().unwrap().len()), (200, 2), "{pair}");
        let vote = |a: &str, b: &str, outcome: &str| json!({ "generation_a": a, "generation_b": b, "outcome": outcome });
        let (one, two) = (ann.ask("acme/one").await, ann.ask("acme/two").await);
        let again = ann.ask("acme/one").await;
        let cast = async |person: &Person, body: Value| person.call(Method::POST, "/api/v1/votes", Some(&body)).await;
        assert_eq!(cast(&bob, vote(&one, &two, "a")).await.0, 404, "answers to another person");
        assert_eq!(cast(&ann, vote(&one, &again, "a")).await.0, 400, "the same model");
        assert_eq!(cast(&ann, vote(&one, &two, "both")).await.0, 400);
        let (status, told) = cast(&ann, vote(&one, &two, "a")).await;
        assert_eq!((status, &told["data"]["model_a"], &told["data"]["model_b"]), (201, &json!("acme/one"), &json!("acme/two")));
        assert_eq!(cast(&ann, vote(&two, &one, "b")).await.0, 400, "counted before");
        assert_eq!(cast(&ann, vote(&two, &again, "b")).await.0, 400, "one of them was");
        let (_, ratings) = read(app.get("/api/v1/ratings").await).await;
        let models = ratings["data"]["models"].as_array().unwrap();
        assert_eq!((models[0]["id"].as_str(), models[0]["win_rate"].as_f64()), (Some("acme/one"), Some(100.0)));
        let number = |name: &str| models[0][name].as_f64().unwrap();
        assert!(number("low") < number("rating") && number("rating") < number("high"), "{ratings}");
        assert_eq!((&ratings["data"]["votes"], &ratings["data"]["voters"]), (&json!(1), &json!(1)));
        let key = app.member(Money::from_dollars(1)).await.key().await.get("/api/v1/votes/pair").await;
        assert_eq!(key.status(), 403, "keys do not vote");
        app.finish().await;
    }
}

on_both_databases! {
    async fn many_at_once_do_not_get_past_the_number_of_folders(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let ann = Person::new(&app).await;
        let (_, account) = ann.call(Method::GET, "/api/v1/account", None).await;
        let id = account["data"]["id"].as_str().unwrap().to_owned();
        for number in 0..198 {
            let row = FolderRow { id: format!("f{number}"), user_id: id.clone(), name: format!("{number}"), created_at: 1 };
            assert_eq!(app.app.store.insert_chat_folder(&row, 200).await.unwrap(), NewFolder::Made);
        }
        let calls = (0..8).map(|number| {
            let ann = &ann;
            async move { ann.send(Method::POST, "/api/v1/chat-folders", Some(&json!({ "name": format!("new {number}") }))).await.status().as_u16() }
        });
        let mut statuses = futures::future::join_all(calls).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 201, 400, 400, 400, 400, 400, 400]);
        app.finish().await;
    }
}
