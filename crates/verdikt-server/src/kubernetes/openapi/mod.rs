//! OpenAPI: what the reviews look like, so that kubectl can validate and explain them.
//!
//! Has the shape of kube-apiserver's documents as far as kubectl reads them; descriptions are our own.

mod gnostic;
mod schemas;

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::discovery::{GROUPS, Group, Resource};
use super::media_type::MediaType;
use crate::wire;
use schemas::Version;

/// A document, and what tells it from another.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) body: Vec<u8>,
    /// Changes with the body.
    pub(crate) hash: String,
}

/// `/openapi/v2` in JSON.
pub(crate) static V2: LazyLock<Document> = LazyLock::new(|| Document::json(&v2()));
/// The same in protobuf, which is what kubectl asks for.
pub(crate) static V2_PROTOBUF: LazyLock<Document> =
    LazyLock::new(|| Document::new(gnostic::document(&v2())));
/// `/openapi/v3`: where the others are.
pub(crate) static V3: LazyLock<Document> = LazyLock::new(|| Document::json(&v3_index()));
static V3_GROUPS: LazyLock<Vec<Document>> =
    LazyLock::new(|| GROUPS.iter().map(|group| Document::json(&v3(group))).collect());

/// `/openapi/v3/apis/GROUP/VERSION`; none if there is no such group in that version.
pub(crate) fn v3_of(group: &str, version: &str) -> Option<&'static Document> {
    let mut known = GROUPS.iter().zip(V3_GROUPS.iter());
    let found = known.find(|(known, _)| known.name == group && known.version == version);
    found.map(|(_, document)| document)
}

impl Document {
    fn json(value: &Value) -> Self {
        Self::new(value.to_string().into_bytes())
    }

    fn new(body: Vec<u8>) -> Self {
        let hash = format!("{:016X}", wire::fingerprint(&body));
        Self { body, hash }
    }
}

fn info() -> Value {
    json!({"title": "Kubernetes", "version": "1.37"})
}

fn v2() -> Value {
    let mut definitions = Map::new();
    for group in &GROUPS {
        schemas::add(group, Version::Two, &mut definitions);
    }
    json!({
        "swagger": "2.0",
        "info": info(),
        "paths": paths(GROUPS.iter(), Version::Two),
        "definitions": definitions,
    })
}

fn v3_index() -> Value {
    let entries = GROUPS.iter().zip(V3_GROUPS.iter()).map(|(group, document)| {
        let path = format!("apis/{}", group.api_version());
        let address = format!("/openapi/v3/{path}?hash={}", document.hash);
        (path, json!({"serverRelativeURL": address}))
    });
    json!({"paths": entries.collect::<Map<_, _>>()})
}

fn v3(group: &Group) -> Value {
    let mut schemas = Map::new();
    schemas::add(group, Version::Three, &mut schemas);
    json!({
        "openapi": "3.0.0",
        "info": info(),
        "paths": paths(std::iter::once(group), Version::Three),
        "components": {"schemas": schemas},
    })
}

fn paths<'a>(groups: impl Iterator<Item = &'a Group>, version: Version) -> Map<String, Value> {
    let mut paths = Map::new();
    for group in groups {
        for resource in group.resources {
            let base = format!("/apis/{}", group.api_version());
            let (path, parameters) = match resource.is_namespaced {
                true => (
                    format!("{base}/namespaces/{{namespace}}/{}", resource.name),
                    vec![parameter("namespace", "path", version)],
                ),
                false => (format!("{base}/{}", resource.name), Vec::new()),
            };
            let queries = ["dryRun", "fieldManager", "fieldValidation", "pretty"];
            let queries = queries.map(|name| parameter(name, "query", version));
            let parameters: Vec<Value> = parameters.into_iter().chain(queries).collect();
            let post = post(group, resource, version);
            paths.insert(path, json!({"post": post, "parameters": parameters}));
        }
    }
    paths
}

fn parameter(name: &str, place: &str, version: Version) -> Value {
    let mut parameter = json!({"name": name, "in": place});
    let of = match version {
        Version::Two => json!({"type": "string"}),
        Version::Three => json!({"schema": {"type": "string"}}),
    };
    if let (Some(parameter), Value::Object(of)) = (parameter.as_object_mut(), of) {
        parameter.extend(of);
        if place == "path" {
            parameter.insert("required".to_owned(), true.into());
        }
    }
    parameter
}

fn post(group: &Group, resource: &Resource, version: Version) -> Value {
    let kind = resource.kind;
    let reference = schemas::reference(group, resource, version);
    let types = MediaType::ALL.map(MediaType::as_str);
    let mut post = match version {
        Version::Two => json!({
            "consumes": ["*/*"],
            "produces": types,
            "parameters": [{"name": "body", "in": "body", "required": true, "schema": reference}],
            "responses": {
                "201": {"description": "Created", "schema": reference},
                "401": {"description": "Unauthorized"},
            },
        }),
        Version::Three => {
            let content: Map<String, Value> = types
                .iter()
                .map(|name| ((*name).to_owned(), json!({"schema": reference})))
                .collect();
            json!({
                "requestBody": {"content": {"*/*": {"schema": reference}}, "required": true},
                "responses": {
                    "201": {"description": "Created", "content": content},
                    "401": {"description": "Unauthorized"},
                },
            })
        }
    };
    let common = json!({
        "description": format!("create a {kind}"),
        "operationId": operation(group, resource),
        "x-kubernetes-action": "post",
        "x-kubernetes-group-version-kind": schemas::kind_of(group, resource),
    });
    if let (Some(post), Value::Object(common)) = (post.as_object_mut(), common) {
        post.extend(common);
    }
    post
}

/// Such as `createAuthorizationV1NamespacedLocalSubjectAccessReview`.
fn operation(group: &Group, resource: &Resource) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|c| c.to_ascii_uppercase())
            .into_iter()
            .chain(letters)
            .collect::<String>()
    };
    let group_name = capital(group.name.split('.').next().unwrap_or_default());
    let place = if resource.is_namespaced { "Namespaced" } else { "" };
    format!("create{group_name}{}{place}{}", capital(group.version), resource.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_referred_to_is_there() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                Value::Object(entries) => {
                    for (key, value) in entries {
                        match value.as_str() {
                            Some(text) if key == "$ref" => found.push(text),
                            _ => references(value, found),
                        }
                    }
                }
                _ => {}
            }
        }
        for document in [v2(), v3(&GROUPS[0]), v3(&GROUPS[1])] {
            let mut found = Vec::new();
            references(&document, &mut found);
            assert!(found.len() > 10);
            for reference in found {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
        }
    }

    #[test]
    fn operations_have_the_names_of_kubernetes() {
        let paths = paths(GROUPS.iter(), Version::Three);
        let names: Vec<_> =
            paths.values().map(|path| path["post"]["operationId"].as_str().unwrap()).collect();
        assert!(names.contains(&"createAuthenticationV1TokenReview"), "{names:?}");
        let local = "createAuthorizationV1NamespacedLocalSubjectAccessReview";
        assert!(names.contains(&local), "{names:?}");
        assert!(paths.contains_key(
            "/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews"
        ));
    }

    #[test]
    fn the_index_leads_to_documents() {
        let index = v3_index();
        let entry = &index["paths"]["apis/authorization.k8s.io/v1"]["serverRelativeURL"];
        let hash = &v3_of("authorization.k8s.io", "v1").unwrap().hash;
        assert_eq!(entry, &format!("/openapi/v3/apis/authorization.k8s.io/v1?hash={hash}"));
        assert!(v3_of("authorization.k8s.io", "v2").is_none());
    }
}
