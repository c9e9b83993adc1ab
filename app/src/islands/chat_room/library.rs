//! The conversations that are kept: find one, go on with it, share it, take it along.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast as _;

use super::folders::{FolderView, Lines, NewFolder, Shelves};
use super::room::{Place, Room};
use super::{files, shelf};
use crate::api::use_api;
use crate::components::later::Later;
use crate::components::skeleton::Skeleton;
use crate::islands::browser;
use crate::islands::copy_button::CopyControl;
use crate::types::chats::ChatDocument;

/// The drawer with everything that is kept.
#[component]
pub fn Library(room: Room) -> impl IntoView {
    let words = RwSignal::new(String::new());
    let (lines, folders) = (RwSignal::new(Vec::new()), RwSignal::new(Vec::new()));
    let shelves = Shelves { room: StoredValue::new(room), lines, folders, is_waiting: RwSignal::new(true) };
    Effect::new(move || {
        room.shelved.track();
        shelves.fill(words.get());
    });
    let set_place = move |event| {
        let place = if event_target_value(&event) == "server" { Place::Server } else { Place::Device };
        shelf::set_place(place);
        room.place.set(place);
    };
    let is_searching = Memo::new(move |_| !words.read().trim().is_empty());
    let names = move || {
        let is_shown = |name: &String| !is_searching.get() || !shelves.shown(name).is_empty();
        shelves.folders.get().into_iter().map(|folder| folder.name).filter(is_shown).collect::<Vec<_>>()
    };
    let nothing = move || if is_searching.get() { "Nothing has these words." } else { "Nothing kept yet." };
    view! {
        <aside class="chat-library" aria-label="Conversations">
            <input
                class="input"
                type="search"
                placeholder="Search conversations"
                aria-label="Search conversations"
                on:input=move |event| words.set(event_target_value(&event))
            />
            <label class="field">
                <small>"Keep what is said"</small>
                <select class="input" on:change=set_place>
                    <option value="device" selected=move || room.place.get() == Place::Device>"on this device only"</option>
                    <option value="server" selected=move || room.place.get() == Place::Server>"on the server, for my account"</option>
                </select>
            </label>
            <div class="chat-list" tabindex="0" role="region" aria-label="Kept conversations">
                <For each=names key=Clone::clone children=move |name| view! { <FolderView shelves name/> }/>
                <Lines shelves folder=String::new()/>
                <Later when=move || shelves.is_waiting.get()><Skeleton label="Looking for conversations on the server"/></Later>
                <Later when=move || !shelves.is_waiting.get() && shelves.lines.read().is_empty()>
                    <p class="section-note">{nothing}</p>
                </Later>
            </div>
            <NewFolder shelves/>
            <Takeaway room/>
        </aside>
    }
}

/// Sharing, export and import.
#[component]
fn Takeaway(room: Room) -> impl IntoView {
    let is_on_server = move || room.id.read().as_ref().is_some_and(|id| !shelf::is_device_id(id));
    let has_images = RwSignal::new(false);
    let share = move |is_shared: bool| {
        let Some(id) = room.id.get_untracked() else { return };
        spawn_local(async move {
            match use_api().share_chat(&id, is_shared, is_shared && has_images.get_untracked()).await {
                Ok(chat) => room.share_id.set(chat.share_id),
                Err(error) => room.told.set(Some(error.message)),
            }
        });
    };
    let link = move || room.share_id.get().map(|id| format!("{}/shared/{id}", browser::origin()));
    let export = move |_| {
        if let Ok(text) = serde_json::to_string_pretty(&room.document()) {
            browser::download("conversation.json", "application/json", &text);
        }
    };
    let import = move |event: web_sys::Event| {
        let input = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok());
        let Some(file) = input.as_ref().and_then(web_sys::HtmlInputElement::files).and_then(|list| list.get(0)) else {
            return;
        };
        spawn_local(async move {
            let text = browser::read_text(&file).await.unwrap_or_default();
            match serde_json::from_slice::<ChatDocument>(text.as_bytes()) {
                Ok(mut document) if !document.columns.is_empty() => {
                    for file in document.files_mut().filter(|file| file.id.is_empty()) {
                        file.id = files::new_id();
                    }
                    room.id.set(None);
                    room.share_id.set(None);
                    room.show(document);
                    room.keep();
                }
                _ => room.told.set(Some(format!("{} is no conversation that was exported here.", file.name()))),
            }
        });
    };
    view! {
        <div class="chat-takeaway">
            <Later when=is_on_server>
                <Later when=move || room.share_id.read().is_none()>
                    <label class="check">
                        <input
                            type="checkbox"
                            prop:checked=has_images
                            on:change=move |event| has_images.set(event_target_checked(&event))
                        />
                        "Who has the link sees images, too"
                    </label>
                    <button type="button" class="button button-small" on:click=move |_| share(true)>"Share by link"</button>
                </Later>
                <Later when=move || room.share_id.read().is_some()>
                    <p class="secret"><code>{link}</code><CopyControl text=Signal::derive(move || link().unwrap_or_default())/></p>
                    <button type="button" class="button button-small" on:click=move |_| share(false)>"Stop sharing"</button>
                </Later>
            </Later>
            <button type="button" class="button button-small" on:click=export>"Export"</button>
            <label class="button button-small">
                "Import"<input class="visually-hidden" type="file" accept="application/json" on:change=import/>
            </label>
        </div>
    }
}
