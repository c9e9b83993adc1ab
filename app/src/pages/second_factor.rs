//! The second step at sign-in: the form that asks for the code, and the page that switches it on.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::passkeys::{PasskeyButton, advice};
use super::{failed, member, session};
use crate::api::use_api;
use crate::components::deferred::deferred;
use crate::components::form::CallForm;
use crate::components::format;
use crate::components::title::PageTitle;
use crate::types::account::{SecondFactor, SecondFactorSetup};

const HERE: &str = "/settings/second-factor";

/// `/sign-in/code?next=`
#[component]
pub fn SignInCode() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let next = query.get("next").unwrap_or_default();
    let problem = query.get("error").map(|error| {
        let text = match error.as_str() {
            "throttled" => "Too many attempts. Wait a few minutes, then try again.",
            "passkey" => "That is not a passkey of yours. Try another one, or give a code.",
            other => advice(other).unwrap_or("This code is wrong, too old or was used before. Wait for the app's next one, and check that the phone's clock is right."),
        };
        view! { <p class="notice notice-bad" role="alert">{text}</p> }
    });
    deferred(async move {
        let may_give_passkey = session().await.may_give_passkey;
        let other = next.clone();
        view! {
            <PageTitle text="Your code"/>
            <section class="page page-form">
                <h1>"Your code"</h1>
                {problem}
                <form class="form" method="post" action="/sign-in/code">
                    <input type="hidden" name="next" value=next/>
                    <Code label="Six digits from your authenticator app, or a recovery code"/>
                    <button class="button button-primary" type="submit">"Sign in"</button>
                </form>
                <PasskeyButton is_possible=may_give_passkey purpose="code" next=other text="Use a passkey instead"/>
                <p class="form-foot">"Lost both? This server's operator can switch the second step off. "<a href="/sign-in">"Start again"</a></p>
            </section>
        }
    })
}

#[component]
fn Code(label: &'static str) -> impl IntoView {
    view! {
        <label class="field">
            <span>{label}</span>
            <input class="input" name="code" autocomplete="one-time-code" autocapitalize="off" spellcheck="false" required=true maxlength="40"/>
        </label>
    }
}

/// `/settings/second-factor`
#[component]
pub fn SecondFactorPage() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match member("change how you sign in", HERE).await {
            Err(invitation) => invitation,
            Ok(_) => match api.second_factor().await {
                Ok(state) => shown(state),
                Err(error) => failed(error),
            },
        };
        view! {
            <PageTitle text="Second step"/>
            <section class="page page-narrow">
                <p><a href="/settings">"Settings"</a></p>
                <h1>"Second step at sign-in"</h1>
                {body}
            </section>
        }
    })
}

fn shown(state: SecondFactor) -> AnyView {
    match state {
        SecondFactor { is_on: true, since, recovery_codes_left, .. } => view! {
            <p><span class="badge badge-good">"On"</span>" since "{format::moment(&since.unwrap_or_default())}". Signing in asks for your password and a code of your app."</p>
            <h2>"Recovery codes"</h2>
            <p>{left(recovery_codes_left)}</p>
            <CallForm method="POST" path="/api/v1/account/second-factor/recovery-codes" next=HERE done="">
                <Code label="A code, to make new ones"/>
                <p><button class="button" type="submit">"Make new recovery codes"</button></p>
            </CallForm>
            <h2>"Switch it off"</h2>
            <CallForm method="POST" path="/api/v1/account/second-factor/off" next=HERE done="">
                <label class="field"><span>"Password"</span><input class="input" type="password" name="password" autocomplete="current-password" required=true/></label>
                <Code label="A code of the app, or a recovery code"/>
                <p><button class="button button-danger" type="submit">"Switch the second step off"</button></p>
            </CallForm>
        }
        .into_any(),
        SecondFactor { setup: Some(setup), .. } => view! { <Setup setup/> }.into_any(),
        SecondFactor { .. } => view! {
            <p>"With a second step a stolen password is not enough: signing in also asks for a code that an app on your phone shows, such as Aegis, 2FAS, Google Authenticator or your password manager."</p>
            <CallForm method="POST" path="/api/v1/account/second-factor" next=HERE done="Scan the code below, then type what your app shows.">
                <p><button class="button button-primary" type="submit">"Set it up"</button></p>
            </CallForm>
        }
        .into_any(),
    }
}

fn left(count: i64) -> String {
    match count {
        0 => "None is left. Make new ones while you have your app.".to_owned(),
        1 => "One is left. Make new ones soon.".to_owned(),
        more => format!("{more} are left. Each lets you in once when your phone is not at hand."),
    }
}

#[component]
fn Setup(setup: SecondFactorSetup) -> impl IntoView {
    let size = setup.qr_size;
    // In fours, as it is easier to type.
    let letters: Vec<char> = setup.secret.chars().collect();
    let secret = letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ");
    view! {
        <ol class="steps">
            <li>
                <p>"Scan this with your authenticator app:"</p>
                <svg class="qr" viewBox=format!("0 0 {size} {size}") role="img" aria-label="QR code for your authenticator app" shape-rendering="crispEdges">
                    <rect width=size height=size fill="#fff"/>
                    <path d=setup.qr_path fill="#000"/>
                </svg>
                <p>"Or type this into it: "<code class="secret">{secret}</code></p>
                <p><a href=setup.uri>"Open an app on this device"</a></p>
            </li>
            <li>
                <p>"Type the code it shows:"</p>
                <CallForm method="POST" path="/api/v1/account/second-factor/confirm" next=HERE done="">
                    <Code label="Six digits"/>
                    <p><button class="button button-primary" type="submit">"Switch the second step on"</button></p>
                </CallForm>
            </li>
        </ol>
    }
}
