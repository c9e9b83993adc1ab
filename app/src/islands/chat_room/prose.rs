//! The text of an answer while it grows: only its last block is rendered anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::room::Room;
use crate::api::use_api;
use crate::components::markdown;
use crate::types::chats::{Formula, Formulas};

/// Formulas that the server has set, by their text and whether they stand for themselves.
pub type FormulaSet = BTreeMap<(String, bool), String>;

/// Formulas of one request.
const MOST: usize = 200;

#[derive(Clone, PartialEq, Eq)]
struct Block {
    start: usize,
    end: usize,
    html: Arc<str>,
}

#[derive(Clone, PartialEq, Eq, Default)]
struct Blocks {
    text: String,
    /// How many formulas were known.
    known: usize,
    list: Vec<Block>,
}

impl Blocks {
    /// What was settled before stays; the rest is rendered.
    fn of(old: Option<&Self>, source: &str, set: &FormulaSet) -> Self {
        let text = markdown::cleaned(source);
        let mut list = Vec::new();
        if let Some(old) = old.filter(|old| old.known == set.len()) {
            // The last one grows, and may yet turn out to belong to the one before it, as a row to its table.
            let settled = old.list.len().saturating_sub(2);
            let end = settled.checked_sub(1).and_then(|last| old.list.get(last)).map_or(0, |block| block.end);
            if old.text.get(..end).is_some_and(|before| text.starts_with(before)) {
                list.extend(old.list.iter().take(settled).cloned());
            }
        }
        let from = list.last().map_or(0, |block| block.end);
        let rest = text.get(from..).unwrap_or_default();
        for range in markdown::blocks(rest) {
            let part = rest.get(range.clone()).unwrap_or_default();
            let html = markdown::to_html_with(part, &|tex, is_display| set.get(&(tex.to_owned(), is_display)).cloned());
            list.push(Block { start: from + range.start, end: from + range.end, html: html.into() });
        }
        Self { text, known: set.len(), list }
    }
}

/// Markdown, block by block.
#[component]
pub fn Prose(room: Room, text: Memo<String>) -> impl IntoView {
    let blocks =
        Memo::new(move |old: Option<&Blocks>| room.formulas.with(|set| text.with(|text| Blocks::of(old, text, set))));
    let shown =
        move || blocks.with(|blocks| blocks.list.iter().map(|block| (block.clone(), blocks.known)).collect::<Vec<_>>());
    view! {
        <div class="prose">
            <For
                each=shown
                key=|(block, known)| (block.start, block.end, *known)
                children=|(block, _)| view! { <div class="prose-part" inner_html=block.html.to_string()></div> }
            />
        </div>
    }
}

/// Has the formulas of a finished text set, those that were not yet.
pub fn set_formulas(room: Room, text: &str) {
    let mut formulas: Vec<Formula> = markdown::formulas(text)
        .into_iter()
        .filter(|formula| !room.formulas.read_untracked().contains_key(formula))
        .map(|(tex, is_display)| Formula { tex, is_display })
        .collect();
    formulas.truncate(MOST);
    if formulas.is_empty() {
        return;
    }
    spawn_local(async move {
        let asked = Formulas { formulas };
        // Without an answer they stay as they were written.
        if let Ok(answers) = use_api().math(&asked).await {
            room.formulas.update(|set| {
                for (formula, answer) in asked.formulas.into_iter().zip(answers) {
                    if let Some(html) = answer {
                        set.insert((formula.tex, formula.is_display), html);
                    }
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_text_is_rendered_to_the_same_as_the_whole() {
        let text = "# A\n\nb *c*\n\n- d\n- e\n\n```rust\nlet f = 1;\n```\n\n| g | h |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n\n1. i\n2. j\n\n   k\n\nl\n---\n> m\nn\n\nend of $x^2$ it";
        let mut blocks = None;
        for (end, _) in text.char_indices().skip(1).chain([(text.len(), ' ')]) {
            blocks = Some(Blocks::of(blocks.as_ref(), &text[..end], &FormulaSet::new()));
        }
        let html: String = blocks.unwrap().list.iter().map(|block| block.html.to_string()).collect();
        assert_eq!(html.replace('\n', ""), markdown::to_html_with(text, &|_, _| None).replace('\n', ""));
    }
}
