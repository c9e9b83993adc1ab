//! Where addresses lead that are made of what somebody else than the operator says.

use url::{Host, Url};

/// Whether an address made of somebody's variables still leads to a provider: where they
/// are part of its host, that must be a name of several parts and of no inner network.
#[must_use]
pub fn is_elsewhere(template: &str, url: &str) -> bool {
    if !host(template).contains("${") {
        return true;
    }
    let Ok(parsed) = Url::parse(url) else { return false };
    let Some(Host::Domain(name)) = parsed.host() else { return false };
    let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    name.trim_end_matches('.').contains('.') && !["localhost", "local", "internal", "lan", "arpa"].contains(&last)
}

/// The part of an address between its scheme and its path.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use crate::providers::credentials::{Auth, Credentials, OwnSecret, Sought};

    #[test]
    fn variables_of_others_lead_to_no_machine_of_ours() {
        let sought = Sought { slug: "acme", env: &[], auth: &Auth::Bearer, base_url: "https://${HOST}/v1" };
        let own = |host: &str| {
            let text = serde_json::json!({ "api_key": "k", "variables": { "HOST": host } }).to_string();
            OwnSecret::read(&text).and_then(|own| Credentials::own(sought, None, own))
        };
        let inside = [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "127.1",
            "0",
            "10.0.0.1",
            "169.254.169.254",
            "localhost",
            "localhost.",
            "a.localhost",
            "metadata",
            "metadata.google.internal",
            "printer.local",
            "[::1]",
            "a@b",
            "a/b",
            "a:8080",
        ];
        assert_eq!(inside.len(), 18);
        for host in inside {
            assert!(own(host).is_err(), "{host}");
        }
        assert!(own("acme-7.example.com").is_ok());
    }
}
