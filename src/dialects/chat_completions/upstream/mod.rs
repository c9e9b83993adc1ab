//! OpenAI chat completions as a provider dialect, with the quirks of everyone
//! who calls himself compatible.

mod compose;
mod decode;
mod history;
mod request;
mod wire;

use crate::dialects::{
    Decoder, Delta, Fault, Inference, Quirks, Target, Untranslatable, Upstream, UpstreamRequest, complaint,
};

/// The translation to and from OpenAI chat completions.
#[derive(Clone, Copy, Debug)]
pub struct ChatCompletions;

impl Upstream for ChatCompletions {
    fn encode(&self, target: &Target<'_>, inference: &Inference) -> Result<UpstreamRequest, Untranslatable> {
        let body = request::body(target, inference)?;
        Ok(UpstreamRequest { path: "/chat/completions".to_owned(), headers: Vec::new(), body: body.into() })
    }

    fn decoder(&self, quirks: &Quirks) -> Box<dyn Decoder> {
        Box::new(decode::ChunkDecoder::new(quirks))
    }

    fn decode_whole(&self, quirks: &Quirks, body: &[u8]) -> Result<Vec<Delta>, Fault> {
        decode::whole(quirks, body)
    }

    fn decode_error(&self, status: u16, headers: &dyn Fn(&str) -> Option<String>, body: &[u8]) -> Fault {
        complaint::from_response(status, headers, body)
    }
}

#[cfg(test)]
mod tests;
