//! An answer that broke off, completed by another endpoint.
//!
//! Where the endpoint goes on from a last assistant message (a prefill), it is given
//! what was delivered. Everywhere else it is asked the same again, and what it says
//! is held back as long as it repeats what was delivered; the first letter that
//! differs ends the attempt, for two different answers must not be glued together.

use std::borrow::Cow;

use super::inference::{Inference, Role};
use super::{Delta, Dialect, Quirks, messages, structured};

/// Whether an endpoint goes on where the last message, an assistant's, ends.
#[must_use]
pub fn goes_on(dialect: Dialect, quirks: &Quirks, model: &str) -> bool {
    match dialect {
        Dialect::AnthropicMessages | Dialect::BedrockAnthropic | Dialect::VertexAnthropic => {
            messages::continues_prefill(model)
        }
        Dialect::OpenaiChat => quirks.marks_prefill,
        _ => false,
    }
}

/// The request for the rest of an answer that began with `delivered`.
#[must_use]
pub fn prefilled(inference: &Inference, delivered: &str) -> Inference {
    let mut rest = inference.clone();
    let end = rest.messages.len();
    structured::insert(&mut rest, end, Role::Assistant, delivered.trim_end());
    rest.native = None;
    // What is begun cannot be thought over.
    rest.reasoning = None;
    for name in ["reasoning", "reasoning_effort", "include_reasoning"] {
        rest.raw.shift_remove(name);
    }
    rest
}

/// What is delivered already, against what comes again.
#[derive(Debug)]
pub struct Joint {
    /// Text that has to come first, and is not delivered again.
    awaited: String,
    /// The text may also go on without it: white space at the end, which a prefill loses.
    is_optional: bool,
}

/// The new answer does not begin as the old one did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Differs;

impl Joint {
    /// After a prefill.
    #[must_use]
    pub fn behind_prefill(delivered: &str) -> Self {
        let end = delivered.trim_end().len();
        Self { awaited: delivered.get(end..).unwrap_or_default().to_owned(), is_optional: true }
    }

    /// After the same question.
    #[must_use]
    pub fn behind_repetition(delivered: &str) -> Self {
        Self { awaited: delivered.to_owned(), is_optional: false }
    }

    /// Everything that was delivered has come again.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.awaited.is_empty() || self.is_optional
    }

    /// The deltas that are new. Those that belong to the beginning of an answer are left out.
    ///
    /// # Errors
    /// [`Differs`] when the answers do; nothing of it may be delivered then.
    pub fn take(&mut self, deltas: Vec<Delta>) -> Result<Vec<Delta>, Differs> {
        let mut out = Vec::with_capacity(deltas.len());
        for delta in deltas {
            match delta {
                // The thoughts behind the beginning are not those behind the rest.
                Delta::Start { .. } | Delta::Reasoning { .. } | Delta::ReasoningDetail { .. } => {}
                Delta::Text { choice: 0, text } => {
                    let new = self.strip(&text)?;
                    if !new.is_empty() {
                        out.push(Delta::Text { choice: 0, text: new.into_owned() });
                    }
                }
                Delta::Usage(_) => out.push(delta),
                other if self.is_closed() => out.push(other),
                _ => return Err(Differs),
            }
        }
        Ok(out)
    }

    fn strip<'a>(&mut self, text: &'a str) -> Result<Cow<'a, str>, Differs> {
        if self.awaited.is_empty() {
            return Ok(Cow::Borrowed(text));
        }
        if let Some(rest) = self.awaited.strip_prefix(text) {
            self.awaited = rest.to_owned();
            return Ok(Cow::Borrowed(""));
        }
        if let Some(new) = text.strip_prefix(self.awaited.as_str()) {
            self.awaited.clear();
            return Ok(Cow::Borrowed(new));
        }
        if self.is_optional {
            self.awaited.clear();
            return Ok(Cow::Borrowed(text));
        }
        Err(Differs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::{FinishReason, Usage};

    fn text(text: &str) -> Delta {
        Delta::Text { choice: 0, text: text.to_owned() }
    }

    fn end() -> Delta {
        Delta::Finish { choice: 0, reason: FinishReason::Stop, native: None }
    }

    #[test]
    fn a_repeated_answer_goes_on_behind_what_was_delivered_wherever_it_is_cut() {
        let answer = "One two, drei – viér.";
        let cuts: Vec<usize> = (0..=answer.len()).filter(|cut| answer.is_char_boundary(*cut)).collect();
        for delivered in &cuts {
            for piece in &cuts {
                let mut joint = Joint::behind_repetition(&answer[..*delivered]);
                let mut out = answer[..*delivered].to_owned();
                for part in [&answer[..*piece], &answer[*piece..]] {
                    for delta in joint.take(vec![text(part)]).unwrap() {
                        if let Delta::Text { text, .. } = delta {
                            out.push_str(&text);
                        }
                    }
                }
                assert_eq!(out, answer);
                assert_eq!(joint.take(vec![end()]).unwrap(), [end()]);
            }
        }
    }

    #[test]
    fn an_answer_that_says_something_else_or_ends_sooner_is_refused() {
        for deltas in [vec![text("One tree")], vec![text("One"), end()]] {
            assert_eq!(Joint::behind_repetition("One two").take(deltas).unwrap_err(), Differs);
        }
        let usage = Delta::Usage(Usage::default());
        assert_eq!(Joint::behind_repetition("One").take(vec![usage.clone()]).unwrap(), [usage]);
    }

    #[test]
    fn white_space_a_prefill_loses_is_neither_doubled_nor_lost() {
        for (rest, new) in [("three", "three"), (" three", "three"), ("\n\nthree", "\n\nthree")] {
            let mut joint = Joint::behind_prefill("One two ");
            assert_eq!(joint.take(vec![text(rest)]).unwrap(), [text(new)], "{rest:?}");
        }
        let mut joint = Joint::behind_prefill("One two");
        assert_eq!(joint.take(vec![text(" three"), end()]).unwrap(), [text(" three"), end()]);
    }
}
