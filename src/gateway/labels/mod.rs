//! What a request asks for, what it is about and in which language, guessed from its shape and the
//! first words of its last question. Only the three labels leave this module.

mod language;
mod words;

use app::types::labels::is_about_code;

use crate::dialects::Inference;
use crate::dialects::inference::{Part, Role};
use crate::dialects::retrieval::{Input, Retrieval};
use words::{Traits, WORDS};

/// Bytes of the question that are looked at.
const LOOKED_AT: usize = 2_048;
/// Bytes of it whose words are read.
const READ: usize = 768;
/// Words that are looked up.
const LOOKED_UP: usize = 120;
/// One sign of a program in so many letters makes a text a program.
const DENSITY: usize = 14;
/// In so many words a topic must be named once more: long texts touch on many things.
const PASSAGE: usize = 40;

/// Three labels; each is empty where there is nothing to go by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// One of [`app::types::labels::TASKS`].
    pub task: &'static str,
    /// One of [`app::types::labels::CATEGORIES`].
    pub category: &'static str,
    /// One of [`app::types::labels::LANGUAGES`].
    pub language: &'static str,
}

/// What comes with the words of the question.
#[derive(Clone, Copy, Debug, Default)]
struct Company {
    has_pictures: bool,
    has_files: bool,
    has_sound: bool,
}

impl Labels {
    /// The labels of a request.
    #[must_use]
    pub fn of(request: &Inference) -> Self {
        let (text, company) = question(request);
        let start = text.get(..text.floor_char_boundary(READ)).unwrap_or_default().to_lowercase();
        let mut traits = Traits::default();
        let mut languages = language::Hits::default();
        let mut words = 0;
        let mut look_up = |word: &[u8]| {
            words += usize::from(!word.is_empty());
            if let Some(meaning) = WORDS.get(word) {
                traits.add(meaning.traits);
                languages.add(meaning.languages);
            }
        };
        if start.is_ascii() {
            // Most questions: no letter of theirs need be decoded.
            let bytes = start.as_bytes().split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'\'');
            bytes.take(LOOKED_UP).for_each(look_up);
        } else {
            let parts = start.split(|letter: char| !letter.is_alphanumeric() && letter != '\'');
            parts.take(LOOKED_UP).for_each(|word| look_up(word.as_bytes()));
        }
        let task = task(request, &text, &traits, company);
        Self { task, category: category(task, &traits, words), language: language::of(&start, &languages) }
    }
}

/// The start of what was asked last.
fn question(request: &Inference) -> (String, Company) {
    let (mut text, mut company) = (String::new(), Company::default());
    match request.retrieval.as_deref() {
        Some(Retrieval::Rerank(rerank)) => add(&mut text, &rerank.query),
        Some(Retrieval::Embed(embed)) => {
            if let Some(Input::Text(input)) = embed.inputs.first() {
                add(&mut text, input);
            }
        }
        None => {
            let last = request.messages.iter().rev().find(|message| message.role == Role::User);
            for part in last.into_iter().flat_map(|message| &message.content) {
                match part {
                    Part::Text { text: words, .. } => add(&mut text, words),
                    Part::Image { .. } | Part::Video { .. } => company.has_pictures = true,
                    Part::File { .. } => company.has_files = true,
                    Part::Audio { .. } => company.has_sound = true,
                    Part::Other(_) => {}
                }
            }
        }
    }
    (text, company)
}

fn add(text: &mut String, more: &str) {
    let room = LOOKED_AT.saturating_sub(text.len());
    text.push_str(more.get(..more.floor_char_boundary(room)).unwrap_or_default());
    text.push('\n');
}

fn task(request: &Inference, text: &str, traits: &Traits, company: Company) -> &'static str {
    match request.retrieval.as_deref() {
        Some(Retrieval::Embed(_)) => return "data:embedding",
        Some(Retrieval::Rerank(_)) => return "data:reranking",
        None => {}
    }
    if request.modalities.iter().any(|kind| kind == "image" || kind == "audio") {
        return "general:media_generation";
    }
    if request.web_search.is_some() {
        return "agent:web_search";
    }
    if traits.code >= 2 || text.contains("```") || is_dense(text) {
        return about_code(request, traits);
    }
    if !request.tools.is_empty() {
        return "agent:tool_use";
    }
    if request.wants_json() {
        return "data:extraction";
    }
    if company.has_files {
        return "data:documents";
    }
    if company.has_pictures {
        return "general:vision";
    }
    let votes = [
        (traits.translation, "general:translation"),
        (traits.summary, "general:summarization"),
        (traits.roleplay, "general:roleplay"),
        (traits.data, "data:analysis"),
        (traits.math, "general:math"),
        (traits.writing, "general:writing"),
    ];
    // Of equals the first: to translate a poem is a translation.
    let best = votes.into_iter().rev().max_by_key(|(count, _)| *count).filter(|(count, _)| *count > 0);
    match best {
        Some((_, task)) => task,
        None if company.has_sound || text.chars().any(char::is_alphanumeric) => "general:conversation",
        None => "",
    }
}

fn about_code(request: &Inference, traits: &Traits) -> &'static str {
    if !request.tools.is_empty() {
        "agent:coding"
    } else if traits.fault > 0 {
        "code:debugging"
    } else if traits.query > 0 {
        "code:sql"
    } else if traits.review > 0 {
        "code:review"
    } else {
        "code:general_impl"
    }
}

/// What a text of so many words is about; most of what people say in passing is about nothing.
fn category(task: &str, traits: &Traits, words: usize) -> &'static str {
    match task {
        code if is_about_code(code) => return "programming",
        "general:translation" => return "translation",
        "general:roleplay" => return "roleplay",
        _ => {}
    }
    let votes = [
        (traits.seo, "marketing/seo"),
        (traits.marketing, "marketing"),
        (traits.legal, "legal"),
        (traits.finance, "finance"),
        (traits.health, "health"),
        (traits.science + traits.math, "science"),
        (traits.academia, "academia"),
        (traits.technology, "technology"),
        (traits.trivia, "trivia"),
    ];
    // Of equals the first: keywords of an advertisement are for search engines.
    let best = votes.into_iter().rev().max_by_key(|(count, _)| *count);
    best.filter(|(count, _)| usize::from(*count) > words / PASSAGE).map_or("", |(_, category)| category)
}

/// Programs are full of brackets, and end their lines with semicolons.
fn is_dense(text: &str) -> bool {
    let is_sign = |byte: &u8| matches!(byte, b'{' | b'}' | b';' | b'(' | b')' | b'[' | b']' | b'=' | b'<' | b'>');
    let signs = text.bytes().filter(is_sign).count();
    signs >= 12 && signs.saturating_mul(DENSITY) >= text.len()
}

#[cfg(test)]
mod tests {
    use app::types::labels::{CATEGORIES, LANGUAGES, TASKS};

    use super::*;
    use crate::dialects::inference::{Message, ResponseFormat, Tool};

    fn asked(text: &str) -> Inference {
        let message = |role, text: &str| Message { role, content: vec![Part::text(text)], ..Message::default() };
        let messages =
            vec![message(Role::System, "You write code."), message(Role::User, text), message(Role::Assistant, "Yes.")];
        Inference { messages, ..Inference::default() }
    }

    fn task_of(text: &str) -> &'static str {
        Labels::of(&asked(text)).task
    }

    #[test]
    fn the_question_says_what_is_asked_for() {
        for (text, task) in [
            ("Write a Python function that parses a date", "code:general_impl"),
            ("Why does this Rust function panic? ```let x: u8 = 256;```", "code:debugging"),
            ("Please review this TypeScript class for me", "code:review"),
            ("for (let i = 0; i < n; i++) { sum[i] = f(x[i]); g(sum[i]); }", "code:general_impl"),
            ("A SQL query in postgres: select users without orders", "code:sql"),
            ("Translate this poem into French", "general:translation"),
            ("Summarize the meeting in three points", "general:summarization"),
            ("Stay in character: you are a pirate, roleplay with me", "general:roleplay"),
            ("Solve this equation for x", "general:math"),
            ("What trend is in this dataset? Compute the average.", "data:analysis"),
            ("Write a short e-mail to my landlord", "general:writing"),
            ("How are you today?", "general:conversation"),
            ("!?", ""),
        ] {
            assert_eq!(task_of(text), task, "{text}");
        }
    }

    #[test]
    fn the_question_says_what_it_is_about() {
        for (text, category) in [
            ("Write a Python function that parses a date", "programming"),
            ("Translate this contract into French", "translation"),
            ("Stay in character: you are a pirate, roleplay with me", "roleplay"),
            ("Plan a marketing campaign for a bakery and its customers", "marketing"),
            ("Which keywords help the SEO of a bakery's site?", "marketing/seo"),
            ("My laptop cannot find the wifi any more", "technology"),
            ("Explain photosynthesis to a child", "science"),
            ("Solve this equation for x", "science"),
            ("Is this clause of the lease enforceable in court?", "legal"),
            ("Wie werden Aktien besteuert, und welche Steuern fallen an?", "finance"),
            ("I have a headache and a fever, should I see a doctor?", "health"),
            ("What is the tallest mountain of Peru?", "trivia"),
            ("Give me an outline for my thesis, with citations", "academia"),
            ("How are you today?", ""),
            ("Write a short e-mail to my landlord", ""),
        ] {
            assert_eq!(Labels::of(&asked(text)).category, category, "{text}");
        }
    }

    #[test]
    fn a_long_text_is_not_about_what_it_mentions_once() {
        let story = "we went along the river and talked until it was dark ".repeat(9);
        assert_eq!(Labels::of(&asked(&format!("{story} then the doctor came"))).category, "");
        let visit = format!("the doctor asked about the pain, the fever and the medicine, {story}");
        assert_eq!(Labels::of(&asked(&visit)).category, "health");
    }

    #[test]
    fn the_shape_says_what_words_do_not() {
        let tools = vec![Tool { name: "lookup".to_owned(), ..Tool::default() }];
        let weather = Inference { tools: tools.clone(), ..asked("How is the weather?") };
        assert_eq!(Labels::of(&weather).task, "agent:tool_use");
        let code = Inference { tools, ..asked("Fix the function in main.rs, the compiler complains") };
        assert_eq!(Labels::of(&code).task, "agent:coding");
        let json = Inference { response_format: Some(ResponseFormat::JsonObject), ..asked("Name and age?") };
        assert_eq!(Labels::of(&json).task, "data:extraction");
        let drawn = Inference { modalities: vec!["image".to_owned()], ..asked("A red bicycle") };
        assert_eq!(Labels::of(&drawn).task, "general:media_generation");
        assert_eq!(Labels::of(&Inference::default()), Labels::default());
    }

    #[test]
    fn every_label_is_a_known_one() {
        for text in ["fix my code ```", "translate", "hello there, how is it", "Wie geht es dir und was machst du?"] {
            let labels = Labels::of(&asked(text));
            assert!(TASKS.iter().any(|(task, _)| *task == labels.task), "{labels:?}");
            assert!(labels.category.is_empty() || CATEGORIES.iter().any(|(known, _)| *known == labels.category));
            assert!(labels.language.is_empty() || LANGUAGES.iter().any(|(code, _)| *code == labels.language));
        }
    }

    #[test]
    fn a_long_question_is_read_at_its_start_only() {
        let text = format!("{}{}", "ä".repeat(LOOKED_AT), " translate this");
        assert_eq!(task_of(&text), "general:conversation");
    }
}
