//! The models chosen for a comparison, kept while one searches on.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::HtmlInputElement;

use super::browser;
use crate::api::encode;

const CHOSEN: &str = "patchbay.compare";
/// Columns a comparison has room for.
const MOST: usize = 5;

/// A bar with the chosen models; without a script the form around it compares what is ticked.
#[island]
pub fn CompareTray() -> impl IntoView {
    let chosen = RwSignal::new(Vec::<String>::new());
    let is_alive = RwSignal::new(false);
    Effect::new(move || {
        let kept: Vec<String> =
            browser::stored(CHOSEN).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        chosen.set(kept);
        is_alive.set(true);
        let ticked = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
            let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else {
                return;
            };
            if input.class_list().contains("compare-pick") {
                choose(chosen, &input.value(), input.checked());
            }
        });
        let _ = document().add_event_listener_with_callback("change", ticked.as_ref().unchecked_ref());
        ticked.forget();
        let replaced = Closure::<dyn Fn()>::new(move || tick(&chosen.get_untracked()));
        let _ = document().add_event_listener_with_callback("patchbay:results", replaced.as_ref().unchecked_ref());
        replaced.forget();
    });
    Effect::new(move || {
        let list = chosen.get();
        if is_alive.get() {
            tick(&list);
            if let Ok(text) = serde_json::to_string(&list) {
                browser::store(CHOSEN, &text);
            }
        }
    });
    let is_enough = move || chosen.read().len() > 1;
    let href = move || format!("/compare?models={}", encode(&chosen.read().join(",")));
    let chips = move || {
        chosen
            .get()
            .into_iter()
            .map(|id| {
                let (gone, label) = (id.clone(), format!("Leave out {id}"));
                view! {
                    <button type="button" class="chip" aria-label=label on:click=move |_| choose(chosen, &gone, false)>
                        {id}<span aria-hidden="true">" ×"</span>
                    </button>
                }
            })
            .collect_view()
    };
    view! {
        <Show when=move || is_alive.get() && !chosen.read().is_empty()>
            <div class="compare-tray" role="region" aria-label="Chosen for comparison">
                <div class="chips">{chips}</div>
                <Show
                    when=is_enough
                    fallback=|| view! { <span class="count">"Choose one more"</span> }
                >
                    <a class="button button-primary" href=href>{move || format!("Compare {}", chosen.read().len())}</a>
                </Show>
                <button type="button" class="button" on:click=move |_| chosen.set(Vec::new())>"Clear"</button>
            </div>
        </Show>
    }
}

fn choose(chosen: RwSignal<Vec<String>>, id: &str, is_chosen: bool) {
    chosen.update(|list| {
        list.retain(|other| other != id);
        if is_chosen {
            // The oldest choice makes room.
            if list.len() >= MOST {
                list.remove(0);
            }
            list.push(id.to_owned());
        }
    });
}

/// Ticks the boxes of what is chosen and no others.
fn tick(chosen: &[String]) {
    let Ok(boxes) = document().query_selector_all(".compare-pick") else { return };
    for index in 0..boxes.length() {
        if let Some(input) = boxes.get(index).and_then(|node| node.dyn_into::<HtmlInputElement>().ok()) {
            input.set_checked(chosen.contains(&input.value()));
        }
    }
}
