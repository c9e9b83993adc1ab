//! Gemini's `generateContent` as a provider dialect, for AI Studio and Vertex.

mod contents;
mod decode;
pub mod inbound;
mod logprobs;
mod native;
mod opaque;
mod partial;
mod request;
mod wire;

use super::{
    Decoder, Delta, Dialect, Fault, Inference, MediaKind, Quirks, Target, Untranslatable, Upstream, UpstreamRequest,
    complaint,
};

/// The translation to and from Gemini, for a base URL such as `https://…/v1beta`.
#[derive(Clone, Copy, Debug)]
pub struct Gemini;

impl Upstream for Gemini {
    fn encode(&self, target: &Target<'_>, inference: &Inference) -> Result<UpstreamRequest, Untranslatable> {
        let model = target.model.strip_prefix("models/").unwrap_or(target.model);
        // Without `alt=sse` the stream would be one JSON array.
        let method = if inference.is_streamed { "streamGenerateContent?alt=sse" } else { "generateContent" };
        let body = match inference.native(Dialect::Gemini) {
            Some(native) => native::body(target, inference, native, request::needs_signatures(model))?,
            None => request::body(target, model, inference)?,
        };
        Ok(UpstreamRequest { path: format!("/models/{model}:{method}"), headers: Vec::new(), body: body.into() })
    }

    fn takes_url(&self, _: MediaKind, url: &str) -> bool {
        // Google reads its own files and YouTube; others it fetches for some models only.
        let own = ["https://generativelanguage.googleapis.com/", "https://www.youtube.com/", "https://youtu.be/"];
        own.iter().any(|start| url.starts_with(start))
    }

    fn decoder(&self, _: &Quirks) -> Box<dyn Decoder> {
        Box::new(decode::ResponseDecoder::default())
    }

    fn decode_whole(&self, _: &Quirks, body: &[u8]) -> Result<Vec<Delta>, Fault> {
        decode::whole(body)
    }

    fn decode_error(&self, status: u16, headers: &dyn Fn(&str) -> Option<String>, body: &[u8]) -> Fault {
        complaint::from_response(status, headers, body)
    }
}

fn untranslatable(field: impl Into<String>, reason: impl std::fmt::Display) -> Untranslatable {
    Untranslatable { field: field.into(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests;
