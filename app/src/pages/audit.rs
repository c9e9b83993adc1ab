//! The audit log.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{failed, member};
use crate::api::{encode, use_api};
use crate::components::deferred::deferred;
use crate::components::format;
use crate::components::notice::Empty;
use crate::components::title::PageTitle;
use crate::types::organizations::AuditEvent;

/// Lines on one page.
const PAGE: usize = 50;
const KINDS: [(&str, &str); 7] = [
    ("", "everything"),
    ("organization.", "the organization"),
    ("member.", "members"),
    ("key.", "keys"),
    ("workspace.", "workspaces"),
    ("budget.", "budgets"),
    ("app.", "apps"),
];

/// `/organization/audit`
#[component]
pub fn AuditPage() -> impl IntoView {
    let api = use_api();
    let query = use_query_map().get_untracked();
    deferred(async move {
        let given = |name: &str| query.get(name).unwrap_or_default();
        let (action, from, to, before) = (given("action"), given("from"), given("to"), given("before"));
        let mut filter = String::from("?");
        for (name, value) in [("action", &action), ("from", &from), ("to", &to)] {
            if !value.is_empty() {
                filter = format!("{filter}{name}={}&", encode(value));
            }
        }
        let page = if before.is_empty() { filter.clone() } else { format!("{filter}before={}&", encode(&before)) };
        let body = match member("read the audit log", "/organization/audit").await {
            Err(invitation) => invitation,
            Ok(_) => match api.audit(&format!("{page}limit={PAGE}")).await {
                Ok(events) => {
                    let older = events.last().filter(|_| events.len() == PAGE).map(|last| {
                        let href = format!("/organization/audit{filter}before={}", encode(&last.id));
                        view! { <a class="button" rel="next" href=href>"Older"</a> }
                    });
                    let options = KINDS
                        .into_iter()
                        .map(|(value, name)| view! { <option value=value selected=value == action>{name}</option> })
                        .collect_view();
                    let export = format!("/api/v1/organization/audit-log{filter}format=csv");
                    view! {
                        <form class="inline-form" method="get" action="/organization/audit">
                            <label class="field"><span>"About"</span><select class="input" name="action">{options}</select></label>
                            <label class="field"><span>"From"</span><input class="input" type="date" name="from" value=from/></label>
                            <label class="field"><span>"To before"</span><input class="input" type="date" name="to" value=to/></label>
                            <button class="button" type="submit">"Show"</button>
                            <a class="button" href=export>"Export as CSV"</a>
                        </form>
                        <Events events/>
                        <nav class="pager" aria-label="Pages">{older}</nav>
                    }
                    .into_any()
                }
                Err(error) => failed(error),
            },
        };
        view! {
            <PageTitle text="Audit log"/>
            <section class="page">
                <h1>"Audit log"</h1>
                <p class="lead">"Who did what, when and from where. Lines are never changed or deleted."</p>
                {body}
            </section>
        }
    })
}

/// Lines of an audit log.
#[component]
pub fn Events(events: Vec<AuditEvent>) -> impl IntoView {
    if events.is_empty() {
        return view! {
            <Empty title="Nothing here.">
                <p>"Changes to members, keys, workspaces and budgets are written down here as they happen."</p>
            </Empty>
        }
        .into_any();
    }
    let rows = events
        .into_iter()
        .map(|event| {
            let time = event.created_at;
            view! {
                <tr>
                    <td data-label="Time"><time datetime=time.clone()>{format::moment(&time)}</time></td>
                    <th scope="row" data-label="Who">{format::plain(&event.actor_name)}</th>
                    <td data-label="What"><code>{event.action}</code></td>
                    <td data-label="Detail">{format::plain(&event.detail)}</td>
                    <td data-label="From">{event.address}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Audit log">
            <table class="table table-cards">
                <caption class="visually-hidden">"Audit log, newest first"</caption>
                <thead><tr><th scope="col">"Time"</th><th scope="col">"Who"</th><th scope="col">"What"</th><th scope="col">"Detail"</th><th scope="col">"From"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
