//! What providers are called with: address, key, signature or token, from the
//! settings and the usual environment variables.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::Upstreams;
use super::hosts;
use super::service_account::ServiceAccount;
use super::signing::{AwsKeys, Scope, sigv4};
use crate::config::{ProviderSettings, environment_value};
use crate::dialects::{Fault, UpstreamRequest, path_segment};

/// How a provider wants its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// `Authorization: Bearer …`.
    #[default]
    Bearer,
    /// In a header of this lower-case name: `x-api-key`, `x-goog-api-key`.
    Header(String),
    /// In the address, under this name.
    Query(String),
    /// Amazon's signature, or one of its API keys as a bearer.
    SigV4,
    /// An access token that a Google service account is given.
    ServiceAccount,
    /// It wants none.
    None,
}

impl Auth {
    /// The request header, lower-case name and value, that carries `key`.
    #[must_use]
    pub fn header(&self, key: &str) -> Option<(String, String)> {
        match self {
            Self::Bearer | Self::SigV4 | Self::ServiceAccount => {
                Some(("authorization".to_owned(), format!("Bearer {key}")))
            }
            Self::Header(name) => Some((name.clone(), key.to_owned())),
            Self::Query(_) | Self::None => None,
        }
    }
}

/// Variables that name the region of Amazon's services.
const REGION: &str = "${AWS_REGION|AWS_DEFAULT_REGION:-us-east-1}";

/// A provider whose credential is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    pub slug: &'a str,
    /// Names of environment variables, best first.
    pub env: &'a [String],
    pub auth: &'a Auth,
    /// May hold `${NAME}`, `${NAME|OTHER}` and `${NAME:-default}`.
    pub base_url: &'a str,
}

enum Secret {
    Key(String),
    Aws(AwsKeys),
    Account(Box<ServiceAccount>),
}

/// Keys of the providers, by slug. Never printed.
#[derive(Clone, Default)]
pub struct Credentials {
    secrets: HashMap<String, Arc<Secret>>,
    /// Addresses that differ from the catalog's.
    base_urls: HashMap<String, String>,
    /// By slug, where requests are signed.
    regions: HashMap<String, String>,
    /// Slugs whose address lacks a part nobody has set.
    nowhere: HashSet<String>,
    disabled: HashSet<String>,
}

impl Credentials {
    /// Keys from the settings, then from each provider's usual environment variables.
    #[must_use]
    pub fn gather<'a>(
        settings: &BTreeMap<String, ProviderSettings>,
        providers: impl Iterator<Item = Sought<'a>>,
    ) -> Self {
        let mut credentials = Self::default();
        for (slug, provider) in settings.iter().filter(|(_, provider)| provider.enabled == Some(false)) {
            let _ = provider;
            credentials.disabled.insert(slug.clone());
        }
        let nothing = ProviderSettings::default();
        for sought in providers {
            credentials.add(sought, settings.get(sought.slug).unwrap_or(&nothing));
        }
        credentials
    }

    fn add(&mut self, sought: Sought<'_>, settings: &ProviderSettings) {
        let variable = |name: &str| settings.variables.get(name).cloned().or_else(|| environment_value(name));
        let secret = secret(sought, settings, &variable);
        let own_project = match &secret {
            Some(Secret::Account(account)) => account.project_id.clone(),
            _ => None,
        };
        let place = |name: &str| variable(name).or_else(|| own_project.clone().filter(|_| name.ends_with("PROJECT")));
        let slug = sought.slug.to_owned();
        if let Some(secret) = secret {
            self.secrets.insert(slug.clone(), Arc::new(secret));
        }
        if *sought.auth == Auth::SigV4 {
            self.regions.extend(filled(REGION, &place).map(|region| (slug.clone(), region)));
        }
        let base_url = settings.base_url.as_deref().unwrap_or(sought.base_url);
        match filled(base_url, &place) {
            // Google's address for no place in particular has no place in its name.
            Some(url) if url != sought.base_url => {
                let url = url.trim_end_matches('/').replacen("//global-aiplatform.", "//aiplatform.", 1);
                self.base_urls.insert(slug, url);
            }
            Some(_) => {}
            None => {
                self.nowhere.insert(slug);
            }
        }
    }

    /// The credential that somebody else than the operator gave for one provider. Nothing
    /// of the operator's environment goes into it.
    ///
    /// # Errors
    /// A sentence saying what is missing.
    pub fn own(sought: Sought<'_>, base_url: Option<&str>, own: OwnSecret) -> Result<Self, String> {
        let OwnSecret { key, mut variables } = own;
        let secret = match sought.auth {
            Auth::None => return Err("this provider takes no credential".to_owned()),
            Auth::SigV4 => match key {
                Some(key) => Secret::Key(key),
                None => Secret::Aws(AwsKeys {
                    access_key_id: variables.remove("AWS_ACCESS_KEY_ID").ok_or("accessKeyId is missing")?,
                    secret_access_key: variables.remove("AWS_SECRET_ACCESS_KEY").ok_or("secretAccessKey is missing")?,
                    session_token: variables.remove("AWS_SESSION_TOKEN"),
                }),
            },
            Auth::ServiceAccount => {
                let key = key.ok_or("the service account's JSON is missing")?;
                if key.starts_with("ya29.") {
                    Secret::Key(key)
                } else {
                    let account = ServiceAccount::read(&key)?;
                    if !account.asks_google() {
                        return Err("token_uri must be https://oauth2.googleapis.com/token".to_owned());
                    }
                    Secret::Account(Box::new(account))
                }
            }
            _ => Secret::Key(key.ok_or("api_key is missing")?),
        };
        let project = match &secret {
            Secret::Account(account) => account.project_id.clone(),
            _ => None,
        };
        let place =
            |name: &str| variables.get(name).cloned().or_else(|| project.clone().filter(|_| name.ends_with("PROJECT")));
        let mut credentials = Self::default();
        let slug = sought.slug.to_owned();
        credentials.secrets.insert(slug.clone(), Arc::new(secret));
        if *sought.auth == Auth::SigV4 {
            credentials.regions.extend(filled(REGION, &place).map(|region| (slug.clone(), region)));
        }
        let wanted = base_url.unwrap_or(sought.base_url);
        let Some(url) = filled(wanted, &place) else {
            let names: Vec<&str> = wanted.split("${").skip(1).filter_map(|rest| rest.split('}').next()).collect();
            return Err(format!("this provider's address needs {}: give them as `variables`", names.join(", ")));
        };
        if !hosts::is_elsewhere(wanted, &url) {
            return Err("the address made of these variables is none of a provider".to_owned());
        }
        let url = url.trim_end_matches('/').replacen("//global-aiplatform.", "//aiplatform.", 1);
        credentials.base_urls.insert(slug, url);
        Ok(credentials)
    }

    /// The key of a provider that has a plain one.
    #[must_use]
    pub fn key(&self, slug: &str) -> Option<&str> {
        match self.secrets.get(slug)?.as_ref() {
            Secret::Key(key) => Some(key),
            Secret::Aws(_) | Secret::Account(_) => None,
        }
    }

    /// Some credential of the provider is there.
    #[must_use]
    pub fn has(&self, slug: &str) -> bool {
        self.secrets.contains_key(slug)
    }

    /// The address to use for a provider, where it differs from the catalog's.
    #[must_use]
    pub fn base_url(&self, slug: &str) -> Option<&str> {
        self.base_urls.get(slug).map(String::as_str)
    }

    /// Switched off, or its address is not complete.
    #[must_use]
    pub fn is_disabled(&self, slug: &str) -> bool {
        self.disabled.contains(slug) || self.nowhere.contains(slug)
    }

    /// The operator does not want it to be called.
    #[must_use]
    pub fn is_switched_off(&self, slug: &str) -> bool {
        self.disabled.contains(slug)
    }

    /// No provider can be paid.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The headers that prove who asks; a key may also go into `url`.
    ///
    /// # Errors
    /// [`Fault`] when there is no token or no signature to be had.
    pub async fn authorize(
        &self,
        upstreams: &Upstreams,
        slug: &str,
        auth: &Auth,
        now_ms: i64,
        url: &mut String,
        request: &UpstreamRequest,
    ) -> Result<Vec<(String, String)>, Fault> {
        let Some(secret) = self.secrets.get(slug) else { return Ok(Vec::new()) };
        match (secret.as_ref(), auth) {
            (Secret::Key(key), Auth::Query(name)) => {
                url.push(if url.contains('?') { '&' } else { '?' });
                for piece in [name, "=", &path_segment(key)] {
                    url.push_str(piece);
                }
                Ok(Vec::new())
            }
            (Secret::Key(key), auth) => Ok(auth.header(key).into_iter().collect()),
            (Secret::Account(account), _) => {
                let token = Box::pin(account.token(upstreams, now_ms)).await?;
                Ok(Auth::Bearer.header(&token).into_iter().collect())
            }
            (Secret::Aws(keys), _) => {
                let region = self.regions.get(slug).map_or("us-east-1", String::as_str);
                let scope = Scope { region, service: "bedrock", now_ms };
                let own = request.headers.iter().map(|(name, value)| (*name, value.as_str()));
                let headers = std::iter::once(("content-type", "application/json")).chain(own);
                sigv4(keys, scope, "POST", url, headers, &request.body)
            }
        }
    }
}

/// A credential as a person gives it.
#[derive(Default)]
pub struct OwnSecret {
    key: Option<String>,
    /// What stands for `${NAME}` in the address, and the parts of a credential of several.
    variables: BTreeMap<String, String>,
}

impl OwnSecret {
    /// Reads a plain key, or JSON: `api_key`, Amazon's `accessKeyId`, `secretAccessKey` and
    /// `region`, Azure's `resource_name`, a Google service account with `region`, and
    /// `variables`.
    ///
    /// # Errors
    /// A sentence naming what is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if !text.starts_with(['{', '[']) {
            let is_key = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
            return if is_key {
                Ok(Self { key: Some(text.to_owned()), ..Self::default() })
            } else {
                Err("a key is printable ASCII without spaces".to_owned())
            };
        }
        let mut value: Value = serde_json::from_str(text).map_err(|error| format!("this is no JSON: {error}"))?;
        if let Value::Array(items) = value {
            value = items.into_iter().next().unwrap_or_default();
        }
        let field = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let is_account = value.get("private_key").is_some();
        let key = if is_account { Some(value.to_string()) } else { field("api_key").or_else(|| field("apiKey")) };
        let mut own = Self { key, variables: BTreeMap::new() };
        let named = [
            ("accessKeyId", "AWS_ACCESS_KEY_ID"),
            ("secretAccessKey", "AWS_SECRET_ACCESS_KEY"),
            ("sessionToken", "AWS_SESSION_TOKEN"),
            ("region", "AWS_REGION"),
            ("region", "GOOGLE_VERTEX_LOCATION"),
            ("resource_name", "AZURE_RESOURCE_NAME"),
        ];
        for (name, variable) in named {
            own.variables.extend(field(name).map(|text| (variable.to_owned(), text)));
        }
        for (name, text) in value.get("variables").and_then(Value::as_object).into_iter().flatten() {
            own.variables.extend(text.as_str().map(|text| (name.clone(), text.to_owned())));
        }
        // They become part of an address: nothing but the name of a place may.
        let is_name =
            |text: &str| text.len() <= 128 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let mut places = own.variables.iter().filter(|(name, _)| !name.starts_with("AWS_") || *name == "AWS_REGION");
        match places.find(|(_, text)| !is_name(text)) {
            Some((name, _)) => Err(format!("{name} may have letters, digits, `-`, `_` and `.` only")),
            None => Ok(own),
        }
    }
}

/// The address of one request: `{model}` filled in, and the queries of both joined.
#[must_use]
pub fn address(base_url: &str, path: &str, model: &str) -> String {
    if !base_url.contains(['{', '?']) {
        return format!("{base_url}{path}");
    }
    let base_url = base_url.replace("{model}", &path_segment(model));
    let (base, fixed) = base_url.split_once('?').unwrap_or((&base_url, ""));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let queries: Vec<&str> = [fixed, query].into_iter().filter(|query| !query.is_empty()).collect();
    let mark = if queries.is_empty() { "" } else { "?" };
    format!("{}{path}{mark}{}", base.trim_end_matches('/'), queries.join("&"))
}

fn secret(
    sought: Sought<'_>,
    settings: &ProviderSettings,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Option<Secret> {
    let first = |ends: &[&str]| {
        let mut names = sought.env.iter().filter(|name| ends.iter().any(|end| name.ends_with(end)));
        names.find_map(|name| variable(name))
    };
    match sought.auth {
        Auth::SigV4 => {
            let bearer = settings.api_key.clone().or_else(|| variable("AWS_BEARER_TOKEN_BEDROCK"));
            bearer.map(Secret::Key).or_else(|| {
                Some(Secret::Aws(AwsKeys {
                    access_key_id: variable("AWS_ACCESS_KEY_ID")?,
                    secret_access_key: variable("AWS_SECRET_ACCESS_KEY")?,
                    session_token: variable("AWS_SESSION_TOKEN"),
                }))
            })
        }
        Auth::ServiceAccount => {
            let said = settings.api_key.clone().or_else(|| first(&["CREDENTIALS"]))?;
            account(sought.slug, &said)
        }
        // Only variables that name a key: a project or region alone is no credential.
        _ => settings.api_key.clone().or_else(|| first(&["KEY", "TOKEN", "PAT"])).map(Secret::Key),
    }
}

/// The account in this JSON or in the file of this name; anything else is a token.
fn account(slug: &str, said: &str) -> Option<Secret> {
    let is_json = said.trim_start().starts_with('{');
    let json = if is_json { said.to_owned() } else { std::fs::read_to_string(said).unwrap_or_default() };
    if json.is_empty() {
        let is_path = said.contains(['/', '\\']) && !said.starts_with("ya29.");
        if is_path {
            tracing::warn!(provider = slug, "The file of the service account cannot be read");
        }
        return (!is_path).then(|| Secret::Key(said.to_owned()));
    }
    match ServiceAccount::read(&json) {
        Ok(account) => Some(Secret::Account(Box::new(account))),
        Err(cause) => {
            tracing::warn!(provider = slug, cause, "The service account is not usable");
            None
        }
    }
}

/// `text` with its `${…}` replaced, or `None` when a name without default is not set.
fn filled(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut full = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (inside, behind) = after.split_once('}')?;
        let (names, default) = inside.split_once(":-").map_or((inside, None), |(names, value)| (names, Some(value)));
        let value = names.split('|').find_map(variable);
        full.push_str(before);
        full.push_str(value.as_deref().or(default)?);
        rest = behind;
    }
    full.push_str(rest);
    Some(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(name: &str) -> Option<String> {
        (name == "REGION").then(|| "eu".to_owned())
    }

    #[test]
    fn addresses_are_filled_from_variables_or_their_defaults() {
        assert_eq!(filled("https://a.${REGION}.com", &variables).as_deref(), Some("https://a.eu.com"));
        assert_eq!(filled("https://a.${MISSING|REGION}.com", &variables).as_deref(), Some("https://a.eu.com"));
        assert_eq!(filled("https://a.${MISSING:-us}.com", &variables).as_deref(), Some("https://a.us.com"));
        assert_eq!(filled("https://a.${MISSING}.com", &variables), None);
        assert_eq!(filled("plain", &variables).as_deref(), Some("plain"));
    }

    #[test]
    fn queries_of_the_base_address_stand_behind_the_path() {
        assert_eq!(address("https://a/v1", "/chat", "m"), "https://a/v1/chat");
        let azure = "https://r.openai.azure.com/openai/deployments/{model}?api-version=2024-10-21";
        assert_eq!(
            address(azure, "/chat/completions", "my gpt"),
            "https://r.openai.azure.com/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21"
        );
        assert_eq!(address("https://a/?x=1", "/m:s?alt=sse", "m"), "https://a/m:s?x=1&alt=sse");
    }

    #[test]
    fn a_signing_provider_takes_keys_or_a_bearer_from_its_settings() {
        let auth = Auth::SigV4;
        let sought = Sought {
            slug: "amazon-bedrock",
            env: &[],
            auth: &auth,
            base_url: "https://bedrock-runtime.${TEST_REGION_UNSET:-eu-west-1}.amazonaws.com",
        };
        let pairs = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
        let variables = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let settings = ProviderSettings { variables, ..ProviderSettings::default() };
        let all = BTreeMap::from([("amazon-bedrock".to_owned(), settings)]);
        let credentials = Credentials::gather(&all, std::iter::once(sought));
        assert!(credentials.has("amazon-bedrock") && credentials.key("amazon-bedrock").is_none());
        assert_eq!(credentials.base_url("amazon-bedrock"), Some("https://bedrock-runtime.eu-west-1.amazonaws.com"));
        let settings = ProviderSettings { api_key: Some("bearer".to_owned()), ..ProviderSettings::default() };
        let all = BTreeMap::from([("amazon-bedrock".to_owned(), settings)]);
        let credentials = Credentials::gather(&all, std::iter::once(sought));
        assert_eq!(credentials.key("amazon-bedrock"), Some("bearer"));
    }

    #[test]
    fn a_provider_whose_address_is_not_complete_is_not_called() {
        let sought =
            Sought { slug: "acme", env: &[], auth: &Auth::Bearer, base_url: "https://${TEST_HOST_NOBODY_SETS}/v1" };
        let credentials = Credentials::gather(&BTreeMap::new(), std::iter::once(sought));
        assert!(credentials.is_disabled("acme") && credentials.base_url("acme").is_none());
    }
}
