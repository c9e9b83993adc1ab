//! What operators did.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{Area, operator};
use crate::api::{encode, use_api};
use crate::components::deferred::deferred;
use crate::pages::audit::{Events, EventsProps};
use crate::pages::failed;

const HERE: &str = "/admin/log";
const PAGE: usize = 50;

/// `/admin/log?before=`
#[component]
pub fn AdminLogPage() -> impl IntoView {
    let api = use_api();
    let before = use_query_map().get_untracked().get("before").unwrap_or_default();
    deferred(async move {
        let body = match operator(HERE).await {
            Err(refusal) => refusal,
            Ok(()) => match api.admin_log(&format!("?limit={PAGE}&before={}", encode(&before))).await {
                Err(error) => failed(error),
                Ok(events) => {
                    let older = events.last().filter(|_| events.len() == PAGE).map(|last| {
                        let href = format!("{HERE}?before={}", encode(&last.id));
                        view! { <nav class="pager" aria-label="Pages"><a class="button" rel="next" href=href>"Older"</a></nav> }
                    });
                    view! { {Events(EventsProps { events })} {older} }.into_any()
                }
            },
        };
        view! {
            <Area title="What operators did" here=HERE>
                <p class="lead">"Lines are never changed or deleted. What was done to an organization also stands in its own audit log."</p>
                {body}
            </Area>
        }
    })
}
