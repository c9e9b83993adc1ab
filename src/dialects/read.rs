//! Reading a JSON body field by field, with errors that name the field.

use serde_json::{Map, Value};

use super::BadField;
use super::inference::ProviderPreferences;

/// The fields of an object. A `null` counts as absent.
#[derive(Clone, Copy)]
pub(super) struct Object<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Object<'a> {
    /// `value` as an object; `name` is the field it came from.
    pub(super) fn of(value: &'a Value, name: &str) -> Result<Self, BadField> {
        value.as_object().map(Self).ok_or_else(|| BadField::new(name, "must be an object"))
    }

    /// The field, also under its name in snake case.
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        let found = self.0.get(name).or_else(|| {
            let has_capitals = name.bytes().any(|byte| byte.is_ascii_uppercase());
            has_capitals.then(|| self.0.get(&snake_case(name))).flatten()
        });
        found.filter(|value| !value.is_null())
    }

    pub(super) fn text(self, name: &str) -> Result<Option<&'a str>, BadField> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| BadField::new(name, "must be a string"))
    }

    pub(super) fn required_text(self, name: &str) -> Result<&'a str, BadField> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| BadField::new(name, "is required: a string"))
    }

    pub(super) fn limited_text(self, name: &str, limit: usize) -> Result<Option<String>, BadField> {
        let text = self.text(name)?;
        if text.is_some_and(|text| text.chars().count() > limit) {
            return Err(BadField::new(name, format!("must not be longer than {limit} characters")));
        }
        Ok(text.map(str::to_owned))
    }

    pub(super) fn boolean(self, name: &str) -> Result<Option<bool>, BadField> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| BadField::new(name, "must be true or false"))
    }

    pub(super) fn number(self, name: &str, min: f64, max: f64) -> Result<Option<f64>, BadField> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_f64().filter(|number| (min..=max).contains(number));
        number.map(Some).ok_or_else(|| BadField::new(name, format!("must be a number from {min} to {max}")))
    }

    /// A whole number of at least `min`; `100.0` and `"100"`, which some languages write, are one.
    pub(super) fn integer(self, name: &str, min: i64) -> Result<Option<i64>, BadField> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let number = text.strip_suffix(".0").unwrap_or(&text).parse::<i64>().ok();
        let remedy = || BadField::new(name, format!("must be an integer of at least {min}"));
        number.filter(|number| *number >= min).map(Some).ok_or_else(remedy)
    }

    pub(super) fn count(self, name: &str, min: i64) -> Result<Option<u64>, BadField> {
        Ok(self.integer(name, min)?.and_then(|number| u64::try_from(number).ok()))
    }

    pub(super) fn list(self, name: &str) -> Result<&'a [Value], BadField> {
        let Some(value) = self.get(name) else { return Ok(&[]) };
        value.as_array().map(Vec::as_slice).ok_or_else(|| BadField::new(name, "must be an array"))
    }

    pub(super) fn texts(self, name: &str) -> Result<Vec<String>, BadField> {
        let text = |value: &Value| {
            value.as_str().map(str::to_owned).ok_or_else(|| BadField::new(name, "must be an array of strings"))
        };
        self.list(name)?.iter().map(text).collect()
    }

    pub(super) fn object(self, name: &str) -> Result<Option<Self>, BadField> {
        self.get(name).map(|value| Self::of(value, name)).transpose()
    }

    /// The model asked for, then the fallbacks, without duplicates.
    pub(super) fn models(self) -> Result<Vec<String>, BadField> {
        let mut models: Vec<String> = self.text("model")?.map(str::to_owned).into_iter().collect();
        models.extend(self.texts("models")?);
        let mut seen = Vec::with_capacity(models.len());
        for model in models {
            if !model.is_empty() && !seen.contains(&model) {
                seen.push(model);
            }
        }
        Ok(seen)
    }

    /// The original's `provider` object.
    pub(super) fn provider(self) -> Result<ProviderPreferences, BadField> {
        let Some(value) = self.get("provider") else { return Ok(ProviderPreferences::default()) };
        let preferences = serde_json::from_value::<ProviderPreferences>(value.clone())
            .map_err(|error| BadField::new("provider", format!("must be an object of routing preferences: {error}")))?;
        if preferences.data_collection.as_deref().is_some_and(|value| !matches!(value, "allow" | "deny")) {
            return Err(BadField::new("provider.data_collection", "must be \"allow\" or \"deny\""));
        }
        Ok(preferences)
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len().saturating_add(4));
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
