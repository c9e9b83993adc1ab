//! Signed or encrypted reasoning belongs to who issued it: a conversation that
//! carries some goes on, where nothing else was wished, at an endpoint that can
//! read it. Others are still tried after those; they are sent the words only.

use serde_json::Value;

use super::route::Candidate;
use crate::App;
use crate::dialects::{Inference, reasoning};

/// Moves the endpoints of the first model that read the newest reasoning to its front.
pub fn prefer_issuer(app: &App, candidates: &mut [Candidate], inference: &Inference) {
    let (wishes, now) = (&inference.provider, app.clock.now_ms());
    let is_variant = |name: &String| [":nitro", ":floor", ":exacto"].iter().any(|variant| name.ends_with(variant));
    if wishes.order.is_some() || wishes.sort.is_some() || inference.models.first().is_some_and(is_variant) {
        return;
    }
    let Some(format) = newest_format(inference) else { return };
    let Some(first) = candidates.first().map(|candidate| candidate.model.id.clone()) else { return };
    let end = candidates.iter().position(|candidate| candidate.model.id != first).unwrap_or(candidates.len());
    let (own, _) = candidates.split_at_mut(end);
    own.sort_by_key(|candidate| {
        let (provider, model) = (&candidate.provider, &candidate.endpoint.upstream_model);
        let reads = |dialect| reasoning::is_read_by(format, dialect, &provider.quirks, model);
        // Who is down stays behind who is not.
        (app.health.is_down(candidate.record_id(), now), !provider.dialect.is_some_and(reads))
    });
}

/// Whose the newest opaque reasoning is.
fn newest_format(inference: &Inference) -> Option<&str> {
    let details = inference.messages.iter().rev().flat_map(|message| message.reasoning_details.iter().rev());
    let is_opaque =
        |detail: &&Value| ["signature", "data"].iter().any(|name| detail.get(name).is_some_and(Value::is_string));
    details.into_iter().find(is_opaque)?.get("format")?.as_str()
}
