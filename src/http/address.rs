//! Where a request comes from, past proxies of the operator's own.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use ipnet::IpNet;

use crate::App;
use crate::error::Error;

/// The other side of a connection; the front puts it beside each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// The networks of `limits.trusted_proxies`: addresses or CIDR, separated by commas.
///
/// # Errors
/// The first that is none.
pub fn networks(list: &str) -> Result<Vec<IpNet>, String> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            let single = || name.parse::<IpAddr>().map(IpNet::from);
            name.parse::<IpNet>().or_else(|_| single()).map_err(|_| format!("`{name}` is no address and no network"))
        })
        .collect()
}

/// The address a request comes from: the last one in `X-Forwarded-For` that is no
/// trusted proxy, as long as the connection itself comes from one.
#[must_use]
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    if !is_trusted(&client) {
        return client;
    }
    let lists: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    for hop in lists.iter().rev().flat_map(|list| list.rsplit(',')) {
        // What a trusted proxy wrote but cannot be read hides who came before.
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        client = address.to_canonical();
        if !is_trusted(&client) {
            break;
        }
    }
    client
}

/// Who shares an address: one host, or one network of the sixth version (/64), which
/// one customer has whole.
#[must_use]
pub fn household(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            format!("{}/64", Ipv6Addr::from(network))
        }
    }
}

/// Where a request comes from, when the front told.
#[must_use]
pub fn of(parts: &Parts, app: &App) -> Option<IpAddr> {
    let Peer(peer) = parts.extensions.get::<Peer>().copied()?;
    Some(client(peer, &parts.headers, app.rate_limits.trusted_proxies()))
}

/// From where and with what a request was made, for the audit log and the list of sessions.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub address: Option<IpAddr>,
    /// At most 200 characters.
    pub user_agent: String,
}

impl Origin {
    /// What the head of a request says.
    #[must_use]
    pub fn read(parts: &Parts, app: &App) -> Self {
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let user_agent = agent.unwrap_or_default().chars().take(200).collect();
        Self { address: of(parts, app), user_agent }
    }

    /// The address as text; empty when nobody knows.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.map(|address| address.to_string()).unwrap_or_default()
    }
}

impl FromRequestParts<Arc<App>> for Origin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        Ok(Self::read(parts, app))
    }
}

/// Counts a request against its address's limit.
pub async fn limit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Some(Peer(peer)) = request.extensions().get::<Peer>().copied() else { return next.run(request).await };
    let client = client(peer, request.headers(), app.rate_limits.trusted_proxies());
    match app.rate_limits.admit_address(&household(client)).await {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, forwarded: &[&str], trusted: &str) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        client(peer.parse().unwrap(), &headers, &networks(trusted).unwrap()).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(from("203.0.113.9", &["1.2.3.4"], ""), "203.0.113.9");
        assert_eq!(from("203.0.113.9", &["1.2.3.4"], "10.0.0.0/8"), "203.0.113.9");
        assert_eq!(from("10.0.0.1", &["1.2.3.4"], "10.0.0.0/8"), "1.2.3.4");
        assert_eq!(from("10.0.0.1", &["6.6.6.6, 1.2.3.4, 10.9.9.9"], "10.0.0.0/8"), "1.2.3.4");
        assert_eq!(from("10.0.0.1", &["6.6.6.6", "1.2.3.4"], "10.0.0.0/8"), "1.2.3.4");
        assert_eq!(from("10.0.0.1", &["nonsense"], "10.0.0.0/8"), "10.0.0.1");
        assert_eq!(from("::ffff:10.0.0.1", &["2001:db8::1"], "10.0.0.0/8"), "2001:db8::1");
    }

    #[test]
    fn a_network_of_the_sixth_version_is_one_household() {
        let of = |text: &str| household(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("203.0.113.9"), "203.0.113.9");
        assert!(networks("10.0.0.0/8, ::1").is_ok() && networks("10.0.0.0/99").is_err());
    }
}
