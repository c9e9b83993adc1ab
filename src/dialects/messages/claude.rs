//! What differs between generations of Claude, read off the model's name.
//!
//! Source: Anthropic's documentation of extended and adaptive thinking, effort
//! and structured outputs.

/// The version in a model name: (4, 5) for `claude-sonnet-4-5-20250929`,
/// (3, 7) for `claude-3-7-sonnet@20250219`. Names without one count as newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::dialects) struct Version(u16, u16);

impl Version {
    pub(in crate::dialects) fn of(model: &str) -> Self {
        let numbers: Vec<Option<u16>> = model
            .split(['-', '.', '@', '/', ':'])
            // Dates have eight digits.
            .map(|word| word.parse().ok().filter(|_| word.len() <= 2))
            .collect();
        let Some(first) = numbers.iter().position(Option::is_some) else { return Self(u16::MAX, 0) };
        let at = |index: usize| numbers.get(index).copied().flatten();
        Self(at(first).unwrap_or(0), at(first.saturating_add(1)).unwrap_or(0))
    }

    /// Decides itself how long to think; refuses a fixed budget sooner or later.
    pub(in crate::dialects) fn thinks_adaptively(self) -> bool {
        self >= Self(4, 6)
    }

    /// Answers in a given JSON schema.
    pub(in crate::dialects) fn has_schemas(self) -> bool {
        self >= Self(4, 5) || self == Self(4, 1)
    }

    /// Refuses `temperature` beside `top_p`.
    pub(in crate::dialects) fn wants_one_sampler(self) -> bool {
        self >= Self(4, 1)
    }

    /// Refuses `temperature`, `top_p` and `top_k` altogether.
    pub(in crate::dialects) fn refuses_samplers(self) -> bool {
        self >= Self(4, 7)
    }

    /// Does not go on where a last assistant turn ends.
    pub(super) fn refuses_prefill(self) -> bool {
        self >= Self(4, 6)
    }

    /// The nearest effort this model knows.
    pub(in crate::dialects) fn effort(self, wish: &str) -> &'static str {
        match wish {
            "minimal" | "low" => "low",
            "medium" => "medium",
            "xhigh" if self >= Self(4, 7) => "xhigh",
            "max" if self >= Self(4, 6) => "max",
            _ => "high",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_off_the_name() {
        assert_eq!(Version::of("claude-sonnet-4-5-20250929"), Version(4, 5));
        assert_eq!(Version::of("claude-sonnet-4-20250514"), Version(4, 0));
        assert_eq!(Version::of("claude-3-7-sonnet@20250219"), Version(3, 7));
        assert_eq!(Version::of("claude-opus-4.6"), Version(4, 6));
        assert_eq!(Version::of("claude-fable-5"), Version(5, 0));
        assert!(Version::of("claude-next").thinks_adaptively());
    }
}
