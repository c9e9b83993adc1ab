//! API keys.

use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use leptos::prelude::*;

use super::{failed, member};
use crate::api::use_api;
use crate::islands::key_desk::KeyDesk;
use crate::types::roles::Permission;

/// `/keys`
#[component]
pub fn Keys() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match member("manage keys", "/keys").await {
            Err(invitation) => invitation,
            Ok(session) => match futures::try_join!(api.keys(), api.workspaces()) {
                Ok((keys, workspaces)) => view! {
                    <KeyDesk
                        keys
                        workspaces=workspaces.data.into_iter().map(|one| (one.id, one.name)).collect()
                        manages=session.user.is_some_and(|user| user.may(Permission::ManageAllKeys))
                    />
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
