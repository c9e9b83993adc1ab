//! A form whose results follow while one types: the page of the new address is
//! fetched, and its results take the place of those shown.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::HtmlFormElement;

use super::browser;

/// How long to wait for the next letter.
const PAUSE: Duration = Duration::from_millis(150);

/// Ties the form with the id `form` to the part of the page with the id `target`.
#[island]
pub fn LiveForm(form: String, target: String) -> impl IntoView {
    let latest = StoredValue::new(0_u32);
    Effect::new(move || {
        let Some(element) = document().get_element_by_id(&form).and_then(|e| e.dyn_into::<HtmlFormElement>().ok())
        else {
            return;
        };
        let (watched, target) = (element.clone(), target.clone());
        let changed = Closure::<dyn Fn()>::new(move || {
            let number = latest.get_value().wrapping_add(1);
            latest.set_value(number);
            let (form, target) = (watched.clone(), target.clone());
            set_timeout(
                move || {
                    if latest.get_value() == number {
                        spawn_local(async move { refresh(&form, &target, move || latest.get_value() == number).await });
                    }
                },
                PAUSE,
            );
        });
        let _ = element.add_event_listener_with_callback("input", changed.as_ref().unchecked_ref());
        // It listens as long as the page lives.
        changed.forget();
    });
}

async fn refresh(form: &HtmlFormElement, target: &str, is_latest: impl Fn() -> bool) {
    let address = browser::form_address(form);
    let Some(part) = document().get_element_by_id(target) else { return };
    let _ = part.set_attribute("aria-busy", "true");
    let html = browser::page_part(&address, target).await;
    if !is_latest() {
        return;
    }
    let _ = part.remove_attribute("aria-busy");
    match html {
        Some(html) => {
            part.set_inner_html(&html);
            browser::replace_address(&address);
            browser::announce("patchbay:results");
        }
        // The server did not answer with such a page: let the browser show what it said.
        None => browser::go_to(&address),
    }
}
