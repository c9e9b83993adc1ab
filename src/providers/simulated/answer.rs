//! What a simulated model says: the same question gets the same answer.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::schema;

/// A question, whatever protocol it came in.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    pub model: String,
    pub is_streamed: bool,
    pub turns: Vec<Turn>,
    pub tools: Vec<Tool>,
    pub tool_choice: ToolChoice,
    /// The answer must fit this JSON Schema.
    pub schema: Option<Value>,
    /// The answer must be some JSON object.
    pub wants_json: bool,
    pub wants_reasoning: bool,
    pub max_tokens: Option<u64>,
    pub stop: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Turn {
    pub role: Role,
    pub text: String,
    pub images: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    System,
    #[default]
    User,
    Assistant,
    Tool,
}

#[derive(Clone, Debug)]
pub struct Tool {
    pub name: String,
    pub schema: Value,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    #[default]
    Auto,
    None,
    Required,
    Named(String),
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub reasoning: Option<String>,
    pub text: String,
    pub calls: Vec<Call>,
    pub stop: Stop,
    pub usage: Usage,
    /// Twelve hexadecimal digits of the question.
    pub fingerprint: String,
}

#[derive(Clone, Debug)]
pub struct Call {
    pub id: String,
    pub name: String,
    pub arguments: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    End,
    Length,
    Tools,
}

/// Tokens; `cached` is part of `prompt`, `reasoning` of `completion`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub prompt: u64,
    pub cached: u64,
    pub completion: u64,
    pub reasoning: u64,
}

impl Ask {
    pub fn last_user_text(&self) -> String {
        let last = self.turns.iter().rev().find(|turn| turn.role == Role::User);
        last.map(|turn| turn.text.clone()).unwrap_or_default()
    }

    fn prompt_tokens(&self) -> u64 {
        let words: u64 = self.turns.iter().map(|turn| tokens(&turn.text).saturating_add(4)).sum();
        let images = self.turns.iter().map(|turn| turn.images).sum::<usize>().saturating_mul(256);
        let tools: u64 = self.tools.iter().map(|tool| tokens(&tool.schema.to_string()).saturating_add(8)).sum();
        words.saturating_add(tools).saturating_add(u64::try_from(images).unwrap_or(0)).saturating_add(3)
    }

    /// What came before the last answer is in the cache, in blocks of 128 tokens.
    fn cached_tokens(&self) -> u64 {
        let Some(answered) = self.turns.iter().rposition(|turn| turn.role == Role::Assistant) else { return 0 };
        let before: u64 = self.turns.iter().take(answered).map(|turn| tokens(&turn.text).saturating_add(4)).sum();
        if before < 1_024 { 0 } else { before / 128 * 128 }
    }
}

/// Four characters a token, rounded up.
pub fn tokens(text: &str) -> u64 {
    u64::try_from(text.chars().count().div_ceil(4)).unwrap_or(u64::MAX)
}

pub fn answer(ask: &Ask) -> Answer {
    let question = ask.last_user_text();
    let mut hasher = Sha256::new();
    hasher.update(ask.model.as_bytes());
    for turn in &ask.turns {
        hasher.update(turn.text.as_bytes());
    }
    let digest = hasher.finalize();
    let fingerprint: String = digest.iter().take(6).flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect();
    let seed = digest.iter().take(8).fold(0_u64, |seed, byte| (seed << 8) | u64::from(*byte));

    let reasoning = ask.wants_reasoning.then(|| {
        format!(
            "This reasoning is simulated. The question has {} words; I pick a short, polite answer to it.",
            question.split_whitespace().count()
        )
    });
    let calls: Vec<Call> = chosen_tool(ask, &question)
        .map(|tool| Call {
            id: format!("call_{fingerprint}{:012x}", seed >> 16),
            name: tool.name.clone(),
            arguments: schema::value(&tool.schema, &question),
        })
        .into_iter()
        .collect();
    let mut stop = if calls.is_empty() { Stop::End } else { Stop::Tools };
    let mut text = if calls.is_empty() { text(ask, &question, seed) } else { String::new() };
    for end in ask.stop.iter().filter(|end| !end.is_empty()) {
        if let Some((before, _)) = text.split_once(end.as_str()) {
            text = before.to_owned();
        }
    }
    let reasoning_tokens = reasoning.as_deref().map_or(0, tokens);
    if let Some(most) = ask.max_tokens {
        let left = most.saturating_sub(reasoning_tokens);
        if tokens(&text) > left {
            let kept = usize::try_from(left.saturating_mul(4)).unwrap_or(usize::MAX);
            text = text.chars().take(kept).collect();
            stop = Stop::Length;
        }
    }
    let arguments: u64 = calls.iter().map(|call| tokens(&call.arguments.to_string()).saturating_add(6)).sum();
    let usage = Usage {
        prompt: ask.prompt_tokens(),
        cached: ask.cached_tokens(),
        completion: tokens(&text).saturating_add(arguments).saturating_add(reasoning_tokens),
        reasoning: reasoning_tokens,
    };
    Answer { reasoning, text, calls, stop, usage, fingerprint }
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

/// A tool is called when it must be, or when the question speaks of what it does.
fn chosen_tool<'a>(ask: &'a Ask, question: &str) -> Option<&'a Tool> {
    match &ask.tool_choice {
        ToolChoice::None => None,
        ToolChoice::Named(name) => ask.tools.iter().find(|tool| tool.name == *name),
        ToolChoice::Required => ask.tools.first(),
        ToolChoice::Auto => {
            if ask.turns.last().is_some_and(|turn| turn.role == Role::Tool) {
                return None;
            }
            let question = question.to_lowercase();
            ask.tools.iter().find(|tool| {
                let name = tool.name.to_lowercase();
                name.split(|letter: char| !letter.is_alphanumeric())
                    .any(|word| word.len() > 3 && question.contains(word))
            })
        }
    }
}

const OPENINGS: [&str; 4] = [
    "Here is what a model might say to that.",
    "A short answer, made up by a program.",
    "No model was asked; this text stands in for one.",
    "This is what the answer would look like.",
];
const SENTENCES: [&str; 8] = [
    "The important part is to begin with the simplest case and to check it.",
    "Most of the work is in the details, and most of the details can wait.",
    "Two things matter here: what goes in, and what is expected to come out.",
    "If the numbers surprise you, measure again before changing anything.",
    "A small example usually says more than a long explanation.",
    "It helps to write down what is known, what is assumed and what is open.",
    "The usual approach works well until the input grows; then the order of steps matters.",
    "In practice one would compare two or three options and keep the plainest.",
];

fn text(ask: &Ask, question: &str, seed: u64) -> String {
    if let Some(wanted) = &ask.schema {
        return schema::value(wanted, question).to_string();
    }
    if ask.wants_json {
        return json!({ "simulated": true, "answer": "This JSON was made up by a program." }).to_string();
    }
    if let Some((echo, _)) = question.split_once("[[echo:").and_then(|(_, rest)| rest.split_once("]]")) {
        return echo.to_owned();
    }
    let pick = |list: &[&'static str], shift: u32| -> &'static str {
        let length = u64::try_from(list.len()).unwrap_or(1).max(1);
        let at = usize::try_from((seed >> shift) % length).unwrap_or(0);
        list.get(at).copied().unwrap_or_default()
    };
    let mut out = format!("(Simulated by {}) {}", ask.model, pick(&OPENINGS, 3));
    if let Some(result) = ask.turns.last().filter(|turn| turn.role == Role::Tool) {
        out.push_str(" The tool answered: ");
        out.push_str(&excerpt(&result.text, 200));
        return out;
    }
    if !question.is_empty() {
        out.push_str(" You wrote: “");
        out.push_str(&excerpt(question, 80));
        out.push_str("”.");
    }
    let images: usize = ask.turns.iter().map(|turn| turn.images).sum();
    match images {
        0 => {}
        1 => out.push_str(" One image came along; a simulated model cannot see it."),
        many => {
            out.push(' ');
            out.push_str(&many.to_string());
            out.push_str(" images came along; a simulated model cannot see them.");
        }
    }
    out.push_str("\n\n");
    out.push_str(pick(&SENTENCES, 7));
    out.push(' ');
    out.push_str(pick(&SENTENCES, 17));
    if question.to_lowercase().contains("code") {
        out.push_str("\n\n```python\ndef answer():\n    return \"simulated\"\n```");
    } else if seed & 1 == 1 {
        out.push_str("\n\n- ");
        out.push_str(pick(&SENTENCES, 27));
        out.push_str("\n- ");
        out.push_str(pick(&SENTENCES, 37));
    }
    out
}

fn excerpt(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most { line } else { line.chars().take(most).chain("…".chars()).collect() }
}
