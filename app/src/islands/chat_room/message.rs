//! One message of the conversation.

use leptos::prelude::*;

use super::room::{Facts, Problem, Room, Turn};
use crate::api::encode;
use crate::components::{format, markdown};
use crate::islands::copy_button::CopyControl;
use crate::types::Money;

/// A question, or an answer with what it cost.
#[component]
pub fn MessageView(room: Room, turn: Turn) -> impl IntoView {
    if turn.kept.read_untracked().is_answer {
        view! { <Answer room turn/> }.into_any()
    } else {
        let content = turn.kept.read_untracked().content.clone();
        view! { <article class="message message-question" aria-label="You"><p>{content}</p></article> }.into_any()
    }
}

#[component]
fn Answer(room: Room, turn: Turn) -> impl IntoView {
    let number = turn.number;
    let kept = RwSignal::from(turn.kept);
    let is_streaming = RwSignal::from(turn.is_streaming);
    let content = Memo::new(move |_| kept.read().content.clone());
    let reasoning = Memo::new(move |_| kept.read().reasoning.clone());
    let html = move || markdown::to_html(&content.read());
    let is_waiting = move || is_streaming.get() && content.read().is_empty() && reasoning.read().is_empty();
    let is_last = move || room.turns.read().last().is_some_and(|last| last.number == number);
    let problem = move || kept.read().problem.clone().map(|problem| view! { <Trouble problem/> });
    view! {
        <article class="message message-answer" aria-label="Answer" aria-busy=move || is_streaming.get().to_string()>
            <Show when=is_waiting>
                <p class="waiting"><span class="visually-hidden">"Waiting for the first word"</span><i></i><i></i><i></i></p>
            </Show>
            <Show when=move || !reasoning.read().is_empty()>
                <details class="reasoning">
                    <summary>
                        {move || if is_streaming.get() && content.read().is_empty() { "Thinking…" } else { "Thoughts" }}
                    </summary>
                    <div class="prose" inner_html=move || markdown::to_html(&reasoning.read())></div>
                </details>
            </Show>
            <div class="prose" inner_html=html></div>
            {problem}
            <Show when=move || !is_streaming.get()>
                <footer class="message-foot">
                    {move || view! { <FactLine facts=kept.read().facts.clone()/> }}
                    <Show when=move || !content.read().is_empty()>
                        <CopyControl text=Signal::derive(move || content.get())/>
                    </Show>
                    <Show when=is_last>
                        <button type="button" class="code-copy" on:click=move |_| room.regenerate()>"Regenerate"</button>
                    </Show>
                </footer>
            </Show>
        </article>
    }
}

#[component]
fn FactLine(facts: Facts) -> impl IntoView {
    let mut parts = Vec::new();
    parts.extend(facts.provider.clone());
    if let (Some(prompt), Some(completion)) = (facts.prompt_tokens, facts.completion_tokens) {
        parts.push(format!("{} in, {} out", format::grouped(prompt), format::grouped(completion)));
    }
    parts.extend(facts.cost.map(Money::dollars));
    parts.extend(facts.first_token_ms.map(|ms| format!("first word {}", format::duration(ms))));
    if let (Some(tokens), Some(first), Some(total)) = (facts.completion_tokens, facts.first_token_ms, facts.total_ms) {
        parts.extend(format::throughput(tokens, total - first));
    }
    parts.extend(facts.is_stopped.then(|| "stopped".to_owned()));
    parts.extend((facts.finish_reason.as_deref() == Some("length")).then(|| "cut at the length limit".to_owned()));
    let parts = parts.into_iter().map(|part| view! { <span>{part}</span> }).collect_view();
    let link = facts.id.map(|id| view! { <a href=format!("/activity/{}", encode(&id))>"Details"</a> });
    view! { <span class="facts">{parts}{link}</span> }
}

#[component]
fn Trouble(problem: Problem) -> impl IntoView {
    let remedy = match problem.status {
        401 => Some(("/sign-in?next=%2Fchat", "Sign in again")),
        402 => Some(("/credits", "See your credit")),
        404 => Some(("/models", "Choose another model")),
        _ => None,
    };
    let hint = match problem.status {
        429 => "Too many requests at once. Wait a moment, then choose Regenerate.",
        500.. => "Choose Regenerate to try again, or another model above.",
        _ => "",
    };
    view! {
        <div class="notice notice-bad" role="alert">
            <p>{problem.message}</p>
            {(!hint.is_empty()).then(|| view! { <p>{hint}</p> })}
            {remedy.map(|(href, text)| view! { <p><a href=href>{text}</a></p> })}
        </div>
    }
}
