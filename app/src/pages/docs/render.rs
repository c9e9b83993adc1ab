//! The guides of the repository as HTML. They are our own words: links within the site and
//! anchors are kept, which answers of models may not have.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use crate::components::highlight;
use crate::components::markdown::escape;

/// A guide: the last part of its address, what it is about, its text.
pub struct Guide {
    pub slug: &'static str,
    pub about: &'static str,
    text: &'static str,
}

/// Every guide, in the order people read them.
pub const GUIDES: [Guide; 6] = [
    Guide {
        slug: "routing",
        about: "Which provider answers, and how to say which one should",
        text: include_str!("../../../../docs/site/routing.md"),
    },
    Guide {
        slug: "sdks",
        about: "OpenAI's, Anthropic's, Google's and others",
        text: include_str!("../../../../docs/site/sdks.md"),
    },
    Guide {
        slug: "integrations",
        about: "Claude Code, Cline, Roo Code, VS Code, LiteLLM, LangChain, Zapier",
        text: include_str!("../../../../docs/site/integrations.md"),
    },
    Guide {
        slug: "chat",
        about: "Models side by side, sharing, blind comparisons",
        text: include_str!("../../../../docs/site/chat.md"),
    },
    Guide {
        slug: "data",
        about: "Leaderboards, data sets, statistics, feeds",
        text: include_str!("../../../../docs/site/data.md"),
    },
    Guide {
        slug: "operator",
        about: "Providers, settings, databases, proxies",
        text: include_str!("../../../../docs/site/operator.md"),
    },
];

/// A part of a guide that was found.
pub struct Found {
    pub guide: &'static str,
    pub heading: String,
    pub anchor: String,
    pub text: String,
}

/// Letters of a part that are shown.
const SNIPPET: usize = 160;

impl Guide {
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim_start_matches("# ")
    }

    /// The text with this server's address and a model of it.
    fn filled(&self, origin: &str, model: &str) -> String {
        self.text.replace("{{origin}}", origin).replace("{{model}}", model)
    }

    #[must_use]
    pub fn to_html(&self, origin: &str, model: &str) -> String {
        to_html(&self.filled(origin, model))
    }

    /// The parts with all these words.
    #[must_use]
    pub fn find(&self, words: &[String]) -> Vec<Found> {
        let parts = self.text.split("\n## ").enumerate();
        let has = |part: &str| {
            let part = part.to_lowercase();
            words.iter().all(|word| part.contains(word.as_str()))
        };
        parts
            .filter(|(_, part)| has(part))
            .map(|(index, part)| {
                let (heading, body) = part.split_once('\n').unwrap_or((part, ""));
                let heading = heading.trim_start_matches("# ").to_owned();
                let text = crate::components::markdown::to_text(body).chars().take(SNIPPET).collect();
                let anchor = if index == 0 { String::new() } else { anchor(&heading) };
                Found { guide: self.slug, heading, anchor, text }
            })
            .collect()
    }
}

/// `What happens when …` as `what-happens-when`.
fn anchor(heading: &str) -> String {
    let words = heading.to_lowercase();
    let words: Vec<&str> = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-")
}

fn to_html(source: &str) -> String {
    let mut code: Option<(String, String)> = None;
    let mut heading: Option<(HeadingLevel, String)> = None;
    let mut table = false;
    // Each table is a place of its own: after its heading, and after the others below it.
    let (mut section, mut tables) = ("Table".to_owned(), 0);
    let mut out = Vec::new();
    for event in Parser::new_ext(source, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(name) => name.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                code = Some((language, String::new()));
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some((language, text)) = code.take() {
                    let html = format!(
                        "<div class=\"code-block\"><div class=\"code-head\"><span>{}</span></div><pre tabindex=\"0\"><code>{}</code></pre></div>",
                        escape(&language),
                        highlight::to_html(&language, &text)
                    );
                    out.push(Event::Html(html.into()));
                }
            }
            Event::Text(text) if code.is_some() => {
                if let Some((_, code)) = &mut code {
                    code.push_str(&text);
                }
            }
            Event::Start(Tag::Heading { level, .. }) => heading = Some((level, String::new())),
            Event::Text(text) | Event::Code(text) if heading.is_some() => {
                if let Some((_, words)) = &mut heading {
                    words.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((level, words)) = heading.take() {
                    let text = escape(&words);
                    (section, tables) = (text.clone(), 0);
                    let html = format!("<{level} id=\"{}\">{text}</{level}>", anchor(&words));
                    out.push(Event::Html(html.into()));
                }
            }
            Event::Start(Tag::Table(_)) => {
                (table, tables) = (true, tables + 1);
                let name = if tables > 1 { format!("{section}, table {tables}") } else { section.clone() };
                let html = format!("<div class=\"table-scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{name}\">");
                out.push(Event::Html(html.into()));
                // Alignments would be written as inline styles, which the page's policy forbids.
                out.push(Event::Start(Tag::Table(Vec::new())));
            }
            Event::End(TagEnd::Table) if table => {
                table = false;
                out.push(Event::End(TagEnd::Table));
                out.push(Event::Html("</div>".into()));
            }
            other => out.push(other),
        }
    }
    let mut html = String::with_capacity(source.len() * 2);
    html::push_html(&mut html, out.into_iter());
    html.replace("<table>", "<table class=\"table table-text\">").replace("<th>", "<th scope=\"col\">")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guide_is_whole_and_links_within_the_site() {
        for guide in &GUIDES {
            let html = guide.to_html("http://here", "acme/one");
            assert!(html.starts_with("<h1 id="), "{}", guide.slug);
            assert!(!html.contains("{{") && !html.contains("style="), "{}: {html}", guide.slug);
            assert!(html.matches("<h1").count() == 1 && !guide.title().is_empty());
        }
        assert!(GUIDES[0].to_html("http://here", "acme/one").contains("href=\"/status\""));
    }

    #[test]
    fn words_are_found_with_their_heading() {
        let found: Vec<Found> =
            GUIDES.iter().flat_map(|guide| guide.find(&["fallback".into(), "charged".into()])).collect();
        assert_eq!(found.iter().map(|found| found.anchor.as_str()).collect::<Vec<_>>(), ["fallback-models"]);
    }
}
