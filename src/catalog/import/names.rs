//! One model has many spellings: `claude-sonnet-4-5`, `anthropic/claude-sonnet-4.5`,
//! `us.anthropic.claude-sonnet-4-5-20250929-v1:0`. [`Name::read`] finds what they
//! have in common (`key`) and keeps apart what differs: sizes, `-mini`, `:free`.

use super::families;

/// A provider's model name, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Slug of the maker.
    pub author: String,
    /// Without author and variant.
    pub slug: String,
    /// `free`, `thinking`, …
    pub variant: Option<String>,
    /// Names of the same model have the same key.
    pub key: String,
    pub quantization: Option<String>,
}

/// What hosts put in front of a name.
const WRAPPINGS: [&str; 16] = [
    "workers-ai/",
    "@cf/",
    "hf:",
    "hf/",
    "accounts/fireworks/models/",
    "accounts/fireworks/routers/",
    "models/",
    "route/",
    "public/",
    "pro/",
    "tee/",
    "us.",
    "eu.",
    "au.",
    "jp.",
    "global.",
];

/// Glued to the front of a known family by resellers.
const HYPHENATED: [&str; 14] = [
    "databricks-",
    "duo-chat-",
    "azure-",
    "anthropic--",
    "anthropic-",
    "openai-",
    "zai-org-",
    "z-ai-",
    "zai-",
    "alibaba-",
    "alicloud-",
    "moonshotai-",
    "nvidia-",
    "meta-",
];

/// Endings that say how the weights are stored; `None` in the vocabulary is `unknown`.
const QUANTIZATIONS: [(&str, &str); 17] = [
    ("-fp8-dynamic", "fp8"),
    ("-mxfp8", "mxfp8"),
    ("-fp8", "fp8"),
    ("-nvfp4", "nvfp4"),
    ("-mxfp4", "mxfp4"),
    ("-fp4", "fp4"),
    ("-bf16", "bf16"),
    ("-fp16", "fp16"),
    ("-int8", "int8"),
    ("-8bit", "int8"),
    ("-int4", "int4"),
    ("-4bit", "int4"),
    ("-awq", "int4"),
    ("-gptq", "int4"),
    ("-q4-k-m", "int4"),
    ("-6bit", "unknown"),
    ("-gguf", "unknown"),
];

impl Name {
    /// Reads `text`, the name of a model at `provider`.
    #[must_use]
    pub fn read(text: &str, provider: &str) -> Self {
        let lower = text.trim().to_ascii_lowercase();
        if let Some(moving) = lower.strip_prefix('~') {
            // `~author/family-latest` is a name of its own, pointing at changing models.
            let (author, slug) = moving.split_once('/').unwrap_or((provider, moving));
            let author = format!("~{}", families::author(author));
            return Self { author, slug: slug.to_owned(), variant: None, key: lower.clone(), quantization: None };
        }
        let unwrapped = unwrap(&underscores(&lower));
        let (text, mut variant) = split_variant(&unwrapped);
        let (given_author, slug) = split_author(&text);
        let mut slug = slug.strip_suffix("-maas").or_else(|| slug.strip_suffix("-tee")).unwrap_or(&slug).to_owned();
        if let Some(paid) = slug.strip_suffix("-free") {
            variant = Some("free".to_owned());
            slug = paid.to_owned();
        }
        let quantization = QUANTIZATIONS.iter().find_map(|(ending, name)| {
            let rest = slug.strip_suffix(ending)?.to_owned();
            rest.strip_suffix("-mlx").unwrap_or(&rest).clone_into(&mut slug);
            Some((*name).to_owned())
        });
        let slug = families::spell(&join_versions(&slug), given_author.as_deref());
        let (slug, variant) = families::thinking_variant(slug, variant);
        let author = families::maker(&slug)
            .map(str::to_owned)
            .or_else(|| given_author.as_deref().map(families::author))
            .unwrap_or_else(|| families::author(provider));
        // Some hosts leave the points out: `gpt-54` is `gpt-5.4`.
        let mut key = families::key(&slug, &author).replace('.', "");
        if let Some(variant) = &variant {
            key.push(':');
            key.push_str(variant);
        }
        Self { author, slug, variant, key, quantization }
    }

    /// `author/slug[:variant]`.
    #[must_use]
    pub fn id(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{}/{}:{variant}", self.author, self.slug),
            None => format!("{}/{}", self.author, self.slug),
        }
    }
}

/// `m2_5` is `m2.5`; other underscores are hyphens.
fn underscores(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    text.char_indices()
        .map(|(at, letter)| match letter {
            '_' if is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1)) => '.',
            '_' => '-',
            other => other,
        })
        .collect()
}

fn unwrap(text: &str) -> String {
    let mut rest = text;
    while let Some(inner) = WRAPPINGS.iter().find_map(|wrapping| rest.strip_prefix(wrapping)) {
        rest = inner;
    }
    let is_fireworks = text.starts_with("accounts/fireworks/");
    let rest = if is_fireworks { points(rest) } else { rest.to_owned() };
    HYPHENATED
        .iter()
        .filter_map(|prefix| rest.strip_prefix(prefix))
        .find(|inner| families::maker(inner).is_some())
        .map_or_else(|| rest.clone(), str::to_owned)
}

/// Fireworks writes `glm-5p1` for 5.1.
fn points(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let is_digit = |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(char::is_ascii_digit);
    let point = |at: usize| is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1));
    letters.iter().enumerate().map(|(at, &letter)| if letter == 'p' && point(at) { '.' } else { letter }).collect()
}

/// What follows a colon or an at-sign: a variant, a size, a revision.
fn split_variant(text: &str) -> (String, Option<String>) {
    let text = match text.split_once('@') {
        Some((base, revision)) if is_digits(revision) => format!("{base}-{revision}"),
        Some((base, _)) if !base.is_empty() => base.to_owned(),
        _ => text.to_owned(),
    };
    let Some((base, tail)) = text.split_once(':') else { return (text, None) };
    let (tail, extra) = tail.split_once(':').map_or((tail, None), |(tail, extra)| (tail, Some(extra)));
    if is_digits(tail) && extra.is_none() {
        // `-v1:0` and `-1:0` are revisions of the host; a budget of thinking tokens says nothing else.
        let base =
            base.rsplit_once('-').filter(|(_, end)| is_digits(end.trim_start_matches('v'))).map_or(base, |b| b.0);
        return (base.to_owned(), None);
    }
    if tail.starts_with(|first: char| first.is_ascii_digit()) {
        return (format!("{base}-{tail}"), None);
    }
    match tail {
        "latest" | "cloud" | "" => (base.to_owned(), None),
        "think" => (base.to_owned(), Some("thinking".to_owned())),
        other => (base.to_owned(), Some(other.to_owned())),
    }
}

fn split_author(text: &str) -> (Option<String>, String) {
    if let Some((path, slug)) = text.rsplit_once('/') {
        let author = path.split('/').next().unwrap_or(path);
        return (Some(author.to_owned()), unwrap(slug));
    }
    if let Some((author, slug)) = text.split_once('.')
        && families::is_author(author)
        && slug.starts_with(|first: char| first.is_ascii_alphabetic())
    {
        let bare = slug.strip_suffix("-v1").filter(|bare| bare.starts_with("claude")).unwrap_or(slug);
        return (Some(author.to_owned()), bare.to_owned());
    }
    (None, text.to_owned())
}

/// `glm-4-7` is `glm-4.7`; dates and sizes stay as they are.
fn join_versions(slug: &str) -> String {
    let tokens: Vec<&str> = slug.split('-').collect();
    let mut out = String::with_capacity(slug.len());
    let mut joined_at = None;
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| tokens.get(before)).copied();
        let year = at.checked_sub(2).and_then(|year| tokens.get(year)).is_some_and(|t| t.len() == 4 && is_digits(t));
        let after_is_date = tokens.get(at + 1).is_some_and(|next| next.len() == 4 && next.starts_with("20"));
        let is_minor = is_digits(token) && token.len() <= 2 && !(token.len() == 2 && token.starts_with('0'));
        let joins = before.is_some_and(ends_in_major) && is_minor && !year && !after_is_date;
        if at > 0 {
            out.push(if joins && joined_at != at.checked_sub(1) { '.' } else { '-' });
        }
        if joins {
            joined_at = Some(at);
        }
        out.push_str(token);
    }
    out
}

/// A token a minor version may follow: `4`, `m2`, `k2`, `qwen3`, but not `05`, `70b` or `4.5`.
fn ends_in_major(token: &str) -> bool {
    let digits = token.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    !digits.is_empty() && digits.len() <= 2 && is_digits(digits) && !digits.starts_with('0')
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a model makes other than words, where its name says so.
#[must_use]
pub fn output_of(upstream: &str) -> Option<&'static str> {
    const KINDS: [(&str, &str); 12] = [
        ("rerank", "rerank"),
        ("embed", "embeddings"),
        ("bge-", "embeddings"),
        ("gte-", "embeddings"),
        ("e5-", "embeddings"),
        ("minilm", "embeddings"),
        ("voyage-", "embeddings"),
        ("jina-clip", "embeddings"),
        ("jina-colbert", "embeddings"),
        ("paraphrase-", "embeddings"),
        ("whisper", "transcription"),
        ("transcribe", "transcription"),
    ];
    let lower = upstream.to_ascii_lowercase();
    // `bge-m3` and `baai/bge-m3`, but no letters before it.
    let begins = |place: usize| lower.get(..place).is_none_or(|head| !head.ends_with(char::is_alphanumeric));
    let has = |word: &str| lower.match_indices(word).any(|(place, _)| word.len() > 4 || begins(place));
    KINDS.iter().find(|(word, _)| has(word)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> String {
        Name::read(text, "host").id()
    }

    fn key(text: &str) -> String {
        Name::read(text, "host").key
    }

    #[test]
    fn every_spelling_of_a_claude_is_one_model() {
        for text in [
            "claude-sonnet-4-5",
            "anthropic/claude-sonnet-4.5",
            "claude-sonnet-4-5-20250929",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "claude-sonnet-4-5@20250929",
            "anthropic--claude-4.5-sonnet",
            "claude-4-5-sonnet",
            "databricks-claude-sonnet-4-5",
        ] {
            assert_eq!(id(text), "anthropic/claude-sonnet-4.5", "{text}");
        }
        assert_eq!(id("claude-opus-4-0"), "anthropic/claude-opus-4");
        assert_eq!(id("claude-opus-4-6@default"), "anthropic/claude-opus-4.6");
        assert_eq!(id("anthropic.claude-opus-4-6-v1"), "anthropic/claude-opus-4.6");
        assert_eq!(id("claude-3-5-haiku-20241022"), "anthropic/claude-3.5-haiku");
        assert_eq!(id("claude-sonnet-4-thinking:1024"), "anthropic/claude-sonnet-4:thinking");
    }

    #[test]
    fn hosts_wrappings_versions_and_quantizations_are_taken_off() {
        let cases = [
            ("accounts/fireworks/models/glm-5p1", "z-ai/glm-5.1", None),
            ("zai-org/GLM-5.1-FP8", "z-ai/glm-5.1", Some("fp8")),
            ("glm-4-7", "z-ai/glm-4.7", None),
            ("@cf/meta/llama-3.1-8b-instruct-fp8", "meta-llama/llama-3.1-8b-instruct", Some("fp8")),
            ("meta.llama3-3-70b-instruct-v1:0", "meta-llama/llama-3.3-70b-instruct", None),
            ("Meta-Llama-3_1-8B-Instruct-GGUF", "meta-llama/llama-3.1-8b-instruct", Some("unknown")),
            ("Qwen/Qwen3-235B-A22B-Thinking-2507-TEE", "qwen/qwen3-235b-a22b-thinking-2507", None),
            ("hf:moonshotai/Kimi-K2.6", "moonshotai/kimi-k2.6", None),
            ("minimaxai/chat-completion/models/MiniMax-M2_5", "minimax/minimax-m2.5", None),
            ("gpt-oss:120b", "openai/gpt-oss-120b", None),
            ("openai.gpt-oss-120b-1:0", "openai/gpt-oss-120b", None),
            ("gpt-5-4-mini", "openai/gpt-5.4-mini", None),
            ("openai/gpt-oss-120b-maas", "openai/gpt-oss-120b", None),
            ("nvidia/DeepSeek-V3.2-NVFP4", "deepseek/deepseek-v3.2", Some("nvfp4")),
            ("qwen-3-6-plus", "qwen/qwen3.6-plus", None),
        ];
        for (text, expected, quantization) in cases {
            let name = Name::read(text, "host");
            assert_eq!((name.id().as_str(), name.quantization.as_deref()), (expected, quantization), "{text}");
        }
    }

    #[test]
    fn what_differs_stays_apart() {
        let apart = [
            ("gpt-5.4", "gpt-5.4-mini"),
            ("gpt-4o", "gpt-4o-2024-11-20"),
            ("gpt-3.5-turbo", "gpt-3.5-turbo-instruct"),
            ("qwen/qwen3-vl-8b-thinking", "qwen/qwen3-vl-8b-instruct"),
            ("qwen/qwen3-30b-a3b", "qwen/qwen3-30b-a3b-instruct-2507"),
            ("llama-3.3-70b-instruct", "llama-3.1-70b-instruct"),
            ("z-ai/glm-5", "z-ai/glm-5-turbo"),
            ("openai/gpt-oss-20b", "openai/gpt-oss-20b:free"),
            ("anthropic/claude-opus-4.6", "anthropic/claude-opus-4.6-fast"),
            ("claude-3-5-sonnet-20240620", "claude-3-5-sonnet-20241022"),
            ("openrouter/auto", "morph/auto"),
            ("qwen2-57b-instruct", "qwen2.5-7b-instruct"),
            ("llama-3-18b-instruct", "llama-3.1-8b-instruct"),
        ];
        for (one, other) in apart {
            assert_ne!(key(one), key(other), "{one} and {other}");
        }
    }

    #[test]
    fn spellings_that_only_differ_in_habit_share_a_key() {
        let same = [
            ("qwen/qwen3-235b-a22b-2507", "Qwen/Qwen3-235B-A22B-Instruct-2507"),
            ("qwen/qwen3-coder", "qwen.qwen3-coder-480b-a35b-v1:0"),
            ("qwen/qwen-2.5-7b-instruct", "qwen2-5-7b-instruct"),
            ("meta-llama/llama-4-maverick", "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8"),
            ("meta-llama/llama-3.3-70b-instruct", "llama-3.3-70b-versatile"),
            ("google/gemma-4-31b-it", "gemma4-31b"),
            ("mistralai/mistral-medium-3-5", "mistral/mistral-medium-3.5"),
            ("openai/gpt-5.1-chat", "gpt-5.1-chat-latest"),
            ("google/gemini-2.0-flash-001", "gemini-2.0-flash"),
            ("deepseek/deepseek-chat-v3-0324", "deepseek-ai/DeepSeek-V3-0324"),
            ("openai/gpt-4o-2024-11-20", "gpt-4o-20241120"),
            ("moonshotai/kimi-k2-0905", "kimi-k2-0905-preview"),
            ("openai/gpt-5.4-mini", "openai-gpt-54-mini"),
            ("qwen/qwen3.5-397b-a17b", "qwen/qwen35-397b-a17b"),
        ];
        for (one, other) in same {
            assert_eq!(key(one), key(other), "{one} and {other}");
        }
    }
}
