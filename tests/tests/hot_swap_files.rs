//! Files change while the engine serves: what changed is seen, what is broken is refused, and no
//! answer ever comes from half of a change.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use verdikt::{
    Attributes, Credentials, Engine, Outcome, Reload, Revision, Snapshot, User, WatchOptions,
};

#[test]
fn an_edit_in_place_is_seen() {
    both_ways(|options| {
        let files = Files::new(&[("policy/rbac.yaml", &grant("pods"))]);
        let engine = files.watch_policy(options);
        assert!(allows(&engine, "pods") && !allows(&engine, "secrets"));
        files.write("policy/rbac.yaml", &grant("secrets"));
        until(&engine, |engine| allows(engine, "secrets"));
        assert!(!allows(&engine, "pods"));
        assert!(engine.revision() > Revision(1));
    });
}

#[test]
fn a_file_renamed_over_another_is_seen_again_and_again() {
    both_ways(|options| {
        let files = Files::new(&[("policy/rbac.yaml", &grant("pods"))]);
        let engine = files.watch_policy(options);
        for resource in ["secrets", "services", "pods"] {
            files.replace("policy/rbac.yaml", &grant(resource));
            until(&engine, |engine| allows(engine, resource));
        }
    });
}

#[test]
fn a_volume_changes_when_its_data_link_is_swapped() {
    both_ways(|options| {
        let files = Files::new(&[
            ("policy/..1/rbac.yaml", &grant("pods")),
            ("policy/..2/rbac.yaml", &grant("secrets")),
            ("policy/..3/rbac.yaml", &grant("services")),
        ]);
        files.link("..1", "policy/..data");
        files.link("..data/rbac.yaml", "policy/rbac.yaml");
        let engine = files.watch_policy(options);
        for (generation, before, resource) in
            [("..2", "..1", "secrets"), ("..3", "..2", "services")]
        {
            files.swap_link(generation, "policy/..data");
            // The kubelet clears away what was there before.
            fs::remove_dir_all(files.path("policy").join(before)).unwrap();
            until(&engine, |engine| allows(engine, resource));
        }
    });
}

#[test]
fn a_folder_given_as_a_link_may_be_pointed_elsewhere() {
    both_ways(|options| {
        let files = Files::new(&[
            ("releases/1/rbac.yaml", &grant("pods")),
            ("releases/2/rbac.yaml", &grant("secrets")),
        ]);
        files.link("releases/1", "policy");
        let engine = files.watch_policy(options);
        files.swap_link("releases/2", "policy");
        until(&engine, |engine| allows(engine, "secrets"));
        files.write("releases/2/rbac.yaml", &grant("services"));
        until(&engine, |engine| allows(engine, "services"));
    });
}

#[test]
fn a_folder_removed_keeps_the_last_policy_and_made_again_is_watched_again() {
    both_ways(|options| {
        let files = Files::new(&[("policy/rbac.yaml", &grant("pods"))]);
        let engine = files.watch_policy(options);
        // In one step: removed file by file, it could be seen empty, which is a policy as well.
        fs::rename(files.path("policy"), files.path("gone")).unwrap();
        fs::remove_dir_all(files.path("gone")).unwrap();
        until(&engine, |engine| !engine.status().last_reload.ok);
        assert!(allows(&engine, "pods"));
        for resource in ["secrets", "services"] {
            files.write("policy/rbac.yaml", &grant(resource));
            until(&engine, |engine| allows(engine, resource));
        }
        assert!(engine.status().last_reload.ok);
    });
}

#[test]
fn folders_that_come_and_go_inside_are_followed() {
    both_ways(|options| {
        let files = Files::new(&[("policy/rbac.yaml", &grant("pods"))]);
        let engine = files.watch_policy(options);
        files.write("policy/new/deep/rbac.yaml", &named_grant("more", "secrets"));
        until(&engine, |engine| allows(engine, "secrets") && allows(engine, "pods"));
        files.write("policy/new/deep/rbac.yaml", &named_grant("more", "services"));
        until(&engine, |engine| allows(engine, "services") && !allows(engine, "secrets"));
        fs::remove_dir_all(files.path("policy/new")).unwrap();
        until(&engine, |engine| !allows(engine, "services"));
        assert!(allows(&engine, "pods"));
    });
}

#[test]
fn a_broken_edit_is_refused_and_reported_until_it_is_repaired() {
    both_ways(|options| {
        let files = Files::new(&[
            ("policy/a.yaml", &grant("pods")),
            ("policy/b.yaml", &named_grant("more", "services")),
        ]);
        let engine = files.watch_policy(options);
        let before = engine.revision();
        // Half of the set is good and changed; it must not be used either.
        files.replace("policy/b.yaml", "kind: ClusterRole\nrules: [{");
        files.replace("policy/a.yaml", &grant("secrets"));
        until(&engine, |engine| !engine.status().last_reload.ok);
        assert!(allows(&engine, "pods") && allows(&engine, "services"));
        assert!(!allows(&engine, "secrets"));
        assert_eq!(engine.revision(), before);
        let status = engine.status();
        assert!(status.last_reload.error.is_some_and(|error| error.contains("b.yaml")));
        assert!(status.last_reload.diagnostics.iter().any(verdikt::Diagnostic::is_error));

        files.replace("policy/b.yaml", &named_grant("more", "nodes"));
        until(&engine, |engine| engine.status().last_reload.ok);
        assert!(allows(&engine, "secrets") && allows(&engine, "nodes"));
        assert!(!allows(&engine, "pods") && !allows(&engine, "services"));
    });
}

#[test]
fn token_basic_auth_and_abac_files_are_watched() {
    both_ways(|options| {
        let files = Files::new(&[
            ("tokens.csv", "t1,jane,1,testers\n"),
            ("basic.csv", "p1,jane,1,testers\n"),
            ("abac.jsonl", &abac("pods")),
        ]);
        let engine = Engine::builder()
            .token_auth_file(files.path("tokens.csv"))
            .basic_auth_file(files.path("basic.csv"))
            .authorization_policy_file(files.path("abac.jsonl"))
            .watch_with(options)
            .build()
            .unwrap();
        let bearer = Credentials::bearer;
        // jane:p1 and jane:p2
        let [p1, p2] = [b"Basic amFuZTpwMQ==", b"Basic amFuZTpwMg=="].map(|header| &header[..]);
        assert!(knows(&engine, bearer("t1")) && !knows(&engine, bearer("t2")));
        files.write("tokens.csv", "t2,jane,1,testers\n");
        until(&engine, |engine| knows(engine, bearer("t2")));
        assert!(!knows(&engine, bearer("t1")));

        assert!(knows(&engine, Credentials::authorization(p1)));
        files.write("basic.csv", "p2,jane,1,testers\n");
        until(&engine, |engine| knows(engine, Credentials::authorization(p2)));
        assert!(!knows(&engine, Credentials::authorization(p1)));

        assert!(allows(&engine, "pods"));
        files.write("abac.jsonl", &abac("secrets"));
        until(&engine, |engine| allows(engine, "secrets"));
        assert!(!allows(&engine, "pods"));
    });
}

#[test]
fn the_same_contents_again_are_no_new_policy() {
    let files = Files::new(&[("policy/rbac.yaml", &grant("pods"))]);
    let engine = Engine::builder().policy_dir(files.path("policy")).build().unwrap();
    let digest = engine.snapshot().digest().to_owned();
    files.replace("policy/rbac.yaml", &grant("pods"));
    assert_eq!(engine.reload().unwrap(), Reload::Unchanged(Revision(1)));
    files.write("policy/rbac.yaml", &grant("secrets"));
    assert_eq!(engine.reload().unwrap(), Reload::Changed(Revision(2)));
    assert_ne!(engine.snapshot().digest(), digest);
    files.write("policy/rbac.yaml", &grant("pods"));
    assert_eq!(engine.reload().unwrap(), Reload::Changed(Revision(3)));
    assert_eq!(engine.snapshot().digest(), digest);
}

/// Roles, bindings and tokens change together; each of their mixtures would answer like neither.
#[test]
fn no_answer_comes_from_half_a_change_of_files() {
    let files = Files::new(&[
        ("volume/..a/roles.yaml", &role("reader", "pods, services")),
        ("volume/..a/bindings.yaml", &binding("reader", "a")),
        ("volume/..a/tokens.csv", "token,alice,1,a\n"),
        ("volume/..b/roles.yaml", &role("reader", "secrets, services")),
        ("volume/..b/bindings.yaml", &binding("reader", "b")),
        ("volume/..b/tokens.csv", "token,bob,2,b\n"),
    ]);
    files.link("..a", "volume/..data");
    for file in ["roles.yaml", "bindings.yaml", "tokens.csv"] {
        files.link(&format!("..data/{file}"), &format!("volume/{file}"));
    }
    // Watching goes on as well, and may notice any swap first.
    let engine = Engine::builder()
        .policy_dir(files.path("volume"))
        .token_auth_file(files.path("volume/tokens.csv"))
        .poll_interval(Duration::from_millis(10))
        .build()
        .unwrap();
    hammer(
        &engine,
        &answers("alice", [true, false, true, false]),
        &answers("bob", [false, true, true, false]),
        |swap| {
            files.swap_link(if swap % 2 == 0 { "..b" } else { "..a" }, "volume/..data");
            engine.reload().unwrap();
        },
    );
}

#[test]
fn no_answer_comes_from_half_a_change_in_memory() {
    let policy = |resources| [("roles", role("reader", resources)), ("to", binding("reader", "a"))];
    let files = Files::new(&[("tokens.csv", "token,alice,1,a\n")]);
    let mut builder = Engine::builder().token_auth_file(files.path("tokens.csv"));
    for (name, text) in policy("pods, services") {
        builder = builder.manifest(name, text);
    }
    let engine = builder.build().unwrap();
    hammer(
        &engine,
        &answers("alice", [true, false, true, false]),
        &answers("alice", [false, true, true, true]),
        |swap| {
            let odd = swap % 2 == 1;
            let resources = if odd { "pods, services" } else { "secrets, services, nodes" };
            engine.replace_manifests(policy(resources)).unwrap();
        },
    );
}

/// Who the token belongs to, and which of [`RESOURCES`] they may get.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answers {
    user: String,
    allowed: [bool; RESOURCES.len()],
}

const RESOURCES: [&str; 4] = ["pods", "secrets", "services", "nodes"];
const SWAPS: u64 = 2_000;

fn answers(user: &str, allowed: [bool; RESOURCES.len()]) -> Answers {
    Answers { user: user.to_owned(), allowed }
}

/// Swaps between two policies, `even` (after an odd number of changes) and `odd` (at the start),
/// while three threads ask. Each change makes one revision, so the revision says which policy it is.
fn hammer(engine: &Engine, odd: &Answers, even: &Answers, swap: impl Fn(u64)) {
    let ended = AtomicBool::new(false);
    let expected = |revision: Revision| if revision.0 % 2 == 1 { odd } else { even };
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut latest = Revision(0);
                while !ended.load(Ordering::Relaxed) {
                    let snapshot = engine.snapshot();
                    let revision = snapshot.revision();
                    assert!(revision >= latest, "{revision} after {latest}");
                    assert_eq!(&ask(&snapshot), expected(revision), "at revision {revision}");
                    latest = ask_directly(engine, revision, expected);
                }
            });
        }
        // Also if a swap panics: or else the threads would ask on for ever.
        let _end = EndOnDrop(&ended);
        (0..SWAPS).for_each(swap);
    });
    assert_eq!(engine.revision(), Revision(1 + SWAPS));
}

struct EndOnDrop<'a>(&'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Several questions to one state of the policy.
fn ask(snapshot: &Arc<Snapshot>) -> Answers {
    let Outcome::Authenticated(authenticated) =
        snapshot.authenticate(&Credentials::bearer("token"))
    else {
        panic!("the token is good under both policies");
    };
    let user = authenticated.user();
    let may_get = |resource| {
        let request = Attributes::resource(user, "get", resource);
        snapshot.authorize(&request).is_allowed()
    };
    answers(&user.name, RESOURCES.map(may_get))
}

/// Single questions, each to the state that serves at that moment; the latest is returned.
fn ask_directly<'a>(
    engine: &Engine,
    since: Revision,
    expected: impl Fn(Revision) -> &'a Answers,
) -> Revision {
    let mut latest = since;
    for (position, resource) in RESOURCES.into_iter().enumerate() {
        let request =
            Attributes { verb: "get", resource, resource_request: true, ..Attributes::default() };
        let decision = engine.decide(&Credentials::bearer("token"), &request).unwrap();
        let revision = decision.revision();
        assert!(revision >= latest, "{revision} after {latest}");
        let expected = expected(revision);
        assert_eq!(decision.user().map(|user| &user.name), Some(&expected.user));
        assert_eq!(decision.is_allowed(), expected.allowed[position], "{resource} at {revision}");
        latest = revision;
    }
    latest
}

/// Runs a scenario with changes announced by the operating system alone, then found by polling alone.
fn both_ways(scenario: impl Fn(WatchOptions)) {
    let mut told = WatchOptions::default();
    told.poll_interval = Duration::from_secs(3600);
    scenario(told);
    let mut polled = WatchOptions::default();
    polled.notifications = false;
    polled.poll_interval = Duration::from_millis(10);
    scenario(polled);
}

/// Waits for what watching will bring about sooner or later; fails if it is much later.
fn until(engine: &Engine, come: impl Fn(&Engine) -> bool) {
    let start = Instant::now();
    while !come(engine) {
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", engine.status());
        thread::sleep(Duration::from_millis(2));
    }
}

fn allows(engine: &Engine, resource: &str) -> bool {
    let user = User::new("jane", ["testers"]);
    let request = Attributes::resource(&user, "get", resource);
    engine.authorize(&request).is_allowed()
}

fn knows(engine: &Engine, credentials: Credentials<'_>) -> bool {
    matches!(engine.authenticate(&credentials), Outcome::Authenticated(_))
}

fn grant(resource: &str) -> String {
    named_grant("test", resource)
}

/// Lets the group `testers` get a resource.
fn named_grant(name: &str, resource: &str) -> String {
    format!("{}---\n{}", role(name, resource), binding(name, "testers"))
}

fn role(name: &str, resources: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\n\
         kind: ClusterRole\n\
         metadata: {{name: {name}}}\n\
         rules: [{{apiGroups: [''], resources: [{resources}], verbs: [get]}}]\n"
    )
}

fn binding(role: &str, group: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\n\
         kind: ClusterRoleBinding\n\
         metadata: {{name: {role}}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}\n\
         subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: Group, name: {group}}}]\n"
    )
}

fn abac(resource: &str) -> String {
    format!(
        r#"{{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{{"group":"testers","resource":"{resource}","namespace":"*"}}}}"#
    )
}

/// A folder of its own, gone with the test.
struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let new = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            new.write(name, text);
        }
        new
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// As editors do it: in one step, so that nobody reads half of it.
    fn replace(&self, name: &str, text: &str) {
        let new = format!("{name}.tmp");
        self.write(&new, text);
        fs::rename(self.path(&new), self.path(name)).unwrap();
    }

    fn link(&self, target: &str, name: &str) {
        symlink(target, self.path(name)).unwrap();
    }

    /// As the kubelet does it: in one step, so that the link is never missing.
    fn swap_link(&self, target: &str, name: &str) {
        let new = format!("{name}_tmp");
        self.link(target, &new);
        fs::rename(self.path(&new), self.path(name)).unwrap();
    }

    fn watch_policy(&self, options: WatchOptions) -> Engine {
        Engine::builder().policy_dir(self.path("policy")).watch_with(options).build().unwrap()
    }
}
