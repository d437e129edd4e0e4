//! Questions as Envoy asks them: an HTTP request with a token.

use verdikt_core::{Attributes, RequestInfo, User, groups};
use verdikt_server::proto::envoy::service::auth::v3 as envoy;

use super::{Answer, Front};
use crate::grpc::Client;
use crate::wire::Request;

use envoy::attribute_context::{HttpRequest, Request as Described};
use envoy::authorization_client::AuthorizationClient;

/// `envoy.service.auth.v3.Authorization/Check` of a running gRPC server, which knows the tokens of a file.
#[derive(Debug)]
pub struct ExtAuthz<'s> {
    /// Where to ask.
    pub client: &'s Client<'s>,
    /// The users of the file; each has a token by its place among them.
    pub users: Vec<User>,
}

/// The users of some requests that a token file can name and that are known, once each.
pub fn users(requests: &[Request]) -> Vec<User> {
    let mut users: Vec<User> = Vec::new();
    for Request { user, .. } in requests {
        let can_be_known = !user.name.is_empty()
            && user.extra.is_empty()
            && user.is_in(groups::AUTHENTICATED)
            && [&user.name, &user.uid].iter().all(|text| is_plain(text))
            && user.groups.iter().all(|group| is_plain(group) && !group.is_empty());
        if can_be_known && !users.contains(user) {
            users.push(user.clone());
        }
    }
    users
}

/// Whether it can stand in a file of tokens as it is.
fn is_plain(text: &str) -> bool {
    !text.contains([',', '"', '\n', '\r']) && text.trim() == text
}

/// A file of static tokens for them.
pub fn token_file(users: &[User]) -> String {
    let line = |(place, user): (usize, &User)| {
        let User { name, uid, groups, .. } = user;
        format!("{},\"{name}\",\"{uid}\",\"{}\"\n", token(place), groups.join(","))
    };
    users.iter().enumerate().map(line).collect()
}

fn token(place: usize) -> String {
    format!("token-{place}")
}

impl Front for ExtAuthz<'_> {
    fn name(&self) -> &'static str {
        "ext_authz"
    }

    fn check(&self, request: &Request) -> Option<Answer> {
        let place = self.users.iter().position(|user| *user == request.user)?;
        let (method, path) = target(request)?;
        let bearer = format!("Bearer {}", token(place));
        let http = HttpRequest {
            method: method.to_owned(),
            path,
            headers: [("authorization".to_owned(), bearer)].into(),
            ..HttpRequest::default()
        };
        let described = Some(Described { http: Some(http) });
        let attributes = Some(envoy::AttributeContext { request: described, ..Default::default() });
        let question = self.client.request(envoy::CheckRequest { attributes });
        let mut envoy = AuthorizationClient::new(self.client.channel());
        let answer = self.client.wait(envoy.check(question)).unwrap().into_inner();
        let facts = answer.dynamic_metadata.unwrap().fields;
        let fact = |name: &str| facts.get(name).and_then(|value| value.kind.clone());
        let reason = match fact("reason") {
            Some(prost_types::value::Kind::StringValue(reason)) => reason,
            other => panic!("reason: {other:?}"),
        };
        let revision = match fact("revision") {
            Some(prost_types::value::Kind::NumberValue(revision)) => revision as u64,
            other => panic!("revision: {other:?}"),
        };
        let allowed = answer.status.unwrap().code == 0;
        Some(Answer { allowed, reason, revision: Some(revision) })
    }
}

/// Method and path that mean what is asked; none if there are none.
fn target(request: &Request) -> Option<(&'static str, String)> {
    let Request { verb, group, version, resource, subresource, namespace, name, .. } = request;
    let (method, path) = match request.is_resource {
        false => (
            ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
                .into_iter()
                .find(|method| method.to_lowercase() == *verb)?,
            request.path.clone(),
        ),
        true => {
            let method = match verb.as_str() {
                "get" | "list" | "watch" => "GET",
                "create" => "POST",
                "update" => "PUT",
                "patch" => "PATCH",
                "delete" | "deletecollection" => "DELETE",
                _ => return None,
            };
            let mut path = match group.as_str() {
                "" => format!("/api/{version}"),
                group => format!("/apis/{group}/{version}"),
            };
            for (before, part) in
                [("/namespaces/", namespace), ("/", resource), ("/", name), ("/", subresource)]
            {
                if !part.is_empty() {
                    path += &format!("{before}{part}");
                }
            }
            (method, path + if verb == "watch" { "?watch=1" } else { "" })
        }
    };
    // Whatever stands in a path that others could read in another way is refused, whoever asks.
    if !path.starts_with('/') || path.contains("..") || path.contains(['\\', '%', ';', '#']) {
        return None;
    }
    let info = RequestInfo::from_request(method, &path).ok()?;
    let read = Attributes::from_request(None, &info);
    let asked = request.attributes();
    let facts = |a: &Attributes<'_>| {
        let path = if a.resource_request { "" } else { a.path };
        [a.verb, a.namespace, a.api_group, a.api_version, a.resource, a.subresource, a.name, path]
            .map(str::to_owned)
    };
    (facts(&read) == facts(&asked) && read.resource_request == asked.resource_request)
        .then_some((method, path))
}
