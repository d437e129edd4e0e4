//! Cedar, by `cedar-policy`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::error::Error;
use std::fmt::Write as _;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression,
};
use verdikt::parser::rbac::PolicyRule;
use verdikt_bench::world::{self, World};

use crate::engine::{Encoding, Engine, Settings};
use crate::model::{Model, Permission, Subject, resource};

pub(crate) const ENCODINGS: [Encoding; 2] = [
    Encoding {
        engine: "Cedar",
        encoding: "exact",
        exact: true,
        about: "a policy for each subject and rule, much as Cedar's converter of Kubernetes' RBAC does it; the \
                request and the entity of its user made from strings each time",
        build: exact,
    },
    Encoding {
        engine: "Cedar",
        encoding: "fast",
        exact: false,
        about: "a policy for each verb, `principal in resource.get`; an entity for each namespace and \
                kind that is asked for lists the grants; requests and users with their groups known \
                beforehand. Drops rules with resourceNames, and wildcards reach only these kinds",
        build: fast,
    },
];

struct Exact<'w> {
    authorizer: Authorizer,
    policies: PolicySet,
    world: &'w World,
    types: Types,
}

struct Fast {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    requests: Vec<Request>,
}

struct Types {
    user: EntityTypeName,
    group: EntityTypeName,
    action: EntityTypeName,
    resource: EntityTypeName,
    grant: EntityTypeName,
    session: EntityTypeName,
}

impl Types {
    fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            user: "User".parse()?,
            group: "Group".parse()?,
            action: "Action".parse()?,
            resource: "Resource".parse()?,
            grant: "Grant".parse()?,
            session: "Session".parse()?,
        })
    }

    fn subject(&self, subject: &Subject) -> EntityUid {
        match subject {
            Subject::User(name) => uid(&self.user, name),
            Subject::Group(name) => uid(&self.group, name),
        }
    }
}

fn uid(kind: &EntityTypeName, id: impl AsRef<str>) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn exact<'w>(
    world: &'w World,
    model: &'w Model,
    _: &'w Settings,
) -> Result<Box<dyn Engine + 'w>, Box<dyn Error>> {
    let mut text = String::new();
    for (subject, namespace, rule) in model.statements() {
        writeln!(text, "{}", policy(subject, namespace, rule))?;
    }
    let (authorizer, policies, types) = (Authorizer::new(), text.parse()?, Types::new()?);
    Ok(Box::new(Exact { authorizer, policies, world, types }))
}

/// One rule for one subject. Names hold nothing that Cedar escapes in another way than Rust.
fn policy(subject: &Subject, namespace: &str, rule: &PolicyRule) -> String {
    let principal = match subject {
        Subject::User(name) => format!("principal == User::{name:?}"),
        Subject::Group(name) => format!("principal in Group::{name:?}"),
    };
    let any = |list: &[String]| list.iter().any(|item| item == "*");
    let action = if any(&rule.verbs) {
        "action".to_owned()
    } else {
        let verbs: Vec<_> = rule.verbs.iter().map(|verb| format!("Action::{verb:?}")).collect();
        format!("action in [{}]", verbs.join(", "))
    };
    let mut conditions = Vec::new();
    if !namespace.is_empty() {
        conditions.push(format!("context.namespace == {namespace:?}"));
    }
    if !any(&rule.api_groups) {
        conditions.push(format!("{:?}.contains(context.group)", rule.api_groups));
    }
    if !any(&rule.resources) {
        let of_any = rule.resources.iter().filter_map(|it| it.strip_prefix("*/"));
        let of_any = of_any.map(|it| format!(" || context.subresource == {it:?}"));
        let listed = format!("{:?}.contains(context.resource)", rule.resources);
        conditions.push(format!("({listed}{})", of_any.collect::<String>()));
    }
    if !rule.resource_names.is_empty() {
        conditions.push(format!("{:?}.contains(context.name)", rule.resource_names));
    }
    let when = match conditions.as_slice() {
        [] => String::new(),
        _ => format!(" when {{ {} }}", conditions.join(" && ")),
    };
    format!("permit({principal}, {action}, resource){when};")
}

impl Engine for Exact<'_> {
    fn allows(&mut self, request: usize) -> Result<bool, Box<dyn Error>> {
        let world::Request { user, question } = &self.world.requests[request];
        let principal = uid(&self.types.user, &user.name);
        let groups = user.groups.iter().map(|group| uid(&self.types.group, group)).collect();
        let entity = Entity::new_no_attrs(principal.clone(), groups);
        let entities = Entities::from_entities([entity], None)?;
        let string = |value: &str| RestrictedExpression::new_string(value.to_owned());
        let context = Context::from_pairs([
            ("namespace".to_owned(), string(&question.namespace)),
            ("group".to_owned(), string(&question.group)),
            ("resource".to_owned(), string(&resource(question))),
            ("subresource".to_owned(), string(&question.subresource)),
            ("name".to_owned(), string(&question.name)),
        ])?;
        let action = uid(&self.types.action, &question.verb);
        let object = uid(&self.types.resource, &question.resource);
        let request = Request::new(principal, action, object, context, None)?;
        let response = self.authorizer.is_authorized(&request, &self.policies, &entities);
        Ok(response.decision() == Decision::Allow)
    }
}

fn fast<'w>(
    world: &'w World,
    model: &'w Model,
    _: &'w Settings,
) -> Result<Box<dyn Engine + 'w>, Box<dyn Error>> {
    let verbs: BTreeSet<&str> = model.permissions.iter().map(|it| it.verb.as_str()).collect();
    let policy = |verb| {
        format!(
            "permit(principal, action == Action::{verb:?}, resource) when {{ principal in resource.{verb} }};"
        )
    };
    let policies = verbs.into_iter().map(policy).collect::<String>().parse()?;
    let types = Types::new()?;
    let mut entities = resources(model, &types)?;
    entities.extend(holders(model, &types));
    let mut requests = Vec::new();
    for (index, world::Request { user, question }) in world.requests.iter().enumerate() {
        let session = uid(&types.session, index.to_string());
        let groups = user.groups.iter().map(|group| uid(&types.group, group));
        let parents = groups.chain([uid(&types.user, &user.name)]).collect();
        entities.push(Entity::new_no_attrs(session.clone(), parents));
        let kind = Permission::of(question).kind();
        let object = uid(&types.resource, format!("{}/{kind}", question.namespace));
        let action = uid(&types.action, &question.verb);
        requests.push(Request::new(session, action, object, Context::empty(), None)?);
    }
    let entities = Entities::from_entities(entities, None)?;
    Ok(Box::new(Fast { authorizer: Authorizer::new(), policies, entities, requests }))
}

/// An entity for each namespace and kind, with the grants that permit it under each verb.
fn resources(model: &Model, types: &Types) -> Result<Vec<Entity>, Box<dyn Error>> {
    let mut roles_in: HashMap<&str, BTreeSet<usize>> = HashMap::new();
    for grant in &model.grants {
        roles_in.entry(&grant.namespace).or_default().insert(grant.role);
    }
    let permitted: Vec<BTreeSet<&Permission>> =
        (0..model.roles.len()).map(|role| model.permissions_of(role).collect()).collect();
    let mut kinds: BTreeMap<String, Vec<&Permission>> = BTreeMap::new();
    for permission in &model.permissions {
        kinds.entry(permission.kind()).or_default().push(permission);
    }
    let mut entities = Vec::new();
    for namespace in &model.namespaces {
        let scopes = ["", namespace].into_iter();
        let grants: Vec<(&str, usize)> = scopes
            .flat_map(|scope| roles_in.get(scope).into_iter().flatten().map(move |&it| (scope, it)))
            .collect();
        for (kind, permissions) in &kinds {
            let permitting = |permission: &&Permission| {
                let grants =
                    grants.iter().filter(|(_, role)| permitted[*role].contains(permission));
                let uids = grants.map(|(scope, role)| grant(types, scope, *role));
                let set =
                    RestrictedExpression::new_set(uids.map(RestrictedExpression::new_entity_uid));
                (permission.verb.clone(), set)
            };
            let attributes = permissions.iter().map(permitting).collect();
            let id = uid(&types.resource, format!("{namespace}/{kind}"));
            entities.push(Entity::new(id, attributes, HashSet::new())?);
        }
    }
    Ok(entities)
}

/// Users and groups, each below the grants it has.
fn holders(model: &Model, types: &Types) -> Vec<Entity> {
    let mut grants: HashMap<EntityUid, HashSet<EntityUid>> = HashMap::new();
    for it in &model.grants {
        let grants = grants.entry(types.subject(&it.subject)).or_default();
        grants.insert(grant(types, &it.namespace, it.role));
    }
    grants.into_iter().map(|(holder, grants)| Entity::new_no_attrs(holder, grants)).collect()
}

fn grant(types: &Types, namespace: &str, role: usize) -> EntityUid {
    uid(&types.grant, format!("{namespace}/{role}"))
}

impl Engine for Fast {
    fn allows(&mut self, request: usize) -> Result<bool, Box<dyn Error>> {
        let request = &self.requests[request];
        let response = self.authorizer.is_authorized(request, &self.policies, &self.entities);
        Ok(response.decision() == Decision::Allow)
    }
}
