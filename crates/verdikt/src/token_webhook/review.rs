//! A TokenReview as JSON, and the status in an answer.
//!
//! Follows `k8s.io/api/authentication/{v1,v1beta1}/types.go`, as Go writes them: fields in their order, what
//! is empty left out.

use verdikt_authn::oidc::config::json_string;
use verdikt_authn::token_review::Status;
use verdikt_core::User;

use crate::authorizer::ReviewVersion;
use crate::remote::document::{self, Fields};
use crate::remote::webhook::Answer;

/// The whole request. It holds the token.
pub(super) fn request(token: &str, audiences: &[String], version: ReviewVersion) -> String {
    let mut spec = format!("\"token\":{}", json_string(token));
    if !audiences.is_empty() {
        let audiences: Vec<String> = audiences.iter().map(|text| json_string(text)).collect();
        spec += &format!(",\"audiences\":[{}]", audiences.join(","));
    }
    format!(
        "{{\"kind\":\"TokenReview\",\"apiVersion\":\"authentication.k8s.io/{}\",\"metadata\":{{}},\
         \"spec\":{{{spec}}},\"status\":{{\"user\":{{}}}}}}\n",
        version.name()
    )
}

/// The status of an answer.
///
/// # Errors
/// In upstream's words.
pub(super) fn status(answer: &Answer, version: ReviewVersion) -> Result<Status, String> {
    let version = version.name();
    let wanted = document::Kind { group: "authentication.k8s.io", version, kind: "TokenReview" };
    let root = document::decode(answer, &wanted)?;
    let go_type = |name: &str| format!("{version}.{name}");
    let root = Fields::of(&root, &wanted);
    let status = root.object("status", "status.", &go_type("TokenReviewStatus"))?;
    let user = status.object("user", "status.user.", &go_type("UserInfo"))?;
    Ok(Status {
        authenticated: status.flag("authenticated")?,
        user: User {
            name: user.text("username")?,
            uid: user.text("uid")?,
            groups: user.texts("groups")?,
            extra: user.lists("extra", &go_type("ExtraValue"))?,
        },
        audiences: status.texts("audiences")?,
        error: status.text("error")?,
    })
}

#[cfg(test)]
mod tests {
    use hyper::body::Bytes;

    use super::*;

    #[test]
    fn bodies_are_upstreams() {
        let audiences = ["api".to_owned(), "b".to_owned()];
        for (token, audiences, version, expected) in [
            (
                "tok<",
                &audiences[..],
                ReviewVersion::V1,
                r#"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","metadata":{},"spec":{"token":"tok\u003c","audiences":["api","b"]},"status":{"user":{}}}"#,
            ),
            (
                "\"",
                &[],
                ReviewVersion::V1Beta1,
                r#"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1beta1","metadata":{},"spec":{"token":"\""},"status":{"user":{}}}"#,
            ),
        ] {
            assert_eq!(request(token, audiences, version), format!("{expected}\n"));
        }
    }

    fn check(body: &str, expected: Result<Status, &str>) {
        let answer = Answer {
            status: 200,
            content_type: "application/json".to_owned(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        let found = status(&answer, ReviewVersion::V1);
        assert_eq!(found, expected.map_err(str::to_owned), "{body}");
    }

    #[test]
    fn answers_are_read_as_upstream_reads_them() {
        check("{}", Ok(Status::default()));
        check(
            r#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","status":{
                "authenticated":true,"user":{"username":"u","uid":"1","groups":["a",null],
                "extra":{"K":["v"],"n":null}},"audiences":["x"],"error":"e","odd":1}}"#,
            Ok(Status {
                authenticated: true,
                user: User {
                    name: "u".to_owned(),
                    uid: "1".to_owned(),
                    groups: vec!["a".to_owned(), String::new()],
                    extra: [("K".to_owned(), vec!["v".to_owned()]), ("n".to_owned(), vec![])]
                        .into(),
                },
                audiences: vec!["x".to_owned()],
                error: "e".to_owned(),
            }),
        );
        let field = "json: cannot unmarshal";
        for (status, message) in [
            ("[]", "array into Go struct field TokenReview.status of type v1.TokenReviewStatus"),
            (
                r#"{"authenticated":"yes"}"#,
                "string into Go struct field TokenReview.status.authenticated of type bool",
            ),
            (
                r#"{"user":"u"}"#,
                "string into Go struct field TokenReview.status.user of type v1.UserInfo",
            ),
            (
                r#"{"user":{"groups":"g"}}"#,
                "string into Go struct field TokenReview.status.user.groups of type []string",
            ),
            (
                r#"{"user":{"groups":[1]}}"#,
                "number into Go struct field TokenReview.status.user.groups of type string",
            ),
            (
                r#"{"user":{"extra":[]}}"#,
                "array into Go struct field TokenReview.status.user.extra of type \
                 map[string]v1.ExtraValue",
            ),
            (
                r#"{"user":{"extra":{"k":"v"}}}"#,
                "string into Go struct field TokenReview.status.user.extra of type v1.ExtraValue",
            ),
        ] {
            let body = format!("{{\"status\":{status}}}");
            check(&body, Err(&format!("{field} {message}")));
        }
        check(
            r#"{"apiVersion":"authentication.k8s.io/v1beta1","kind":"TokenReview"}"#,
            Err("converting (v1beta1.TokenReview) to (v1.TokenReview): unknown conversion"),
        );
    }
}
