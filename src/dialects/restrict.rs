//! Parameters an endpoint is known not to take are left out before the request
//! is put into its dialect, so that no dialect has to think of it.

use std::borrow::Cow;

use super::Inference;

/// Parameters whose support every list of models states; what a list does not
/// name of these, the model does not take.
const STATED: [&str; 6] = ["temperature", "top_p", "seed", "frequency_penalty", "presence_penalty", "stop"];

impl Inference {
    /// This request without what an endpoint of these `supported_parameters` does
    /// not take. An empty list is unknown and changes nothing.
    #[must_use]
    pub fn restricted_to(&self, supported: &[String]) -> Cow<'_, Self> {
        let is_dropped = |name: &&str| !supported.is_empty() && !supported.iter().any(|known| known == name);
        let used = self.parameters_in_use();
        let dropped: Vec<&str> = STATED.into_iter().filter(is_dropped).filter(|name| used.contains(name)).collect();
        if dropped.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut restricted = self.clone();
        let sampling = &mut restricted.sampling;
        for name in dropped {
            match name {
                "temperature" => sampling.temperature = None,
                "top_p" => sampling.top_p = None,
                "seed" => sampling.seed = None,
                "frequency_penalty" => sampling.frequency_penalty = None,
                "presence_penalty" => sampling.presence_penalty = None,
                _ => sampling.stop.clear(),
            }
            restricted.raw.shift_remove(name);
        }
        Cow::Owned(restricted)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::dialects::chat_completions::parse::parse;

    #[test]
    fn what_a_model_does_not_take_is_left_out_and_nothing_else() {
        let body = json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }],
                           "temperature": 0.5, "top_p": 0.9, "min_p": 0.1, "stop": ["x"], "max_tokens": 5 });
        let inference = parse(body.to_string().as_bytes()).unwrap();
        let supported = ["stop", "max_tokens"].map(str::to_owned);
        let restricted = inference.restricted_to(&supported);
        assert_eq!((restricted.sampling.temperature, restricted.sampling.top_p), (None, None));
        assert!(!restricted.raw.contains_key("temperature"));
        assert_eq!((restricted.sampling.stop.len(), restricted.sampling.max_tokens), (1, Some(5)));
        assert_eq!(restricted.sampling.min_p, Some(0.1), "lists do not state it");
        assert_eq!(inference.restricted_to(&[]).sampling, inference.sampling, "an empty list is unknown");
    }
}
