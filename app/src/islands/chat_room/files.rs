//! Files of the conversations that are kept on this device: in its indexed database, under `chat/file`.

use js_sys::Promise;
use leptos::prelude::window;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbDatabase, IdbKeyRange, IdbObjectStore, IdbRequest, IdbTransactionMode};

const BASE: &str = "patchbay";
const STORE: &str = "chat-files";

/// A name for a new file.
pub fn new_id() -> String {
    format!("{:x}{:x}", js_sys::Date::now().to_bits(), js_sys::Math::random().to_bits())
}

fn key(chat: &str, file: &str) -> JsValue {
    JsValue::from_str(&format!("{chat}/{file}"))
}

/// Keeps a file; false when there is no room.
pub async fn put(chat: &str, file: &str, data: &str) -> bool {
    let Some(store) = store(IdbTransactionMode::Readwrite).await else { return false };
    let Ok(request) = store.put_with_key(&JsValue::from_str(data), &key(chat, file)) else { return false };
    settled(&request).await.is_some()
}

/// A file's data.
pub async fn get(chat: &str, file: &str) -> Option<String> {
    let request = store(IdbTransactionMode::Readonly).await?.get(&key(chat, file)).ok()?;
    settled(&request).await?.as_string()
}

/// Forgets the files of a conversation.
pub async fn forget(chat: String) {
    let Some(store) = store(IdbTransactionMode::Readwrite).await else { return };
    let Ok(range) = IdbKeyRange::bound(&key(&chat, ""), &key(&chat, "\u{ffff}")) else { return };
    if let Ok(request) = store.delete(&range) {
        settled(&request).await;
    }
}

async fn store(mode: IdbTransactionMode) -> Option<IdbObjectStore> {
    let request = window().indexed_db().ok()??.open_with_u32(BASE, 1).ok()?;
    let opening = request.clone();
    let made = Closure::once_into_js(move || {
        if let Ok(base) = opening.result() {
            let _ = base.unchecked_into::<IdbDatabase>().create_object_store(STORE);
        }
    });
    request.set_onupgradeneeded(Some(made.unchecked_ref()));
    let base: IdbDatabase = settled(&request).await?.dyn_into().ok()?;
    base.transaction_with_str_and_mode(STORE, mode).ok()?.object_store(STORE).ok()
}

/// The result, once it is there.
async fn settled(request: &IdbRequest) -> Option<JsValue> {
    let end = Promise::new(&mut |done, fail| {
        request.set_onsuccess(Some(&done));
        request.set_onerror(Some(&fail));
    });
    JsFuture::from(end).await.ok()?;
    request.result().ok()
}
