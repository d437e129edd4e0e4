//! Authenticate: whose is this credential?

use tonic::Status;
use verdikt::{Credentials, Outcome};

use super::call::{Call, Privilege};
use super::error;
use super::proto::v1;
use super::proto::v1::credential::Kind;
use crate::kubernetes::review::token;

pub(super) fn answer(
    call: &Call,
    question: v1::AuthenticateRequest,
) -> Result<v1::AuthenticateResponse, Status> {
    let revision = call.snapshot.revision().0;
    let Some(credential) = &question.credential else {
        let sender = call.sender()?;
        let user = Some(sender.requester().user().into());
        return Ok(v1::AuthenticateResponse {
            authenticated: true,
            user,
            revision,
            ..Default::default()
        });
    };
    call.needs(Privilege::CreateTokenReviews)?;
    let mut answer = v1::AuthenticateResponse { revision, ..Default::default() };
    match shown(call, credential)? {
        Outcome::NoOpinion => {}
        Outcome::Failed(error) => answer.error = error.to_string(),
        Outcome::Authenticated(authenticated) => {
            let accepted = token::accepted_audiences(&authenticated, &credential.audiences)
                .map_err(|status| error::of(&status))?;
            answer.audiences = accepted.to_vec();
            answer.user = Some(authenticated.user().into());
            answer.authenticated = true;
        }
    }
    Ok(answer)
}

/// Whose the credential in a question is.
///
/// # Errors
/// INVALID_ARGUMENT if there is none in it.
pub(super) fn shown(call: &Call, credential: &v1::Credential) -> Result<Outcome, Status> {
    let credentials = match &credential.kind {
        Some(Kind::BearerToken(token)) if !token.is_empty() => {
            Credentials::bearer(token::as_in_header(token)).with_audiences(&credential.audiences)
        }
        Some(Kind::Authorization(value)) if !value.is_empty() => {
            Credentials::authorization(value.as_bytes())
        }
        _ => return Err(error::bad_field("credential", "a token or a header is required")),
    };
    // Passwords take milliseconds, and issuers longer.
    Ok(tokio::task::block_in_place(|| call.snapshot.authenticate(&credentials)))
}
