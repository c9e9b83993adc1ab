//! Anthropic Messages as a client dialect: the caller's request, and the answer
//! in the shape Anthropic's SDKs read.

mod conversation;
mod parse;
mod tools;

pub use parse::parse;
