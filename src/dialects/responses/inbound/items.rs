//! The conversation: items to messages. What the model said in one turn comes as
//! several items here and is one message there.

use serde_json::{Value, json};

use super::parts;
use crate::dialects::inference::{Message, Part, Role, ToolCall};
use crate::dialects::read::Object;
use crate::dialects::responses::thoughts;
use crate::dialects::{BadField, arguments};

/// Tools a provider ran by itself; what they found is in the text that follows.
const TOLD: [&str; 3] = ["web_search_call", "file_search_call", "code_interpreter_call"];

/// Appends the messages that `input` stands for.
pub(super) fn parse(fields: Object<'_>, messages: &mut Vec<Message>) -> Result<(), BadField> {
    let remedy = "is required: a string or an array of items";
    match fields.get("input") {
        Some(Value::String(text)) => {
            messages.push(Message { content: vec![Part::text(text.as_str())], ..Message::default() });
        }
        Some(Value::Array(items)) => {
            if items.is_empty() && messages.is_empty() {
                return Err(BadField::new("input", "must hold at least one item"));
            }
            let mut conversation = Conversation { messages, thoughts: 0 };
            for (index, item) in items.iter().enumerate() {
                conversation.item(item).map_err(|error| error.within(&format!("input[{index}]")))?;
            }
        }
        _ => return Err(BadField::new("input", remedy)),
    }
    Ok(())
}

struct Conversation<'a> {
    messages: &'a mut Vec<Message>,
    /// Reasoning items so far.
    thoughts: u32,
}

impl Conversation<'_> {
    fn item(&mut self, item: &Value) -> Result<(), BadField> {
        let fields =
            item.as_object().map(Object).ok_or_else(|| BadField::new("type", "is required: an item is an object"))?;
        match fields.text("type")?.unwrap_or("message") {
            "message" => self.message(fields),
            "reasoning" => {
                let index = self.thoughts;
                self.thoughts = self.thoughts.saturating_add(1);
                let details = thoughts::details(fields.0, index);
                self.think(details);
                Ok(())
            }
            "function_call" => {
                let arguments = match fields.get("arguments") {
                    Some(Value::String(text)) => text.clone(),
                    Some(object) => object.to_string(),
                    None => String::new(),
                };
                self.call(fields, arguments)
            }
            "custom_tool_call" => {
                let input = fields.text("input")?.unwrap_or_default();
                self.call(fields, arguments::object_or_wrapped(input, "input").get().to_owned())
            }
            "function_call_output" | "custom_tool_call_output" => self.output(fields),
            "image_generation_call" => {
                self.picture(fields)?;
                Ok(())
            }
            "item_reference" => Err(BadField::new(
                "type",
                "`item_reference` is not supported: nothing is stored here, send the item itself",
            )),
            kind if TOLD.contains(&kind) => Ok(()),
            // A provider of this API may know it.
            _ => {
                self.assistant().content.push(Part::Other(item.clone()));
                Ok(())
            }
        }
    }

    fn message(&mut self, fields: Object<'_>) -> Result<(), BadField> {
        let role = match fields.required_text("role")? {
            "system" => Role::System,
            "developer" => Role::Developer,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            _ => return Err(BadField::new("role", "must be one of system, developer, user, assistant")),
        };
        let content = fields.get("content");
        if role == Role::Assistant {
            let said = parts::parse(content, "content")?;
            let message = self.assistant();
            message.content.extend(said.parts);
            if let Some(refusal) = said.refusal {
                message.refusal.get_or_insert_default().push_str(&refusal);
            }
            return Ok(());
        }
        if content.is_none() {
            return Err(BadField::new("content", "is required: a string or an array of parts"));
        }
        let content = parts::parse(content, "content")?.parts;
        self.messages.push(Message { role, content, ..Message::default() });
        Ok(())
    }

    fn call(&mut self, fields: Object<'_>, arguments: String) -> Result<(), BadField> {
        let call = ToolCall {
            id: fields.required_text("call_id")?.to_owned(),
            name: fields.required_text("name")?.to_owned(),
            arguments,
        };
        self.assistant().tool_calls.push(call);
        Ok(())
    }

    fn output(&mut self, fields: Object<'_>) -> Result<(), BadField> {
        let call_id = fields.required_text("call_id")?.to_owned();
        let content = match fields.get("output") {
            None => return Err(BadField::new("output", "is required: a string or an array of parts")),
            // Some clients send what their function returned as it is.
            Some(other @ (Value::Object(_) | Value::Number(_) | Value::Bool(_))) => vec![Part::text(other.to_string())],
            output => parts::parse(output, "output")?.parts,
        };
        self.messages.push(Message { role: Role::Tool, content, tool_call_id: Some(call_id), ..Message::default() });
        Ok(())
    }

    fn picture(&mut self, fields: Object<'_>) -> Result<(), BadField> {
        let Some(data) = fields.text("result")?.filter(|data| !data.is_empty()) else { return Ok(()) };
        let format = fields.text("output_format")?.unwrap_or("png");
        let is_address = data.starts_with("http") || data.starts_with("data:");
        let url = if is_address { data.to_owned() } else { format!("data:image/{format};base64,{data}") };
        self.assistant().content.push(Part::Image { url, detail: None, cache_control: None });
        Ok(())
    }

    fn think(&mut self, details: Vec<Value>) {
        let words: Vec<&str> = details
            .iter()
            .filter(|detail| detail.get("type") == Some(&json!("reasoning.text")))
            .filter_map(|detail| detail.get("text")?.as_str())
            .collect();
        let words = words.join("\n\n");
        let message = self.assistant();
        if !words.is_empty() {
            let reasoning = message.reasoning.get_or_insert_default();
            if !reasoning.is_empty() {
                reasoning.push_str("\n\n");
            }
            reasoning.push_str(&words);
        }
        message.reasoning_details.extend(details);
    }

    /// The turn of the model that goes on, or a new one.
    fn assistant(&mut self) -> &mut Message {
        if self.messages.last().is_none_or(|last| last.role != Role::Assistant) {
            self.messages.push(Message { role: Role::Assistant, ..Message::default() });
        }
        let last = self.messages.len().saturating_sub(1);
        &mut self.messages[last]
    }
}
