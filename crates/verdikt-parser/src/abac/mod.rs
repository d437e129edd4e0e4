//! ABAC policy lines: abac.authorization.kubernetes.io/v1beta1 and the old form without a version.
//!
//! Follows `pkg/auth/authorizer/abac` and `pkg/apis/abac` of Kubernetes: one object a line, any bad line
//! refuses the whole file, and lines that look harmless may grant everything.

mod line;
mod raw;

use std::fmt;

use self::line::read_line;
use crate::{Diagnostic, Label, Limits, Place, Source};

/// One line of an ABAC policy file, after upstream's conversion to its internal form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// User name; `*` is anyone; empty asks nothing of the user.
    pub user: String,
    /// Group; `*` is anyone; empty asks nothing of the groups.
    pub group: String,
    /// Whether only get, list and watch are allowed.
    pub readonly: bool,
    /// API group; `*` is any.
    pub api_group: String,
    /// Resource, subresources included; `*` is any.
    pub resource: String,
    /// Namespace; `*` is any.
    pub namespace: String,
    /// Path of non-resource requests; a final `*` makes a prefix.
    pub non_resource_path: String,
    /// Line of the file, from 1.
    pub line: u32,
}

/// An ABAC policy file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Its policies, in order.
    pub policies: Vec<Policy>,
    /// Whether some line had no version, and was read in the old flat form.
    pub unversioned: bool,
}

/// Which form a line was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// abac.authorization.kubernetes.io/v1beta1, or its internal twin.
    Versioned,
    /// The flat form of old.
    Flat,
}

/// Reads a policy file. Every bad line is an error; the first one's message is what kube-apiserver
/// would say as it refuses to start.
pub fn parse(source: &Source<'_>, limits: &Limits) -> (File, Vec<Diagnostic>) {
    let mut reader = Reader { source, file: File::default(), found: Vec::new() };
    if source.bytes.len() > limits.file_bytes {
        let Source { name, bytes } = source;
        let message =
            format!("{name} has {} bytes, the limit is {}", bytes.len(), limits.file_bytes);
        return (File::default(), vec![Diagnostic::error("parse/file-too-large", message)]);
    }
    let mut lines = source.bytes.split(|&byte| byte == b'\n').peekable();
    let mut number = 0;
    while let Some(line) = lines.next() {
        number += 1;
        // Nothing follows the last newline.
        if line.is_empty() && lines.peek().is_none() {
            break;
        }
        if line.len() >= LONGEST_LINE {
            reader.too_long(number);
            break;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // Go reads bytes; what is not UTF-8 becomes U+FFFD in its JSON decoder.
        reader.line(&String::from_utf8_lossy(line), number);
    }
    if reader.file.policies.is_empty() && reader.found.is_empty() {
        let message = format!("{} holds no policy, so it allows nothing", source.name);
        let help = "add one JSON object a line, of kind Policy with a spec";
        reader.found.push(Diagnostic::warning("abac/no-policies", message).help(help));
    }
    if reader.file.unversioned {
        let name = &source.name;
        let message = format!(
            "Policy file {name} contained unversioned rules. See docs/admin/authorization.md#abac-mode \
             for ABAC file format details."
        );
        reader.found.push(Diagnostic::warning("abac/unversioned", message).help(
            "write apiVersion abac.authorization.kubernetes.io/v1beta1, kind Policy and a spec",
        ));
    }
    (reader.file, reader.found)
}

struct Reader<'a> {
    source: &'a Source<'a>,
    file: File,
    found: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn line(&mut self, line: &str, number: u32) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            return;
        }
        match read_line(line) {
            Ok((policy, form)) => {
                self.warn_of_traps(&policy, form, line, number);
                self.file.unversioned |= form == Form::Flat;
                self.file.policies.push(Policy { line: number, ..policy });
            }
            Err(error) => {
                let name = &self.source.name;
                let message =
                    format!("error reading policy file {name}, line {number}: {line}: {error}");
                let label = self.label(line, number, error.column);
                self.found
                    .push(Diagnostic::error("abac/line", message).help(error.help()).at(label));
            }
        }
    }

    /// Lines that upstream takes, and that hardly anyone can mean.
    fn warn_of_traps(&mut self, policy: &Policy, form: Form, line: &str, number: u32) {
        let everything = Policy { group: AUTHENTICATED.to_owned(), ..Policy::everything() };
        let (id, message, help) = if *policy == everything && form == Form::Flat {
            (
                "abac/grants-everything",
                "this line grants everything to all authenticated users",
                "a line without user, namespace and resource stands for all of them; remove it if that is not meant",
            )
        } else if policy.user.is_empty() && policy.group.is_empty() {
            (
                "abac/matches-nobody",
                "this policy has neither user nor group, and matches nobody",
                "name one of them",
            )
        } else {
            return;
        };
        let label = self.label(line, number, 1);
        self.found.push(Diagnostic::warning(id, message).help(help).at(label));
    }

    fn too_long(&mut self, number: u32) {
        let message = format!(
            "error reading policy file {}: bufio.Scanner: token too long",
            self.source.name
        );
        let label = self.label("", number, 1);
        self.found.push(
            Diagnostic::error("abac/line-too-long", message)
                .help("a line may have up to 65535 bytes")
                .at(label),
        );
    }

    fn label(&self, line: &str, number: u32, column: u32) -> Label {
        let skipped = (column as usize).saturating_sub(EXCERPT / 2);
        let skipped = if line.len() <= EXCERPT { 0 } else { skipped };
        Label {
            place: Place { file: self.source.name.clone(), line: number, column },
            length: 1,
            excerpt: line.chars().skip(skipped).take(EXCERPT).collect(),
            excerpt_column: u32::try_from(skipped + 1).unwrap_or(u32::MAX),
            text: String::new(),
        }
    }
}

impl Policy {
    fn everything() -> Self {
        let any = || "*".to_owned();
        Self {
            api_group: any(),
            resource: any(),
            namespace: any(),
            non_resource_path: any(),
            ..Self::default()
        }
    }
}

/// Why a line cannot be read, in the words of Kubernetes and Go.
#[derive(Debug)]
struct LineError {
    /// In characters, from 1; 1 if it is the line as a whole.
    column: u32,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    /// Not JSON, or not an object.
    NotAnObject(String),
    Yaml(String),
    GroupVersion(String),
    NoKind {
        kind: String,
        version: String,
    },
    UnknownConversion,
    WrongType {
        kind: &'static str,
        field: String,
        go_type: &'static str,
    },
}

impl LineError {
    fn help(&self) -> &'static str {
        match self.cause {
            Cause::NotAnObject(_) | Cause::Yaml(_) => "write one JSON object on a line",
            Cause::GroupVersion(_) | Cause::NoKind { .. } => {
                "write apiVersion abac.authorization.kubernetes.io/v1beta1 and kind Policy"
            }
            Cause::UnknownConversion => "add \"kind\":\"Policy\"",
            Cause::WrongType { .. } => {
                "readonly is true or false without quotes; all else is text in quotes"
            }
        }
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::NotAnObject(cause) => {
                write!(f, "couldn't get version/kind; json parse error: {cause}")
            }
            Cause::Yaml(cause) => write!(f, "yaml: {cause}"),
            Cause::GroupVersion(version) => write!(f, "unexpected GroupVersion string: {version}"),
            Cause::NoKind { kind, version } => write!(
                f,
                "no kind \"{kind}\" is registered for version \"{version}\" in scheme \
                 \"pkg/runtime/scheme.go:111\""
            ),
            Cause::UnknownConversion => {
                f.write_str("converting (v1beta1.Policy) to (v0.Policy): unknown conversion")
            }
            Cause::WrongType { kind, field, go_type } => write!(
                f,
                "json: cannot unmarshal {kind} into Go struct field {field} of type {go_type}"
            ),
        }
    }
}

/// All users that have been authenticated; what `*` for user or group turns into.
const AUTHENTICATED: &str = "system:authenticated";

/// Go's scanner gives up on a line that fills its buffer.
const LONGEST_LINE: usize = 65_536;

/// Longer lines are shown in part.
const EXCERPT: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (File, Vec<String>) {
        let (file, found) = parse(&Source::new("p.jsonl", text.as_bytes()), &Limits::default());
        (file, found.into_iter().map(|found| found.message).collect())
    }

    fn error_of(line: &str) -> String {
        let (_, found) = read(line);
        let prefix = format!("error reading policy file p.jsonl, line 1: {line}: ");
        found.first().and_then(|found| found.strip_prefix(&prefix)).unwrap_or_default().to_owned()
    }

    #[test]
    fn comments_and_blanks_are_skipped_and_lines_counted() {
        let (file, _) = read("# a\n\n \u{a0}\u{2003}\n  # b\r\n{\"user\":\"x\"}\n");
        assert_eq!(file.policies.len(), 1);
        assert_eq!(file.policies[0].line, 5);
    }

    #[test]
    fn lines_that_grant_everything_do_and_warn() {
        for line in ["null", "---", "{}", "{\"kind\":\"Policy\",\"spec\":{\"user\":\"x\"}}", "~"] {
            let (file, found) = read(line);
            let everything = Policy {
                group: "system:authenticated".to_owned(),
                line: 1,
                ..Policy::everything()
            };
            assert_eq!(file.policies, [everything], "{line}");
            assert_eq!(found[0], "this line grants everything to all authenticated users");
        }
    }

    #[test]
    fn causes_in_the_words_of_go() {
        for (line, expected) in [
            (
                "{\"user\":1}",
                "json: cannot unmarshal number into Go struct field Policy.user of type string",
            ),
            (
                "{\"apiVersion\":1}",
                "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .apiVersion of type string",
            ),
            ("{\"apiVersion\":\"a/b/c\"}", "unexpected GroupVersion string: a/b/c"),
            (
                "{\"apiVersion\":\"v1\"}",
                "no kind \"Policy\" is registered for version \"v1\" in scheme \"pkg/runtime/scheme.go:111\"",
            ),
            (
                "{\"apiVersion\":\"abac.authorization.kubernetes.io/v1beta1\"}",
                "converting (v1beta1.Policy) to (v0.Policy): unknown conversion",
            ),
            (
                "{\"apiVersion\":\"abac.authorization.kubernetes.io/v1beta1\",\"kind\":\"Policy\",\"spec\":[]}",
                "json: cannot unmarshal array into Go struct field Policy.spec of type v1beta1.PolicySpec",
            ),
            (
                "{\"apiVersion\":\"abac.authorization.kubernetes.io/v1beta1\",\"kind\":\"Policy\",\"spec\":{\"readonly\":\"yes\"}}",
                "json: cannot unmarshal string into Go struct field PolicySpec.spec.readonly of type bool",
            ),
        ] {
            assert_eq!(error_of(line), expected, "{line}");
        }
    }

    #[test]
    fn a_later_null_leaves_an_earlier_value() {
        let (file, _) = read("{\"user\":\"x\",\"user\":null,\"group\":\"a\",\"group\":\"b\"}");
        assert_eq!((file.policies[0].user.as_str(), file.policies[0].group.as_str()), ("x", "b"));
    }

    #[test]
    fn a_line_of_64_kib_is_too_long() {
        let line = |bytes: usize| format!("#{}", "x".repeat(bytes - 1));
        assert_eq!(read(&line(65_535)).1, ["p.jsonl holds no policy, so it allows nothing"]);
        assert_eq!(
            read(&line(65_536)).1,
            ["error reading policy file p.jsonl: bufio.Scanner: token too long"]
        );
    }

    #[test]
    fn user_or_group_star_erases_the_other() {
        let spec = |spec: &str| {
            format!(
                "{{\"apiVersion\":\"abac.authorization.kubernetes.io/v1beta1\",\"kind\":\"Policy\",\"spec\":{spec}}}"
            )
        };
        let (file, _) = read(&spec("{\"user\":\"bob\",\"group\":\"*\"}"));
        assert_eq!(
            (file.policies[0].user.as_str(), file.policies[0].group.as_str()),
            ("", "system:authenticated")
        );
        let (file, found) = read(&spec("{}"));
        assert_eq!(file.policies[0].api_group, "");
        assert_eq!(found, ["this policy has neither user nor group, and matches nobody"]);
    }
}
