//! Conversations kept on this device.

use leptos::task::spawn_local;
use serde::{Deserialize, Serialize};

use super::files;
use super::room::Place;
use crate::islands::browser;
use crate::types::chats::ChatDocument;

const INDEX: &str = "patchbay.chats";
/// Names of the folders on this device, empty ones too.
const FOLDERS: &str = "patchbay.chat.folders";
const PLACE: &str = "patchbay.chat.place";
/// Marks the ids that are only this device's.
const PREFIX: &str = "device-";
/// Conversations a device keeps; the oldest go first.
const MOST: usize = 100;

/// One line of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub id: String,
    pub title: String,
    /// The person chose the title.
    #[serde(default)]
    pub is_named: bool,
    /// Name of its folder; empty for none.
    #[serde(default)]
    pub folder: String,
}

fn key(id: &str) -> String {
    format!("patchbay.chat.{id}")
}

/// Where this device keeps what is said.
pub fn place() -> Place {
    if browser::stored(PLACE).as_deref() == Some("server") { Place::Server } else { Place::Device }
}

pub fn set_place(place: Place) {
    browser::store(PLACE, if place == Place::Server { "server" } else { "device" });
}

pub fn is_device_id(id: &str) -> bool {
    id.starts_with(PREFIX)
}

pub fn new_device_id() -> String {
    format!("{PREFIX}{:x}{:x}", js_sys::Date::now().to_bits(), js_sys::Math::random().to_bits())
}

/// The conversations of this device, newest first.
pub fn list() -> Vec<Entry> {
    browser::stored(INDEX).and_then(|text| serde_json::from_slice(text.as_bytes()).ok()).unwrap_or_default()
}

fn write_list(entries: &[Entry]) {
    if let Ok(text) = serde_json::to_string(entries) {
        browser::store(INDEX, &text);
    }
}

/// Keeps a conversation; false when there is no room.
pub fn put(id: &str, document: &ChatDocument) -> bool {
    let Ok(text) = serde_json::to_string(document) else { return false };
    browser::store(&key(id), &text);
    if browser::stored(&key(id)).as_deref() != Some(text.as_str()) {
        return false;
    }
    let mut entries = list();
    let place = entries.iter().position(|entry| entry.id == id);
    let mut entry = place.map(|place| entries.remove(place)).unwrap_or_default();
    id.clone_into(&mut entry.id);
    if !entry.is_named {
        entry.title = document.title();
    }
    entries.insert(0, entry);
    for gone in entries.iter().skip(MOST) {
        forget(&gone.id);
    }
    entries.truncate(MOST);
    write_list(&entries);
    true
}

pub fn get(id: &str) -> Option<ChatDocument> {
    serde_json::from_slice(browser::stored(&key(id))?.as_bytes()).ok()
}

fn forget(id: &str) {
    browser::forget(&key(id));
    spawn_local(files::forget(id.to_owned()));
}

/// Changes what the list says about a conversation.
pub fn change(id: &str, change: impl FnOnce(&mut Entry)) {
    let mut entries = list();
    if let Some(entry) = entries.iter_mut().find(|entry| entry.id == id) {
        change(entry);
        write_list(&entries);
    }
}

/// The folders of this device.
pub fn folders() -> Vec<String> {
    browser::stored(FOLDERS).and_then(|text| serde_json::from_slice(text.as_bytes()).ok()).unwrap_or_default()
}

/// Puts `new` in the place of the folder `old`, or makes it; `None` takes the folder away and keeps what is in it.
pub fn set_folder(old: &str, new: Option<&str>) {
    let mut names = folders();
    names.retain(|name| name != old && Some(name.as_str()) != new);
    names.extend(new.map(str::to_owned));
    if let Ok(text) = serde_json::to_string(&names) {
        browser::store(FOLDERS, &text);
    }
    let mut entries = list();
    for entry in entries.iter_mut().filter(|entry| !old.is_empty() && entry.folder == old) {
        new.unwrap_or_default().clone_into(&mut entry.folder);
    }
    write_list(&entries);
}

pub fn remove(id: &str) {
    forget(id);
    let mut entries = list();
    entries.retain(|entry| entry.id != id);
    write_list(&entries);
}

/// Those whose text, title or folder has these words.
pub fn find(words: &str) -> Vec<Entry> {
    let words = words.trim().to_lowercase();
    let has = |entry: &Entry| {
        words.is_empty()
            || [&entry.title, &entry.folder].iter().any(|text| text.to_lowercase().contains(&words))
            || browser::stored(&key(&entry.id)).is_some_and(|text| text.to_lowercase().contains(&words))
    };
    list().into_iter().filter(has).collect()
}

/// What was talked about last on this device.
pub fn last_device_chat() -> Option<(String, ChatDocument)> {
    let entry = list().into_iter().next()?;
    let document = get(&entry.id)?;
    Some((entry.id, document))
}
