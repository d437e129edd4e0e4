//! `/v1/forward-auth`: a proxy asks whether a request that it holds may go on, and who sent it.
//!
//! For nginx's `auth_request`, Traefik's `forwardAuth` and Caddy's `forward_auth`. The proxy sends the
//! headers of the request, its method and its URI; the request they describe ([`original`]) is judged, and
//! recorded, as if it had come here itself. 200 bears the user's name in headers, 401 and 403 are
//! Kubernetes' own answers, and 400 is for what can be read in two ways.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Request, Response, header};
use verdikt::User;

use super::{App, answer, request};
use crate::identity_headers;
use crate::kubernetes::status::Status;
use crate::original;

/// Where it is.
pub(super) const ADDRESS: &str = "/v1/forward-auth";

pub(super) async fn answer(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    let asked = match original::forwarded(parts.clone()) {
        Ok(asked) => asked,
        Err(problem) => return answer::status(&parts, &Status::bad_request(problem)),
    };
    judge(&app, &asked).unwrap_or_else(|refused| refused)
}

/// 200 with the user in headers, if the request may go on.
///
/// # Errors
/// The answer to give instead.
pub(super) fn judge(app: &App, asked: &Parts) -> Result<Response<Body>, Response<Body>> {
    let request::Admitted { sender, reason, .. } = request::admit_sender(app, asked)?;
    let requester = sender.requester();
    let user = requester.user();
    let headers = identity_headers::of(user)
        .map_err(|error| request::internal_error(asked, &error.to_string()))?;
    let mut response = request::allowed(asked, &reason);
    for (name, value) in headers {
        response.headers_mut().append(name, value);
    }
    if let Some(groups) = joined_groups(user) {
        response.headers_mut().insert(GROUPS, groups);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// All groups in one value, for proxies that hand on one value of a header. Commas separate them, so those
/// in a group are escaped, and with them the mark of escapes.
fn joined_groups(user: &User) -> Option<HeaderValue> {
    let groups: Vec<String> = user
        .groups
        .iter()
        .filter(|group| !group.is_empty())
        .map(|group| group.replace('%', "%25").replace(',', "%2C"))
        .collect();
    // Each of them has been found fit for a header.
    (!groups.is_empty())
        .then(|| HeaderValue::from_bytes(groups.join(",").as_bytes()).ok())
        .flatten()
}

const GROUPS: HeaderName = HeaderName::from_static("x-remote-groups");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_in_a_group_makes_no_second_group() {
        let check = |groups: &[&str], expected: Option<&str>| {
            let user = User::new("jane", groups.iter().copied());
            let found = joined_groups(&user);
            assert_eq!(found.as_ref().map(|value| value.to_str().unwrap()), expected, "{groups:?}");
        };
        check(&["dev", "ops"], Some("dev,ops"));
        check(&["dev,system:masters", "100%"], Some("dev%2Csystem:masters,100%25"));
        check(&[""], None);
        check(&[], None);
    }
}
