//! Pages as they are sent, over a made-up API.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use tower::ServiceExt as _;

use super::fake;

struct Page {
    status: StatusCode,
    headers: HeaderMap,
    html: String,
}

impl Page {
    /// The document without its tags, entities kept.
    fn text(&self) -> String {
        let mut out = String::new();
        for piece in self.html.split('<').skip(1) {
            out.push_str(piece.split_once('>').map_or("", |(_, text)| text));
            out.push(' ');
        }
        out
    }

    fn assert_shows(&self, parts: &[&str]) {
        let text = self.text();
        for part in parts {
            assert!(text.contains(part), "{part:?} is missing in: {text}");
        }
    }
}

async fn open(path: &str, cookie: &str) -> Page {
    open_on(super::router(fake::api(), &[]), path, cookie).await
}

async fn open_on(site: Router, path: &str, cookie: &str) -> Page {
    let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap();
    let response = site.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let html = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    Page { status: parts.status, headers: parts.headers, html }
}

const VISITOR: &str = "";
const MEMBER: &str = "sid=member";

#[tokio::test]
async fn every_page_is_whole_without_a_script_and_escapes_what_comes_from_outside() {
    for path in app::routes::PATHS {
        let path = path
            .replace("/docs/{page}", "/docs/routing")
            .replace("/providers/{slug}", "/providers/alpha")
            .replace("{author}", "acme");
        let path = path.replace("{slug}", "model-1").replace("{id}", "gen-3");
        let path = if path == "/app" { "/app?url=https://foxglove.example".to_owned() } else { path };
        for cookie in [VISITOR, MEMBER] {
            let page = open(&path, cookie).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(page.html.starts_with("<!DOCTYPE html>"), "{path}: {}", &page.html[..60]);
            assert!(page.html.contains("</html>"), "{path}");
            assert_eq!(page.html.matches("<h1").count(), 1, "{path} has one main heading");
            assert!(!page.html.contains("<script>alert") && !page.html.contains("onerror=alert(1)>"), "{path}");
            assert!(
                !page.html.contains('\u{202E}') || page.html.contains("data-props"),
                "{path} shows a line-turning character"
            );
            assert!(!page.html.contains("javascript:"), "{path} links to a script");
            assert!(!page.html.contains(" style=\""), "{path} has a style the policy forbids");
            page.assert_shows(&["Demo mode", "Skip to the content", "Models", "Rankings"]);
        }
    }
}

#[tokio::test]
async fn the_home_page_tells_how_much_there_is() {
    let page = open("/", VISITOR).await;
    page.assert_shows(&[
        "120",
        "models",
        "providers",
        "1,234,567,890",
        "Acme: Model 0",
        "curl",
        "Python",
        "TypeScript",
        "Create an account",
    ]);
    assert!(page.html.contains("http://127.0.0.1:3000/api/v1"), "the sample calls this server");
}

#[tokio::test]
async fn the_catalog_is_paged_and_keeps_its_filters() {
    let page = open("/models?q=a&sort=newest&max_price=0&offset=50", VISITOR).await;
    page.assert_shows(&["120 models", "Model 50", "Model 99", "51–100 of 120", "$2.50", "131K"]);
    assert!(!page.text().contains("Model 100"));
    assert!(
        page.html.contains("?q=a&amp;sort=newest&amp;max_price=0&amp;max_output_price=0&amp;offset=100"),
        "next page"
    );
    assert!(page.html.contains("value=\"newest\" selected"));
    let narrow =
        open("/models?providers=alpha&providers=beta&zdr=true&view=list&supported_parameters=parameter-11", VISITOR)
            .await;
    narrow.assert_shows(&["Filters", "Keeps no prompts", "Clear all", "3 more", "programming (44)"]);
    assert!(narrow.html.contains("name=\"providers\" value=\"beta\" checked"), "what is chosen stays ticked");
    assert!(narrow.html.contains("class=\"model-list\""), "the list is shown");
    assert!(narrow.html.contains(
        "/api/v1/models?supported_parameters=parameter-11&amp;providers=alpha%2Cbeta&amp;zdr=true&amp;use_rss=true"
    ));
    open("/models?q=nothing", VISITOR).await.assert_shows(&["0 models", "No model fits."]);
}

#[tokio::test]
async fn a_model_page_compares_its_providers() {
    for path in ["/models/acme/model-2", "/acme/model-2"] {
        let page = open(path, VISITOR).await;
        page.assert_shows(&[
            "Acme: Model 2",
            "calm",
            "Simulated Alpha",
            "No credential",
            "not trained on",
            "trained on",
            "0.42 s",
            "88 tokens/s",
            "fp8",
            "99.95%",
            "131,072 tokens",
            "Chat with it",
            "p99",
            "3.70 s",
            "51 h ago: 50%",
            "Foxglove",
            "the beginning",
            "$3.00",
            "Anthropic (Python)",
            "Rust",
        ]);
        assert!(page.html.contains("aria-label=\"Uptime of Simulated Alpha: the worst of 71 hours had 50%\""));
        assert!(page.html.contains("href=\"/chat?model=acme%2Fmodel-2\""));
        assert!(page.html.contains("<title>Acme: Model 2 · Patchbay</title>"), "{}", page.html);
    }
}

#[tokio::test]
async fn models_are_compared_side_by_side() {
    let page = open("/compare?models=acme/model-2,acme/model-3&models=acme/unknown", VISITOR).await;
    page.assert_shows(&[
        "Acme: Model 2",
        "Acme: Model 3",
        "Not in the catalog: acme/unknown",
        "131K",
        "0.42 s",
        "88 tokens/s",
        "$2.50",
        "Free",
        "(best)",
        "Ask them all the same",
    ]);
    open("/compare?models=acme/model-2", VISITOR).await.assert_shows(&["Choose two to five models."]);
}

#[tokio::test]
async fn an_address_where_nothing_is_says_so_with_its_status() {
    for path in ["/nowhere", "/acme/unknown", "/models/acme/unknown", "/a/b/c/d", "/favicon.ico.png"] {
        let page = open(path, VISITOR).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        page.assert_shows(&["Nothing is plugged in here."]);
    }
    let answer = open("/api/v1/nowhere", VISITOR).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.html.contains("\"code\":404"), "programs get JSON: {}", answer.html);
    assert_eq!(open("/activity/unknown", MEMBER).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_visitor_is_invited_to_sign_in_and_led_back() {
    for (path, next) in [
        ("/keys", "%2Fkeys"),
        ("/credits", "%2Fcredits"),
        ("/activity", "%2Factivity"),
        ("/chat?model=a/b", "%2Fchat%3Fmodel%3Da%2Fb"),
    ] {
        let page = open(path, VISITOR).await;
        page.assert_shows(&["Sign in to", "Create an account"]);
        assert!(page.html.contains(&format!("/sign-in?next={next}")), "{path}: {}", page.html);
    }
}

#[tokio::test]
async fn a_member_sees_keys_credit_and_activity() {
    open("/keys", MEMBER).await.assert_shows(&[
        "CI",
        "sk-or-v1-abc…xyz",
        "$10.00 monthly",
        "Disable",
        "Enable",
        "Create key",
    ]);
    open("/credits", MEMBER).await.assert_shows(&[
        "$23.70",
        "$0.05",
        "Welcome",
        "+ $25.00",
        "-$0.006400",
        "5.5 % by card, at least $0.80",
    ]);
    let activity = open("/activity?show=tokens&by=key&window=7d", MEMBER).await;
    activity.assert_shows(&[
        "Spent in 7 days by hour",
        "All keys",
        "CSV",
        "$4.20",
        "812",
        "acme/model-0",
        "20 Nov, 14:03",
        "420 ms",
        "error",
        "87 tokens/s",
        "Simulated",
    ]);
    assert!(activity.html.contains("href=\"/activity/gen-3\""));
    open("/activity/gen-3", MEMBER).await.assert_shows(&[
        "gen-3",
        "Attempts",
        "503",
        "200",
        "1,210",
        "Simulated Beta",
        "Candidates",
        "drawn by weight",
        "max_price",
    ]);
    open("/", MEMBER).await.assert_shows(&["$23.70", "Analytical Engines", "Sign out"]);
}

#[tokio::test]
async fn rankings_are_drawn_and_told_for_every_period() {
    for (period, columns) in [("day", 1), ("week", 7), ("month", 30), ("year", 52)] {
        let page = open(&format!("/rankings?by=model&period={period}"), VISITOR).await;
        page.assert_shows(&[
            "Rankings",
            "1.23B tokens",
            "Everything else",
            "14.0%",
            "+8.5%",
            "new",
            "Show the numbers",
        ]);
        assert_eq!(page.html.matches("class=\"series-0\"").count(), columns + 1, "{period}, with its key");
    }
    let narrow = open("/rankings?modality=image&category=programming&language=de", VISITOR).await;
    narrow.assert_shows(&["Growing most", "Fastest in 24 hours", "140", "0.40 s", "Link to this chart"]);
    assert!(
        narrow.html.contains("/api/v1/rankings.svg?period=week&amp;category=programming&amp;modality=image"),
        "one of both"
    );
    open("/rankings?by=nonsense&period=%3Cscript%3E", VISITOR).await.assert_shows(&["Leaderboard"]);
}

#[tokio::test]
async fn apps_providers_and_their_health_have_pages() {
    open("/apps?sort=trending", VISITOR).await.assert_shows(&["Growing most", "Leaderboard"]);
    let app = open("/app?url=https://foxglove.example&period=week", VISITOR).await;
    app.assert_shows(&["Foxglove", "Agents in a terminal", "Models it uses", "CSV"]);
    assert!(!app.html.contains("cooking"), "only what there is a name for");
    let kinds = open("/apps?app_category=cli-agent&sort=trending", VISITOR).await;
    kinds.assert_shows(&["All kinds", "Entertainment", "Editor extensions"]);
    assert!(kinds.html.contains("/apps?sort=trending&amp;period=month&amp;app_category=entertainment"));
    assert_eq!(open("/app?url=https://nobody.example", VISITOR).await.status, StatusCode::NOT_FOUND);
    open("/providers/alpha", VISITOR).await.assert_shows(&[
        "Alpha",
        "Connected",
        "99.2%",
        "Models it serves",
        "Model 3",
    ]);
    assert_eq!(open("/providers/nobody", VISITOR).await.status, StatusCode::NOT_FOUND);
    let shared = open("/shared/s", VISITOR).await;
    shared.assert_shows(&["A shared conversation", "Thoughts", "Bold", "Image: x"]);
    assert!(!shared.html.contains("<img"), "nothing is fetched from elsewhere");
    open("/rankings/quality", VISITOR).await.assert_shows(&["80 votes of 9 people", "1080", "1040 – 1120", "61.5%"]);
    open("/status", VISITOR).await.assert_shows(&[
        "24 of 40 requests failed",
        "Left alone now",
        "62 h ago: 40%",
        "Goes on",
    ]);
}

#[tokio::test]
async fn the_docs_are_found_and_filled_with_this_server() {
    let guide = open("/docs/sdks", VISITOR).await;
    guide.assert_shows(&["SDKs", "http://127.0.0.1:3000/api/v1", "acme/model-0", "Quick start"]);
    open("/docs?q=fallback+charged", VISITOR).await.assert_shows(&["1 place", "Routing: Fallback models"]);
    open("/docs?q=zebra", VISITOR).await.assert_shows(&["Nothing has these words"]);
    assert_eq!(open("/docs/nothing", VISITOR).await.status, StatusCode::NOT_FOUND);
    open("/docs/api", VISITOR).await.assert_shows(&[
        "API reference",
        "Inference",
        "/chat/completions",
        "No key",
        "Comma-separated",
    ]);
    let llms = open("/llms.txt", VISITOR).await;
    assert!(llms.html.contains("- [Routing](/docs/routing): Which provider"), "{}", llms.html);
}

#[tokio::test]
async fn a_failed_sign_in_says_what_to_do_and_keeps_the_address() {
    let page = open(
        "/sign-in?error=invalid&email=ada@example.com%22%3E%3Cscript%3Ealert(1)%3C/script%3E&next=//evil.example",
        VISITOR,
    )
    .await;
    page.assert_shows(&["E-mail and password do not match"]);
    assert!(page.html.contains("value=\"ada@example.com&quot;&gt;"), "{}", page.html);
    assert!(page.html.contains("name=\"next\" value=\"/\""), "never to another site");
    open("/sign-up?error=weak_password", VISITOR).await.assert_shows(&["Choose a longer password"]);
}

#[tokio::test]
async fn a_page_whose_data_fails_says_so_with_a_bad_status() {
    let broken = Router::new().fallback(|| async {
        let body = serde_json::json!({"error": {"code": 500, "message": "The database is away"}});
        (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(body))
    });
    let page = open_on(super::router(broken.clone(), &[]), "/models", VISITOR).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    page.assert_shows(&["This could not be loaded.", "The database is away"]);
    assert_eq!(
        open_on(super::router(broken, &[]), "/", VISITOR).await.status,
        StatusCode::OK,
        "the front page stands without its numbers"
    );
}

#[tokio::test]
async fn pages_carry_a_strict_policy_with_a_fresh_nonce() {
    let nonce = |page: &Page| {
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(
            policy.contains("default-src 'none'")
                && !policy.contains("unsafe-inline")
                && !policy.contains("'unsafe-eval'"),
            "{policy}"
        );
        policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned()
    };
    let (first, second) = (open("/", VISITOR).await, open("/", VISITOR).await);
    assert_ne!(nonce(&first), nonce(&second));
    let used = format!("nonce=\"{}\"", nonce(&first));
    assert_eq!(first.html.matches("<script").count(), first.html.matches(&used).count(), "every script has the nonce");
    for name in [
        "x-content-type-options",
        "x-frame-options",
        "referrer-policy",
        "cross-origin-opener-policy",
        "permissions-policy",
    ] {
        assert!(first.headers.contains_key(name), "{name}");
    }
    assert_eq!(open("/keys", MEMBER).await.headers[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn numbers_and_days_are_written_as_the_visitor_does() {
    let german = open("/credits", "sid=member; formats=de").await;
    assert!(german.html.contains("data-formats=\"de\""));
    let english = open("/credits", MEMBER).await.text();
    let money = |text: &str, mark: char| text.split_whitespace().any(|word| word.contains(mark) && word.contains('$'));
    assert!(money(&english, '.') && !money(&english.replace(",0", ""), '\u{A0}'), "{english}");
    assert!(german.text().contains(" \u{A0}$") || german.text().contains("\u{A0}$"), "{}", german.text());
    assert!(!german.text().contains(" Nov 20"), "months are numbers in what came late, too: {}", german.text());
    assert!(open("/", "formats=\"><script>").await.html.contains("data-formats=\"en\""));
}

#[tokio::test]
async fn the_chosen_theme_is_in_the_first_byte() {
    assert!(open("/", "sid=x; theme=dark").await.html.contains("<html lang=\"en\" data-theme=\"dark\""));
    assert!(open("/", "theme=\"><script>").await.html.contains("data-theme=\"auto\""));
}

#[tokio::test]
async fn files_are_served_with_their_type_and_tag() {
    let style = open("/style.css", VISITOR).await;
    assert_eq!(style.headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
    assert!(style.html.contains("light-dark("));
    let icon = open("/favicon.svg", VISITOR).await;
    assert_eq!(icon.headers[header::CONTENT_TYPE], "image/svg+xml");
    assert_eq!(open("/pkg/nothing.js", VISITOR).await.status, StatusCode::NOT_FOUND);
    let post = Request::builder().method(Method::POST).uri("/favicon.svg").body(Body::empty()).unwrap();
    assert_eq!(super::router(fake::api(), &[]).oneshot(post).await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pages_rendered_at_once_do_not_mix_their_visitors() {
    // Answers that are not ready at once move the rendering from thread to thread.
    let slow = fake::api().layer(axum::middleware::from_fn(
        |request: axum::extract::Request, next: axum::middleware::Next| async move {
            for _ in 0..5 {
                tokio::task::yield_now().await;
            }
            next.run(request).await
        },
    ));
    let site = super::router(slow, &[]);
    let pages = (0..200).map(|number| {
        let site = site.clone();
        tokio::spawn(async move {
            let is_member = number % 3 == 0;
            let path = format!("/models/acme/model-{}", number % 100 + 4);
            (number, is_member, open_on(site, &path, if is_member { MEMBER } else { VISITOR }).await)
        })
    });
    for page in futures::future::join_all(pages).await {
        let (number, is_member, page) = page.unwrap();
        assert_eq!(page.html.contains("Analytical Engines"), is_member, "{number}");
        assert!(page.html.contains(&format!("<title>Acme: Model {} · Patchbay", number % 100 + 4)), "{number}");
        assert!(page.html.contains("content=\"A calm model."), "{number} lost its description");
    }
}

#[tokio::test]
async fn a_page_that_waits_for_one_answer_does_not_keep_the_others_from_theirs() {
    // Two queries for each call, and a pool of one connection that is handed to whoever asked first.
    let pool = std::sync::Arc::new(tokio::sync::Semaphore::new(1));
    let narrow = fake::api().layer(axum::middleware::from_fn(
        move |request: axum::extract::Request, next: axum::middleware::Next| {
            let pool = pool.clone();
            async move {
                for _ in 0..2 {
                    let _connection = pool.acquire().await;
                    tokio::task::yield_now().await;
                }
                next.run(request).await
            }
        },
    ));
    let site = super::router(narrow, &[]);
    let pages = futures::future::join_all((0..8).map(|_| open_on(site.clone(), "/models", MEMBER)));
    let pages = tokio::time::timeout(std::time::Duration::from_mins(1), pages).await.expect("the pages wait for ever");
    for page in pages {
        page.assert_shows(&["Model 1", "Analytical Engines"]);
    }
}
