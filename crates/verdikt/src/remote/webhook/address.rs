//! The URL of a webhook, from the server of a kubeconfig.
//!
//! Follows client-go's `rest/url_utils.go` (`DefaultServerURL`) and `NewRequest` of `rest/request.go`.

use http::Uri;
use verdikt_core::GoQuoted;
use verdikt_parser::go_duration::GoDuration;
use verdikt_parser::kubeconfig::Kubeconfig;

/// Where to post.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) uri: Uri,
    /// The same for messages.
    pub(super) text: String,
}

impl Address {
    /// The server's URL, its query replaced by the timeout. A server without scheme is taken for HTTPS if
    /// anything is said about certificates.
    pub(super) fn new(kubeconfig: &Kubeconfig, timeout: GoDuration) -> Result<Self, String> {
        let server = kubeconfig.server.as_str();
        if server.is_empty() {
            return Err("host must be a URL or a host:port pair".to_owned());
        }
        let is_url = server.split_once("://").is_some_and(|(scheme, rest)| {
            !scheme.is_empty() && !rest.is_empty() && !rest.starts_with('/')
        });
        let has_tls = kubeconfig.certificate_authority.is_some()
            || kubeconfig.client_certificate.is_some()
            || kubeconfig.insecure_skip_tls_verify;
        let url = match (is_url, has_tls) {
            (true, _) => server.to_owned(),
            (false, true) => format!("https://{server}"),
            (false, false) => format!("http://{server}"),
        };
        let invalid = || format!("host must be a URL or a host:port pair: {}", GoQuoted(server));
        let uri: Uri = url.split('#').next().unwrap_or_default().parse().map_err(|_| invalid())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(invalid());
        };
        if !is_url && !matches!(uri.path(), "" | "/") {
            return Err(invalid());
        }
        if !matches!(scheme, "http" | "https") {
            return Err(format!("unsupported protocol scheme {}", GoQuoted(scheme)));
        }
        // Credentials in a URL would end up in messages; the user of a kubeconfig is the place for them.
        if authority.as_str().contains('@') {
            return Err("the server of a kubeconfig must not hold a user or a password".to_owned());
        }
        let timeout = timeout.to_string().replace('µ', "%C2%B5");
        let text = format!("{scheme}://{authority}{}?timeout={timeout}", cleaned(uri.path()));
        let uri = text.parse().map_err(|_| invalid())?;
        Ok(Self { uri, text })
    }

    pub(super) fn is_secure(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Host and port, as a message about a connection names them.
    pub(super) fn host_and_port(&self) -> String {
        let default = if self.is_secure() { 443 } else { 80 };
        let port = self.uri.port_u16().unwrap_or(default);
        format!("{}:{port}", self.uri.host().unwrap_or_default())
    }
}

/// A path as Go's `path.Join` leaves it.
fn cleaned(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(server: &str, expected: Result<&str, &str>) {
        let kubeconfig = Kubeconfig { server: server.to_owned(), ..Kubeconfig::default() };
        let found = Address::new(&kubeconfig, GoDuration::seconds(3)).map(|found| found.text);
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{server}");
    }

    #[test]
    fn the_path_is_kept_and_the_query_is_not() {
        check("https://h/a//b/../c/?x=y#z", Ok("https://h/a/c?timeout=3s"));
        check("https://h:1", Ok("https://h:1/?timeout=3s"));
        check("h:80", Ok("http://h:80/?timeout=3s"));
    }

    #[test]
    fn what_is_no_server_is_refused() {
        check("h:80/path", Err("host must be a URL or a host:port pair: \"h:80/path\""));
        check("ftp://h", Err("unsupported protocol scheme \"ftp\""));
        check("", Err("host must be a URL or a host:port pair"));
        check(
            "https://u:p@h/",
            Err("the server of a kubeconfig must not hold a user or a password"),
        );
    }
}
