//! Which nodes may do what a request asks: each node that is known is asked for.

use std::collections::BTreeSet;

use verdikt_core::{Attributes, User, groups};

use super::explain::Explanation;
use super::index::Index;
use super::record::Kind;
use crate::who_can::{Asked, Scope, Subject};

impl Index {
    /// The nodes that may, of those that something is bound to or that the request names, and what permits it; where
    /// any node may, all of them in one.
    pub fn who_can(
        &self,
        request: &Attributes<'_>,
        asked: Asked,
    ) -> Vec<(Subject, Scope, Explanation)> {
        let nodes = self.nodes(request);
        let mut found = Vec::new();
        for (namespace, scope) in self.namespaces(request, asked) {
            let asked = Attributes { namespace: &namespace, ..*request };
            // A name that no node can have stands for all that are not known.
            if let Some(explanation) = self.explain_to(NO_NODE, &asked) {
                let every = Explanation { node: "Node of any name".to_owned(), ..explanation };
                found.push((Subject::group(groups::NODES), scope, every));
                continue;
            }
            for node in &nodes {
                if let Some(explanation) = self.explain_to(node, &asked) {
                    let subject = Subject::member(&user_name(node), groups::NODES);
                    found.push((subject, scope.clone(), explanation));
                }
            }
        }
        found
    }

    fn explain_to(&self, node: &str, request: &Attributes<'_>) -> Option<Explanation> {
        let user = User::new(user_name(node), [groups::NODES]);
        self.explain(&Attributes { user: Some((&user).into()), ..*request })
    }

    fn nodes(&self, request: &Attributes<'_>) -> BTreeSet<String> {
        let known = self.records.iter().filter(|record| record.kind() == Kind::Node);
        let mut nodes: BTreeSet<String> = known.map(|record| record.name().to_owned()).collect();
        nodes.insert(request.name.to_owned());
        let fields = request.selectors.and_then(|selectors| selectors.fields.as_ref().ok());
        nodes.extend(fields.into_iter().flatten().map(|field| field.value.clone()));
        nodes.remove("");
        nodes
    }

    /// Where the object that is asked for may lie.
    fn namespaces(&self, request: &Attributes<'_>, asked: Asked) -> Vec<(String, Scope)> {
        let mut namespaces = BTreeSet::from([request.namespace]);
        if asked == Asked::Everywhere && request.resource_request {
            let named = self.records.iter().filter(|record| record.name() == request.name);
            namespaces.extend(named.map(|record| record.namespace()));
        }
        namespaces.into_iter().map(|name| (name.to_owned(), Scope::of(name))).collect()
    }
}

fn user_name(node: &str) -> String {
    format!("system:node:{node}")
}

/// No object can be called this.
const NO_NODE: &str = "\0";
