//! Whether what is said of one webhook makes sense: `ValidateWebhookConfiguration`.

use std::path::Path;

use verdikt_authn::oidc::config::{FieldError, Value, index, json_string};
use verdikt_parser::authorization_config::{ConnectionInfo, WebhookConfiguration};
use verdikt_parser::go_duration::GoDuration;

use crate::authorizer::match_conditions::MatchConditions;
use crate::source;

/// `path` is that of the authorizer; upstream leaves `webhook` out of its paths.
pub(super) fn check(webhook: &WebhookConfiguration, path: &str, found: &mut Vec<FieldError>) {
    let field = |name: &str| format!("{path}.{name}");
    let timeout = webhook.timeout;
    if timeout == GoDuration(0) {
        found.push(FieldError::required(field("timeout"), ""));
    } else if timeout > GoDuration::seconds(30) || timeout < GoDuration(0) {
        let detail = "must be > 0s and <= 30s";
        found.push(FieldError::invalid_text(field("timeout"), &timeout.to_string(), detail));
    }
    for (name, ttl) in
        [("authorizedTTL", webhook.authorized_ttl), ("unauthorizedTTL", webhook.unauthorized_ttl)]
    {
        if ttl == GoDuration(0) {
            found.push(FieldError::required(field(name), ""));
        } else if ttl < GoDuration(0) {
            found.push(FieldError::invalid_text(field(name), &ttl.to_string(), "must be > 0s"));
        }
    }
    one_of(
        field("subjectAccessReviewVersion"),
        &webhook.subject_access_review_version,
        &["v1", "v1beta1"],
        found,
    );
    let version = &webhook.match_condition_subject_access_review_version;
    let version_field = field("matchConditionSubjectAccessReviewVersion");
    match version.as_str() {
        "" if webhook.match_conditions.is_empty() => {}
        "" => found.push(FieldError::required(
            version_field,
            "required if match conditions are specified",
        )),
        _ => one_of(version_field, version, &["v1"], found),
    }
    one_of(field("failurePolicy"), &webhook.failure_policy, &["NoOpinion", "Deny"], found);
    check_connection(&webhook.connection_info, &field("connectionInfo"), found);
    check_conditions(&webhook.match_conditions, &field("matchConditions"), found);
}

fn one_of(path: String, value: &str, supported: &[&str], found: &mut Vec<FieldError>) {
    if value.is_empty() {
        found.push(FieldError::required(path, ""));
    } else if !supported.contains(&value) {
        found.push(FieldError::not_supported(path, Value::Text(value.to_owned()), supported));
    }
}

fn check_connection(connection: &ConnectionInfo, path: &str, found: &mut Vec<FieldError>) {
    let of_type = format!("{path}.type");
    let of_file = format!("{path}.kubeConfigFile");
    match (connection.connection_type.as_str(), connection.kube_config_file.as_deref()) {
        ("", _) => found.push(FieldError::required(of_type, "")),
        ("InClusterConfig", None) => {}
        ("InClusterConfig", Some(file)) => {
            let detail = "can only be set when type=KubeConfigFile";
            found.push(FieldError::invalid_text(of_file, file, detail));
        }
        ("KubeConfigFile", None | Some("")) => found.push(FieldError::required(of_file, "")),
        ("KubeConfigFile", Some(file)) => {
            if let Err(detail) = check_file(file) {
                found.push(FieldError::invalid_text(of_file, file, detail));
            }
        }
        (other, file) => {
            let file = file.map_or_else(|| "null".to_owned(), json_string);
            let other = json_string(other);
            let value = Value::Json(format!("{{\"Type\":{other},\"KubeConfigFile\":{file}}}"));
            let supported = ["InClusterConfig", "KubeConfigFile"];
            found.push(FieldError::not_supported(of_type, value, &supported));
        }
    }
}

fn check_file(file: &str) -> Result<(), String> {
    let path = Path::new(file);
    if !path.is_absolute() {
        return Err("must be an absolute path".to_owned());
    }
    match std::fs::metadata(path) {
        Err(error) => {
            Err(format!("error loading file: {}", source::cannot("stat", file, &error).message))
        }
        Ok(metadata) if !metadata.is_file() => Err("must be a regular file".to_owned()),
        Ok(_) => Ok(()),
    }
}

fn check_conditions(conditions: &[String], path: &str, found: &mut Vec<FieldError>) {
    let Err(invalid) = MatchConditions::compile(conditions) else { return };
    found.extend(invalid.into_iter().map(|condition| match condition.index {
        Some(number) => {
            let path = format!("{}.expression", index(path, number));
            FieldError::worded(path, condition.problem)
        }
        None => FieldError::worded(path, condition.problem),
    }));
}
