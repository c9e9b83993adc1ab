//! One message of the conversation.

use leptos::prelude::*;

use super::column::{Column, Turn};
use super::prose::{Prose, set_formulas};
use super::room::Room;
use crate::api::encode;
use crate::components::format;
use crate::components::later::{Fresh, Later};
use crate::components::tool_call::{ToolCallView, sources};
use crate::islands::copy_button::CopyControl;
use crate::types::Money;
use crate::types::chats::{Attachment, Facts, Problem, ToolStep};

/// Letters of a token, roughly, until the provider has counted.
const LETTERS: usize = 4;

/// A question, or an answer with what it cost.
#[component]
pub fn MessageView(room: Room, column: Column, turn: Turn) -> impl IntoView {
    if turn.kept.read_untracked().is_answer {
        return Fresh(view! { <Answer room column turn/> }).into_any();
    }
    let content = turn.kept.with_untracked(|kept| kept.content.clone());
    let kept = RwSignal::from(turn.kept);
    // Files of a kept conversation come later than its words.
    let files = move || {
        let file = |file: &Attachment| {
            let is_picture = file.kind.starts_with("image/") && file.data.starts_with("data:image/");
            let name = format::plain(&file.name);
            if is_picture {
                Fresh(view! { <img class="attached" src=file.data.clone() alt=name/> }).into_any()
            } else if file.kind.starts_with("image/") && !file.id.is_empty() && file.data.is_empty() {
                Fresh(view! { <span class="chip skeleton-chip">{name}</span> }).into_any()
            } else {
                Fresh(view! { <span class="chip">{name}</span> }).into_any()
            }
        };
        kept.read().attachments.iter().map(file).collect_view()
    };
    let question =
        view! { <article class="message message-question" aria-label="You">{files}<p>{content}</p></article> };
    Fresh(question).into_any()
}

/// What the answer did before its last words: text, and tools with what they said.
#[component]
fn StepView(room: Room, step: ToolStep) -> impl IntoView {
    let text = step.content;
    let text = (!text.is_empty()).then(|| view! { <Prose room text=Memo::new(move |_| text.clone())/> });
    let calls = step.calls.into_iter().map(|call| view! { <ToolCallView call/> }).collect_view();
    view! { {text}{calls} }
}

#[component]
fn Answer(room: Room, column: Column, turn: Turn) -> impl IntoView {
    let number = turn.number;
    let kept = RwSignal::from(turn.kept);
    let is_streaming = RwSignal::from(turn.is_streaming);
    let content = Memo::new(move |_| kept.read().content.clone());
    let reasoning = Memo::new(move |_| kept.read().reasoning.clone());
    Effect::new(move || {
        if !is_streaming.get() {
            set_formulas(room, &content.read());
        }
    });
    let is_waiting = move || is_streaming.get() && content.read().is_empty() && reasoning.read().is_empty();
    let is_last = move || column.turns.read().last().is_some_and(|last| last.number == number);
    let problem = move || kept.read().problem.clone().map(|problem| view! { <Trouble problem/> });
    let named = Memo::new(move |_| kept.read().sources.clone());
    let steps = move || kept.read().steps.iter().cloned().enumerate().collect::<Vec<_>>();
    let is_cut = move || {
        let kept = kept.read();
        let is_short = kept.facts.is_stopped || kept.facts.finish_reason.as_deref() == Some("length");
        is_short && !kept.content.is_empty()
    };
    view! {
        <article class="message message-answer" aria-label="Answer" aria-busy=move || is_streaming.get().to_string()>
            <Later when=is_waiting>
                <p class="waiting"><span class="visually-hidden">"Waiting for the first word"</span><i></i><i></i><i></i></p>
            </Later>
            <Later when=move || !reasoning.read().is_empty()>
                <details class="reasoning">
                    <summary>
                        {move || if is_streaming.get() && content.read().is_empty() { "Thinking…" } else { "Thoughts" }}
                    </summary>
                    <Prose room text=reasoning/>
                </details>
            </Later>
            <For
                each=steps
                key=|(place, _)| *place
                children=move |(_, step)| view! { <StepView room step/> }
            />
            <Prose room text=content/>
            {move || sources(&named.read())}
            {problem}
            <footer class="message-foot">
                <Later when=move || !room.is_masked()>
                    {move || {
                        let kept = kept.read();
                        let letters = kept.content.len() + kept.reasoning.len();
                        view! { <FactLine facts=kept.facts.clone() letters is_streaming=is_streaming.get()/> }
                    }}
                </Later>
                <Later when=move || !is_streaming.get()>
                    <Later when=move || !content.read().is_empty()>
                        <CopyControl text=Signal::derive(move || content.get())/>
                    </Later>
                    <Later when=move || !room.is_blind.get()>
                        <Later when=is_last>
                            <button type="button" class="code-copy" on:click=move |_| column.regenerate(room.keeping())>"Regenerate"</button>
                            <Later when=is_cut>
                                <button type="button" class="code-copy" on:click=move |_| column.go_on(room.keeping())>"Continue"</button>
                            </Later>
                        </Later>
                        <button type="button" class="code-copy" on:click=move |_| room.branch(column, number)>"Branch"</button>
                    </Later>
                </Later>
            </footer>
        </article>
    }
}

#[component]
fn FactLine(facts: Facts, letters: usize, is_streaming: bool) -> impl IntoView {
    let mut parts = Vec::new();
    parts.extend(facts.provider.clone());
    let counted = facts.completion_tokens.filter(|_| !is_streaming);
    let guessed = i64::try_from(letters / LETTERS).unwrap_or(i64::MAX);
    match (facts.prompt_tokens, counted) {
        (Some(prompt), Some(completion)) => {
            parts.push(format!("{} in, {} out", format::grouped(prompt), format::grouped(completion)));
        }
        _ if letters > 0 => parts.push(format!("about {} out", format::grouped(guessed))),
        _ => {}
    }
    parts.extend(facts.cost.filter(|_| !is_streaming).map(Money::dollars));
    parts.extend(facts.first_token_ms.map(|ms| format!("first word {}", format::duration(ms))));
    if let (Some(first), Some(total)) = (facts.first_token_ms, facts.total_ms) {
        parts.extend(format::throughput(counted.unwrap_or(guessed), total - first));
    }
    parts.extend(facts.is_stopped.then(|| "stopped".to_owned()));
    parts.extend((facts.finish_reason.as_deref() == Some("length")).then(|| "cut at the length limit".to_owned()));
    let parts = parts.into_iter().map(|part| view! { <span>{part}</span> }).collect_view();
    let link = facts
        .id
        .filter(|_| !is_streaming)
        .map(|id| view! { <a href=format!("/activity/{}", encode(&id))>"Details"</a> });
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
