//! The chat room: one to six models on the same question, answers as they are written.

#[cfg(any(feature = "hydrate", test))]
mod calculator;
mod column;
mod column_view;
mod composer;
mod files;
mod folders;
mod keep;
mod library;
mod message;
mod prose;
mod room;
mod shelf;
mod stream;
mod tools;

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use super::browser;
use super::model_search::ModelCombobox;
use super::toast::Toast;
use crate::components::later::{Fresh, Later};
use crate::types::chats::ModelChoice;
use column_view::{ColumnView, ColumnViewProps};
use composer::Composer;
use library::Library;
use room::{MOST, Room};

/// The columns and the field to ask them all.
#[island]
pub fn ChatRoom(
    /// The models to talk to, unless this device remembers a conversation.
    models: Vec<ModelChoice>,
    /// The address named the models, so what the device remembers does not matter.
    is_model_asked_for: bool,
    /// What to begin with.
    draft: String,
    /// Two models can be compared without knowing which is which.
    has_blind_votes: bool,
) -> impl IntoView {
    let room = Room::new(models);
    room.draft.set(draft);
    let is_library_open = RwSignal::new(false);
    Effect::new(move || room.wake(is_model_asked_for));
    Effect::new(move || {
        let listener = window_event_listener_untyped("pagehide", move |_| room.leave());
        on_cleanup(move || listener.remove());
    });
    let told = move || {
        room.told.get().map(|text| {
            Fresh(view! {
                <p class="notice notice-bad" role="alert">
                    {text}<button type="button" class="code-copy" on:click=move |_| room.told.set(None)>"Close"</button>
                </p>
            })
        })
    };
    let is_several = move || room.columns.read().len() > 1;
    let undo = move || {
        room.gone.get().map(|gone| {
            let text = format!("“{}” deleted.", crate::components::format::plain(&gone.title));
            Fresh(view! { <Toast text on_undo=move |()| room.take_back()/> })
        })
    };
    view! {
        <div class="chat" class:chat-wide=is_several class:chat-shelved=move || is_library_open.get()>
            <Tools room is_library_open has_blind_votes/>
            <Later when=move || is_library_open.get()><Library room/></Later>
            <div class="chat-main">
                {told}
                <div class="chat-columns">
                    <For
                        each=move || room.columns.get()
                        key=|column| column.number
                        children=move |column| ColumnView(ColumnViewProps { room, column })
                    />
                </div>
                <Show when=move || room.is_empty()><Welcome room/></Show>
                <VoteBar room/>
                <Composer room/>
            </div>
            {undo}
        </div>
    }
}

/// Copies a code block of an answer: its markup is not the framework's, so one listener serves all.
fn copy_code(event: leptos::ev::MouseEvent) {
    let Some(button) = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok()) else { return };
    if !button.has_attribute("data-copy") {
        return;
    }
    let code =
        button.closest(".code-block").ok().flatten().and_then(|block| block.query_selector("code").ok().flatten());
    let text = code.and_then(|code| code.text_content()).unwrap_or_default();
    leptos::task::spawn_local(async move {
        let said = if browser::copy_text(&text).await { "Copied" } else { "Press Ctrl+C" };
        button.set_text_content(Some(said));
    });
}

#[component]
fn Tools(room: Room, is_library_open: RwSignal<bool>, has_blind_votes: bool) -> impl IntoView {
    let is_adding = RwSignal::new(false);
    let add = Callback::new(move |model: ModelChoice| {
        room.add(model);
        is_adding.set(false);
    });
    let is_full = move || room.columns.read().len() >= MOST;
    view! {
        <div class="chat-tools">
            <button
                type="button"
                class="button button-small"
                aria-expanded=move || is_library_open.get().to_string()
                on:click=move |_| is_library_open.update(|open| *open = !*open)
            >
                "Conversations"
            </button>
            <Show when=move || !room.is_blind.get()>
                <button
                    type="button"
                    class="button button-small"
                    disabled=is_full
                    aria-expanded=move || is_adding.get().to_string()
                    on:click=move |_| is_adding.update(|open| *open = !*open)
                >
                    "Add a model"
                </button>
            </Show>
            <Show when=move || has_blind_votes && !room.is_blind.get()>
                <button type="button" class="button button-small" on:click=move |_| room.begin_blind()>"Compare blindly"</button>
            </Show>
            <Later when=move || room.is_blind.get()>
                <button type="button" class="button button-small" on:click=move |_| room.end_blind()>"Leave the comparison"</button>
            </Later>
            <Show when=move || { room.columns.read().len() > 1 }>
                <button
                    type="button"
                    class="button button-small"
                    aria-pressed=move || room.scrolls_together.get().to_string()
                    on:click=move |_| room.scrolls_together.update(|is_on| *is_on = !*is_on)
                >
                    "Scroll together"
                </button>
            </Show>
            <button type="button" class="button button-small chat-new" on:click=move |_| room.start_anew()>"New chat"</button>
            <Later when=move || is_adding.get()>
                <div class="chat-picker"><ModelCombobox id="chat-add" label="Find a model to add" value="" on_choose=add is_picker=true/></div>
            </Later>
        </div>
    }
}

#[component]
fn VoteBar(room: Room) -> impl IntoView {
    const CHOICES: [(&str, &str); 4] =
        [("a", "A is better"), ("b", "B is better"), ("tie", "A tie"), ("neither", "Neither is good")];
    let choices = move || {
        CHOICES
            .into_iter()
            .map(|(outcome, text)| view! { <button type="button" class="button" on:click=move |_| room.vote(outcome)>{text}</button> })
            .collect_view()
    };
    let verdict = move || {
        room.verdict.get().map(|vote| {
            Fresh(view! {
                <p class="vote-bar" role="status">
                    <span>"A was "<strong>{vote.model_a}</strong>", B was "<strong>{vote.model_b}</strong>"."</span>
                    <button type="button" class="button button-primary" on:click=move |_| room.begin_blind()>"Next pair"</button>
                    <a href="/rankings/quality">"Ratings"</a>
                </p>
            })
        })
    };
    view! {
        <Later when=move || room.duel().is_some()>
            <div class="vote-bar" role="group" aria-label="Which answer is better?">{choices}</div>
        </Later>
        <Later when=move || room.is_spoilt()>
            <p class="vote-bar" role="status">
                <span>"One of the two gave no whole answer, so there is nothing to compare."</span>
                <button type="button" class="button button-primary" on:click=move |_| room.begin_blind()>"Draw two others"</button>
            </p>
        </Later>
        {verdict}
    }
}

#[component]
fn Welcome(room: Room) -> impl IntoView {
    const IDEAS: [&str; 3] = [
        "Explain how a hash map works, with a small example in Rust.",
        "Plan a weekend in a town by the sea for two.",
        "Turn these notes into a short, friendly e-mail: meeting moved, Tuesday, 10 o'clock.",
    ];
    let ideas = IDEAS
        .into_iter()
        .map(|idea| view! { <li><button type="button" class="idea" on:click=move |_| room.draft.set(idea.to_owned())>{idea}</button></li> })
        .collect_view();
    let said = move || {
        if room.is_blind.get() {
            "Two models answer the same question. Say which answer is better, then see who gave it."
        } else if room.place.get() == room::Place::Server {
            "The conversation is kept on the server for your account. Each answer shows what it used and what it cost."
        } else {
            "The conversation stays on this device. Each answer shows what it used and what it cost."
        }
    };
    view! {
        <div class="chat-welcome">
            <h2>"What shall we talk about?"</h2>
            <p>{said}</p>
            <ul>{ideas}</ul>
        </div>
    }
}
