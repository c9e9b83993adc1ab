//! The mark and the few icons, drawn inline so that they take the colour of the text.

use leptos::prelude::*;

/// Patchbay's mark: two jacks and the cable between them.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" fill="none" aria-hidden="true">
            <path class="mark-cable" d="M9 11c0 14 14-4 14 10" stroke-width="3" stroke-linecap="round"></path>
            <circle class="mark-jack" cx="9" cy="9" r="5.5" stroke-width="3"></circle>
            <circle class="mark-jack" cx="23" cy="23" r="5.5" stroke-width="3"></circle>
        </svg>
    }
}

/// Which drawing [`Icon`] shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Menu,
    Send,
    Stop,
}

impl Shape {
    const fn path(self) -> &'static str {
        match self {
            Self::Menu => "M4 7h16M4 12h16M4 17h16",
            Self::Send => "M12 19V5M6 11l6-6 6 6",
            Self::Stop => "M7 7h10v10H7z",
        }
    }
}

/// A line drawing beside a word; it says nothing by itself.
#[component]
pub fn Icon(shape: Shape) -> impl IntoView {
    view! {
        <svg
            class="icon"
            viewBox="0 0 24 24"
            fill="none"
            stroke="currentColor"
            stroke-width="2"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
        >
            <path d=shape.path()></path>
        </svg>
    }
}
