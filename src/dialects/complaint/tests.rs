//! Failures as providers report them.

use super::*;

fn fault(status: u16, body: &str) -> Fault {
    from_response(status, &|_| None, body.as_bytes())
}

fn with_headers(status: u16, headers: &'static [(&'static str, &'static str)]) -> Fault {
    let find = |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    from_response(status, &find, b"{}")
}

#[test]
fn a_prompt_that_is_too_long_is_recognised_by_its_text() {
    for (status, body) in [
        (400, r#"{"error":{"message":"x","code":"context_length_exceeded"}}"#),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 3 tokens > 2 maximum"}}"#,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"The input token count (9) exceeds the maximum","status":"INVALID_ARGUMENT"}}"#,
        ),
        (400, r#"{"error":{"code":400,"message":"no","type":"exceed_context_size_error"}}"#),
    ] {
        assert_eq!(fault(status, body).kind, FaultKind::ContextLength, "{body}");
    }
    let limit = r#"{"error":{"message":"Request too large: 9 input tokens per minute, reduce the length of the prompt","code":"rate_limit_exceeded"}}"#;
    assert_eq!(fault(413, limit).kind, FaultKind::RateLimited);
}

#[test]
fn trouble_with_our_account_is_never_blamed_on_the_caller() {
    for (status, body) in [
        (401, r#"{"detail":"Invalid API Key"}"#),
        (403, "<html>Forbidden</html>"),
        (402, r#"{"error":{"message":"Insufficient Balance","code":"invalid_request_error"}}"#),
        (429, r#"{"error":{"message":"quota","type":"insufficient_quota","code":"insufficient_quota"}}"#),
        (
            400,
            r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
        ),
        (400, r#"{"code":"invalid-argument","error":"Incorrect API key provided: x"}"#),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#,
        ),
        (
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"limit","details":{"error_code":"spend"}}}"#,
        ),
    ] {
        let fault = fault(status, body);
        assert_eq!(fault.kind, FaultKind::OurCredential, "{body}");
        assert_eq!(fault.kind.status(), 502);
    }
}

#[test]
fn every_status_has_its_kind() {
    let table = [
        (404, FaultKind::UnknownModel),
        (408, FaultKind::Timeout),
        (413, FaultKind::TooLarge),
        (422, FaultKind::InvalidRequest),
        (429, FaultKind::RateLimited),
        (498, FaultKind::Overloaded),
        (500, FaultKind::Unavailable),
        (503, FaultKind::Overloaded),
        (504, FaultKind::Timeout),
        (529, FaultKind::Overloaded),
    ];
    for (status, kind) in table {
        let fault = fault(status, "");
        assert_eq!(fault.kind, kind, "{status}");
        assert_eq!(fault.message, format!("The provider answered with status {status}"));
    }
}

#[test]
fn the_wait_is_read_in_every_form() {
    assert_eq!(with_headers(429, &[("retry-after", "2")]).retry_after_ms, Some(2000));
    assert_eq!(with_headers(429, &[("retry-after", "0.25")]).retry_after_ms, Some(250));
    assert_eq!(with_headers(503, &[("retry-after-ms", "120"), ("retry-after", "9")]).retry_after_ms, Some(120));
    let date: &[_] = &[("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"), ("date", "Wed, 21 Oct 2026 07:28:00 GMT")];
    assert_eq!(with_headers(429, date).retry_after_ms, Some(30_000));
    assert_eq!(with_headers(400, &[("retry-after", "2")]).retry_after_ms, None);
    let google =
        r#"{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"34.4s"}]}}"#;
    assert_eq!(fault(429, google).retry_after_ms, Some(34_400));
    let daily = r#"{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"RequestsPerDay"}]},{"retryDelay":"3s"}]}}"#;
    assert_eq!(fault(429, daily).retry_after_ms, Some(DAILY_MS));
}

const DAILY_MS: u64 = 3_600_000;

#[test]
fn the_cause_behind_another_gateway_is_the_message() {
    let body = r#"{"error":{"code":429,"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"Slow down\"}}"}}}"#;
    assert_eq!(fault(429, body).message, "Slow down");
    let judged = r#"{"error":{"code":403,"message":"Flagged","metadata":{"reasons":["violence"]}}}"#;
    assert_eq!(fault(403, judged).kind, FaultKind::ContentPolicy);
}

#[test]
fn failures_inside_streams_are_classified_by_type() {
    let overloaded = in_band(r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#);
    assert_eq!(
        overloaded.map(|fault| (fault.kind, fault.code)),
        Some((FaultKind::Overloaded, Some("overloaded_error".to_owned())))
    );
    let tool = in_band(r#"{"error":{"message":"no call","code":"tool_use_failed","status_code":400}}"#);
    assert_eq!(tool.map(|fault| fault.kind), Some(FaultKind::Unavailable));
    let server = in_band(r#"{"object":"error","message":"CUDA","type":"InternalServerError","code":500}"#);
    assert_eq!(server.map(|fault| fault.kind), Some(FaultKind::Unavailable));
    assert_eq!(
        in_band(r#"[{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}]"#).map(|f| f.kind),
        Some(FaultKind::Overloaded)
    );
    assert!(in_band(r#"{"choices":[],"message":"x"}"#).is_none());
    let validation = in_band(r#"{"detail":[{"loc":["body","n"],"msg":"too big","type":"v"}]}"#);
    assert_eq!(validation.map(|fault| fault.message).as_deref(), Some("body.n: too big"));
}
