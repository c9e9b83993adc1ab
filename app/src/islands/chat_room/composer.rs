//! The field to write in.

use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::prelude::*;

use super::room::Room;
use crate::components::icon::{Icon, Shape};

/// Enter sends, Shift and Enter begins a line.
#[component]
pub fn Composer(room: Room) -> impl IntoView {
    let is_ready = RwSignal::new(false);
    Effect::new(move || is_ready.set(true));
    let on_key = move |event: KeyboardEvent| {
        // Enter that ends the composition of a character is not meant for us.
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            room.send();
        }
    };
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        room.send();
    };
    let is_idle = move || room.draft.read().trim().is_empty() || room.model.read().is_none() || !is_ready.get();
    view! {
        <form class="composer" on:submit=on_submit>
            <label class="visually-hidden" for="chat-draft">"Message"</label>
            <textarea
                id="chat-draft"
                class="input"
                rows="1"
                placeholder="Write a message"
                prop:value=room.draft
                on:input=move |event| room.draft.set(event_target_value(&event))
                on:keydown=on_key
            ></textarea>
            <Show
                when=move || room.is_busy.get()
                fallback=move || view! {
                    <button type="submit" class="button button-primary" disabled=is_idle>
                        <Icon shape=Shape::Send/><span>"Send"</span>
                    </button>
                }
            >
                <button type="button" class="button" on:click=move |_| room.stop()>
                    <Icon shape=Shape::Stop/><span>"Stop"</span>
                </button>
            </Show>
        </form>
    }
}
