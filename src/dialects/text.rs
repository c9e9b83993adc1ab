//! Borrowed strings for wire structs: no allocation unless the JSON has escapes.

use std::borrow::Cow;

use serde::Deserialize;

/// A JSON string. The newtype is needed because `Option<Cow<str>>` never borrows.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text of an optional field, absent when empty.
pub(super) fn non_empty<'a>(field: Option<&'a Text<'_>>) -> Option<&'a str> {
    field.map(Text::as_str).filter(|text| !text.is_empty())
}

/// The text of an answer; what is no UTF-8 in it is replaced.
#[must_use]
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    // Checks many bytes at a time, which the replacing way does not.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Cuts at most `limit` bytes off the front of `text`, at a character boundary.
#[must_use]
pub fn head(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

/// `text` as one segment of a URL's path.
#[must_use]
pub fn path_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from(b"0123456789ABCDEF".get(usize::from(value)).copied().unwrap_or(b'0'));
            segment.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    segment
}
