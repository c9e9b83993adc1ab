//! The state of the chat room: its columns, the draft, and where the conversation is kept.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::column::Column;
use super::keep::Keeping;
use super::prose::FormulaSet;
use super::shelf;
use crate::api::use_api;
use crate::types::chats::{Attachment, CastVote, ChatDocument, CountedVote, ModelChoice, Settings};

/// Models side by side, at most.
pub const MOST: usize = 6;

/// Where conversations are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    #[default]
    Device,
    Server,
}

/// A conversation that is out of sight, and soon deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    pub id: String,
    pub title: String,
}

/// The whole room.
#[derive(Clone, Copy)]
pub struct Room {
    pub columns: RwSignal<Vec<Column>>,
    pub draft: RwSignal<String>,
    pub files: RwSignal<Vec<Attachment>>,
    /// The models are not told apart until there is a vote.
    pub is_blind: RwSignal<bool>,
    pub verdict: RwSignal<Option<CountedVote>>,
    pub place: RwSignal<Place>,
    /// The conversation's id where it is kept; `None` before it is.
    pub id: RwSignal<Option<String>>,
    pub share_id: RwSignal<Option<String>>,
    /// What went wrong or right last, for the person.
    pub told: RwSignal<Option<String>>,
    /// A column that is scrolled takes the others along.
    pub scrolls_together: RwSignal<bool>,
    /// Formulas as the server set them.
    pub formulas: RwSignal<FormulaSet>,
    /// The conversation deleted last, as long as that can be taken back.
    pub gone: RwSignal<Option<Gone>>,
    /// Fires when the list of conversations has changed.
    pub shelved: Trigger,
    /// What is being written, and what is written already.
    pub(super) writing: StoredValue<Keeping>,
    next_column: StoredValue<u32>,
    /// The room's own owner. What is made on a click would else end with the button clicked.
    owner: StoredValue<Option<Owner>>,
}

impl Room {
    pub fn new(models: Vec<ModelChoice>) -> Self {
        let count = u32::try_from(models.len()).unwrap_or(1).max(1);
        let columns = (0..count).map(|number| {
            let model = usize::try_from(number).ok().and_then(|index| models.get(index)).cloned();
            Column::new(number, model)
        });
        Self {
            columns: RwSignal::new(columns.collect()),
            draft: RwSignal::new(String::new()),
            files: RwSignal::new(Vec::new()),
            is_blind: RwSignal::new(false),
            verdict: RwSignal::new(None),
            place: RwSignal::new(Place::Device),
            id: RwSignal::new(None),
            share_id: RwSignal::new(None),
            told: RwSignal::new(None),
            gone: RwSignal::new(None),
            scrolls_together: RwSignal::new(false),
            formulas: RwSignal::new(FormulaSet::new()),
            shelved: Trigger::new(),
            writing: StoredValue::new(Keeping::default()),
            next_column: StoredValue::new(count),
            owner: StoredValue::new(Owner::current()),
        }
    }

    /// Brings back what this device remembers.
    pub fn wake(self, is_model_asked_for: bool) {
        self.place.set(shelf::place());
        if is_model_asked_for {
            return;
        }
        if let Some(document) = shelf::last_device_chat() {
            self.show(document.1);
            self.id.set(Some(document.0.clone()));
            self.fetch_files(document.0);
        }
    }

    /// Puts a document on the screen.
    pub fn show(self, document: ChatDocument) {
        self.stop();
        self.is_blind.set(false);
        self.verdict.set(None);
        let columns: Vec<Column> = document
            .columns
            .into_iter()
            .take(MOST)
            .map(|kept| self.rooted(|| Column::restored(self.number(), kept)))
            .collect();
        if !columns.is_empty() {
            self.columns.set(columns);
        }
    }

    pub fn document(self) -> ChatDocument {
        ChatDocument { columns: self.columns.get_untracked().into_iter().map(Column::to_keep).collect() }
    }

    pub fn is_busy(self) -> bool {
        self.columns.read().iter().any(|column| column.is_busy.get())
    }

    pub fn is_empty(self) -> bool {
        self.columns.read().iter().all(|column| column.turns.read().is_empty())
    }

    /// Something can be sent, and somebody answers.
    pub fn is_ready(self) -> bool {
        let has_words = !self.draft.read().trim().is_empty() || !self.files.read().is_empty();
        has_words && !self.is_busy() && self.columns.read().iter().any(|column| column.model.read().is_some())
    }

    /// Sends the draft to every column that has a model.
    pub fn send(self) {
        if !untrack(|| self.is_ready()) || (self.is_blind.get_untracked() && self.verdict.read_untracked().is_some()) {
            return;
        }
        let content = self.draft.get_untracked().trim().to_owned();
        let files = self.files.get_untracked();
        self.draft.set(String::new());
        self.files.set(Vec::new());
        self.told.set(None);
        let done = self.keeping();
        for column in self.columns.get_untracked() {
            if column.model.read_untracked().is_some() {
                column.ask(content.clone(), files.clone(), done);
            }
        }
        self.keep();
    }

    pub fn stop(self) {
        for column in self.columns.get_untracked() {
            column.stop();
        }
    }

    /// What keeps the conversation when an answer has ended.
    pub fn keeping(self) -> Callback<()> {
        self.rooted(|| {
            Callback::new(move |()| {
                if !untrack(|| self.is_busy()) {
                    self.keep();
                }
            })
        })
    }

    /// An empty page with the same models.
    pub fn start_anew(self) {
        self.stop();
        let models = self
            .columns
            .get_untracked()
            .into_iter()
            .map(|column| (column.model.get_untracked(), column.settings.get_untracked()));
        let columns = models.map(|(model, settings)| {
            let column = self.rooted(|| Column::new(self.number(), model));
            column.settings.set(settings);
            column
        });
        self.columns.set(columns.collect());
        self.verdict.set(None);
        self.id.set(None);
        self.share_id.set(None);
    }

    /// Every column has it switched on.
    pub fn all(self, is_on: fn(&Settings) -> bool) -> bool {
        self.columns.read().iter().all(|column| is_on(&column.settings.read()))
    }

    /// Switches it on in every column, or off when it is on everywhere.
    pub fn switch(self, pick: fn(&mut Settings) -> &mut bool) {
        let columns = self.columns.get_untracked();
        let is_on = columns.iter().all(|column| *pick(&mut column.settings.get_untracked()));
        for column in columns {
            column.settings.update(|settings| *pick(settings) = !is_on);
        }
    }

    /// Names of the models that are to use tools and cannot.
    pub fn toolless(self) -> Vec<String> {
        if self.is_blind.get() {
            return Vec::new();
        }
        let columns = self.columns.get();
        let wanting = columns.iter().filter(|column| column.settings.read().has_tools);
        let models = wanting.filter_map(|column| column.model.get());
        models.filter(|model| model.is_toolless).map(|model| model.name).collect()
    }

    /// Letters of all files that were sent or are about to be.
    pub fn file_letters(self) -> f64 {
        let of = |files: &[Attachment]| files.iter().map(|file| file.data.len()).sum::<usize>();
        let asked = |column: &Column| {
            let turns = column.turns.read_untracked();
            turns.iter().map(|turn| of(&turn.kept.read_untracked().attachments)).sum::<usize>()
        };
        let kept = self.columns.read_untracked().iter().map(asked).max().unwrap_or(0);
        f64::from(u32::try_from(kept + of(&self.files.read_untracked())).unwrap_or(u32::MAX))
    }

    /// Another model beside the others.
    pub fn add(self, model: ModelChoice) {
        if self.columns.read_untracked().len() < MOST {
            let first = self.columns.read_untracked().first().map(|column| column.settings.get_untracked());
            let column = self.rooted(|| Column::new(self.number(), Some(model)));
            if let Some(Settings { has_tools, has_web, .. }) = first {
                column.settings.set(Settings { has_tools, has_web, ..Settings::default() });
            }
            self.columns.update(|columns| columns.push(column));
        }
    }

    /// The conversation of a column up to one of its messages, once more beside it.
    pub fn branch(self, from: Column, number: u32) {
        if self.columns.read_untracked().len() >= MOST {
            self.told.set(Some(format!("{MOST} columns are the most there can be; close one first.")));
            return;
        }
        let mut kept = from.to_keep();
        let end = from.turns.read_untracked().iter().position(|turn| turn.number == number);
        kept.turns.truncate(end.map_or(kept.turns.len(), |end| end + 1));
        let column = self.rooted(|| Column::restored(self.number(), kept));
        self.columns.update(|columns| columns.push(column));
    }

    pub fn remove(self, number: u32) {
        self.columns.update(|columns| {
            if columns.len() > 1 {
                columns.retain(|column| {
                    if column.number == number {
                        column.stop();
                    }
                    column.number != number
                });
            }
        });
    }

    /// Two models nobody names, for one question.
    pub fn begin_blind(self) {
        self.stop();
        spawn_local(async move {
            match use_api().vote_pair().await {
                Ok(pair) => {
                    let columns =
                        pair.into_iter().map(|model| self.rooted(|| Column::new(self.number(), Some(model)))).collect();
                    self.columns.set(columns);
                    self.verdict.set(None);
                    self.id.set(None);
                    self.share_id.set(None);
                    self.told.set(None);
                    self.is_blind.set(true);
                }
                Err(error) => self.told.set(Some(error.message)),
            }
        });
    }

    pub fn end_blind(self) {
        self.is_blind.set(false);
        self.verdict.set(None);
        self.start_anew();
    }

    /// Names are not shown yet.
    pub fn is_masked(self) -> bool {
        self.is_blind.get() && self.verdict.read().is_none()
    }

    /// The answers that can be voted on.
    pub fn duel(self) -> Option<(String, String)> {
        let columns = self.columns.get();
        let [a, b] = columns.as_slice() else { return None };
        let id = |column: &Column| {
            let turn = column.last_answer()?;
            let kept = turn.kept.read();
            let is_whole = !turn.is_streaming.get() && kept.problem.is_none() && !kept.facts.is_stopped;
            kept.facts.id.clone().filter(|_| is_whole && !kept.content.is_empty())
        };
        self.is_masked().then_some(())?;
        Some((id(a)?, id(b)?))
    }

    /// Both answers of a comparison are over, and there is none to vote on.
    pub fn is_spoilt(self) -> bool {
        let over = |column: &Column| column.last_answer().is_some_and(|turn| !turn.is_streaming.get());
        self.is_masked() && self.columns.get().iter().all(over) && self.duel().is_none()
    }

    pub fn vote(self, outcome: &'static str) {
        let Some((generation_a, generation_b)) = untrack(|| self.duel()) else { return };
        let vote = CastVote { generation_a, generation_b, outcome: outcome.to_owned() };
        spawn_local(async move {
            match use_api().vote(&vote).await {
                Ok(counted) => self.verdict.set(Some(counted)),
                Err(error) => self.told.set(Some(error.message)),
            }
        });
    }

    /// Makes something that lives as long as the room.
    pub(super) fn rooted<T>(self, make: impl FnOnce() -> T) -> T {
        match self.owner.get_value() {
            Some(owner) => owner.with(make),
            None => make(),
        }
    }

    fn number(self) -> u32 {
        let number = self.next_column.get_value();
        self.next_column.set_value(number.wrapping_add(1));
        number
    }
}
