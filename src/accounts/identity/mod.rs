//! Signing in with an account elsewhere: OpenID Connect issuers and GitHub (OAuth 2 with
//! PKCE). Addresses come from the operator's settings and from the issuer itself; they
//! must be https, or http on this machine.

pub mod token;

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::Url;

use self::token::{Claims, Expected, PublicKeys};
use super::new_secret;
use crate::config::{IdentityKind, IdentitySettings};

/// How long what an issuer says of itself is believed.
const LASTS_MS: i64 = 3_600_000;
/// How soon keys are asked for again when a token names an unknown one.
const KEYS_REST_MS: i64 = 60_000;
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer, bytes.
const MOST_BYTES: usize = 512 << 10;
const GITHUB: &str = "https://github.com";
const GITHUB_API: &str = "https://api.github.com";

/// Where people may have the account they sign in with.
pub struct Identities {
    settings: BTreeMap<String, IdentitySettings>,
    client: reqwest::Client,
    known: Mutex<BTreeMap<String, Known>>,
}

/// What an issuer says of itself.
#[derive(Clone, Debug, Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Clone)]
struct Known {
    discovery: Discovery,
    keys: PublicKeys,
    /// Epoch ms.
    read_at: i64,
}

/// A sign-in under way, as it waits in the visitor's session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flow {
    pub provider: String,
    pub state: String,
    pub nonce: String,
    pub verifier: String,
    pub next: String,
    /// Epoch ms.
    pub began_at: i64,
    /// The visitor is to prove anew who he is.
    #[serde(default)]
    pub is_anew: bool,
}

impl Flow {
    /// A new one, of secrets nobody can guess.
    #[must_use]
    pub fn new(provider: &str, next: &str, is_anew: bool, now: i64) -> Self {
        Self {
            provider: provider.to_owned(),
            state: new_secret().0,
            nonce: new_secret().0,
            verifier: new_secret().0,
            next: next.to_owned(),
            began_at: now,
            is_anew,
        }
    }

    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }
}

/// Why nobody was signed in, for the log of the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct IdentityError(String);

fn wrong(text: impl Into<String>) -> IdentityError {
    IdentityError(text.into())
}

impl Identities {
    /// # Errors
    /// A sentence naming the setting that is wrong.
    pub fn new(settings: &BTreeMap<String, IdentitySettings>, client: reqwest::Client) -> Result<Self, String> {
        for (slug, one) in settings {
            let is_plain = |sign: u8| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == b'-';
            if slug.is_empty() || !slug.bytes().all(is_plain) {
                return Err(format!("identity.{slug}: its name may have small letters, digits and dashes"));
            }
            if one.client_id.is_empty() || one.client_secret.is_empty() {
                return Err(format!("identity.{slug}: client_id and client_secret are needed"));
            }
            let is_optional = one.kind == IdentityKind::Github && one.issuer.is_empty();
            if !is_optional && checked(&one.issuer).is_err() {
                return Err(format!(
                    "identity.{slug}.issuer: write an https address, such as https://accounts.google.com"
                ));
            }
        }
        Ok(Self { settings: settings.clone(), client, known: Mutex::default() })
    }

    /// Slug and name of each, for the buttons.
    #[must_use]
    pub fn names(&self) -> Vec<(String, String)> {
        let name =
            |slug: &String, one: &IdentitySettings| if one.name.is_empty() { slug.clone() } else { one.name.clone() };
        self.settings.iter().map(|(slug, one)| (slug.clone(), name(slug, one))).collect()
    }

    /// There is one of this name.
    #[must_use]
    pub fn has(&self, slug: &str) -> bool {
        self.settings.contains_key(slug)
    }

    fn settings(&self, slug: &str) -> Result<&IdentitySettings, IdentityError> {
        self.settings.get(slug).ok_or_else(|| wrong("it is not set up"))
    }

    /// Where the visitor goes to say who he is; perhaps to prove it again.
    ///
    /// # Errors
    /// When the issuer cannot be asked.
    pub async fn start(&self, flow: &Flow, redirect: &str, now: i64) -> Result<Url, IdentityError> {
        let settings = self.settings(&flow.provider)?;
        let (address, scope) = match settings.kind {
            IdentityKind::Github => (format!("{}/login/oauth/authorize", github(settings).0), "read:user user:email"),
            IdentityKind::Oidc => {
                (self.known(&flow.provider, now).await?.discovery.authorization_endpoint, "openid email profile")
            }
        };
        let mut url = checked(&address)?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", scope)
            .append_pair("state", &flow.state)
            .append_pair("code_challenge", &flow.challenge())
            .append_pair("code_challenge_method", "S256");
        if settings.kind == IdentityKind::Oidc {
            url.query_pairs_mut().append_pair("nonce", &flow.nonce);
            if flow.is_anew {
                url.query_pairs_mut().append_pair("prompt", "login").append_pair("max_age", "0");
            }
        }
        Ok(url)
    }

    /// Who came back with this code. `issuer` is what the answer says (RFC 9207).
    ///
    /// # Errors
    /// When the code, or what it was exchanged for, is not what it should be.
    pub async fn finish(
        &self,
        flow: &Flow,
        code: &str,
        issuer: Option<&str>,
        redirect: &str,
        now: i64,
    ) -> Result<Claims, IdentityError> {
        let settings = self.settings(&flow.provider)?;
        if settings.kind == IdentityKind::Github {
            return self.finish_github(settings, flow, code, redirect).await;
        }
        let known = self.known(&flow.provider, now).await?;
        if issuer.is_some_and(|issuer| issuer != known.discovery.issuer) {
            return Err(wrong("the answer is of another issuer"));
        }
        let methods = &known.discovery.token_endpoint_auth_methods_supported;
        // Basic is the standard's default.
        let is_basic = methods.is_empty() || methods.iter().any(|method| method == "client_secret_basic");
        let answer = self.exchange(settings, &known.discovery.token_endpoint, flow, code, redirect, is_basic).await?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        let id_token = text("id_token").ok_or_else(|| wrong("the issuer gave no ID token"))?;
        let keys = self.keys_for(&flow.provider, known.clone(), &id_token, now).await?;
        let expected = Expected {
            issuer: &known.discovery.issuer,
            client_id: &settings.client_id,
            nonce: &flow.nonce,
            now_s: now.div_euclid(1_000),
            proved_since_s: flow.is_anew.then(|| flow.began_at.div_euclid(1_000)),
        };
        let mut claims = token::read(&id_token, &keys, &expected)
            .map_err(|cause| wrong(format!("the ID token is refused: {cause}")))?;
        if claims.email.is_none()
            && let (Some(place), Some(access)) = (&known.discovery.userinfo_endpoint, text("access_token"))
        {
            let said = token::claims(&self.get(place, Some(&access)).await?);
            // The standard asks for it: another's answer must not be mixed in.
            if said.subject == claims.subject {
                claims = Claims { name: if claims.name.is_empty() { said.name } else { claims.name }, ..said };
            }
        }
        Ok(claims)
    }

    async fn finish_github(
        &self,
        settings: &IdentitySettings,
        flow: &Flow,
        code: &str,
        redirect: &str,
    ) -> Result<Claims, IdentityError> {
        let (site, api) = github(settings);
        let place = format!("{site}/login/oauth/access_token");
        let answer = self.exchange(settings, &place, flow, code, redirect, false).await?;
        let access = answer.get("access_token").and_then(Value::as_str).ok_or_else(|| wrong("GitHub gave no token"))?;
        let user = self.get(&format!("{api}/user"), Some(access)).await?;
        let subject = user.get("id").and_then(Value::as_i64).ok_or_else(|| wrong("GitHub names nobody"))?;
        let emails = self.get(&format!("{api}/user/emails"), Some(access)).await?;
        let is = |one: &Value, name: &str| one.get(name).and_then(Value::as_bool) == Some(true);
        let primary = emails.as_array().and_then(|all| all.iter().find(|one| is(one, "primary")));
        let text = |from: Option<&Value>, name: &str| {
            from.and_then(|value| value.get(name)).and_then(Value::as_str).map(str::to_owned)
        };
        Ok(Claims {
            subject: subject.to_string(),
            email: text(primary, "email"),
            is_email_verified: primary.is_some_and(|one| is(one, "verified")),
            name: text(Some(&user), "name").or_else(|| text(Some(&user), "login")).unwrap_or_default(),
        })
    }

    async fn exchange(
        &self,
        settings: &IdentitySettings,
        place: &str,
        flow: &Flow,
        code: &str,
        redirect: &str,
        is_basic: bool,
    ) -> Result<Value, IdentityError> {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", flow.verifier.as_str()),
            ("client_id", settings.client_id.as_str()),
        ];
        let mut request = self.client.post(checked(place)?);
        if is_basic {
            let quoted = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let both = format!("{}:{}", quoted(&settings.client_id), quoted(&settings.client_secret));
            request = request.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(both)));
        } else {
            fields.push(("client_secret", settings.client_secret.as_str()));
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        read(request).await
    }

    async fn get(&self, place: &str, access: Option<&str>) -> Result<Value, IdentityError> {
        let request = self.client.get(checked(place)?);
        read(match access {
            Some(access) => request.bearer_auth(access),
            None => request,
        })
        .await
    }

    /// What an issuer says of itself, at most an hour old.
    async fn known(&self, slug: &str, now: i64) -> Result<Known, IdentityError> {
        let found = self.known.lock().get(slug).filter(|known| known.read_at + LASTS_MS > now).cloned();
        if let Some(known) = found {
            return Ok(known);
        }
        let issuer = self.settings(slug)?.issuer.clone();
        let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let discovery: Discovery = serde_json::from_value(self.get(&place, None).await?)
            .map_err(|error| wrong(format!("what the issuer says of itself cannot be read: {error}")))?;
        if discovery.issuer != issuer {
            return Err(wrong(format!("the issuer calls itself {}: write it so in the settings", discovery.issuer)));
        }
        let keys = self.keys(&discovery).await?;
        let known = Known { discovery, keys, read_at: now };
        self.known.lock().insert(slug.to_owned(), known.clone());
        Ok(known)
    }

    async fn keys(&self, discovery: &Discovery) -> Result<PublicKeys, IdentityError> {
        let keys = self.get(&discovery.jwks_uri, None).await?;
        serde_json::from_value(keys).map_err(|error| wrong(format!("the issuer's keys cannot be read: {error}")))
    }

    /// The issuer's keys; asked for again when a token names one that is not among them.
    async fn keys_for(
        &self,
        slug: &str,
        mut known: Known,
        id_token: &str,
        now: i64,
    ) -> Result<PublicKeys, IdentityError> {
        let wanted = token::key_id(id_token).ok_or_else(|| wrong("the ID token is of a kind that is not taken"))?;
        let is_there = wanted.is_none() || known.keys.keys.iter().any(|key| key.kid == wanted);
        if !is_there && known.read_at + KEYS_REST_MS <= now {
            known.keys = self.keys(&known.discovery).await?;
            known.read_at = now;
            self.known.lock().insert(slug.to_owned(), known.clone());
        }
        Ok(known.keys)
    }
}

/// The addresses of GitHub's pages and of its API.
fn github(settings: &IdentitySettings) -> (String, String) {
    if settings.issuer.is_empty() {
        return (GITHUB.to_owned(), GITHUB_API.to_owned());
    }
    let site = settings.issuer.trim_end_matches('/').to_owned();
    let api = format!("{site}/api/v3");
    (site, api)
}

/// An https address, or one of this machine.
fn checked(address: &str) -> Result<Url, IdentityError> {
    let url = Url::parse(address).map_err(|_| wrong(format!("`{address}` is no address")))?;
    let is_local = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local);
    if is_safe && url.username().is_empty() && url.password().is_none() {
        Ok(url)
    } else {
        Err(wrong(format!("`{address}` is no https address")))
    }
}

/// The JSON of a successful answer. The client follows no redirects.
async fn read(request: reqwest::RequestBuilder) -> Result<Value, IdentityError> {
    let request = request.header(ACCEPT, "application/json").timeout(PATIENCE);
    let mut response = request.send().await.map_err(|error| wrong(format!("it does not answer: {error}")))?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| wrong(format!("its answer was cut off: {error}")))? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_BYTES {
            return Err(wrong("its answer is too large"));
        }
    }
    if !status.is_success() {
        return Err(wrong(format!("it answered with status {}", status.as_u16())));
    }
    serde_json::from_slice(&body).map_err(|_| wrong("its answer is no JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_travel_by_tls_only() {
        for good in ["https://id.example/x", "http://127.0.0.1:8/x", "http://localhost/"] {
            assert!(checked(good).is_ok(), "{good}");
        }
        for bad in
            ["http://id.example", "http://localhost.evil.example", "https://a:b@id.example", "ftp://id.example", ""]
        {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }
}
