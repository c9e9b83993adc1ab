//! Finds a model while one types.

use std::time::Duration;

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{ModelQuery, use_api};
use crate::types::chats::ModelChoice;

/// How long to wait for the next letter before asking.
const PAUSE: Duration = Duration::from_millis(140);
const SUGGESTIONS: u32 = 8;

/// A text field with a list of the models that match.
#[component]
pub fn ModelCombobox(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    #[prop(into)] value: String,
    on_choose: Callback<ModelChoice>,
    /// Empties the field after a choice and takes Enter for the first suggestion.
    #[prop(optional)]
    is_picker: bool,
) -> impl IntoView {
    let text = RwSignal::new(value);
    let found = RwSignal::new(Vec::<ModelChoice>::new());
    let is_open = RwSignal::new(false);
    let active = RwSignal::new(None::<usize>);
    let latest = RwSignal::new(0_u32);

    let search = move |typed: String| {
        text.set(typed.clone());
        active.set(None);
        latest.update(|number| *number = number.wrapping_add(1));
        let number = latest.get_untracked();
        let is_stale = move || latest.try_get_untracked() != Some(number);
        if typed.trim().is_empty() {
            found.set(Vec::new());
            is_open.set(false);
            return;
        }
        set_timeout(
            move || {
                if is_stale() {
                    return;
                }
                spawn_local(async move {
                    let query = ModelQuery { q: typed, limit: SUGGESTIONS, ..ModelQuery::default() };
                    let answer = use_api().model_choices(&query).await;
                    if let (Ok(list), false) = (answer, is_stale()) {
                        is_open.set(!list.is_empty());
                        found.set(list);
                    }
                });
            },
            PAUSE,
        );
    };
    let choose = move |model: ModelChoice| {
        is_open.set(false);
        if is_picker {
            text.set(String::new());
        }
        on_choose.run(model);
    };
    let on_key = move |event: KeyboardEvent| {
        let count = found.read_untracked().len();
        match event.key().as_str() {
            "ArrowDown" if count > 0 => {
                event.prevent_default();
                is_open.set(true);
                active.update(|active| *active = Some(active.map_or(0, |index| (index + 1) % count)));
            }
            "ArrowUp" if count > 0 => {
                event.prevent_default();
                active.update(|active| *active = Some(active.map_or(count - 1, |index| (index + count - 1) % count)));
            }
            "Escape" if is_open.get_untracked() => {
                // The first Escape closes the list, the next empties the field.
                event.prevent_default();
                is_open.set(false);
            }
            "Enter" if is_open.get_untracked() || is_picker => {
                let index = active.get_untracked().or(is_picker.then_some(0));
                let model = index.and_then(|index| found.read_untracked().get(index).cloned());
                if is_picker || model.is_some() {
                    event.prevent_default();
                }
                if let Some(model) = model {
                    choose(model);
                }
            }
            _ => {}
        }
    };
    let list_id = format!("{id}-list");
    let option_id = {
        let id = id.clone();
        move |index: usize| format!("{id}-option-{index}")
    };
    let active_id = {
        let option_id = option_id.clone();
        move || active.get().map(&option_id)
    };
    let options = {
        let option_id = option_id.clone();
        move || {
            found
                .get()
                .into_iter()
                .enumerate()
                .map(|(index, model)| {
                    let (name, author) = (model.name.clone(), model.id.clone());
                    view! {
                        <li
                            role="option"
                            id=option_id(index)
                            aria-selected=move || (active.get() == Some(index)).to_string()
                            on:mousedown=move |event| {
                                // Before the field loses the focus and the list closes.
                                event.prevent_default();
                                choose(model.clone());
                            }
                        >
                            <span>{name}</span>
                            <code>{author}</code>
                        </li>
                    }
                })
                .collect_view()
        }
    };
    view! {
        <div class="combobox">
            <label class="visually-hidden" for=id.clone()>{label.clone()}</label>
            <input
                id=id
                class="input"
                type="search"
                name="q"
                placeholder=label
                autocomplete="off"
                role="combobox"
                aria-autocomplete="list"
                aria-controls=list_id.clone()
                aria-expanded=move || is_open.get().to_string()
                aria-activedescendant=active_id
                prop:value=text
                value=text.get_untracked()
                on:input=move |event| search(event_target_value(&event))
                on:keydown=on_key
                on:blur=move |_| is_open.set(false)
            />
            <ul id=list_id class="combobox-list" role="listbox" aria-label="Suggestions" hidden=move || !is_open.get()>
                {options}
            </ul>
        </div>
    }
}
