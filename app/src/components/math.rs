//! Formulas: found in what models write, and set by the server as MathML, which needs no script and no font of ours.

use std::borrow::Cow;

/// The longest formula that is set, letters.
pub const LONGEST: usize = 4_000;

/// Formulas in `\\(…\\)` and `\\[…\\]` get dollars, as Markdown knows them. Code is left alone, and so
/// is a `\\[` within a line, which is more often an escaped bracket.
#[must_use]
pub fn with_dollars(source: &str) -> Cow<'_, str> {
    if !source.contains("\\(") && !source.contains("\\[") {
        return Cow::Borrowed(source);
    }
    let mut out = String::with_capacity(source.len());
    let (mut is_code, mut is_block) = (false, false);
    for line in source.split_inclusive('\n') {
        let start = line.trim_start();
        if start.starts_with("```") || start.starts_with("~~~") {
            is_code = !is_code;
        }
        if is_code {
            out.push_str(line);
        } else if let Some((rest, close)) = start.strip_prefix("\\[").map(|rest| (rest, rest.find("\\]"))) {
            out.push_str("$$");
            is_block = close.is_none();
            push_closed(&mut out, rest, close);
        } else if is_block {
            let close = line.find("\\]");
            is_block = close.is_none();
            push_closed(&mut out, line, close);
        } else {
            push_inline(&mut out, line);
        }
    }
    Cow::Owned(out)
}

fn push_closed(out: &mut String, text: &str, close: Option<usize>) {
    match close.and_then(|close| Some((text.get(..close)?, text.get(close + 2..)?))) {
        Some((formula, rest)) => {
            out.push_str(formula);
            out.push_str("$$");
            out.push_str(rest);
        }
        None => out.push_str(text),
    }
}

/// A line with its code left alone.
fn push_inline(out: &mut String, line: &str) {
    for (place, part) in line.split('`').enumerate() {
        if place > 0 {
            out.push('`');
        }
        let mut rest = part;
        while place % 2 == 0
            && let Some((before, after)) = rest.split_once("\\(")
            && let Some((formula, more)) = after.split_once("\\)")
        {
            out.push_str(before);
            out.push('$');
            out.push_str(formula.trim());
            out.push('$');
            rest = more;
        }
        out.push_str(rest);
    }
}

/// A formula as MathML; `None` when it is not understood, too long, or would do more than be read.
#[cfg(feature = "ssr")]
#[must_use]
pub fn to_mathml(tex: &str, is_display: bool) -> Option<String> {
    use math_core::{LatexToMathML, MathCoreConfig, MathDisplay};

    if tex.len() > LONGEST {
        return None;
    }
    let display = if is_display { MathDisplay::Block } else { MathDisplay::Inline };
    let set = LatexToMathML::new(MathCoreConfig::default()).ok()?.convert_with_local_state(tex, display).ok()?.mathml;
    // Links are the reader's, not a formula's; inline styles are against the page's policy.
    let is_plain = !["href", "style=", "src=", "<script", "<a"].iter().any(|bad| set.contains(bad));
    is_plain.then_some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_become_dollars_outside_of_code() {
        let same = "a `\\(x\\)` b\n```\n\\(y\\)\n```\n";
        assert_eq!(with_dollars(same), same);
        assert_eq!(with_dollars("so \\( x^2 \\) is"), "so $x^2$ is");
        assert_eq!(with_dollars("\\[\n x \n\\]\nafter \\[no\\]"), "$$\n x \n$$\nafter \\[no\\]");
        assert_eq!(with_dollars("\\[ x \\] and"), "$$ x $$ and");
        assert_eq!(with_dollars("open \\(x"), "open \\(x");
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn formulas_are_set_and_cannot_do_anything() {
        let set = to_mathml("\\frac{1}{2} \\sum_{i=0}^n x_i", true).unwrap();
        assert!(set.starts_with("<math") && set.contains("<mfrac>") && set.contains("display=\"block\""), "{set}");
        for attack in [
            "\\href{javascript:alert(1)}{x}",
            "\\url{javascript:alert(1)}",
            "\\text{<script>alert(1)</script>}",
            "\\text{</math><img src=x onerror=alert(1)>}",
            "<img src=x onerror=alert(1)>",
            "\\style{color:red}{x}",
            "\\htmlData{x=y}{z}",
            "\\includegraphics{https://evil.example/x.png}",
            "x\" onmouseover=\"alert(1)",
            "\\class{x\" onclick=alert(1)}{y}",
        ] {
            let set = to_mathml(attack, false).unwrap_or_default();
            for bad in ["<script", "<img", "<a", "onclick=\"", "onerror=\"", "onmouseover=\"", "href", "style="] {
                assert!(!set.contains(bad), "{attack} became {set}");
            }
        }
    }
}
