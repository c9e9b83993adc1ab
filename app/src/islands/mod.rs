//! All that runs in the browser. Everything else on the site is plain HTML.

pub mod browser;
pub mod chat_room;
pub mod compare_tray;
pub mod copy_button;
pub mod key_desk;
pub mod key_dialog;
pub mod live_form;
pub mod model_search;
pub mod theme_switch;
