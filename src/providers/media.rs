//! Fetches what a caller's request points to, for providers that take no URL.
//!
//! The caller chooses the address, so it must not reach what only this server can
//! reach: every hop's host is checked, names are resolved once and the connection
//! goes to the addresses that were checked, and size and time are limited.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use url::{Host, Url};

use super::client::{SetupError, tls};
use crate::config::MediaSettings;

/// A file somebody else serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Told by its first bytes, else by its server.
    pub media_type: String,
    pub bytes: Vec<u8>,
}

/// The one client for addresses that callers choose.
#[derive(Clone, Debug)]
pub struct Media {
    client: reqwest::Client,
    settings: MediaSettings,
}

/// Resolves names to addresses that may be connected to.
#[derive(Clone, Copy, Debug)]
struct Guarded {
    allows_private: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allows_private = self.allows_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let open: Vec<_> = found.filter(|address| allows_private || is_public(address.ip())).collect();
            if open.is_empty() {
                return Err("the name leads to no public address".into());
            }
            let open: Addrs = Box::new(open.into_iter());
            Ok(open)
        })
    }
}

/// A request to an address that somebody else chose.
pub struct Outgoing {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Why it did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The same request will never be taken.
    pub is_final: bool,
    /// A whole sentence that holds no secret.
    pub cause: String,
}

impl Media {
    /// # Errors
    /// [`SetupError`] when TLS cannot be set up.
    pub fn new(settings: MediaSettings) -> Result<Self, SetupError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls()?)
            .dns_resolver(std::sync::Arc::new(Guarded { allows_private: settings.allow_private_networks }))
            // Each hop is checked before it is followed.
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_millis(settings.timeout_ms))
            .user_agent(concat!("patchbay/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| SetupError::new(&error))?;
        Ok(Self { client, settings })
    }

    /// Fetches `address`, at most `limit` bytes and never more than the settings say.
    ///
    /// # Errors
    /// The end of a sentence that begins with the field: "cannot be fetched: …".
    pub async fn fetch(&self, address: &str, limit: usize) -> Result<Fetched, String> {
        let deadline = Duration::from_millis(self.settings.timeout_ms);
        let fetched = tokio::time::timeout(deadline, self.follow(address, limit.min(self.limit())));
        fetched.await.unwrap_or_else(|_| Err(format!("did not come within {} ms", self.settings.timeout_ms)))
    }

    /// Brings a body to an address. Nothing of the answer but its status is looked at, and
    /// redirects are refused: they would take the headers elsewhere.
    ///
    /// # Errors
    /// [`Refusal`] unless the answer is a 2xx.
    pub async fn send(&self, request: Outgoing) -> Result<(), Refusal> {
        let refused = |is_final: bool, cause: String| Refusal { is_final, cause };
        let url = Url::parse(&request.url).map_err(|_| refused(true, "Its address is no URL.".to_owned()))?;
        self.check(&url).map_err(|cause| refused(false, format!("Its address {cause}.")))?;
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).unwrap_or(reqwest::Method::POST);
        let mut call = self.client.request(method, url).body(request.body);
        call = call.timeout(Duration::from_millis(self.settings.timeout_ms));
        for (name, value) in request.headers {
            call = call.header(name, value);
        }
        let response = match call.send().await {
            Ok(response) => response,
            Err(error) if error.is_timeout() => {
                return Err(refused(false, format!("It did not answer within {} ms.", self.settings.timeout_ms)));
            }
            Err(error) => return Err(refused(false, format!("Its address {}.", reason(&error)))),
        };
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        // What it cannot read today it cannot read tomorrow; the rest may be put right.
        Err(refused(
            matches!(status.as_u16(), 400 | 413 | 422),
            format!("It answered with status {}.", status.as_u16()),
        ))
    }

    /// Whether an address may be asked, as far as it tells by itself.
    ///
    /// # Errors
    /// The end of a sentence that begins with the field.
    pub fn admits(&self, address: &str) -> Result<(), String> {
        self.check(&Url::parse(address).map_err(|_| "is no URL".to_owned())?)
    }

    /// The most bytes of one request's media together.
    #[must_use]
    pub fn limit(&self) -> usize {
        usize::try_from(self.settings.max_bytes).unwrap_or(usize::MAX)
    }

    async fn follow(&self, address: &str, limit: usize) -> Result<Fetched, String> {
        let mut url = Url::parse(address).map_err(|_| "is no URL".to_owned())?;
        for _ in 0..=self.settings.redirects {
            self.check(&url)?;
            let response = self.client.get(url.clone()).send().await.map_err(|error| reason(&error))?;
            let status = response.status();
            if status.is_redirection() {
                let next = response.headers().get(LOCATION).and_then(|place| place.to_str().ok());
                let next = next.ok_or_else(|| format!("answered {status} without a place to go"))?;
                url = url.join(next).map_err(|_| "was redirected to something that is no URL".to_owned())?;
                continue;
            }
            if !status.is_success() {
                return Err(format!("cannot be fetched: its server answered {}", status.as_u16()));
            }
            return read(response, limit).await;
        }
        Err(format!("was redirected more than {} times", self.settings.redirects))
    }

    fn check(&self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("must be an http or https URL".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user name or password".to_owned());
        }
        // Addresses are not resolved, so they are checked here.
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err("names no host".to_owned()),
        };
        if address.is_some_and(|address| !self.settings.allow_private_networks && !is_public(address)) {
            return Err("leads to no public address".to_owned());
        }
        Ok(())
    }
}

async fn read(mut response: reqwest::Response, limit: usize) -> Result<Fetched, String> {
    let too_large = || format!("is larger than the {limit} bytes that are left for media");
    if response.content_length().is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > limit)) {
        return Err(too_large());
    }
    let declared = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let declared = declared.and_then(|value| value.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
        if bytes.len().saturating_add(chunk.len()) > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    if bytes.is_empty() {
        return Err("leads to an empty file".to_owned());
    }
    let media_type = sniffed(&bytes).map_or(declared, str::to_owned);
    if media_type.is_empty() || media_type == "application/octet-stream" {
        return Err("leads to a file of unknown type".to_owned());
    }
    Ok(Fetched { media_type, bytes })
}

/// Whether the name leads nowhere public must be told; the rest is the network's.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = cause {
        if inner.to_string().contains("no public address") {
            return "leads to no public address".to_owned();
        }
        cause = inner.source();
    }
    if error.is_connect() {
        "cannot be fetched: its server could not be reached".to_owned()
    } else {
        "cannot be fetched: the connection broke".to_owned()
    }
}

/// What the first bytes say.
fn sniffed(bytes: &[u8]) -> Option<&'static str> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let at = |place: usize, magic: &[u8]| bytes.get(place..).is_some_and(|rest| rest.starts_with(magic));
    let table: [(bool, &str); 13] = [
        (starts(b"\x89PNG\r\n\x1a\n"), "image/png"),
        (starts(b"\xff\xd8\xff"), "image/jpeg"),
        (starts(b"GIF8"), "image/gif"),
        (starts(b"RIFF") && at(8, b"WEBP"), "image/webp"),
        (starts(b"%PDF-"), "application/pdf"),
        (at(4, b"ftypqt"), "video/quicktime"),
        (at(4, b"ftyp"), "video/mp4"),
        (starts(b"\x1a\x45\xdf\xa3"), "video/webm"),
        (starts(b"RIFF") && at(8, b"WAVE"), "audio/wav"),
        (starts(b"ID3") || starts(b"\xff\xfb"), "audio/mpeg"),
        (starts(b"OggS"), "audio/ogg"),
        (starts(b"fLaC"), "audio/flac"),
        // Whatever its server says: a page is no picture.
        (starts(b"<!DOCTYPE html") || starts(b"<html"), "text/html"),
    ];
    table.into_iter().find(|(is_it, _)| *is_it).map(|(_, media_type)| media_type)
}

/// Whether everybody can reach this address. Source: IANA's registries of
/// special-purpose addresses.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || matches!((a, b, c), (0 | 240.., ..) | (100, 64..=127, _) | (192, 0, 0) | (198, 18 | 19, _));
    // Azure's own services answer virtual machines under a public address.
    !is_special && address != Ipv4Addr::new(168, 63, 129, 16)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match address.segments() {
        // Mapped to version 4.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        // Translated to and tunnelled over version 4.
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => embedded(high, low),
        // Compatible and unspecified addresses, loopback among them; other translations;
        // Teredo, documentation, benchmarks.
        [0, 0, ..] | [0x64, 0xff9b, ..] | [0x2001, 0 | 2 | 0xdb8, ..] => false,
        // Discard, unique local, link-local, site-local, multicast.
        [first, ..] => {
            !(first == 0x100 || first & 0xfe00 == 0xfc00 || first & 0xff80 == 0xfe80 || first & 0xff00 == 0xff00)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_everybody_can_reach_are_public() {
        let private = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.9.9.9",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.192",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
        ];
        for address in private {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[tokio::test]
    async fn addresses_of_this_machine_are_refused_however_they_are_written() {
        let media = Media::new(MediaSettings::default()).unwrap();
        for url in [
            "http://127.0.0.1/a.png",
            "http://localhost/a.png",
            "http://2130706433/a.png",
            "http://0x7f.1/a.png",
            "http://[::ffff:127.0.0.1]/a.png",
            "http://169.254.169.254/latest/meta-data",
            "http://0/a.png",
        ] {
            assert_eq!(media.fetch(url, 10).await, Err("leads to no public address".to_owned()), "{url}");
        }
        let file = media.fetch("file:///etc/passwd", 10).await;
        assert_eq!(file, Err("must be an http or https URL".to_owned()));
        let user = media.fetch("https://user:word@example.com/", 10).await;
        assert_eq!(user, Err("must not hold a user name or password".to_owned()));
    }
}
