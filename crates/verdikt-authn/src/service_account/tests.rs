//! Tokens signed on the spot, for what the vectors cannot show: the clock, and modes without objects.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use verdikt_core::HashKey;
use verdikt_parser::{Options, PolicySet, Source, parse_manifest};

use super::*;
use crate::jwt::test_key;

const NOW: i64 = 1_700_000_000;

struct World {
    pair: EcdsaKeyPair,
    config: Config,
}

fn world(manifest: &str) -> World {
    let (manifest, found) =
        parse_manifest(&Source::new("m.yaml", manifest.as_bytes()), &Options::wire());
    assert!(!found.iter().any(verdikt_parser::Diagnostic::is_error), "{found:?}");
    let (policy, _) = PolicySet::from_manifests([manifest]);
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let config = Config {
        issuers: vec!["https://issuer".to_owned()],
        keys: Arc::new([test_key(pair.public_key().as_ref())].into_iter().collect()),
        api_audiences: vec!["api".to_owned()],
        lookup: true,
        objects: Some(Arc::new(Objects::from_policy(&policy))),
        clock: Clock::standing(NOW),
        ..Config::default()
    };
    World { pair, config }
}

impl World {
    fn sign(&self, header: &str, claims: &str) -> String {
        let [header, claims] = [header, claims].map(|part| base64url::encode(part.as_bytes()));
        let signed = format!("{header}.{claims}");
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", base64url::encode(signature.as_ref()))
    }

    fn answer(&self, token: &str) -> String {
        match ServiceAccounts::bound(self.config.clone()).authenticate(token, &[]) {
            Ok(Some(accepted)) => format!("{} {:?}", accepted.user.name, accepted.audiences),
            Ok(None) => "no opinion".to_owned(),
            Err(error) => error.to_string(),
        }
    }
}

fn claims(times: &str, bound: &str) -> String {
    format!(
        r#"{{"iss":"https://issuer","sub":"x","aud":["api"]{times},"kubernetes.io":
        {{"namespace":"a","serviceaccount":{{"name":"b","uid":"u"}}{bound}}}}}"#
    )
}

const GOOD: &str = r#"system:serviceaccount:a:b ["api"]"#;
const ACCOUNT: &str = "
kind: ServiceAccount
apiVersion: v1
metadata: {namespace: a, name: b, uid: u}
";

#[test]
fn times_have_a_minute_of_leeway() {
    let world = world(ACCOUNT);
    for (times, expected) in [
        (String::new(), GOOD),
        (format!(r#","nbf":{}"#, NOW + 60), GOOD),
        (format!(r#","nbf":{}"#, NOW + 61), "service account token is not valid yet"),
        (format!(r#","exp":{}"#, NOW - 60), GOOD),
        (format!(r#","exp":{}.9"#, NOW - 61), "service account token has expired"),
        (format!(r#","iat":{}"#, NOW + 60), GOOD),
        (format!(r#","iat":{}"#, NOW + 61), "service account token is issued in the future"),
        (r#","exp":1e30"#.to_owned(), "service account token has expired"),
        (r#","exp":1e18"#.to_owned(), GOOD),
        (r#","exp":null"#.to_owned(), GOOD),
        (format!(r#","exp":1,"nbf":{}"#, NOW + 61), "service account token is not valid yet"),
    ] {
        assert_eq!(world.answer(&world.sign(ES256, &claims(&times, ""))), expected, "{times}");
    }
}

#[test]
fn what_is_being_deleted_is_good_for_a_minute() {
    for (deleted, expected) in [
        ("2023-11-14T22:12:20Z", GOOD),
        ("2023-11-14T22:12:19Z", "service account a/b has been deleted"),
        ("2023-11-14T22:12:19.999999999Z", "service account a/b has been deleted"),
        ("2123-11-14T22:12:20Z", GOOD),
        ("tomorrow", "service account a/b has been deleted"),
    ] {
        let manifest = ACCOUNT.replace("uid: u", &format!("uid: u, deletionTimestamp: {deleted}"));
        let world = world(&manifest);
        assert_eq!(world.answer(&world.sign(ES256, &claims("", ""))), expected, "{deleted}");
    }
}

#[test]
fn without_objects_signature_and_claims_decide() {
    let mut world = world("");
    let bound = r#","pod":{"name":"p","uid":"pu"},"node":{"name":"n","uid":"nu"}"#;
    let token = world.sign(ES256, &claims("", bound));
    assert_eq!(world.answer(&token), r#"serviceaccounts "b" not found"#);
    world.config.objects = None;
    assert_eq!(world.answer(&token), GOOD);
    let expired = world.sign(ES256, &claims(r#","exp":1"#, bound));
    assert_eq!(world.answer(&expired), "service account token has expired");
    let accepted = ServiceAccounts::bound(world.config).authenticate(&token, &[]);
    let user = accepted.unwrap().unwrap().user;
    let extra: Vec<_> = user.extra.iter().map(|(key, value)| format!("{key} {value:?}")).collect();
    assert_eq!(
        extra,
        [
            r#"authentication.kubernetes.io/node-name ["n"]"#,
            r#"authentication.kubernetes.io/node-uid ["nu"]"#,
            r#"authentication.kubernetes.io/pod-name ["p"]"#,
            r#"authentication.kubernetes.io/pod-uid ["pu"]"#,
        ]
    );
}

#[test]
fn the_header_is_read_as_go_jose_reads_it() {
    let world = world(ACCOUNT);
    let crypto = "go-jose/go-jose: error in cryptographic primitive";
    for (header, expected) in [
        (ES256, GOOD),
        (r#"{"alg":"ES256","kid":null,"crit":null,"b64":"x","jwk":null}"#, GOOD),
        (r#"{"alg":"ES256","crit":["b64"]}"#, GOOD),
        (r#"{"alg":"ES256","crit":["exp"]}"#, crypto),
        (r#"{"alg":"ES256","crit":"b64"}"#, CRIT_TEXT),
        (r#"{"alg":"es256"}"#, crypto),
        (r#"{"alg":"ES384"}"#, crypto),
        (r#"{"alg":"RS256"}"#, crypto),
        (r#"{"alg":"HS256"}"#, crypto),
        (r#"{"alg":"none"}"#, crypto),
        (r#"{"Alg":"ES256"}"#, crypto),
        ("null", crypto),
        (r#"{"alg":"ES256","alg":"ES256"}"#, "no opinion"),
        (r#"{"alg":"ES256","x":{"y":1,"y":2}}"#, "no opinion"),
        (r#"{"alg":7}"#, "no opinion"),
        (r#"{"alg":"ES256","jwk":{"kty":"oct","k":"AA"}}"#, "no opinion"),
        (r#"{"alg":"ES256","x5c":["AA=="]}"#, "no opinion"),
        (r#"{"alg":"ES256","kid":"x"}"#, "invalid signature, no keys found"),
        ("[]", "no opinion"),
        ("", "no opinion"),
    ] {
        let expected = if header.is_empty() { crypto } else { expected };
        assert_eq!(world.answer(&world.sign(header, &claims("", ""))), expected, "{header}");
    }
}

#[test]
fn what_is_signed_is_the_canonical_form() {
    let world = world(ACCOUNT);
    let token = world.sign(r#"{"alg":"ES256" }"#, &claims("", ""));
    let (header, rest) = token.split_once('.').unwrap();
    assert_eq!(header.len() % 4, 2, "the last letter has bits to spare");
    let (most, last) = header.split_at(header.len() - 1);
    let next = char::from(last.as_bytes()[0] + 1);
    for (token, expected) in [
        (token.clone(), GOOD),
        (format!("{most}{next}.{rest}"), GOOD),
        (format!(" {header}.\n{rest}\t"), GOOD),
        (format!("{header}=.{rest}"), "no opinion"),
        (format!("{token}."), "no opinion"),
        (token.replacen('.', ". ", 1), "no opinion"),
    ] {
        assert_eq!(world.answer(&token), expected, "{token}");
    }
}

#[test]
fn claims_are_read_in_exact_case_and_once() {
    let world = world(ACCOUNT);
    let duplicate = claims("", "").replacen('{', r#"{"iss":"https://issuer","#, 1);
    let nested = claims("", r#","x":{"y":1,"y":2},"pod":null"#);
    let inner = claims("", r#","namespace":"a""#);
    let spelled = claims("", "").replace("\"iss\"", "\"ISS\"");
    for (claims, expected) in [
        (duplicate, "json: duplicate key 'iss' in object"),
        (nested, GOOD),
        (inner, "json: duplicate key 'namespace' in object"),
        (spelled, r#"token issuer "" is invalid"#),
    ] {
        assert_eq!(world.answer(&world.sign(ES256, &claims)), expected, "{claims}");
    }
}

#[test]
fn long_and_deep_tokens_cost_nothing_much() {
    let world = world(ACCOUNT);
    let deep = |depth| claims("", &format!(r#","x":{}{}"#, "[".repeat(depth), "]".repeat(depth)));
    assert_eq!(world.answer(&world.sign(ES256, &deep(1_000))), GOOD);
    assert_eq!(world.answer(&world.sign(ES256, &deep(20_000))), "no opinion");
    assert_eq!(world.answer(&"a".repeat(1 << 20)), "no opinion");
    assert_eq!(world.answer(&world.sign(ES256, &deep(500_000))), "no opinion");
}

#[test]
fn the_chain_adds_the_group_of_everyone() {
    let world = world(ACCOUNT);
    let (chain, _) = crate::Chain::builder(&HashKey::random())
        .api_audiences(world.config.api_audiences.clone())
        .tokens(ServiceAccounts::bound(world.config.clone()))
        .clock(world.config.clock.clone())
        .build();
    let token = world.sign(ES256, &claims("", ""));
    let credentials = verdikt_core::Credentials::bearer(&token);
    let crate::Outcome::Authenticated(who) = chain.authenticate(&credentials) else { panic!() };
    assert_eq!(
        who.user().groups,
        ["system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"]
    );
    assert_eq!((who.method(), who.audiences()), (Method::ServiceAccount, &["api".to_owned()][..]));
}

const ES256: &str = r#"{"alg":"ES256"}"#;
const CRIT_TEXT: &str = "json: cannot unmarshal string into Go value of type []string";
