//! Whether the options of an authenticating proxy make sense.
//!
//! Follows `RequestHeaderAuthenticationOptions.Validate` of apiserver's
//! `pkg/server/options/authentication.go`, in its words.

use verdikt_parser::Diagnostic;

use super::HeaderNames;

/// What is wrong with, or odd about, the `--requestheader-*` options.
pub fn validate(headers: &HeaderNames, allowed_names: &[String]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let HeaderNames { user, uid, group, extra_prefixes } = headers;
    for (flag, values) in [
        ("requestheader-username-headers", user.as_slice()),
        ("requestheader-group-headers", group),
        ("requestheader-extra-headers-prefix", extra_prefixes),
        ("requestheader-allowed-names", allowed_names),
        ("requestheader-uid-headers", uid),
    ] {
        if values.iter().any(|value| value.trim().is_empty()) {
            let message = format!("empty value in \"{flag}\"");
            found.push(Diagnostic::error("options/invalid", message));
        }
    }
    for (flag, values, standard, what) in [
        ("username-headers", user, "X-Remote-User", "header"),
        ("group-headers", group, "X-Remote-Group", "header"),
        ("extra-headers-prefix", extra_prefixes, "X-Remote-Extra-", "header prefix"),
        ("uid-headers", uid, "X-Remote-Uid", "header"),
    ] {
        let has_standard = values.iter().any(|value| value.eq_ignore_ascii_case(standard));
        if values.is_empty() || has_standard {
            continue;
        }
        let message = format!(
            "--requestheader-{flag} is set without specifying the standard {standard} {what} - API \
             aggregation will not work"
        );
        // Upstream refuses only what came later than the clusters that might have it.
        found.push(match flag {
            "uid-headers" => Diagnostic::error("options/invalid", message),
            _ => Diagnostic::warning("options/not-standard", message),
        });
    }
    found
}
