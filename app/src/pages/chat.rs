//! The chat room's page.

use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::member;
use crate::api::{Api, ModelQuery, use_api};
use crate::components::notice::Empty;
use crate::islands::chat_room::ChatRoom;
use crate::types::chats::ModelChoice;

/// Models side by side, at most.
const MOST: usize = 6;

/// `/chat?model=a/b` or `/chat?models=a/b,c/d`
#[component]
pub fn Chat() -> impl IntoView {
    let api = use_api();
    let map = use_query_map().get_untracked();
    let mut asked: Vec<String> = Vec::new();
    for id in ["model", "models"]
        .iter()
        .filter_map(|name| map.get(name))
        .flat_map(|list| list.split(',').map(|id| id.trim().to_owned()).collect::<Vec<_>>())
    {
        if !id.is_empty() && !asked.contains(&id) && asked.len() < MOST {
            asked.push(id);
        }
    }
    // The question of the front page, to be sent by who reads it.
    let draft = map.get("q").unwrap_or_default();
    deferred(async move {
        let next = match asked.as_slice() {
            [] => "/chat".to_owned(),
            [only] => format!("/chat?model={only}"),
            _ => format!("/chat?models={}", asked.join(",")),
        };
        let next = if draft.is_empty() {
            next
        } else {
            let separator = if next.contains('?') { '&' } else { '?' };
            format!("{next}{separator}q={}", crate::api::encode(&draft))
        };
        let body = match member("chat with a model", &next).await {
            Err(invitation) => {
                view! { <section class="page page-narrow"><h1>"Chat"</h1>{invitation}</section> }.into_any()
            }
            Ok(session) if !session.has_chat_room => closed(),
            Ok(session) => room(&api, &asked, draft, session.has_blind_votes).await,
        };
        view! { <PageTitle text="Chat"/> {body} }
    })
}

/// What stands here while the operators keep the room closed.
fn closed() -> AnyView {
    view! {
        <section class="page page-narrow">
            <h1>"Chat"</h1>
            <Empty title="The chat room is closed at the moment.">
                <p>"The operators of this server have switched it off; conversations that are kept stay kept. Models can be asked "<a href="/docs">"with a key"</a>"."</p>
            </Empty>
        </section>
    }
    .into_any()
}

async fn room(api: &Api, asked: &[String], draft: String, has_blind_votes: bool) -> AnyView {
    let found = futures::future::join_all(asked.iter().map(|id| named(api, id))).await;
    let mut models: Vec<ModelChoice> = found.into_iter().flatten().collect();
    let is_model_asked_for = !models.is_empty();
    if models.is_empty() {
        models.extend(first(api).await);
    }
    view! {
        <h1 class="visually-hidden">"Chat"</h1>
        <noscript>
            <div class="page page-narrow">
            <Empty title="The chat room needs JavaScript.">
                <p>"Answers arrive word by word. Without a script, use the API: "<a href="/docs">"how to"</a>"."</p>
            </Empty>
            </div>
        </noscript>
        <ChatRoom models is_model_asked_for draft has_blind_votes/>
    }
    .into_any()
}

async fn named(api: &Api, id: &str) -> Option<ModelChoice> {
    let (author, slug) = id.split_once('/')?;
    api.model(author, slug).await.ok().map(|model| ModelChoice::from(&model))
}

/// The model most people use.
async fn first(api: &Api) -> Option<ModelChoice> {
    let query = ModelQuery { limit: 1, ..ModelQuery::default() };
    api.models(&query).await.ok()?.data.first().map(ModelChoice::from)
}
