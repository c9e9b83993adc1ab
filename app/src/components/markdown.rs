//! Markdown of models and catalogs as HTML that cannot do anything.
//!
//! Safe by construction: raw HTML becomes text, links pass a list of schemes,
//! and images become links, since loading one would tell a stranger what was read.

use std::fmt::Write as _;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::format::is_deceptive;
use super::{highlight, math};

/// How a formula is set; `None` shows it as it was written.
pub type SetMath<'a> = &'a dyn Fn(&str, bool) -> Option<String>;

const fn options() -> Options {
    Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH).union(Options::ENABLE_MATH)
}

/// What `source` says, without letters that only deceive, its formulas in dollars.
#[must_use]
pub fn cleaned(source: &str) -> String {
    math::with_dollars(source).chars().filter(|character| !is_deceptive(*character)).collect()
}

/// Renders `source`. Headings start at the third level, so that a page keeps its outline.
#[must_use]
pub fn to_html(source: &str) -> String {
    #[cfg(feature = "ssr")]
    return to_html_with(&cleaned(source), &math::to_mathml);
    #[cfg(not(feature = "ssr"))]
    to_html_with(&cleaned(source), &|_, _| None)
}

/// Renders what [`cleaned`] gave, with formulas as `set` makes them.
#[must_use]
pub fn to_html_with(cleaned: &str, set: SetMath<'_>) -> String {
    let mut filter = Filter::default();
    let events = Parser::new_ext(cleaned, options()).filter_map(|event| filter.pass(event, set));
    let mut out = String::with_capacity(cleaned.len() * 3 / 2);
    html::push_html(&mut out, events);
    out
}

/// Where the blocks of what [`cleaned`] gave begin and end: paragraphs, lists, tables. All but the
/// last stay as they are when more is written.
#[must_use]
pub fn blocks(cleaned: &str) -> Vec<std::ops::Range<usize>> {
    let mut depth = 0_usize;
    let mut blocks = Vec::new();
    for (event, range) in Parser::new_ext(cleaned, options()).into_offset_iter() {
        match event {
            Event::Start(_) => {
                if depth == 0 {
                    blocks.push(range);
                }
                depth += 1;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            _ if depth == 0 => blocks.push(range),
            _ => {}
        }
    }
    blocks
}

/// The formulas of `source`, and whether each stands for itself.
#[must_use]
pub fn formulas(source: &str) -> Vec<(String, bool)> {
    if !source.contains('$') && !source.contains("\\(") && !source.contains("\\[") {
        return Vec::new();
    }
    Parser::new_ext(&cleaned(source), options())
        .filter_map(|event| match event {
            Event::InlineMath(tex) => Some((tex.into_string(), false)),
            Event::DisplayMath(tex) => Some((tex.into_string(), true)),
            _ => None,
        })
        .collect()
}

/// The words of `source` alone, without markup, raw HTML and line ends.
#[must_use]
pub fn to_text(source: &str) -> String {
    let mut out = String::new();
    for event in Parser::new(source) {
        match event {
            Event::Text(text) | Event::Code(text) => out.push_str(&text),
            Event::SoftBreak | Event::HardBreak | Event::End(_) => out.push(' '),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Escapes text for HTML, in element content and in double-quoted attributes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[derive(Default)]
struct Filter {
    /// The language and text of the code block being read.
    code: Option<(String, String)>,
    /// For every open link and image: whether a tag was written for it.
    links: Vec<bool>,
}

impl Filter {
    fn pass<'a>(&mut self, event: Event<'a>, set: SetMath<'_>) -> Option<Event<'a>> {
        if let Some((_, code)) = &mut self.code {
            match event {
                Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                    code.push_str(&text);
                }
                Event::SoftBreak | Event::HardBreak => code.push('\n'),
                Event::End(TagEnd::CodeBlock) => {
                    return self.code.take().map(|(language, code)| block(&language, &code));
                }
                _ => {}
            }
            return None;
        }
        Some(match event {
            Event::InlineMath(tex) => Event::InlineHtml(formula(&tex, false, set).into()),
            Event::DisplayMath(tex) => Event::InlineHtml(formula(&tex, true, set).into()),
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
            Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(name) => name.split_whitespace().next().unwrap_or_default().to_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
                return None;
            }
            Event::Start(Tag::Heading { level, .. }) => {
                Event::Start(Tag::Heading { level: lowered(level), id: None, classes: Vec::new(), attrs: Vec::new() })
            }
            Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lowered(level))),
            // Alignments would be written as inline styles, which the page's policy forbids.
            Event::Start(Tag::Table(_)) => Event::Start(Tag::Table(Vec::new())),
            Event::Start(Tag::Link { dest_url, .. }) => self.open_link(&dest_url, ""),
            Event::Start(Tag::Image { dest_url, .. }) => self.open_link(&dest_url, "Image: "),
            Event::End(TagEnd::Link | TagEnd::Image) => {
                let tag = if self.links.pop() == Some(true) { "</a>" } else { "" };
                Event::InlineHtml(CowStr::Borrowed(tag))
            }
            other => other,
        })
    }

    fn open_link<'a>(&mut self, target: &str, before: &str) -> Event<'a> {
        let is_safe = is_safe_target(target);
        self.links.push(is_safe);
        let tag = if is_safe {
            let target = escape(target);
            format!("<a href=\"{target}\" rel=\"noopener noreferrer nofollow\" target=\"_blank\">{before}")
        } else {
            before.to_owned()
        };
        Event::InlineHtml(tag.into())
    }
}

fn formula(tex: &str, is_display: bool, set: SetMath<'_>) -> String {
    set(tex, is_display).unwrap_or_else(|| format!("<code class=\"formula\">{}</code>", escape(tex)))
}

/// A target that opens a page or a letter, and nothing else.
fn is_safe_target(target: &str) -> bool {
    let target = target.trim().to_ascii_lowercase();
    ["https://", "http://", "mailto:"].iter().any(|scheme| target.starts_with(scheme))
}

fn lowered(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

fn block<'a>(language: &str, code: &str) -> Event<'a> {
    let mut out = String::from("<div class=\"code-block\"><div class=\"code-head\"><span>");
    let _ = write!(out, "{}", escape(language));
    out.push_str("</span><button type=\"button\" class=\"code-copy\" data-copy>Copy</button></div>");
    let _ = write!(out, "<pre tabindex=\"0\"><code>{}</code></pre></div>", highlight::to_html(language, code));
    Event::Html(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attempts to run a script, load something or leave the page, by every road Markdown offers.
    const ATTACKS: &[&str] = &[
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "text <svg/onload=alert(1)> text",
        "<iframe src=\"javascript:alert(1)\"></iframe>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<style>*{display:none}</style>",
        "<form action=//evil><input name=password></form>",
        "<!-- --><script>alert(1)</script>",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<?php <script>alert(1)</script> ?>",
        "<div\nonclick=alert(1)>x</div>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\tscript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](javascript&colon;alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:msgbox(1))",
        "[x](//evil.example/path)",
        "[x](/api/v1/keys)",
        "[x]( javascript:alert(1))",
        "[x](<javascript:alert(1)>)",
        "[x][r]\n\n[r]: javascript:alert(1)",
        "<javascript:alert(1)>",
        "![x](javascript:alert(1))",
        "![x](https://evil.example/?secret)",
        "![x\"onerror=\"alert(1)](https://evil.example/x.png \"t\" onload=alert(1))",
        "[x](https://ok.example/\"onmouseover=\"alert(1))",
        "[x](https://ok.example/ \"\\\" onmouseover=alert(1)\")",
        "[x](https://ok.example/'><script>alert(1)</script>)",
        "```\"><script>alert(1)</script>\n<script>alert(1)</script>\n```",
        "```html\n<img src=x onerror=alert(1)>\n```",
        "    <script>alert(1)</script>",
        "`<script>alert(1)</script>`",
        "# <img src=x onerror=alert(1)> {#id onclick=alert(1)}",
        "| <script>alert(1)</script> |\n|---|\n| <img src=x onerror=alert(1)> |",
        "- [ ] <script>alert(1)</script>",
        "> <script>\n> alert(1)\n> </script>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "~~<b onmouseover=alert(1)>x</b>~~",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "\u{0}<script>alert(1)</script>",
        "<math><mtext></mtext><script>alert(1)</script></math>",
        "[a](https://x.example)<details open ontoggle=alert(1)>",
        "$<img src=x onerror=alert(1)>$",
        "$$</math><script>alert(1)</script>$$",
        "\\(\\href{javascript:alert(1)}{x}\\)",
    ];

    /// The tags of `html` with their attributes; anything else in it is text.
    fn tags(html: &str) -> Vec<&str> {
        html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or(rest)).collect()
    }

    #[test]
    fn no_attack_leaves_anything_but_harmless_tags() {
        const HARMLESS: &[&str] = &[
            "p",
            "em",
            "strong",
            "del",
            "code",
            "pre",
            "ul",
            "ol",
            "li",
            "blockquote",
            "hr",
            "br",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "h3",
            "h4",
            "h5",
            "h6",
            "a",
            "div",
            "span",
            "button",
            // Formulas, without what may hold other markup.
            "math",
            "merror",
            "mfrac",
            "mi",
            "mn",
            "mo",
            "mover",
            "mpadded",
            "mroot",
            "mrow",
            "mspace",
            "msqrt",
            "mstyle",
            "msub",
            "msubsup",
            "msup",
            "mtable",
            "mtd",
            "mtext",
            "mtr",
            "munder",
            "munderover",
        ];
        for attack in ATTACKS {
            // Also as the stream delivers it: cut after every character.
            for end in attack.char_indices().map(|(at, _)| at).chain([attack.len()]) {
                let html = to_html(&attack[..end]);
                for tag in tags(&html) {
                    let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
                    assert!(HARMLESS.contains(&name), "{attack:?} became {html}");
                    // Quoted values aside, no attribute may be a handler or a source.
                    let names: String = tag.split('"').step_by(2).collect();
                    assert!(!names.contains(" on") && !names.contains("src"), "{attack:?} became {html}");
                    if let Some(target) = tag.split("href=\"").nth(1) {
                        assert!(is_safe_target(target), "{attack:?} became {html}");
                    }
                }
            }
        }
    }

    #[test]
    fn ordinary_markdown_looks_as_meant() {
        let html = to_html(
            "# Title\n\nA **bold** [link](https://example.com/a?b=1&c=2).\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n",
        );
        assert!(!html.contains("style="), "{html}");
        assert!(html.contains("<h3>Title</h3>"), "{html}");
        assert!(html.contains("<strong>bold</strong>"), "{html}");
        assert!(html.contains("href=\"https://example.com/a?b=1&amp;c=2\""), "{html}");
        assert!(html.contains("<td>2</td>"), "{html}");
    }

    #[test]
    fn blocks_put_together_are_the_whole() {
        let text = cleaned(
            "# A\n\npara\nmore\n\n- a\n- b\n\n  c\n\n```\nx\n\ny\n```\n\n| a |\n|---|\n| 1 |\n\n---\nend $x$\n",
        );
        let parts: String = blocks(&text).into_iter().map(|range| to_html_with(&text[range], &|_, _| None)).collect();
        assert_eq!(parts.replace('\n', ""), to_html_with(&text, &|_, _| None).replace('\n', ""));
        assert_eq!(blocks(&text).len(), 7);
    }

    #[test]
    fn formulas_are_found_and_prices_are_not() {
        assert_eq!(formulas("it costs $5 and $6 today"), []);
        assert_eq!(
            formulas("`$x$` $a$ \\(b\\)\n\n$$c$$"),
            [("a", false), ("b", false), ("c", true)].map(|(tex, is)| (tex.to_owned(), is))
        );
        assert!(to_html_with("$<b>$", &|_, _| None).contains("<code class=\"formula\">&lt;b&gt;</code>"));
    }

    #[test]
    fn a_summary_has_words_only() {
        assert_eq!(to_text("# A *b*\n\n<img src=x> [c](https://d.example) `e`"), "A b c e");
    }

    #[test]
    fn an_image_becomes_a_link_that_loads_nothing() {
        let html = to_html("![a cat](https://example.com/cat.png)");
        assert!(html.contains(">Image: a cat</a>") && !html.contains("<img"), "{html}");
    }

    #[test]
    fn code_keeps_every_character_and_can_be_copied() {
        let html = to_html("```rust\nlet x = \"<b>\"; // ok\n```\n");
        assert!(html.contains("data-copy") && html.contains("&lt;b&gt;") && !html.contains("<b>"), "{html}");
    }
}
