//! A request's prompt and answer, where its workspace had them kept.

use leptos::prelude::*;

use crate::types::activity::{ContentOutput, GenerationContent};

/// The section of a request's page.
#[component]
pub fn Content(content: Option<GenerationContent>) -> impl IntoView {
    let Some(content) = content else {
        return view! {
            <h2>"Prompt and answer"</h2>
            <p>"Not kept. Owners and admins choose on a "<a href="/workspaces">"workspace's page"</a>" whether prompts and answers are kept."</p>
        }
        .into_any();
    };
    let messages = content.input.get("messages").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    let said = messages
        .iter()
        .map(|message| {
            let role = message.get("role").and_then(serde_json::Value::as_str).unwrap_or("message").to_owned();
            let words = words(message);
            view! { <Said title=role words/> }
        })
        .collect_view();
    let error =
        content.error.and_then(|error| error.message).map(|words| view! { <Said title="error".to_owned() words/> });
    view! {
        <h2>"Prompt and answer"</h2>
        {said}
        {answers(content.output)}
        {error}
    }
    .into_any()
}

fn answers(output: ContentOutput) -> impl IntoView {
    let reasoning = output.reasoning.map(|words| ("reasoning".to_owned(), words));
    let completion = output.completion.map(|words| ("answer".to_owned(), words));
    let calls = output.tool_calls.iter().map(|call| ("call of a tool".to_owned(), call.to_string()));
    let others = output.other_completions.iter().map(|words| ("another answer".to_owned(), words.clone()));
    reasoning
        .into_iter()
        .chain(completion)
        .chain(calls)
        .chain(others)
        .map(|(title, words)| view! { <Said title words/> })
        .collect_view()
}

/// The words of a message; what is no text as JSON.
fn words(message: &serde_json::Value) -> String {
    let part = |part: &serde_json::Value| {
        let text = part.get("text").and_then(serde_json::Value::as_str);
        text.map_or_else(|| part.to_string(), str::to_owned)
    };
    let mut words = match message.get("content") {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Array(parts)) => parts.iter().map(part).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    };
    if let Some(calls) = message.get("tool_calls") {
        words.push_str(&calls.to_string());
    }
    words
}

#[component]
fn Said(title: String, words: String) -> impl IntoView {
    let label = format!("What {title} said");
    view! {
        <h3>{title}</h3>
        <pre class="kept-words" tabindex="0" role="region" aria-label=label>{words}</pre>
    }
}
