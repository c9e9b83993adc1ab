//! How many tokens something is, before the provider has said so.
//!
//! What OpenAI's models read is counted with their tokenizers. For others there are
//! ratios: English text runs at about four characters a token, other scripts at
//! one to two; a picture costs roughly a thousand tokens at the big providers.
//! Estimates size holds and stand in for usage a provider did not report.

use super::tokenizers::{Counter, Vocabulary};
use crate::dialects::Inference;
use crate::dialects::inference::Part;

const PER_MESSAGE: u64 = 4;
const PER_IMAGE: u64 = 1_100;
const PER_FILE: u64 = 3_000;

/// Tokens of the prompt: messages, tools, schema.
#[must_use]
pub fn prompt_tokens(inference: &Inference, mut counter: Counter) -> u64 {
    let mut tokens = 3;
    for message in &inference.messages {
        tokens += PER_MESSAGE;
        for part in &message.content {
            tokens += match part {
                Part::Text { text, .. } => counter.text(text),
                Part::Image { .. } => PER_IMAGE,
                // 16 kB of base64 is about a second of speech, some 32 tokens.
                Part::Audio { data, .. } => count(data.len()) / 400 + 50,
                Part::Video { .. } | Part::File { .. } => PER_FILE,
                Part::Other(value) => count(value.to_string().len()) / 4,
            };
        }
        for call in &message.tool_calls {
            tokens += counter.text(&call.name) + counter.text(&call.arguments) + PER_MESSAGE;
        }
        tokens += message.reasoning.as_deref().map_or(0, |words| counter.text(words));
    }
    for tool in &inference.tools {
        tokens += counter.text(&tool.name) + tool.description.as_deref().map_or(0, |words| counter.text(words)) + 8;
        tokens += tool.parameters.as_ref().map_or(0, |schema| {
            let schema = schema.to_string();
            if counter.is_exact() { counter.text(&schema) } else { count(schema.len()) / 4 }
        });
    }
    tokens
}

/// The same for a caller who asks for nothing else: as exactly as can be.
pub async fn count_prompt_tokens(model_id: &str, inference: Inference) -> u64 {
    let Some(vocabulary) = Vocabulary::of(model_id) else { return prompt_tokens(&inference, Counter::RATIO) };
    let rough = prompt_tokens(&inference, Counter::RATIO);
    let counting = tokio::task::spawn_blocking(move || prompt_tokens(&inference, Counter::thorough(vocabulary)));
    counting.await.unwrap_or(rough)
}

/// Tokens of an answer of so many characters, of which `words` are the first.
#[must_use]
pub fn answer_tokens(model_id: &str, words: &str, characters: u64) -> u64 {
    let mut counter = Counter::quick(model_id);
    let kept = count(words.chars().count());
    if !counter.is_exact() || kept == 0 {
        return output_tokens(characters);
    }
    let counted = counter.text(words);
    // What was not kept is taken to be like what was.
    let all = u128::from(counted) * u128::from(characters.max(kept)) / u128::from(kept);
    u64::try_from(all).unwrap_or(u64::MAX)
}

/// Tokens of a text, by ratio.
#[must_use]
pub fn text_tokens(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let other = text.len() - ascii;
    // Most other scripts take two or three bytes a character and about a token a character.
    count(ascii).div_ceil(4) + count(other).div_ceil(3)
}

/// Tokens of so many characters of an answer, by ratio.
#[must_use]
pub const fn output_tokens(characters: u64) -> u64 {
    characters.div_ceil(4)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_near_real_tokenizers() {
        // 44 characters, ten tokens with o200k.
        let english = text_tokens("The quick brown fox jumps over the lazy dog.");
        assert!((9..=13).contains(&english), "{english}");
        let chinese = text_tokens("敏捷的棕色狐狸跳过懒狗");
        assert!((8..=14).contains(&chinese), "{chinese}");
        assert_eq!(text_tokens(""), 0);
    }

    #[tokio::test]
    async fn prompts_for_openais_models_are_counted_with_their_tokenizer() {
        let body = br#"{"model":"openai/gpt-4o","messages":[
            {"role":"user","content":"The quick brown fox jumps over the lazy dog."}]}"#;
        let inference = crate::dialects::chat_completions::parse::parse(body).unwrap();
        // Three for the answer's beginning, four for the message.
        assert_eq!(count_prompt_tokens("openai/gpt-4o", inference.clone()).await, 3 + 4 + 10);
        assert_eq!(prompt_tokens(&inference, Counter::quick("openai/gpt-4o")), 3 + 4 + 10);
        assert_eq!(count_prompt_tokens("anthropic/claude-opus-4.5", inference).await, 3 + 4 + 11);
    }

    #[test]
    fn an_answer_without_usage_is_counted_and_its_unkept_rest_reckoned() {
        let words = "The quick brown fox jumps over the lazy dog.";
        assert_eq!(Counter::thorough(Vocabulary::O200k).text(words), 10);
        assert_eq!(answer_tokens("openai/gpt-4o", words, 44), 10);
        assert_eq!(answer_tokens("openai/gpt-4o", words, 440), 100);
        assert_eq!(answer_tokens("openai/gpt-4o", "", 440), 110);
        assert_eq!(answer_tokens("anthropic/claude-opus-4.5", words, 44), 11);
    }
}
