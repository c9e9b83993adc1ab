//! The documentation: the quick start here, the guides and the API reference beside it.

pub mod guide;
pub mod reference;
mod render;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use self::guide::{DocsNav, Results, ResultsProps};
use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
pub use render::GUIDES;

use super::code::{CodeBlock, CodeTabs, chat_samples};
use super::session;
use crate::api::{ModelQuery, use_api};

/// Who asks, under what address, for what.
const CLIENTS: [(&str, &str, &str); 3] = [
    ("OpenAI, OpenRouter, the AI SDK", "/api/v1", "Chat, responses, completions, embeddings, rerank"),
    ("Anthropic", "/api", "Messages and the count of their tokens"),
    ("Google Gen AI", "/api", "generateContent, streamGenerateContent, countTokens"),
];

/// Status, what it means, what to do.
const ERRORS: [(&str, &str, &str); 8] = [
    ("400", "The request is malformed, or names an unknown model.", "Read the message: it names the field."),
    ("401", "The key is missing, wrong, disabled or expired.", "Create a key and send it as a bearer token."),
    (
        "402",
        "The balance or the key's limit does not cover the request.",
        "Add credit, raise the limit, or ask for fewer tokens.",
    ),
    ("403", "The key may not do this.", "Use a key of the right kind."),
    ("404", "There is no such model, generation or address.", "Look the id up in the catalog."),
    ("429", "Too many requests.", "Wait as long as Retry-After says."),
    ("502", "Every provider of the model failed.", "Try again, or allow another model."),
    ("503", "No provider can take the request now.", "Try again, or relax the provider preferences."),
];
const HEADERS: [(&str, &str); 6] = [
    ("Authorization", "Bearer and your key. Required."),
    ("HTTP-Referer", "The address of your app, for the rankings. Optional."),
    ("X-OpenRouter-Title", "The name of your app, for the rankings. Optional."),
    ("X-OpenRouter-Categories", "What your app is for, such as cli-agent, for the list of apps. Optional."),
    ("X-Generation-Id", "In the answer: the id under which the request is found in Activity."),
    ("Retry-After", "In the answer to too many requests: how many seconds to wait."),
];

/// `/docs?q=`
#[component]
pub fn Docs() -> impl IntoView {
    let api = use_api();
    let words = use_query_map().get_untracked().get("q").unwrap_or_default();
    deferred(async move {
        if !words.trim().is_empty() {
            return Results(ResultsProps { words }).into_any();
        }
        let first = ModelQuery { limit: 1, ..ModelQuery::default() };
        let (session, models) = futures::join!(session(), api.models(&first));
        let model = models
            .ok()
            .and_then(|list| list.data.into_iter().next())
            .map_or_else(|| "author/model".to_owned(), |model| model.id);
        let base = format!("{}/api/v1", session.base_url);
        let stream = format!(
            "curl -N {base}/chat/completions \\\n  -H \"Authorization: Bearer $PATCHBAY_API_KEY\" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{{\"model\": \"{model}\", \"stream\": true,\n       \"messages\": [{{\"role\": \"user\", \"content\": \"Count to ten.\"}}]}}'"
        );
        let error = "{\n  \"error\": {\n    \"code\": 402,\n    \"message\": \"This request needs more credits than the account has left\"\n  }\n}";
        let errors = ERRORS
            .into_iter()
            .map(|(code, meaning, remedy)| view! {
                <tr><th scope="row" data-label="Status"><code>{code}</code></th><td data-label="Meaning">{meaning}</td><td data-label="What to do">{remedy}</td></tr>
            })
            .collect_view();
        let headers = HEADERS
            .into_iter()
            .map(|(name, meaning)| view! { <tr><th scope="row" data-label="Header"><code>{name}</code></th><td data-label="Meaning">{meaning}</td></tr> })
            .collect_view();
        view! {
            <PageTitle text="Docs"/>
            <div class="page docs">
            <DocsNav current=""/>
            <article class="docs-text stack">
                <h1>"Quick start"</h1>
                <p class="lead">"Patchbay speaks the protocols of OpenAI, Anthropic and Google, and the additions of OpenRouter. Their SDKs reach any model when they are pointed at the base URL."</p>
                <h2>"Base URL"</h2>
                <CodeBlock language="text" code=base/>
                {clients(&session.base_url)}
                <h2>"A first request"</h2>
                <ol>
                    <li><a href="/keys">"Create a key"</a>" and put it into the environment variable "<code>"PATCHBAY_API_KEY"</code>"."</li>
                    <li>"Send a request:"</li>
                </ol>
                <CodeTabs id="docs-sample" samples=chat_samples(&session.base_url, &model)/>
                <h2>"Streaming"</h2>
                <p>"With "<code>"stream"</code>" the answer comes as server-sent events. The last chunk before "<code>"[DONE]"</code>" carries the usage and the cost."</p>
                <CodeBlock language="shell" code=stream/>
                <h2>"Headers"</h2>
                <div class="table-scroll" tabindex="0" role="region" aria-label="Headers">
                    <table class="table table-cards table-text">
                        <thead><tr><th scope="col">"Header"</th><th scope="col">"Meaning"</th></tr></thead>
                        <tbody>{headers}</tbody>
                    </table>
                </div>
                <h2>"Errors"</h2>
                <p>"A failed call answers with its status and one shape of body. The code is an integer, the message is written for a person."</p>
                <CodeBlock language="json" code=error/>
                <div class="table-scroll" tabindex="0" role="region" aria-label="Errors">
                    <table class="table table-cards table-text">
                        <thead><tr><th scope="col">"Status"</th><th scope="col">"Meaning"</th><th scope="col">"What to do"</th></tr></thead>
                        <tbody>{errors}</tbody>
                    </table>
                </div>
                <h2>"Choosing models"</h2>
                <p>"A model's id is "<code>"author/name"</code>", as in the "<a href="/models">"catalog"</a>", which is also at "<code>"GET /api/v1/models"</code>"."</p>
            </article>
            </div>
        }
        .into_any()
    })
}

/// Which client wants which address.
fn clients(origin: &str) -> impl IntoView + use<> {
    let rows = CLIENTS
        .into_iter()
        .map(|(client, path, endpoints)| {
            let url = format!("{origin}{path}");
            view! { <tr><th scope="row" data-label="Client">{client}</th><td data-label="Base URL"><code>{url}</code></td><td data-label="Endpoints">{endpoints}</td></tr> }
        })
        .collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Clients">
            <table class="table table-cards table-text">
                <thead><tr><th scope="col">"Client"</th><th scope="col">"Base URL"</th><th scope="col">"Endpoints"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}
