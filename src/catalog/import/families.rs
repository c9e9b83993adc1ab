//! What is known about families of models: who makes them and how they are spelled.

/// Beginning of a slug → its maker, whoever offers it.
const MAKERS: [(&str, &str); 58] = [
    ("claude", "anthropic"),
    ("gpt", "openai"),
    ("chatgpt", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("codex-", "openai"),
    ("dall-e", "openai"),
    ("sora-", "openai"),
    ("whisper", "openai"),
    ("text-embedding-3", "openai"),
    ("text-embedding-ada", "openai"),
    ("gemini", "google"),
    ("gemma", "google"),
    ("imagen", "google"),
    ("veo-", "google"),
    ("lyria", "google"),
    ("llama-guard", "meta-llama"),
    ("llama", "meta-llama"),
    ("qwen", "qwen"),
    ("qwq", "qwen"),
    ("qvq", "qwen"),
    ("deepseek", "deepseek"),
    ("grok", "x-ai"),
    ("mistral", "mistralai"),
    ("ministral", "mistralai"),
    ("mixtral", "mistralai"),
    ("codestral", "mistralai"),
    ("devstral", "mistralai"),
    ("magistral", "mistralai"),
    ("pixtral", "mistralai"),
    ("voxtral", "mistralai"),
    ("kimi", "moonshotai"),
    ("minimax", "minimax"),
    ("glm", "z-ai"),
    ("command-", "cohere"),
    ("c4ai-", "cohere"),
    ("nova-", "amazon"),
    ("titan-", "amazon"),
    ("nemotron", "nvidia"),
    ("phi-", "microsoft"),
    ("sonar", "perplexity"),
    ("hermes", "nousresearch"),
    ("jamba", "ai21"),
    ("ernie", "baidu"),
    ("hunyuan", "tencent"),
    ("hy3", "tencent"),
    ("mimo", "xiaomi"),
    ("step-", "stepfun"),
    ("seed-", "bytedance-seed"),
    ("doubao", "bytedance-seed"),
    ("granite", "ibm-granite"),
    ("ling-", "inclusionai"),
    ("ring-", "inclusionai"),
    ("palmyra", "writer"),
    ("solar-", "upstage"),
    ("trinity", "arcee-ai"),
    ("mercury", "inception"),
];

/// Other names of makers → the slug used here.
const AUTHORS: [(&str, &str); 41] = [
    ("meta", "meta-llama"),
    ("meta-llama", "meta-llama"),
    ("llama", "meta-llama"),
    ("zai", "z-ai"),
    ("zai-org", "z-ai"),
    ("z-ai", "z-ai"),
    ("thudm", "z-ai"),
    ("zhipuai", "z-ai"),
    ("alibaba", "qwen"),
    ("alibaba-cn", "qwen"),
    ("qwen", "qwen"),
    ("xai", "x-ai"),
    ("x-ai", "x-ai"),
    ("grok", "x-ai"),
    ("mistral", "mistralai"),
    ("mistral-ai", "mistralai"),
    ("mistralai", "mistralai"),
    ("moonshot", "moonshotai"),
    ("moonshotai", "moonshotai"),
    ("moonshotai-cn", "moonshotai"),
    ("minimaxai", "minimax"),
    ("minimax", "minimax"),
    ("minimax-cn", "minimax"),
    ("deepseek-ai", "deepseek"),
    ("deepseek", "deepseek"),
    ("xiaomimimo", "xiaomi"),
    ("stepfun-ai", "stepfun"),
    ("ai21-labs", "ai21"),
    ("ibm", "ibm-granite"),
    ("google-ai-studio", "google"),
    ("anthropic", "anthropic"),
    ("openai", "openai"),
    ("google", "google"),
    ("amazon", "amazon"),
    ("cohere", "cohere"),
    ("nvidia", "nvidia"),
    ("microsoft", "microsoft"),
    ("perplexity", "perplexity"),
    ("writer", "writer"),
    ("arcee", "arcee-ai"),
    ("liquidai", "liquid"),
];

/// Families whose chat model is meant with and without `-instruct`.
const INSTRUCT_IS_SAID_OR_NOT: [&str; 13] = [
    "qwen",
    "llama",
    "gemma",
    "mistral",
    "ministral",
    "mixtral",
    "phi",
    "kimi",
    "deepseek",
    "granite",
    "lfm",
    "glm",
    "nemotron",
];

/// Names of makers as people write them; others are made from the slug.
const TITLES: [(&str, &str); 28] = [
    ("ai21", "AI21"),
    ("allenai", "AllenAI"),
    ("amazon", "Amazon"),
    ("arcee-ai", "Arcee AI"),
    ("bytedance-seed", "ByteDance Seed"),
    ("deepseek", "DeepSeek"),
    ("google", "Google"),
    ("ibm-granite", "IBM"),
    ("inclusionai", "inclusionAI"),
    ("meta-llama", "Meta"),
    ("minimax", "MiniMax"),
    ("mistralai", "Mistral"),
    ("moonshotai", "MoonshotAI"),
    ("nousresearch", "Nous"),
    ("nvidia", "NVIDIA"),
    ("openai", "OpenAI"),
    ("openrouter", "OpenRouter"),
    ("prime-intellect", "Prime Intellect"),
    ("rekaai", "Reka"),
    ("stepfun", "StepFun"),
    ("thedrummer", "TheDrummer"),
    ("x-ai", "xAI"),
    ("z-ai", "Z.AI"),
    ("liquid", "LiquidAI"),
    ("kwaipilot", "Kwaipilot"),
    ("deepcogito", "Deep Cogito"),
    ("nex-agi", "Nex AGI"),
    ("aion-labs", "AionLabs"),
];

/// Who makes the model of this slug, where the name alone says so.
pub fn maker(slug: &str) -> Option<&'static str> {
    if slug.starts_with("llama-") && slug.contains("nemotron") {
        return Some("nvidia");
    }
    let begins = |start: &str| {
        slug.strip_prefix(start).is_some_and(|rest| {
            // `o1` is not the beginning of `o1x`, nor `gpt` of `gptj`.
            start.ends_with('-') || !rest.starts_with(|next: char| next.is_ascii_alphabetic()) || start.len() > 4
        })
    };
    MAKERS.iter().find(|(start, _)| begins(start)).map(|(_, author)| *author)
}

/// The slug of a maker under any of its names.
pub fn author(name: &str) -> String {
    let found = AUTHORS.iter().find(|(other, _)| *other == name);
    found.map_or_else(|| name.replace(['.', ' '], "-"), |(_, slug)| (*slug).to_owned())
}

pub fn is_author(name: &str) -> bool {
    AUTHORS.iter().any(|(other, _)| *other == name)
}

/// The maker's name for people.
pub fn title(author: &str) -> String {
    let author = author.trim_start_matches('~');
    if let Some((_, title)) = TITLES.iter().find(|(slug, _)| *slug == author) {
        return (*title).to_owned();
    }
    let capitalised = author.split('-').map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    });
    capitalised.collect::<Vec<_>>().join(" ")
}

/// The usual spelling of a slug inside its family.
pub fn spell(slug: &str, given_author: Option<&str>) -> String {
    let slug = slug.strip_prefix("meta-").filter(|rest| rest.starts_with("llama")).unwrap_or(slug);
    if slug.starts_with("claude") {
        return claude(slug);
    }
    if given_author.is_some_and(|given| author(given) == "deepseek")
        && (slug.starts_with("r1") || slug.starts_with('v'))
    {
        return format!("deepseek-{slug}");
    }
    for family in ["llama", "gemma", "phi", "gpt"] {
        if let Some(rest) = slug.strip_prefix(family)
            && rest.starts_with(|next: char| next.is_ascii_digit())
        {
            return format!("{family}-{rest}");
        }
    }
    if let Some(rest) = slug.strip_prefix("qwen-")
        && rest.starts_with('3')
    {
        return format!("qwen{rest}");
    }
    if let Some(rest) = slug.strip_prefix("minimax-m2")
        && let Some(minor) = rest.chars().next().filter(char::is_ascii_digit)
    {
        return format!("minimax-m2.{minor}{}", rest.get(1..).unwrap_or_default());
    }
    slug.to_owned()
}

/// `claude-3.5-haiku`, then from version 4 on `claude-haiku-4.5`; without dates.
fn claude(slug: &str) -> String {
    const TIERS: [&str; 5] = ["opus", "sonnet", "haiku", "fable", "instant"];
    let mut tier = None;
    let mut version: Option<String> = None;
    let mut rest: Vec<&str> = Vec::new();
    for token in slug.split('-').skip(1) {
        let glued = TIERS.iter().find_map(|name| token.strip_prefix(name).map(|number| (*name, number)));
        let is_number = token.starts_with(|first: char| first.is_ascii_digit());
        match glued {
            Some((name, number)) if tier.is_none() => {
                tier = Some(name);
                if !number.is_empty() {
                    version = Some(number.to_owned());
                }
            }
            _ if is_number && token.len() >= 8 => {
                // The first 3.5 Sonnet is still told from the second.
                if token == "20240620" {
                    rest.push(token);
                }
            }
            _ if is_number && version.is_none() => version = Some(token.to_owned()),
            _ if is_number && version.as_ref().is_some_and(|v| !v.contains('.')) && token.len() <= 2 => {
                if let Some(version) = &mut version {
                    version.push('.');
                    version.push_str(token);
                }
            }
            _ if matches!(token, "v1" | "v2" | "default") => {}
            _ => rest.push(token),
        }
    }
    let version = version.map(|version| version.strip_suffix(".0").map_or(version.clone(), str::to_owned));
    let is_old = version.as_deref().is_some_and(|version| version.starts_with(['1', '2', '3']));
    let mut tokens = vec!["claude"];
    if is_old {
        tokens.extend(version.as_deref());
        tokens.extend(tier);
    } else {
        tokens.extend(tier);
        tokens.extend(version.as_deref());
    }
    tokens.extend(rest);
    tokens.join("-")
}

/// Claude with thinking switched on is a variant of the model, not another one.
pub fn thinking_variant(slug: String, variant: Option<String>) -> (String, Option<String>) {
    if variant.is_none() && slug.starts_with("claude") {
        for ending in ["-thinking", "-think"] {
            if let Some(plain) = slug.strip_suffix(ending) {
                return (plain.to_owned(), Some("thinking".to_owned()));
            }
        }
    }
    (slug, variant)
}

/// What all spellings of a slug have in common.
pub fn key(slug: &str, author: &str) -> String {
    if maker(slug).is_none() {
        return format!("{author}/{slug}");
    }
    let mut key = compact_dates(slug);
    if let Some(rest) = key.strip_prefix("qwen-").filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        key = format!("qwen{rest}");
    }
    if key.starts_with("llama-4-") {
        key = key.replace("-17b-128e", "").replace("-17b-16e", "").replace("-17b", "");
    }
    if key.starts_with("llama-") {
        key = key.replace("-versatile", "-instruct").replace("-instant", "-instruct").replace("-instruct-turbo", "");
    }
    if INSTRUCT_IS_SAID_OR_NOT.iter().any(|family| key.starts_with(family)) {
        key = key.split('-').filter(|token| !matches!(*token, "instruct" | "it")).collect::<Vec<_>>().join("-");
    }
    if key.starts_with("kimi-k2-0") || key.starts_with("kimi-k2-1") {
        key = key.replace("-preview", "");
    }
    if let Some(rest) = key.strip_prefix("deepseek-chat-v") {
        key = format!("deepseek-v{rest}");
    }
    if key.starts_with("nova-") {
        key.truncate(key.trim_end_matches("-v1").len());
    }
    if key.starts_with("gemini-") {
        key.truncate(key.trim_end_matches("-001").len());
    }
    if let Some(chat) = key.strip_suffix("-chat-latest") {
        key = format!("{chat}-chat");
    }
    match key.as_str() {
        "qwen3-coder-480b-a35b" => "qwen3-coder".to_owned(),
        _ => key,
    }
}

/// `-2024-11-20` as `-20241120`, and a final `-07-09` as `-0709`.
fn compact_dates(slug: &str) -> String {
    let is = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut tokens: Vec<String> = Vec::new();
    for token in slug.split('-') {
        let continues = match tokens.last() {
            Some(last) if is(token, 2) => {
                (is(last, 4) && last.starts_with("20")) || is(last, 6) || (is(last, 2) && last.starts_with(['0', '1']))
            }
            _ => false,
        };
        match tokens.last_mut() {
            Some(last) if continues => last.push_str(token),
            _ => tokens.push(token.to_owned()),
        }
    }
    tokens.join("-")
}
