//! Questions as Envoy asks them: an HTTP request with a token.

use std::borrow::Cow;

use prost_types::Struct;
use prost_types::value::Kind;
use tonic::Code;
use verdikt::EffectName;
use verdikt_core::User;
use verdikt_server::proto::envoy::service::auth::v3 as envoy;

use super::{
    Answer, Front, Outcome, Tokens, all_of, effect, target, tokens, without_idle_namespace,
};
use crate::grpc::Client;
use crate::wire::Request;

use envoy::attribute_context::{HttpRequest, Request as Described};
use envoy::authorization_client::AuthorizationClient;
use envoy::check_response::HttpResponse;

/// `envoy.service.auth.v3.Authorization/Check` of a running gRPC server, which knows the tokens of a file.
#[derive(Debug)]
pub struct ExtAuthz<'s> {
    /// Where to ask.
    pub client: &'s Client<'s>,
    /// Who can be shown to be who they are.
    pub tokens: &'s Tokens,
}

impl Front for ExtAuthz<'_> {
    fn name(&self) -> &'static str {
        "ext_authz"
    }

    fn check(&self, request: &Request) -> Outcome {
        if self.tokens.token(&request.user).is_none() {
            return Outcome::Unsayable("no token file can name the user");
        }
        let Some((method, path)) = target::of(request) else {
            return Outcome::Unsayable("no HTTP request means it");
        };
        self.put(&request.user, method, &path, target::is_ambiguous(request).then_some(AMBIGUOUS))
    }

    fn carried<'r>(&self, request: &'r Request) -> Cow<'r, Request> {
        all_of([without_idle_namespace, target::selected, tokens::authenticated], request)
    }
}

impl ExtAuthz<'_> {
    /// What is answered to a request of a user who has a token; `refusal` if it must be refused.
    pub(super) fn put(
        &self,
        user: &User,
        method: &str,
        path: &str,
        refusal: Option<Refusal>,
    ) -> Outcome {
        let bearer = format!("Bearer {}", self.tokens.token(user).unwrap());
        let answer = self.ask(HttpRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: [("authorization".to_owned(), bearer)].into(),
            ..HttpRequest::default()
        });
        let metadata = answer.dynamic_metadata.as_ref().unwrap();
        let decision = effect(&text(metadata, "decision"));
        let is_unspeakable = decision == EffectName::Allow && !can_be_named(user);
        let code = Code::from_i32(answer.status.as_ref().unwrap().code);
        if let Some((expected, words)) = refusal.or_else(|| is_unspeakable.then_some(UNSPEAKABLE)) {
            let Some(HttpResponse::DeniedResponse(denied)) = &answer.http_response else {
                panic!("{method} {path} of {user:?}: {answer:?}");
            };
            assert_eq!(code, expected, "{method} {path} of {user:?}: {answer:?}");
            assert!(denied.body.contains(words), "{method} {path} of {user:?}: {answer:?}");
            return Outcome::Refused(words);
        }
        let expected =
            if decision == EffectName::Allow { Code::Ok } else { Code::PermissionDenied };
        assert_eq!(code, expected, "{method} {path} of {user:?}: {answer:?}");
        assert_eq!(text(metadata, "user"), user.name);
        let revision = match fact(metadata, "revision") {
            Some(Kind::NumberValue(revision)) => Some(revision as u64),
            other => panic!("revision: {other:?}"),
        };
        Outcome::Answered(Answer { decision, reason: text(metadata, "reason"), revision })
    }

    fn ask(&self, http: HttpRequest) -> envoy::CheckResponse {
        let described = Some(Described { http: Some(http) });
        let attributes = Some(envoy::AttributeContext { request: described, ..Default::default() });
        let question = self.client.request(envoy::CheckRequest { attributes });
        let mut envoy = AuthorizationClient::new(self.client.channel());
        self.client.wait(envoy.check(question)).unwrap().into_inner()
    }
}

/// With which code a request is refused, and in which words.
pub(super) type Refusal = (Code, &'static str);

/// Whoever gets the request next could take its path for another.
pub(super) const AMBIGUOUS: Refusal =
    (Code::InvalidArgument, "the path has a part that others may resolve or cut");

/// Whoever gets the request next could not be told who sent it.
const UNSPEAKABLE: Refusal = (Code::Internal, "of the user cannot be written into a header");

/// Whether the next component can be told who asked: headers have a name, and no spaces around it.
fn can_be_named(user: &User) -> bool {
    let mut texts = user.groups.iter().chain([&user.name, &user.uid]);
    let is_told = |text: &String| {
        text.trim_matches([' ', '\t']) == text && !text.bytes().any(|byte| byte.is_ascii_control())
    };
    !user.name.is_empty() && texts.all(is_told)
}

fn fact(metadata: &Struct, name: &str) -> Option<Kind> {
    metadata.fields.get(name).and_then(|value| value.kind.clone())
}

fn text(metadata: &Struct, name: &str) -> String {
    match fact(metadata, name) {
        Some(Kind::StringValue(text)) => text,
        other => panic!("{name}: {other:?}"),
    }
}
