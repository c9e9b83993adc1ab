//! The organization's keys: make, switch off, delete.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::browser::{delete_on_leave, go_to};
use super::key_dialog::{DeleteDialog, KeyDialog};
use super::toast::{TIME, Toast};
use crate::api::{ApiError, encode, use_api};
use crate::components::format;
use crate::types::Money;
use crate::types::keys::{Key, UpdateKey};

/// What the parts of the desk share.
#[derive(Clone, Copy)]
pub struct Desk {
    pub keys: RwSignal<Vec<Key>>,
    /// What failed last, for the person.
    pub problem: RwSignal<Option<String>>,
    /// The create dialog is open.
    pub is_creating: RwSignal<bool>,
    /// The key whose deletion waits for a yes.
    pub doomed: RwSignal<Option<Key>>,
    /// What was done last, as long as it can be taken back.
    done: RwSignal<Option<Done>>,
    /// Workspaces a key may belong to: id and name.
    pub workspaces: StoredValue<Vec<(String, String)>>,
    /// May make management keys.
    pub manages: bool,
}

/// What was done last, and can be taken back.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    Switched {
        hash: String,
        name: String,
        is_disabled: bool,
    },
    /// It is off already, and ends when the time is over. The number is its place in the list.
    Deleted(usize, Box<Key>),
}

impl Desk {
    /// Switches a key on or off: in the list at once, and back when that failed.
    fn set_disabled(self, hash: &str, is_disabled: bool) {
        self.finish();
        let name = self.show_disabled(hash, is_disabled);
        let done = Done::Switched { hash: hash.to_owned(), name, is_disabled };
        self.tell(done.clone());
        self.send_disabled(hash.to_owned(), is_disabled, move |desk| {
            desk.show_disabled(&hash_of(&done), !is_disabled);
            desk.done.update(|last| {
                last.take_if(|last| *last == done);
            });
        });
    }

    fn show_disabled(self, hash: &str, is_disabled: bool) -> String {
        let mut name = String::new();
        self.keys.update(|keys| {
            if let Some(key) = keys.iter_mut().find(|key| key.hash == hash) {
                key.disabled = is_disabled;
                name.clone_from(&key.name);
            }
        });
        name
    }

    fn send_disabled(self, hash: String, is_disabled: bool, failed: impl FnOnce(Self) + 'static) {
        spawn_local(async move {
            let change = UpdateKey { disabled: Some(is_disabled), ..UpdateKey::default() };
            match use_api().update_key(&hash, &change).await {
                Ok(_) => self.problem.set(None),
                Err(error) => {
                    failed(self);
                    self.failed(error);
                }
            }
        });
    }

    /// Takes a key out of the list. It stops working at once, and ends when it cannot be taken back any more.
    pub fn delete(self, key: Key) {
        self.finish();
        let place = self.keys.read_untracked().iter().position(|other| other.hash == key.hash).unwrap_or(0);
        self.keys.update(|keys| keys.retain(|other| other.hash != key.hash));
        let done = Done::Deleted(place, Box::new(key.clone()));
        self.tell(done);
        if !key.disabled {
            self.send_disabled(key.hash.clone(), true, Self::take_back);
        }
    }

    /// Offers the way back for a while.
    fn tell(self, done: Done) {
        self.done.set(Some(done.clone()));
        let is_over = move || {
            if self.done.try_get_untracked().flatten().as_ref() == Some(&done) {
                self.finish();
            }
        };
        set_timeout(is_over, TIME);
    }

    /// What was done last stays so.
    fn finish(self) {
        if let Some(Done::Deleted(_, key)) = self.done.try_update(Option::take).flatten() {
            spawn_local(async move {
                if let Err(error) = use_api().delete_key(&key.hash).await {
                    self.failed(error);
                }
            });
        }
    }

    /// What was done last is undone.
    fn take_back(self) {
        match self.done.try_update(Option::take).flatten() {
            Some(Done::Switched { hash, is_disabled, .. }) => {
                self.show_disabled(&hash, !is_disabled);
                self.send_disabled(hash.clone(), !is_disabled, move |desk| {
                    desk.show_disabled(&hash, is_disabled);
                });
            }
            Some(Done::Deleted(place, key)) => {
                self.keys.update(|keys| keys.insert(place.min(keys.len()), (*key).clone()));
                if !key.disabled {
                    self.send_disabled(key.hash.clone(), false, move |desk| {
                        desk.show_disabled(&key.hash, true);
                    });
                }
            }
            None => {}
        }
    }

    /// Says what failed, or leads to where the password is given once more.
    pub fn failed(self, error: ApiError) {
        if error.status == 403 && error.message.contains("/confirm") {
            go_to("/confirm?next=/keys");
        } else {
            self.problem.set(Some(error.message));
        }
    }
}

fn hash_of(done: &Done) -> String {
    match done {
        Done::Switched { hash, .. } => hash.clone(),
        Done::Deleted(_, key) => key.hash.clone(),
    }
}

/// The list of keys and what can be done with them.
#[island]
pub fn KeyDesk(keys: Vec<Key>, workspaces: Vec<(String, String)>, manages: bool) -> impl IntoView {
    let desk = Desk {
        keys: RwSignal::new(keys),
        problem: RwSignal::new(None),
        is_creating: RwSignal::new(false),
        doomed: RwSignal::new(None),
        done: RwSignal::new(None),
        workspaces: StoredValue::new(workspaces),
        manages,
    };
    let problem = move || desk.problem.get().map(|text| view! { <p class="notice notice-bad" role="alert">{text}</p> });
    let toast = move || {
        desk.done.get().map(|done| {
            let text = match done {
                Done::Switched { name, is_disabled: true, .. } => format!("“{}” disabled.", format::plain(&name)),
                Done::Switched { name, .. } => format!("“{}” enabled.", format::plain(&name)),
                Done::Deleted(_, key) => format!("“{}” deleted.", format::plain(&key.name)),
            };
            view! { <Toast text on_undo=move |()| desk.take_back()/> }
        })
    };
    // Who leaves meant what he did.
    Effect::new(move || {
        let listener = window_event_listener_untyped("pagehide", move |_| {
            if let Some(Done::Deleted(_, key)) = desk.done.try_update(Option::take).flatten() {
                delete_on_leave(&format!("/api/v1/keys/{}", encode(&key.hash)));
            }
        });
        on_cleanup(move || listener.remove());
    });
    view! {
        <div class="desk">
            <p class="desk-actions">
                <button type="button" class="button button-primary" on:click=move |_| desk.is_creating.set(true)>
                    "Create key"
                </button>
            </p>
            {problem}
            <Show
                when=move || !desk.keys.read().is_empty()
                fallback=|| view! {
                    <div class="empty">
                        <p class="empty-title">"No keys yet."</p>
                        <p class="empty-text">
                            "A key lets a program send requests that this organization pays for. Give each program its own, with a limit it should never reach."
                        </p>
                    </div>
                }
            >
                <div class="table-scroll" tabindex="0" role="region" aria-label="Keys">
                    <table class="table table-cards table-wide">
                        <caption class="visually-hidden">"Keys of this organization"</caption>
                        <thead>
                            <tr>
                                <th scope="col">"Name"</th>
                                <th scope="col">"Key"</th>
                                <th scope="col">"Workspace"</th>
                                <th scope="col" class="number">"Used"</th>
                                <th scope="col" class="number">"Limit"</th>
                                <th scope="col">"Created"</th>
                                <th scope="col">"Last used"</th>
                                <th scope="col">"State"</th>
                                <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                            </tr>
                        </thead>
                        <tbody>
                            <For
                                each=move || desk.keys.get()
                                key=|key| (key.hash.clone(), key.disabled)
                                children=move |key| view! { <KeyRow desk key/> }
                            />
                        </tbody>
                    </table>
                </div>
            </Show>
            <KeyDialog desk/>
            <DeleteDialog desk/>
            {toast}
        </div>
    }
}

#[component]
fn KeyRow(desk: Desk, key: Key) -> impl IntoView {
    let limit = match (key.limit, key.limit_reset) {
        (Some(limit), Some(reset)) => format!("{} {}", limit.dollars_short(), reset.as_str()),
        (Some(limit), None) => limit.dollars_short(),
        (None, _) => "none".to_owned(),
    };
    let state = if key.disabled { "Disabled" } else { "Active" };
    let class = if key.disabled { "badge" } else { "badge badge-good" };
    let action = if key.disabled { "Enable" } else { "Disable" };
    let expiry = key.expires_at.as_deref().map(|time| format!("until {}", format::moment(time)));
    let workspace = desk.workspaces.with_value(|known| {
        known.iter().find(|(id, _)| *id == key.workspace_id).map_or_else(|| "–".to_owned(), |(_, name)| name.clone())
    });
    let restricted =
        !(key.allowed_models.is_empty() && key.allowed_providers.is_empty() && key.allowed_networks.is_empty());
    let own_keys = (key.byok_usage > Money::ZERO || key.include_byok_in_limit).then(|| {
        let counts = if key.include_byok_in_limit { ", counted in the limit" } else { "" };
        view! { <br/> <small>{format!("own keys {}{counts}", key.byok_usage.dollars())}</small> }
    });
    let (hash, is_disabled, name) = (key.hash.clone(), key.disabled, key.name.clone());
    let doomed = key.clone();
    let last_used = key.last_used_at.as_deref().map_or_else(|| "never".to_owned(), format::moment);
    view! {
        <tr id=format!("key-{}", key.hash)>
            <th scope="row" data-label="Name">
                {format::plain(&key.name)}
                {restricted.then(|| view! { " " <span class="badge">"Restricted"</span> })}
                {key.is_management_key.then(|| view! { " " <span class="badge badge-accent">"Management"</span> })}
            </th>
            <td data-label="Key"><code>{key.label}</code></td>
            <td data-label="Workspace">{workspace}</td>
            <td data-label="Used" class="number">{key.usage.dollars()}{own_keys}</td>
            <td data-label="Limit" class="number">{limit}</td>
            <td data-label="Created">{format::moment(&key.created_at)}</td>
            <td data-label="Last used">{last_used}</td>
            <td data-label="State">
                <span class=class>{state}</span>
                {expiry.map(|text| view! { " " <small>{text}</small> })}
            </td>
            <td class="row-actions">
                <button
                    type="button"
                    class="button button-small"
                    aria-label=format!("{action} {name}")
                    on:click=move |_| desk.set_disabled(&hash, !is_disabled)
                >
                    {action}
                </button>
                <button
                    type="button"
                    class="button button-small button-danger"
                    aria-label=format!("Delete {}", key.name)
                    on:click=move |_| desk.doomed.set(Some(doomed.clone()))
                >
                    "Delete"
                </button>
            </td>
        </tr>
    }
}
