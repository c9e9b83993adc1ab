//! The few things islands ask of the browser. Never called on the server.

use leptos::prelude::{document, window};
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{HtmlDocument, HtmlTextAreaElement};

/// Puts `text` on the clipboard and tells whether that worked.
pub async fn copy_text(text: &str) -> bool {
    let navigator = window().navigator();
    // The clipboard exists only on HTTPS and on the loopback address.
    let has_clipboard =
        js_sys::Reflect::get(&navigator, &JsValue::from_str("clipboard")).is_ok_and(|value| !value.is_undefined());
    if has_clipboard {
        return wasm_bindgen_futures::JsFuture::from(navigator.clipboard().write_text(text)).await.is_ok();
    }
    copy_through_selection(text).unwrap_or(false)
}

fn copy_through_selection(text: &str) -> Option<bool> {
    let document = document().dyn_into::<HtmlDocument>().ok()?;
    let area = document.create_element("textarea").ok()?.dyn_into::<HtmlTextAreaElement>().ok()?;
    area.set_value(text);
    area.set_class_name("visually-hidden");
    let body = document.body()?;
    body.append_child(&area).ok()?;
    area.select();
    let is_copied = document.exec_command("copy").unwrap_or(false);
    area.remove();
    Some(is_copied)
}

/// What this device keeps under `name`.
#[must_use]
pub fn stored(name: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(name).ok()?
}

/// Keeps `value` on this device. A full or forbidden store is no reason to stop.
pub fn store(name: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(name, value);
    }
}

/// Sets a cookie of this site that lasts a year.
pub fn set_cookie(name: &str, value: &str) {
    if let Ok(document) = document().dyn_into::<HtmlDocument>() {
        let _ = document.set_cookie(&format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax"));
    }
}

/// Milliseconds since the page was opened.
#[must_use]
pub fn now_ms() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}

/// Leaves for another page of this site.
pub fn go_to(path: &str) {
    let _ = window().location().set_href(path);
}
