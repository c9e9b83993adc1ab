//! Patchbay's web pages and the wire types both sides share.
//!
//! Imports point one way: routes, pages, islands, components, api, types. Pages
//! are rendered on the server only; what is in `islands` also runs in the browser.

// The types of views nest as deep as their markup.
#![recursion_limit = "512"]
#![cfg_attr(
    any(feature = "ssr", feature = "hydrate"),
    expect(
        clippy::too_many_lines,
        clippy::needless_pass_by_value,
        clippy::must_use_candidate,
        reason = "components are markup: long, owning their properties, expanded by the view macro"
    )
)]

#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod api;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod components;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod islands;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod routes;
#[cfg(feature = "ssr")]
pub mod shell;
pub mod types;

/// What the browser runs first: it brings the islands of the page to life.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
