//! In which format a body is, and in which one its answer is wanted.
//!
//! Follows `pkg/endpoints/handlers/negotiation` of apiserver, and `goautoneg` for the order of what a client
//! takes.

use std::cmp::Ordering;

use axum::http::{HeaderMap, header};

use super::status::Status;
use super::{protobuf, yaml};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    Json,
    Yaml,
    Protobuf,
}

/// How an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) media_type: MediaType,
    /// `;pretty=1`
    pub(crate) is_pretty: bool,
}

/// What an answer can be transformed into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transform {
    /// Nothing.
    Never,
    /// Aggregated discovery, and it must be.
    Aggregated,
}

impl MediaType {
    /// In the order in which they are offered.
    pub(crate) const ALL: [Self; 3] = [Self::Json, Self::Yaml, Self::Protobuf];

    /// The format of a body. What does not say is JSON.
    ///
    /// # Errors
    /// If it is none of these: 415.
    pub(crate) fn of_body(headers: &HeaderMap) -> Result<Self, Status> {
        let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(Self::Json) };
        let value = String::from_utf8_lossy(value.as_bytes());
        let said = value.split(';').next().unwrap_or_default().trim();
        match Self::ALL.into_iter().find(|known| said.eq_ignore_ascii_case(known.as_str())) {
            None if value.is_empty() => Ok(Self::Json),
            None => Err(Status::unsupported_media_type(&accepted())),
            Some(known) => Ok(known),
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => yaml::MEDIA_TYPE,
            Self::Protobuf => protobuf::MEDIA_TYPE,
        }
    }
}

impl Wanted {
    const JSON: Self = Self { media_type: MediaType::Json, is_pretty: false };

    /// As [`Wanted::by`] for an answer that cannot be transformed, behind the router of kube-apiserver: it
    /// looks at the types alone, and knows one wildcard, before parameters are looked at.
    ///
    /// # Errors
    /// If there is nothing that the client takes: 406, in the words of whoever notices.
    pub(crate) fn routed(headers: &HeaderMap) -> Result<Self, Status> {
        let value = headers.get(header::ACCEPT).map(|value| value.as_bytes()).unwrap_or_default();
        let value = String::from_utf8_lossy(value);
        let is_routed = |clause: &str| {
            let range = clause.split(';').next().unwrap_or_default().trim();
            range == "*/*" || MediaType::ALL.iter().any(|known| known.as_str() == range)
        };
        if !value.is_empty() && !value.split(',').any(is_routed) {
            return Err(Status::no_representation(&accepted()));
        }
        Self::unrouted(headers)
    }

    /// The same where kube-apiserver has no router in front: at `/apis`, and for a group as a whole.
    ///
    /// # Errors
    /// If there is nothing that the client takes.
    pub(crate) fn unrouted(headers: &HeaderMap) -> Result<Self, Status> {
        Self::by(headers, Transform::Never).ok_or_else(|| Status::not_acceptable(&accepted()))
    }

    /// The first of what the client takes that there is; none if there is none.
    pub(crate) fn by(headers: &HeaderMap, transform: Transform) -> Option<Self> {
        let value = headers.get(header::ACCEPT).map(|value| value.as_bytes()).unwrap_or_default();
        // What nearly everyone sends.
        if matches!(value, b"" | b"*/*" | b"application/json") && transform == Transform::Never {
            return Some(Self::JSON);
        }
        let value = String::from_utf8_lossy(value);
        Clause::all(&value).iter().find_map(|clause| {
            MediaType::ALL.into_iter().find_map(|known| clause.accept(known, transform))
        })
    }
}

/// The first of what the client takes that is offered; the first that is offered if it does not say.
pub(crate) fn preferred(headers: &HeaderMap, offered: &[&'static str]) -> Option<&'static str> {
    let value = headers.get(header::ACCEPT).map(|value| value.as_bytes()).unwrap_or(b"*/*");
    let value = String::from_utf8_lossy(value);
    let fitting =
        |clause: &Clause<'_>| offered.iter().copied().find(|offered| clause.fits(offered));
    Clause::all(&value).iter().find_map(fitting)
}

/// One of the things a client takes.
struct Clause<'a> {
    main: &'a str,
    sub: &'a str,
    quality: f64,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Clause<'a> {
    /// All of a header, the best first.
    fn all(value: &'a str) -> Vec<Self> {
        let mut clauses: Vec<Self> = value.split(',').filter_map(Self::parse).collect();
        clauses.sort_by(|a, b| b.rank().partial_cmp(&a.rank()).unwrap_or(Ordering::Equal));
        clauses
    }

    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';');
        let range = parts.next()?.trim();
        let (main, sub) = match range.split_once('/') {
            None if range == "*" => ("*", "*"),
            None => return None,
            Some((main, sub)) => (main.trim(), sub.trim()),
        };
        let mut clause = Self { main, sub, quality: 1.0, parameters: Vec::new() };
        for parameter in parts {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            match (name.trim(), value.trim()) {
                ("q", value) => clause.quality = value.parse().unwrap_or(1.0),
                parameter => clause.parameters.push(parameter),
            }
        }
        Some(clause)
    }

    /// Greater is better: by its `q`, then what says more about the type.
    fn rank(&self) -> (f64, bool, bool) {
        (self.quality, self.main != "*", self.sub != "*")
    }

    fn fits(&self, media_type: &str) -> bool {
        match (self.main, self.sub) {
            ("*", "*") => true,
            (main, "*") => media_type.split_once('/').is_some_and(|(known, _)| known == main),
            range => media_type.split_once('/') == Some(range),
        }
    }

    fn accept(&self, known: MediaType, transform: Transform) -> Option<Wanted> {
        let parameter = |wanted: &str| {
            let found = self.parameters.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| *value)
        };
        if !self.fits(known.as_str()) || parameter("sv").is_some_and(|version| !version.is_empty())
        {
            return None;
        }
        let is_aggregated = match (parameter("as"), parameter("g"), parameter("v")) {
            (None, None, None) => false,
            (Some("APIGroupDiscoveryList"), Some("apidiscovery.k8s.io"), Some("v2")) => true,
            _ => return None,
        };
        let is_pretty = parameter("pretty") == Some("1");
        (is_aggregated == (transform == Transform::Aggregated))
            .then_some(Wanted { media_type: known, is_pretty })
    }
}

/// The formats there are, as errors list them.
fn accepted() -> String {
    MediaType::ALL.map(MediaType::as_str).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: Option<&'static str>) -> HeaderMap {
        value.map(|value| (name, value.parse().unwrap())).into_iter().collect()
    }

    #[test]
    fn the_best_of_what_a_client_takes_is_chosen() {
        let check = |accept: Option<&'static str>, expected: Option<MediaType>| {
            let found = Wanted::by(&headers(header::ACCEPT, accept), Transform::Never);
            assert_eq!(found.map(|wanted| wanted.media_type), expected, "{accept:?}");
        };
        check(None, Some(MediaType::Json));
        check(Some(""), Some(MediaType::Json));
        check(Some("*"), Some(MediaType::Json));
        check(Some("*/*"), Some(MediaType::Json));
        check(Some("application/*"), Some(MediaType::Json));
        check(Some("application/yaml"), Some(MediaType::Yaml));
        check(
            Some("application/vnd.kubernetes.protobuf,application/json"),
            Some(MediaType::Protobuf),
        );
        check(Some("application/json;q=0.5, application/yaml;q=0.9"), Some(MediaType::Yaml));
        check(Some("*/*, application/yaml"), Some(MediaType::Yaml));
        check(
            Some("application/json;as=Table;g=meta.k8s.io;v=v1, application/yaml"),
            Some(MediaType::Yaml),
        );
        check(Some("application/json;as=Table;g=meta.k8s.io;v=v1"), None);
        check(Some("application/json;sv=v1"), None);
        check(Some("text/html,application/xhtml+xml"), None);
        check(Some(",;,/"), None);
    }

    #[test]
    fn aggregated_discovery_is_asked_for_by_its_parameters() {
        let check = |accept: &'static str, expected: bool| {
            let headers = headers(header::ACCEPT, Some(accept));
            assert_eq!(Wanted::by(&headers, Transform::Aggregated).is_some(), expected, "{accept}");
        };
        let of_kubectl = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,\
                          application/json";
        check(of_kubectl, true);
        check("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList", false);
        check("application/json", false);
        check("*/*", false);
    }

    #[test]
    fn what_cannot_be_answered_is_refused_as_upstream_does() {
        let check = |accept: &'static str, expected: Option<bool>| {
            let refused = Wanted::routed(&headers(header::ACCEPT, Some(accept))).err();
            let text = refused.map(|status| serde_json::to_string(&status).unwrap());
            let found = text.map(|text| text.contains("Available representations: "));
            assert_eq!(found, expected, "{accept}");
        };
        check("application/json;foo=bar", None);
        check("text/html, application/yaml;q=0.1", None);
        check("application/*", Some(true));
        check("*", Some(true));
        check("application/json;sv=x", Some(false));
    }

    #[test]
    fn a_body_is_what_it_says() {
        let check = |said: Option<&'static str>, expected: Option<MediaType>| {
            let found = MediaType::of_body(&headers(header::CONTENT_TYPE, said));
            assert_eq!(found.ok(), expected, "{said:?}");
        };
        check(None, Some(MediaType::Json));
        check(Some("application/json; charset=utf-8"), Some(MediaType::Json));
        check(Some("Application/YAML"), Some(MediaType::Yaml));
        check(Some("application/vnd.kubernetes.protobuf"), Some(MediaType::Protobuf));
        check(Some("application/x-www-form-urlencoded"), None);
        check(Some(";"), None);
    }
}
