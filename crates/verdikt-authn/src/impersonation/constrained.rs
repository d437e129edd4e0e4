//! Constrained impersonation: five modes, of which the first that allows it wins.
//!
//! Follows `constrained_impersonation.go` and `mode.go` of apiserver's
//! `pkg/endpoints/filters/impersonation`. Upstream tries first the mode that last succeeded for a
//! user of that name; here the order never changes, so that equal requests have equal answers.

use std::collections::BTreeMap;

use verdikt_core::{Attributes, Requester, User, groups};

use super::checks::{AUTHENTICATION, Answer, Ask};
use super::headers::Wanted;
use super::{Forbidden, Gate, Impersonated, add_system_group, extra, names};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// A service account as the node it runs on.
    AssociatedNode,
    ArbitraryNode,
    ServiceAccount,
    /// Whoever is neither a node nor a service account.
    UserInfo,
    /// The plain verb `impersonate`, which asks nothing about the request.
    Legacy,
}

/// Tries the modes in order. If none allows it, what the first of them said is the answer.
pub(super) fn impersonate(
    authorize: &dyn Fn(&Attributes<'_>) -> Answer,
    request: &Attributes<'_>,
    requestor: Requester<'_>,
    wanted: &Wanted,
) -> Result<Impersonated, Forbidden> {
    let earlier = [Mode::AssociatedNode, Mode::ArbitraryNode, Mode::ServiceAccount, Mode::UserInfo];
    let mut first = None;
    for mode in earlier.into_iter().filter(|mode| mode.applies(wanted, requestor)) {
        match mode.check(authorize, request, requestor, wanted) {
            Ok(impersonated) => return Ok(impersonated),
            Err(forbidden) => {
                first.get_or_insert(forbidden);
            }
        }
    }
    let last = Mode::Legacy.check(authorize, request, requestor, wanted);
    last.map_err(|forbidden| first.unwrap_or(forbidden))
}

impl Mode {
    fn applies(self, wanted: &Wanted, requestor: Requester<'_>) -> bool {
        let node = names::node(&wanted.name);
        let account = names::service_account(&wanted.name);
        match self {
            Self::AssociatedNode => {
                wanted.is_only_a_name() && node.is_some_and(|node| runs_on(requestor.user(), node))
            }
            Self::ArbitraryNode => wanted.is_only_a_name() && node.is_some(),
            Self::ServiceAccount => wanted.is_only_a_name() && account.is_some(),
            Self::UserInfo => node.is_none() && account.is_none(),
            Self::Legacy => true,
        }
    }

    /// The verb of everything that is impersonated.
    fn verb(self) -> &'static str {
        match self {
            Self::AssociatedNode => "impersonate:associated-node",
            Self::ArbitraryNode => "impersonate:arbitrary-node",
            Self::ServiceAccount => "impersonate:serviceaccount",
            Self::UserInfo => "impersonate:user-info",
            Self::Legacy => "impersonate",
        }
    }

    fn is_constrained(self) -> bool {
        self != Self::Legacy
    }

    /// Group and version of users and groups.
    fn of_users(self) -> (&'static str, &'static str) {
        if self.is_constrained() { AUTHENTICATION } else { ("", "v1") }
    }

    fn check(
        self,
        authorize: &dyn Fn(&Attributes<'_>) -> Answer,
        request: &Attributes<'_>,
        requestor: Requester<'_>,
        wanted: &Wanted,
    ) -> Result<Impersonated, Forbidden> {
        let without_node;
        let requestor = match self {
            Self::AssociatedNode => {
                without_node = with_keys_alone(requestor.user());
                Requester::from(&without_node)
            }
            _ => requestor,
        };
        let ask = Ask { authorize, gate: Gate::Constrained, requestor, verb: self.verb() };
        if self.is_constrained() {
            let of_mode = self.verb().replacen("impersonate", "impersonate-on", 1);
            let verb = format!("{of_mode}:{}", request.verb);
            ask.allowed(&Attributes { user: Some(requestor), verb: &verb, ..*request })?;
        }
        let checks = Checks { mode: self, ask, wanted };
        let groups = checks.name()?;
        checks.uid()?;
        checks.groups()?;
        checks.extra()?;
        let Wanted { name, uid, extra, .. } = wanted;
        let mut user = User { name: name.clone(), uid: uid.clone(), groups, extra: extra.clone() };
        add_system_group(&mut user);
        let constraint = if self.is_constrained() { self.verb() } else { "" };
        Ok(Impersonated { user, constraint })
    }
}

/// The checks of one mode, one for each part of the user that is wanted.
struct Checks<'a> {
    mode: Mode,
    ask: Ask<'a>,
    wanted: &'a Wanted,
}

impl Checks<'_> {
    /// Whether the name is allowed, and the groups that come with it.
    fn name(&self) -> Result<Vec<String>, Forbidden> {
        let name = self.wanted.name.as_str();
        let mut question = self.ask.about(self.mode.of_users(), "users", name);
        let mut groups = self.wanted.groups.clone();
        if self.mode.is_constrained()
            && let Some(node) = names::node(name)
        {
            question.resource = "nodes";
            // The answer for one node of an account's must hold for all, as upstream keeps it.
            question.name = if self.mode == Mode::AssociatedNode { "*" } else { node };
            groups = vec![groups::NODES.to_owned()];
        }
        if let Some((namespace, name)) = names::service_account(name) {
            question = Attributes { resource: "serviceaccounts", namespace, name, ..question };
            if groups.is_empty() {
                groups = groups::of_service_accounts(namespace).to_vec();
            }
        }
        self.ask.allowed(&question).map(|()| groups)
    }

    fn uid(&self) -> Result<(), Forbidden> {
        match self.wanted.uid.as_str() {
            "" => Ok(()),
            uid => self.ask.allowed(&self.ask.about(AUTHENTICATION, "uids", uid)),
        }
    }

    fn groups(&self) -> Result<(), Forbidden> {
        let groups = &self.wanted.groups;
        let question = |name| self.ask.about(self.mode.of_users(), "groups", name);
        if self.mode.is_constrained() {
            if groups.iter().any(String::is_empty) {
                let reason = "impersonating the empty string group is not allowed";
                return Err(Forbidden::new(&question(""), reason));
            }
            if groups.iter().any(|group| group == groups::MASTERS) {
                let reason = "impersonating the system:masters group is not allowed";
                return Err(Forbidden::new(&question(groups::MASTERS), reason));
            }
            if groups.len() >= MANY && self.ask.allowed(&question("*")).is_ok() {
                return Ok(());
            }
        }
        groups.iter().try_for_each(|group| self.ask.allowed(&question(group)))
    }

    fn extra(&self) -> Result<(), Forbidden> {
        let extra = &self.wanted.extra;
        if extra.is_empty() {
            return Ok(());
        }
        let question = self.ask.about(AUTHENTICATION, "userextras", "");
        if self.mode.is_constrained() {
            if let Some(reason) = extra::problem(extra) {
                return Err(Forbidden::new(&question, reason));
            }
            let all = Attributes { subresource: "*", name: "*", ..question };
            if is_large(extra) && self.ask.allowed(&all).is_ok() {
                return Ok(());
            }
        }
        for (key, values) in extra {
            for value in values {
                let of_value = Attributes { subresource: key, name: value, ..question };
                self.ask.allowed(&of_value)?;
            }
        }
        Ok(())
    }
}

/// Whether the user is a service account whose token says that it runs on this node, and on no other.
fn runs_on(requestor: &User, node: &str) -> bool {
    let nodes = requestor.extra.get("authentication.kubernetes.io/node-name");
    names::service_account(&requestor.name).is_some()
        && nodes.is_some_and(|nodes| matches!(nodes.as_slice(), [only] if only == node))
}

/// The user with the keys of its extra in place of the extra: what authorizers see of an account that
/// impersonates its node, so that they answer alike on every node.
fn with_keys_alone(user: &User) -> User {
    let keys = user.extra.keys().cloned().collect();
    let extra =
        BTreeMap::from([("authentication.kubernetes.io/associated-node-keys".to_owned(), keys)]);
    User { extra, ..user.clone() }
}

fn is_large(extra: &BTreeMap<String, Vec<String>>) -> bool {
    extra.len() >= MANY || extra.values().map(Vec::len).sum::<usize>() >= MANY
}

/// From how many groups or values on one check for `*` is tried before the many.
const MANY: usize = 4;
