//! One request and its answer.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;

use super::address::Address;
use super::connection::Client;
use super::{Answer, Failure};

/// An answer of any status.
pub(super) struct Response {
    /// When the server wants to be asked again, if it says so and its status may pass.
    pub(super) retry_after: Option<Duration>,
    seconds: Option<u64>,
    answer: Answer,
}

/// Sends a request; receives all of the answer.
pub(super) async fn send(
    client: &Client,
    request: http::Request<Full<Bytes>>,
    address: &Address,
) -> Result<Response, Failure> {
    let response = client.request(request).await.map_err(|error| failure(&error, address))?;
    let status = response.status().as_u16();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let seconds: Option<i64> = header(RETRY_AFTER).and_then(|text| text.parse().ok());
    let content_type = header(CONTENT_TYPE).unwrap_or_default().to_owned();
    let body = match Limited::new(response.into_body(), MOST_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("the answer has more than the {MOST_BYTES} bytes it may have");
            return Err(Failure::of_answer(message));
        }
        Err(error) => {
            let message = format!(
                "unexpected error when reading response body. Please retry. Original error: {error}"
            );
            return Err(Failure::of_answer(message));
        }
    };
    let seconds = seconds.map(|seconds| u64::try_from(seconds).unwrap_or_default());
    let may_pass = status == 429 || status >= 500;
    let retry_after = seconds.filter(|_| may_pass).map(Duration::from_secs);
    Ok(Response { retry_after, seconds, answer: Answer { status, content_type, body } })
}

impl Response {
    /// The answer, if its status is one of those that go with an answer.
    pub(super) fn answer(self) -> Result<Answer, Failure> {
        let Answer { status, content_type, body } = &self.answer;
        if (200..=206).contains(status) {
            return Ok(self.answer);
        }
        let is_text = content_type.is_empty()
            || content_type.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("text/"));
        Err(Failure::of_status(*status, is_text, body, self.seconds))
    }
}

/// Why a request could not be sent, as Go words it where it can be known.
fn failure(error: &hyper_util::client::legacy::Error, address: &Address) -> Failure {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    let mut text = String::new();
    while let Some(error) = cause {
        if let Some((words, was_reset)) = go_words(error, address) {
            return Failure::of_transport(address, &words, was_reset);
        }
        let further = error.to_string();
        if !text.ends_with(&further) {
            text = if text.is_empty() { further } else { format!("{text}: {further}") };
        }
        cause = error.source();
    }
    Failure::of_transport(address, &text, false)
}

/// The words, and whether the connection was reset.
fn go_words(error: &(dyn Error + 'static), address: &Address) -> Option<(String, bool)> {
    if let Some(error) = error.downcast_ref::<hyper::Error>()
        && error.is_incomplete_message()
    {
        return Some(("EOF".to_owned(), false));
    }
    let mut error = error.downcast_ref::<io::Error>()?;
    // The layers wrap each other's errors in errors of the same type.
    while let Some(inner) = error.get_ref() {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some((tls_words(tls), false));
        }
        let Some(inner) = inner.downcast_ref::<io::Error>() else { break };
        error = inner;
    }
    let at = address.host_and_port();
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            Some((format!("dial tcp {at}: connect: connection refused"), false))
        }
        io::ErrorKind::ConnectionReset => {
            Some((format!("read tcp {at}: read: connection reset by peer"), true))
        }
        _ => None,
    }
}

fn tls_words(error: &rustls::Error) -> String {
    use rustls::CertificateError::{BadSignature, UnknownIssuer};
    match error {
        // A signature is bad if another authority has the same name.
        rustls::Error::InvalidCertificate(UnknownIssuer | BadSignature) => {
            "tls: failed to verify certificate: x509: certificate signed by unknown authority"
                .to_owned()
        }
        rustls::Error::InvalidCertificate(other) => {
            format!("tls: failed to verify certificate: x509: {other}")
        }
        other => format!("tls: {other}"),
    }
}

const MOST_BYTES: usize = 1 << 20;
