//! Claims to a user: names, groups, uid and extra, and the rules that must hold.
//!
//! Follows `AuthenticateToken` of apiserver's `plugin/pkg/authenticator/token/oidc/oidc.go`, in its
//! order and words.

use std::collections::BTreeMap;
use std::fmt;

use verdikt_cel::{self as cel, Program};
use verdikt_core::{GoQuoted, User};
use verdikt_parser::authentication_config::JwtAuthenticator;

use super::claims::{Claims, boolean, text, text_or_texts};

/// The expressions of an entry, compiled.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    pub(super) username: Option<Program>,
    pub(super) groups: Option<Program>,
    pub(super) uid: Option<Program>,
    pub(super) extra: Vec<Extra>,
    pub(super) claim_rules: Vec<Rule>,
    pub(super) user_rules: Vec<Rule>,
}

/// A fact about the user.
#[derive(Debug)]
pub(super) struct Extra {
    pub(super) key: String,
    pub(super) program: Program,
}

/// What must be true.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) program: Program,
    /// What to say when it is not.
    pub(super) message: String,
}

/// The user that claims stand for, if all rules hold.
pub(super) fn user(
    config: &JwtAuthenticator,
    expressions: &Expressions,
    claims: &Claims<'_>,
) -> Result<User, String> {
    let mapper =
        Mapper { config, expressions, claims, variable: claims_variable(expressions, claims) };
    let user = User {
        name: mapper.username()?,
        groups: mapper.groups()?,
        uid: mapper.uid()?,
        extra: mapper.extra()?,
    };
    mapper.check_required_claims()?;
    check_rules(&expressions.claim_rules, &mapper.variable)
        .map_err(|error| format!("oidc: error evaluating claim validation expression: {error}"))?;
    if !expressions.user_rules.is_empty() {
        check_rules(&expressions.user_rules, &user_variable(&user)).map_err(|error| {
            format!("oidc: error evaluating user info validation rule: {error}")
        })?;
    }
    Ok(user)
}

struct Mapper<'a> {
    config: &'a JwtAuthenticator,
    expressions: &'a Expressions,
    claims: &'a Claims<'a>,
    /// The claims for expressions.
    variable: Variable,
}

/// What expressions look at.
struct Variable {
    name: &'static str,
    value: cel::Value,
    /// Members that cannot be looked at, and why.
    broken: Vec<(String, String)>,
}

impl Mapper<'_> {
    fn username(&self) -> Result<String, String> {
        if let Some(program) = &self.expressions.username {
            let error =
                |error| format!("oidc: error evaluating username claim expression: {error}");
            let value = evaluate(program, &self.variable).map_err(error)?;
            let name = value.as_str().map(str::to_owned).ok_or_else(|| {
                error("username claim expression must return a string".to_owned())
            })?;
            return match name.as_str() {
                "" => Err("oidc: empty username via CEL expression is not allowed".to_owned()),
                _ => Ok(name),
            };
        }
        let mapping = &self.config.claim_mappings.username;
        let claim = mapping.claim.as_str();
        let name = self
            .claims
            .text(claim)
            .map_err(|error| format!("oidc: parse username claims {}: {error}", GoQuoted(claim)))?;
        if claim == "email" {
            self.check_email_verified()?;
        }
        Ok(mapping.prefix.clone().unwrap_or_default() + &name)
    }

    /// A claim that says an address was verified must say so; there need not be one.
    fn check_email_verified(&self) -> Result<(), String> {
        match self.claims.get("email_verified").map(boolean) {
            None | Some(Ok(true)) => Ok(()),
            Some(Ok(false)) => Err("oidc: email not verified".to_owned()),
            Some(Err(error)) => Err(format!("oidc: parse 'email_verified' claim: {error}")),
        }
    }

    fn groups(&self) -> Result<Vec<String>, String> {
        let mapping = &self.config.claim_mappings.groups;
        let claim = mapping.claim.as_str();
        if !claim.is_empty()
            && let Some(value) = self.claims.get(claim)
        {
            let groups = text_or_texts(value).map_err(|error| {
                format!("oidc: parse groups claim {}: {error}", GoQuoted(claim))
            })?;
            let prefix = mapping.prefix.as_deref().unwrap_or_default();
            return Ok(groups.into_iter().map(|group| format!("{prefix}{group}")).collect());
        }
        let Some(program) = &self.expressions.groups else { return Ok(Vec::new()) };
        evaluate(program, &self.variable)
            .and_then(|value| texts(&value))
            .map_err(|error| format!("oidc: error evaluating group claim expression: {error}"))
    }

    fn uid(&self) -> Result<String, String> {
        let claim = self.config.claim_mappings.uid.claim.as_str();
        if !claim.is_empty() {
            return self
                .claims
                .text(claim)
                .map_err(|error| format!("oidc: parse uid claim {}: {error}", GoQuoted(claim)));
        }
        let Some(program) = &self.expressions.uid else { return Ok(String::new()) };
        let error = |error| format!("oidc: error evaluating uid claim expression: {error}");
        let value = evaluate(program, &self.variable).map_err(error)?;
        let uid = value.as_str().map(str::to_owned);
        uid.ok_or_else(|| error("uid claim expression must return a string".to_owned()))
    }

    fn extra(&self) -> Result<BTreeMap<String, Vec<String>>, String> {
        let mut extra = BTreeMap::new();
        if let Some(Ok(id)) = self.claims.get("jti").map(text)
            && !id.is_empty()
        {
            extra.insert(CREDENTIAL_ID.to_owned(), vec![format!("JTI={id}")]);
        }
        // An error of any comes before what is wrong with the value of another.
        let values: Result<Vec<_>, _> = self
            .expressions
            .extra
            .iter()
            .map(|mapping| evaluate(&mapping.program, &self.variable).map(|value| (mapping, value)))
            .collect();
        for (mapping, value) in values? {
            let values = texts(&value).map_err(|error| {
                let expression = mapping.program.source();
                format!("oidc: error evaluating extra claim expression: {expression}: {error}")
            })?;
            if !values.is_empty() {
                extra.insert(mapping.key.clone(), values);
            }
        }
        Ok(extra)
    }

    fn check_required_claims(&self) -> Result<(), String> {
        let rules = &self.config.claim_validation_rules;
        for rule in rules.iter().filter(|rule| !rule.claim.is_empty()) {
            let claim = &rule.claim;
            let value = self
                .claims
                .get(claim)
                .ok_or_else(|| format!("oidc: required claim {claim} not present in ID token"))?;
            let found =
                text(value).map_err(|error| format!("oidc: parse claim {claim}: {error}"))?;
            let wanted = &rule.required_value;
            if found != *wanted {
                return Err(format!(
                    "oidc: required claim {claim} value does not match. Got = {found}, want = {wanted}"
                ));
            }
        }
        Ok(())
    }
}

/// The claims, if any expression looks at them.
fn claims_variable(expressions: &Expressions, claims: &Claims<'_>) -> Variable {
    let Expressions { username, groups, uid, extra, claim_rules, .. } = expressions;
    let is_needed = [username, groups, uid].iter().any(|program| program.is_some())
        || !extra.is_empty()
        || !claim_rules.is_empty();
    let (value, broken) = if is_needed { claims.to_cel() } else { (cel::Value::Null, Vec::new()) };
    Variable { name: "claims", value, broken }
}

/// The user, before everyone's group is added.
fn user_variable(user: &User) -> Variable {
    let strings = |texts: &[String]| cel::Value::native_string_list(texts.to_vec());
    let extra = user.extra.iter().map(|(key, values)| (key.as_str(), strings(values)));
    let value = cel::Value::lazy_map([
        ("username".to_owned(), cel::Value::string(user.name.as_str())),
        ("uid".to_owned(), cel::Value::string(user.uid.as_str())),
        ("groups".to_owned(), strings(&user.groups)),
        ("extra".to_owned(), cel::Value::map(extra)),
    ]);
    Variable { name: "user", value, broken: Vec::new() }
}

fn evaluate(program: &Program, variable: &Variable) -> Result<cel::Value, String> {
    let Variable { name, value, broken } = variable;
    let failed = |error: &dyn fmt::Display| {
        format!("expression '{}' resulted in error: {error}", program.source())
    };
    // As if it were not there would be wrong: an expression may do without what is not there. One that
    // goes through all of them comes upon it, too.
    let is_read = |member: &str| program.selects(&[name, member]) || program.uses_whole(name);
    match broken.iter().find(|(member, _)| is_read(member)) {
        Some((_, problem)) => Err(failed(problem)),
        None => program.evaluate(&[(name, value.clone())]).map_err(|error| failed(&error)),
    }
}

/// All are evaluated before any is looked at, so an error comes before what is false.
fn check_rules(rules: &[Rule], variable: &Variable) -> Result<(), String> {
    let results: Result<Vec<_>, _> =
        rules.iter().map(|rule| evaluate(&rule.program, variable)).collect();
    for (rule, result) in rules.iter().zip(results?) {
        match result.as_bool() {
            None => return Err("validation expression must return a boolean".to_owned()),
            Some(true) => {}
            Some(false) => {
                let (expression, message) = (rule.program.source(), &rule.message);
                return Err(format!("validation expression '{expression}' failed: {message}"));
            }
        }
    }
    Ok(())
}

/// Follows `convertCELValueToStringList`: what is empty is absent.
fn texts(value: &cel::Value) -> Result<Vec<String>, String> {
    let wrong = || "expression must return a string or a list of strings".to_owned();
    let found = match value {
        cel::Value::Null => Vec::new(),
        cel::Value::String(text) => vec![text.to_string()],
        cel::Value::List(list) if !list.is_native_strings() => {
            let texts: Option<Vec<_>> = list.iter().map(native_text).collect();
            texts.ok_or_else(wrong)?
        }
        _ => return Err(wrong()),
    };
    Ok(found.into_iter().filter(|text| !text.is_empty()).collect())
}

/// What is a string in Go: texts, names of types, and optional values of either.
fn native_text(value: &cel::Value) -> Option<String> {
    match value {
        cel::Value::String(text) | cel::Value::Type(text) => Some(text.to_string()),
        cel::Value::Optional(Some(value)) => native_text(value),
        _ => None,
    }
}

const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

#[cfg(test)]
mod tests {
    use crate::jwt::json::Json;

    use super::*;

    /// What an expression makes of claims of which one, `big`, holds a number that is none of Go's.
    fn check(source: &str, expected: Result<bool, &str>) {
        let json = Json::parse(br#"{"big": 1e999, "name": "ada"}"#, 8).unwrap();
        let (value, broken) = Claims::of(&json).to_cel();
        let claims = cel::Type::map(cel::Type::String, cel::Type::Any);
        let program = cel::Env::kubernetes().variable("claims", claims).compile(source).unwrap();
        let answer = evaluate(&program, &Variable { name: "claims", value, broken });
        match (answer, expected) {
            (Ok(value), Ok(expected)) => assert_eq!(value.as_bool(), Some(expected), "{source}"),
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{source}: {error}"),
            (answer, _) => panic!("{source}: {answer:?}"),
        }
    }

    #[test]
    fn a_claim_that_cannot_be_decoded_is_an_error_to_whoever_comes_upon_it() {
        let problem = Err("claim \"big\" failed to unmarshal");
        check("claims.name == 'ada'", Ok(true));
        check("claims['name'] == 'ada'", Ok(true));
        check("claims.?big.orValue('') == ''", problem);
        check("!has(claims.big)", problem);
        check("dyn(claims).all(value, value == 'ada')", problem);
        check("dyn(claims).exists(value, value == 'ada')", problem);
        check("claims['na' + 'me'] == 'ada'", problem);
    }
}
