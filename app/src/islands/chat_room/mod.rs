//! The chat room: one model, a conversation kept on this device, answers as they are written.

mod composer;
mod message;
mod room;
mod stream;

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use super::browser;
use super::model_search::ModelCombobox;
use crate::types::models::Model;
use composer::Composer;
use message::MessageView;
pub use room::ModelChoice;
use room::Room;

/// The conversation and the field to go on with it.
#[island]
pub fn ChatRoom(
    /// The model to talk to, unless this device remembers another.
    model: Option<ModelChoice>,
    /// The address named the model, so what the device remembers does not matter.
    is_model_asked_for: bool,
) -> impl IntoView {
    let room = Room::new(model);
    let log = NodeRef::<Div>::new();
    Effect::new(move || room.restore(is_model_asked_for));
    // Follows the answer, unless the reader has scrolled up.
    Effect::new(move || {
        room.progress.track();
        let Some(log) = log.get() else { return };
        if log.scroll_height() - log.scroll_top() - log.client_height() < 160 {
            log.set_scroll_top(log.scroll_height());
        }
    });
    view! {
        <div class="chat">
            <ChatBar room/>
            <div class="chat-log" node_ref=log tabindex="0" role="log" aria-label="Conversation" on:click=copy_code>
                <Show when=move || !room.turns.read().is_empty() fallback=move || view! { <Welcome room/> }>
                    <For
                        each=move || room.turns.get()
                        key=|turn| turn.number
                        children=move |turn| view! { <MessageView room turn/> }
                    />
                </Show>
            </div>
            <Composer room/>
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
fn ChatBar(room: Room) -> impl IntoView {
    let is_picking = RwSignal::new(false);
    let choose = Callback::new(move |model: Model| {
        room.choose(ModelChoice::from(&model));
        is_picking.set(false);
    });
    let name =
        move || room.model.read().as_ref().map_or_else(|| "Choose a model".to_owned(), |model| model.name.clone());
    let price = move || {
        room.model.read().as_ref().map(|model| {
            view! {
                <span class="chat-price">{model.price.clone()}</span>
                {model.is_simulated.then(|| view! { <span class="badge badge-caution">"Simulated"</span> })}
            }
        })
    };
    view! {
        <div class="chat-bar">
            <button
                type="button"
                class="button chat-model"
                aria-expanded=move || is_picking.get().to_string()
                on:click=move |_| is_picking.update(|open| *open = !*open)
            >
                <span class="visually-hidden">"Model: "</span>{name}
            </button>
            {price}
            <button type="button" class="button chat-new" on:click=move |_| room.start_anew()>"New chat"</button>
            <Show when=move || is_picking.get()>
                <div class="chat-picker">
                    <ModelCombobox id="chat-model" label="Find a model" value="" on_choose=choose is_picker=true/>
                </div>
            </Show>
        </div>
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
    view! {
        <div class="chat-welcome">
            <h2>"What shall we talk about?"</h2>
            <p>"The conversation stays on this device. Each answer shows what it used and what it cost."</p>
            <ul>{ideas}</ul>
        </div>
    }
}
