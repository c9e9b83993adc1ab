//! Search engines: a question in, pages out.

use std::time::Duration;

use reqwest::Client;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::config::{SearchEngine, WebSearchSettings};
use crate::dialects::WebSearch;

/// How long a search may take.
const WAIT: Duration = Duration::from_secs(15);
/// The most of an answer that is read, bytes.
const MAX_BYTES: usize = 4 << 20;
/// Characters of a page that are kept.
const EXCERPT: usize = 2_000;
/// Characters of a question that are searched for.
const QUESTION: usize = 400;

/// A page that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub url: String,
    pub title: String,
    /// What of it matters, at most 2,000 characters.
    pub excerpt: String,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Found>,
}

/// A result of either engine: Exa has `text`, SearXNG `content`.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Found {
    url: String,
    title: Option<String>,
    text: Option<String>,
    content: Option<String>,
}

/// The pages the operator's engine finds for `question`.
///
/// # Errors
/// A sentence for the caller when the engine does not answer or answers nonsense.
pub async fn search(
    client: &Client,
    settings: &WebSearchSettings,
    wish: &WebSearch,
    question: &str,
) -> Result<Vec<Page>, String> {
    let question: String = question.chars().take(QUESTION).collect();
    let address = settings.address();
    let request = match settings.engine {
        SearchEngine::Off => return Err("this server has no search engine".to_owned()),
        SearchEngine::Exa => {
            let mut body = json!({
                "query": question,
                "numResults": wish.max_results,
                "contents": { "text": { "maxCharacters": EXCERPT } },
            });
            for (name, domains) in
                [("includeDomains", &wish.include_domains), ("excludeDomains", &wish.exclude_domains)]
            {
                if let (false, Some(fields)) = (domains.is_empty(), body.as_object_mut()) {
                    fields.insert(name.to_owned(), json!(domains));
                }
            }
            client.post(format!("{address}/search")).header("x-api-key", settings.api_key.as_str()).json(&body)
        }
        SearchEngine::Searxng => {
            let query = match wish.include_domains.as_slice() {
                [] => question,
                domains => {
                    let sites: Vec<String> = domains.iter().map(|domain| format!("site:{domain}")).collect();
                    format!("{question} {}", sites.join(" OR "))
                }
            };
            let address =
                Url::parse_with_params(&format!("{address}/search"), [("q", query.as_str()), ("format", "json")])
                    .map_err(|_| "the address of the search engine is no URL".to_owned())?;
            client.get(address)
        }
    };
    let mut response = request
        .timeout(WAIT)
        .send()
        .await
        .map_err(|error| format!("the search engine did not answer: {}", reason(&error)))?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("the search engine answered with status {}", status.as_u16()));
    }
    // Read piece by piece: an answer need not say beforehand how long it is.
    let mut body = Vec::new();
    while let Some(piece) =
        response.chunk().await.map_err(|error| format!("the search engine's answer broke off: {}", reason(&error)))?
    {
        if body.len().saturating_add(piece.len()) > MAX_BYTES {
            return Err("the search engine's answer is too large".to_owned());
        }
        body.extend_from_slice(&piece);
    }
    let answer: Answer =
        serde_json::from_slice(&body).map_err(|_| "the search engine's answer cannot be read".to_owned())?;
    let most = usize::try_from(wish.max_results).unwrap_or(usize::MAX);
    Ok(answer.results.into_iter().filter_map(page).filter(|page| is_wanted(wish, page)).take(most).collect())
}

fn reason(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() { "it took too long" } else { "the connection failed" }
}

fn page(found: Found) -> Option<Page> {
    let is_web = found.url.starts_with("https://") || found.url.starts_with("http://");
    let words = found.text.or(found.content).unwrap_or_default();
    let title = found.title.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    is_web.then(|| Page { url: found.url, title, excerpt: words.trim().chars().take(EXCERPT).collect() })
}

/// Engines take lists of domains as advice.
fn is_wanted(wish: &WebSearch, page: &Page) -> bool {
    let host = Url::parse(&page.url).ok().and_then(|url| url.host_str().map(str::to_lowercase)).unwrap_or_default();
    let is_of = |domain: &String| {
        let domain = domain.trim().trim_start_matches("*.").to_lowercase();
        host == domain || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'))
    };
    (wish.include_domains.is_empty() || wish.include_domains.iter().any(is_of))
        && !wish.exclude_domains.iter().any(is_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_count_with_what_is_under_them() {
        let page = |url: &str| Page { url: url.to_owned(), ..Page::default() };
        let wish = WebSearch {
            include_domains: vec!["example.com".to_owned()],
            exclude_domains: vec!["bad.example.com".to_owned()],
            ..WebSearch::default()
        };
        assert!(is_wanted(&wish, &page("https://example.com/a")));
        assert!(is_wanted(&wish, &page("https://www.Example.com/a")));
        assert!(!is_wanted(&wish, &page("https://notexample.com/")));
        assert!(!is_wanted(&wish, &page("https://x.bad.example.com/")));
        assert!(is_wanted(&WebSearch::default(), &page("https://any.example/")));
    }

    #[test]
    fn only_pages_of_the_web_are_results() {
        let found = |url: &str| Found { url: url.to_owned(), title: Some("A\n b".to_owned()), ..Found::default() };
        assert_eq!(page(found("https://a.example")).unwrap().title, "A b");
        assert!(page(found("javascript:alert(1)")).is_none());
    }
}
