//! The chat room's page.

use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::member;
use crate::api::{Api, ModelQuery, use_api};
use crate::components::notice::Empty;
use crate::islands::chat_room::{ChatRoom, ModelChoice};

/// `/chat?model=`
#[component]
pub fn Chat() -> impl IntoView {
    let api = use_api();
    let asked = use_query_map().get_untracked().get("model").unwrap_or_default();
    deferred(async move {
        let next = if asked.is_empty() { "/chat".to_owned() } else { format!("/chat?model={asked}") };
        let body = match member("chat with a model", &next).await {
            Err(invitation) => {
                view! { <section class="page page-narrow"><h1>"Chat"</h1>{invitation}</section> }.into_any()
            }
            Ok(_) => room(&api, &asked).await,
        };
        view! { <PageTitle text="Chat"/> {body} }
    })
}

async fn room(api: &Api, asked: &str) -> AnyView {
    let found = named(api, asked).await;
    let is_model_asked_for = found.is_some();
    let model = match found {
        Some(model) => Some(model),
        None => first(api).await,
    };
    view! {
        <h1 class="visually-hidden">"Chat"</h1>
        <noscript>
            <div class="page page-narrow">
            <Empty title="The chat room needs JavaScript.">
                <p>"Answers arrive word by word. Without a script, use the API: "<a href="/docs">"how to"</a>"."</p>
            </Empty>
            </div>
        </noscript>
        <ChatRoom model is_model_asked_for/>
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
