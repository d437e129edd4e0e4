//! What an evaluation asks in Kubernetes' terms.
//!
//! | | AuthZEN | Kubernetes |
//! |---|---|---|
//! | subject | `user`, id `jane`, properties `groups`, `uid`, `extra` | that user, in these groups alone |
//! | | `serviceaccount`, id `web/shop` | `system:serviceaccount:web:shop` with its groups, and these |
//! | | `group`, id `dev` | somebody without a name in that group |
//! | action | name | the verb, any word that a rule may have |
//! | resource | `deployments.apps/scale`, id `web/shop` | group and subresource, namespace and name |
//! | | `path`, id `/metrics` | a path that is no resource; the action is its verb |
//! | | `route`, id `/api/v1/pods` | whatever that request means; the action is its method |

use verdikt::{Attributes, RequestInfo, Selectors, User, groups};

use super::entity::{Evaluation, Resource, ResourceProperties, Subject, SubjectProperties};
use crate::wire::Object;

/// A question that can be put to the authorizers.
pub(super) struct Question<'a> {
    user: User,
    verb: &'a str,
    target: Target<'a>,
}

enum Target<'a> {
    Path(&'a str),
    Route(RequestInfo<'a>),
    Object(Named<'a>),
}

struct Named<'a> {
    api_group: &'a str,
    api_version: &'a str,
    resource: &'a str,
    subresource: &'a str,
    namespace: &'a str,
    name: &'a str,
    selectors: Option<Selectors>,
}

impl<'a> Question<'a> {
    /// # Errors
    /// Which part of it has no meaning here, and what would have.
    pub(super) fn new(asked: &'a Evaluation) -> Result<Self, String> {
        let (Object(subject), Object(resource)) = (&asked.subject, &asked.resource);
        let verb = asked.action.0.name.as_str();
        let target = match resource.kind.as_str() {
            "path" => Target::Path(&resource.id),
            "route" => {
                let info = RequestInfo::from_request(verb, &resource.id);
                Target::Route(info.map_err(|error| format!("resource.id: {error}"))?)
            }
            "" => return Err("resource.type: may not be empty".to_owned()),
            _ => Target::Object(Named::new(resource)),
        };
        Ok(Self { user: user(subject)?, verb, target })
    }

    /// As it is asked.
    pub(super) fn attributes(&self) -> Attributes<'_> {
        let user = &self.user;
        match &self.target {
            Target::Path(path) => Attributes::non_resource(user, self.verb, path),
            Target::Route(info) => {
                Attributes { user: Some(user.into()), ..Attributes::from_request(None, info) }
            }
            Target::Object(named) => Attributes {
                namespace: named.namespace,
                api_group: named.api_group,
                api_version: named.api_version,
                subresource: named.subresource,
                name: named.name,
                selectors: named.selectors.as_ref(),
                ..Attributes::resource(user, self.verb, named.resource)
            },
        }
    }
}

fn user(subject: &Subject) -> Result<User, String> {
    let properties = subject.properties.as_ref().map(|Object(properties)| properties.clone());
    let SubjectProperties { groups: also_in, uid, extra } = properties.unwrap_or_default();
    let (name, mut groups) = match subject.kind.as_str() {
        "user" => (subject.id.clone(), Vec::new()),
        "group" => (String::new(), vec![subject.id.clone()]),
        "serviceaccount" => service_account(&subject.id)?,
        kind => {
            return Err(unknown_subject(kind));
        }
    };
    groups.extend(also_in);
    Ok(User { name, uid, groups, extra })
}

/// What is said of a type of subject that there is not.
pub(super) fn unknown_subject(kind: &str) -> String {
    format!("subject.type: {kind:?} is not known; it is one of user, serviceaccount, group")
}

/// The name and groups that a service account's token would give it.
fn service_account(id: &str) -> Result<(String, Vec<String>), String> {
    match id.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            let mut user = User::service_account(namespace, name);
            user.groups.push(groups::AUTHENTICATED.to_owned());
            Ok((user.name, user.groups))
        }
        _ => Err(format!("subject.id: {id:?} is not of the form NAMESPACE/NAME")),
    }
}

impl<'a> Named<'a> {
    fn new(asked: &'a Resource) -> Self {
        let none = ResourceProperties::NONE;
        let properties = asked.properties.as_ref().map_or(none, |Object(properties)| properties);
        let (kind, in_kind) = asked.kind.split_once('/').unwrap_or((&asked.kind, ""));
        // With the group apart, a type may have dots of its own.
        let (resource, api_group) = match &properties.api_group {
            Some(group) => (kind, group.as_str()),
            None => kind.split_once('.').unwrap_or((kind, "")),
        };
        // With the namespace apart, a name may have slashes of its own.
        let (namespace, name) = match &properties.namespace {
            Some(namespace) => (namespace.as_str(), asked.id.as_str()),
            None => asked.id.split_once('/').unwrap_or(("", &asked.id)),
        };
        let selectors = Selectors::parse(&properties.field_selector, &properties.label_selector);
        Self {
            api_group,
            api_version: &properties.api_version,
            resource,
            subresource: properties.subresource.as_deref().unwrap_or(in_kind),
            namespace,
            name,
            selectors: Some(selectors).filter(|selectors| !selectors.is_empty()),
        }
    }
}
