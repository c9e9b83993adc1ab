//! Parts that pages and islands are built from. None of them fetches anything.

pub mod badge;
#[cfg(feature = "ssr")]
pub mod board;
pub mod chart;
pub mod chart_maths;
#[cfg(feature = "ssr")]
pub mod deferred;
pub mod form;
pub mod format;
pub mod highlight;
pub mod icon;
#[cfg(any(feature = "ssr", feature = "rooms"))]
pub mod later;
pub mod line_chart;
pub mod markdown;
pub mod math;
pub mod notice;
pub mod pager;
pub mod price;
#[cfg(any(feature = "ssr", feature = "rooms"))]
pub mod skeleton;
#[cfg(feature = "ssr")]
pub mod title;
#[cfg(any(feature = "ssr", feature = "rooms"))]
pub mod tool_call;
#[cfg(feature = "ssr")]
pub mod workspace_choice;
