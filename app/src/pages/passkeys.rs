//! Passkeys: the page that keeps them, and the button that gives one.

use leptos::prelude::*;

use super::{failed, member};
use crate::api::use_api;
use crate::components::deferred::deferred;
use crate::components::form::CallForm;
use crate::components::format;
use crate::components::title::PageTitle;
use crate::types::account::Passkey;
use crate::types::session::Session;

const HERE: &str = "/settings/passkeys";

/// The few lines that talk to the browser's passkeys; pages are complete without them.
#[component]
fn Script() -> impl IntoView {
    view! { <script type="module" src="/passkeys.js"></script> }
}

/// A button that gives a passkey; hidden until the script finds that the browser knows them.
/// Nothing where this server can have none.
#[component]
pub fn PasskeyButton(
    is_possible: bool,
    /// `code` or `confirm`; nothing to sign in.
    purpose: &'static str,
    #[prop(into)] next: String,
    text: &'static str,
) -> impl IntoView {
    is_possible.then(|| {
        view! {
            <div data-passkey=purpose hidden=true>
                <form class="form" method="post" action="/sign-in/passkey">
                    <input type="hidden" name="for" value=purpose/>
                    <input type="hidden" name="next" value=next/>
                    <input type="hidden" name="credential" data-credential=""/>
                    <button class="button" type="submit">{text}</button>
                </form>
                <p class="notice notice-bad" role="alert" hidden=true></p>
            </div>
            <Script/>
        }
    })
}

/// What to tell who comes back with a passkey that was not taken.
#[must_use]
pub fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "passkey" => "This passkey does not open an account here. Try another one, or use your password.",
        "passkey_late" => "The passkey was not given in time. Try again.",
        "passkey_copied" => {
            "This passkey was refused: it looks as if there were a copy of it. Sign in with your password, and look at your letters."
        }
        _ => return None,
    })
}

/// `/settings/passkeys`
#[component]
pub fn PasskeysPage() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match member("change how you sign in", HERE).await {
            Err(invitation) => invitation,
            Ok(session) => match api.passkeys().await {
                Ok(passkeys) => view! { <List passkeys/> <Add session/> }.into_any(),
                Err(error) => failed(error),
            },
        };
        view! {
            <PageTitle text="Passkeys"/>
            <section class="page page-narrow">
                <p><a href="/settings">"Settings"</a></p>
                <h1>"Passkeys"</h1>
                {body}
            </section>
        }
    })
}

#[component]
fn List(passkeys: Vec<Passkey>) -> impl IntoView {
    if passkeys.is_empty() {
        return view! {
            <p>"A passkey signs you in with your finger, your face or your device's PIN, and without a password. It works on this site only, so no other site can trick you out of it."</p>
        }
        .into_any();
    }
    let rows = passkeys.into_iter().map(|one| view! { <Row one/> }).collect_view();
    view! { <ul class="offers">{rows}</ul> }.into_any()
}

#[component]
fn Row(one: Passkey) -> impl IntoView {
    let path = format!("/api/v1/account/passkeys/{}", one.id);
    let badge = if one.is_synced {
        view! { <span class="badge badge-good">"Synced"</span> }
    } else {
        view! { <span class="badge">"On one device"</span> }
    };
    let used = match one.last_used_at {
        Some(then) => view! { "last used "{format::moment(&then)} }.into_any(),
        None => view! { "not used yet" }.into_any(),
    };
    let label = format!("Remove {}", one.name);
    let field = format!("New name of {}", one.name);
    view! {
        <li class="offer">
            <p><strong>{format::plain(&one.name)}</strong>" "{badge}<br/>"Made "{format::moment(&one.created_at)}", "{used}</p>
            <CallForm method="PATCH" path=path.clone() next=HERE done="It has its new name." class="inline-form">
                <label class="field"><span class="visually-hidden">{field}</span><input class="input" name="name" value=one.name required=true maxlength="100"/></label>
                <button class="button button-small" type="submit">"Rename"</button>
            </CallForm>
            <CallForm method="DELETE" path next=HERE done="The passkey opens nothing any more. Delete it on your device, too." class="inline-form">
                <button class="button button-small button-danger" type="submit" aria-label=label>"Remove"</button>
            </CallForm>
        </li>
    }
}

#[component]
fn Add(session: Session) -> impl IntoView {
    if !session.has_passkeys {
        return view! {
            <p class="notice">"Browsers know passkeys only over https under a name, or at "<code>"http://localhost"</code>", and this server is set up as "<code>{session.base_url}</code>". Its operator can change that with the setting "<code>"base_url"</code>"."</p>
        }
        .into_any();
    }
    view! {
        <h2>"Add a passkey"</h2>
        <noscript><p class="notice">"Making a passkey needs JavaScript: a browser gives them to scripts only."</p></noscript>
        <p class="notice" data-no-passkey="" hidden=true>"This browser knows no passkeys. Use a newer one."</p>
        <div data-passkey="make" hidden=true>
            <CallForm method="POST" path="/api/v1/account/passkeys" next=HERE done="The passkey is kept. From now on it signs you in.">
                <label class="field"><span>"Name "<small>"(where it is kept, such as My phone)"</small></span><input class="input" name="name" required=true maxlength="100" autocomplete="off"/></label>
                <input type="hidden" name="credential:json" data-credential=""/>
                <p><button class="button button-primary" type="submit">"Add a passkey"</button></p>
            </CallForm>
            <p class="notice notice-bad" role="alert" hidden=true></p>
        </div>
        <Script/>
    }
    .into_any()
}
