//! ABAC files of any length, made from a seed, and requests to them.
//!
//! A file of N lines is for N/4 users, N/20 groups and N/50 namespaces. Of its lines six in ten are for
//! one user, a quarter for a group, one in ten for a service account, and the rest for a user in a group
//! or for paths; a third are read-only, and one in eight names `*` as its resource or namespace. A line for
//! everyone lets them read `/healthz`, as the lines of a cluster do. Of the requests 65 % are allowed.

use std::error::Error;
use std::io::Write as _;

use fastrand::Rng;
use serde_json::json;
use tempfile::NamedTempFile;
use verdikt::parser::abac::Policy;
use verdikt::{Builder, Engine, Mode, User};

use crate::world::{Question, Request};

/// The lines of a policy file, and 4,096 requests.
pub struct LineWorld {
    /// The policies, one a line.
    pub policies: Vec<Policy>,
    /// The requests.
    pub requests: Vec<Request>,
}

impl LineWorld {
    /// A world of this many lines, always the same.
    ///
    /// # Errors
    /// No temporary file can be written.
    pub fn new(lines: usize) -> Result<Self, Box<dyn Error>> {
        let mut maker = Maker {
            rng: Rng::with_seed(0x6162_6163),
            users: (lines / 4).max(20),
            groups: (lines / 20).max(10),
            namespaces: (lines / 50).max(5),
        };
        let mut policies = vec![Policy {
            group: "system:authenticated".to_owned(),
            non_resource_path: "/healthz*".to_owned(),
            readonly: true,
            line: 1,
            ..Policy::default()
        }];
        policies.extend((2..=lines).map(|line| maker.policy(line)));
        let mut world = Self { policies, requests: Vec::new() };
        let judge = world.engine(|builder| builder.authorization_modes([Mode::Abac]))?;
        world.requests = maker.requests(&world.policies, &judge);
        Ok(world)
    }

    /// An engine with these policies, and with what `more` adds.
    ///
    /// # Errors
    /// It cannot be built, or no temporary file can be written.
    pub fn engine(&self, more: impl FnOnce(Builder) -> Builder) -> Result<Engine, Box<dyn Error>> {
        let mut file = NamedTempFile::new()?;
        file.write_all(self.text().as_bytes())?;
        let builder = Engine::builder().authorization_policy_file(file.path());
        Ok(more(builder).build()?)
    }

    /// The file, one JSON object a line, as kube-apiserver reads it.
    pub fn text(&self) -> String {
        let line = |policy: &Policy| {
            let line = json!({
                "apiVersion": "abac.authorization.kubernetes.io/v1beta1",
                "kind": "Policy",
                "spec": {
                    "user": policy.user,
                    "group": policy.group,
                    "readonly": policy.readonly,
                    "apiGroup": policy.api_group,
                    "resource": policy.resource,
                    "namespace": policy.namespace,
                    "nonResourcePath": policy.non_resource_path,
                },
            });
            format!("{line}\n")
        };
        self.policies.iter().map(line).collect()
    }
}

struct Maker {
    rng: Rng,
    users: usize,
    groups: usize,
    namespaces: usize,
}

impl Maker {
    fn policy(&mut self, line: usize) -> Policy {
        let mut policy = Policy {
            readonly: self.rng.u8(..3) == 0,
            line: u32::try_from(line).unwrap_or(u32::MAX),
            ..Policy::default()
        };
        match self.rng.u8(..20) {
            0..12 => policy.user = self.user_name(),
            12..17 => policy.group = self.group_name(),
            17..19 => policy.user = format!("system:serviceaccount:{}:default", self.namespace()),
            _ => (policy.user, policy.group) = (self.user_name(), self.group_name()),
        }
        if self.rng.u8(..50) == 0 {
            "/logs/*".clone_into(&mut policy.non_resource_path);
            return policy;
        }
        let (group, resource) = KINDS[self.rng.usize(..KINDS.len())];
        (policy.api_group, policy.resource) = (group.to_owned(), resource.to_owned());
        policy.namespace = self.namespace();
        match self.rng.u8(..16) {
            0 => (policy.api_group, policy.resource) = ("*".to_owned(), "*".to_owned()),
            1 => "*".clone_into(&mut policy.namespace),
            _ => {}
        }
        policy
    }

    fn requests(&mut self, policies: &[Policy], judge: &Engine) -> Vec<Request> {
        let wanted = [REQUESTS - REQUESTS * 65 / 100, REQUESTS * 65 / 100];
        let mut lists = [Vec::new(), Vec::new()];
        while lists[0].len() < wanted[0] || lists[1].len() < wanted[1] {
            let policy = &policies[self.rng.usize(..policies.len())];
            let request = self.request(policy);
            let which = usize::from(judge.authorize(&request.attributes()).is_allowed());
            if lists[which].len() < wanted[which] {
                lists[which].push(request);
            }
        }
        let [mut requests, allowed] = lists;
        requests.extend(allowed);
        self.rng.shuffle(&mut requests);
        // Fresh allocations in the order of use, as a server would have them.
        requests.clone()
    }

    /// A request in a policy's namespace, in half of all cases by someone it is for.
    fn request(&mut self, policy: &Policy) -> Request {
        let mut groups: Vec<String> =
            (0..self.rng.usize(2..=4)).map(|_| self.group_name()).collect();
        let mut name = self.user_name();
        if self.rng.bool() {
            if !policy.user.is_empty() {
                name.clone_from(&policy.user);
            }
            if !policy.group.is_empty() {
                groups[0].clone_from(&policy.group);
            }
        }
        groups.push("system:authenticated".to_owned());
        let one = |text: &str, other: String| match text {
            "" | "*" => other,
            text => text.to_owned(),
        };
        let (group, resource) = KINDS[self.rng.usize(..KINDS.len())];
        let (group, resource) = match policy.resource.as_str() {
            "" | "*" => (group, resource),
            _ => (policy.api_group.as_str(), policy.resource.as_str()),
        };
        let question = Question {
            verb: VERBS[self.rng.usize(..VERBS.len())].to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: String::new(),
            namespace: one(&policy.namespace, self.namespace()),
            name: format!("app-{}", self.rng.usize(..1_000)),
        };
        Request { user: User::new(name, groups), question }
    }

    fn user_name(&mut self) -> String {
        format!("user-{:07}@example.com", self.rng.usize(..self.users))
    }

    fn group_name(&mut self) -> String {
        format!("example:team-{:06}", self.rng.usize(..self.groups))
    }

    fn namespace(&mut self) -> String {
        format!("namespace-{:06}", self.rng.usize(..self.namespaces))
    }
}

const REQUESTS: usize = 4_096;
const VERBS: &[&str] = &["get", "list", "watch", "create", "update", "patch", "delete"];
const KINDS: &[(&str, &str)] = &[
    ("", "pods"),
    ("", "services"),
    ("", "configmaps"),
    ("", "secrets"),
    ("", "events"),
    ("apps", "deployments"),
    ("batch", "jobs"),
    ("networking.k8s.io", "ingresses"),
];
