//! The kinds that kube-apiserver's configuration files may be of, for the words about a wrong one.
//!
//! Follows apiserver's `pkg/apis/apiserver/{v1alpha1,v1beta1,v1}/register.go`. A file of a kind that is
//! known but not wanted is still held against that kind's fields first, as upstream does.

use super::{Kind, Shape, Struct};
use crate::authentication_config;
use crate::authorization_config;
use crate::tracing_configuration;

/// What a version and a kind stand for where an object called `wanted` is expected.
pub(crate) fn of_apiserver(api_version: &str, kind: &str, wanted: &str) -> Kind {
    let shape = match (api_version, kind) {
        ("v1", "EncryptionConfig") | ("apiserver.config.k8s.io/v1", "EncryptionConfiguration") => {
            &ENCRYPTION
        }
        ("apiserver.k8s.io/v1alpha1" | "apiserver.config.k8s.io/v1", "AdmissionConfiguration") => {
            &ADMISSION
        }
        (
            "apiserver.k8s.io/v1alpha1" | "apiserver.k8s.io/v1beta1",
            "EgressSelectorConfiguration",
        ) => &EGRESS_SELECTOR,
        (
            "apiserver.config.k8s.io/v1"
            | "apiserver.config.k8s.io/v1beta1"
            | "apiserver.config.k8s.io/v1alpha1",
            kind,
        ) => match kind {
            "AuthenticationConfiguration" => &authentication_config::CONFIGURATION,
            "AuthorizationConfiguration" => &authorization_config::CONFIGURATION,
            "TracingConfiguration" => &tracing_configuration::CONFIGURATION,
            _ => return Kind::Unknown,
        },
        _ => return Kind::Unknown,
    };
    if shape.name == wanted { Kind::Wanted(shape) } else { Kind::Other(shape) }
}

static ENCRYPTION: Struct =
    Struct { name: "EncryptionConfiguration", fields: &[("resources", Shape::Any)] };

static ADMISSION: Struct =
    Struct { name: "AdmissionConfiguration", fields: &[("plugins", Shape::Any)] };

static EGRESS_SELECTOR: Struct =
    Struct { name: "EgressSelectorConfiguration", fields: &[("egressSelections", Shape::Any)] };
