//! `--tracing-config-file`: TracingConfiguration of `apiserver.config.k8s.io`.
//!
//! Follows component-base's `tracing/api/v1/{types,config}.go` and `ReadTracingConfiguration` of apiserver's
//! `pkg/server/options/tracing.go`; the three versions have the same fields.

use crate::document::{Node, Value};
use crate::strict::{self, Decoded, Shape, Struct};
use crate::{Diagnostic, Limits, Source};

/// Where traces go, and of which requests there are any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TracingConfiguration {
    /// The collector, as gRPC names servers: `host:port`, `dns:///host:port`, `unix:///path`.
    pub endpoint: Option<String>,
    /// Of a million requests that are part of no trace, how many begin one; none without it.
    pub sampling_rate_per_million: Option<u32>,
}

/// Reads a configuration.
///
/// # Errors
/// In upstream's words: what is wrong with its form, or, if nothing is, with what it says.
pub fn read(source: &Source<'_>, limits: &Limits) -> Result<TracingConfiguration, Vec<Diagnostic>> {
    let name = CONFIGURATION.name;
    let kind_of = |version: &str, kind: &str| strict::of_apiserver(version, kind, name);
    let Decoded { root, places } = strict::decode(source, limits, name, kind_of)?;
    let mut found = Vec::new();
    let mut refuse = |field: &str, value: &str, problem: &str| {
        let message = format!("{field}: Invalid value: {value}: {problem}");
        found.push(places.mark(Diagnostic::error("config/tracing", message), field));
    };
    let rate = root.get(RATE).and_then(number);
    let sampling_rate_per_million = rate.and_then(|rate| {
        match rate {
            ..0 => refuse(RATE, &rate.to_string(), "sampling rate must be positive"),
            0..=MOST => return u32::try_from(rate).ok(),
            _ => refuse(RATE, &rate.to_string(), TOO_HIGH),
        }
        None
    });
    let endpoint = root.get(ENDPOINT).and_then(Node::as_str);
    if let Some(scheme) = endpoint.and_then(scheme)
        && !matches!(scheme, "dns" | "unix" | "unix-abstract")
    {
        let problem = format!(
            "unsupported scheme: {scheme}.  Options are none, dns, unix, or unix-abstract.  See \
             https://github.com/grpc/grpc/blob/master/doc/naming.md"
        );
        refuse(ENDPOINT, &format!("{:?}", endpoint.unwrap_or_default()), &problem);
    }
    match found.is_empty() {
        true => Ok(TracingConfiguration {
            endpoint: endpoint.map(str::to_owned),
            sampling_rate_per_million,
        }),
        false => Err(found),
    }
}

/// What stands before the address; only a text with `//` has any, `localhost:4317` has not.
fn scheme(endpoint: &str) -> Option<&str> {
    endpoint.contains("//").then(|| endpoint.split_once(':').map_or("", |(scheme, _)| scheme))
}

/// The decoder has seen that it is one.
fn number(node: &Node) -> Option<i32> {
    match &node.value {
        Value::Number(number) => number.parse().ok(),
        _ => None,
    }
}

const ENDPOINT: &str = "endpoint";
const RATE: &str = "samplingRatePerMillion";
const MOST: i32 = 1_000_000;
const TOO_HIGH: &str = "sampling rate per million must be less than or equal to one million";

pub(crate) static CONFIGURATION: Struct = Struct {
    name: "TracingConfiguration",
    fields: &[(ENDPOINT, Shape::STRING), (RATE, Shape::Int32)],
};

#[cfg(test)]
mod tests {
    use super::*;

    fn read_fields(fields: &str) -> Result<TracingConfiguration, Vec<String>> {
        let head = "apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\n";
        let text = format!("{head}{fields}\n");
        read(&Source::new("tracing.yaml", text.as_bytes()), &Limits::default())
            .map_err(|found| found.into_iter().map(|found| found.message).collect())
    }

    #[test]
    fn both_fields_may_be_left_out() {
        let check = |fields: &str, endpoint: Option<&str>, rate: Option<u32>| {
            let read = read_fields(fields).unwrap();
            assert_eq!(read.endpoint.as_deref(), endpoint, "{fields}");
            assert_eq!(read.sampling_rate_per_million, rate, "{fields}");
        };
        check("", None, None);
        check("endpoint: null\nsamplingRatePerMillion: null", None, None);
        check("endpoint: localhost:4317", Some("localhost:4317"), None);
        check("endpoint: unix:///run/otel.sock", Some("unix:///run/otel.sock"), None);
        check("endpoint: dns:///otel:4317", Some("dns:///otel:4317"), None);
        check("samplingRatePerMillion: 0", None, Some(0));
        check("samplingRatePerMillion: 1000000", None, Some(1_000_000));
    }

    #[test]
    fn what_is_wrong_is_said_as_upstream_says_it() {
        let check = |fields: &str, expected: &[&str]| {
            assert_eq!(read_fields(fields).unwrap_err(), expected, "{fields}");
        };
        let of_type = "Go struct field TracingConfiguration.samplingRatePerMillion of type int32";
        check(
            "samplingRatePerMillion: -1",
            &["samplingRatePerMillion: Invalid value: -1: sampling rate must be positive"],
        );
        check(
            "samplingRatePerMillion: 1000001",
            &["samplingRatePerMillion: Invalid value: 1000001: sampling rate per million must be \
               less than or equal to one million"],
        );
        for (value, kind) in
            [("5000000000", "number 5000000000"), ("1.5", "number 1.5"), ("\"1\"", "string")]
        {
            let message = format!("json: cannot unmarshal {kind} into {of_type}");
            check(&format!("samplingRatePerMillion: {value}"), &[&message]);
        }
        check("endpoints: a", &["strict decoding error: unknown field \"endpoints\""]);
        check(
            "endpoint: https://otel:4317",
            &[
                "endpoint: Invalid value: \"https://otel:4317\": unsupported scheme: https.  Options are none, \
               dns, unix, or unix-abstract.  See https://github.com/grpc/grpc/blob/master/doc/naming.md",
            ],
        );
    }
}
