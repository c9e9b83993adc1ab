//! Where links of letters and apps lead: an invitation, a new password, a confirmed
//! address, the password once more, a key for an app. Plain forms; opening a page
//! uses no link up, so that a mail scanner cannot.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::passkeys::{PasskeyButton, advice};
use super::sign_in::OtherAccounts;
use super::{failed, member, session};
use crate::api::{encode, use_api};
use crate::components::deferred::deferred;
use crate::components::form::CallForm;
use crate::components::format;
use crate::components::title::PageTitle;
use crate::types::organizations::InvitationView;

/// A parameter of the page's address, or nothing.
pub(super) fn asked(name: &str) -> String {
    use_query_map().get_untracked().get(name).unwrap_or_default()
}

/// `/invitation?token=`
#[component]
pub fn InvitationPage() -> impl IntoView {
    let (api, token) = (use_api(), asked("token"));
    deferred(async move {
        let session = session().await;
        let body = match api.invitation(&token).await {
            Err(error) => failed(error),
            Ok(invitation) => {
                let known = session.user.as_ref().map(|user| user.email.clone());
                answer(token, invitation, known)
            }
        };
        view! {
            <PageTitle text="Invitation"/>
            <section class="page page-form">
                <h1>"Invitation"</h1>
                {body}
            </section>
        }
    })
}

fn answer(token: String, invitation: InvitationView, signed_in_as: Option<String>) -> AnyView {
    let next = encode(&format!("/invitation?token={token}"));
    let email = encode(&invitation.email);
    let what = view! {
        <p>"You are invited to join "<strong>{format::plain(&invitation.organization_name)}</strong>" as "<strong>{invitation.role.as_str()}</strong>"."</p>
    };
    let way = match signed_in_as {
        Some(own) if own == invitation.email => view! {
            <CallForm method="POST" path="/api/v1/invitations/accept" next="/organization" done="Welcome to the organization.">
                <input type="hidden" name="token" value=token/>
                <p><button class="button button-primary" type="submit">"Accept the invitation"</button></p>
            </CallForm>
        }
        .into_any(),
        Some(own) => view! {
            <p class="notice">"This invitation is for "{invitation.email.clone()}", and you are signed in as "{own}". Sign out, then open the link again."</p>
            <form method="post" action="/sign-out"><button class="button" type="submit">"Sign out"</button></form>
        }
        .into_any(),
        None if invitation.has_account => {
            let href = format!("/sign-in?email={email}&next={next}");
            view! { <p><a class="button button-primary" href=href>"Sign in to accept"</a></p> }.into_any()
        }
        None => view! {
            <p>"Open your account for "<strong>{invitation.email.clone()}</strong>" first:"</p>
            <form class="form" method="post" action="/sign-up">
                <input type="hidden" name="next" value=format!("/invitation?token={token}")/>
                <input type="hidden" name="invitation" value=token/>
                <input type="hidden" name="email" value=invitation.email.clone()/>
                <label class="field"><span>"Name"</span><input class="input" type="text" name="name" autocomplete="name" required=true maxlength="100"/></label>
                <label class="field"><span>"Password "<small>"(8 characters or more)"</small></span><input class="input" type="password" name="password" autocomplete="new-password" required=true minlength="8" maxlength="256"/></label>
                <button class="button button-primary" type="submit">"Create account"</button>
            </form>
        }
        .into_any(),
    };
    view! { {what} {way} }.into_any()
}

/// `/confirm?next=`
#[component]
pub fn ConfirmPage() -> impl IntoView {
    let (next, error) = (asked("next"), asked("error"));
    deferred(async move {
        let problem = (!error.is_empty()).then(|| {
            let text = match error.as_str() {
                "throttled" => "Too many attempts. Wait a few minutes, then try again.",
                "passkey" => "That is not a passkey of yours. Try another one, or use your password.",
                other => advice(other).unwrap_or("That is not your password. Check whether caps lock is on."),
            };
            view! { <p class="notice notice-bad" role="alert">{text}</p> }
        });
        let other = next.clone();
        let body = match member("go on", &next).await {
            Err(invitation) => invitation,
            Ok(session) => view! {
                <p>"Money, keys and members are changed only by who has shown within the last ten minutes who it is."</p>
                {problem}
                <form class="form" method="post" action="/confirm">
                    <input type="hidden" name="next" value=next/>
                    <label class="field"><span>"Password"</span><input class="input" type="password" name="password" autocomplete="current-password" required=true/></label>
                    <button class="button button-primary" type="submit">"Confirm"</button>
                </form>
                <PasskeyButton is_possible=session.has_passkeys purpose="confirm" next=other.clone() text="Use a passkey"/>
                <OtherAccounts session next=other/>
            }
            .into_any(),
        };
        view! {
            <PageTitle text="Confirm it is you"/>
            <section class="page page-form"><h1>"Confirm it is you"</h1>{body}</section>
        }
    })
}

/// `/forgot-password`
#[component]
pub fn ForgotPassword() -> impl IntoView {
    view! {
        <PageTitle text="Forgot the password"/>
        <section class="page page-form">
            <h1>"Forgot the password?"</h1>
            <CallForm method="POST" path="/api/v1/account/password-reset" next="/sign-in" done="">
                <label class="field"><span>"E-mail"</span><input class="input" type="email" name="email" autocomplete="username" required=true/></label>
                <button class="button button-primary" type="submit">"Send a link"</button>
            </CallForm>
        </section>
    }
}

/// `/reset-password?token=`
#[component]
pub fn ResetPassword() -> impl IntoView {
    let token = asked("token");
    view! {
        <PageTitle text="Choose a new password"/>
        <section class="page page-form">
            <h1>"Choose a new password"</h1>
            <CallForm method="POST" path="/api/v1/account/password-reset/finish" next="/sign-in" done="">
                <input type="hidden" name="token" value=token/>
                <label class="field"><span>"New password "<small>"(8 characters or more)"</small></span><input class="input" type="password" name="new_password" autocomplete="new-password" required=true minlength="8" maxlength="256"/></label>
                <button class="button button-primary" type="submit">"Set the password"</button>
            </CallForm>
            <p class="form-foot">"Every session will be signed out. "<a href="/forgot-password">"Ask for a new link"</a></p>
        </section>
    }
}

/// `/verify-email?token=`
#[component]
pub fn VerifyEmail() -> impl IntoView {
    let token = asked("token");
    view! {
        <PageTitle text="Confirm your address"/>
        <section class="page page-form">
            <h1>"Confirm your address"</h1>
            <CallForm method="POST" path="/api/v1/account/verification/finish" next="/settings" done="">
                <input type="hidden" name="token" value=token/>
                <button class="button button-primary" type="submit">"This is my address"</button>
            </CallForm>
        </section>
    }
}

/// `/auth?callback_url=…`: an app asks for a key.
#[component]
pub fn AuthPage() -> impl IntoView {
    const FIELDS: [&str; 9] = [
        "callback_url",
        "code_challenge",
        "code_challenge_method",
        "key_label",
        "limit",
        "expires_at",
        "usage_limit_type",
        "workspace_id",
        "state",
    ];
    let given = FIELDS.map(|name| (name, asked(name)));
    deferred(async move {
        let mut here = String::from("/auth?");
        for (name, value) in given.iter().filter(|(_, value)| !value.is_empty()) {
            here = format!("{here}{name}={}&", encode(value));
        }
        let of = |name: &str| given.iter().find(|(field, _)| *field == name).map_or("", |(_, value)| value.as_str());
        let body = match (origin(of("callback_url")), member("give an app a key", &here).await) {
            (None, _) => view! {
                <p class="notice notice-bad" role="alert">"The app sent no address of its own that can be trusted: callback_url must be https, or http on localhost. Go back and tell its makers."</p>
            }
            .into_any(),
            (_, Err(invitation)) => invitation,
            (Some(origin), Ok(session)) => {
                let user = session.user.unwrap_or_default();
                let limit = match of("limit") {
                    "" => "It may spend all of the organization's credit, unless you set a limit below.".to_owned(),
                    limit => format!("It asks for a limit of ${}.", limit.trim_start_matches('$')),
                };
                let hidden = given
                    .iter()
                    .filter(|(name, value)| *name != "limit" && !value.is_empty())
                    .map(|(name, value)| view! { <input type="hidden" name=*name value=value.clone()/> })
                    .collect_view();
                view! {
                    <p><strong>{origin.clone()}</strong>" asks for an API key of "<strong>{format::plain(&user.organization_name)}</strong>"."</p>
                    <p>{limit}" You can end the key on the keys page at any time."</p>
                    <form class="form" method="post" action="/auth/approve">
                        {hidden}
                        <label class="field"><span>"Limit in US dollars "<small>"(optional)"</small></span><input class="input" name="limit" inputmode="decimal" value=of("limit").to_owned()/></label>
                        <p class="button-row">
                            <button class="button button-primary" type="submit">"Give it a key"</button>
                            <a class="button" href="/">"Do not"</a>
                        </p>
                    </form>
                    <p class="form-foot">"You will go to "<code>{origin}</code>"."</p>
                }
                .into_any()
            }
        };
        view! {
            <PageTitle text="Give an app a key"/>
            <section class="page page-form"><h1>"Give an app a key?"</h1>{body}</section>
        }
    })
}

/// What the person is shown of an app's address: scheme and host. The server checks
/// the whole address again.
fn origin(callback: &str) -> Option<String> {
    let (scheme, rest) = callback.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())?;
    let host = authority.trim_start_matches('[').split([':', ']']).next().unwrap_or_default();
    let is_local = matches!(host, "localhost" | "127.0.0.1") || authority.starts_with("[::1]");
    let is_plain = authority.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
    let is_right = is_plain && (scheme == "https" || (scheme == "http" && is_local));
    is_right.then(|| format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_shown_as_an_apps() {
        assert_eq!(origin("https://app.example/cb?x").as_deref(), Some("https://app.example"));
        assert_eq!(origin("http://localhost:3000/cb").as_deref(), Some("http://localhost:3000"));
        for bad in ["http://app.example/", "https://a@b/", "javascript:1", "https://", "https://аpp.example/"] {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }
}
