//! Impersonation: a request that asks to be answered as someone else, if its sender may.
//!
//! Follows apiserver's `pkg/endpoints/filters/impersonation`: what the headers ask for is read in
//! `headers.rs`; `constrained.rs` has the modes that are on by default since 1.36, `legacy.rs` what
//! is left with the gate off. Nothing is remembered between requests: upstream's caches only save
//! calls of an authorizer that is slow, and order the modes by what succeeded before.

mod checks;
mod constrained;
mod extra;
mod headers;
mod legacy;
mod names;
mod refusal;

use verdikt_core::{Attributes, User, groups, users};

pub use checks::Answer;
pub use headers::is_impersonation_header;
pub use refusal::{Forbidden, Refusal};

use headers::Wanted;

/// Who a request goes on as.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Impersonated {
    /// The user that was asked for, with the groups that follow from it.
    pub user: User,
    /// The verb of constrained impersonation that allowed it, such as `impersonate:user-info`, for
    /// the audit trail; empty if the plain verb `impersonate` did.
    pub constraint: &'static str,
}

/// Which checks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Five modes, each with verbs of its own (`ConstrainedImpersonation` on, as it is by default).
    Constrained,
    /// The verb `impersonate` alone (`ConstrainedImpersonation` off).
    Legacy,
}

/// Who the request is to be answered as, according to its `Impersonate-…` headers; none if there are
/// none. `request` is the request itself, with the user that was authenticated; headers are names and
/// values in their order, and others among them do no harm. `authorize` is asked about everything
/// that is impersonated: at most once for each header and mode, and twice more.
///
/// The headers should not be handed on afterwards; see [`is_impersonation_header`].
///
/// # Errors
/// If the headers make no sense, or the user may not impersonate whom they name.
pub fn impersonate<'h>(
    gate: Gate,
    request: &Attributes<'_>,
    headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    authorize: &dyn Fn(&Attributes<'_>) -> Answer,
) -> Result<Option<Impersonated>, Refusal> {
    let Some(wanted) = Wanted::read(headers)? else { return Ok(None) };
    if !wanted.names_a_user() {
        return wanted.refuse_without_user(gate).map(|()| None);
    }
    let requestor = request.user.ok_or(Refusal::NoUser)?;
    let asked = match gate {
        Gate::Constrained => constrained::impersonate(authorize, request, requestor, &wanted),
        Gate::Legacy => legacy::impersonate(authorize, requestor, &wanted),
    };
    asked.map(Some).map_err(|forbidden| Refusal::Forbidden(Box::new(forbidden)))
}

/// Adds the group that says whether the user was authenticated.
fn add_system_group(user: &mut User) {
    let group = if user.name == users::ANONYMOUS {
        groups::UNAUTHENTICATED
    } else if user.is_in(groups::UNAUTHENTICATED) {
        return;
    } else {
        groups::AUTHENTICATED
    };
    if !user.is_in(group) {
        user.groups.push(group.to_owned());
    }
}
