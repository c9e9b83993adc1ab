//! What the public may see of the traffic: facets, statistics, leaderboards, data sets.

use app::types::Money;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Database, KeyHolder, Script, TestApp, Upstream, question, read};

async fn ask_as(key: &KeyHolder<'_>, app: Option<(&str, &str)>, fields: Value) -> u16 {
    let mut request = key.request(Method::POST, "/api/v1/chat/completions").json(&question(fields));
    if let Some((url, title)) = app {
        request = request.header("http-referer", url).header("x-openrouter-title", title);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    response.text().await.unwrap();
    status
}

async fn get(app: &TestApp, path: &str) -> Value {
    let (status, body) = read(app.get(path).await).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

fn names(rows: &Value, field: &str) -> Vec<String> {
    rows.as_array().unwrap().iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
}

on_both_databases! {
    async fn traffic_shows_in_statistics_leaderboards_and_data_sets(database: Database) {
        let upstream = Upstream::start("one").await.offering(&["acme/one", "acme/two"]);
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(10)).await;
        let key = member.key().await;
        let answer = |tokens| Script::Answer { words: vec!["Hi".to_owned()], prompt_tokens: tokens, completion_tokens: 20 };
        upstream.script([answer(5_000), answer(100), answer(40)]);
        assert_eq!(ask_as(&key, Some(("https://fox.example", "Fox")), json!({})).await, 200);
        assert_eq!(ask_as(&key, Some(("https://owl.example", "=Owl")), json!({ "model": "acme/two" })).await, 200);
        assert_eq!(ask_as(&key, None, json!({ "model": "acme/two" })).await, 200);
        // The second try is good; the first still counts against the endpoint.
        upstream.script([Script::fail(500, "boom"), answer(60)]);
        assert_eq!(ask_as(&key, None, json!({ "model": "acme/two" })).await, 200);
        while app.app.store.fold_generations().await.unwrap() > 0 {}

        let statistics = get(&app, "/api/v1/models/acme/two/statistics?period=day").await;
        let data = &statistics["data"];
        let uptime = data["endpoints"][0]["uptime"].as_array().unwrap();
        assert_eq!((uptime.len(), uptime.iter().find(|hour| !hour.is_null()).unwrap().as_f64()), (72, Some(75.0)), "{data}");
        assert_eq!(data["slots"].as_array().unwrap().len(), 24);
        assert!(data["latency"].as_array().unwrap().iter().any(|point| point["p50"].is_number()), "{data}");
        assert_eq!(data["daily_prompt_tokens"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).sum::<i64>(), 200);
        assert_eq!(names(&data["apps"], "title"), ["=Owl"]);
        assert!(!data["prices"].as_array().unwrap().is_empty());

        let status = get(&app, "/api/v1/status").await;
        assert_eq!(status["data"]["providers"][0]["requests"], 5);

        let board = |query: &'static str| { let app = &app; async move { get(app, &format!("/api/v1/rankings{query}")).await["data"]["rows"].clone() } };
        assert_eq!(names(&board("").await, "id"), ["acme/one", "acme/two"]);
        assert_eq!(names(&board("?length=1K").await, "id"), ["acme/two"]);
        assert_eq!(names(&board("?length=10K").await, "id"), ["acme/one"]);
        assert_eq!(names(&board("?app=https://fox.example").await, "id"), ["acme/one"]);
        assert_eq!(names(&board("?by=app&sort=trending").await, "name"), ["Fox", "=Owl"]);
        assert_eq!(board("?by=author&period=year").await[0]["tokens"], 5_280);
        assert_eq!(get(&app, "/api/v1/rankings?app=https://fox.example").await["data"]["title"], "Fox");
        for wrong in ["?by=x", "?period=x", "?length=2K", "?by=app&category=programming", "?length=1K&app=x", "?sort=x"] {
            assert_eq!(app.get(&format!("/api/v1/rankings{wrong}")).await.status(), 400, "{wrong}");
        }
        let csv = app.get("/api/v1/rankings.csv?by=app").await.text().await.unwrap();
        assert!(csv.starts_with("date,id,name,tokens\n") && csv.contains(",'=Owl,120\n"), "{csv}");
        let svg = app.get("/api/v1/rankings.svg").await;
        assert_eq!(svg.headers()["content-type"], "image/svg+xml");
        assert!(svg.text().await.unwrap().contains("class=\"s1\""));

        let today = get(&app, "/api/v1/rankings?period=day").await["data"]["days"][0].as_str().unwrap().to_owned();
        let daily = |more: &str| format!("/api/v1/datasets/rankings-daily?end_date={today}{more}");
        let (_, all) = read(key.get(&daily("")).await).await;
        assert_eq!(names(&all["data"], "total_tokens"), ["5020", "260"], "{all}");
        assert_eq!(all["meta"]["end_date"], today.as_str());
        let (_, month) = read(key.get(&daily("&period=month&context_bucket=1K")).await).await;
        assert!(month["data"][0]["date"].as_str().unwrap().ends_with("-01"), "{month}");
        for wrong in ["&period=day&category=programming", "&language_type=natural&category=programming", "&language_type=natural&period=day", "&language_type=x", "&start_date=2020-01-01", "&start_date=2999-01-01"] {
            assert_eq!(key.get(&daily(wrong)).await.status(), 400, "{wrong}");
        }
        let apps = format!("/api/v1/datasets/app-rankings?end_date={today}");
        let (_, apps_body) = read(key.get(&format!("{apps}&sort=trending&offset=1")).await).await;
        assert_eq!((&apps_body["data"][0]["app_name"], &apps_body["data"][0]["rank"]), (&json!("=Owl"), &json!(2)), "{apps_body}");
        assert_eq!(app.get(&apps).await.status(), 401, "a key is needed");

        let says = |list: &'static str| key.request(Method::POST, "/api/v1/chat/completions")
            .header("http-referer", "https://owl.example")
            .header("x-openrouter-categories", list)
            .json(&question(json!({})));
        upstream.always(answer(10));
        for list in ["cli-agent, cooking, IDE-extension, game", "cli-agent"] {
            assert_eq!(says(list).send().await.unwrap().status(), 200);
        }
        while app.app.store.fold_generations().await.unwrap() > 0 {}
        assert_eq!(get(&app, "/api/v1/rankings?app=https://owl.example").await["data"]["categories"], json!(["cli-agent", "ide-extension"]));
        for (part, urls) in [("coding", vec!["https://owl.example"]), ("ide-extension", vec!["https://owl.example"]), ("game", vec![])] {
            let rows = get(&app, &format!("/api/v1/rankings?by=app&app_category={part}")).await["data"]["rows"].clone();
            assert_eq!(names(&rows, "id"), urls, "{part}");
        }
        for (part, count) in [("category=coding", 1), ("category=coding&subcategory=cli-agent", 1), ("subcategory=game", 0)] {
            let (_, body) = read(key.get(&format!("{apps}&{part}")).await).await;
            assert_eq!(body["data"].as_array().unwrap().len(), count, "{part}: {body}");
        }
        for wrong in ["category=cooking", "subcategory=coding", "category=creative&subcategory=cli-agent"] {
            assert_eq!(key.get(&format!("{apps}&{wrong}")).await.status(), 400, "{wrong}");
        }
        for wrong in ["?by=app&app_category=cooking", "?app_category=coding"] {
            assert_eq!(app.get(&format!("/api/v1/rankings{wrong}")).await.status(), 400, "{wrong}");
        }
        app.finish().await;
    }
}

on_both_databases! {
    async fn requests_are_ranked_by_task_category_and_language_unless_their_organization_minds(database: Database) {
        let upstream = Upstream::start("acme").await.offering(&["acme/one", "acme/two"]);
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(10)).await;
        let key = member.key().await;
        let manager = member.management_key().await;
        upstream.always(Script::Answer { words: vec!["Hi".to_owned()], prompt_tokens: 40, completion_tokens: 20 });
        let ask = async |model: &str, text: &str| {
            let body = json!({ "model": model, "messages": [{ "role": "user", "content": text }] });
            let (status, answer) = read(key.ask(body).await).await;
            assert_eq!(status, 200, "{answer}");
            answer["id"].as_str().unwrap().to_owned()
        };
        let debugging = ask("acme/one", "Warum ist in dieser Python Funktion ein Fehler? ```x = 1 +```").await;
        ask("acme/two", "Translate this letter into Spanish for me please").await;
        let (_, shown) = read(key.get(&format!("/api/v1/generation?id={debugging}")).await).await;
        assert_eq!((&shown["data"]["task"], &shown["data"]["language"]), (&json!("code:debugging"), &json!("de")), "{shown}");
        assert_eq!(shown["data"]["category"], "programming", "{shown}");

        let (status, changed) = read(manager.send(Method::PATCH, "/api/v1/organization", &json!({ "labels_prompts": false })).await).await;
        assert_eq!((status, &changed["data"]["labels_prompts"]), (200, &json!(false)), "{changed}");
        let private = ask("acme/one", "Translate this letter into French for me please").await;
        let (_, shown) = read(key.get(&format!("/api/v1/generation?id={private}")).await).await;
        assert!(["task", "category", "language"].iter().all(|label| shown["data"][*label].is_null()), "{shown}");
        let image = json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw0KGgo=" } });
        let words = json!({ "type": "text", "text": "What do these two show?" });
        let body = json!({ "model": "acme/two", "messages": [{ "role": "user", "content": [words, image, image] }] });
        let (status, seen) = read(key.ask(body).await).await;
        assert_eq!(status, 200, "{seen}");
        let path = format!("/api/v1/generation?id={}", seen["id"].as_str().unwrap());
        assert_eq!(read(key.get(&path).await).await.1["data"]["num_media_prompt"], 2);
        while app.app.store.fold_generations().await.unwrap() > 0 {}

        let rows = async |query: &str| get(&app, &format!("/api/v1/rankings?{query}")).await["data"]["rows"].clone();
        let tasks = rows("by=task").await;
        assert_eq!(tasks.as_array().unwrap().len(), 2, "{tasks}");
        assert!(names(&tasks, "name").contains(&"Debugging".to_owned()), "{tasks}");
        assert_eq!(tasks[0]["requests"], 1, "what the organization keeps out is not counted: {tasks}");
        let mut languages = names(&rows("by=language").await, "name");
        languages.sort();
        assert_eq!(languages, ["English", "German"]);
        assert_eq!(names(&rows("task=general:translation").await, "id"), ["acme/two"]);
        let with_images = rows("modality=image_prompts").await;
        assert_eq!((names(&with_images, "id"), &with_images[0]["requests"]), (vec!["acme/two".to_owned()], &json!(1)));
        assert_eq!(names(&rows("language=de&by=author").await, "id"), ["acme"]);
        let mut categories = names(&rows("by=category").await, "name");
        categories.sort();
        assert_eq!(categories, ["Programming", "Translation"]);
        assert_eq!(names(&rows("category=programming").await, "id"), ["acme/one"]);
        let csv = app.get("/api/v1/rankings.csv?by=task").await.text().await.unwrap();
        assert!(csv.contains(",code:debugging,Debugging,"), "{csv}");
        let svg = app.get("/api/v1/rankings.svg?by=language").await.text().await.unwrap();
        assert!(svg.contains("German"), "{svg}");
        for wrong in ["task=cooking", "language=xx", "task=code:sql&language=de", "by=task&language=de", "length=1K&task=code:sql", "category=cooking", "category=legal&length=1K"] {
            assert_eq!(app.get(&format!("/api/v1/rankings?{wrong}")).await.status(), 400, "{wrong}");
        }

        let today = get(&app, "/api/v1/rankings?period=day").await["data"]["days"][0].as_str().unwrap().to_owned();
        let daily = async |part: &str| {
            let path = format!("/api/v1/datasets/rankings-daily?end_date={today}&{part}");
            names(&read(key.get(&path).await).await.1["data"], "model_permaslug")
        };
        assert_eq!(daily("language_type=programming").await, ["acme/one"]);
        assert_eq!(daily("language_type=natural").await.len(), 2);
        assert_eq!(daily("category=translation").await, ["acme/two"]);
        assert_eq!(daily("category=legal").await, Vec::<String>::new());
        // Whole days only: there was none yet.
        let (status, shares) = read(manager.get("/api/v1/classifications/task?window=7d").await).await;
        assert_eq!((status, &shares["data"]["window_days"], &shares["data"]["classifications"]), (200, &json!(7), &json!([])));
        assert_eq!(key.get("/api/v1/classifications/task?window=1d").await.status(), 400);
        app.finish().await;
    }
}

on_both_databases! {
    async fn a_category_lists_the_models_that_are_really_used_for_it(database: Database) {
        let upstream = Upstream::start("acme").await.offering(&["acme/one", "acme/two"]);
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(10)).await;
        let key = member.key().await;
        upstream.always(Script::Answer { words: vec!["Hi".to_owned()], prompt_tokens: 40, completion_tokens: 20 });
        let listed = async |query: &str| names(&get(&app, &format!("/api/v1/models?{query}")).await["data"], "id");
        let both = ["acme/one", "acme/two"];
        assert_eq!(listed("category=legal&sort=newest").await.len(), 2, "nobody asked yet: both are fit for it");

        let ask = async |model: &str, text: &str, times: usize| {
            for _ in 0..times {
                let body = json!({ "model": model, "messages": [{ "role": "user", "content": text }] });
                assert_eq!(read(key.ask(body).await).await.0, 200);
            }
        };
        ask("acme/two", "Which law covers a lease that my tenant broke?", 9).await;
        ask("acme/one", "Is this clause of the contract void?", 1).await;
        ask("acme/one", "Explain photosynthesis to a child", 60).await;
        while app.app.store.fold_generations().await.unwrap() > 0 {}
        app.app.refresh_popularity().await.unwrap();

        assert_eq!(listed("category=legal").await, ["acme/two"], "one question in sixty is no use");
        assert_eq!(listed("category=science").await, ["acme/one"]);
        assert_eq!(listed("").await, both, "most used first");
        assert_eq!(listed("category=finance").await.len(), 2);
        assert_eq!(get(&app, "/api/v1/models/count?category=legal").await["data"]["count"], 1);
        let facets = get(&app, "/api/v1/models/facets").await;
        let facets = facets["data"]["categories"].as_array().unwrap();
        let law = facets.iter().find(|facet| facet["value"] == "legal").unwrap();
        assert_eq!((&law["name"], &law["count"]), (&json!("Law"), &json!(1)));
        assert_eq!(app.get("/api/v1/models?category=cooking").await.status(), 400);
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn facets_and_the_feed_tell_what_the_catalog_has() {
    let upstream = Upstream::start("one").await.offering(&["acme/one", "acme/two", "other/three"]);
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let facets = get(&app, "/api/v1/models/facets").await;
    assert_eq!(names(&facets["data"]["authors"], "value"), ["acme", "other"]);
    assert_eq!(
        (&facets["data"]["authors"][0]["count"], &facets["data"]["providers"][0]["count"]),
        (&json!(2), &json!(3))
    );
    let feed = app.get("/api/v1/models?use_rss=true&model_authors=other").await;
    assert_eq!(feed.headers()["content-type"], "application/rss+xml; charset=utf-8");
    let feed = feed.text().await.unwrap();
    assert_eq!(feed.matches("<item>").count(), 1, "{feed}");
    assert!(feed.contains("/models/other/three</link>"), "{feed}");
    let chat = app.get("/api/v1/models?use_rss=true&use_rss_chat_links=true").await.text().await.unwrap();
    assert!(chat.contains("/chat?model=acme%2Fone</link>"), "{chat}");
    assert_eq!(app.get("/api/v1/models?use_rss=perhaps").await.status(), 400);
    app.finish().await;
}
