//! `--feature-gates`, for what differs between versions of Kubernetes.

use std::str::FromStr;

use verdikt::Builder;

/// A gate and whether it is on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gate {
    ConstrainedImpersonation(bool),
}

impl Gate {
    pub(crate) fn apply(self, builder: Builder) -> Builder {
        match self {
            Self::ConstrainedImpersonation(on) => builder.constrained_impersonation(on),
        }
    }
}

impl FromStr for Gate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| format!("missing bool value for {text}"))?;
        let (name, value) = (name.trim(), value.trim());
        let on = match value {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
            "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
            _ => return Err(format!("invalid value of {name}={value}")),
        };
        match name {
            "ConstrainedImpersonation" => Ok(Self::ConstrainedImpersonation(on)),
            _ => Err(format!("unrecognized feature gate: {name}")),
        }
    }
}
