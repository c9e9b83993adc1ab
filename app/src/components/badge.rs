//! Small labels that say what something is.

use leptos::prelude::*;

/// What a [`Badge`] tells, which sets its colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Plain,
    Good,
    Caution,
    Bad,
    Accent,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Plain => "badge",
            Self::Good => "badge badge-good",
            Self::Caution => "badge badge-caution",
            Self::Bad => "badge badge-bad",
            Self::Accent => "badge badge-accent",
        }
    }
}

/// A word in a frame.
#[component]
pub fn Badge(#[prop(into)] text: String, #[prop(optional)] tone: Tone) -> impl IntoView {
    view! { <span class=tone.class()>{text}</span> }
}

/// Marks what a program makes up.
#[component]
pub fn SimulatedBadge() -> impl IntoView {
    view! {
        <span class="badge badge-caution" title="Answers come from a program that makes them up, not from a model">
            "Simulated"
        </span>
    }
}
