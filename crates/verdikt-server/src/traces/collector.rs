//! The collector's address, as gRPC names servers, and the channel to it: in plain text, as kube-apiserver's is.

use tonic::transport::{Channel, Endpoint};

/// Why the collector cannot be one.
#[derive(Debug)]
pub struct CollectorError(String);

impl CollectorError {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }
}

/// A channel that connects when there is something to send, and again whenever that fails.
///
/// # Errors
/// If the address is none.
pub(super) fn channel(endpoint: Option<&str>) -> Result<Channel, CollectorError> {
    let endpoint = endpoint.unwrap_or(DEFAULT);
    let invalid = |why: &str| CollectorError(format!("endpoint {endpoint:?}: {why}"));
    let address = uri(endpoint).map_err(invalid)?;
    let endpoint = Endpoint::from_shared(address).map_err(|_| invalid("this is no address"))?;
    Ok(endpoint.connect_lazy())
}

/// The same as a URI.
fn uri(endpoint: &str) -> Result<String, &'static str> {
    if endpoint.starts_with("unix-abstract:") {
        return Err("names of sockets that are no files are not supported; use unix:///PATH");
    }
    if endpoint.starts_with("unix:") {
        return Ok(endpoint.to_owned());
    }
    let name = match endpoint.strip_prefix("dns://") {
        // Before the slash stands the server of DNS to ask; it is the system's here.
        Some(rest) => rest.split_once('/').map(|(_, name)| name).unwrap_or_default(),
        None => endpoint.strip_prefix("dns:").unwrap_or(endpoint),
    };
    let authority: axum::http::uri::Authority =
        name.parse().map_err(|_| "HOST:PORT, dns:///HOST:PORT or unix:///PATH is expected")?;
    Ok(match authority.port() {
        Some(_) => format!("http://{authority}"),
        None => format!("http://{authority}:{DEFAULT_PORT}"),
    })
}

/// Where collectors listen, as upstream has it.
const DEFAULT: &str = "localhost:4317";
const DEFAULT_PORT: u16 = 4317;

impl std::fmt::Display for CollectorError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for CollectorError {}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn addresses_are_those_of_grpc() {
        for (endpoint, expected) in [
            ("localhost:4317", Some("http://localhost:4317")),
            ("otel", Some("http://otel:4317")),
            ("[::1]:4317", Some("http://[::1]:4317")),
            ("dns:///otel.svc:4318", Some("http://otel.svc:4318")),
            ("dns://8.8.8.8/otel.svc:4318", Some("http://otel.svc:4318")),
            ("dns:otel:1", Some("http://otel:1")),
            ("unix:///run/otel.sock", Some("unix:///run/otel.sock")),
            ("unix-abstract:otel", None),
            ("dns://otel:4317", None),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(uri(endpoint).ok().as_deref(), expected, "{endpoint}");
        }
    }
}
