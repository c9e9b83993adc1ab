//! API keys.

use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use leptos::prelude::*;

use super::{failed, member};
use crate::api::use_api;
use crate::islands::key_desk::KeyDesk;

/// `/keys`
#[component]
pub fn Keys() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match member("manage keys", "/keys").await {
            Err(invitation) => invitation,
            Ok(_) => match api.keys().await {
                Ok(keys) => view! {
                    <KeyDesk keys/>
                    <noscript><p class="notice">"Creating and changing keys needs JavaScript, because a key is shown only once. "<code>"patchbay key create"</code>" does it on the server."</p></noscript>
                }
                .into_any(),
                Err(error) => failed(error),
            },
        };
        view! {
            <PageTitle text="Keys"/>
            <section class="page">
                <h1>"API keys"</h1>
                <p class="lead">"A key lets a program spend this organization's credit, up to the limit you set."</p>
                {body}
            </section>
        }
    })
}
