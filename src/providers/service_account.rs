//! Google's service accounts: a signed claim is traded for an access token,
//! which is kept until shortly before it expires.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use super::client::Upstreams;
use crate::dialects::{Fault, FaultKind};

/// What a token may be used for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// A token is renewed so long before its end, ms.
const MARGIN_MS: i64 = 5 * 60 * 1_000;
/// How long a claim may be used, seconds. Google's limit.
const CLAIM_S: i64 = 3_600;

/// The JSON file that Google gives out.
#[derive(Deserialize)]
struct File {
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    project_id: Option<String>,
    #[serde(default = "usual_token_uri")]
    token_uri: String,
}

fn usual_token_uri() -> String {
    "https://oauth2.googleapis.com/token".to_owned()
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    /// Seconds.
    #[serde(default)]
    expires_in: i64,
}

struct Token {
    text: String,
    /// Epoch ms.
    expires_at: i64,
}

/// An account and its token. Never printed.
pub struct ServiceAccount {
    email: String,
    key: RsaKeyPair,
    key_id: Option<String>,
    token_uri: String,
    /// The account's own project.
    pub project_id: Option<String>,
    token: Mutex<Option<Token>>,
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount").field("email", &self.email).finish_non_exhaustive()
    }
}

impl ServiceAccount {
    /// Reads the JSON of a service account.
    ///
    /// # Errors
    /// A sentence that names what is wrong, without the key.
    pub fn read(json: &str) -> Result<Self, String> {
        let file: File =
            serde_json::from_str(json).map_err(|_| "is no service account: a member is missing".to_owned())?;
        let body: String = file.private_key.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(body.trim()).map_err(|_| "has a private_key that is no PEM".to_owned())?;
        let key =
            RsaKeyPair::from_pkcs8(&der).map_err(|error| format!("has a private_key that cannot be used: {error}"))?;
        Ok(Self {
            email: file.client_email,
            key,
            key_id: file.private_key_id,
            token_uri: file.token_uri,
            project_id: file.project_id,
            token: Mutex::new(None),
        })
    }

    /// Whether the tokens come from Google itself: an address in a stranger's file could
    /// be any.
    #[must_use]
    pub fn asks_google(&self) -> bool {
        self.token_uri == usual_token_uri()
    }

    /// A token that is good for a while. Those who ask at the same time wait for one answer.
    ///
    /// # Errors
    /// [`Fault`] when Google gives none and the last one is over.
    pub async fn token(&self, upstreams: &Upstreams, now_ms: i64) -> Result<String, Fault> {
        let mut kept = self.token.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| token.expires_at - MARGIN_MS > now_ms) {
            return Ok(token.text.clone());
        }
        match self.fetch(upstreams, now_ms).await {
            Ok(token) => Ok(kept.insert(token).text.clone()),
            // The last one still works for some minutes.
            Err(fault) => match kept.as_ref().filter(|token| token.expires_at > now_ms) {
                Some(token) => Ok(token.text.clone()),
                None => Err(fault),
            },
        }
    }

    async fn fetch(&self, upstreams: &Upstreams, now_ms: i64) -> Result<Token, Fault> {
        let claim = self.claim(now_ms / 1_000)?;
        let form = format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={claim}");
        let (status, body) = upstreams.post_form(&self.token_uri, form).await?;
        let refused = |kind| {
            let message = format!("the token of the service account was refused with status {status}");
            Fault { status: Some(status), ..Fault::new(kind, message) }
        };
        if status >= 500 {
            return Err(refused(FaultKind::Unavailable));
        }
        let answer: TokenAnswer = serde_json::from_slice(&body).map_err(|_| refused(FaultKind::OurCredential))?;
        let lifetime_ms = answer.expires_in.max(0).saturating_mul(1_000);
        Ok(Token { text: answer.access_token, expires_at: now_ms.saturating_add(lifetime_ms) })
    }

    /// The signed claim. Source: RFC 7523 and Google's documentation of OAuth for servers.
    fn claim(&self, now_s: i64) -> Result<String, Fault> {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.key_id });
        let claims = json!({
            "iss": self.email,
            "scope": SCOPE,
            "aud": self.token_uri,
            "iat": now_s,
            "exp": now_s.saturating_add(CLAIM_S),
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| Fault::new(FaultKind::OurCredential, "the service account's key cannot sign"))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
