//! Images, sound and files: data URLs taken apart, media types by file name.

/// What a URL in a request leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    Image,
    /// A PDF or another document.
    File,
    Video,
}

/// The parts of `data:<media type>;base64,<data>`, or `None` for any other URL.
pub(super) fn split_data_url(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?;
    // Parameters such as `charset` stand between the type and `base64`.
    let media_type = media_type.split(';').next().unwrap_or(media_type);
    Some((if media_type.is_empty() { "text/plain" } else { media_type }, data))
}

/// The media type a URL's file extension promises.
pub(super) fn media_type_of(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let extension = path.rsplit('/').next()?.rsplit_once('.')?.1.to_ascii_lowercase();
    Some(match extension.as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "pdf" => "application/pdf",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        "mp3" => "audio/mp3",
        "wav" => "audio/wav",
        "txt" => "text/plain",
        _ => return None,
    })
}

/// The text in a file of text, or `None` for any other.
pub(super) fn text_of(media_type: &str, data: &str) -> Option<String> {
    use base64::Engine as _;
    if !media_type.starts_with("text/") && media_type != "application/json" {
        return None;
    }
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(data).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urls_are_taken_apart() {
        assert_eq!(split_data_url("data:image/png;base64,AAA="), Some(("image/png", "AAA=")));
        assert_eq!(split_data_url("data:text/plain;charset=utf-8;base64,QQ=="), Some(("text/plain", "QQ==")));
        assert_eq!(split_data_url("https://example.com/a.png"), None);
        assert_eq!(media_type_of("https://example.com/a.PNG?x=.pdf"), Some("image/png"));
    }
}
