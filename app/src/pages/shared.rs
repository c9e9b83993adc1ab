//! A conversation somebody shares.

use leptos::prelude::*;
use leptos_meta::Meta;
use leptos_router::hooks::use_params_map;

use super::failed;
use crate::api::{encode, use_api};
use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use crate::components::tool_call::{ToolCallView, sources};
use crate::components::{format, markdown};
use crate::types::chats::{Attachment, ChatColumn, Kept, ToolStep};

/// `/shared/{id}`
#[component]
pub fn Shared() -> impl IntoView {
    let api = use_api();
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    deferred(async move {
        let chat = match api.shared_chat(&id).await {
            Ok(chat) => chat,
            Err(error) => return failed(error),
        };
        let title = format::plain(&chat.title);
        // Where their owner does not want images to be seen, files are names.
        let images = chat.shares_images.then(|| format!("/api/v1/shared/{}/files/", encode(&id)));
        let columns = chat.document.columns.into_iter().map(|one| column(one, images.as_deref())).collect_view();
        view! {
            <PageTitle text=title.clone()/>
            <Meta name="robots" content="noindex"/>
            <section class="page">
                <p class="eyebrow">"A shared conversation, as of "{format::moment(&chat.updated_at)}</p>
                <h1>{title}</h1>
                <div class="shared-columns">{columns}</div>
                <p class="button-row"><a class="button" href="/chat">"Begin your own"</a></p>
            </section>
        }
        .into_any()
    })
}

fn column(column: ChatColumn, images: Option<&str>) -> impl IntoView + use<> {
    let name = column.model.map_or_else(|| "A model".to_owned(), |model| format::plain(&model.name));
    let turns = column.turns.into_iter().map(|one| turn(one, images)).collect_view();
    view! { <section class="shared-column"><h2>{name}</h2>{turns}</section> }
}

fn turn(kept: Kept, images: Option<&str>) -> AnyView {
    if !kept.is_answer {
        let file = |file: Attachment| {
            let name = format::plain(&file.name);
            match images.filter(|_| file.kind.starts_with("image/") && !file.id.is_empty()) {
                Some(place) => {
                    let src = format!("{place}{}", encode(&file.id));
                    view! { <img class="attached" src=src alt=name loading="lazy"/> }.into_any()
                }
                None => view! { <span class="chip">{name}</span> }.into_any(),
            }
        };
        let files = kept.attachments.into_iter().map(file).collect_view();
        return view! {
            <article class="message message-question" aria-label="Question">{files}<p>{format::plain(&kept.content)}</p></article>
        }
        .into_any();
    }
    let thoughts = (!kept.reasoning.is_empty()).then(|| {
        view! {
            <details class="reasoning">
                <summary>"Thoughts"</summary>
                <div class="prose" inner_html=markdown::to_html(&kept.reasoning)></div>
            </details>
        }
    });
    let step = |step: ToolStep| {
        let calls = step.calls.into_iter().map(|call| view! { <ToolCallView call/> }).collect_view();
        view! { <div class="prose" inner_html=markdown::to_html(&step.content)></div> {calls} }
    };
    let steps = kept.steps.into_iter().map(step).collect_view();
    view! {
        <article class="message message-answer" aria-label="Answer">
            {thoughts}
            {steps}
            <div class="prose" inner_html=markdown::to_html(&kept.content)></div>
            {sources(&kept.sources)}
        </article>
    }
    .into_any()
}
