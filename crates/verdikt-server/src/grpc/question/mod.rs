//! A question, borrowed from the message that asks it.

mod plain;

use smallvec::SmallVec;
use tonic::Status;
use verdikt::{Attributes, RequestInfo, Selectors};

use super::error::bad_field;
use super::proto::v1;
use super::proto::v1::check_request::Request;

/// What a CheckRequest says.
#[derive(Debug, Default)]
pub(super) struct Question<'m> {
    pub(super) user: Option<Named<'m>>,
    pub(super) credential: Option<v1::Credential>,
    pub(super) wanted: Option<Wanted<'m>>,
    pub(super) at_least_revision: u64,
}

/// A user.
#[derive(Debug, Default)]
pub(super) struct Named<'m> {
    pub(super) name: &'m str,
    pub(super) uid: &'m str,
    pub(super) groups: SmallVec<[&'m str; 8]>,
    pub(super) extra: Vec<(&'m str, &'m [String])>,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Wanted<'m> {
    Resource(Resource<'m>),
    NonResource { verb: &'m str, path: &'m str },
    Http { method: &'m str, path: &'m str },
}

/// As the message of the same name.
#[derive(Debug, Default)]
pub(super) struct Resource<'m> {
    verb: &'m str,
    namespace: &'m str,
    group: &'m str,
    version: &'m str,
    resource: &'m str,
    subresource: &'m str,
    name: &'m str,
    field_selector: &'m str,
    label_selector: &'m str,
}

impl<'m> Question<'m> {
    /// What a message says.
    pub(super) fn of(message: &'m v1::CheckRequest) -> Self {
        let v1::CheckRequest { user, credential, request, at_least_revision } = message;
        Self {
            user: user.as_ref().map(Named::of),
            credential: credential.clone(),
            wanted: request.as_ref().map(Wanted::of),
            at_least_revision: *at_least_revision,
        }
    }
}

impl<'m> Named<'m> {
    fn of(user: &'m v1::User) -> Self {
        let extra = user.extra.iter().map(|(key, v1::ExtraValues { values })| (&**key, &**values));
        Self {
            name: &user.name,
            uid: &user.uid,
            groups: user.groups.iter().map(String::as_str).collect(),
            extra: extra.collect(),
        }
    }

    /// The extra, owned.
    pub(super) fn extra(&self) -> impl Iterator<Item = (String, Vec<String>)> {
        self.extra.iter().map(|&(key, values)| (key.to_owned(), values.to_vec()))
    }
}

impl<'m> Wanted<'m> {
    fn of(request: &'m Request) -> Self {
        match request {
            Request::Resource(asked) => Self::Resource(Resource {
                verb: &asked.verb,
                namespace: &asked.namespace,
                group: &asked.group,
                version: &asked.version,
                resource: &asked.resource,
                subresource: &asked.subresource,
                name: &asked.name,
                field_selector: &asked.field_selector,
                label_selector: &asked.label_selector,
            }),
            Request::NonResource(v1::NonResourceAttributes { verb, path }) => {
                Self::NonResource { verb, path }
            }
            Request::Http(v1::HttpRequest { method, path }) => Self::Http { method, path },
        }
    }
}

/// What is to be done, as it was understood.
#[expect(clippy::large_enum_variant, reason = "one at a time, and on the stack")]
pub(super) enum Asked<'q> {
    Resource(&'q Resource<'q>, Option<Selectors>),
    NonResource { verb: &'q str, path: &'q str },
    Http(RequestInfo<'q>),
}

impl<'q> Asked<'q> {
    /// # Errors
    /// INVALID_ARGUMENT with the field that makes no sense.
    pub(super) fn read(wanted: Option<&'q Wanted<'q>>) -> Result<Self, Status> {
        let Some(wanted) = wanted else {
            let problem = "exactly one of resource, non_resource and http must be specified";
            return Err(bad_field("request", problem));
        };
        Ok(match wanted {
            Wanted::Resource(asked) => {
                if asked.resource.is_empty() {
                    return Err(bad_field("resource.resource", "must not be empty"));
                }
                Self::Resource(asked, asked.selectors())
            }
            Wanted::NonResource { verb, path } => {
                if path.is_empty() {
                    return Err(bad_field("non_resource.path", "must not be empty"));
                }
                Self::NonResource { verb, path }
            }
            Wanted::Http { method, path } => {
                let method = if method.is_empty() { "GET" } else { method };
                let info = RequestInfo::from_request(method, path)
                    .map_err(|error| bad_field("http.path", error.to_string()))?;
                Self::Http(info)
            }
        })
    }

    /// The question without the user it is about.
    pub(super) fn attributes(&self) -> Attributes<'_> {
        match self {
            Self::Resource(asked, selectors) => Attributes {
                user: None,
                verb: asked.verb,
                namespace: asked.namespace,
                api_group: asked.group,
                api_version: asked.version,
                resource: asked.resource,
                subresource: asked.subresource,
                name: asked.name,
                path: "",
                resource_request: true,
                selectors: selectors.as_ref(),
            },
            Self::NonResource { verb, path } => Attributes { verb, path, ..Attributes::default() },
            Self::Http(info) => Attributes::from_request(None, info),
        }
    }
}

impl Resource<'_> {
    fn selectors(&self) -> Option<Selectors> {
        if self.field_selector.is_empty() && self.label_selector.is_empty() {
            return None;
        }
        let selectors = Selectors::parse(self.field_selector, self.label_selector);
        Some(selectors).filter(|selectors| !selectors.is_empty())
    }
}
