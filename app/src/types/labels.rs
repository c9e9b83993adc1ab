//! The labels of requests: what was asked for, what it is about, and in which language.

/// Every task: its label and its name for people. The part before the colon is its kind.
pub const TASKS: [(&str, &str); 20] = [
    ("code:general_impl", "Writing code"),
    ("code:debugging", "Debugging"),
    ("code:review", "Reading and reviewing code"),
    ("code:sql", "Databases"),
    ("data:extraction", "Extracting data"),
    ("data:analysis", "Analysing data"),
    ("data:documents", "Reading documents"),
    ("data:embedding", "Embedding"),
    ("data:reranking", "Reranking"),
    ("agent:coding", "Coding with tools"),
    ("agent:web_search", "Searching the web"),
    ("agent:tool_use", "Using tools"),
    ("general:translation", "Translation"),
    ("general:summarization", "Summaries"),
    ("general:writing", "Writing"),
    ("general:roleplay", "Roleplay"),
    ("general:math", "Mathematics"),
    ("general:vision", "Looking at pictures"),
    ("general:media_generation", "Making pictures and sound"),
    ("general:conversation", "Conversation"),
];

/// Every kind of task.
pub const TASK_KINDS: [(&str, &str); 4] =
    [("code", "Code"), ("data", "Data"), ("agent", "Agent"), ("general", "General")];

/// Every category of `GET /models` and of the rankings: its label and its name for people.
pub const CATEGORIES: [(&str, &str); 12] = [
    ("programming", "Programming"),
    ("roleplay", "Roleplay"),
    ("marketing", "Marketing"),
    ("marketing/seo", "Search engine optimization"),
    ("technology", "Technology"),
    ("science", "Science"),
    ("translation", "Translation"),
    ("legal", "Law"),
    ("finance", "Finance"),
    ("health", "Health"),
    ("trivia", "Trivia"),
    ("academia", "Academia"),
];

/// What apps can say they are for: the category, its name for people, and the group it belongs to.
pub const APP_CATEGORIES: [(&str, &str, &str); 15] = [
    ("cli-agent", "Agents in a terminal", "coding"),
    ("ide-extension", "Editor extensions", "coding"),
    ("cloud-agent", "Agents in the cloud", "coding"),
    ("programming-app", "Programming", "coding"),
    ("native-app-builder", "App builders", "coding"),
    ("creative-writing", "Creative writing", "creative"),
    ("video-gen", "Video", "creative"),
    ("image-gen", "Pictures", "creative"),
    ("audio-gen", "Sound", "creative"),
    ("writing-assistant", "Writing", "productivity"),
    ("general-chat", "Chat", "productivity"),
    ("personal-agent", "Personal agents", "productivity"),
    ("legal", "Law", "productivity"),
    ("roleplay", "Roleplay", "entertainment"),
    ("game", "Games", "entertainment"),
];

/// The groups of these.
pub const APP_GROUPS: [(&str, &str); 4] = [
    ("coding", "Coding"),
    ("creative", "Creative"),
    ("productivity", "Productivity"),
    ("entertainment", "Entertainment"),
];

/// Every language that is told apart, by its ISO 639-1 code.
pub const LANGUAGES: [(&str, &str); 31] = [
    ("ar", "Arabic"),
    ("bn", "Bengali"),
    ("cs", "Czech"),
    ("da", "Danish"),
    ("de", "German"),
    ("el", "Greek"),
    ("en", "English"),
    ("es", "Spanish"),
    ("fa", "Persian"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hu", "Hungarian"),
    ("id", "Indonesian"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("nl", "Dutch"),
    ("no", "Norwegian"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("ro", "Romanian"),
    ("ru", "Russian"),
    ("sv", "Swedish"),
    ("ta", "Tamil"),
    ("th", "Thai"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("vi", "Vietnamese"),
    ("zh", "Chinese"),
];

fn name(list: &[(&'static str, &'static str)], label: &str) -> Option<&'static str> {
    list.iter().find(|(known, _)| *known == label).map(|(_, name)| *name)
}

/// A task's name for people.
#[must_use]
pub fn task_name(label: &str) -> Option<&'static str> {
    name(&TASKS, label)
}

/// A category's name for people.
#[must_use]
pub fn category_name(label: &str) -> Option<&'static str> {
    name(&CATEGORIES, label)
}

/// The name for people of what an app is for.
#[must_use]
pub fn app_category_name(category: &str) -> Option<&'static str> {
    APP_CATEGORIES.iter().find(|(known, ..)| *known == category).map(|(_, name, _)| *name)
}

/// The categories that a group has, or the category itself.
#[must_use]
pub fn app_categories_in(name: &str) -> Vec<&'static str> {
    APP_CATEGORIES
        .iter()
        .filter(|(known, _, group)| *known == name || *group == name)
        .map(|(known, ..)| *known)
        .collect()
}

/// A language's name for people.
#[must_use]
pub fn language_name(code: &str) -> Option<&'static str> {
    name(&LANGUAGES, code)
}

/// The task is about programs.
#[must_use]
pub fn is_about_code(task: &str) -> bool {
    task.starts_with("code:") || task == "agent:coding"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_belongs_to_a_kind() {
        for (label, _) in TASKS {
            let kind = label.split(':').next().unwrap_or_default();
            assert!(TASK_KINDS.iter().any(|(known, _)| *known == kind), "{label}");
        }
        assert_eq!(
            (task_name("code:sql"), language_name("de"), task_name("x")),
            (Some("Databases"), Some("German"), None)
        );
    }
}
