//! The conversations that are kept: find one, go on with it, share it, take it along.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast as _;

use super::room::{Gone, Place, Room};
use super::shelf;
use crate::api::use_api;
use crate::components::format;
use crate::islands::browser;
use crate::islands::copy_button::CopyControl;
use crate::types::chats::ChatDocument;

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    id: String,
    title: String,
    is_on_server: bool,
}

/// The drawer with everything that is kept.
#[component]
pub fn Library(room: Room) -> impl IntoView {
    let words = RwSignal::new(String::new());
    let lines = RwSignal::new(Vec::<Line>::new());
    Effect::new(move || {
        room.shelved.track();
        let words = words.get();
        let mut found: Vec<Line> = shelf::find(&words)
            .into_iter()
            .map(|entry| Line { id: entry.id, title: entry.title, is_on_server: false })
            .collect();
        lines.set(found.clone());
        spawn_local(async move {
            if let Ok(kept) = use_api().chats(&words).await {
                found.extend(kept.into_iter().map(|chat| Line { id: chat.id, title: chat.title, is_on_server: true }));
                lines.set(found);
            }
        });
    });
    let shown = move || {
        let gone = room.gone.get().map(|gone| gone.id);
        lines.get().into_iter().filter(|line| Some(&line.id) != gone.as_ref()).collect::<Vec<_>>()
    };
    let set_place = move |event| {
        let place = if event_target_value(&event) == "server" { Place::Server } else { Place::Device };
        shelf::set_place(place);
        room.place.set(place);
    };
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
            <ul class="chat-list">
                <For each=shown key=|line| (line.id.clone(), line.title.clone()) children=move |line| view! { <LineView room line/> }/>
            </ul>
            <Show when=move || lines.read().is_empty()><p class="section-note">"Nothing kept yet."</p></Show>
            <Takeaway room/>
        </aside>
    }
}

#[component]
fn LineView(room: Room, line: Line) -> impl IntoView {
    let (id, is_on_server) = (line.id.clone(), line.is_on_server);
    let title = format::plain(&line.title);
    let open_id = id.clone();
    let open = move |_| {
        let id = open_id.clone();
        spawn_local(async move {
            if is_on_server {
                match use_api().chat_kept(&id).await {
                    Ok(chat) => {
                        room.show(chat.document);
                        room.share_id.set(chat.share_id);
                        room.place.set(Place::Server);
                    }
                    Err(error) => return room.told.set(Some(error.message)),
                }
            } else if let Some(document) = shelf::get(&id) {
                room.show(document);
                room.share_id.set(None);
                room.place.set(Place::Device);
            }
            room.id.set(Some(id));
        });
    };
    let gone = Gone { id: id.clone(), title: title.clone() };
    let forget = move |_| room.put_away(gone.clone());
    let is_open = move || (room.id.read().as_deref() == Some(id.as_str())).then_some("true");
    let label = format!("Delete {title}");
    view! {
        <li class="chat-line">
            <button type="button" class="menu-button" aria-current=is_open on:click=open>
                {title}
                {is_on_server.then(|| view! { " " <span class="badge">"Server"</span> })}
            </button>
            <button type="button" class="code-copy" aria-label=label on:click=forget>"×"</button>
        </li>
    }
}

/// Sharing, export and import.
#[component]
fn Takeaway(room: Room) -> impl IntoView {
    let is_on_server = move || room.id.read().as_ref().is_some_and(|id| !shelf::is_device_id(id));
    let share = move |is_shared: bool| {
        let Some(id) = room.id.get_untracked() else { return };
        spawn_local(async move {
            match use_api().share_chat(&id, is_shared).await {
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
            match serde_json::from_str::<ChatDocument>(&text) {
                Ok(document) if !document.columns.is_empty() => {
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
            <Show when=is_on_server>
                <Show
                    when=move || room.share_id.read().is_some()
                    fallback=move || view! { <button type="button" class="button button-small" on:click=move |_| share(true)>"Share by link"</button> }
                >
                    <p class="secret"><code>{link}</code><CopyControl text=Signal::derive(move || link().unwrap_or_default())/></p>
                    <button type="button" class="button button-small" on:click=move |_| share(false)>"Stop sharing"</button>
                </Show>
            </Show>
            <button type="button" class="button button-small" on:click=export>"Export"</button>
            <label class="button button-small">
                "Import"<input class="visually-hidden" type="file" accept="application/json" on:change=import/>
            </label>
        </div>
    }
}
