//! Anthropic Messages as a provider dialect.

mod blocks;
pub(in crate::dialects) mod claude;
mod decode;
mod history;
pub mod inbound;
mod native;
mod opaque;
mod request;
mod wire;

use super::{
    Decoder, Delta, Dialect, Fault, Inference, Quirks, Target, Untranslatable, Upstream, UpstreamRequest, complaint,
};

/// The version of the API this translation was written for.
const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

/// The translation to and from Anthropic Messages, for a base URL that ends in `/v1`.
#[derive(Clone, Copy, Debug)]
pub struct Messages;

impl Upstream for Messages {
    fn encode(&self, target: &Target<'_>, inference: &Inference) -> Result<UpstreamRequest, Untranslatable> {
        let mut headers = vec![(VERSION.0, VERSION.1.to_owned())];
        let body = match inference.native(Dialect::AnthropicMessages) {
            Some(native) => {
                headers.extend(native.headers.iter().cloned());
                native::body(target, inference, native)?
            }
            None => request::body(target, inference)?,
        };
        Ok(UpstreamRequest { path: "/messages".to_owned(), headers, body: body.into() })
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

/// Whether a Claude goes on where a last assistant message ends.
pub(in crate::dialects) fn continues_prefill(model: &str) -> bool {
    !claude::Version::of(model).refuses_prefill()
}

fn untranslatable(field: impl Into<String>, reason: impl std::fmt::Display) -> Untranslatable {
    Untranslatable { field: field.into(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests;
