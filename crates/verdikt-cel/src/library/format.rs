//! Formats of names, and whether a text is of one.
//!
//! Follows apiserver's `pkg/cel/library/format.go`, apimachinery's `pkg/util/validation` and
//! `pkg/api/validate/content`, and kube-openapi's `pkg/validation/strfmt`.

mod names;
mod syntax;

use super::Opaque;
use super::declare::{Call, Registry, no_overload};
use super::optional::some;
use crate::meter::{Evaluated, Meter};
use crate::{Type, Value};

pub(crate) const TYPE: &str = "kubernetes.NamedFormat";

/// A format that has a name.
#[derive(Debug)]
pub struct NamedFormat {
    pub(super) name: &'static str,
    /// What is wrong with a text; nothing if it is of the format.
    problems: fn(&str) -> Vec<String>,
    /// The length of an expression that would match it, which counts for cost.
    pub(crate) pattern_size: u64,
}

pub(crate) fn declare(registry: &mut Registry) {
    let format = Type::Opaque(TYPE);
    let problems = Type::optional(Type::list(Type::String));
    let with_text = [format.clone(), Type::String];
    registry.member("validate", "format-validate", &with_text, problems, validate);
    let named = Type::optional(format.clone());
    registry.global("format.named", "format-named", &[Type::String], named, |_, args| match args {
        [Value::String(name)] => Ok(by_name(name).map_or(Value::Optional(None), some)),
        _ => no_overload(),
    });
    for (name, call) in CALLS {
        registry.global(name, name, &[], format.clone(), call);
    }
}

fn validate(meter: &mut Meter, args: &[Value]) -> Evaluated {
    let [Value::Opaque(Opaque::Format(format)), Value::String(text)] = args else {
        return no_overload();
    };
    meter.text(text.len())?;
    let problems = (format.problems)(text);
    if problems.is_empty() {
        return Ok(Value::Optional(None));
    }
    Ok(some(Value::native_string_list(problems)))
}

fn by_name(name: &str) -> Option<Value> {
    FORMATS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, format)| Value::Opaque(Opaque::Format(format)))
}

/// The functions that give a format, in the order of [`FORMATS`].
static CALLS: [(&str, Call); 13] = [
    ("format.dns1123Label", |_, _| nth(0)),
    ("format.dns1123Subdomain", |_, _| nth(1)),
    ("format.dns1035Label", |_, _| nth(2)),
    ("format.qualifiedName", |_, _| nth(3)),
    ("format.dns1123LabelPrefix", |_, _| nth(4)),
    ("format.dns1123SubdomainPrefix", |_, _| nth(5)),
    ("format.dns1035LabelPrefix", |_, _| nth(6)),
    ("format.labelValue", |_, _| nth(7)),
    ("format.uri", |_, _| nth(8)),
    ("format.uuid", |_, _| nth(9)),
    ("format.byte", |_, _| nth(10)),
    ("format.date", |_, _| nth(11)),
    ("format.datetime", |_, _| nth(12)),
];

fn nth(index: usize) -> Evaluated {
    match FORMATS.get(index) {
        Some((_, format)) => Ok(Value::Opaque(Opaque::Format(format))),
        None => no_overload(),
    }
}

static FORMATS: [(&str, NamedFormat); 13] = [
    (
        "dns1123Label",
        NamedFormat { name: "DNS1123Label", problems: names::label, pattern_size: 30 },
    ),
    (
        "dns1123Subdomain",
        NamedFormat { name: "DNS1123Subdomain", problems: names::subdomain, pattern_size: 60 },
    ),
    (
        "dns1035Label",
        NamedFormat { name: "DNS1035Label", problems: names::dns1035, pattern_size: 30 },
    ),
    (
        "qualifiedName",
        NamedFormat { name: "QualifiedName", problems: names::qualified, pattern_size: 60 },
    ),
    (
        "dns1123LabelPrefix",
        NamedFormat {
            name: "DNS1123LabelPrefix",
            problems: |text| names::label(&names::prefix(text)),
            pattern_size: 30,
        },
    ),
    (
        "dns1123SubdomainPrefix",
        NamedFormat {
            name: "DNS1123SubdomainPrefix",
            problems: |text| names::subdomain(&names::prefix(text)),
            pattern_size: 60,
        },
    ),
    (
        "dns1035LabelPrefix",
        NamedFormat {
            name: "DNS1035LabelPrefix",
            problems: |text| names::dns1035(&names::prefix(text)),
            pattern_size: 30,
        },
    ),
    (
        "labelValue",
        NamedFormat { name: "LabelValue", problems: names::label_value, pattern_size: 40 },
    ),
    ("uri", NamedFormat { name: "URI", problems: syntax::uri, pattern_size: 1103 }),
    ("uuid", NamedFormat { name: "uuid", problems: syntax::uuid, pattern_size: 70 }),
    ("byte", NamedFormat { name: "byte", problems: syntax::base64, pattern_size: 84 }),
    ("date", NamedFormat { name: "date", problems: syntax::date, pattern_size: 71 }),
    ("datetime", NamedFormat { name: "datetime", problems: syntax::datetime, pattern_size: 71 }),
];
