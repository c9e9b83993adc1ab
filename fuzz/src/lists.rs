//! Lists of models, prices, API keys, texts to count.

use app::types::{Money, Price};
use http::{HeaderMap, HeaderValue, Uri, header};
use patchbay::accounts::keys;
use patchbay::catalog::Catalog;
use patchbay::catalog::import;
use patchbay::gateway::tokenizers::{Counter, Vocabulary};
use patchbay::http::caller;
use patchbay::store::catalog::CatalogRows;

/// A list of models in either format. What is read can be stored, and importing
/// it again changes nothing.
pub fn catalog(data: &[u8]) {
    let Ok(list) = import::read(data) else { return };
    let (changes, _) = import::plan(&CatalogRows::default(), list.clone(), 1);
    let catalog = Catalog::from_rows(&changes.upserts);
    assert!(catalog.models.values().all(|model| !model.id.is_empty()));
    let (again, _) = import::plan(&changes.upserts, list, 2);
    assert!(again.is_empty(), "the second import changes {again:?}");
}

/// An amount and a unit price, alone and in JSON.
pub fn price(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(price) = text.parse::<Price>() {
        assert_eq!(price.to_string().parse(), Ok(price));
        let _ = (price.per_million(), price.per_unit());
    }
    if let Ok(money) = text.parse::<Money>() {
        assert_eq!(money.to_string().parse(), Ok(money));
        let _ = (money.dollars(), money.dollars_short());
    }
    let _ = serde_json::from_str::<Price>(text);
    if let Ok(money) = serde_json::from_str::<Money>(text) {
        let written = serde_json::to_string(&money).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Money>(&written).ok(), Some(money));
    }
}

/// A key where clients put it: two headers and, for Google's, the address.
pub fn api_key(data: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(data) {
        for name in [header::AUTHORIZATION.as_str(), "x-api-key", "x-goog-api-key"] {
            let mut headers = HeaderMap::new();
            if let Ok(name) = name.parse::<header::HeaderName>() {
                headers.insert(name, value.clone());
            }
            if let Some(key) = caller::key_of(&headers) {
                assert_eq!(key, key.trim());
                assert_eq!(keys::hash(key).len(), 64);
            }
        }
    }
    if let Ok(uri) = Uri::try_from(data) {
        assert!(caller::key_in_query(&uri).is_none_or(|key| !key.is_empty()));
    }
}

/// What OpenAI's tokenizers are given.
pub fn tokens(data: &[u8]) {
    let (vocabulary, data) = crate::first(data, 0);
    let vocabulary = if vocabulary & 1 == 0 { Vocabulary::O200k } else { Vocabulary::Cl100k };
    // Short inputs stand for long ones.
    let (times, data) = crate::first(data, 0);
    let text = String::from_utf8_lossy(data).repeat(usize::from(times) + 1);
    let tokens = Counter::thorough(vocabulary).text(&text);
    assert!(tokens <= u64::try_from(text.len()).unwrap_or(u64::MAX) + 1);
}
