//! The content blocks of a request, and how parts become blocks.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::untranslatable;
use crate::dialects::inference::Part;
use crate::dialects::{Untranslatable, media};

const IMAGE_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<&'a Value>,
    },
    Image {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<&'a Value>,
    },
    Document {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<&'a Value>,
    },
    Thinking {
        thinking: String,
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
    ToolUse {
        id: String,
        name: &'a str,
        input: Box<RawValue>,
    },
    ToolResult {
        tool_use_id: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Block<'a>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Text { media_type: &'a str, data: String },
    Url { url: &'a str },
}

impl<'a> Block<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text { text: text.into(), cache_control: None }
    }
}

/// The block for a part; `None` for empty text, which the API refuses.
pub(super) fn from_part<'a>(part: &'a Part, field: &str) -> Result<Option<Block<'a>>, Untranslatable> {
    Ok(Some(match part {
        Part::Text { text, .. } if text.is_empty() => return Ok(None),
        Part::Text { text, cache_control } => {
            Block::Text { text: text.as_str().into(), cache_control: cache_control.as_ref() }
        }
        Part::Image { url, cache_control, .. } => {
            Block::Image { source: image(url, field)?, cache_control: cache_control.as_ref() }
        }
        Part::File { name, data, cache_control, .. } => {
            let url = data.as_deref().ok_or_else(|| {
                untranslatable(format!("{field}.file.file_id"), "files are sent to Anthropic by URL or data URL")
            })?;
            let cache_control = cache_control.as_ref();
            match document(url, field)? {
                Source::Base64 { media_type, data } if media_type.starts_with("image/") => {
                    Block::Image { source: Source::Base64 { media_type, data }, cache_control }
                }
                source => Block::Document { source, title: name.as_deref(), cache_control },
            }
        }
        Part::Audio { .. } => return Err(untranslatable(format!("{field}.input_audio"), "Claude takes no audio")),
        Part::Video { .. } => return Err(untranslatable(format!("{field}.video_url"), "Claude takes no video")),
        Part::Other(_) => return Err(untranslatable(field, "Anthropic has no part of this kind")),
    }))
}

fn image<'a>(url: &'a str, field: &str) -> Result<Source<'a>, Untranslatable> {
    match media::split_data_url(url) {
        Some((media_type, data)) if IMAGE_TYPES.contains(&media_type) => Ok(Source::Base64 { media_type, data }),
        Some((media_type, _)) => {
            let reason = format!("Claude takes png, jpeg, gif and webp images, not {media_type}");
            Err(untranslatable(format!("{field}.image_url"), reason))
        }
        None => Ok(Source::Url { url }),
    }
}

fn document<'a>(url: &'a str, field: &str) -> Result<Source<'a>, Untranslatable> {
    use base64::Engine as _;
    let Some((media_type, data)) = media::split_data_url(url) else {
        return if url.starts_with("http") {
            Ok(Source::Url { url })
        } else {
            Err(untranslatable(format!("{field}.file.file_data"), "must be a URL or a base64 data URL"))
        };
    };
    if media_type == "application/pdf" || IMAGE_TYPES.contains(&media_type) {
        return Ok(Source::Base64 { media_type, data });
    }
    let text =
        base64::engine::general_purpose::STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match text {
        Some(data) if media_type.starts_with("text/") => Ok(Source::Text { media_type: "text/plain", data }),
        _ => {
            let reason = format!("Claude takes PDF, text and images as files, not {media_type}");
            Err(untranslatable(format!("{field}.file"), reason))
        }
    }
}
