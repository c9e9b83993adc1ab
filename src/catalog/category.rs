//! What models are good for, judged by what the catalog says of them.

use app::types::labels::CATEGORIES;

use super::Model;
use crate::error::{Error, Result};

/// A value of `category`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    Programming,
    Roleplay,
    /// Everything else asks for a general chat model.
    General,
}

const CODE_WORDS: [&str; 5] = ["code", "codex", "coder", "devstral", "codestral"];
const STORY_WORDS: [&str; 8] = ["mythomax", "euryale", "magnum", "rocinante", "cydonia", "lunaris", "unslop", "-her"];
const TOOL_WORDS: [&str; 5] = ["guard", "ocr", "embed", "router", "search"];
/// Below this a code base does not fit, tokens.
const LONG_CONTEXT: i64 = 100_000;

/// # Errors
/// 400 naming the categories there are.
pub fn read(name: &str) -> Result<Category> {
    match name {
        "programming" => Ok(Category::Programming),
        "roleplay" => Ok(Category::Roleplay),
        general if CATEGORIES.iter().any(|(known, _)| *known == general) => Ok(Category::General),
        odd => {
            let known = CATEGORIES.map(|(known, _)| known).join(", ");
            let message = format!("category cannot be `{odd}`; it takes {known}");
            Err(Error::bad_request("category", message))
        }
    }
}

impl Category {
    #[must_use]
    pub fn fits(self, model: &Model) -> bool {
        let has = |words: &[&str]| words.iter().any(|word| model.id.contains(word));
        let supports = |name: &str| model.supported_parameters.iter().any(|known| known == name);
        match self {
            Self::Programming => {
                let is_agentic = supports("tools") && model.context_length.is_some_and(|tokens| tokens >= LONG_CONTEXT);
                has(&CODE_WORDS) || (is_agentic && !has(&STORY_WORDS) && !has(&TOOL_WORDS))
            }
            Self::Roleplay => has(&STORY_WORDS) || !(has(&CODE_WORDS) || has(&TOOL_WORDS)),
            Self::General => !(has(&CODE_WORDS) || has(&STORY_WORDS) || has(&TOOL_WORDS)),
        }
    }
}
