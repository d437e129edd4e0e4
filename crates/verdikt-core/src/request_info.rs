//! What an HTTP request is about: its method and URL as verb, group, resource, namespace and name.
//!
//! Follows `pkg/endpoints/request/requestinfo.go` of apiserver, with the prefixes of kube-apiserver:
//! `/api` without groups and `/apis` with groups. Strings are UTF-8 where upstream's are bytes: what
//! is not UTF-8 once decoded counts as U+FFFD, byte by byte.

mod layout;
mod line;

use std::{borrow::Cow, error, fmt};

use self::layout::Layout;
pub use self::line::request_line;
use crate::{
    Selectors, UrlError, field_selector,
    query::ListQuery,
    url::{RequestUrl, url_of},
};

/// The meaning of a request; Kubernetes' `request.RequestInfo`.
///
/// Borrows the method and the URL, unless they hold escapes or an unusual method.
///
/// ```
/// # fn main() -> Result<(), verdikt_core::RequestInfoError> {
/// use verdikt_core::RequestInfo;
///
/// let info = RequestInfo::from_request("GET", "/apis/apps/v1/namespaces/dev/deployments?watch=1")?;
/// assert_eq!((info.verb(), info.api_group(), info.resource()), ("watch", "apps", "deployments"));
/// assert_eq!((info.namespace(), info.name()), ("dev", ""));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RequestInfo<'a> {
    path: Cow<'a, str>,
    layout: Layout<'a>,
    selected_name: Option<String>,
    field_selector: Cow<'a, str>,
    label_selector: Cow<'a, str>,
    selectors: Option<Selectors>,
}

/// Why a request has no meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestInfoError {
    /// The target of the request is not a URL: the client's mistake, status 400.
    Url(UrlError),
    /// The path ends where the resource should follow, as in `/api/v1/watch`. Kubernetes answers it
    /// with status 500 and the text `failed to create RequestInfo: ` before this one.
    NoKind {
        /// The URL as Go prints it.
        url: String,
    },
}

impl<'a> RequestInfo<'a> {
    /// Reads the target of a request line: `/path?query`, or `http://host/path?query`.
    ///
    /// The method counts exactly as sent: `get` is not `GET`.
    ///
    /// # Errors
    /// A target that is no URL, or one whose path stops behind `watch` or `proxy`.
    pub fn from_request(method: &'a str, target: &'a str) -> Result<Self, RequestInfoError> {
        let url = RequestUrl::parse(target).map_err(RequestInfoError::Url)?;
        match Layout::of(method, &url.path) {
            Some(layout) => Ok(Self::new(url.path, layout, url.query)),
            None => Err(RequestInfoError::NoKind { url: url.to_string() }),
        }
    }

    /// Reads a path that is already decoded, with a query that is not.
    ///
    /// # Errors
    /// A path that stops behind `watch` or `proxy`.
    pub fn from_path(
        method: &'a str,
        path: impl Into<Cow<'a, str>>,
        query: Option<&'a str>,
    ) -> Result<Self, RequestInfoError> {
        let path = path.into();
        match Layout::of(method, &path) {
            Some(layout) => Ok(Self::new(path, layout, query)),
            None => Err(RequestInfoError::NoKind { url: url_of(&path, query) }),
        }
    }

    fn new(path: Cow<'a, str>, layout: Layout<'a>, query: Option<&'a str>) -> Self {
        let mut info = Self {
            path,
            layout,
            selected_name: None,
            field_selector: Cow::default(),
            label_selector: Cow::default(),
            selectors: None,
        };
        let is_about_many = info.is_resource_request()
            && info.name().is_empty()
            && matches!(info.verb(), "get" | "delete");
        if is_about_many {
            info.read_query(query.unwrap_or_default());
        }
        info
    }

    /// Turns a get or delete without a name into what its query makes of it.
    fn read_query(&mut self, query: &'a str) {
        let mut list = ListQuery::read(query);
        self.field_selector = list.field_selector.take().unwrap_or_default();
        self.label_selector = list.label_selector.take().unwrap_or_default();
        let selectors = Selectors::parse(&self.field_selector, &self.label_selector);
        if self.verb() == "delete" {
            self.layout.verb = Cow::Borrowed("deletecollection");
        } else {
            let decodes = list.has_valid_numbers() && selectors.labels.is_ok();
            let fields = selectors.fields.as_ref().ok().filter(|_| decodes);
            let watches = list.asks_to_watch(fields.is_some());
            self.layout.verb = Cow::Borrowed(if watches { "watch" } else { "list" });
            self.selected_name = fields
                .and_then(|fields| field_selector::exact_match(fields, "metadata.name"))
                .filter(|name| is_path_segment(name))
                .map(str::to_owned);
        }
        self.selectors = (!selectors.is_empty()).then_some(selectors);
    }

    /// Whether the request is about a resource rather than a path such as `/healthz`.
    pub fn is_resource_request(&self) -> bool {
        self.layout.is_resource_request
    }

    /// The decoded path, whole.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// For resources `get`, `list`, `create` and so on, or nothing for an unknown method; for other
    /// paths the method in lower case.
    pub fn verb(&self) -> &str {
        &self.layout.verb
    }

    /// `api` or `apis`; set as soon as a path of three parts starts with it.
    pub fn api_prefix(&self) -> &str {
        self.layout.api_prefix.of(&self.path)
    }

    /// The API group; empty for the core group.
    pub fn api_group(&self) -> &str {
        self.layout.api_group.of(&self.path)
    }

    /// The API version.
    pub fn api_version(&self) -> &str {
        self.layout.api_version.of(&self.path)
    }

    /// The namespace; empty for cluster-scoped resources and for all namespaces. A request for the
    /// namespace `n` itself is a request in `n`.
    pub fn namespace(&self) -> &str {
        self.layout.namespace.of(&self.path)
    }

    /// The resource in plural, such as `pods`.
    pub fn resource(&self) -> &str {
        self.layout.resource.of(&self.path)
    }

    /// The subresource, such as `log`.
    pub fn subresource(&self) -> &str {
        self.layout.subresource.of(&self.path)
    }

    /// The name of the object, from the path or, for a list or watch, from a field selector that
    /// asks for exactly one `metadata.name`.
    pub fn name(&self) -> &str {
        match &self.selected_name {
            Some(name) => name,
            None => self.layout.name.of(&self.path),
        }
    }

    /// The parts of the path from the resource on.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        let rest = self.layout.rest.of(&self.path);
        (!rest.is_empty()).then(|| rest.split('/')).into_iter().flatten()
    }

    /// The field selector as sent, of a list, watch or deletecollection only; else empty.
    pub fn field_selector(&self) -> &str {
        &self.field_selector
    }

    /// The label selector as sent, of a list, watch or deletecollection only; else empty.
    pub fn label_selector(&self) -> &str {
        &self.label_selector
    }

    /// The selectors parsed; none when they require nothing.
    pub fn selectors(&self) -> Option<&Selectors> {
        self.selectors.as_ref()
    }
}

/// Whether an object can have this name in a path.
fn is_path_segment(name: &str) -> bool {
    !matches!(name, "." | "..") && !name.contains(['/', '%'])
}

/// In upstream's words.
impl fmt::Display for RequestInfoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::NoKind { url } => {
                write!(f, "unable to determine kind and namespace from url, {url}")
            }
        }
    }
}

impl error::Error for RequestInfoError {}

#[cfg(test)]
mod tests {
    use super::RequestInfo;

    /// `expected` is verb, API group/version, namespace, resource/subresource and name.
    fn check(method: &str, target: &str, expected: [&str; 5]) {
        let info = RequestInfo::from_request(method, target).unwrap();
        let api = format!("{}/{}", info.api_group(), info.api_version());
        let resource = format!("{}/{}", info.resource(), info.subresource());
        let found = [info.verb(), &api, info.namespace(), &resource, info.name()];
        assert_eq!(found, expected, "{method} {target}");
        assert!(info.is_resource_request(), "{method} {target}");
    }

    fn check_path(method: &str, target: &str, verb: &str, path: &str, api_prefix: &str) {
        let info = RequestInfo::from_request(method, target).unwrap();
        let found = (info.verb(), info.path(), info.api_prefix());
        assert_eq!(found, (verb, path, api_prefix), "{method} {target}");
        assert!(!info.is_resource_request() && info.parts().next().is_none(), "{method} {target}");
    }

    fn check_error(target: &str, error: &str) {
        let found = RequestInfo::from_request("GET", target).unwrap_err();
        assert_eq!(found.to_string(), error);
    }

    #[test]
    fn short_paths_are_not_resources() {
        check_path("GET", "/", "get", "/", "");
        check_path("HEAD", "/healthz", "head", "/healthz", "");
        check_path("GET", "/api/v1/", "get", "/api/v1/", "");
        check_path("GET", "/apis/apps/v1/?watch=1", "get", "/apis/apps/v1/", "apis");
        check_path("PropFind", "/x/y/z", "propfind", "/x/y/z", "");
        check_path("GET", "/API/v1/pods", "get", "/API/v1/pods", "");
        check_path("DELETE", "//metrics%2F//", "delete", "//metrics///", "");
    }

    #[test]
    fn inner_empty_parts_count() {
        check("GET", "//api//v1/pods", ["get", "/", "", "v1/", "pods"]);
        check("GET", "/apis//v1/pods", ["list", "/v1", "", "pods/", ""]);
        check("GET", "/api/v1//x", ["get", "/v1", "", "/", "x"]);
        check("GET", "/api/v1/namespaces//pods", ["list", "/v1", "", "pods/", ""]);
        check("GET", "/api/v1/namespaces/n/pods//log", ["list", "/v1", "n", "pods/log", ""]);
    }

    #[test]
    fn escaped_slashes_separate() {
        check("GET", "/api/v1/namespaces/a%2Fb/pods", ["get", "/v1", "a", "b/", "pods"]);
    }

    #[test]
    fn methods_become_verbs() {
        check("POST", "/api/v1/pods", ["create", "/v1", "", "pods/", ""]);
        check("HEAD", "/api/v1/pods/x", ["get", "/v1", "", "pods/", "x"]);
        check("PUT", "/apis/apps/v1/d/x", ["update", "apps/v1", "", "d/", "x"]);
        check("PATCH", "/api/v1/pods/x/status", ["patch", "/v1", "", "pods/status", "x"]);
        check("DELETE", "/api/v1/pods/x", ["delete", "/v1", "", "pods/", "x"]);
        check("CONNECT", "/api/v1/nodes/n/proxy", ["", "/v1", "", "nodes/proxy", "n"]);
        check("get", "/api/v1/pods", ["", "/v1", "", "pods/", ""]);
    }

    #[test]
    fn verbs_in_the_path_win_over_the_method() {
        check("POST", "/api/v1/watch/pods", ["watch", "/v1", "", "pods/", ""]);
        check("GET", "/api/v1/proxy/proxy/x", ["proxy", "/v1", "", "proxy/", "x"]);
        check("GET", "/api/v1/watch/namespaces/n", ["watch", "/v1", "n", "namespaces/", "n"]);
        let target = "/api/v1/proxy/namespaces/ns/services/foo/bar";
        check("GET", target, ["proxy", "/v1", "ns", "services/", "foo"]);
        check("GET", "/api/v1/nodes/n/proxy/a/b", ["get", "/v1", "", "nodes/proxy", "n"]);
    }

    #[test]
    fn a_namespace_is_in_itself() {
        check("GET", "/api/v1/namespaces", ["list", "/v1", "", "namespaces/", ""]);
        check("GET", "/api/v1/namespaces/n", ["get", "/v1", "n", "namespaces/", "n"]);
        let target = "/api/v1/namespaces/n/status/x/y";
        check("GET", target, ["get", "/v1", "n", "namespaces/status", "n"]);
        check("GET", "/api/v1/namespaces/status/pods", ["list", "/v1", "status", "pods/", ""]);
        check("DELETE", "/api/v1/namespaces", ["deletecollection", "/v1", "", "namespaces/", ""]);
    }

    #[test]
    fn a_query_makes_a_get_a_list_or_watch() {
        let check_query = |query: &str, verb: &str, name: &str| {
            let target = format!("/api/v1/pods?{query}");
            check("GET", &target, [verb, "/v1", "", "pods/", name]);
        };
        check_query("watch=", "watch", "");
        check_query("watch=False", "list", "");
        check_query("watch=1;b", "list", "");
        check_query("fieldSelector=metadata.name%3Da,metadata.name%3D%3Dz", "list", "z");
        check_query("fieldSelector=metadata.name!%3Da", "list", "");
        check_query("fieldSelector=metadata.name%3D..&watch=1", "watch", "");
        check_query("fieldSelector=metadata.name%3Da%252Fb", "list", "");
        check_query("fieldSelector=metadata.name%3Dx&labelSelector=%26%26", "list", "");
        check_query("limit=&watch=1&fieldSelector=metadata.name%3Dx", "watch", "");
        check("GET", "/api/v1/pods/x?watch=1", ["get", "/v1", "", "pods/", "x"]);
    }

    #[test]
    fn selectors_are_kept_for_verbs_that_honour_them() {
        let check_selectors = |method: &str, path: &str, raw: (&str, &str), parsed: bool| {
            let target = format!("{path}?fieldSelector=a%3Db&labelSelector=c,&fieldSelector=x");
            let info = RequestInfo::from_request(method, &target).unwrap();
            let found = (info.field_selector(), info.label_selector());
            assert_eq!((found, info.selectors().is_some()), (raw, parsed), "{method} {path}");
        };
        for method in ["GET", "HEAD", "DELETE"] {
            check_selectors(method, "/api/v1/pods", ("a=b", "c,"), true);
            check_selectors(method, "/api/v1/pods/x", ("", ""), false);
        }
        check_selectors("POST", "/api/v1/pods", ("", ""), false);
        check_selectors("GET", "/api/v1/watch/pods", ("", ""), false);
    }

    #[test]
    fn selectors_that_require_nothing_are_none() {
        let info = RequestInfo::from_request("GET", "/api/v1/pods?fieldSelector=,%3D").unwrap();
        assert_eq!((info.field_selector(), info.selectors()), (",=", None));
    }

    #[test]
    fn a_selector_that_does_not_parse_is_an_error_of_its_own() {
        let target = "/api/v1/pods?fieldSelector=a%3Db&labelSelector=%3D";
        let info = RequestInfo::from_request("GET", target).unwrap();
        let selectors = info.selectors().unwrap();
        assert!(selectors.fields.is_ok() && selectors.labels.is_err());
    }

    #[test]
    fn parts_go_on_behind_the_subresource() {
        let info = RequestInfo::from_request("GET", "/api/v1/pods/x/proxy/a//b/").unwrap();
        assert!(info.parts().eq(["pods", "x", "proxy", "a", "", "b"]));
    }

    #[test]
    fn a_verb_in_the_path_needs_a_resource() {
        let text = "unable to determine kind and namespace from url, ";
        check_error("/api/v1/watch/?x=%zz", &format!("{text}/api/v1/watch/?x=%zz"));
        check_error("HTTP://h/apis/a/v1/proxy", &format!("{text}http://h/apis/a/v1/proxy"));
        check_error("/api/a b/watch", &format!("{text}/api/a%20b/watch"));
        let error = RequestInfo::from_path("GET", "/api/a b/watch", Some("x")).unwrap_err();
        assert_eq!(error.to_string(), format!("{text}/api/a%20b/watch?x"));
    }

    #[test]
    fn a_target_that_is_no_url_is_an_error() {
        check_error("/a%zz", r#"parse "/a%zz": invalid URL escape "%zz""#);
    }

    #[test]
    fn a_decoded_path_is_not_decoded_again() {
        let info = RequestInfo::from_path("GET", "/api/v1/pods/a%2Fb", Some("watch=1")).unwrap();
        assert_eq!((info.verb(), info.name()), ("get", "a%2Fb"));
    }
}
