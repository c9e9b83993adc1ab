//! Search on the web that a request asks for: the plugin `web`, the variant `:online`
//! and `web_search_options`; and the words of the provider APIs that search by themselves.
//! Source: the original's guide on web search, and the providers' references.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::inference::{Inference, Part, Role};
use super::{BadField, Dialect};

/// Results an answer is given unless the request says otherwise.
const RESULTS: u64 = 5;
/// The most a request may ask for.
const MOST_RESULTS: u64 = 25;
/// Searches a model may make by itself unless the request says otherwise.
const USES: u64 = 5;

/// Who searches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// The model's provider where it can, else this server.
    #[default]
    Auto,
    /// The model's provider, and nobody else.
    Native,
    /// This server, with the engine its operator chose.
    Own,
}

/// A wish for results from the web.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WebSearch {
    pub engine: Engine,
    /// The engine by name, where the request names one of those this server may have.
    pub engine_name: Option<String>,
    /// Without a search there is no answer. `web_search_options` alone only tells models
    /// that search how to do it.
    pub is_required: bool,
    pub max_results: u64,
    /// Searches a model may make by itself.
    pub max_uses: u64,
    /// What is said before the results, in place of this server's words.
    pub search_prompt: Option<String>,
    /// Only these domains.
    pub include_domains: Vec<String>,
    pub exclude_domains: Vec<String>,
    /// `low`, `medium`, `high`: how much of what is found the model reads.
    pub context_size: Option<String>,
    /// Where the person is, in OpenAI's shape.
    pub user_location: Option<Value>,
}

impl WebSearch {
    /// A wish with nothing said about how.
    #[must_use]
    pub fn plain() -> Self {
        Self { is_required: true, max_results: RESULTS, max_uses: USES, ..Self::default() }
    }

    /// What a request asks for in its fields, whichever API it was written for.
    ///
    /// # Errors
    /// [`BadField`] naming what of it cannot be read.
    pub fn read(inference: &Inference) -> Result<Option<Self>, BadField> {
        let plugin = match inference.field("plugins") {
            Some(Value::Array(plugins)) => plugins
                .into_iter()
                .enumerate()
                .find(|(_, plugin)| plugin["id"] == "web" && plugin["enabled"] != Value::Bool(false)),
            Some(_) => return Err(BadField::new("plugins", "must be an array of objects, each with an `id`")),
            None => None,
        };
        let options = match inference.field("web_search_options") {
            Some(Value::Object(options)) => Some(options),
            Some(_) => return Err(BadField::new("web_search_options", "must be an object")),
            None => None,
        };
        let mut wish = match plugin {
            Some((place, plugin)) => {
                Some(Self::of_plugin(&plugin).map_err(|bad| bad.within(&format!("plugins[{place}]")))?)
            }
            None => options.as_ref().map(|_| Self { is_required: false, ..Self::plain() }),
        };
        if let (Some(wish), Some(options)) = (&mut wish, &options) {
            wish.take_options(options).map_err(|bad| bad.within("web_search_options"))?;
        }
        Ok(wish)
    }

    fn of_plugin(plugin: &Value) -> Result<Self, BadField> {
        let mut wish = Self::plain();
        let text = |name: &str| match &plugin[name] {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            _ => Err(BadField::new(name, "must be a string")),
        };
        let count = |name: &str, most: u64| match &plugin[name] {
            Value::Null => Ok(None),
            value => value
                .as_u64()
                .filter(|count| (1..=most).contains(count))
                .map(Some)
                .ok_or_else(|| BadField::new(name, format!("must be a whole number from 1 to {most}"))),
        };
        let domains = |name: &str| match &plugin[name] {
            Value::Null => Ok(Vec::new()),
            value => serde_json::from_value::<Vec<String>>(value.clone())
                .map_err(|_| BadField::new(name, "must be an array of domains such as \"example.com\"")),
        };
        match text("engine")?.as_deref() {
            None | Some("auto") => {}
            Some("native") => wish.engine = Engine::Native,
            Some(name) => {
                wish.engine = Engine::Own;
                wish.engine_name = Some(name.to_owned());
            }
        }
        wish.max_results = count("max_results", MOST_RESULTS)?.unwrap_or(RESULTS);
        wish.max_uses = count("max_uses", 100)?.unwrap_or(USES);
        wish.search_prompt = text("search_prompt")?;
        wish.include_domains = domains("include_domains")?;
        wish.exclude_domains = domains("exclude_domains")?;
        wish.take_options(plugin.as_object().unwrap_or(&Map::new()))?;
        Ok(wish)
    }

    fn take_options(&mut self, options: &Map<String, Value>) -> Result<(), BadField> {
        match options.get("search_context_size") {
            None | Some(Value::Null) => {}
            Some(Value::String(size)) if ["low", "medium", "high"].contains(&size.as_str()) => {
                self.context_size = Some(size.clone());
            }
            Some(_) => return Err(BadField::new("search_context_size", "must be low, medium or high")),
        }
        match options.get("user_location") {
            None | Some(Value::Null) => {}
            Some(place @ Value::Object(_)) => self.user_location = Some(place.clone()),
            Some(_) => return Err(BadField::new("user_location", "must be an object")),
        }
        Ok(())
    }

    /// Where the person is, without OpenAI's wrapping in chat requests.
    fn place(&self) -> Option<Value> {
        let place = self.user_location.as_ref()?;
        let mut place = place.get("approximate").unwrap_or(place).as_object()?.clone();
        place.insert("type".to_owned(), Value::from("approximate"));
        Some(Value::Object(place))
    }

    /// `web_search_options` of OpenAI's chat API.
    #[must_use]
    pub fn as_chat_options(&self) -> Value {
        let mut options = Map::new();
        options.extend(self.context_size.as_ref().map(|size| ("search_context_size".to_owned(), size.as_str().into())));
        options.extend(self.place().map(|mut place| {
            if let Some(fields) = place.as_object_mut() {
                fields.remove("type");
            }
            ("user_location".to_owned(), json!({ "type": "approximate", "approximate": place }))
        }));
        Value::Object(options)
    }

    /// The tool of Anthropic's API. It takes one list of domains only; what is
    /// excluded goes without saying where a list of the wanted is given.
    #[must_use]
    pub fn as_anthropic_tool(&self) -> Value {
        let mut tool = json!({ "type": "web_search_20250305", "name": "web_search", "max_uses": self.max_uses });
        if let Some(fields) = tool.as_object_mut() {
            if !self.include_domains.is_empty() {
                fields.insert("allowed_domains".to_owned(), json!(self.include_domains));
            } else if !self.exclude_domains.is_empty() {
                fields.insert("blocked_domains".to_owned(), json!(self.exclude_domains));
            }
            fields.extend(self.place().map(|place| ("user_location".to_owned(), place)));
        }
        tool
    }

    /// The tool of OpenAI's Responses API.
    #[must_use]
    pub fn as_responses_tool(&self) -> Value {
        let mut tool = json!({ "type": "web_search" });
        if let Some(fields) = tool.as_object_mut() {
            if !self.include_domains.is_empty() {
                fields.insert("filters".to_owned(), json!({ "allowed_domains": self.include_domains }));
            }
            fields.extend(
                self.context_size.as_ref().map(|size| ("search_context_size".to_owned(), Value::from(size.as_str()))),
            );
            fields.extend(self.place().map(|place| ("user_location".to_owned(), place)));
        }
        tool
    }

    /// The tool of Gemini's API.
    #[must_use]
    pub fn as_gemini_tool() -> Value {
        json!({ "googleSearch": {} })
    }

    /// Whether this protocol has words for all of the wish.
    #[must_use]
    pub fn can_be_said_in(&self, dialect: Dialect, has_functions: bool) -> bool {
        let has_domains = !self.include_domains.is_empty() || !self.exclude_domains.is_empty();
        match dialect {
            Dialect::OpenaiChat => !has_domains,
            Dialect::OpenaiResponses => self.exclude_domains.is_empty(),
            Dialect::AnthropicMessages | Dialect::VertexAnthropic => true,
            // Gemini searches or calls functions, not both in one request.
            Dialect::Gemini => !has_domains && !has_functions,
            Dialect::BedrockConverse | Dialect::BedrockAnthropic | Dialect::CohereV2 | Dialect::Ollama => false,
        }
    }
}

/// The tools of a request as it came, and one more.
///
/// # Errors
/// When what came is no array.
pub(super) fn with_tool(tools: Option<&RawValue>, tool: Value) -> serde_json::Result<Vec<Value>> {
    let mut tools: Vec<Value> = tools.map(|raw| serde_json::from_str(raw.get())).transpose()?.unwrap_or_default();
    let is_there = tools.iter().any(|known| known["type"] == tool["type"] && !tool["type"].is_null());
    if !is_there {
        tools.push(tool);
    }
    Ok(tools)
}

/// Fields that hold the conversation, in any client API.
const CONVERSATIONS: [&str; 3] = ["messages", "contents", "input"];

impl Inference {
    /// The words of the last question.
    #[must_use]
    pub fn question(&self) -> Option<&str> {
        let mut asked = self.messages.iter().rev().filter(|message| message.role == Role::User);
        asked.find_map(|message| message.content.iter().find_map(words).filter(|text| !text.trim().is_empty()))
    }

    /// Puts `text` before the words of the last question, also in the request as it
    /// came. At the end of the conversation, so that what is before it stays cached, and
    /// within the question, since some models take no instructions there.
    pub fn tell_before_question(&mut self, text: &str) {
        let has_words = |part: &Part| words(part).is_some_and(|text| !text.trim().is_empty());
        let mut asked = self.messages.iter_mut().rev().filter(|message| message.role == Role::User);
        if let Some(Part::Text { text: own, .. }) =
            asked.find_map(|message| message.content.iter_mut().find(|part| has_words(part)))
        {
            own.insert_str(0, text);
        }
        let native = self.native.as_mut().map(|native| &mut native.fields);
        for fields in [Some(&mut self.raw), native].into_iter().flatten() {
            for name in CONVERSATIONS {
                let Some(field) = fields.get_mut(name) else { continue };
                if let Ok(mut turns) = serde_json::from_str::<Value>(field.get())
                    && tell(&mut turns, text)
                    && let Ok(raw) = to_raw_value(&turns)
                {
                    *field = raw;
                }
            }
        }
    }
}

fn words(part: &Part) -> Option<&str> {
    if let Part::Text { text, .. } = part { Some(text) } else { None }
}

/// The same in a conversation as it came: a text, or turns of any API.
fn tell(turns: &mut Value, text: &str) -> bool {
    let put = |own: &mut String| {
        let has_words = !own.trim().is_empty();
        if has_words {
            own.insert_str(0, text);
        }
        has_words
    };
    match turns {
        Value::String(own) => put(own),
        Value::Array(turns) => turns.iter_mut().rev().any(|turn| {
            // Gemini's turns need not say whose they are; what else has no role (a thought, a
            // call) is nobody's question.
            let is_asked = turn.get("role").map_or(turn.get("parts").is_some(), |role| role == "user");
            if !is_asked {
                return false;
            }
            let key = if turn.get("parts").is_some() { "parts" } else { "content" };
            match turn.get_mut(key) {
                Some(Value::String(own)) => put(own),
                Some(Value::Array(parts)) => parts.iter_mut().any(|part| match part.get_mut("text") {
                    Some(Value::String(own)) => put(own),
                    _ => false,
                }),
                _ => false,
            }
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::chat_completions::parse::parse;
    use crate::dialects::messages::inbound;

    fn asked(more: &Value) -> Inference {
        let mut body = json!({ "model": "m", "messages": [
            { "role": "user", "content": "first" }, { "role": "assistant", "content": "yes" },
            { "role": "user", "content": [{ "type": "image_url", "image_url": { "url": "data:image/png;base64,AA==" } },
                                          { "type": "text", "text": "last" }] }] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        parse(body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_wish_is_read_from_the_plugin_and_from_the_options() {
        assert_eq!(WebSearch::read(&asked(&json!({}))).unwrap(), None);
        assert_eq!(WebSearch::read(&asked(&json!({ "plugins": [{ "id": "web", "enabled": false }] }))).unwrap(), None);
        let plain = WebSearch::read(&asked(&json!({ "plugins": [{ "id": "web" }] }))).unwrap();
        assert_eq!(plain, Some(WebSearch::plain()));
        let options = json!({ "search_context_size": "high",
            "user_location": { "type": "approximate", "approximate": { "city": "Paris" } } });
        let soft = WebSearch::read(&asked(&json!({ "web_search_options": options }))).unwrap().unwrap();
        assert!(!soft.is_required);
        assert_eq!(soft.as_chat_options(), options);
        assert_eq!(soft.as_anthropic_tool()["user_location"], json!({ "city": "Paris", "type": "approximate" }));
        let full = json!({ "id": "web", "engine": "exa", "max_results": 2, "max_uses": 1, "search_prompt": "See:",
            "include_domains": ["a.example"], "exclude_domains": ["b.example"] });
        let full = WebSearch::read(&asked(&json!({ "plugins": [{ "id": "x" }, full] }))).unwrap().unwrap();
        assert_eq!((full.engine, full.engine_name.as_deref(), full.max_results), (Engine::Own, Some("exa"), 2));
        assert_eq!(full.as_anthropic_tool()["allowed_domains"], json!(["a.example"]));
        assert_eq!(full.as_responses_tool()["filters"], json!({ "allowed_domains": ["a.example"] }));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (wrong, field) in [
            (json!({ "plugins": {} }), "plugins"),
            (json!({ "plugins": [{ "id": "web", "max_results": 0 }] }), "plugins[0].max_results"),
            (json!({ "plugins": [{ "id": "web", "max_results": 26 }] }), "plugins[0].max_results"),
            (json!({ "plugins": [{ "id": "web", "engine": 1 }] }), "plugins[0].engine"),
            (json!({ "plugins": [{ "id": "web", "include_domains": "a" }] }), "plugins[0].include_domains"),
            (json!({ "web_search_options": 3 }), "web_search_options"),
            (
                json!({ "web_search_options": { "search_context_size": "all" } }),
                "web_search_options.search_context_size",
            ),
        ] {
            assert_eq!(WebSearch::read(&asked(&wrong)).unwrap_err().field, field, "{wrong}");
        }
    }

    #[test]
    fn what_is_told_stands_before_the_last_question_in_every_api() {
        let mut chat = asked(&json!({}));
        chat.tell_before_question("found. ");
        assert_eq!(chat.question(), Some("found. last"));
        let messages: Value = serde_json::from_str(chat.raw["messages"].get()).unwrap();
        assert_eq!(messages[2]["content"][1]["text"], "found. last");
        assert_eq!(messages[0]["content"], "first");

        let body = json!({ "model": "m", "max_tokens": 9, "messages": [{ "role": "user", "content": "ask" },
            { "role": "assistant", "content": [{ "type": "tool_use", "id": "t", "name": "f", "input": {} }] },
            { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "t", "content": "4" }] }] });
        let mut native = inbound::parse(body.to_string().as_bytes(), None).unwrap();
        native.tell_before_question("found. ");
        assert_eq!(native.question(), Some("found. ask"));
        let messages: Value = serde_json::from_str(native.native.unwrap().fields["messages"].get()).unwrap();
        assert_eq!(messages[0]["content"], "found. ask");

        for (mut turns, place) in [
            (json!("ask"), ""),
            (json!([{ "parts": [{ "text": "ask" }] }]), "/0/parts/0/text"),
            (
                json!([{ "role": "user", "content": [{ "type": "input_text", "text": "ask" }] },
                    { "type": "reasoning", "content": [{ "type": "reasoning_text", "text": "hm" }] },
                    { "type": "function_call_output", "call_id": "c", "output": "x" }]),
                "/0/content/0/text",
            ),
        ] {
            assert!(tell(&mut turns, "found. "));
            assert_eq!(turns.pointer(place).unwrap(), "found. ask");
        }
    }
}
