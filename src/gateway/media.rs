//! Media a request points to, put into the request itself where the provider
//! takes no URL.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::App;
use crate::dialects::inference::Part;
use crate::dialects::{Fault, FaultKind, Inference, MediaKind, Upstream, head};

/// Whether `inference` points to media that `upstream` cannot reach.
///
/// # Errors
/// [`Fault`] that names the field whose URL is of no kind that may be used.
pub fn are_needed(upstream: &dyn Upstream, inference: &Inference) -> Result<bool, Fault> {
    for (index, message) in inference.messages.iter().enumerate() {
        for (number, part) in message.content.iter().enumerate() {
            if let Some((_, url, member)) = remote(part).filter(|(_, url, _)| !is_address(url)) {
                let kind = url.split(':').next().unwrap_or_default();
                let message = format!(
                    "messages[{index}].content[{number}].{member} begins with `{}:`; it must be a data, https or http URL",
                    head(kind, 20)
                );
                return Err(Fault::new(FaultKind::InvalidRequest, message));
            }
        }
    }
    Ok(inference.messages.iter().flat_map(|message| &message.content).any(|part| is_needed(upstream, part)))
}

fn is_needed(upstream: &dyn Upstream, part: &Part) -> bool {
    remote(part).is_some_and(|(kind, url, _)| url.starts_with("http") && !upstream.takes_url(kind, url))
}

/// `inference` with everything in it that `upstream` can reach.
///
/// # Errors
/// [`Fault`] that names the field whose URL could not be used: the caller's to mend.
pub async fn inlined(app: &App, upstream: &dyn Upstream, inference: &Inference) -> Result<Inference, Fault> {
    let mut own = inference.clone();
    let mut left = app.media.limit();
    for (index, message) in own.messages.iter_mut().enumerate() {
        for (number, part) in message.content.iter_mut().enumerate() {
            if !is_needed(upstream, part) {
                continue;
            }
            let Some((kind, url, member)) = remote(part) else { continue };
            let refused = |why: String| {
                let message = format!("messages[{index}].content[{number}].{member} {why}");
                Fault::new(FaultKind::InvalidRequest, message)
            };
            let file = app.media.fetch(url, left).await.map_err(refused)?;
            if !is_of(kind, &file.media_type) {
                return Err(refused(format!("leads to {}, which does not belong here", file.media_type)));
            }
            left = left.saturating_sub(file.bytes.len());
            put(part, format!("data:{};base64,{}", file.media_type, STANDARD.encode(file.bytes)));
        }
    }
    Ok(own)
}

/// Whether a text is no URL of a kind that leads to files of whoever reads it: a server
/// of inference on this machine might open them. Clouds' own stores are for their providers
/// to judge.
fn is_address(url: &str) -> bool {
    let Some((scheme, _)) = url.split_once(':') else { return true };
    let has_scheme = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let known = ["data", "https", "http", "gs", "s3"];
    !has_scheme || known.iter().any(|known| scheme.eq_ignore_ascii_case(known))
}

/// The URL in a part and the name of its field.
fn remote(part: &Part) -> Option<(MediaKind, &str, &'static str)> {
    match part {
        Part::Image { url, .. } => Some((MediaKind::Image, url, "image_url.url")),
        Part::Video { url } => Some((MediaKind::Video, url, "video_url.url")),
        Part::File { data: Some(url), .. } => Some((MediaKind::File, url, "file.file_data")),
        Part::File { .. } | Part::Text { .. } | Part::Audio { .. } | Part::Other(_) => None,
    }
}

fn put(part: &mut Part, data_url: String) {
    match part {
        Part::Image { url, .. } | Part::Video { url } => *url = data_url,
        Part::File { data, .. } => *data = Some(data_url),
        Part::Text { .. } | Part::Audio { .. } | Part::Other(_) => {}
    }
}

fn is_of(kind: MediaKind, media_type: &str) -> bool {
    match kind {
        MediaKind::Image => media_type.starts_with("image/"),
        MediaKind::Video => media_type.starts_with("video/"),
        MediaKind::File => media_type != "text/html",
    }
}
