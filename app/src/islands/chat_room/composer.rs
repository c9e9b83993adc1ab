//! The field to write in, with files.

use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlInputElement;

use super::files;
use super::room::Room;
use crate::components::icon::{Icon, Shape};
use crate::components::later::Later;
use crate::islands::browser;
use crate::types::chats::Attachment;

/// The largest file, bytes.
const LARGEST: f64 = 8.0 * 1024.0 * 1024.0;
/// Letters of the files of a conversation: 32 MB in Base64.
const MOST: f64 = 32.0 * 1024.0 * 1024.0 / 3.0 * 4.0;
const KINDS: &str = "image/png,image/jpeg,image/webp,image/gif,application/pdf,audio/wav,audio/mpeg,audio/mp3";

/// Enter sends, Shift and Enter begins a line.
#[component]
pub fn Composer(room: Room) -> impl IntoView {
    let is_awake = RwSignal::new(false);
    Effect::new(move || is_awake.set(true));
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
    let on_files = move |event: web_sys::Event| {
        let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else { return };
        let Some(list) = input.files() else { return };
        for index in 0..list.length() {
            let Some(file) = list.get(index) else { continue };
            if file.size() > LARGEST {
                room.told.set(Some(format!("{} is larger than 8 MB.", file.name())));
                continue;
            }
            if room.file_letters() + file.size() / 3.0 * 4.0 > MOST {
                room.told.set(Some(format!("A conversation takes 32 MB of files; {} is too much.", file.name())));
                continue;
            }
            spawn_local(async move {
                if let Some(data) = browser::read_data_url(&file).await {
                    let file = Attachment { id: files::new_id(), name: file.name(), kind: file.type_(), data };
                    room.files.update(|files| files.push(file));
                }
            });
        }
        input.set_value("");
    };
    let chosen = move || {
        room.files
            .get()
            .into_iter()
            .enumerate()
            .map(|(index, file)| {
                let label = format!("Leave out {}", file.name);
                let leave_out = move |_| {
                    room.files.update(|files| {
                        if index < files.len() {
                            files.remove(index);
                        }
                    });
                };
                view! { <button type="button" class="chip" aria-label=label on:click=leave_out>{file.name}" ×"</button> }
            })
            .collect_view()
    };
    let lacking = move || {
        let names = room.toolless();
        (!names.is_empty())
            .then(|| view! { <small role="status">{format!("Without tools: {}", names.join(", "))}</small> })
    };
    let is_idle = move || !room.is_ready() || !is_awake.get() || room.verdict.read().is_some();
    view! {
        <form class="composer" on:submit=on_submit>
            <div class="composer-switches" role="group" aria-label="For the next answers">
                <button
                    type="button"
                    class="chip"
                    title="Models may use a calculator and a clock, which run on this device"
                    aria-pressed=move || room.all(|settings| settings.has_tools).to_string()
                    on:click=move |_| room.switch(|settings| &mut settings.has_tools)
                >
                    "Tools"
                </button>
                <button
                    type="button"
                    class="chip"
                    title="Answers may rest on a search of the web, which costs extra"
                    aria-pressed=move || room.all(|settings| settings.has_web).to_string()
                    on:click=move |_| room.switch(|settings| &mut settings.has_web)
                >
                    "Web search"
                </button>
                {lacking}
            </div>
            <div class="chips composer-files">{chosen}</div>
            <label class="button composer-attach" title="Attach images, PDFs or audio">
                <span aria-hidden="true">"+"</span><span class="visually-hidden">"Attach files"</span>
                <input class="visually-hidden" type="file" multiple accept=KINDS on:change=on_files/>
            </label>
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
            <Show when=move || !room.is_busy()>
                <button type="submit" class="button button-primary" disabled=is_idle>
                    <Icon shape=Shape::Send/><span>"Send"</span>
                </button>
            </Show>
            <Later when=move || room.is_busy()>
                <button type="button" class="button" on:click=move |_| room.stop()>
                    <Icon shape=Shape::Stop/><span>"Stop"</span>
                </button>
            </Later>
        </form>
    }
}
