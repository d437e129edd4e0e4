//! Status: what is loaded, and how the last reload went.

use tonic::Status;
use verdikt::Attempt;

use super::call::{Call, Privilege};
use super::proto::v1;

pub(super) fn answer(
    call: &Call,
    _question: v1::StatusRequest,
) -> Result<v1::StatusResponse, Status> {
    call.needs(Privilege::GetStatus)?;
    Ok(call.app.engine.status().into())
}

impl From<verdikt::Status> for v1::StatusResponse {
    fn from(status: verdikt::Status) -> Self {
        let texts = |texts: Vec<&'static str>| texts.into_iter().map(str::to_owned).collect();
        let loaded = status.loaded;
        Self {
            revision: status.revision,
            digest: loaded.digest,
            loaded_at: loaded.loaded_at,
            last_reload: Some(status.last_reload.into()),
            authenticators: texts(loaded.authenticators),
            authorization_modes: texts(loaded.authorization_modes),
        }
    }
}

impl From<Attempt> for v1::ReloadAttempt {
    fn from(attempt: Attempt) -> Self {
        Self { at: attempt.at, ok: attempt.ok, error: attempt.error.unwrap_or_default() }
    }
}
