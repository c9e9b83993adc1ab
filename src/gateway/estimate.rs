//! How many tokens something will be, before a tokenizer has said so.
//!
//! Ratios: English text runs at about four characters a token, other scripts at
//! one to two; a picture costs roughly a thousand tokens at the big providers.
//! Estimates size holds and stand in for usage a provider did not report.

use crate::dialects::Inference;
use crate::dialects::inference::Part;

const PER_MESSAGE: u64 = 4;
const PER_IMAGE: u64 = 1_100;
const PER_FILE: u64 = 3_000;

/// Tokens of the prompt: messages, tools, schema.
#[must_use]
pub fn prompt_tokens(inference: &Inference) -> u64 {
    let mut tokens = 3;
    for message in &inference.messages {
        tokens += PER_MESSAGE;
        for part in &message.content {
            tokens += match part {
                Part::Text { text, .. } => text_tokens(text),
                Part::Image { .. } => PER_IMAGE,
                // 16 kB of base64 is about a second of speech, some 32 tokens.
                Part::Audio { data, .. } => count(data.len()) / 400 + 50,
                Part::Video { .. } | Part::File { .. } => PER_FILE,
                Part::Other(value) => count(value.to_string().len()) / 4,
            };
        }
        for call in &message.tool_calls {
            tokens += text_tokens(&call.name) + text_tokens(&call.arguments) + PER_MESSAGE;
        }
        tokens += message.reasoning.as_deref().map_or(0, text_tokens);
    }
    for tool in &inference.tools {
        tokens += text_tokens(&tool.name) + tool.description.as_deref().map_or(0, text_tokens) + 8;
        tokens += tool.parameters.as_ref().map_or(0, |schema| count(schema.to_string().len()) / 4);
    }
    tokens
}

/// Tokens of a text.
#[must_use]
pub fn text_tokens(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let other = text.len() - ascii;
    // Most other scripts take two or three bytes a character and about a token a character.
    count(ascii).div_ceil(4) + count(other).div_ceil(3)
}

/// Tokens of so many characters of an answer.
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
}
