//! The command palette: every page, every model and a member's keys, a few letters away.

use std::time::Duration;

use leptos::ev::KeyboardEvent;
use leptos::html::{Dialog, Input};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;

use super::browser;
use crate::api::{ModelQuery, encode, use_api};

/// How long to wait for the next letter before asking for models.
const PAUSE: Duration = Duration::from_millis(120);
const MODELS: u32 = 7;
const KEYS: usize = 5;

/// Where a choice leads.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Goal {
    href: String,
    name: String,
    kind: &'static str,
}

/// A button in the header; Ctrl K or ⌘ K open it, too.
#[island]
pub fn CommandPalette(
    /// Address and name of the pages.
    pages: Vec<(String, String)>,
    /// Whoever is signed in looks for keys, too.
    has_keys: bool,
) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let field = NodeRef::<Input>::new();
    let is_alive = RwSignal::new(false);
    let words = RwSignal::new(String::new());
    let models = RwSignal::new(Vec::<Goal>::new());
    // Asked for when the palette is opened first.
    let keys = RwSignal::new(None::<Vec<Goal>>);
    let active = RwSignal::new(0_usize);
    let latest = RwSignal::new(0_u32);
    let pages: Vec<Goal> = pages.into_iter().map(|(href, name)| Goal { href, name, kind: "Page" }).collect();
    let goals = Memo::new(move |_| {
        let words = words.read().to_lowercase();
        let fits = |goal: &&Goal| words.split_whitespace().all(|word| goal.name.to_lowercase().contains(word));
        let known = keys.get().unwrap_or_default();
        let keys = known.iter().filter(|goal| !words.trim().is_empty() && fits(goal)).take(KEYS).cloned();
        pages.iter().filter(fits).cloned().chain(keys).chain(models.get()).collect::<Vec<_>>()
    });
    let open = move || {
        if let Some(dialog) = dialog.get_untracked() {
            let _ = dialog.show_modal();
        }
        if let Some(field) = field.get_untracked() {
            let _ = field.focus();
            field.select();
        }
        if has_keys && keys.read_untracked().is_none() {
            keys.set(Some(Vec::new()));
            spawn_local(async move {
                let goal =
                    |(hash, name): (String, String)| Goal { href: format!("/keys#key-{hash}"), name, kind: "Key" };
                if let Ok(found) = use_api().key_names().await {
                    keys.set(Some(found.into_iter().map(goal).collect()));
                }
            });
        }
    };
    let go = move |href: &str| {
        // Who is on that page already stays on it.
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
        browser::go_to(href);
    };
    Effect::new(move || {
        is_alive.set(true);
        let pressed = Closure::<dyn Fn(KeyboardEvent)>::new(move |event: KeyboardEvent| {
            if event.key().eq_ignore_ascii_case("k") && (event.ctrl_key() || event.meta_key()) {
                event.prevent_default();
                open();
            }
        });
        let _ = document().add_event_listener_with_callback("keydown", pressed.as_ref().unchecked_ref());
        pressed.forget();
    });
    let search = move |typed: String| {
        words.set(typed.clone());
        active.set(0);
        latest.update(|number| *number = number.wrapping_add(1));
        let number = latest.get_untracked();
        let is_stale = move || latest.try_get_untracked() != Some(number);
        if typed.trim().is_empty() {
            models.set(Vec::new());
            return;
        }
        set_timeout(
            move || {
                if is_stale() {
                    return;
                }
                spawn_local(async move {
                    let all = "all".to_owned();
                    let query = ModelQuery { q: typed, limit: MODELS, output_modalities: all, ..ModelQuery::default() };
                    if let (Ok(names), false) = (use_api().model_names(&query).await, is_stale()) {
                        let goal = |(id, name): (String, String)| {
                            let path: Vec<String> = id.split('/').map(encode).collect();
                            Goal { href: format!("/models/{}", path.join("/")), name, kind: "Model" }
                        };
                        models.set(names.into_iter().map(goal).collect());
                    }
                });
            },
            PAUSE,
        );
    };
    let on_key = move |event: KeyboardEvent| {
        let count = goals.read_untracked().len();
        match event.key().as_str() {
            "ArrowDown" if count > 0 => {
                event.prevent_default();
                active.update(|active| *active = (*active + 1) % count);
            }
            "ArrowUp" if count > 0 => {
                event.prevent_default();
                active.update(|active| *active = (*active + count - 1) % count);
            }
            "Enter" => {
                event.prevent_default();
                if let Some(goal) = goals.read_untracked().get(active.get_untracked()) {
                    go(&goal.href);
                }
            }
            _ => {}
        }
    };
    let options = move || {
        goals
            .get()
            .into_iter()
            .enumerate()
            .map(|(index, goal)| {
                let href = goal.href.clone();
                view! {
                    <li
                        role="option"
                        id=format!("palette-{index}")
                        aria-selected=move || (active.get() == index).to_string()
                        on:click=move |_| go(&href)
                    >
                        <span>{goal.name}</span><small>{goal.kind}</small>
                    </li>
                }
            })
            .collect_view()
    };
    let (all, one) = if has_keys {
        ("Search pages, models and keys", "Go to a page, a model or a key")
    } else {
        ("Search pages and models", "Go to a page or a model")
    };
    view! {
        <button type="button" class="icon-button palette-button" class:is-ready=is_alive on:click=move |_| open() title="Search (Ctrl K)">
            <svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" aria-hidden="true">
                <path d="M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14ZM16.5 16.5 21 21"></path>
            </svg>
            <span class="visually-hidden">{all}</span>
        </button>
        <dialog class="dialog palette" node_ref=dialog aria-label=all>
            <input
                class="input"
                type="search"
                node_ref=field
                placeholder=one
                aria-label=one
                autocomplete="off"
                role="combobox"
                aria-autocomplete="list"
                aria-expanded="true"
                aria-controls="palette-list"
                aria-activedescendant=move || format!("palette-{}", active.get())
                on:input=move |event| search(event_target_value(&event))
                on:keydown=on_key
            />
            <ul id="palette-list" class="palette-list" role="listbox" aria-label="Where to go">{options}</ul>
        </dialog>
    }
}
