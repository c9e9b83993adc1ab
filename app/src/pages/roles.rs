//! What each role may do: the table the server enforces.

use leptos::prelude::*;

use crate::components::title::PageTitle;
use crate::types::roles::{Role, TABLE};

/// `/docs/roles`
#[component]
pub fn Roles() -> impl IntoView {
    let heads = Role::ALL.map(|role| view! { <th scope="col">{role.as_str()}</th> });
    let rows = TABLE
        .iter()
        .map(|row| {
            let cells = Role::ALL.map(|role| {
                let mark = if row.roles.contains(&role) { "yes" } else { "–" };
                view! { <td data-label=role.as_str()>{mark}</td> }
            });
            view! { <tr><th scope="row">{row.what}</th>{cells.into_iter().collect_view()}</tr> }
        })
        .collect_view();
    view! {
        <PageTitle text="Roles"/>
        <section class="page page-text">
            <h1>"Roles"</h1>
            <p class="lead">"What each role in an organization may do. The server enforces this very table. A management key has the rights of an admin; an inference key may only use models and keep presets."</p>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Roles">
                <table class="table table-cards">
                    <caption class="visually-hidden">"Who may do what"</caption>
                    <thead><tr><th scope="col">"May"</th>{heads.into_iter().collect_view()}</tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p>"Members see only their own activity and keys; the totals of a member count the requests of their keys. Who leaves or is removed loses access at once, and the keys they made are switched off."</p>
        </section>
    }
}
