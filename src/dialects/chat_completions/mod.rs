//! OpenAI chat completions, as a client dialect ([`parse`], [`encode`]) and as
//! a provider dialect ([`upstream`]).

pub mod encode;
pub mod parse;
pub mod upstream;
