//! OpenAI chat completions, as a client dialect and as a provider dialect.

pub mod upstream;
