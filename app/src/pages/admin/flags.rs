//! What is switched on and off.

use leptos::prelude::*;

use super::{Area, operator};
use crate::api::{encode, use_api};
use crate::components::deferred::deferred;
use crate::components::form::CallForm;
use crate::components::format;
use crate::pages::failed;
use crate::types::admin::FeatureFlag;

const HERE: &str = "/admin/flags";

/// `/admin/flags`
#[component]
pub fn AdminFlagsPage() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match operator(HERE).await {
            Err(refusal) => refusal,
            Ok(()) => match api.admin_flags().await {
                Err(error) => failed(error),
                Ok(all) => {
                    let lines = all.into_iter().map(|flag| view! { <Line flag/> }).collect_view();
                    view! {
                        <p class="lead">"What is switched here holds on every node within a second, and stays so when the server starts again."</p>
                        <ul class="offers">{lines}</ul>
                    }
                    .into_any()
                }
            },
        };
        view! { <Area title="Features" here=HERE>{body}</Area> }
    })
}

#[component]
fn Line(flag: FeatureFlag) -> impl IntoView {
    let FeatureFlag { name, about, is_on, is_on_by_default, changed_at } = flag;
    let badge = if is_on { ("badge badge-good", "On") } else { ("badge badge-caution", "Off") };
    let by_default = if is_on_by_default { "on" } else { "off" };
    let since = match &changed_at {
        Some(time) => format!("Switched {}; by default it is {by_default}.", format::moment(time)),
        None => format!("As by default: {by_default}."),
    };
    let path = format!("/api/v1/admin/flags/{}", encode(&name));
    let button = |state: &'static str, text: String, path: String| {
        view! {
            <CallForm method="PATCH" path next=HERE done="It is switched." class="inline-form">
                <input type="hidden" name="state" value=state/>
                <button class="button button-small" type="submit">{text}</button>
            </CallForm>
        }
    };
    let other = if is_on {
        button("off", format!("Switch {name} off"), path.clone())
    } else {
        button("on", format!("Switch {name} on"), path.clone())
    };
    let back = changed_at.is_some().then(|| button("default", format!("Leave {name} to the settings"), path));
    view! {
        <li class="offer">
            <h2><code>{name}</code>" "<span class=badge.0>{badge.1}</span></h2>
            <p>{format::plain(&about)}</p>
            <p class="soft">{since}</p>
            <div class="button-row">{other}{back}</div>
        </li>
    }
}
