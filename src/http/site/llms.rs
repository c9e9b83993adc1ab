//! `/llms.txt`: what this site is and where what stands, for programs that read.

use std::fmt::Write as _;

use app::pages::docs::GUIDES;
use axum::http::header;
use axum::response::IntoResponse;

const HEAD: &str = "# Patchbay

> A marketplace of AI models behind one API: many providers, one key, one prepaid balance, exact costs. \
It speaks the protocols of OpenAI, Anthropic and Google.

## API

- [OpenAPI description](/api/v1/openapi.json): every operation with its types
- [API reference](/docs/api): the same for people
- [Models](/api/v1/models): ids, prices per token, context, parameters, as JSON
- [Rankings](/api/v1/rankings): tokens by model; also by author, provider and app

## Guides

- [Quick start](/docs): base URL, first request, headers, errors
";

/// `GET /llms.txt`
pub async fn show_llms() -> impl IntoResponse {
    let mut out = HEAD.to_owned();
    for guide in &GUIDES {
        let _ = writeln!(out, "- [{}](/docs/{}): {}", guide.title(), guide.slug, guide.about);
    }
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], out)
}
