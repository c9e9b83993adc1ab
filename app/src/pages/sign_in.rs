//! Signing in and opening an account: plain forms that work without a script.

use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::passkeys::{self, PasskeyButton};
use super::session;
use crate::api::encode;
use crate::types::session::Session;

/// What is wrong, and what to do about it. The codes come from the handlers of these forms.
fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "" => return None,
        "invalid" => "E-mail and password do not match. Check both, and whether caps lock is on.",
        "throttled" => "Too many attempts. Wait a few minutes, then try again.",
        "elsewhere" => "Signing in with that account did not work. Try again, or use your password.",
        "elsewhere_refused" => "You were not signed in there. Try again, or use your password.",
        "elsewhere_email" => "That account has no confirmed e-mail address. Confirm it there, then try again.",
        "unconfirmed" => {
            "An account with that address exists here and is not confirmed. Sign in with its password and open the link of our letter first."
        }
        "suspended" => "This account is suspended. Ask this server's operator why, and what to do.",
        "too_late" => "The code was not given in time. Sign in again.",
        "unverified" => {
            "Your address is not confirmed yet. Open the link of the letter that was sent just now, then sign in."
        }
        "taken" => "An account with this e-mail exists already. Sign in instead.",
        "weak_password" => {
            "Choose a longer password that is not on the lists of common or stolen ones: at least 8 characters, 15 are better."
        }
        "closed" => "This server does not take new accounts. Its operator can create one for you.",
        "bad_email" => "This does not look like an e-mail address. It needs a name, an @ and a domain.",
        other => passkeys::advice(other).unwrap_or("That did not work. Check the fields and try again."),
    })
}

/// A path of this site to go to afterwards, never another site.
fn local_path(next: Option<String>) -> String {
    next.filter(|next| {
        next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') && !next.contains(char::is_control)
    })
    .unwrap_or_else(|| "/".to_owned())
}

struct Form {
    problem: Option<&'static str>,
    email: String,
    next: String,
}

fn form() -> Form {
    let query = use_query_map().get_untracked();
    Form {
        problem: advice(&query.get("error").unwrap_or_default()),
        email: query.get("email").unwrap_or_default(),
        next: local_path(query.get("next")),
    }
}

#[component]
fn Problem(text: Option<&'static str>) -> impl IntoView {
    text.map(|text| view! { <p class="notice notice-bad" role="alert" id="problem">{text}</p> })
}

/// Links that lead to where else one may have an account.
#[component]
pub fn OtherAccounts(session: Session, next: String) -> impl IntoView {
    let links = session
        .identity_providers
        .into_iter()
        .map(|one| {
            let href = format!("/sign-in/with/{}?next={}", one.slug, encode(&next));
            view! { <a class="button" rel="nofollow" href=href>{format!("Continue with {}", one.name)}</a> }
        })
        .collect::<Vec<_>>();
    (!links.is_empty()).then(|| view! { <p class="button-row">{links}</p> })
}

/// `/sign-in`
#[component]
pub fn SignIn() -> impl IntoView {
    let Form { problem, email, next } = form();
    deferred(async move {
        let session = session().await;
        let other = next.clone();
        let sign_up = session.allows_sign_up.then(|| {
            let href = format!("/sign-up?next={}", encode(&next));
            view! { <p class="form-foot">"No account yet? "<a href=href>"Create one"</a></p> }
        });
        view! {
            <PageTitle text="Sign in"/>
            <section class="page page-form">
                <h1>"Sign in"</h1>
                <Problem text=problem/>
                <form class="form" method="post" action="/sign-in">
                    <input type="hidden" name="next" value=next/>
                    <label class="field">
                        <span>"E-mail"</span>
                        <input class="input" type="email" name="email" value=email autocomplete="username webauthn" required=true/>
                    </label>
                    <label class="field">
                        <span>"Password"</span>
                        <input class="input" type="password" name="password" autocomplete="current-password" required=true/>
                    </label>
                    <button class="button button-primary" type="submit">"Sign in"</button>
                </form>
                <PasskeyButton is_possible=session.has_passkeys purpose="" next=other.clone() text="Sign in with a passkey"/>
                <OtherAccounts session=session.clone() next=other/>
                <p class="form-foot"><a href="/forgot-password">"Forgot the password?"</a></p>
                {sign_up}
            </section>
        }
    })
}

/// `/sign-up`
#[component]
pub fn SignUp() -> impl IntoView {
    let Form { problem, email, next } = form();
    let is_sent = use_query_map().get_untracked().get("sent").is_some();
    deferred(async move {
        let session = session().await;
        let sign_in = format!("/sign-in?next={}", encode(&next));
        let body = if is_sent {
            view! {
                <p class="notice" role="status">"Look into your mailbox: a letter with a link is on its way. Open it, then sign in."</p>
            }
            .into_any()
        } else if session.allows_sign_up {
            view! {
                <form class="form" method="post" action="/sign-up">
                    <input type="hidden" name="next" value=next.clone()/>
                    <label class="field">
                        <span>"Name"</span>
                        <input class="input" type="text" name="name" autocomplete="name" required=true maxlength="100"/>
                    </label>
                    <label class="field">
                        <span>"E-mail"</span>
                        <input class="input" type="email" name="email" value=email autocomplete="username" required=true/>
                    </label>
                    <label class="field">
                        <span>"Password "<small>"(8 characters or more)"</small></span>
                        <input class="input" type="password" name="password" autocomplete="new-password" required=true minlength="8" maxlength="256"/>
                    </label>
                    <button class="button button-primary" type="submit">"Create account"</button>
                </form>
            }
            .into_any()
        } else {
            view! { <p class="notice">{advice("closed")}</p> }.into_any()
        };
        let others = (session.allows_sign_up && !is_sent).then(|| view! { <OtherAccounts session next/> });
        view! {
            <PageTitle text="Create an account"/>
            <section class="page page-form">
                <h1>"Create an account"</h1>
                <Problem text=problem/>
                {body}
                {others}
                <p class="form-foot">"Have an account? "<a href=sign_in>"Sign in"</a></p>
            </section>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site_after_signing_in() {
        for next in ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "/a\nb"] {
            assert_eq!(local_path(Some(next.to_owned())), "/", "{next:?}");
        }
        assert_eq!(local_path(Some("/chat?model=a/b".to_owned())), "/chat?model=a/b");
        assert_eq!(local_path(None), "/");
    }

    #[test]
    fn every_error_says_what_to_do() {
        assert_eq!(advice(""), None);
        for code in [
            "invalid",
            "throttled",
            "too_late",
            "suspended",
            "taken",
            "weak_password",
            "closed",
            "bad_email",
            "something else",
        ] {
            assert!(advice(code).is_some_and(|text| text.split(". ").count() > 1 || text.contains("Choose")), "{code}");
        }
    }
}
