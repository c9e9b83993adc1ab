//! What everybody is told.

use leptos::prelude::*;

use super::{Area, operator};
use crate::api::{encode, use_api};
use crate::components::deferred::deferred;
use crate::components::form::CallForm;
use crate::components::format;
use crate::components::notice::Empty;
use crate::pages::failed;
use crate::types::admin::Announcement;

const HERE: &str = "/admin/announcements";

/// `/admin/announcements`
#[component]
pub fn AdminAnnouncementsPage() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match operator(HERE).await {
            Err(refusal) => refusal,
            Ok(()) => match api.admin_announcements().await {
                Err(error) => failed(error),
                Ok(all) => view! {
                    <CallForm method="POST" path="/api/v1/admin/announcements" next=HERE done="Everybody reads it from now on.">
                        <label class="field"><span>"Text, one line"</span><input class="input" name="text" required=true maxlength="500"/></label>
                        <label class="field"><span>"Until the beginning of "<small>"(optional, UTC)"</small></span><input class="input" type="date" name="ends_at:optional"/></label>
                        <label class="check"><input type="checkbox" name="is_warning:flag" value="true"/><span>"A warning"</span></label>
                        <p><button class="button button-primary" type="submit">"Tell everybody"</button></p>
                    </CallForm>
                    <List all/>
                }
                .into_any(),
            },
        };
        view! { <Area title="Announcements" here=HERE>{body}</Area> }
    })
}

#[component]
fn List(all: Vec<Announcement>) -> impl IntoView {
    if all.is_empty() {
        return view! { <Empty title="Nothing is announced."><p>"An announcement stands under the header of every page, for instance before you move the server."</p></Empty> }.into_any();
    }
    let rows = all
        .into_iter()
        .map(|one| {
            let path = format!("/api/v1/admin/announcements/{}", encode(&one.id));
            let until = one.ends_at.map(|time| format!(" until {}", format::moment(&time)));
            view! {
                <li class="offer">
                    <p>{one.is_warning.then(|| view! { <span class="badge badge-caution">"Warning"</span>" " })}{format::plain(&one.text)}</p>
                    <p class="soft">{format::moment(&one.created_at)}{until}</p>
                    <CallForm method="DELETE" path next=HERE done="It is taken back." class="inline-form">
                        <button class="button button-small" type="submit">"Take it back"</button>
                    </CallForm>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="offers">{rows}</ul> }.into_any()
}
