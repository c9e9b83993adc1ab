//! The person's own account: profile, password, sessions, export, end.

use leptos::prelude::*;

use super::{failed, member};
use crate::api::use_api;
use crate::components::deferred::deferred;
use crate::components::form::CallForm;
use crate::components::format;
use crate::components::title::PageTitle;
use crate::shell::ChosenLocale;
use crate::types::Money;
use crate::types::account::{Identity, OpenSession, Profile, SecondFactor};
use crate::types::locale::{LOCALES, Locale};

const HERE: &str = "/settings";

/// `/settings`
#[component]
pub fn Settings() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match member("change your settings", HERE).await {
            Err(invitation) => invitation,
            Ok(_) => match futures::try_join!(
                api.account(),
                api.sessions(),
                api.second_factor(),
                api.passkeys(),
                api.identities()
            ) {
                Ok((profile, sessions, second_factor, passkeys, identities)) => view! {
                    <Person profile/>
                    <Password/>
                    <Passkeys count=passkeys.len()/>
                    <SecondStep state=second_factor/>
                    <Elsewhere identities/>
                    <Formats/>
                    <More/>
                    <Sessions sessions/>
                    <Goodbye/>
                }
                .into_any(),
                Err(error) => failed(error),
            },
        };
        view! {
            <PageTitle text="Settings"/>
            <section class="page page-narrow">
                <h1>"Settings"</h1>
                {body}
            </section>
        }
    })
}

#[component]
fn Person(profile: Profile) -> impl IntoView {
    let verified = if profile.is_verified {
        view! { <span class="badge badge-good">"Confirmed"</span> }.into_any()
    } else {
        view! {
            <span class="badge badge-caution">"Not confirmed"</span>
            <CallForm method="POST" path="/api/v1/account/verification" next=HERE done="" class="inline-form">
                <button class="button button-small" type="submit">"Send the link again"</button>
            </CallForm>
        }
        .into_any()
    };
    view! {
        <h2>"Profile"</h2>
        <div>{profile.email}" "{verified}</div>
        <CallForm method="PATCH" path="/api/v1/account" next=HERE done="Your name is changed." class="inline-form">
            <label class="field"><span>"Name"</span><input class="input" name="name" autocomplete="name" value=profile.name required=true maxlength="100"/></label>
            <button class="button" type="submit">"Change name"</button>
        </CallForm>
    }
}

#[component]
fn Password() -> impl IntoView {
    view! {
        <h2>"Password"</h2>
        <CallForm method="POST" path="/api/v1/account/password" next=HERE done="The password is changed.">
            <label class="field"><span>"Current password"</span><input class="input" type="password" name="current_password" autocomplete="current-password" required=true/></label>
            <label class="field"><span>"New password "<small>"(8 characters or more)"</small></span><input class="input" type="password" name="new_password" autocomplete="new-password" required=true minlength="8" maxlength="256"/></label>
            <p><button class="button" type="submit">"Change password"</button></p>
        </CallForm>
    }
}

#[component]
fn Passkeys(count: usize) -> impl IntoView {
    let (badge, link) = match count {
        0 => (view! { <span class="badge">"None"</span> }.into_any(), "Sign in without a password"),
        count => (view! { <span class="badge badge-good">{count}</span> }.into_any(), "Add, rename or remove one"),
    };
    view! {
        <h2>"Passkeys"</h2>
        <p>{badge}" "<a href="/settings/passkeys">{link}</a></p>
    }
}

#[component]
fn SecondStep(state: SecondFactor) -> impl IntoView {
    let (badge, link) = if state.is_on {
        (view! { <span class="badge badge-good">"On"</span> }, "Recovery codes, or switch it off")
    } else {
        (view! { <span class="badge">"Off"</span> }, "Set up an authenticator app")
    };
    view! {
        <h2>"Second step at sign-in"</h2>
        <p>{badge}" "<a href="/settings/second-factor">{link}</a></p>
    }
}

/// Accounts elsewhere that open this one; nothing where there are none.
#[component]
fn Elsewhere(identities: Vec<Identity>) -> impl IntoView {
    let rows = identities
        .into_iter()
        .map(|one| {
            let path = format!("/api/v1/account/identities/{}", one.provider);
            let label = format!("Unlink {}", one.name);
            view! {
                <li class="offer">
                    <p>{format::plain(&one.name)}" · "{format::plain(&one.email)}" · since "{format::moment(&one.since)}</p>
                    <CallForm method="DELETE" path next=HERE done="It no longer opens your account." class="inline-form">
                        <button class="button button-small" type="submit" aria-label=label>"Unlink"</button>
                    </CallForm>
                </li>
            }
        })
        .collect::<Vec<_>>();
    (!rows.is_empty()).then(|| view! { <h2>"Signing in with other accounts"</h2><ul class="offers">{rows}</ul> })
}

/// How numbers, sums and days are written for this person.
#[component]
fn Formats() -> impl IntoView {
    let chosen = use_context::<ChosenLocale>().unwrap_or_default().0.map(|locale| locale.tag);
    let option = |locale: &'static Locale| {
        view! { <option value=locale.tag selected=chosen == Some(locale.tag)>{locale.name}</option> }
    };
    let options = LOCALES.iter().map(option).collect_view();
    let example = format!("{}, {}", Money::from_cents(123_450).dollars(), format::day("2026-11-21"));
    view! {
        <h2>"Numbers and dates"</h2>
        <form class="inline-form" method="post" action="/formats">
            <input type="hidden" name="_next" value=HERE/>
            <label class="field">
                <span>"Written as in "<small>{format!("(now: {example})")}</small></span>
                <select class="input" name="formats">
                    <option value="" selected=chosen.is_none()>"As the browser's language has it"</option>
                    {options}
                </select>
            </label>
            <button class="button" type="submit">"Use"</button>
        </form>
    }
}

/// The other pages of settings.
#[component]
fn More() -> impl IntoView {
    view! {
        <h2>"Letters and privacy"</h2>
        <p class="button-row">
            <a class="button" href="/settings/notifications">"Notifications"</a>
            <a class="button" href="/settings/privacy">"Privacy"</a>
        </p>
    }
}

/// A browser and its system as people call them, or the start of what it calls itself.
fn device(user_agent: &str) -> String {
    // Most claim to be others, too: the most particular name comes first.
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("HeadlessChrome/", "Chrome without a window"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let named =
        |list: &[(&str, &'static str)]| list.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) if user_agent.is_empty() => "unknown".to_owned(),
        (None, _) => user_agent.chars().take(60).collect(),
    }
}

#[component]
fn Sessions(sessions: Vec<OpenSession>) -> impl IntoView {
    let is_alone = sessions.len() < 2;
    let rows = sessions
        .into_iter()
        .map(|one| {
            let path = format!("/api/v1/account/sessions/{}", one.id);
            let action = if one.is_current {
                view! { <span class="badge badge-accent">"This one"</span> }.into_any()
            } else {
                view! {
                    <CallForm method="DELETE" path next=HERE done="That session is signed out." class="inline-form">
                        <button class="button button-small" type="submit">"Sign out"</button>
                    </CallForm>
                }
                .into_any()
            };
            let place = if one.address.is_empty() { "unknown".to_owned() } else { one.address };
            view! {
                <tr>
                    <th scope="row" data-label="Browser"><span title=format::plain(&one.user_agent)>{format::plain(&device(&one.user_agent))}</span></th>
                    <td data-label="From">{place}</td>
                    <td data-label="Since">{format::moment(&one.opened_at)}</td>
                    <td data-label="">{action}</td>
                </tr>
            }
        })
        .collect_view();
    let all = (!is_alone).then(|| {
        view! {
            <CallForm method="DELETE" path="/api/v1/account/sessions/others" next=HERE done="Every other session is signed out.">
                <p><button class="button" type="submit">"Sign out everywhere else"</button></p>
            </CallForm>
        }
    });
    view! {
        <h2 id="sessions">"Sessions"</h2>
        <div class="table-scroll" tabindex="0" role="region" aria-labelledby="sessions">
            <table class="table table-cards">
                <caption class="visually-hidden">"Where you are signed in"</caption>
                <thead><tr><th scope="col">"Browser"</th><th scope="col">"From"</th><th scope="col">"Since"</th><th scope="col"><span class="visually-hidden">"Actions"</span></th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {all}
    }
}

#[component]
fn Goodbye() -> impl IntoView {
    view! {
        <h2 id="your-data">"Your data"</h2>
        <p>"Prompts and answers are kept only where a workspace wants it: its owners and admins choose on "<a href="/workspaces">"the workspace's page"</a>". The export below has yours."</p>
        <p><a class="button" href="/api/v1/account/export" download="patchbay-account.json">"Export as JSON"</a></p>
        <details class="danger">
            <summary>"Delete this account"</summary>
            <p>"Your keys stop at once, your personal credit is lost, and nobody can sign in as you any more. What was charged stays in the books without your name."</p>
            <CallForm method="POST" path="/api/v1/account/delete" next="/" done="">
                <label class="field"><span>"Password"</span><input class="input" type="password" name="password" autocomplete="current-password" required=true/></label>
                <p><button class="button button-danger" type="submit">"Delete my account"</button></p>
            </CallForm>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn a_session_is_called_by_its_browser_and_system() {
        let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36";
        assert_eq!(device(chrome), "Chrome on Windows");
        assert_eq!(device(&format!("{chrome} Edg/150.0")), "Edge on Windows");
        assert_eq!(
            device("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1"),
            "Safari on iPhone"
        );
        assert_eq!((device("curl/8.5.0").as_str(), device("").as_str()), ("curl/8.5.0", "unknown"));
    }
}
