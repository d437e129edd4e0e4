//! A field that is wrong, in the words of apimachinery's `pkg/util/validation/field/errors.go`.

use std::fmt::{self, Write as _};

use verdikt_core::GoQuoted;

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    path: String,
    kind: Kind,
    detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Required,
    Forbidden,
    Invalid(Value),
    Duplicate(String),
    TooMany(usize),
    NotSupported(Value),
    Worded(String),
}

/// A value as an error shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text, quoted as Go quotes.
    Text(String),
    /// Anything else, as JSON.
    Json(String),
}

impl FieldError {
    /// What must be said.
    pub fn required(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { path: path.into(), kind: Kind::Required, detail: detail.into() }
    }

    /// A value that does not do.
    pub fn invalid(path: impl Into<String>, value: Value, detail: impl Into<String>) -> Self {
        Self { path: path.into(), kind: Kind::Invalid(value), detail: detail.into() }
    }

    /// A text that does not do.
    pub fn invalid_text(path: impl Into<String>, value: &str, detail: impl Into<String>) -> Self {
        Self::invalid(path, Value::Text(value.to_owned()), detail)
    }

    /// A text that is there already.
    pub fn duplicate(path: impl Into<String>, value: &str) -> Self {
        let kind = Kind::Duplicate(value.to_owned());
        Self { path: path.into(), kind, detail: String::new() }
    }

    /// A problem that has its words already, such as `Required value`.
    pub fn worded(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), kind: Kind::Worded(problem.into()), detail: String::new() }
    }

    /// A value that is none of those that are known.
    pub fn not_supported(path: impl Into<String>, value: Value, supported: &[&str]) -> Self {
        let quoted: Vec<String> = supported.iter().map(|text| GoQuoted(text).to_string()).collect();
        let detail = format!("supported values: {}", quoted.join(", "));
        Self { path: path.into(), kind: Kind::NotSupported(value), detail }
    }

    /// A list with more items than it may have.
    pub fn too_many(path: impl Into<String>, found: usize, most: usize) -> Self {
        let detail = format!("must have at most {most} items");
        Self { path: path.into(), kind: Kind::TooMany(found), detail }
    }

    /// What may not be said at all.
    pub fn forbidden(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { path: path.into(), kind: Kind::Forbidden, detail: detail.into() }
    }

    /// The field, such as `jwt[0].issuer.url`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Stable identifier of this kind of mistake.
    pub fn id(&self) -> &'static str {
        match self.kind {
            Kind::Required => "authn-config/required",
            Kind::Forbidden => "authn-config/forbidden",
            Kind::Invalid(_) => "authn-config/invalid",
            Kind::Duplicate(_) => "authn-config/duplicate",
            Kind::TooMany(_) => "authn-config/too-many",
            Kind::NotSupported(_) => "authn-config/not-supported",
            Kind::Worded(_) => "authn-config/invalid",
        }
    }

    /// Advice, where what is wrong does not say it.
    pub fn help(&self) -> &'static str {
        if self.detail.contains("cannot be range of a comprehension") {
            "a claim can be anything: write dyn(claims.x), or dyn(claims.?x.orValue([]))"
        } else if self.detail == "must evaluate to bool" {
            "a claim can be anything: compare it, as in claims.x == true"
        } else {
            ""
        }
    }
}

/// `path: Invalid value: "value": detail`.
impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        match &self.kind {
            Kind::Required => f.write_str("Required value"),
            Kind::Forbidden => f.write_str("Forbidden"),
            Kind::Invalid(Value::Text(text)) => write!(f, "Invalid value: {}", GoQuoted(text)),
            Kind::Invalid(Value::Json(json)) => write!(f, "Invalid value: {json}"),
            Kind::Duplicate(text) => write!(f, "Duplicate value: {}", GoQuoted(text)),
            Kind::TooMany(found) => write!(f, "Too many: {found}"),
            Kind::Worded(problem) => f.write_str(problem),
            Kind::NotSupported(Value::Text(text)) => {
                write!(f, "Unsupported value: {}", GoQuoted(text))
            }
            Kind::NotSupported(Value::Json(json)) => write!(f, "Unsupported value: {json}"),
        }?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

/// `path[number]`.
pub fn index(path: &str, number: usize) -> String {
    format!("{path}[{number}]")
}

/// A text as Go's `json.Marshal` writes it, safe to stand in HTML.
pub fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            '\x08' => json.push_str("\\b"),
            '\x0c' => json.push_str("\\f"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            _ => json.push(c),
        }
    }
    json.push('"');
    json
}
