//! casbin, by `casbin-rs`.

use std::error::Error;

use casbin::function_map::OperatorFunction;
use casbin::rhai::Dynamic;
use casbin::{CoreApi, DefaultModel, Enforcer, MgmtApi};
use tokio::runtime::Builder;
use verdikt_bench::world::{Request, World};

use crate::engine::{Encoding, Engine, Settings};
use crate::model::{Model, Permission, Subject, of_any_resource, resource, subjects};

pub(crate) const ENCODINGS: [Encoding; 2] = [
    Encoding {
        engine: "casbin",
        encoding: "exact",
        exact: true,
        about: "a line for each subject and rule; a function of ours, `covers`, looks for an item or \
                `*` in a list",
        build: exact,
    },
    Encoding {
        engine: "casbin",
        encoding: "fast",
        exact: false,
        about: "its usual RBAC with domains: roles by `g`, a line for each role, kind and verb that is \
                asked for. Drops groups and rules with resourceNames, and wildcards reach only these \
                kinds",
        build: fast,
    },
];

const EXACT: &str = r#"
[request_definition]
r = subjects, namespace, verb, group, resource, of_any, name
[policy_definition]
p = subject, namespace, verbs, groups, resources, names
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = covers(r.subjects, p.subject) && (p.namespace == "" || p.namespace == r.namespace) && covers(p.verbs, r.verb) && covers(p.groups, r.group) && (covers(p.resources, r.resource) || covers(p.resources, r.of_any)) && (p.names == "" || covers(p.names, r.name))
"#;

const FAST: &str = r#"
[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.act == p.act && r.obj == p.obj && (g(r.sub, p.sub, r.dom) || g(r.sub, p.sub, "*"))
"#;

struct Exact<'w>(Enforcer, &'w World);

struct Fast<'w>(Enforcer, Vec<(&'w Request, String)>);

fn exact<'w>(
    world: &'w World,
    model: &'w Model,
    _: &'w Settings,
) -> Result<Box<dyn Engine + 'w>, Box<dyn Error>> {
    let lines = model.statements().into_iter().map(|(subject, namespace, rule)| {
        let lists = [&rule.verbs, &rule.api_groups, &rule.resources, &rule.resource_names];
        let lists = lists.map(|list| list.join("|"));
        [subject.to_string(), namespace.to_owned()].into_iter().chain(lists).collect()
    });
    let mut enforcer = enforcer(EXACT, lines.collect(), Vec::new())?;
    enforcer.add_function("covers", OperatorFunction::Arg2(covers));
    Ok(Box::new(Exact(enforcer, world)))
}

fn covers(list: Dynamic, item: Dynamic) -> Dynamic {
    let [list, item] = [list, item].map(|it| it.into_immutable_string().unwrap_or_default());
    list.split('|').any(|it| it == item.as_str() || it == "*").into()
}

fn fast<'w>(
    world: &'w World,
    model: &'w Model,
    _: &'w Settings,
) -> Result<Box<dyn Engine + 'w>, Box<dyn Error>> {
    let role = |role: usize| format!("role-{role}");
    let lines = (0..model.roles.len()).flat_map(|index| {
        let permissions = model.permissions_of(index);
        permissions.map(move |it| vec![role(index), it.kind(), it.verb.clone()])
    });
    let links = model.grants.iter().filter_map(|grant| match &grant.subject {
        Subject::User(user) => {
            let domain = if grant.namespace.is_empty() { "*" } else { &grant.namespace };
            Some(vec![user.clone(), role(grant.role), domain.to_owned()])
        }
        Subject::Group(_) => None,
    });
    let requests = world.requests.iter().map(|it| (it, Permission::of(&it.question).kind()));
    let enforcer = enforcer(FAST, lines.collect(), links.collect())?;
    Ok(Box::new(Fast(enforcer, requests.collect())))
}

fn enforcer(
    model: &str,
    lines: Vec<Vec<String>>,
    links: Vec<Vec<String>>,
) -> Result<Enforcer, Box<dyn Error>> {
    Builder::new_current_thread().build()?.block_on(async {
        let mut enforcer = Enforcer::new(DefaultModel::from_str(model).await?, ()).await?;
        if !enforcer.add_policies(lines).await? {
            return Err("casbin refused the lines".into());
        }
        if !links.is_empty() && !enforcer.add_grouping_policies(links).await? {
            return Err("casbin refused the links".into());
        }
        Ok(enforcer)
    })
}

impl Engine for Exact<'_> {
    fn allows(&mut self, request: usize) -> Result<bool, Box<dyn Error>> {
        let request = &self.1.requests[request];
        let subjects: Vec<String> = subjects(request).collect();
        let question = &request.question;
        Ok(self.0.enforce((
            subjects.join("|"),
            &question.namespace,
            &question.verb,
            &question.group,
            resource(question),
            of_any_resource(question),
            &question.name,
        ))?)
    }
}

impl Engine for Fast<'_> {
    fn allows(&mut self, request: usize) -> Result<bool, Box<dyn Error>> {
        let (request, kind) = &self.1[request];
        let question = &request.question;
        Ok(self.0.enforce((&request.user.name, &question.namespace, kind, &question.verb))?)
    }
}
