//! Fields that an object does not have.
//!
//! Follows the strict decoding of `sigs.k8s.io/json`, but for keys that occur twice, which are not told.

use std::fmt;

use serde_json::Value;

use super::schema::{Message, Type};

/// What is said of each field of `object` that `of` does not have, in the order in which they stand, up to
/// a hundred.
pub(crate) fn unknown_fields(object: &Value, of: &Message) -> Vec<String> {
    let mut found = Vec::new();
    walk(object, of, None, &mut found);
    found
}

/// Where a field lies; written only if there is something to say about it.
#[derive(Clone, Copy)]
struct Path<'a> {
    above: Option<&'a Path<'a>>,
    name: &'a str,
    index: Option<usize>,
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            write!(f, "{above}.")?;
        }
        f.write_str(self.name)?;
        self.index.map_or(Ok(()), |index| write!(f, "[{index}]"))
    }
}

fn walk(object: &Value, of: &Message, above: Option<&Path<'_>>, found: &mut Vec<String>) {
    for (name, value) in object.as_object().into_iter().flatten() {
        if above.is_none() && (name == "kind" || name == "apiVersion") {
            continue;
        }
        let path = Path { above, name, index: None };
        match of.field(name).map(|field| field.of) {
            None if found.len() < MOST => found.push(format!("unknown field \"{path}\"")),
            Some(Type::Message(of)) => walk(value, of, Some(&path), found),
            Some(Type::Messages(of)) => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    walk(item, of, Some(&Path { index: Some(index), ..path }), found);
                }
            }
            _ => {}
        }
    }
}

/// As many as upstream tells.
const MOST: usize = 100;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kubernetes::schema;

    #[test]
    fn each_unknown_field_is_told_with_its_path() {
        let of = schema::message("authorization.k8s.io/v1", "SubjectAccessReview").unwrap();
        let review = json!({
            "kind": "K", "apiVersion": "v", "kin": 1,
            "metadata": {"labels": {"any": "key"}, "colour": ""},
            "spec": {
                "group": ["a"], "extra": {"any": ["key"]},
                "resourceAttributes": {"kind": 1, "fieldSelector": {"requirements": [{}, {"x": 1}]}},
            },
            "status": {"allowed": true},
        });
        let expected = [
            "kin",
            "metadata.colour",
            "spec.group",
            "spec.resourceAttributes.kind",
            "spec.resourceAttributes.fieldSelector.requirements[1].x",
        ]
        .map(|path| format!("unknown field \"{path}\""));
        assert_eq!(unknown_fields(&review, of), expected);
        let many = json!({"spec": (0..200).map(|n| (n.to_string(), n.into())).collect::<serde_json::Map<_, _>>()});
        assert_eq!(unknown_fields(&many, of).len(), MOST);
    }
}
