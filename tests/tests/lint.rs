//! What the linter says of each file in `policies/lint`, of comments that accept findings, and of
//! manifests that people install.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use verdikt_compiler::lint::{self, Choice, Report, Rule};
use verdikt_parser::{Diagnostic, Limits, Options, PolicySet, Source, parse_manifest};

fn lint(name: &str, text: &[u8], choice: &Choice) -> Report {
    let source = Source::new(name, text);
    let (manifest, mut found) = parse_manifest(&source, &Options::default());
    let (policy, of_set) = PolicySet::from_manifests([manifest]);
    found.extend(of_set);
    assert!(!found.iter().any(Diagnostic::is_error), "{name}: {found:?}");
    lint::check(&policy, &[source], found, choice, &Limits::default())
}

/// All rules.
fn lint_all(text: &str) -> Report {
    lint("policy.yaml", text.as_bytes(), &Choice::default())
}

fn only(rule: &str) -> Choice {
    Choice { only: [rule.to_owned()].into(), ..Choice::default() }
}

fn shown(found: &[Diagnostic]) -> String {
    let mut text = String::new();
    for finding in found {
        writeln!(text, "{finding} [{}]", finding.id).unwrap();
        if let Some(label) = &finding.primary {
            let mark = " ".repeat((label.place.column - label.excerpt_column) as usize);
            writeln!(text, "    {}", label.excerpt).unwrap();
            let line = "^".repeat(label.length as usize);
            writeln!(text, "{}", format!("    {mark}{line} {}", label.text).trim_end()).unwrap();
        }
        for related in &finding.related {
            writeln!(text, "  {}: {}", related.place, related.text).unwrap();
        }
        writeln!(text, "  help: {}", finding.help).unwrap();
    }
    text
}

/// The file says what breaks the rule, and what does not.
#[test]
fn each_rule_finds_what_is_bad_and_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/lint");
    let mut rules: Vec<&str> = lint::rules().map(Rule::name).collect();
    for rule in &rules {
        let name = format!("{rule}.yaml");
        let text = fs::read(folder.join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        // A comment is of use only beside the rule it names.
        let choice = match rule.ends_with("-ignore") {
            true => Choice::default(),
            false => only(rule),
        };
        let mut found = lint(&name, &text, &choice).found;
        found.retain(|found| lint::find(found.id).is_some_and(|found| found.name() == *rule));
        assert!(!found.is_empty(), "{name}: nothing was found");
        for finding in &found {
            assert!(!finding.message.contains("`good"), "{finding}");
            assert!(
                finding.primary.as_ref().is_some_and(|label| !label.excerpt.is_empty()),
                "{finding}"
            );
        }
        insta::assert_snapshot!(format!("lint-{rule}"), shown(&found));
    }
    let mut files: Vec<PathBuf> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    assert_eq!(files.len(), rules.len(), "a file for each rule, and no other");
    rules.sort_unstable();
    rules.dedup();
    assert_eq!(files.len(), rules.len(), "two rules have the same name");
}

#[test]
fn a_rule_says_why_and_what_to_do() {
    for rule in lint::rules() {
        for text in [rule.why, rule.advice] {
            assert!(!text.is_empty() && !text.ends_with('.'), "{}: {text}", rule.id);
        }
        assert!(rule.reference.starts_with("https://kubernetes.io/"), "{}", rule.id);
        assert_eq!(lint::find(rule.name()), Some(rule));
        assert_eq!(lint::find(rule.id), Some(rule));
    }
    assert_eq!(lint::find("lint/no-such-rule"), None);
}

const ROLE: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: r, labels: {rbac.authorization.k8s.io/aggregate-to-view: \"true\"}}
rules:
- apiGroups: [\"\"]
  resources:
  - pods
  - secrets
  verbs: [get]
";

/// How many findings stand, and what was said of those that are accepted.
fn check_comment(text: &str, found: &[&str], accepted: &[&str]) {
    let report = lint_all(text);
    let ids: Vec<&str> = report.found.iter().map(|found| found.id).collect();
    let reasons: Vec<&str> =
        report.suppressed.iter().map(|one| one.justification.as_str()).collect();
    assert_eq!((ids.as_slice(), reasons.as_slice()), (found, accepted), "{text}");
}

#[test]
fn a_comment_accepts_what_it_stands_beside_or_above() {
    check_comment(ROLE, &["lint/read-secrets"], &[]);
    let comment = "# verdikt:ignore read-secrets -- it backs them up";
    let reason = "it backs them up";
    for line in
        ["  - secrets", "- apiGroups: [\"\"]", "  resources:", "rules:", "kind", "apiVersion"]
    {
        let (before, after) = ROLE.split_once(line).unwrap();
        let above = format!("{before}{comment}\n{line}{after}");
        let is_inside = !matches!(line, "kind");
        let expected: (&[&str], &[&str]) = match is_inside {
            true => (&[], &[reason]),
            // That is the place of the field `kind`, and of nothing below it.
            false => (&["lint/unused-ignore", "lint/read-secrets"], &[]),
        };
        check_comment(&above, expected.0, expected.1);
        let (of_line, rest) = after.split_once('\n').unwrap();
        let behind = format!("{before}{line}{of_line} {comment}\n{rest}");
        check_comment(&behind, expected.0, expected.1);
    }
    let with_start = format!("# a role\n{comment}\n\n# more\n---\n{ROLE}");
    check_comment(&with_start, &[], &[reason]);
    let id = comment.replace("read-secrets", "lint/read-secrets");
    check_comment(&format!("{id}\n{ROLE}"), &[], &[reason]);
}

#[test]
fn a_comment_holds_for_nothing_beside_it() {
    let comment = "# verdikt:ignore read-secrets -- why";
    let unused = ["lint/unused-ignore", "lint/read-secrets"];
    check_comment(&ROLE.replace("  - pods", &format!("  - pods {comment}")), &unused, &[]);
    let other = ROLE.replace("name: r", "name: other");
    check_comment(&format!("{comment}\n{ROLE}---\n{other}"), &["lint/read-secrets"], &["why"]);
    check_comment(&format!("{ROLE}---\n{comment}\n{other}"), &["lint/read-secrets"], &["why"]);
    let quoted = ROLE.replace("name: r", &format!("name: \"r {comment}\""));
    check_comment(&quoted, &["lint/read-secrets"], &[]);
    let other_rule = format!("# verdikt:ignore create-pods -- why\n{ROLE}");
    check_comment(&other_rule, &unused, &[]);
}

#[test]
fn a_comment_names_rules_and_a_reason() {
    let with = |comment: &str| format!("# verdikt:ignore {comment}\n{ROLE}");
    check_comment(&with("read-secrets"), &["lint/unexplained-ignore"], &[""]);
    check_comment(&with("read-secrets --"), &["lint/unexplained-ignore"], &[""]);
    check_comment(&with("read-secrts -- x"), &["lint/unknown-ignore", "lint/read-secrets"], &[]);
    check_comment(&with("-- x"), &["lint/unknown-ignore", "lint/read-secrets"], &[]);
    check_comment(&with("read-secrets,create-pods -- x"), &["lint/unused-ignore"], &["x"]);
    // A rule that is not looked at finds nothing, for which no comment is to blame.
    let text = with("read-secrets, create-pods -- x");
    let mut choice = only("read-secrets");
    choice.only.insert("unused-ignore".to_owned());
    let report = lint("x.yaml", text.as_bytes(), &choice);
    assert_eq!((report.found.len(), report.suppressed.len()), (0, 1), "{:?}", report.found);
}

#[test]
fn comments_accept_warnings_of_loading_too() {
    let text = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: User, name: jane}]
roleRef: {kind: ClusterRole, name: gone} # verdikt:ignore unknown-role-ref -- made by an operator
";
    check_comment(text, &[], &["made by an operator"]);
}

#[test]
fn rules_can_be_left_out() {
    let mut choice = Choice::default();
    choice.disabled.insert("read-secrets".to_owned());
    assert_eq!(lint("x.yaml", ROLE.as_bytes(), &choice).found, []);
    let other = only("create-pods");
    assert_eq!(lint("x.yaml", ROLE.as_bytes(), &other).found, []);
}

#[test]
fn objects_on_one_line_of_json_have_their_places() {
    let text = r#"{"kind":"List","apiVersion":"v1","items":[{"kind":"ClusterRole","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"a"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]},{"kind":"ClusterRole","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"b"},"rules":[{"apiGroups":[""],"resources":["secrets"],"verbs":["get"]}]}]}"#;
    let report = lint("x.json", text.as_bytes(), &only("read-secrets"));
    let places: Vec<_> = report.found.iter().filter_map(|found| found.primary.as_ref()).collect();
    let column = text.find("\"secrets\"").unwrap() + 1;
    assert_eq!(places.len(), 1);
    assert_eq!((places[0].place.line, places[0].place.column as usize), (1, column));
}

#[test]
fn findings_are_bounded_and_the_worst_are_kept() {
    let text =
        format!("{}---\n{ROLE}", ROLE.replace("name: r,", "name: s,").replace("secrets", "pods"));
    let text = text.replace("verbs: [get]", "verbs: [get, GET]");
    let all = lint_all(&text).found;
    assert!(all.len() > 2, "{all:?}");
    let source = Source::new("x.yaml", text.as_bytes());
    let (manifest, _) = parse_manifest(&source, &Options::default());
    let (policy, _) = PolicySet::from_manifests([manifest]);
    let mut limits = Limits::default();
    limits.diagnostics = 1;
    let report = lint::check(&policy, &[source], Vec::new(), &Choice::default(), &limits);
    let ids: Vec<&str> = report.found.iter().map(|found| found.id).collect();
    assert_eq!(ids.len(), 2, "{ids:?}");
    assert_eq!(ids[1], "parse/more-findings");
}

/// Manifests as they are published: what is found in them was looked at, and is so.
#[test]
fn manifests_that_people_install() {
    for (file, name) in [
        ("data/argo-cd-install.yaml.gz", "argo-cd"),
        ("data/ingress-nginx-deploy.yaml", "ingress-nginx"),
        ("data/kube-prometheus-rbac.yaml", "kube-prometheus"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let mut text =
            fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if file.ends_with(".gz") {
            let packed = std::mem::take(&mut text);
            MultiGzDecoder::new(packed.as_slice()).read_to_end(&mut text).unwrap();
        }
        let lines: Vec<String> = lint(name, &text, &Choice::default())
            .found
            .iter()
            .map(|found| format!("{found} [{}]", found.id))
            .collect();
        insta::assert_snapshot!(format!("lint-of-{name}"), lines.join("\n"));
    }
}

/// What Kubernetes brings along is not for users to mend; a copy under another name is.
#[test]
fn the_default_policy_is_left_alone() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/bootstrap-policy.yaml");
    let text = fs::read_to_string(path).unwrap();
    let found = lint_all(&text).found;
    assert_eq!(found, []);
    let renamed = text.replace("name: cluster-admin\n", "name: my-cluster-admin\n");
    let found = lint("x.yaml", renamed.as_bytes(), &only("everything")).found;
    assert_eq!(found.len(), 1, "{found:?}");
}
