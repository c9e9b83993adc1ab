//! Reading one raw field at a time, with errors that name it.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialects::BadField;
use crate::dialects::inference::RawFields;

/// The fields of the top level. A `null` counts as absent.
pub(super) struct Fields<'a>(pub(super) &'a RawFields);

impl<'a> Fields<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(name).map(|raw| &**raw).filter(|raw| raw.get() != "null")
    }

    pub(super) fn require(&self, name: &str, remedy: &str) -> Result<&'a RawValue, BadField> {
        self.get(name).ok_or_else(|| BadField::new(name, remedy))
    }

    pub(super) fn typed<T: Deserialize<'a>>(&self, name: &str, remedy: &str) -> Result<Option<T>, BadField> {
        self.get(name).map(|raw| read(raw, name, remedy)).transpose()
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, BadField> {
        self.typed(name, "must be true or false")
    }

    pub(super) fn text(&self, name: &str, limit: usize) -> Result<Option<String>, BadField> {
        let text: Option<String> = self.typed(name, "must be a string")?;
        if text.as_ref().is_some_and(|text| text.chars().count() > limit) {
            return Err(BadField::new(name, format!("must not be longer than {limit} characters")));
        }
        Ok(text)
    }

    pub(super) fn number(&self, name: &str, min: f64, max: f64) -> Result<Option<f64>, BadField> {
        let remedy = || BadField::new(name, format!("must be a number from {min} to {max}"));
        let Some(raw) = self.get(name) else { return Ok(None) };
        let number: f64 = serde_json::from_str(raw.get()).map_err(|_| remedy())?;
        if (min..=max).contains(&number) { Ok(Some(number)) } else { Err(remedy()) }
    }

    /// A whole number; `100.0`, which some languages write, is one.
    pub(super) fn integer(&self, name: &str, min: u64, max: u64) -> Result<Option<u64>, BadField> {
        let Some(raw) = self.get(name) else { return Ok(None) };
        let whole = raw.get().strip_suffix(".0").unwrap_or(raw.get());
        match serde_json::from_str::<u64>(whole) {
            Ok(number) if (min..=max).contains(&number) => Ok(Some(number)),
            _ if max == u64::MAX => Err(BadField::new(name, format!("must be an integer of at least {min}"))),
            _ => Err(BadField::new(name, format!("must be an integer from {min} to {max}"))),
        }
    }
}

/// Reads `raw` as a `T`; `remedy` continues the sentence that begins with `name`.
pub(super) fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue, name: &str, remedy: &str) -> Result<T, BadField> {
    serde_json::from_str(raw.get()).map_err(|_| BadField::new(name, remedy))
}

/// Like [`read`], for a field that may be missing or `null`.
pub(super) fn optional<'a, T: Deserialize<'a>>(
    raw: Option<&'a RawValue>,
    name: &str,
    remedy: &str,
) -> Result<Option<T>, BadField> {
    raw.filter(|raw| raw.get() != "null").map(|raw| read(raw, name, remedy)).transpose()
}
