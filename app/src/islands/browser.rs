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

/// The address a form leads to, without its empty fields.
#[must_use]
pub fn form_address(form: &web_sys::HtmlFormElement) -> String {
    let path = form.get_attribute("action").unwrap_or_default();
    let Ok(data) = web_sys::FormData::new_with_form(form) else { return path };
    let mut out = path;
    let mut separator = '?';
    for pair in data.entries().into_iter().flatten() {
        let pair = js_sys::Array::from(&pair);
        let [name, value] = [0, 1].map(|index| pair.get(index).as_string().unwrap_or_default());
        if !value.is_empty() {
            out.push(separator);
            for part in [&crate::api::encode(&name), "=", &crate::api::encode(&value)] {
                out.push_str(part);
            }
            separator = '&';
        }
    }
    out
}

/// The inside of the element `id` in the page at `address`.
pub async fn page_part(address: &str, id: &str) -> Option<String> {
    let response = wasm_bindgen_futures::JsFuture::from(window().fetch_with_str(address)).await.ok()?;
    let response = response.dyn_into::<web_sys::Response>().ok()?;
    if !response.ok() {
        return None;
    }
    let text = wasm_bindgen_futures::JsFuture::from(response.text().ok()?).await.ok()?.as_string()?;
    let page = web_sys::DomParser::new().ok()?;
    let page = page.parse_from_string(&text, web_sys::SupportedType::TextHtml).ok()?;
    Some(page.get_element_by_id(id)?.inner_html())
}

/// Writes `address` into the address bar, without a new page and without a step back.
pub fn replace_address(address: &str) {
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(address));
    }
}

/// Tells other islands of this page that something happened.
pub fn announce(name: &str) {
    if let Ok(event) = web_sys::Event::new(name) {
        let _ = document().dispatch_event(&event);
    }
}

/// Forgets what this device keeps under `name`.
pub fn forget(name: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.remove_item(name);
    }
}

/// Where this site is reached.
#[must_use]
pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// Offers `text` as a file.
pub fn download(name: &str, kind: &str, text: &str) {
    let wishes = web_sys::BlobPropertyBag::new();
    wishes.set_type(kind);
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    let Ok(blob) = web_sys::Blob::new_with_str_sequence_and_options(&parts, &wishes) else { return };
    let Ok(address) = web_sys::Url::create_object_url_with_blob(&blob) else { return };
    let Ok(link) = document().create_element("a") else { return };
    let _ = link.set_attribute("href", &address);
    let _ = link.set_attribute("download", name);
    if let Ok(link) = link.dyn_into::<web_sys::HtmlElement>() {
        link.click();
    }
    // The browser reads it after the click; a minute is enough to begin.
    let forget = move || drop(web_sys::Url::revoke_object_url(&address));
    leptos::prelude::set_timeout(forget, std::time::Duration::from_mins(1));
}

/// Deletes what is at an address of the API while the page is being left, when no answer can be waited for.
pub fn delete_on_leave(path: &str) {
    let wishes = web_sys::RequestInit::new();
    wishes.set_method("DELETE");
    let _ = js_sys::Reflect::set(&wishes, &"keepalive".into(), &JsValue::TRUE);
    let _ = window().fetch_with_str_and_init(path, &wishes);
}

/// The text of a file.
pub async fn read_text(file: &web_sys::File) -> Option<String> {
    wasm_bindgen_futures::JsFuture::from(file.text()).await.ok()?.as_string()
}

/// A file as `data:kind;base64,…`.
pub async fn read_data_url(file: &web_sys::File) -> Option<String> {
    let reader = web_sys::FileReader::new().ok()?;
    let loaded = js_sys::Promise::new(&mut |done, _| reader.set_onloadend(Some(&done)));
    reader.read_as_data_url(file).ok()?;
    wasm_bindgen_futures::JsFuture::from(loaded).await.ok()?;
    reader.result().ok()?.as_string()
}
