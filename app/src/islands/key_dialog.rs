//! The dialogs of the key desk: one makes a key and shows it once, one asks before deleting.

use leptos::ev::SubmitEvent;
use leptos::html::Dialog;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::copy_button::CopyControl;
use super::key_desk::Desk;
use crate::api::use_api;
use crate::types::Money;
use crate::types::keys::{CreateKey, CreatedKey};

/// Reads the form: a key to make, or what is wrong with the fields.
fn wish(fields: &[String; 8]) -> Result<CreateKey, &'static str> {
    let [name, limit, reset, expiry, workspace, models, providers, networks] = fields;
    let name = name.trim();
    if name.is_empty() {
        return Err("Give the key a name, so that you know later what uses it.");
    }
    let limit = match limit.trim().trim_start_matches('$') {
        "" => None,
        text => match text.parse::<Money>() {
            Ok(limit) if limit > Money::ZERO => Some(limit),
            _ => return Err("The limit is an amount in US dollars above zero, such as 5 or 0.50."),
        },
    };
    let expires_at = (!expiry.is_empty()).then(|| format!("{expiry}T23:59:59Z"));
    let limit_reset = reset.parse().ok().filter(|_| limit.is_some());
    let list = |text: &str| {
        let words: Vec<String> =
            text.split([',', ' ', '\n']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        (!words.is_empty()).then_some(words)
    };
    Ok(CreateKey {
        name: name.to_owned(),
        limit,
        limit_reset,
        expires_at,
        workspace_id: Some(workspace.clone()).filter(|id| !id.is_empty()),
        allowed_models: list(models),
        allowed_providers: list(providers),
        allowed_networks: list(networks),
        ..CreateKey::default()
    })
}

/// Makes a key, then shows it for the only time.
#[component]
pub fn KeyDialog(desk: Desk) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let (name, limit) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (reset, expiry) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (workspace, models) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (providers, networks) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (is_management, includes_byok) = (RwSignal::new(false), RwSignal::new(false));
    let all = [name, limit, reset, expiry, workspace, models, providers, networks];
    let problem = RwSignal::new(None::<String>);
    let created = RwSignal::new(None::<CreatedKey>);
    let is_busy = RwSignal::new(false);

    Effect::new(move || {
        let Some(element) = dialog.get() else { return };
        if desk.is_creating.get() {
            let _ = element.show_modal();
        } else if element.open() {
            element.close();
        }
    });
    let forget = move || {
        desk.is_creating.set(false);
        for field in all {
            field.set(String::new());
        }
        is_management.set(false);
        includes_byok.set(false);
        problem.set(None);
        created.set(None);
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if is_busy.get_untracked() {
            return;
        }
        match wish(&all.map(|field| field.get_untracked())) {
            Err(text) => problem.set(Some(text.to_owned())),
            Ok(mut wish) => {
                wish.is_management_key = is_management.get_untracked().then_some(true);
                wish.include_byok_in_limit = includes_byok.get_untracked().then_some(true);
                is_busy.set(true);
                spawn_local(async move {
                    match use_api().create_key(&wish).await {
                        Ok(key) => {
                            problem.set(None);
                            desk.keys.update(|keys| keys.insert(0, key.data.clone()));
                            created.set(Some(key));
                        }
                        Err(error) => {
                            problem.set(Some(error.message.clone()));
                            desk.failed(error);
                        }
                    }
                    is_busy.set(false);
                });
            }
        }
    };
    let form = move || {
        view! {
            <form on:submit=submit>
                <h2 id="create-key-title">"Create a key"</h2>
                {move || problem.get().map(|text| view! { <p class="notice notice-bad" role="alert">{text}</p> })}
                <label class="field">
                    <span>"Name"</span>
                    <input class="input" name="name" autocomplete="off" placeholder="What will use it?" bind:value=name/>
                </label>
                <div class="field-row">
                    <label class="field">
                        <span>"Limit in US dollars "<small>"(optional)"</small></span>
                        <input class="input" name="limit" inputmode="decimal" autocomplete="off" bind:value=limit/>
                    </label>
                    <label class="field">
                        <span>"Limit starts anew"</span>
                        <select class="input" name="limit_reset" bind:value=reset>
                            <option value="">"never"</option>
                            <option value="daily">"every day"</option>
                            <option value="weekly">"every Monday"</option>
                            <option value="monthly">"every month"</option>
                        </select>
                    </label>
                </div>
                <label class="field">
                    <span>"Last day "<small>"(optional, UTC)"</small></span>
                    <input class="input" type="date" name="expires_at" bind:value=expiry/>
                </label>
                <details class="more">
                    <summary>"Workspace and restrictions"</summary>
                    <label class="field">
                        <span>"Workspace"</span>
                        <select class="input" name="workspace_id" bind:value=workspace>
                            <option value="">"the current one"</option>
                            {desk.workspaces.with_value(|known| known.iter().map(|(id, name)| view! { <option value=id.clone()>{name.clone()}</option> }).collect_view())}
                        </select>
                    </label>
                    <label class="field">
                        <span>"Only these models "<small>"(such as openai/* google/gemini-2.5-pro)"</small></span>
                        <input class="input" name="allowed_models" autocomplete="off" bind:value=models/>
                    </label>
                    <label class="field">
                        <span>"Only these providers "<small>"(their slugs)"</small></span>
                        <input class="input" name="allowed_providers" autocomplete="off" bind:value=providers/>
                    </label>
                    <label class="field">
                        <span>"Only from these networks "<small>"(such as 203.0.113.0/24)"</small></span>
                        <input class="input" name="allowed_networks" autocomplete="off" bind:value=networks/>
                    </label>
                    <label class="check">
                        <input type="checkbox" name="include_byok_in_limit" bind:checked=includes_byok/>
                        "What providers bill to your own keys counts in the limit, too"
                    </label>
                    {desk.manages.then(|| view! {
                        <label class="check">
                            <input type="checkbox" name="is_management_key" bind:checked=is_management/>
                            "Management key: manages keys and settings, cannot use models"
                        </label>
                    })}
                </details>
                <p class="button-row">
                    <button type="submit" class="button button-primary" disabled=is_busy>"Create key"</button>
                    <button type="button" class="button" on:click=move |_| forget()>"Cancel"</button>
                </p>
            </form>
        }
    };
    let shown = move |key: CreatedKey| {
        view! {
            <div>
                <h2 id="create-key-title">"Your new key"</h2>
                <p>"Copy it now: it is stored only as a fingerprint and cannot be shown again."</p>
                <div class="secret">
                    <code>{key.key.clone()}</code>
                    <CopyControl text=Signal::stored(key.key)/>
                </div>
                <p class="button-row">
                    <button type="button" class="button button-primary" on:click=move |_| forget()>"Done"</button>
                </p>
            </div>
        }
    };
    view! {
        <dialog node_ref=dialog class="dialog" aria-labelledby="create-key-title" on:close=move |_| forget()>
            {move || match created.get() {
                Some(key) => shown(key).into_any(),
                None => form().into_any(),
            }}
        </dialog>
    }
}

/// Asks before a key ends.
#[component]
pub fn DeleteDialog(desk: Desk) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    Effect::new(move || {
        let Some(element) = dialog.get() else { return };
        if desk.doomed.read().is_some() {
            let _ = element.show_modal();
        } else if element.open() {
            element.close();
        }
    });
    let delete = move |_| {
        let Some(key) = desk.doomed.get_untracked() else { return };
        desk.doomed.set(None);
        desk.delete(key);
    };
    let name = move || desk.doomed.get().map(|key| key.name).unwrap_or_default();
    view! {
        <dialog node_ref=dialog class="dialog" aria-labelledby="delete-key-title" on:close=move |_| desk.doomed.set(None)>
            <h2 id="delete-key-title">"Delete this key?"</h2>
            <p><strong>{name}</strong>" stops working at once, for good. What it used stays in Activity."</p>
            <p class="button-row">
                <button type="button" class="button button-danger" on:click=delete>"Delete key"</button>
                <button type="button" class="button" on:click=move |_| desk.doomed.set(None)>"Keep it"</button>
            </p>
        </dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::keys::LimitReset;

    #[test]
    fn the_form_becomes_a_key_or_a_sentence_about_the_field() {
        let of = |name: &str, limit: &str, reset: &str, expiry: &str| {
            wish(&[name, limit, reset, expiry, "", "a/b, c/*", "", ""].map(str::to_owned))
        };
        let key = of(" CI ", "$2.50", "weekly", "2027-01-31").unwrap();
        assert_eq!(key.allowed_models.as_deref(), Some(&["a/b".to_owned(), "c/*".to_owned()][..]));
        assert_eq!((key.name.as_str(), key.limit), ("CI", Some(Money::from_cents(250))));
        assert_eq!(
            (key.limit_reset, key.expires_at.as_deref()),
            (Some(LimitReset::Weekly), Some("2027-01-31T23:59:59Z"))
        );
        assert_eq!(of("a", "", "daily", "").unwrap().limit_reset, None, "a reset without a limit means nothing");
        assert!(of(" ", "", "", "").unwrap_err().contains("name"));
        for limit in ["-1", "0", "much", "1e99"] {
            assert!(of("a", limit, "", "").unwrap_err().contains("dollars"), "{limit}");
        }
    }
}
