//! One model's side of the conversation.

use leptos::prelude::*;
use leptos::task::spawn_local;
use send_wrapper::SendWrapper;
use serde_json::{Value, json};
use web_sys::AbortController;

use super::{stream, tools};
use crate::types::Money;
use crate::types::chats::{Attachment, ChatColumn, Kept, ModelChoice, Settings, ToolCall};

/// One message on the screen.
#[derive(Clone)]
pub struct Turn {
    pub number: u32,
    pub kept: ArcRwSignal<Kept>,
    pub is_streaming: ArcRwSignal<bool>,
}

/// A model, what it is asked with, and what was said.
#[derive(Clone, Copy)]
pub struct Column {
    pub number: u32,
    pub model: RwSignal<Option<ModelChoice>>,
    pub settings: RwSignal<Settings>,
    pub turns: RwSignal<Vec<Turn>>,
    pub is_busy: RwSignal<bool>,
    /// Fires whenever there is something new to read.
    pub progress: Trigger,
    /// A question was put: what comes next is to be seen, wherever the reader is.
    pub is_asked: StoredValue<bool>,
    /// Ordinary storage on purpose: the server drops a page on any thread, and
    /// thread-bound storage would panic there even while empty.
    abort: StoredValue<Option<SendWrapper<AbortController>>>,
    next_number: StoredValue<u32>,
}

impl Column {
    pub fn new(number: u32, model: Option<ModelChoice>) -> Self {
        Self {
            number,
            model: RwSignal::new(model),
            settings: RwSignal::new(Settings::default()),
            turns: RwSignal::new(Vec::new()),
            is_busy: RwSignal::new(false),
            progress: Trigger::new(),
            is_asked: StoredValue::new(false),
            abort: StoredValue::new(None),
            next_number: StoredValue::new(0),
        }
    }

    /// As it was kept.
    pub fn restored(number: u32, kept: ChatColumn) -> Self {
        let column = Self::new(number, kept.model);
        column.settings.set(kept.settings);
        for turn in kept.turns {
            column.push(turn, false);
        }
        column
    }

    /// As it is to be kept, with its files' data.
    pub fn to_keep(self) -> ChatColumn {
        ChatColumn {
            model: self.model.get_untracked(),
            settings: self.settings.get_untracked(),
            turns: self.turns.read_untracked().iter().map(|turn| turn.kept.get_untracked()).collect(),
        }
    }

    /// Puts a question and begins the answer. `done` runs when it has ended.
    pub fn ask(self, content: String, attachments: Vec<Attachment>, done: Callback<()>) {
        self.is_asked.set_value(true);
        self.push(Kept { content, attachments, ..Kept::default() }, false);
        self.answer(done);
    }

    /// Replaces the last answer by a new one.
    pub fn regenerate(self, done: Callback<()>) {
        if self.is_busy.get_untracked() {
            return;
        }
        self.turns.update(|turns| {
            turns.pop_if(|turn| turn.kept.read_untracked().is_answer);
        });
        self.answer(done);
    }

    /// Goes on with the last answer, which was cut off or stopped.
    pub fn go_on(self, done: Callback<()>) {
        let last = self.turns.read_untracked().last().cloned();
        if let Some(turn) = last.filter(|turn| turn.kept.read_untracked().is_answer && !self.is_busy.get_untracked()) {
            self.fill(turn, done);
        }
    }

    /// Ends the answer under way; what has come stays.
    pub fn stop(self) {
        self.abort.with_value(|abort| {
            if let Some(abort) = abort {
                abort.abort();
            }
        });
    }

    /// Tokens and dollars of all its answers.
    pub fn spent(self) -> (i64, Money) {
        self.turns.read().iter().fold((0, Money::ZERO), |(tokens, cost), turn| {
            let kept = turn.kept.read();
            let own = kept.facts.prompt_tokens.unwrap_or(0) + kept.facts.completion_tokens.unwrap_or(0);
            (tokens + own, cost.plus(kept.facts.cost.unwrap_or(Money::ZERO)))
        })
    }

    /// The answer that came last.
    pub fn last_answer(self) -> Option<Turn> {
        self.turns.read().last().cloned().filter(|turn| turn.kept.read().is_answer)
    }

    fn answer(self, done: Callback<()>) {
        let turn = self.push(Kept { is_answer: true, ..Kept::default() }, true);
        self.fill(turn, done);
    }

    fn fill(self, turn: Turn, done: Callback<()>) {
        let Some(model) = self.model.get_untracked() else { return };
        let Ok(abort) = AbortController::new() else { return };
        let signal = abort.signal();
        self.abort.set_value(Some(SendWrapper::new(abort)));
        turn.is_streaming.set(true);
        self.is_busy.set(true);
        spawn_local(async move {
            for round in 0..=tools::ROUNDS {
                let body = body(&model, &self.settings.get_untracked(), &self.turns.read_untracked(), round);
                // Until it calls no tool any more.
                if !stream::answer(self, &turn, &body, &signal, round).await {
                    break;
                }
            }
            turn.is_streaming.set(false);
            self.is_busy.set(false);
            self.progress.notify();
            done.run(());
        });
    }

    fn push(self, kept: Kept, is_streaming: bool) -> Turn {
        let number = self.next_number.get_value();
        self.next_number.set_value(number.wrapping_add(1));
        let turn = Turn { number, kept: ArcRwSignal::new(kept), is_streaming: ArcRwSignal::new(is_streaming) };
        self.turns.update(|turns| turns.push(turn.clone()));
        self.progress.notify();
        turn
    }
}

/// The request that asks for what comes next, after `round` rounds of tools.
fn body(model: &ModelChoice, settings: &Settings, turns: &[Turn], round: usize) -> Value {
    let mut messages = Vec::new();
    if !settings.system.trim().is_empty() {
        messages.push(json!({ "role": "system", "content": settings.system }));
    }
    for turn in turns {
        said(&turn.kept.read_untracked(), &mut messages);
    }
    let mut body = json!({ "model": model.id, "messages": messages, "stream": true, "usage": { "include": true } });
    for (name, text) in
        [("temperature", &settings.temperature), ("top_p", &settings.top_p), ("max_tokens", &settings.max_tokens)]
    {
        if let Ok(number) = text.trim().parse::<serde_json::Number>() {
            body[name] = Value::Number(number);
        }
    }
    if !settings.reasoning.is_empty() {
        body["reasoning"] = json!({ "effort": settings.reasoning });
    }
    if !settings.provider.trim().is_empty() {
        body["provider"] = json!({ "only": [settings.provider.trim()] });
    }
    if settings.has_web {
        body["plugins"] = json!([{ "id": "web" }]);
    }
    if settings.has_tools && !model.is_toolless {
        body["tools"] = tools::offered();
        if round >= tools::ROUNDS {
            body["tool_choice"] = json!("none");
        }
    }
    body
}

/// A turn as messages: an answer that called tools is several. Answers that failed before a word are left out.
fn said(kept: &Kept, messages: &mut Vec<Value>) {
    for step in &kept.steps {
        let function = |call: &ToolCall| json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.arguments } });
        let calls: Vec<Value> = step.calls.iter().map(function).collect();
        let mut message = json!({ "role": "assistant", "content": step.content, "tool_calls": calls });
        if !step.details.is_empty() {
            message["reasoning_details"] = Value::Array(step.details.clone());
        }
        messages.push(message);
        let results = step.calls.iter();
        messages.extend(results.map(|call| json!({ "role": "tool", "tool_call_id": call.id, "content": call.result })));
    }
    if !(kept.content.is_empty() && kept.attachments.is_empty()) {
        let role = if kept.is_answer { "assistant" } else { "user" };
        messages.push(json!({ "role": role, "content": content(kept) }));
    }
}

/// A message's content: its text, or its text and its files.
fn content(kept: &Kept) -> Value {
    let files: Vec<Value> = kept.attachments.iter().filter_map(part).collect();
    if files.is_empty() {
        return Value::String(kept.content.clone());
    }
    let mut parts = vec![json!({ "type": "text", "text": kept.content })];
    parts.extend(files);
    Value::Array(parts)
}

/// A file as the API takes it; `None` once its content is gone.
fn part(file: &Attachment) -> Option<Value> {
    let (_, base64) = file.data.split_once("base64,")?;
    Some(match file.kind.split('/').next() {
        Some("image") => json!({ "type": "image_url", "image_url": { "url": file.data } }),
        Some("audio") => {
            let format = if file.kind.contains("wav") { "wav" } else { "mp3" };
            json!({ "type": "input_audio", "input_audio": { "data": base64, "format": format } })
        }
        _ => json!({ "type": "file", "file": { "filename": file.name, "file_data": file.data } }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::chats::ToolStep;

    #[test]
    fn a_request_has_the_settings_that_were_made_and_no_others() {
        let settings = Settings {
            system: "Be brief.".into(),
            temperature: "0.5".into(),
            top_p: "warm".into(),
            ..Settings::default()
        };
        let data = "data:image/png;base64,AA==".to_owned();
        let file = Attachment { id: "f".into(), name: "a.png".into(), kind: "image/png".into(), data };
        let turn = |kept: Kept| Turn { number: 0, kept: ArcRwSignal::new(kept), is_streaming: ArcRwSignal::new(false) };
        let turns = [
            turn(Kept { content: "Look".into(), attachments: vec![file], ..Kept::default() }),
            turn(Kept { is_answer: true, ..Kept::default() }),
        ];
        let model = ModelChoice { id: "a/b".into(), ..ModelChoice::default() };
        let body = body(&model, &settings, &turns, 0);
        assert_eq!(body["temperature"], json!(0.5));
        assert!(body.get("top_p").is_none() && body.get("reasoning").is_none(), "{body}");
        assert_eq!(body["messages"].as_array().map(Vec::len), Some(2), "{body}");
        assert_eq!(body["messages"][1]["content"][1]["image_url"]["url"], "data:image/png;base64,AA==");
    }

    #[test]
    fn an_answer_with_tools_is_told_again_as_it_went() {
        let call = ToolCall { id: "c1".into(), name: "calculate".into(), arguments: "{}".into(), result: "4".into() };
        let step = ToolStep { content: "Let me see.".into(), calls: vec![call], details: Vec::new() };
        let kept = Kept { is_answer: true, content: "Four.".into(), steps: vec![step], ..Kept::default() };
        let turns = [Turn { number: 0, kept: ArcRwSignal::new(kept), is_streaming: ArcRwSignal::new(false) }];
        let settings = Settings { has_tools: true, has_web: true, ..Settings::default() };
        let body = |model: &ModelChoice, round| body(model, &settings, &turns, round);
        let model = ModelChoice::default();
        let first = body(&model, 0);
        let roles: Vec<_> = first["messages"].as_array().unwrap().iter().map(|message| &message["role"]).collect();
        assert_eq!(roles, ["assistant", "tool", "assistant"]);
        assert_eq!(first["messages"][1]["tool_call_id"], first["messages"][0]["tool_calls"][0]["id"]);
        assert_eq!((&first["plugins"][0]["id"], first.get("tool_choice")), (&json!("web"), None));
        assert_eq!(body(&model, tools::ROUNDS)["tool_choice"], "none");
        assert!(body(&ModelChoice { is_toolless: true, ..model }, 0).get("tools").is_none());
    }
}
