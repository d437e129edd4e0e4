//! Why a webhook gave no answer that can be used, in upstream's words, and whether to try again.
//!
//! Follows `NewGenericServerResponse` and the `Is…` functions of apimachinery's
//! `pkg/api/errors/errors.go`, and `DefaultShouldRetry` of apiserver's `pkg/util/webhook/webhook.go`.

use std::fmt;

use serde_json::Value;
use verdikt_core::GoQuoted;

use super::address::Address;

/// Why there is no answer. Prints as upstream's error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    message: String,
    is_timeout: bool,
    is_worth_another_try: bool,
}

impl Failure {
    /// The call did not come to anything.
    pub(super) fn of_call(cause: &str) -> Self {
        let is_timeout = cause == "context deadline exceeded";
        let message = format!("webhook call failed: {cause}");
        Self { message, is_timeout, is_worth_another_try: false }
    }

    /// The answer was not what it must be.
    pub(super) fn of_answer(message: String) -> Self {
        Self { message, is_timeout: false, is_worth_another_try: false }
    }

    pub(super) fn timeout(address: &Address) -> Self {
        let message = format!("Post {}: context deadline exceeded", GoQuoted(&address.text));
        Self { message, is_timeout: true, is_worth_another_try: false }
    }

    /// The request could not be sent, or the answer not be received.
    pub(super) fn of_transport(address: &Address, cause: &str, was_reset: bool) -> Self {
        let message = format!("Post {}: {cause}", GoQuoted(&address.text));
        Self { message, is_timeout: false, is_worth_another_try: was_reset }
    }

    /// The server answered with a status that says no: what its Status object says, or else what the
    /// number stands for.
    pub(super) fn of_status(
        status: u16,
        is_text: bool,
        body: &[u8],
        retry_after: Option<u64>,
    ) -> Self {
        if let Some(told) = Self::of_status_object(body) {
            // A message of the server's own says nothing about this attempt's time.
            return Self { is_timeout: told.is_timeout || status == 504, ..told };
        }
        let body = body.get(..MOST_TEXT).unwrap_or(body);
        let said = String::from_utf8_lossy(body);
        let said = if is_text { said.trim() } else { "unknown" };
        Self {
            message: message_of(status, said),
            is_timeout: status == 504,
            is_worth_another_try: matches!(status, 429 | 504)
                || (status >= 500 && !matches!(status, 503 | 504))
                || retry_after.is_some_and(|seconds| seconds > 0),
        }
    }

    fn of_status_object(body: &[u8]) -> Option<Self> {
        let status: Value = serde_json::from_slice(body).ok()?;
        let text = |of: &Value, name| of.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
        let is_status = text(&status, "kind") == "Status"
            && matches!(text(&status, "apiVersion").as_str(), "" | "v1")
            && text(&status, "status") == "Failure";
        if !is_status {
            return None;
        }
        let (reason, code) = (text(&status, "reason"), status.get("code").and_then(Value::as_u64));
        let details = status.get("details").filter(|details| !details.is_null());
        let delay = details.and_then(|details| details.get("retryAfterSeconds"));
        let delay = delay.and_then(Value::as_i64).unwrap_or_default();
        let is_known = KNOWN_REASONS.contains(&reason.as_str());
        let is_timeout = reason == "Timeout" || (!is_known && code == Some(504));
        Some(Self {
            message: text(&status, "message"),
            is_timeout,
            is_worth_another_try: is_timeout
                || matches!(reason.as_str(), "InternalError" | "TooManyRequests")
                || (!is_known && code == Some(500))
                || code == Some(429)
                || (details.is_some() && (reason == "ServerTimeout" || delay > 0)),
        })
    }

    pub(crate) fn is_timeout(&self) -> bool {
        self.is_timeout
    }

    pub(super) fn is_worth_another_try(&self) -> bool {
        self.is_worth_another_try
    }
}

/// What a status stands for, for an answer that does not say more.
fn message_of(status: u16, said: &str) -> String {
    match status {
        400 => "the server rejected our request for an unknown reason".to_owned(),
        401 => "the server has asked for the client to provide credentials".to_owned(),
        403 | 415 => said.to_owned(),
        404 => "the server could not find the requested resource".to_owned(),
        405 => "the server does not allow this method on the requested resource".to_owned(),
        406 if matches!(said, "" | "unknown") => {
            "the server was unable to respond with a content type that the client supports"
                .to_owned()
        }
        406 => said.to_owned(),
        409 => "the server reported a conflict".to_owned(),
        422 => "the server rejected our request due to an error in our request".to_owned(),
        429 => "the server has received too many requests and has asked us to try again later"
            .to_owned(),
        503 => "the server is currently unable to handle the request".to_owned(),
        504 => "the server was unable to return a response in the time allotted, but may still be \
                processing the request"
            .to_owned(),
        500.. => format!(
            "an error on the server ({}) has prevented the request from succeeding",
            GoQuoted(said)
        ),
        _ => format!(
            "the server responded with the status code {status} but did not return more information"
        ),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The most bytes of an answer that a message repeats.
const MOST_TEXT: usize = 2048;

/// Reasons that say what they mean, so that the code beside them is not looked at.
const KNOWN_REASONS: [&str; 19] = [
    "Unauthorized",
    "Forbidden",
    "NotFound",
    "AlreadyExists",
    "Conflict",
    "Gone",
    "Invalid",
    "ServerTimeout",
    "StoreReadError",
    "Timeout",
    "TooManyRequests",
    "BadRequest",
    "MethodNotAllowed",
    "NotAcceptable",
    "RequestEntityTooLarge",
    "UnsupportedMediaType",
    "InternalError",
    "Expired",
    "ServiceUnavailable",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, retry_after: Option<u64>, message: &str, again: bool) {
        let failure = Failure::of_status(status, true, body.as_bytes(), retry_after);
        assert_eq!(failure.to_string(), message, "{status} {body}");
        assert_eq!(failure.is_worth_another_try(), again, "{status} {body}");
    }

    #[test]
    fn statuses_have_upstreams_words_and_some_are_tried_again() {
        let server = "an error on the server (\"boom\") has prevented the request from succeeding";
        check(500, "boom\n", None, server, true);
        check(502, "boom", None, server, true);
        let unable = "the server is currently unable to handle the request";
        check(503, "x", None, unable, false);
        check(503, "x", Some(1), unable, true);
        check(404, "x", None, "the server could not find the requested resource", false);
        check(403, " no ", None, "no", false);
        let other =
            "the server responded with the status code 302 but did not return more information";
        check(302, "x", None, other, false);
    }

    #[test]
    fn a_status_object_speaks_for_itself() {
        let status = |reason: &str, more: &str| {
            format!(
                r#"{{"kind":"Status","status":"Failure","message":"m","reason":"{reason}"{more}}}"#
            )
        };
        check(403, &status("Forbidden", ""), None, "m", false);
        check(500, &status("Forbidden", ""), None, "m", false);
        check(400, &status("InternalError", ""), None, "m", true);
        check(400, &status("Odd", ",\"code\":500"), None, "m", true);
        check(503, &status("ServerTimeout", ",\"details\":{}"), None, "m", true);
        check(503, &status("X", ",\"details\":{\"retryAfterSeconds\":2}"), None, "m", true);
    }
}
