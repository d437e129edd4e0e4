//! Rules over claims and over the user.

use std::collections::BTreeSet;

use verdikt_parser::authentication_config::{ClaimValidationRule, UserValidationRule};

use super::expressions::{Purpose, compile};
use super::field_error::{FieldError, index};
use crate::oidc::mapping::Rule;

pub(super) fn claim_rules(
    rules: &[ClaimValidationRule],
    path: &str,
    found: &mut Vec<FieldError>,
) -> Vec<Rule> {
    let (mut claims, mut expressions) = (BTreeSet::new(), BTreeSet::new());
    let mut compiled = Vec::new();
    for (number, rule) in rules.iter().enumerate() {
        let path = index(path, number);
        match (rule.claim.as_str(), rule.expression.as_str()) {
            ("", "") => {
                found.push(FieldError::required(path, "claim or expression is required"));
            }
            (claim, "") => claim_rule(rule, &path, claims.insert(claim), found),
            ("", expression) => {
                let is_new = expressions.insert(expression);
                compiled.extend(expression_rule(rule, &path, is_new, found));
            }
            (claim, _) => {
                let detail = "claim and expression can't both be set";
                found.push(FieldError::invalid_text(path, claim, detail));
            }
        }
    }
    compiled
}

fn claim_rule(rule: &ClaimValidationRule, path: &str, is_new: bool, found: &mut Vec<FieldError>) {
    if !rule.message.is_empty() {
        let detail = "may not be specified when claim is set";
        found.push(FieldError::invalid_text(format!("{path}.message"), &rule.message, detail));
    }
    if !is_new {
        found.push(FieldError::duplicate(format!("{path}.claim"), &rule.claim));
    }
}

fn expression_rule(
    rule: &ClaimValidationRule,
    path: &str,
    is_new: bool,
    found: &mut Vec<FieldError>,
) -> Option<Rule> {
    if !rule.required_value.is_empty() {
        found.push(FieldError::invalid_text(
            format!("{path}.requiredValue"),
            &rule.required_value,
            "may not be specified when expression is set",
        ));
    }
    let path = format!("{path}.expression");
    if !is_new {
        found.push(FieldError::duplicate(path, &rule.expression));
        return None;
    }
    match compile(&rule.expression, &path, Purpose::ClaimRule) {
        Ok(program) => Some(Rule { program, message: rule.message.clone() }),
        Err(error) => {
            found.push(error);
            None
        }
    }
}

pub(super) fn user_rules(
    rules: &[UserValidationRule],
    path: &str,
    found: &mut Vec<FieldError>,
) -> Vec<Rule> {
    let mut seen = BTreeSet::new();
    let mut compiled = Vec::new();
    for (number, rule) in rules.iter().enumerate() {
        let path = format!("{}.expression", index(path, number));
        if rule.expression.is_empty() {
            found.push(FieldError::required(path, ""));
        } else if !seen.insert(&rule.expression) {
            found.push(FieldError::duplicate(path, &rule.expression));
        } else {
            match compile(&rule.expression, &path, Purpose::UserRule) {
                Ok(program) => compiled.push(Rule { program, message: rule.message.clone() }),
                Err(error) => found.push(error),
            }
        }
    }
    compiled
}
