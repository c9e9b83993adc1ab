//! Forms that call the API without a script, and what came of the last one.

use leptos::prelude::*;

use crate::types::session::{Notice, Undo};

/// The call that undoes a change by `method` at `path`.
#[must_use]
pub fn undo(method: &str, path: &str, body: &serde_json::Value) -> Undo {
    Undo { method: method.to_owned(), path: path.to_owned(), body: body.to_string(), next: String::new() }
}

/// A form that calls the API and comes back. Its fields' names say what they are:
/// `limit:number`, `names:list`, `text:optional`, `ids:array`.
#[component]
pub fn CallForm(
    /// `POST`, `PATCH`, `PUT` or `DELETE`.
    method: &'static str,
    /// The path of the call.
    #[prop(into)]
    path: String,
    /// Where to go afterwards.
    #[prop(into)]
    next: String,
    /// What the next page says when it worked.
    #[prop(into)]
    done: String,
    /// `form`, or `inline-form` for a row of fields.
    #[prop(default = "form")]
    class: &'static str,
    /// The call that takes it back, which the next page offers.
    #[prop(optional_no_strip)]
    undo: Option<Undo>,
    children: Children,
) -> impl IntoView {
    let undo = undo.and_then(|undo| serde_json::to_string(&undo).ok());
    view! {
        <form class=class method="post" action="/form">
            <input type="hidden" name="_method" value=method/>
            <input type="hidden" name="_path" value=path/>
            <input type="hidden" name="_next" value=next/>
            <input type="hidden" name="_done" value=done/>
            {undo.map(|undo| view! { <input type="hidden" name="_undo" value=undo/> })}
            {children()}
        </form>
    }
}

/// What came of the form sent last, told once.
#[component]
pub fn Outcome(notice: Notice) -> impl IntoView {
    let class = if notice.is_problem { "notice notice-bad" } else { "notice" };
    let role = if notice.is_problem { "alert" } else { "status" };
    let secrets = notice.secrets.into_iter().map(|secret| view! { <code>{secret}</code>" " }).collect_view();
    let undo = notice.undo.map(|undo| {
        view! {
            <form class="inline-form" method="post" action="/form">
                <input type="hidden" name="_method" value=undo.method/>
                <input type="hidden" name="_path" value=undo.path/>
                <input type="hidden" name="_next" value=undo.next/>
                <input type="hidden" name="_done" value="It is as it was."/>
                <input type="hidden" name="_body" value=undo.body/>
                <button class="button button-small" type="submit">"Undo"</button>
            </form>
        }
    });
    view! {
        <div class="page page-outcome">
            <div class=class role=role>
                <p>{notice.text}</p>
                {secrets}
                {undo}
            </div>
        </div>
    }
}
