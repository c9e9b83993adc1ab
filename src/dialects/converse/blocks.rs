//! The content blocks of a request, and how parts become blocks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::untranslatable;
use crate::dialects::inference::Part;
use crate::dialects::{Untranslatable, media};

/// Formats of documents by media type.
const DOCUMENTS: [(&str, &str); 9] = [
    ("application/pdf", "pdf"),
    ("text/csv", "csv"),
    ("application/msword", "doc"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/markdown", "md"),
];

/// Formats of images and of videos by media type.
const PICTURES: [(&str, &str); 11] = [
    ("image/png", "png"),
    ("image/jpeg", "jpeg"),
    ("image/jpg", "jpeg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("video/mp4", "mp4"),
    ("video/quicktime", "mov"),
    ("video/webm", "webm"),
    ("video/x-matroska", "mkv"),
    ("video/mpeg", "mpeg"),
    ("video/3gpp", "three_gp"),
];

pub(super) fn text(text: &str) -> Value {
    json!({ "text": text })
}

pub(super) fn cache_point(mark: &Value) -> Value {
    let mut point = json!({ "type": "default" });
    if let Some(ttl) = mark.get("ttl").and_then(Value::as_str) {
        point["ttl"] = Value::from(ttl);
    }
    json!({ "cachePoint": point })
}

/// The blocks for a part: none for blank text, which Bedrock refuses, and a mark
/// of the prompt cache behind what is to be cached.
pub(super) fn from_part(part: &Part, field: &str, caches: bool) -> Result<Vec<Value>, Untranslatable> {
    let (block, mark) = match part {
        Part::Text { text, .. } if text.trim().is_empty() => return Ok(Vec::new()),
        Part::Text { text: words, cache_control } => (text(words), cache_control.as_ref()),
        Part::Image { url, cache_control, .. } => (picture(url, "image_url", field)?, cache_control.as_ref()),
        Part::Video { url } => (picture(url, "video_url", field)?, None),
        Part::File { name, data, cache_control, .. } => {
            let url = data.as_deref().ok_or_else(|| {
                untranslatable(format!("{field}.file.file_id"), "files are sent to Bedrock by URL or data URL")
            })?;
            (document(url, name.as_deref(), field)?, cache_control.as_ref())
        }
        Part::Audio { .. } => return Err(untranslatable(format!("{field}.input_audio"), "Converse takes no audio")),
        Part::Other(_) => return Err(untranslatable(field, "Bedrock has no part of this kind")),
    };
    let mark = mark.filter(|_| caches).map(cache_point);
    Ok(std::iter::once(block).chain(mark).collect())
}

fn picture(url: &str, member: &str, field: &str) -> Result<Value, Untranslatable> {
    let (media_type, data) = taken_apart(url, member, field)?;
    let kind = if media_type.starts_with("video/") { "video" } else { "image" };
    let format = PICTURES.iter().find(|(known, _)| *known == media_type).map(|(_, format)| *format);
    let format =
        format.ok_or_else(|| untranslatable(format!("{field}.{member}"), format!("Bedrock takes no {media_type}")))?;
    Ok(json!({ kind: { "format": format, "source": { "bytes": data } } }))
}

fn document(url: &str, name: Option<&str>, field: &str) -> Result<Value, Untranslatable> {
    let (media_type, data) = taken_apart(url, "file.file_data", field)?;
    if media_type.starts_with("image/") || media_type.starts_with("video/") {
        return picture(url, "file.file_data", field);
    }
    let known = DOCUMENTS.iter().find(|(known, _)| *known == media_type).map(|(_, format)| *format);
    let format = known.or_else(|| media_type.starts_with("text/").then_some("txt"));
    let format = format
        .ok_or_else(|| untranslatable(format!("{field}.file"), format!("Bedrock takes no {media_type} as a file")))?;
    Ok(json!({ "document": { "format": format, "name": plain_name(name), "source": { "bytes": data } } }))
}

fn taken_apart<'a>(url: &'a str, member: &str, field: &str) -> Result<(&'a str, &'a str), Untranslatable> {
    let (media_type, data) = media::split_data_url(url)
        .ok_or_else(|| untranslatable(format!("{field}.{member}"), "Bedrock takes base64 data only, no URL"))?;
    if STANDARD.decode(data).is_err() {
        return Err(untranslatable(format!("{field}.{member}"), "is no valid base64"));
    }
    Ok((media_type, data))
}

/// Letters, digits, single spaces, hyphens and brackets are all a name may hold.
fn plain_name(name: Option<&str>) -> String {
    let stem = name.unwrap_or_default().rsplit_once('.').map_or(name.unwrap_or_default(), |(stem, _)| stem);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-()[]".contains(c);
    let words: String = stem.chars().map(|c| if allowed(c) { c } else { ' ' }).collect();
    let name = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() { "document".to_owned() } else { name.chars().take(150).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_documents_keep_what_is_allowed() {
        assert_eq!(plain_name(Some("Rechnung März_2026 (1).pdf")), "Rechnung M rz 2026 (1)");
        assert_eq!(plain_name(Some("…")), "document");
        assert_eq!(plain_name(None), "document");
    }
}
