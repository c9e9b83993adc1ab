//! All that runs in the browser. Everything else on the site is plain HTML.

pub mod browser;
#[cfg(any(feature = "ssr", feature = "rooms"))]
pub mod chat_room;
#[cfg(any(feature = "ssr", feature = "reading"))]
pub mod compare_tray;
pub mod copy_button;
#[cfg(any(feature = "ssr", feature = "desk"))]
pub mod key_desk;
#[cfg(any(feature = "ssr", feature = "desk"))]
pub mod key_dialog;
#[cfg(any(feature = "ssr", feature = "reading"))]
pub mod live_form;
#[cfg(any(feature = "ssr", feature = "reading"))]
pub mod live_numbers;
#[cfg(any(feature = "ssr", feature = "rooms"))]
pub mod model_search;
pub mod palette;
pub mod theme_switch;
#[cfg(any(feature = "ssr", feature = "desk", feature = "rooms"))]
pub mod toast;
