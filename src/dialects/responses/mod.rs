//! OpenAI Responses, as a client dialect ([`inbound`]) and as a provider dialect.

pub mod inbound;

mod decode;
mod request;
mod thoughts;
mod wire;

use super::{Decoder, Delta, Fault, Inference, Quirks, Target, Untranslatable, Upstream, UpstreamRequest, complaint};

/// The translation to and from OpenAI Responses, for a base URL that ends in `/v1`.
#[derive(Clone, Copy, Debug)]
pub struct Responses;

impl Upstream for Responses {
    fn encode(&self, target: &Target<'_>, inference: &Inference) -> Result<UpstreamRequest, Untranslatable> {
        let body = request::body(target, inference)?;
        Ok(UpstreamRequest { path: "/responses".to_owned(), headers: Vec::new(), body: body.into() })
    }

    fn decoder(&self, quirks: &Quirks) -> Box<dyn Decoder> {
        Box::new(decode::EventDecoder::new(format(quirks)))
    }

    fn decode_whole(&self, quirks: &Quirks, body: &[u8]) -> Result<Vec<Delta>, Fault> {
        decode::whole(format(quirks), body)
    }

    fn decode_error(&self, status: u16, headers: &dyn Fn(&str) -> Option<String>, body: &[u8]) -> Fault {
        complaint::from_response(status, headers, body)
    }
}

/// The format of this provider's encrypted reasoning.
pub(super) fn format(quirks: &Quirks) -> &str {
    quirks.reasoning_format.as_deref().unwrap_or(thoughts::FORMAT)
}

fn untranslatable(field: impl Into<String>, reason: impl std::fmt::Display) -> Untranslatable {
    Untranslatable { field: field.into(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests;
