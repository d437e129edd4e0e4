//! Access reviews in plain JSON, as nearly all are: read in one pass. Whatever there is to say about a body is said by
//! whoever reads it thoroughly.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Kind, Review, or_null};
use crate::kubernetes::metadata::ObjectMeta;
use crate::wire::Object;

/// What a kind of review asks.
pub(crate) trait Spec: DeserializeOwned + Default {
    /// Whether nothing in it is spelt as in another version than v1.
    fn is_of_v1(&self) -> bool {
        true
    }
}

/// A review as it is sent: with its status, which says nothing yet.
#[derive(Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de> + Default"))]
struct Sent<S> {
    #[serde(default, deserialize_with = "or_null")]
    kind: String,
    #[serde(default, rename = "apiVersion", deserialize_with = "or_null")]
    api_version: String,
    #[serde(default, deserialize_with = "or_null")]
    metadata: Object<ObjectMeta>,
    #[serde(default, deserialize_with = "or_null")]
    spec: Object<S>,
    #[serde(default, rename = "status")]
    _status: Option<Object<SentStatus>>,
}

/// The fields of the status of an access review, whatever they hold.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SentStatus {
    #[serde(rename = "allowed")]
    _allowed: Value,
    #[serde(rename = "denied")]
    _denied: Value,
    #[serde(rename = "reason")]
    _reason: Value,
    #[serde(rename = "evaluationError")]
    _evaluation_error: Value,
}

/// The review, if it is an access review that has no field that such a review does not have, none twice, and none of
/// another type.
pub(super) fn read<S, T>(body: &[u8], kind: &Kind) -> Option<Review<S, T>>
where
    S: Spec,
    T: Default,
{
    if !kind.name.ends_with("AccessReview") {
        return None;
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut is_known = true;
    let Object(sent) = serde_ignored::deserialize::<_, _, Object<Sent<S>>>(&mut json, |path| {
        // It is known, and not taken from clients. A `?` stands for what may be null.
        is_known &= path.to_string().replace("?.", "") == "metadata.creationTimestamp";
    })
    .ok()?;
    json.end().ok()?;
    let Sent { kind, api_version, metadata, spec, .. } = sent;
    is_known &= spec.0.is_of_v1() && (api_version.is_empty() || api_version.ends_with("/v1"));
    is_known.then(|| Review { kind, api_version, metadata, spec, status: T::default() })
}

#[cfg(test)]
mod tests {
    use super::super::access::{self, SubjectAccessReview};
    use super::super::{FieldValidation, MediaType};
    use super::*;

    /// Whether a body is read in one pass; if so, as thoroughly read ones are, with nothing to say about it.
    fn check(body: &str, is_plain: bool) {
        let plain: Option<SubjectAccessReview> = read(body.as_bytes(), &access::SUBJECT);
        assert_eq!(plain.is_some(), is_plain, "{body}");
        let Some(plain) = plain else { return };
        let (thorough, warnings): (SubjectAccessReview, _) = super::super::read_thoroughly(
            body.as_bytes(),
            MediaType::Json,
            FieldValidation::Strict,
            &access::SUBJECT,
        )
        .unwrap();
        assert_eq!(warnings, Vec::<String>::new(), "{body}");
        let text = |review| serde_json::to_string(review).unwrap();
        assert_eq!(text(&plain), text(&thorough), "{body}");
    }

    #[test]
    fn what_is_read_in_one_pass_is_what_is_read_thoroughly() {
        check("{}", true);
        check(r#"{"spec": null, "metadata": null, "status": null, "kind": null}"#, true);
        check(
            r#"{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1",
                "metadata":{"creationTimestamp":null},"spec":{"resourceAttributes":{"namespace":"a",
                "verb":"get","fieldSelector":{"requirements":[{"key":"a","operator":"In","values":["b"]}]}},
                "user":"jane","groups":["a","b"],"extra":{"x":["1"]},"uid":"u"},
                "status":{"allowed":false,"denied":"x","reason":"","evaluationError":null}}"#,
            true,
        );
        check(
            r#"{"metadata":{"name":"a","labels":{"a":"b"}},"spec":{"nonResourceAttributes":{"path":"/"}}}"#,
            true,
        );
        for body in [
            r#"{"spec":{"user":"a","user":"b"}}"#,
            r#"{"spec":{"user":"a","colour":1}}"#,
            r#"{"colour":1}"#,
            r#"{"status":{"colour":1}}"#,
            r#"{"metadata":{"uid":"a"}}"#,
            r#"{"spec":{"user":1}}"#,
            r#"{"spec":{"group":[]}}"#,
            r#"{"spec":{"group":null}}"#,
            r#"{"apiVersion":"authorization.k8s.io/v1beta1","spec":{"groups":["a"]}}"#,
            r#"{"spec":[]}"#,
            r#"{"status":[]}"#,
            "{} x",
            "[]",
            "",
            "nul",
        ] {
            check(body, false);
        }
    }
}
