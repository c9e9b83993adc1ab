//! Amazon Bedrock's Converse: one protocol for the models of many makers.

mod blocks;
mod decode;
mod family;
mod history;
mod request;
mod wire;

use super::text::path_segment;
use super::{
    Decoder, Delta, Fault, Framing, Inference, MediaKind, Quirks, Target, Untranslatable, Upstream, UpstreamRequest,
    complaint,
};

/// Bytes that only Bedrock can read, from a model that is no Claude.
pub(super) const OPAQUE: &str = "amazon-bedrock-v1";

/// The translation to and from Converse, for a base URL such as
/// `https://bedrock-runtime.us-east-1.amazonaws.com`.
#[derive(Clone, Copy, Debug)]
pub struct Converse;

impl Upstream for Converse {
    fn encode(&self, target: &Target<'_>, inference: &Inference) -> Result<UpstreamRequest, Untranslatable> {
        let body = request::body(target, inference)?;
        let method = if inference.is_streamed { "converse-stream" } else { "converse" };
        // A model id holds colons, an ARN slashes as well.
        let path = format!("/model/{}/{method}", path_segment(target.model));
        Ok(UpstreamRequest { path, headers: Vec::new(), body: body.into() })
    }

    fn framing(&self) -> Framing {
        Framing::AwsEventStream
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
