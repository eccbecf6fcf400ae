//! Which requests are refused whatever they ask for: malformed, oversized, for another host, or sent by another site's
//! page. And the headers that keep browsers from doing anything with our pages but show them.

use hyper::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    REFERRER_POLICY, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::http::uri::Authority;
use hyper::{Method, Request, StatusCode, Version};

use super::page;

/// Longer than any URL that means something here.
const URL_BYTES: usize = 4096;
/// No request here has a body; a small one is overlooked.
const BODY_BYTES: u64 = 64 * 1024;

/// Which hosts requests may be for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hosts {
    /// Those that are allowed, without port; empty for all.
    pub allowed: Vec<String>,
    /// The authority under which a proxy offers this, if one does: its pages may send requests too.
    pub external: Option<String>,
}

/// Why a request is refused.
pub type Refusal = (StatusCode, &'static str);

/// Whether the request may be looked at.
///
/// # Errors
/// Why not.
pub fn check<B>(request: &Request<B>, hosts: &Hosts) -> Result<(), Refusal> {
    let headers = request.headers();
    if request.uri().path_and_query().is_some_and(|url| url.as_str().len() > URL_BYTES) {
        return Err((StatusCode::URI_TOO_LONG, "The URL is too long.\n"));
    }
    if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
        return Err((
            StatusCode::BAD_REQUEST,
            "Content-Length and Transfer-Encoding contradict each other.\n",
        ));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > BODY_BYTES) {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, "No request here has a body.\n"));
    }
    let authority = authority(request)?;
    hosts.check(authority.as_ref())?;
    match *request.method() {
        Method::GET | Method::HEAD | Method::OPTIONS => Ok(()),
        _ => hosts.check_origin(headers, authority.as_ref()),
    }
}

/// The host that the request is for, with its port. HTTP/1.1 names exactly one, HTTP/1.0 may name none.
fn authority<B>(request: &Request<B>) -> Result<Option<Authority>, Refusal> {
    const BAD_HOST: Refusal =
        (StatusCode::BAD_REQUEST, "A request needs one Host header with a host in it.\n");
    let mut named = request.headers().get_all(HOST).iter();
    let (host, another) = (named.next(), named.next());
    if another.is_some() || (host.is_none() && request.version() == Version::HTTP_11) {
        return Err(BAD_HOST);
    }
    let host = host.filter(|host| !host.is_empty()).map(|host| Authority::try_from(host.as_bytes()));
    let host = host.transpose().map_err(|_| BAD_HOST)?;
    let authority = match (request.uri().authority(), host) {
        // In HTTP/2 they are two places for one thing (RFC 9113, section 8.3.1).
        (Some(url), Some(host)) if request.version() == Version::HTTP_2 && *url != host => {
            return Err(BAD_HOST);
        }
        // What the URL names counts more (RFC 9112, section 3.2.2).
        (Some(url), _) => Some(url.clone()),
        (None, host) => host,
    };
    if authority.as_ref().is_some_and(|it| it.as_str().contains('@')) { Err(BAD_HOST) } else { Ok(authority) }
}

impl Hosts {
    fn check(&self, authority: Option<&Authority>) -> Result<(), Refusal> {
        let is_allowed = |authority: &Authority| {
            let host = authority.host();
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            // A page can give its own name any address, but no address another name.
            bare.parse::<std::net::IpAddr>().is_ok()
                || self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
        };
        match self.allowed.is_empty() || authority.is_some_and(is_allowed) {
            true => Ok(()),
            false => Err((StatusCode::MISDIRECTED_REQUEST, "This host is not among --web.allowed-hosts.\n")),
        }
    }

    /// A browser says which site's page sends a request that changes something.
    fn check_origin(&self, headers: &HeaderMap, authority: Option<&Authority>) -> Result<(), Refusal> {
        const FOREIGN: Refusal = (StatusCode::FORBIDDEN, "Pages of other sites may not ask for this.\n");
        let is_ours = |origin: &HeaderValue| {
            let Some((_, origin)) = origin.to_str().ok()?.split_once("://") else { return Some(false) };
            let same = |ours: &str| ours.eq_ignore_ascii_case(origin);
            Some(authority.is_some_and(|it| same(it.as_str())) || self.external.as_deref().is_some_and(same))
        };
        let origins = headers.get_all(ORIGIN).iter();
        let sites = headers.get_all(HeaderName::from_static("sec-fetch-site")).iter();
        let ours = origins.map(is_ours).all(|ours| ours == Some(true))
            && sites.into_iter().all(|site| site == "same-origin" || site == "none");
        if ours { Ok(()) } else { Err(FOREIGN) }
    }
}

/// Sets what every answer says to browsers, unless it says it itself.
pub fn secure(headers: &mut HeaderMap) {
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, page::CONTENT_SECURITY_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "deny"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(request: hyper::http::request::Builder, hosts: &Hosts) -> u16 {
        let refusal = check(&request.body(()).unwrap(), hosts).err();
        refusal.map_or(0, |(status, _)| status.as_u16())
    }

    #[test]
    fn a_request_names_one_host() {
        let all = Hosts::default();
        let to = |hosts: &[&str], version| {
            let request = Request::get("/metrics").version(version);
            hosts.iter().fold(request, |request, host| request.header(HOST, *host))
        };
        for (hosts, version, expected) in [
            (&["a"][..], Version::HTTP_11, 0),
            (&["a:10410"], Version::HTTP_11, 0),
            (&["[::1]:10410"], Version::HTTP_11, 0),
            (&[], Version::HTTP_11, 400),
            (&["a", "a"], Version::HTTP_11, 400),
            (&["a", "b"], Version::HTTP_11, 400),
            (&["a b"], Version::HTTP_11, 400),
            (&["a/b"], Version::HTTP_11, 400),
            (&["user@a"], Version::HTTP_11, 400),
            (&[""], Version::HTTP_11, 0),
            (&[], Version::HTTP_10, 0),
            (&["a", "b"], Version::HTTP_10, 400),
            (&[], Version::HTTP_2, 0),
        ] {
            assert_eq!(refused(to(hosts, version), &all), expected, "{hosts:?} {version:?}");
        }
    }

    #[test]
    fn the_url_may_name_the_host_too() {
        let all = Hosts::default();
        for (url, host, version, expected) in [
            ("https://a/", None, Version::HTTP_2, 0),
            ("https://a/", Some("a"), Version::HTTP_2, 0),
            ("https://a/", Some("A"), Version::HTTP_2, 0),
            ("https://a/", Some("b"), Version::HTTP_2, 400),
            ("https://a:1/", Some("a:2"), Version::HTTP_2, 400),
            ("https://user@a/", None, Version::HTTP_2, 400),
            ("http://a/", Some("b"), Version::HTTP_11, 0),
            ("http://a/", Some("b c"), Version::HTTP_11, 400),
            ("http://user@a/", Some("a"), Version::HTTP_11, 400),
        ] {
            let request = Request::get(url).version(version);
            let request = host.into_iter().fold(request, |request, host| request.header(HOST, host));
            assert_eq!(refused(request, &all), expected, "{url} {host:?} {version:?}");
        }
    }

    #[test]
    fn only_allowed_hosts_are_served() {
        let hosts = Hosts { allowed: vec!["cdr.contoso.com".to_owned()], external: None };
        for (host, expected) in [
            ("cdr.contoso.com", 0),
            ("CDR.contoso.com:10410", 0),
            ("127.0.0.1:10410", 0),
            ("[::1]:10410", 0),
            ("cdr.contoso.com.example.com", 421),
            ("localhost", 421),
            ("127.0.0.1.example.com", 421),
            ("", 421),
        ] {
            assert_eq!(refused(Request::get("/").header(HOST, host), &hosts), expected, "{host}");
        }
        assert_eq!(refused(Request::get("/").version(Version::HTTP_10), &hosts), 421);
        let both = Request::get("http://cdr.contoso.com/").header(HOST, "example.com");
        assert_eq!(refused(both, &hosts), 0, "the URL counts more");
    }

    #[test]
    fn only_our_own_pages_may_change_something() {
        let hosts = Hosts { allowed: Vec::new(), external: Some("proxy.contoso.com".to_owned()) };
        for (headers, expected) in [
            (&[][..], 0),
            (&[("origin", "http://a:1")], 0),
            (&[("origin", "https://A:1")], 0),
            (&[("origin", "https://proxy.contoso.com")], 0),
            (&[("origin", "http://a:2")], 403),
            (&[("origin", "http://a")], 403),
            (&[("origin", "null")], 403),
            (&[("origin", "https://example.com")], 403),
            (&[("origin", "http://a:1"), ("origin", "https://example.com")], 403),
            (&[("sec-fetch-site", "same-origin")], 0),
            (&[("sec-fetch-site", "none")], 0),
            (&[("sec-fetch-site", "same-site")], 403),
            (&[("sec-fetch-site", "cross-site")], 403),
            (&[("origin", "http://a:1"), ("sec-fetch-site", "cross-site")], 403),
        ] {
            for (method, expected) in [("POST", expected), ("GET", 0)] {
                let request = Request::builder().method(method).uri("/-/reload").header(HOST, "a:1");
                let request =
                    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
                assert_eq!(refused(request, &hosts), expected, "{method} {headers:?}");
            }
        }
    }

    #[test]
    fn what_is_too_large_or_contradicts_itself_is_refused() {
        let all = Hosts::default();
        let get = |url: &str| Request::get(url).header(HOST, "a");
        assert_eq!(refused(get(&format!("/{}", "x".repeat(URL_BYTES - 1))), &all), 0);
        assert_eq!(refused(get(&format!("/?{}", "x".repeat(URL_BYTES))), &all), 414);
        assert_eq!(refused(get("/").header(CONTENT_LENGTH, "65536"), &all), 0);
        assert_eq!(refused(get("/").header(CONTENT_LENGTH, "65537"), &all), 413);
        let both = get("/").header(CONTENT_LENGTH, "5").header(TRANSFER_ENCODING, "chunked");
        assert_eq!(refused(both, &all), 400);
    }
}
