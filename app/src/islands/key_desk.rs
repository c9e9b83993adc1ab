//! The organization's keys: make, switch off, delete.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::browser::go_to;
use super::key_dialog::{DeleteDialog, KeyDialog};
use crate::api::{ApiError, use_api};
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
    /// Workspaces a key may belong to: id and name.
    pub workspaces: StoredValue<Vec<(String, String)>>,
    /// May make management keys.
    pub manages: bool,
}

impl Desk {
    fn set_disabled(self, hash: String, disabled: bool) {
        spawn_local(async move {
            let change = UpdateKey { disabled: Some(disabled), ..UpdateKey::default() };
            match use_api().update_key(&hash, &change).await {
                Ok(changed) => {
                    self.problem.set(None);
                    self.keys.update(|keys| {
                        if let Some(key) = keys.iter_mut().find(|key| key.hash == hash) {
                            *key = changed;
                        }
                    });
                }
                Err(error) => self.failed(error),
            }
        });
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

/// The list of keys and what can be done with them.
#[island]
pub fn KeyDesk(keys: Vec<Key>, workspaces: Vec<(String, String)>, manages: bool) -> impl IntoView {
    let desk = Desk {
        keys: RwSignal::new(keys),
        problem: RwSignal::new(None),
        is_creating: RwSignal::new(false),
        doomed: RwSignal::new(None),
        workspaces: StoredValue::new(workspaces),
        manages,
    };
    let problem = move || desk.problem.get().map(|text| view! { <p class="notice notice-bad" role="alert">{text}</p> });
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
                    <table class="table table-cards">
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
        <tr>
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
                    on:click=move |_| desk.set_disabled(hash.clone(), !is_disabled)
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
