//! TokenReview: whose token is this?
//!
//! Follows `pkg/registry/authentication/tokenreview` of kubernetes, but for one thing: there the token goes
//! through the authenticators of requests, so that one that begins with a space counts as none, and is
//! answered with `system:anonymous`. Here only the authenticators of tokens are asked.

use serde::{Deserialize, Serialize};
use verdikt::{Authenticated, Credentials, Outcome};

use super::subject::UserInfo;
use super::{Kind, Review, is_false, or_null};
use crate::kubernetes::status::Status;

/// About any token. Webhook clients of version v1beta1 are answered, too; Kubernetes no longer serves it.
pub(crate) const KIND: Kind = Kind {
    name: "TokenReview",
    api_versions: &["authentication.k8s.io/v1", "authentication.k8s.io/v1beta1"],
};

/// The question with its answer.
pub(crate) type TokenReview = Review<Spec, Answer>;

/// The token, and what it must be meant for. No `Debug`: it would print the token.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Spec {
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    token: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "Vec::is_empty")]
    audiences: Vec<String>,
}

impl super::Spec for Spec {}

/// The user, or why there is none.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Answer {
    #[serde(skip_serializing_if = "is_false")]
    authenticated: bool,
    user: UserInfo,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    audiences: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    error: String,
}

impl TokenReview {
    /// The token as the credentials of a request.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn credentials(&self) -> Result<Credentials<'_>, Status> {
        let Spec { token, audiences } = &self.spec.0;
        if token.is_empty() {
            return Err(Status::bad_request("token is required for TokenReview in authentication"));
        }
        Ok(Credentials::bearer(as_in_header(token)).with_audiences(audiences))
    }

    /// What the authenticators say, with the audiences checked once more.
    ///
    /// # Errors
    /// If whoever accepted the token did not look at the audiences.
    pub(crate) fn status(&self, outcome: Outcome) -> Result<Answer, Status> {
        let mut answer = Answer::default();
        match outcome {
            Outcome::NoOpinion => {}
            Outcome::Failed(error) => answer.error = error.to_string(),
            Outcome::Authenticated(authenticated) => {
                let accepted = accepted_audiences(&authenticated, &self.spec.0.audiences)?;
                answer.authenticated = true;
                answer.user = authenticated.user().clone().into();
                answer.audiences = accepted.to_vec();
            }
        }
        Ok(answer)
    }
}

/// For which audiences a credential was made, of those that were `asked` for.
///
/// # Errors
/// If whoever accepted it did not look at them.
pub(crate) fn accepted_audiences<'a>(
    authenticated: &'a Authenticated,
    asked: &[String],
) -> Result<&'a [String], Status> {
    let accepted = authenticated.audiences();
    if !asked.is_empty() && !asked.iter().any(|audience| accepted.contains(audience)) {
        tracing::error!(?asked, ?accepted, "error validating audience");
        return Err(Status::internal_error("error validating audiences"));
    }
    Ok(accepted)
}

/// What is left of a token that is sent as `Authorization: Bearer TOKEN`, as upstream does with it: white
/// space at its end goes, and so does everything from the first space on.
pub(crate) fn as_in_header(token: &str) -> &str {
    token.trim_end().split(' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::as_in_header;

    #[test]
    fn a_token_ends_at_a_space() {
        for (token, expected) in [
            ("abc", "abc"),
            ("abc \t\n", "abc"),
            ("abc def", "abc"),
            (" abc", ""),
            ("a\tb", "a\tb"),
        ] {
            assert_eq!(as_in_header(token), expected, "{token:?}");
        }
    }
}
