//! `POST /v1/check`: a decision with its reason and revision, about whoever the credential belongs to
//! or a user that is named.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Request, Response, StatusCode};
use serde::Deserialize;
use verdikt::{Attributes, RequestInfo, Selectors, Summary, User};

use super::sender::Audit;
use super::{App, answer, body, request};
use crate::credentials;
use crate::kubernetes::status::Status;
use crate::traces;
use crate::wire::{self, Object};

/// The body: method and path, or attributes; the user, unless a credential says who asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    user: Option<Object<WireUser>>,
    method: Option<String>,
    path: Option<String>,
    attributes: Option<Object<Asked>>,
}

/// A user to ask about.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WireUser {
    name: String,
    uid: String,
    groups: Vec<String>,
    extra: BTreeMap<String, Vec<String>>,
}

/// Fields as in a SubjectAccessReview; with `path` it is about that path, otherwise a resource.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Asked {
    verb: String,
    namespace: String,
    group: String,
    version: String,
    resource: String,
    subresource: String,
    name: String,
    path: String,
    field_selector: String,
    label_selector: String,
}

pub(super) async fn answer(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let bytes = match body::any(body, &app.limits).await {
        Ok(bytes) => bytes,
        Err(status) => return answer::status(&parts, &status),
    };
    let question: Question = match wire::parse(&bytes) {
        Ok(question) => question,
        Err(error) => return answer::status(&parts, &Status::bad_request(error.into_text())),
    };
    if question.user.is_some()
        && let Err(refused) = request::admit_operator(&app, &parts)
    {
        return refused;
    }
    match question.decide(&app, &parts) {
        Ok(found) => answer::object(&parts, StatusCode::OK, &found),
        Err(refused) => refused,
    }
}

impl Question {
    fn decide(self, app: &App, parts: &Parts) -> Result<Summary, Response<Body>> {
        let Self { method, path, attributes, .. } = &self;
        let answered = about(attributes, method, path, |request| self.ask(app, parts, request));
        answered.unwrap_or_else(|status| Err(answer::status(parts, &status)))
    }

    fn ask(
        &self,
        app: &App,
        parts: &Parts,
        request: &Attributes<'_>,
    ) -> Result<Summary, Response<Body>> {
        let Some(Object(named)) = &self.user else {
            let sender = app.sender(parts, request, Audit::Not)?;
            let request = Attributes { user: Some(sender.requester()), ..*request };
            let decide = || sender.snapshot.authorize(&request);
            return Ok(traces::decided(&parts.extensions, decide).summary());
        };
        if credentials::are_in(&parts.headers) && app.access == crate::Access::Open {
            let status = Status::bad_request(
                "user: may not be specified at the same time as an Authorization header",
            );
            return Err(answer::status(parts, &status));
        }
        let user = named.user();
        let request = Attributes { user: Some((&user).into()), ..*request };
        Ok(traces::decided(&parts.extensions, || app.engine.authorize(&request)).summary())
    }
}

/// Puts what is to be done to `ask`: by its attributes, or as method and path.
///
/// # Errors
/// What is wrong with it.
pub(super) fn about<T>(
    attributes: &Option<Object<Asked>>,
    method: &Option<String>,
    path: &Option<String>,
    ask: impl FnOnce(&Attributes<'_>) -> T,
) -> Result<T, Status> {
    match (attributes, method, path) {
        (Some(Object(asked)), None, None) => {
            let selectors = asked.selectors();
            Ok(ask(&asked.attributes(selectors.as_ref())?))
        }
        (None, method, Some(path)) => {
            let method = method.as_deref().unwrap_or("GET");
            let info = RequestInfo::from_request(method, path)
                .map_err(|error| Status::bad_request(format!("path: {error}")))?;
            Ok(ask(&Attributes::from_request(None, &info)))
        }
        _ => Err(Status::bad_request(
            "exactly one of attributes, or method and path, must be specified",
        )),
    }
}

impl WireUser {
    fn user(&self) -> User {
        let Self { name, uid, groups, extra } = self;
        User { name: name.clone(), uid: uid.clone(), groups: groups.clone(), extra: extra.clone() }
    }
}

impl Asked {
    fn selectors(&self) -> Option<Selectors> {
        let selectors = Selectors::parse(&self.field_selector, &self.label_selector);
        Some(selectors).filter(|selectors| !selectors.is_empty())
    }

    fn attributes<'a>(
        &'a self,
        selectors: Option<&'a Selectors>,
    ) -> Result<Attributes<'a>, Status> {
        if self.path.is_empty() == self.resource.is_empty() {
            return Err(Status::bad_request(
                "attributes: exactly one of resource and path must be specified",
            ));
        }
        Ok(Attributes {
            user: None,
            verb: &self.verb,
            namespace: &self.namespace,
            api_group: &self.group,
            api_version: &self.version,
            resource: &self.resource,
            subresource: &self.subresource,
            name: &self.name,
            path: &self.path,
            resource_request: self.path.is_empty(),
            selectors,
        })
    }
}
