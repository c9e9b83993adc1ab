//! Amazon's request signature, version 4, made by Amazon's own crate.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials as AwsCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4::SigningParams;

use crate::dialects::{Fault, FaultKind};

/// An access key of Amazon Web Services. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct AwsKeys {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
}

impl fmt::Debug for AwsKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsKeys(set)")
    }
}

/// What a signature covers beside the keys.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub region: &'a str,
    /// `bedrock`, `s3`.
    pub service: &'a str,
    /// Epoch ms.
    pub now_ms: i64,
}

/// The headers that sign this request; `headers` are those it has already.
///
/// # Errors
/// [`Fault`] when the keys or the address cannot be signed with.
pub fn sigv4<'a>(
    keys: &AwsKeys,
    scope: Scope<'a>,
    method: &'a str,
    url: &'a str,
    headers: impl Iterator<Item = (&'a str, &'a str)>,
    body: &'a [u8],
) -> Result<Vec<(String, String)>, Fault> {
    let unsigned =
        |cause: String| Fault::new(FaultKind::OurCredential, format!("the request cannot be signed: {cause}"));
    let identity =
        AwsCredentials::new(&keys.access_key_id, &keys.secret_access_key, keys.session_token.clone(), None, "settings")
            .into();
    let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(scope.now_ms).unwrap_or(0));
    let params = SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(now)
        .settings(settings(scope.service))
        .build()
        .map_err(|error| unsigned(error.to_string()))?;
    let request = SignableRequest::new(method, url, headers, SignableBody::Bytes(body))
        .map_err(|error| unsigned(error.to_string()))?;
    let (instructions, _) = sign(request, &params.into()).map_err(|error| unsigned(error.to_string()))?.into_parts();
    let (headers, _) = instructions.into_parts();
    Ok(headers.into_iter().map(|header| (header.name().to_owned(), header.value().to_owned())).collect())
}

/// The store of objects wants the path as it is, and the body's digest as a header.
fn settings(service: &str) -> SigningSettings {
    let mut settings = SigningSettings::default();
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> AwsKeys {
        // Of Amazon's published test suite for signature version 4.
        AwsKeys {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
        }
    }

    /// 30 August 2015, 12:36:00 UTC, as in the suite.
    const NOW_MS: i64 = 1_440_938_160_000;

    fn signature(service: &str, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let scope = Scope { region: "us-east-1", service, now_ms: NOW_MS };
        let signed = sigv4(&keys(), scope, method, url, headers.iter().copied(), body).unwrap();
        let value = |name: &str| signed.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap();
        assert_eq!(value("x-amz-date"), "20150830T123600Z");
        value("authorization").rsplit_once("Signature=").unwrap().1.to_owned()
    }

    #[test]
    fn signatures_are_those_of_amazons_published_examples() {
        // The suite's get-vanilla, post-vanilla and get-vanilla-query-order-key-case.
        assert_eq!(
            signature("service", "GET", "https://example.amazonaws.com/", &[], b""),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        assert_eq!(
            signature("service", "POST", "https://example.amazonaws.com/", &[], b""),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
        assert_eq!(
            signature("service", "GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", &[], b""),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        );
        // The worked example of the documentation: IAM's ListUsers.
        assert_eq!(
            signature(
                "iam",
                "GET",
                "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
                &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
                b""
            ),
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }

    #[test]
    fn an_object_is_put_with_the_signature_of_amazons_worked_example() {
        // "Example: PUT Object" of the S3 reference, 24 May 2013.
        let keys = AwsKeys {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
        };
        let scope = Scope { region: "us-east-1", service: "s3", now_ms: 1_369_353_600_000 };
        let headers = [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];
        let url = "https://examplebucket.s3.amazonaws.com/test%24file.text";
        let signed = sigv4(&keys, scope, "PUT", url, headers.into_iter(), b"Welcome to Amazon S3.").unwrap();
        let value = |name: &str| signed.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap();
        assert_eq!(value("x-amz-content-sha256"), "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
        assert!(value("authorization").ends_with("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
    }

    #[test]
    fn temporary_keys_bring_their_token_and_the_body_counts() {
        let mut keys = keys();
        keys.session_token = Some("temporary".to_owned());
        let scope = Scope { region: "eu-central-1", service: "bedrock", now_ms: NOW_MS };
        let url = "https://bedrock-runtime.eu-central-1.amazonaws.com/model/a.b-v1%3A0/converse";
        let sign = |body: &[u8]| sigv4(&keys, scope, "POST", url, std::iter::empty(), body).unwrap();
        let (one, other) = (sign(b"{}"), sign(b"[]"));
        assert!(one.iter().any(|(name, value)| name == "x-amz-security-token" && value == "temporary"));
        assert_ne!(one, other);
        assert!(!format!("{keys:?}").contains("wJalr"), "a key is never printed");
    }
}
