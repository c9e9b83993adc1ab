//! What an answer looked up or had computed, in a conversation and on the page of one that is shared.

use leptos::prelude::*;

use super::format;
use crate::types::chats::{Source, ToolCall};

/// A tool that was called; folded, with what it was asked and what it said.
#[component]
pub fn ToolCallView(call: ToolCall) -> impl IntoView {
    let name = match call.name.as_str() {
        "calculate" => "Calculator".to_owned(),
        "current_time" => "Clock".to_owned(),
        other => format::plain(other),
    };
    let said = format::plain(&call.result);
    view! {
        <details class="tool-call">
            <summary><strong>{name}</strong>" "<span class="tool-result">{said.clone()}</span></summary>
            <dl class="tool-facts">
                <dt>"Asked"</dt><dd><code>{format::plain(&call.arguments)}</code></dd>
                <dt>"Answered"</dt><dd><code>{said}</code></dd>
            </dl>
        </details>
    }
}

/// The pages an answer rests on.
pub fn sources(list: &[Source]) -> Option<impl IntoView + use<>> {
    let lines: Vec<_> = list
        .iter()
        .filter(|source| source.is_web())
        .map(|source| {
            let (href, name) = (source.url.clone(), format::plain(source.name()));
            view! { <li><a href=href rel="noopener noreferrer nofollow" target="_blank">{name}</a></li> }
        })
        .collect();
    (!lines.is_empty()).then(|| view! { <div class="sources"><p>"Sources"</p><ol>{lines}</ol></div> })
}
