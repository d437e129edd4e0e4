//! Access reviews in plain JSON, as nearly all are: read in one pass. Whatever there is to say about a body is said by
//! whoever reads it thoroughly.

use std::collections::BTreeMap;

use jiter::{Jiter, Peek};
use serde::de::DeserializeOwned;

use super::{Kind, Review};
use crate::wire::Object;

/// What a kind of review asks.
pub(crate) trait Spec: DeserializeOwned + Default {
    /// The fields that are read in one pass; none if such reviews are not.
    const FIELDS: &'static [&'static str] = &[];

    /// Takes the value of one of them; none if it is not as it should be.
    fn take(&mut self, _field: &str, _json: &mut Json<'_>) -> Option<()> {
        None
    }
}

/// The review, if all that it has is what access reviews have, once and of the right type.
pub(super) fn read<S: Spec, T: Default>(body: &[u8], kind: &Kind) -> Option<Review<S, T>> {
    if S::FIELDS.is_empty() || !kind.name.ends_with("AccessReview") {
        return None;
    }
    let mut json = Json(Jiter::new(body));
    if json.0.peek().ok()? != Peek::Object {
        return None;
    }
    let mut review = Review {
        kind: String::new(),
        api_version: String::new(),
        metadata: Object::default(),
        spec: Object::<S>::default(),
        status: T::default(),
    };
    json.fields(&["kind", "apiVersion", "metadata", "spec", "status"], |field, json| {
        match field {
            "kind" => review.kind = json.text()?,
            "apiVersion" => review.api_version = json.text()?,
            "metadata" => json.fields(&["creationTimestamp"], |_, json| json.0.next_null().ok())?,
            "spec" => {
                let Object(spec) = &mut review.spec;
                json.fields(S::FIELDS, |field, json| spec.take(field, json))?;
            }
            // It says nothing yet.
            _ => {
                json.fields(&["allowed", "denied", "reason", "evaluationError"], |field, json| {
                    match field {
                        "allowed" | "denied" => json.0.next_bool().map(drop).ok(),
                        _ => json.text().map(drop),
                    }
                })?
            }
        }
        Some(())
    })?;
    json.0.finish().ok()?;
    let is_v1 = review.api_version.is_empty() || review.api_version.ends_with("/v1");
    is_v1.then_some(review)
}

/// What is left of a body. Nothing is taken of what is not as it should be.
pub(crate) struct Json<'j>(Jiter<'j>);

impl Json<'_> {
    /// A structure with these fields, each of which `take` takes; null is one of which nothing is said.
    pub(super) fn fields(
        &mut self,
        known: &[&'static str],
        mut take: impl FnMut(&'static str, &mut Self) -> Option<()>,
    ) -> Option<()> {
        let mut key = match self.0.peek().ok()? {
            Peek::Null => return self.0.known_null().ok(),
            Peek::Object => self.0.known_object().ok()?,
            _ => return None,
        };
        let mut seen = 0_u32;
        while let Some(name) = key {
            let (place, field) = known.iter().enumerate().find(|(_, field)| **field == name)?;
            if seen & (1 << place) != 0 {
                return None;
            }
            seen |= 1 << place;
            take(field, self)?;
            key = self.0.next_key().ok()?;
        }
        Some(())
    }

    /// The same, or none for null.
    pub(super) fn structure<T: Default>(
        &mut self,
        known: &[&'static str],
        mut take: impl FnMut(&mut T, &'static str, &mut Self) -> Option<()>,
    ) -> Option<Option<Object<T>>> {
        if self.0.peek().ok()? == Peek::Null {
            return self.0.known_null().ok().map(|()| None);
        }
        let mut structure = T::default();
        self.fields(known, |field, json| take(&mut structure, field, json))?;
        Some(Some(Object(structure)))
    }

    /// A text; the empty one for null.
    pub(super) fn text(&mut self) -> Option<String> {
        match self.0.peek().ok()? {
            Peek::Null => self.0.known_null().ok().map(|()| String::new()),
            Peek::String => self.0.known_str().ok().map(str::to_owned),
            _ => None,
        }
    }

    /// Texts; none for null.
    pub(super) fn texts(&mut self) -> Option<Vec<String>> {
        match self.0.peek().ok()? {
            Peek::Null => self.0.known_null().ok().map(|()| Vec::new()),
            Peek::Array => self.list(),
            _ => None,
        }
    }

    fn list(&mut self) -> Option<Vec<String>> {
        let mut texts = Vec::new();
        let mut next = self.0.next_array().ok()?;
        while let Some(peek) = next {
            if peek != Peek::String {
                return None;
            }
            texts.push(self.0.known_str().ok()?.to_owned());
            next = self.0.array_step().ok()?;
        }
        Some(texts)
    }

    /// Texts by their names; none for null.
    pub(super) fn texts_by_name(&mut self) -> Option<BTreeMap<String, Vec<String>>> {
        let mut all = BTreeMap::new();
        let mut key = match self.0.peek().ok()? {
            Peek::Null => return self.0.known_null().ok().map(|()| all),
            Peek::Object => self.0.known_object().ok()?.map(str::to_owned),
            _ => return None,
        };
        while let Some(name) = key {
            if all.insert(name, self.list()?).is_some() {
                return None;
            }
            key = self.0.next_key().ok()?.map(str::to_owned);
        }
        Some(all)
    }
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
                "verb":"get","group":"apps","version":"v1","resource":"pods","subresource":"log","name":"web"},
                "user":"jane","groups":["a","b"],"extra":{"x":["1"],"y":[]},"uid":"u"},
                "status":{"allowed":false,"denied":true,"reason":"","evaluationError":null}}"#,
            true,
        );
        check(
            r#"{"spec":{"nonResourceAttributes":{"path":"/a\u00e9","verb":null},"extra":null}}"#,
            true,
        );
        check(
            r#"{"spec":{"resourceAttributes":null,"nonResourceAttributes":{},"groups":null}}"#,
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
            r#"{"spec":{"groups":["a",null]}}"#,
            r#"{"spec":{"groups":"a"}}"#,
            r#"{"spec":{"extra":{"x":null}}}"#,
            r#"{"spec":{"extra":{"x":["1"],"x":["2"]}}}"#,
            r#"{"spec":{"resourceAttributes":{"fieldSelector":{"rawSelector":"a=b"}}}}"#,
            r#"{"spec":{"user":"\ud800"}}"#,
            r#"{"metadata":{"name":"a"}}"#,
            r#"{"metadata":{"creationTimestamp":"2026-01-01T00:00:00Z"}}"#,
            r#"{"status":{"denied":"x"}}"#,
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
