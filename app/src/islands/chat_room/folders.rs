//! Conversations in their folders: those of this device and those of the server under one roof, folders by their names.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::room::{Gone, Place, Room};
use super::shelf;
use crate::api::{ApiResult, use_api};
use crate::components::format;
use crate::components::later::Later;
use crate::types::chats::{ChangeChat, Folder};

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    id: String,
    title: String,
    /// Name of its folder; empty for none.
    folder: String,
}

/// All that is kept. A folder's id is empty when it is only on this device.
#[derive(Clone, Copy)]
pub struct Shelves {
    /// Kept elsewhere, so that this stays small.
    pub room: StoredValue<Room>,
    pub lines: RwSignal<Vec<Line>>,
    pub folders: RwSignal<Vec<Folder>>,
    /// The server has not answered yet.
    pub is_waiting: RwSignal<bool>,
}

impl Shelves {
    fn room(self) -> Room {
        self.room.get_value()
    }

    /// Reads what has `words`: first this device, then the server.
    pub fn fill(self, words: String) {
        let found = shelf::find(&words).into_iter();
        let own: Vec<Line> =
            found.map(|entry| Line { id: entry.id, title: entry.title, folder: entry.folder }).collect();
        let before = self.folders.get_untracked();
        self.folders.set(with_device(before.into_iter().filter(|folder| !folder.id.is_empty()).collect()));
        self.lines.update(|lines| {
            lines.retain(|line| !shelf::is_device_id(&line.id));
            lines.splice(0..0, own.iter().cloned());
        });
        spawn_local(async move {
            let (chats, folders) = (use_api().chats(&words).await, use_api().chat_folders().await);
            self.is_waiting.set(false);
            let (Ok(chats), Ok(folders)) = (chats, folders) else { return };
            let name = |id: Option<String>| {
                let folder = folders.iter().find(|folder| Some(&folder.id) == id.as_ref());
                folder.map(|folder| folder.name.clone()).unwrap_or_default()
            };
            let mut lines = own;
            lines.extend(chats.into_iter().map(|chat| Line {
                id: chat.id,
                title: chat.title,
                folder: name(chat.folder_id),
            }));
            self.lines.set(lines);
            self.folders.set(with_device(folders));
        });
    }

    /// The conversations of a folder, without one that is being deleted.
    pub fn shown(self, folder: &str) -> Vec<Line> {
        let gone = self.room().gone.get().map(|gone| gone.id);
        let lines = self.lines.read();
        lines.iter().filter(|line| line.folder == folder && Some(&line.id) != gone.as_ref()).cloned().collect()
    }

    /// Does it on the server, tells what went wrong, and reads everything again.
    fn change(self, work: impl Future<Output = ApiResult<()>> + 'static) {
        spawn_local(async move {
            if let Err(error) = work.await {
                self.room().told.set(Some(error.message));
            }
            self.room().shelved.notify();
        });
    }

    fn server_id(self, name: &str) -> Option<String> {
        let folders = self.folders.read_untracked();
        folders.iter().find(|folder| folder.name == name && !folder.id.is_empty()).map(|folder| folder.id.clone())
    }

    /// Makes a folder where conversations are kept now.
    fn create(self, name: String) {
        if self.room().place.get_untracked() == Place::Device {
            shelf::set_folder("", Some(&name));
            return self.room().shelved.notify();
        }
        self.change(async move { use_api().keep_chat_folder(None, &name).await.map(|_| ()) });
    }

    /// Renames a folder wherever it is; `None` takes it away and keeps what is in it.
    fn set(self, old: String, new: Option<String>) {
        if shelf::folders().contains(&old) {
            shelf::set_folder(&old, new.as_deref());
        }
        let id = self.server_id(&old);
        self.change(async move {
            match (id, new) {
                (Some(id), Some(new)) => use_api().keep_chat_folder(Some(&id), &new).await.map(|_| ()),
                (Some(id), None) => use_api().delete_chat_folder(&id).await,
                (None, _) => Ok(()),
            }
        });
    }

    /// Gives a conversation another title and folder.
    fn place(self, line: &Line, title: String, folder: String) {
        let id = line.id.clone();
        if shelf::is_device_id(&id) {
            if !folder.is_empty() {
                shelf::set_folder("", Some(&folder));
            }
            shelf::change(&id, |entry| {
                entry.is_named |= entry.title != title;
                entry.title = title;
                entry.folder = folder;
            });
            return self.room().shelved.notify();
        }
        let known = self.server_id(&folder);
        self.change(async move {
            let folder_id = match known {
                Some(id) => id,
                None if folder.is_empty() => String::new(),
                None => use_api().keep_chat_folder(None, &folder).await?.id,
            };
            use_api().change_chat(&id, &ChangeChat { title: Some(title), folder_id: Some(folder_id) }).await
        });
    }

    /// Puts a conversation on the screen.
    fn open(self, id: String) {
        let room = self.room();
        spawn_local(async move {
            if !shelf::is_device_id(&id) {
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
            room.id.set(Some(id.clone()));
            room.fetch_files(id);
        });
    }
}

/// The server's folders and this device's, by name.
fn with_device(mut folders: Vec<Folder>) -> Vec<Folder> {
    for name in shelf::folders() {
        if folders.iter().all(|folder| folder.name != name) {
            folders.push(Folder { id: String::new(), name });
        }
    }
    folders.sort_by_key(|folder| folder.name.to_lowercase());
    folders
}

/// A folder that opens, with what can be done to it.
#[component]
pub fn FolderView(shelves: Shelves, name: String) -> impl IntoView {
    let is_renaming = RwSignal::new(false);
    let (counted, folder, own) = (name.clone(), name.clone(), name.clone());
    let remove = move |_| shelves.set(own.clone(), None);
    let shown = format::plain(&name);
    let draft = RwSignal::new(name.clone());
    let rename = move |event: SubmitEvent| {
        event.prevent_default();
        let new = draft.get_untracked().trim().to_owned();
        is_renaming.set(false);
        if !new.is_empty() && new != name {
            shelves.set(name.clone(), Some(new));
        }
    };
    view! {
        <details class="chat-folder" open>
            <summary>{shown.clone()}" "<span class="count">{move || shelves.shown(&counted).len()}</span></summary>
            <p class="chat-folder-tools">
                <button
                    type="button"
                    class="code-copy"
                    aria-label=format!("Rename the folder {shown}")
                    aria-expanded=move || is_renaming.get().to_string()
                    on:click=move |_| is_renaming.update(|is_on| *is_on = !*is_on)
                >
                    "Rename"
                </button>
                <button
                    type="button"
                    class="code-copy"
                    aria-label=format!("Remove the folder {shown} and keep its conversations")
                    on:click=remove
                >
                    "Remove"
                </button>
            </p>
            <form class="chat-place" hidden=move || !is_renaming.get() on:submit=rename>
                <NameField label="Name" value=draft/>
                <button type="submit" class="button button-small">"Save"</button>
            </form>
            <Lines shelves folder/>
        </details>
    }
}

#[component]
fn NameField(
    label: &'static str,
    value: RwSignal<String>,
    #[prop(default = "80")] most: &'static str,
) -> impl IntoView {
    let change = move |event| value.set(event_target_value(&event));
    view! {
        <label class="field">
            <small>{label}</small>
            <input class="input" autocomplete="off" maxlength=most prop:value=value on:input=change/>
        </label>
    }
}

/// The conversations of a folder.
#[component]
pub fn Lines(shelves: Shelves, folder: String) -> impl IntoView {
    view! {
        <ul>
            <For
                each=move || shelves.shown(&folder)
                key=|line| (line.id.clone(), line.title.clone())
                children=move |line| view! { <LineView shelves line/> }
            />
        </ul>
    }
}

#[component]
fn LineView(shelves: Shelves, line: Line) -> impl IntoView {
    let room = shelves.room();
    let is_changing = RwSignal::new(false);
    let title = format::plain(&line.title);
    let (id, current) = (line.id.clone(), line.id.clone());
    let is_on_server = !shelf::is_device_id(&id);
    let gone = Gone { id: line.id.clone(), title: title.clone() };
    let is_open = move || (room.id.read().as_deref() == Some(current.as_str())).then_some("true");
    let (change, delete) = (format!("Name or move {title}"), format!("Delete {title}"));
    view! {
        <li class="chat-line">
            <button type="button" class="menu-button" aria-current=is_open on:click=move |_| shelves.open(id.clone())>
                {title}
                {is_on_server.then(|| view! { " " <span class="badge">"Server"</span> })}
            </button>
            <button
                type="button"
                class="code-copy"
                aria-label=change
                aria-expanded=move || is_changing.get().to_string()
                on:click=move |_| is_changing.update(|is_on| *is_on = !*is_on)
            >
                "⋯"
            </button>
            <button type="button" class="code-copy" aria-label=delete on:click=move |_| room.put_away(gone.clone())>"×"</button>
            <Later when=move || is_changing.get()>
                <PlaceForm shelves line=line.clone() is_changing/>
            </Later>
        </li>
    }
}

/// Another title or folder for a conversation.
#[component]
fn PlaceForm(shelves: Shelves, line: Line, is_changing: RwSignal<bool>) -> impl IntoView {
    let title = RwSignal::new(line.title.clone());
    let folder = RwSignal::new(line.folder.clone());
    let options = std::iter::once(String::new())
        .chain(shelves.folders.get_untracked().into_iter().map(|folder| folder.name))
        .map(|name| {
            let is_here = name == line.folder;
            let text = if name.is_empty() { "no folder".to_owned() } else { format::plain(&name) };
            view! { <option value=name selected=is_here>{text}</option> }
        })
        .collect_view();
    let save = move |event: SubmitEvent| {
        event.prevent_default();
        let title = title.get_untracked().trim().to_owned();
        is_changing.set(false);
        if !title.is_empty() {
            shelves.place(&line, title, folder.get_untracked());
        }
    };
    view! {
        <form class="chat-place" on:submit=save>
            <NameField label="Title" value=title most="120"/>
            <label class="field">
                <small>"Folder"</small>
                <select class="input" on:change=move |event| folder.set(event_target_value(&event))>{options}</select>
            </label>
            <button type="submit" class="button button-small">"Save"</button>
        </form>
    }
}

/// The field that makes a folder.
#[component]
pub fn NewFolder(shelves: Shelves) -> impl IntoView {
    let name = RwSignal::new(String::new());
    let create = move |event: SubmitEvent| {
        event.prevent_default();
        let wanted = name.get_untracked().trim().to_owned();
        if !wanted.is_empty() {
            name.set(String::new());
            shelves.create(wanted);
        }
    };
    view! {
        <form class="chat-place" on:submit=create>
            <NameField label="New folder" value=name/>
            <button type="submit" class="button button-small">"Add"</button>
        </form>
    }
}
