//! The bodies of the fuzz targets: what must hold for any input at all.

use std::sync::Arc;

use verdikt_authn::bootstrap_token::BootstrapTokens;
use verdikt_authn::jwt::{Jws, KeySet, PublicKey, SigningKey};
use verdikt_authn::service_account::{self, ServiceAccounts};
use verdikt_authn::{Chain, Clock, Outcome, TokenAuthenticator as _, oidc};
use verdikt_compiler::{Rules, node, rbac};
use verdikt_core::metrics::Metrics;
use verdikt_core::{
    Attributes, Credentials, Effect, HashKey, RequestInfo, User, field_selector, groups,
    label_selector,
};
use verdikt_parser::{
    Diagnostic, Limits, Options, PolicySet, Source, abac, authentication_config, basic_file,
    parse_manifest, token_file,
};

pub use crate::certificates::{front_proxy, x509};
use crate::node_world::{self, Step};
use crate::reference::{self, Answer};
use crate::world::{Question, World};

/// One target: takes any bytes, and panics if something does not hold.
pub type Case = fn(&[u8]);

/// All targets by name.
pub const CASES: &[(&str, Case)] = &[
    ("kubeconfig", kubeconfig),
    ("authorization_config", authorization_config),
    ("tracing_configuration", tracing_configuration),
    ("manifest_yaml", manifest_yaml),
    ("manifest_json", manifest_json),
    ("abac_file", abac_file),
    ("audit_policy", audit_policy),
    ("token_file", token_file),
    ("basic_file", basic_file),
    ("authentication_config", authentication_config),
    ("request_info", request_info),
    ("label_selector", label_selector),
    ("field_selector", field_selector),
    ("x509", x509),
    ("front_proxy", front_proxy),
    ("authenticate_authorize", authenticate_authorize),
    ("node_events", node_events),
    ("jwt", jwt),
    ("cel", cel),
    ("authzen", authzen),
    ("grpc", grpc),
    ("forward_auth", forward_auth),
    ("ext_authz", ext_authz),
    ("review_json", review_json),
    ("review_protobuf", review_protobuf),
    ("review_yaml", review_yaml),
    ("public_keys", public_keys),
];

/// Manifests in YAML: read, put together, compiled.
pub fn manifest_yaml(bytes: &[u8]) {
    manifest(&Source::new("fuzz.yaml", bytes));
}

/// Manifests in JSON: read, put together, compiled.
pub fn manifest_json(bytes: &[u8]) {
    manifest(&Source::new("fuzz.json", bytes));
}

fn manifest(source: &Source<'_>) {
    let (manifest, found) = parse_manifest(source, &Options::default());
    check_diagnostics(source, &found);
    let (policy, found) = PolicySet::from_manifests([manifest]);
    check_diagnostics(source, &found);
    let (table, _) = rbac::Table::compile(&policy, &HashKey::random());

    let jane = User::new("jane", ["dev"]);
    let request = Attributes { namespace: "default", ..Attributes::resource(&jane, "get", "pods") };
    check_rbac(&policy, &table, &request);
}

/// Audit policies: there is one exactly if nothing is wrong with it, and it has rules.
pub fn audit_policy(bytes: &[u8]) {
    let source = Source::new("policy.yaml", bytes);
    let (policy, found) = verdikt_parser::audit_policy::parse(&source, &Limits::default());
    check_diagnostics(&source, &found);
    assert_eq!(policy.is_none(), found.iter().any(Diagnostic::is_error), "{found:?}");
    assert!(policy.is_none_or(|policy| !policy.rules.is_empty()));
}

/// AuthenticationConfigurations: read, validated, and asked about the text itself as a token.
pub fn authentication_config(bytes: &[u8]) {
    let source = Source::new("authentication.yaml", bytes);
    let configuration = match authentication_config::read(&source, &Limits::default()) {
        Ok(configuration) => configuration,
        Err(found) => return check_diagnostics(&source, &found),
    };
    let validated = match oidc::config::validate(&configuration, &[]) {
        Ok(validated) => validated,
        Err(found) => {
            let found = oidc::config::diagnostics(&found, &configuration);
            return check_diagnostics(&source, &found);
        }
    };
    let keys = oidc::Keys::Fixed(KeySet::default());
    let Ok(issuers) =
        oidc::Issuers::new(validated, &["RS256".to_owned()], &keys, None, &Metrics::default())
    else {
        return;
    };
    if let Ok(text) = std::str::from_utf8(bytes) {
        let answer = issuers.authenticate(text, Clock::default().now());
        assert!(!matches!(answer, Ok(Some(_))), "nobody signed that");
    }
}

/// ABAC policy files: read, compiled, and asked about each policy's own words.
pub fn abac_file(bytes: &[u8]) {
    let source = Source::new("policy.jsonl", bytes);
    let (file, found) = abac::parse(&source, &Limits::default());
    check_diagnostics(&source, &found);
    let table = verdikt_compiler::abac::Table::compile(&file.policies, &HashKey::random());
    for policy in &file.policies {
        let user = User::new(policy.user.clone(), [policy.group.clone()]);
        let resource = Attributes {
            namespace: &policy.namespace,
            api_group: &policy.api_group,
            ..Attributes::resource(&user, "update", &policy.resource)
        };
        let path = Attributes::non_resource(&user, "get", &policy.non_resource_path);
        for request in [resource, path] {
            check_abac(&file.policies, &table, &request);
        }
    }
}

/// Static token files: read, and every token in them tried.
pub fn token_file(bytes: &[u8]) {
    let source = Source::new("tokens.csv", bytes);
    let (records, found) = token_file::parse(&source, &Limits::default());
    check_diagnostics(&source, &found);
    // What begins like a hash is no token, and may be refused as a hash.
    let is_plain = |record: &token_file::Record| !record.token.expose().starts_with(b"$");
    let records: Vec<token_file::Record> = records.into_iter().filter(is_plain).collect();
    let (chain, _) =
        Chain::builder(&HashKey::random()).token_file("tokens.csv", records.clone()).build();
    for record in &records {
        let token = record.token.expose();
        let Ok(text) = std::str::from_utf8(token) else { continue };
        let last = records.iter().rfind(|other| other.token.matches(token));
        match chain.authenticate(&Credentials::bearer(text)) {
            Outcome::Authenticated(who) => {
                assert_eq!(last.map(|record| &record.user.name), Some(&who.user().name));
            }
            other => assert!(text.is_empty(), "a token of the file was refused: {other:?}"),
        }
    }
}

/// Basic-auth files: read, and hashed passwords in them understood or refused. None is verified, as a
/// hash may ask for more memory and time than a fuzzer has.
pub fn basic_file(bytes: &[u8]) {
    let source = Source::new("basic.csv", bytes);
    let (records, found) = basic_file::parse(&source, &Limits::default());
    check_diagnostics(&source, &found);
    let (_, found) = Chain::builder(&HashKey::random()).basic_file("basic.csv", records).build();
    check_diagnostics(&source, &found);
}

/// A method, a newline, and the target of a request line.
pub fn request_info(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (method, target) = text.split_once('\n').unwrap_or(("GET", &text));
    match RequestInfo::from_request(method, target) {
        Ok(info) => {
            let request = Attributes::from_request(None, &info);
            assert_eq!(request.path, info.path());
            assert!(request.resource_request || request.resource.is_empty(), "{info:?}");
        }
        Err(error) => drop(error.to_string()),
    }
}

/// Label selectors: parsed, printed, and asked about an object without labels.
pub fn label_selector(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match label_selector::parse(&text) {
        Ok(requirements) => {
            for requirement in &requirements {
                drop(requirement.to_string());
                requirement.matches(&std::collections::BTreeMap::new());
            }
        }
        Err(error) => drop(error.to_string()),
    }
}

/// Field selectors: parsed and looked through.
pub fn field_selector(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match field_selector::parse(&text) {
        Ok(requirements) => drop(field_selector::exact_match(&requirements, "metadata.name")),
        Err(error) => drop(error.to_string()),
    }
}

/// Who is this, and may they do it: tables and reference must agree, for users as they are asked about
/// and for those a token brings.
pub fn authenticate_authorize(bytes: &[u8]) {
    let world = World::new(bytes);
    let key = HashKey::random();
    let (rbac, _) = rbac::Table::compile(&world.policy, &key);
    let abac = verdikt_compiler::abac::Table::compile(&world.abac, &key);
    let tokens = world.token_file();
    let (records, found) =
        token_file::parse(&Source::new("tokens.csv", tokens.as_bytes()), &Limits::default());
    assert!(!found.iter().any(Diagnostic::is_error), "{tokens:?}: {found:?}");
    let (chain, _) = Chain::builder(&key).token_file("tokens.csv", records).anonymous(true).build();

    for question in &world.questions {
        let request = question.attributes();
        check_rbac(&world.policy, &rbac, &request);
        check_abac(&world.abac, &abac, &request);

        let credentials = question.token.map_or_else(Credentials::none, Credentials::bearer);
        let outcome = chain.authenticate(&credentials);
        match (expected_user(&world, question), &outcome) {
            (Some(user), Outcome::Authenticated(who)) => {
                assert_eq!(&user, who.user(), "token {:?} of\n{tokens}", question.token);
                let request = Attributes { user: Some(who.identity().into()), ..question.request };
                check_rbac(&world.policy, &rbac, &request);
                check_abac(&world.abac, &abac, &request);
            }
            (None, Outcome::Authenticated(_)) | (Some(_), _) => {
                panic!("token {:?} of\n{tokens}\n{outcome:?}", question.token);
            }
            (None, _) => {}
        }
    }
}

/// Events about pods, volumes and the like: the index and the graph that is walked must agree on every
/// question in between, and on every object at the end; and nothing stays of what is deleted.
pub fn node_events(bytes: &[u8]) {
    let mut graph = node::Graph::new(&HashKey::random());
    let mut reference = reference::node::Graph::default();
    for step in node_world::steps(bytes) {
        match step {
            Step::Event(event) => {
                graph.apply(&event);
                reference.apply(&event);
            }
            Step::Question(question) => check_node(&graph, &reference, &question.attributes()),
        }
    }
    for question in node_world::reads() {
        check_node(&graph, &reference, &question.attributes());
    }
    for object in reference.objects().into_node_objects() {
        graph.apply(&node::Event::Deleted(object));
    }
    assert_eq!(graph.index().stats().pairs, 0, "something stayed: {graph:#?}");
}

fn check_node(graph: &node::Graph, reference: &reference::node::Graph, request: &Attributes<'_>) {
    let got = match graph.index().lookup(request) {
        Ok(_) => Answer { effect: Effect::Allow, reason: String::new() },
        Err(refusal) => Answer { effect: Effect::NoOpinion, reason: refusal.text(request) },
    };
    let want = reference.authorize(request);
    assert_eq!(got, want, "index (left) and reference (right)\n{request:#?}\n{reference:#?}");
    assert_eq!(graph.index().explain(request).is_some(), got.effect.is_allowed());
}

/// Whom the token of a question belongs to: the last line that has it, with the group of everyone who
/// is authenticated.
fn expected_user(world: &World, question: &Question) -> Option<User> {
    let Some(token) = question.token else { return Some(User::anonymous()) };
    let mut lines = world.tokens.iter().filter(|[other, ..]| *other == token && !token.is_empty());
    let [_, name, uid, of_user] = lines.next_back()?;
    let mut user = User::new(*name, of_user.split(','));
    user.uid = (*uid).to_owned();
    if !user.is_in(groups::AUTHENTICATED) {
        user.groups.push(groups::AUTHENTICATED.to_owned());
    }
    Some(user)
}

/// Tokens: taken apart, held against the key of the examples, and asked about whatever their issuer.
/// Whatever that key has signed, it has signed no other payload with it.
pub fn jwt(bytes: &[u8]) {
    let token = String::from_utf8_lossy(bytes);
    let keys = KeySet::from_pem(PUBLIC_KEY).expect("it holds a key");
    if let Ok(jws) = Jws::parse(&token) {
        let _ = (jws.header().algorithm(), jws.header().key_id(), jws.unverified_payload());
        for key in keys.candidates(None) {
            match jws.verify(key) {
                Ok(()) => check_forged(&token, key),
                Err(error) => drop(error.to_string()),
            }
        }
    }
    let config = service_account::Config {
        issuers: vec!["https://verdikt.example".to_owned()],
        keys: Arc::new(keys),
        api_audiences: vec!["api".to_owned()],
        ..service_account::Config::default()
    };
    for authenticator in
        [ServiceAccounts::legacy(config.clone()), ServiceAccounts::bound(config.clone())]
    {
        match authenticator.authenticate(&token, &[]) {
            Ok(answer) => drop(answer),
            Err(error) => drop(error.to_string()),
        }
    }
    let tokens = BootstrapTokens::new(&[], &[], &Clock::default());
    assert!(matches!(tokens.authenticate(&token, &[]), Ok(None)));
}

/// The signature of a good token is none of another payload.
fn check_forged(token: &str, key: &PublicKey) {
    let mut parts = token.trim().split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return;
    };
    let other = if payload == "e30" { "W10" } else { "e30" };
    if let Ok(forged) = Jws::parse(&format!("{header}.{other}.{signature}")) {
        assert!(forged.verify(key).is_err(), "{token}");
    }
}

/// Expressions over claims: parsed, checked, and evaluated within a limit, which is kept; a value is of the
/// type that was promised, as far as that is simple.
pub fn cel(bytes: &[u8]) {
    use verdikt_cel::{Env, Key, Map, Type, Value};
    let text = String::from_utf8_lossy(bytes);
    let env = Env::kubernetes().variable("claims", Type::map(Type::String, Type::Any));
    let program = match env.compile(&text) {
        Ok(program) => program,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert_eq!(program.source(), text);
    let claim = |name: &str, value| (Key::String(name.into()), value);
    let groups = ["dev", "ops"].map(Value::string).to_vec();
    let claims = Map::new([
        claim("sub", Value::string("jane")),
        claim("groups", Value::list(groups)),
        claim("exp", Value::Int(1_700_000_000)),
        claim("rate", Value::Double(0.5)),
        claim("verified", Value::Bool(true)),
        claim("nothing", Value::Null),
    ]);
    match program.evaluate_within(&[("claims", Value::Map(claims))], CEL_LIMIT) {
        Ok((value, cost)) => {
            assert!(cost <= CEL_LIMIT, "{cost} for {text}");
            let is_promised = match program.output_type() {
                Type::Bool => matches!(value, Value::Bool(_)),
                Type::Int => matches!(value, Value::Int(_)),
                Type::String => matches!(value, Value::String(_)),
                _ => true,
            };
            assert!(is_promised, "{value:?} is no {}: {text}", program.output_type());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Messages of AuthZEN: single evaluations, and batches.
pub fn authzen(bytes: &[u8]) {
    verdikt_server::fuzz::authzen(bytes);
}

/// The headers in which a proxy tells of the request that it holds.
pub fn forward_auth(bytes: &[u8]) {
    verdikt_server::fuzz::forward_auth(bytes);
}

/// What Envoy tells of the request that it holds.
pub fn ext_authz(bytes: &[u8]) {
    verdikt_server::fuzz::ext_authz(bytes);
}

/// Messages of gRPC: read, and answered.
pub fn grpc(bytes: &[u8]) {
    verdikt_server::fuzz::grpc(bytes);
}

/// Reviews in JSON, as they are posted.
pub fn review_json(bytes: &[u8]) {
    verdikt_server::fuzz::review_json(bytes);
}

/// Reviews in protobuf, as kubectl posts them.
pub fn review_protobuf(bytes: &[u8]) {
    verdikt_server::fuzz::review_protobuf(bytes);
}

/// Reviews in YAML.
pub fn review_yaml(bytes: &[u8]) {
    verdikt_server::fuzz::review_yaml(bytes);
}

/// Key files and key sets: what is read of one is found again in the other.
pub fn public_keys(bytes: &[u8]) {
    drop(SigningKey::from_pem(bytes));
    for set in [KeySet::from_pem(bytes), KeySet::from_jwks(bytes)] {
        let Ok(set) = set else { continue };
        let Ok(json) = set.to_jwks() else { continue };
        let again = KeySet::from_jwks(json.as_bytes()).expect("what is printed can be read");
        assert!(set.iter().eq(again.iter()), "{json}");
    }
}

fn check_rbac(policy: &PolicySet, table: &rbac::Table, request: &Attributes<'_>) {
    let user = request.user.map(|user| user.user().clone()).unwrap_or_default();
    let got = match table.lookup(request) {
        Some(binding) => Answer { effect: Effect::Allow, reason: table.reason(binding, &user) },
        None => Answer {
            effect: Effect::NoOpinion,
            reason: table.no_opinion_reason(&user, request.namespace),
        },
    };
    let want = reference::rbac::authorize(policy, request);
    assert_eq!(got, want, "RBAC tables (left) and reference (right)\n{request:#?}\n{policy:#?}");

    let mut rules = Rules::default();
    table.rules_for(&user, request.namespace, &mut rules);
    let want = reference::rbac::rules_for(policy, &user, request.namespace);
    assert_eq!(rules, want, "rules of {user:?} in {:?}\n{policy:#?}", request.namespace);
}

fn check_abac(
    policies: &[abac::Policy],
    table: &verdikt_compiler::abac::Table,
    request: &Attributes<'_>,
) {
    let got = table.lookup(request).map(|index| index as usize);
    let want = reference::abac::first_match(policies, request);
    assert_eq!(got, want, "ABAC table (left) and reference (right)\n{request:#?}\n{policies:#?}");

    let user = request.user.map(|user| user.user().clone()).unwrap_or_default();
    let mut rules = Rules::default();
    table.rules_for(&user, request.namespace, &mut rules);
    let want = reference::abac::rules_for(policies, &user, request.namespace);
    assert_eq!(rules, want, "rules of {user:?} in {:?}\n{policies:#?}", request.namespace);
}

/// A finding stands inside its text, and prints on one line whatever the text holds.
pub(crate) fn check_diagnostics(source: &Source<'_>, found: &[Diagnostic]) {
    let breaks = source.bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    for diagnostic in found {
        let text = diagnostic.to_string();
        assert!(!text.chars().any(char::is_control), "{text:?}");
        for label in diagnostic.primary.iter().chain(&diagnostic.related) {
            assert!(label.place.line as usize <= breaks + 1, "{text} of {} lines", breaks + 1);
        }
    }
}

/// The key the seeds of `jwt` are signed with.
const PUBLIC_KEY: &[u8] =
    include_bytes!("../../policies/authn-service-account/keys/service-account.pub");
/// What an expression may cost here.
const CEL_LIMIT: u64 = 20_000;

/// Kubeconfigs: read, and nothing secret told.
pub fn kubeconfig(bytes: &[u8]) {
    let source = Source::new("kubeconfig", bytes);
    let read = verdikt_parser::kubeconfig::read(&source, "/etc".as_ref(), &Limits::default());
    match read {
        Ok(kubeconfig) => assert!(!kubeconfig.server.is_empty()),
        Err(found) => {
            assert!(!found.is_empty());
            check_diagnostics(&source, &found);
        }
    }
}

/// AuthorizationConfigurations: read, and durations that print as what they are read from.
pub fn authorization_config(bytes: &[u8]) {
    use verdikt_parser::{authorization_config, go_duration};
    let source = Source::new("authorization.yaml", bytes);
    match authorization_config::read(&source, &Limits::default()) {
        Ok(configuration) => {
            let webhooks =
                configuration.authorizers.iter().filter_map(|entry| entry.webhook.as_ref());
            for webhook in webhooks {
                let printed = webhook.timeout.to_string();
                assert_eq!(go_duration::parse(&printed), Ok(webhook.timeout), "{printed}");
            }
        }
        Err(found) => {
            assert!(!found.is_empty());
            check_diagnostics(&source, &found);
        }
    }
}

/// TracingConfigurations: read, and a rate that is a share.
pub fn tracing_configuration(bytes: &[u8]) {
    let source = Source::new("tracing.yaml", bytes);
    match verdikt_parser::tracing_configuration::read(&source, &Limits::default()) {
        Ok(configuration) => {
            assert!(configuration.sampling_rate_per_million.unwrap_or(0) <= 1_000_000);
        }
        Err(found) => {
            assert!(!found.is_empty());
            check_diagnostics(&source, &found);
        }
    }
}
