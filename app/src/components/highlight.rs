//! Colours for code: comments, strings, numbers and keywords, which is what the eye looks for.
//!
//! One small lexer for all languages; it escapes everything it writes.

use super::markdown::escape;

const KEYWORDS: &[&str] = &[
    "and",
    "as",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "def",
    "del",
    "do",
    "elif",
    "else",
    "enum",
    "except",
    "export",
    "extends",
    "false",
    "False",
    "finally",
    "fn",
    "for",
    "from",
    "func",
    "function",
    "if",
    "impl",
    "import",
    "in",
    "interface",
    "is",
    "lambda",
    "let",
    "loop",
    "match",
    "mod",
    "mut",
    "new",
    "nil",
    "None",
    "not",
    "null",
    "or",
    "pass",
    "pub",
    "raise",
    "return",
    "self",
    "static",
    "struct",
    "super",
    "switch",
    "this",
    "throw",
    "trait",
    "true",
    "True",
    "try",
    "type",
    "use",
    "var",
    "void",
    "where",
    "while",
    "with",
    "yield",
    "SELECT",
    "FROM",
    "WHERE",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "TABLE",
    "JOIN",
    "ORDER",
    "GROUP",
    "BY",
    "AND",
    "OR",
    "NOT",
    "NULL",
    "curl",
    "echo",
    "cd",
    "sudo",
];

/// `code` as HTML with a `span` around what is coloured.
#[must_use]
pub fn to_html(language: &str, code: &str) -> String {
    if matches!(language, "text" | "txt" | "plain" | "markdown" | "md") {
        return escape(code);
    }
    let has_hash_comments = !matches!(
        language,
        "rust" | "rs" | "js" | "javascript" | "ts" | "typescript" | "c" | "cpp" | "go" | "java" | "css" | "json"
    );
    let mut out = String::with_capacity(code.len() * 2);
    let mut rest = code;
    let mut previous = ' ';
    while let Some(first) = rest.chars().next() {
        let (class, length) = token(rest, first, previous, has_hash_comments);
        let (text, tail) = rest.split_at(length.max(first.len_utf8()).min(rest.len()));
        if class.is_empty() {
            out.push_str(&escape(text));
        } else {
            out.push_str("<span class=\"code-");
            out.push_str(class);
            out.push_str("\">");
            out.push_str(&escape(text));
            out.push_str("</span>");
        }
        previous = text.chars().next_back().unwrap_or(' ');
        rest = tail;
    }
    out
}

/// The class of the token `rest` starts with, and its length in bytes.
fn token(rest: &str, first: char, previous: char, has_hash_comments: bool) -> (&'static str, usize) {
    let line = rest.find('\n').unwrap_or(rest.len());
    match first {
        '#' if has_hash_comments => ("comment", line),
        // An address such as `http://host` is no comment.
        '/' if rest.starts_with("//") && previous != ':' => ("comment", line),
        '/' if rest.starts_with("/*") => ("comment", rest.find("*/").map_or(rest.len(), |end| end + 2)),
        '-' if rest.starts_with("-- ") => ("comment", line),
        '"' | '\'' | '`' => string(rest, first, line).map_or(("", 1), |length| ("string", length)),
        _ if first.is_ascii_digit() => {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
            ("number", rest.find(|c| !is_part(c)).unwrap_or(rest.len()))
        }
        _ if first.is_alphabetic() || first == '_' => {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let word = rest.get(..length).unwrap_or_default();
            (if KEYWORDS.contains(&word) { "keyword" } else { "" }, length)
        }
        _ => ("", first.len_utf8()),
    }
}

/// The length of the string literal at the start, if it ends: a back-quoted or double-quoted
/// one may run over lines, an apostrophe only counts on its own line.
fn string(rest: &str, quote: char, line: usize) -> Option<usize> {
    let limit = if quote == '\'' { line } else { rest.len() };
    let mut is_escaped = false;
    for (position, character) in rest.char_indices().skip(1).take_while(|(position, _)| *position < limit) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == quote => return Some(position + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(html: &str) -> String {
        let mut out = String::new();
        let mut is_tag = false;
        for character in html.chars() {
            match character {
                '<' => is_tag = true,
                '>' if is_tag => is_tag = false,
                _ if !is_tag => out.push(character),
                _ => {}
            }
        }
        out.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&")
    }

    #[test]
    fn colouring_changes_no_character() {
        for code in
            ["let a = \"x\\\"y\"; // é", "it's <b>&amp;</b> don't", "\"open", "/* open", "é", "x = 'a' # b\n1.5e3"]
        {
            assert_eq!(text_of(&to_html("", code)), code);
        }
    }

    #[test]
    fn each_kind_of_token_has_its_class() {
        let html = to_html("python", "def f(): # note\n  return \"a\" + 12");
        for part in ["code-keyword\">def", "code-comment\"># note", "code-string\">&quot;a&quot;", "code-number\">12"] {
            assert!(html.contains(part), "{part} in {html}");
        }
        assert!(!to_html("curl", "curl http://host/path").contains("comment"));
        assert!(to_html("json", "{\"a\": 1}").contains("code-string"));
    }
}
