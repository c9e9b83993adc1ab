//! OpenAI's own tokenizers, so that what its models read is counted, not guessed.
//!
//! A table takes about 60 ms to load and 52 MB (`o200k_base`) or 20 MB
//! (`cl100k_base`) to keep, so each is loaded by the first request to a model that
//! uses it, in a thread of its own; until it is there, ratios stand in.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tiktoken_rs::CoreBPE;

use super::estimate::text_tokens;

/// What a request on its way is counted to, bytes: 0.7 ms of prose.
const QUICK_BYTES: usize = 32 << 10;
/// What is counted for a caller who asks for nothing but the count.
const THOROUGH_BYTES: usize = 512 << 10;
/// What the tokenizer is given at once. On longer stretches of white space its
/// regular expression runs out of stack, and long words take quadratic time.
const PIECE_BYTES: usize = 8 << 10;

static O200K: Table = Table::new(tiktoken_rs::o200k_base);
static CL100K: Table = Table::new(tiktoken_rs::cl100k_base);

/// Which of OpenAI's vocabularies a model reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vocabulary {
    /// GPT-4o and everything after it.
    O200k,
    /// GPT-4, GPT-3.5 and the embeddings.
    Cl100k,
}

impl Vocabulary {
    /// By the model's id: `openai/gpt-4o:free`. Source: the table of models in tiktoken.
    #[must_use]
    pub fn of(model_id: &str) -> Option<Self> {
        let name = match model_id.split_once('/') {
            Some((author, name)) => (author == "openai").then_some(name)?,
            None => model_id,
        };
        let name = name.split(':').next().unwrap_or(name);
        let begins = |starts: &[&str]| starts.iter().any(|start| name.starts_with(start));
        if name == "gpt-4" || begins(&["gpt-3.5", "gpt-35", "gpt-4-", "text-embedding"]) {
            return Some(Self::Cl100k);
        }
        let is_o = name.strip_prefix('o').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        (is_o || begins(&["gpt-", "chatgpt-", "codex"])).then_some(Self::O200k)
    }

    const fn table(self) -> &'static Table {
        match self {
            Self::O200k => &O200K,
            Self::Cl100k => &CL100K,
        }
    }
}

/// A vocabulary, loaded when first needed and then kept.
struct Table {
    tokenizer: OnceLock<Option<CoreBPE>>,
    is_asked_for: AtomicBool,
    load: fn() -> anyhow::Result<CoreBPE>,
}

impl Table {
    const fn new(load: fn() -> anyhow::Result<CoreBPE>) -> Self {
        Self { tokenizer: OnceLock::new(), is_asked_for: AtomicBool::new(false), load }
    }

    /// The tokenizer, if it is there already; if not, it will be before long.
    fn ready(&'static self) -> Option<&'static CoreBPE> {
        if let Some(loaded) = self.tokenizer.get() {
            return loaded.as_ref();
        }
        if !self.is_asked_for.swap(true, Ordering::Relaxed) {
            // Without a thread the ratios go on.
            let _ = std::thread::Builder::new().name("tokenizer".to_owned()).spawn(|| {
                self.wait();
            });
        }
        None
    }

    /// The tokenizer, loaded by this thread if need be.
    fn wait(&'static self) -> Option<&'static CoreBPE> {
        let load = || (self.load)().inspect_err(|error| tracing::error!(%error, "A tokenizer does not load")).ok();
        self.tokenizer.get_or_init(load).as_ref()
    }
}

/// Counts the tokens of the texts of one request: exactly up to a number of bytes,
/// if the model is OpenAI's, by ratio beyond it and otherwise.
pub struct Counter {
    tokenizer: Option<&'static CoreBPE>,
    bytes_left: usize,
}

impl Counter {
    /// By ratio only.
    pub const RATIO: Self = Self { tokenizer: None, bytes_left: 0 };

    /// Never waits: the first requests to a vocabulary's models are estimated by ratio.
    #[must_use]
    pub fn quick(model_id: &str) -> Self {
        let tokenizer = Vocabulary::of(model_id).and_then(|vocabulary| vocabulary.table().ready());
        Self { tokenizer, bytes_left: QUICK_BYTES }
    }

    /// Loads the vocabulary if need be, and reads on for longer: not for async threads.
    #[must_use]
    pub fn thorough(vocabulary: Vocabulary) -> Self {
        Self { tokenizer: vocabulary.table().wait(), bytes_left: THOROUGH_BYTES }
    }

    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.tokenizer.is_some()
    }

    /// Tokens of the next text.
    pub fn text(&mut self, text: &str) -> u64 {
        let Some(tokenizer) = self.tokenizer else { return text_tokens(text) };
        let (mut counted, rest) = text.split_at(text.floor_char_boundary(self.bytes_left));
        self.bytes_left -= counted.len();
        let mut tokens = text_tokens(rest);
        while !counted.is_empty() {
            let (piece, after) = counted.split_at(cut(counted));
            tokens += u64::try_from(tokenizer.count_ordinary(piece)).unwrap_or(u64::MAX);
            counted = after;
        }
        tokens
    }
}

/// Where the next piece ends: before a space, which belongs to the word behind it.
fn cut(text: &str) -> usize {
    if text.len() <= PIECE_BYTES {
        return text.len();
    }
    let end = text.floor_char_boundary(PIECE_BYTES);
    let head = text.get(..end).unwrap_or(text);
    head.rfind(char::is_whitespace).filter(|place| *place > PIECE_BYTES / 2).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exactly(text: &str) -> u64 {
        Counter::thorough(Vocabulary::O200k).text(text)
    }

    #[test]
    fn models_of_openai_have_their_vocabulary_and_others_none() {
        for model in ["openai/gpt-4o-mini", "openai/gpt-5.4", "openai/o3", "gpt-4.1", "openai/gpt-oss-20b:free"] {
            assert_eq!(Vocabulary::of(model), Some(Vocabulary::O200k), "{model}");
        }
        for model in ["openai/gpt-4", "openai/gpt-4-turbo", "gpt-3.5-turbo", "openai/text-embedding-3-small"] {
            assert_eq!(Vocabulary::of(model), Some(Vocabulary::Cl100k), "{model}");
        }
        for model in ["anthropic/claude-sonnet-4.5", "x/gpt-4o", "openai/whisper-1", "omni", "mistral-large", ""] {
            assert_eq!(Vocabulary::of(model), None, "{model}");
        }
    }

    #[test]
    fn counts_are_those_openai_publishes() {
        // From OpenAI's cookbook on counting tokens, and tiktoken's own documentation.
        assert_eq!(exactly("antidisestablishmentarianism"), 6);
        assert_eq!(exactly("2 + 2 = 4"), 7);
        assert_eq!(exactly("お誕生日おめでとう"), 8);
        assert_eq!(Counter::thorough(Vocabulary::Cl100k).text("お誕生日おめでとう"), 9);
        assert_eq!(exactly(""), 0);
    }

    #[test]
    fn a_long_text_counted_in_pieces_is_counted_like_its_parts() {
        let sentence = "The quick brown fox jumps over the lazy dog, and the cat too. ";
        let one = exactly(sentence);
        let many = exactly(&sentence.repeat(1_000));
        assert!(many.abs_diff(one * 1_000) <= 1_010, "{many} and {one}");
    }

    #[test]
    fn texts_made_to_break_a_tokenizer_do_not() {
        for unit in [" ", "\n", "\t \u{a0}", "a", "A", "!", "\u{300}", "👩‍👩‍👧", "\u{0}"] {
            let tokens = exactly(&unit.repeat((600 << 10) / unit.len()));
            assert!(tokens > 1_000, "{unit:?}: {tokens}");
        }
    }

    #[test]
    fn beyond_the_limit_the_ratio_goes_on() {
        let mut counter = Counter::thorough(Vocabulary::O200k);
        let text = "word ".repeat(200_000);
        let all = counter.text(&text);
        let rest = "word ".repeat(200_000 - THOROUGH_BYTES / 5);
        assert!(all > 104_000 + text_tokens(&rest) - 100, "{all}");
        assert_eq!(counter.text("and one more"), text_tokens("and one more"));
    }

    #[test]
    fn until_a_vocabulary_is_loaded_the_ratio_is_taken() {
        static SLOW: Table = Table::new(|| Err(anyhow::anyhow!("not in this test")));
        assert!(SLOW.ready().is_none());
        assert!(SLOW.wait().is_none());
        assert!(!Counter::quick("anthropic/claude-sonnet-4.5").is_exact());
    }
}
