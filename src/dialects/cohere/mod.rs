//! Cohere's second chat API as a provider dialect.

mod decode;
mod request;
mod wire;

use super::{
    Decoder, Delta, Fault, Inference, MediaKind, Quirks, Target, Untranslatable, Upstream, UpstreamRequest, complaint,
};

/// Reasoning in Cohere's own words: thinking, and the plan before calls.
pub(super) const FORMAT: &str = "cohere-v2";

/// The translation to and from Cohere, for a base URL that ends in `/v2`.
#[derive(Clone, Copy, Debug)]
pub struct Cohere;

impl Upstream for Cohere {
    fn encode(&self, target: &Target<'_>, inference: &Inference) -> Result<UpstreamRequest, Untranslatable> {
        let body = request::body(target, inference)?;
        Ok(UpstreamRequest { path: "/chat".to_owned(), headers: Vec::new(), body: body.into() })
    }

    fn takes_url(&self, _: MediaKind, _: &str) -> bool {
        false
    }

    fn decoder(&self, _: &Quirks) -> Box<dyn Decoder> {
        Box::new(decode::EventDecoder::default())
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
