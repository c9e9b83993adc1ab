//! Ollama's own chat API as a provider dialect: unlike the compatible one it can
//! be told how long a prompt may be.

mod decode;
mod request;

use super::{
    Decoder, Delta, Fault, Framing, Inference, MediaKind, Quirks, Target, Untranslatable, Upstream, UpstreamRequest,
    complaint,
};

/// The translation to and from Ollama, for a base URL that ends in `/api`.
#[derive(Clone, Copy, Debug)]
pub struct Ollama;

impl Upstream for Ollama {
    fn encode(&self, target: &Target<'_>, inference: &Inference) -> Result<UpstreamRequest, Untranslatable> {
        let body = request::body(target, inference)?;
        Ok(UpstreamRequest { path: "/chat".to_owned(), headers: Vec::new(), body: body.into() })
    }

    fn framing(&self) -> Framing {
        Framing::JsonLines
    }

    fn takes_url(&self, _: MediaKind, _: &str) -> bool {
        false
    }

    fn decoder(&self, _: &Quirks) -> Box<dyn Decoder> {
        Box::new(decode::LineDecoder::default())
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
