//! Requests made up at random, translated for a provider and read back as a
//! client of its protocol would have sent them: what the provider's published
//! schema allows, and nothing lost.

mod allowed;
mod made_up;
mod meaning;

use serde_json::Value;

use super::{Dialect, Inference, Quirks, Target, chat_completions, gemini, messages};
use made_up::{Dice, request};
use meaning::meaning;

/// Cases in an ordinary run, 2,100 in all; the long run is `make round-trip`.
const CASES: u64 = 700;
const MANY: u64 = 35_000;

/// What a provider is sent, and what a client of its protocol would have meant by it.
fn there_and_back(dialect: Dialect, inference: &Inference) -> (Value, Inference) {
    let (is_claude, is_gemini) = (dialect == Dialect::AnthropicMessages, dialect == Dialect::Gemini);
    let model = match (is_claude, is_gemini) {
        (true, _) => "claude-sonnet-4-5",
        (_, true) => "gemini-3-pro-preview",
        _ => "gpt-5",
    };
    let quirks = Quirks::default();
    let target = Target { model, max_output_tokens: Some(64_000), quirks: &quirks };
    let request = dialect.upstream().encode(&target, inference).unwrap();
    let body = serde_json::from_slice(&request.body).unwrap();
    let back = match (is_claude, is_gemini) {
        (true, _) => messages::inbound::parse(&request.body, None),
        (_, true) => gemini::inbound::parse(&request.body, model, inference.is_streamed),
        _ => chat_completions::parse::parse(&request.body),
    };
    (body, back.unwrap())
}

fn run(dialect: Dialect, cases: u64) {
    for seed in 0..cases {
        let inference = request(&mut Dice::new(seed), dialect);
        let (body, back) = there_and_back(dialect, &inference);
        if let Some(complaint) = allowed::complaint(dialect, &body) {
            panic!("case {seed}: {complaint}\n{body:#}");
        }
        assert_eq!(meaning(dialect, &back), meaning(dialect, &inference), "case {seed}\n{body:#}");
    }
}

#[test]
fn nothing_is_lost_on_the_way_to_openai() {
    run(Dialect::OpenaiChat, CASES);
}

#[test]
fn nothing_is_lost_on_the_way_to_anthropic() {
    run(Dialect::AnthropicMessages, CASES);
}

#[test]
fn nothing_is_lost_on_the_way_to_gemini() {
    run(Dialect::Gemini, CASES);
}

#[test]
#[ignore = "takes minutes: make round-trip"]
fn nothing_is_lost_in_more_than_a_hundred_thousand_round_trips() {
    for dialect in [Dialect::OpenaiChat, Dialect::AnthropicMessages, Dialect::Gemini] {
        run(dialect, MANY);
    }
}
