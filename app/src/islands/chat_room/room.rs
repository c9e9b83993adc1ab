//! The state of the chat room, and what of it this device keeps.

use leptos::prelude::*;
use leptos::task::spawn_local;
use send_wrapper::SendWrapper;
use serde::{Deserialize, Serialize};
use web_sys::AbortController;

use super::stream;
use crate::api::{ApiError, ChatMessage};
use crate::components::price::per_million;
use crate::islands::browser;
use crate::types::Money;
use crate::types::models::Model;

const CONVERSATION: &str = "patchbay.chat";
const MODEL: &str = "patchbay.chat.model";

/// The model being talked to, as the bar shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelChoice {
    pub id: String,
    pub name: String,
    /// Prices for people.
    pub price: String,
    pub is_simulated: bool,
}

impl From<&Model> for ModelChoice {
    fn from(model: &Model) -> Self {
        let pricing = &model.pricing;
        let price = if pricing.is_free() {
            "Free".to_owned()
        } else {
            format!("{} in, {} out per M tokens", per_million(pricing.prompt), per_million(pricing.completion))
        };
        Self { id: model.id.clone(), name: model.name.clone(), price, is_simulated: model.is_simulated }
    }
}

/// What is known about an answer besides its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub id: Option<String>,
    pub model: Option<String>,
    pub provider: Option<String>,
    pub finish_reason: Option<String>,
    pub prompt_tokens: Option<i64>,
    pub completion_tokens: Option<i64>,
    pub cost: Option<Money>,
    pub first_token_ms: Option<i64>,
    pub total_ms: Option<i64>,
    /// The reader stopped it.
    #[serde(default)]
    pub is_stopped: bool,
}

/// Why there is no (whole) answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub status: u16,
    pub message: String,
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        Self { status: error.status, message: error.message }
    }
}

/// One message as kept on the device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub is_answer: bool,
    pub content: String,
    #[serde(default)]
    pub reasoning: String,
    #[serde(default)]
    pub facts: Facts,
    #[serde(default)]
    pub problem: Option<Problem>,
}

/// One message on the screen.
#[derive(Clone)]
pub struct Turn {
    pub number: u32,
    pub kept: ArcRwSignal<Kept>,
    pub is_streaming: ArcRwSignal<bool>,
}

/// The whole room.
#[derive(Clone, Copy)]
pub struct Room {
    pub turns: RwSignal<Vec<Turn>>,
    pub model: RwSignal<Option<ModelChoice>>,
    pub draft: RwSignal<String>,
    pub is_busy: RwSignal<bool>,
    /// Fires whenever there is something new to read.
    pub progress: Trigger,
    /// Ordinary storage on purpose: the server drops a page on any thread, and
    /// thread-bound storage would panic there even while empty.
    abort: StoredValue<Option<SendWrapper<AbortController>>>,
    next_number: StoredValue<u32>,
}

impl Room {
    pub fn new(model: Option<ModelChoice>) -> Self {
        Self {
            turns: RwSignal::new(Vec::new()),
            model: RwSignal::new(model),
            draft: RwSignal::new(String::new()),
            is_busy: RwSignal::new(false),
            progress: Trigger::new(),
            abort: StoredValue::new(None),
            next_number: StoredValue::new(0),
        }
    }

    /// Brings back what this device kept.
    pub fn restore(self, is_model_asked_for: bool) {
        if !is_model_asked_for
            && let Some(choice) = browser::stored(MODEL).and_then(|text| serde_json::from_str(&text).ok())
        {
            self.model.set(Some(choice));
        }
        let kept: Option<Vec<Kept>> = browser::stored(CONVERSATION).and_then(|text| serde_json::from_str(&text).ok());
        for kept in kept.unwrap_or_default() {
            self.push(kept, false);
        }
        self.progress.notify();
    }

    /// Talks to another model from now on.
    pub fn choose(self, choice: ModelChoice) {
        if let Ok(text) = serde_json::to_string(&choice) {
            browser::store(MODEL, &text);
        }
        self.model.set(Some(choice));
    }

    /// Sends the draft.
    pub fn send(self) {
        let content = self.draft.get_untracked().trim().to_owned();
        if content.is_empty() || self.is_busy.get_untracked() || self.model.read_untracked().is_none() {
            return;
        }
        self.draft.set(String::new());
        self.push(Kept { content, ..Kept::default() }, false);
        self.answer();
    }

    /// Replaces the last answer by a new one.
    pub fn regenerate(self) {
        if self.is_busy.get_untracked() {
            return;
        }
        self.turns.update(|turns| {
            turns.pop_if(|turn| turn.kept.read_untracked().is_answer);
        });
        self.answer();
    }

    /// Ends the answer under way; what has come stays.
    pub fn stop(self) {
        self.abort.with_value(|abort| {
            if let Some(abort) = abort {
                abort.abort();
            }
        });
    }

    /// An empty page.
    pub fn start_anew(self) {
        self.stop();
        self.turns.set(Vec::new());
        self.keep();
    }

    /// Writes the conversation to the device.
    pub fn keep(self) {
        let kept: Vec<Kept> = self.turns.read_untracked().iter().map(|turn| turn.kept.get_untracked()).collect();
        if let Ok(text) = serde_json::to_string(&kept) {
            browser::store(CONVERSATION, &text);
        }
    }

    fn answer(self) {
        let Some(model) = self.model.get_untracked() else { return };
        let Ok(abort) = AbortController::new() else { return };
        let signal = abort.signal();
        self.abort.set_value(Some(SendWrapper::new(abort)));
        let messages = messages(&self.turns.read_untracked());
        let turn = self.push(Kept { is_answer: true, ..Kept::default() }, true);
        self.is_busy.set(true);
        self.keep();
        spawn_local(async move {
            stream::answer(self, &turn, &model.id, &messages, &signal).await;
            turn.is_streaming.set(false);
            self.is_busy.set(false);
            self.keep();
            self.progress.notify();
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

/// What the model gets to read: answers that failed before a word are left out.
fn messages(turns: &[Turn]) -> Vec<ChatMessage> {
    turns
        .iter()
        .filter_map(|turn| {
            let kept = turn.kept.read_untracked();
            let role = if kept.is_answer { "assistant" } else { "user" };
            (!kept.content.is_empty()).then(|| ChatMessage { role: role.to_owned(), content: kept.content.clone() })
        })
        .collect()
}
