//! One request and its whole answer, or in words why there is none. Knows nothing of what is asked.

use std::env;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use ureq::http::HeaderMap;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, Error, Proxy, ProxyProtocol, Timeout};

use super::fault::{Fault, Reason};
use super::now;
use crate::small_file;

/// Of an answer, unpacked. A page of a thousand rows is about a megabyte.
const MAX_BODY: u64 = 16 * 1024 * 1024;

/// The longest that a server is left alone because it said so.
const MAX_WAIT: Duration = Duration::from_secs(60 * 60);

/// Clocks that are this far apart are worth a word, in milliseconds.
const MUCH_SKEW: i64 = 2 * 60 * 1000;

/// A client with its connections.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    timeout: Duration,
    /// What to look at when nothing answers.
    advice: String,
}

/// A whole answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// `Retry-After`.
    pub wait: Option<Duration>,
    /// How far this machine's clock is ahead of the server's, in milliseconds, if that is much.
    pub ahead: Option<i64>,
}

impl Client {
    /// Goes through the proxy of the environment (`HTTPS_PROXY`, `NO_PROXY`), trusts what the system trusts and `ca_file`.
    ///
    /// # Errors
    /// When `ca_file` or the proxy cannot be used.
    pub fn new(ca_file: Option<&Path>, timeout: Duration) -> Result<Self, Fault> {
        let tls = TlsConfig::builder().root_certs(roots(ca_file)?).build();
        let proxy = proxy()?;
        let advice = proxy.as_ref().map_or_else(
            || "see the network, or set HTTPS_PROXY".to_owned(),
            |proxy| {
                format!(
                    "see the network, and the proxy {}:{} (HTTPS_PROXY, NO_PROXY)",
                    proxy.host(),
                    proxy.port()
                )
            },
        );
        let config = common(timeout).tls_config(tls).proxy(proxy).build();
        Ok(Self { agent: config.into(), timeout, advice })
    }

    /// For what answers on this machine or its link alone: no proxy.
    pub fn direct(timeout: Duration) -> Self {
        let advice = "see the network".to_owned();
        Self { agent: common(timeout).proxy(None).build().into(), timeout, advice }
    }

    /// GET with these headers.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, Fault> {
        let request =
            headers.iter().fold(self.agent.get(url), |request, (name, value)| request.header(*name, *value));
        self.answer(url, request.call())
    }

    /// POST of a form.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub fn post(&self, url: &str, form: &[(&str, &str)]) -> Result<Answer, Fault> {
        self.answer(url, self.agent.post(url).send_form(form.iter().copied()))
    }

    fn answer(
        &self,
        url: &str,
        response: Result<ureq::http::Response<Body>, Error>,
    ) -> Result<Answer, Fault> {
        let mut response = response.map_err(|error| self.no_answer(url, error))?;
        let (status, headers) = (response.status().as_u16(), response.headers());
        let (wait, ahead) = (wait_of(headers), ahead_of(headers));
        let mut body = Vec::new();
        let reader = response.body_mut().with_config().limit(MAX_BODY).reader();
        let read = reader.take(MAX_BODY).read_to_end(&mut body);
        read.map_err(|error| self.no_answer(url, cut(error)))?;
        if u64::try_from(body.len()).unwrap_or(u64::MAX) >= MAX_BODY {
            let message =
                format!("the answer of {} is longer than {} MB, as no page is", host(url), MAX_BODY >> 20);
            return Err(Fault { status: "large".to_owned(), ..Fault::new(Reason::Answer, message) });
        }
        Ok(Answer { status, body, wait, ahead })
    }

    fn no_answer(&self, url: &str, error: Error) -> Fault {
        let (host, advice) = (host(url), &self.advice);
        let no_address = || format!("{host} has no address here; see DNS; {advice}");
        let (status, message) = match error {
            Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
                ("timeout", format!("{host} cannot be reached in time; {advice}"))
            }
            Error::Timeout(_) => ("timeout", format!("{host} did not answer in {:?}", self.timeout)),
            Error::Io(error) if error.to_string().contains("lookup address") => ("name", no_address()),
            Error::HostNotFound => ("name", no_address()),
            Error::InvalidProxyUrl | Error::ConnectProxyFailed(_) => (
                "proxy",
                format!("the proxy does not lead to {host} ({error}); see HTTPS_PROXY and NO_PROXY"),
            ),
            Error::Rustls(_) | Error::Tls(_) => ("tls", tls_message(host, &error)),
            Error::Io(error) if is_of_tls(&error) => ("tls", tls_message(host, &error)),
            Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                ("cut", format!("the answer of {host} breaks off"))
            }
            error => ("connection", format!("{host} cannot be asked: {error}; {advice}")),
        };
        Fault { status: status.to_owned(), ..Fault::new(Reason::Unreachable, message) }
    }
}

impl Answer {
    /// Whether a page for people came, as proxies and sign-in pages send.
    pub fn is_html(&self) -> bool {
        let begin = self.body.trim_ascii_start();
        let begin = &begin[..begin.len().min(14)];
        begin.eq_ignore_ascii_case(b"<!doctype html") || begin.to_ascii_lowercase().starts_with(b"<html")
    }

    /// What to add to a message when the clocks differ.
    pub fn clock(&self) -> String {
        self.ahead.map_or_else(String::new, |ahead| {
            let direction = if ahead > 0 { "ahead of" } else { "behind" };
            format!(
                "; this machine's clock is {} seconds {direction} Microsoft's: set it",
                (ahead / 1000).abs()
            )
        })
    }
}

fn common(timeout: Duration) -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
    Agent::config_builder()
        .http_status_as_error(false)
        // A token goes to the host that was meant and to no other.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(timeout.min(Duration::from_secs(15))))
        .timeout_global(Some(timeout))
        .user_agent(concat!("cdr-exporter/", env!("CARGO_PKG_VERSION")))
}

/// What is trusted: the system's list, or where there is none (in a container) Mozilla's; and the operator's file.
fn roots(ca_file: Option<&Path>) -> Result<RootCerts, Fault> {
    let mut certificates: Vec<CertificateDer<'static>> = rustls_native_certs::load_native_certs().certs;
    if certificates.is_empty() && ca_file.is_none() {
        return Ok(RootCerts::WebPki);
    }
    if let Some(file) = ca_file {
        let unusable = |error: String| {
            Fault::new(
                Reason::Unreachable,
                format!("`ca_file` {}: {error}; it is a PEM file", file.display()),
            )
        };
        let pem = small_file::read(file).map_err(|error| unusable(error.to_string()))?;
        let own: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let own = own.map_err(|error| unusable(error.to_string()))?;
        if own.is_empty() {
            return Err(unusable("there is no certificate in it".to_owned()));
        }
        certificates.extend(own);
    }
    let certificates = certificates.iter().map(|der| Certificate::from_der(der).to_owned());
    Ok(RootCerts::from(certificates.collect::<Vec<_>>()))
}

/// The proxy that the environment names. One that cannot be used is a fault: nobody who named one wants to go without.
fn proxy() -> Result<Option<Proxy>, Fault> {
    let named = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].into_iter();
    let named =
        named.filter_map(|name| Some((name, env::var(name).ok().filter(|address| !address.is_empty())?)));
    let Some((name, address)) = { named }.next() else { return Ok(None) };
    let spoken = |protocol| matches!(protocol, ProxyProtocol::Http | ProxyProtocol::Https);
    // Not shown: it may have a password in it.
    let unusable = || {
        let message = format!("`{name}` is not the address of a proxy such as http://proxy.example.com:3128");
        Fault::new(Reason::Unreachable, message)
    };
    let proxy =
        Proxy::new(&address).ok().filter(|proxy| spoken(proxy.protocol()) && !proxy.host().is_empty());
    let proxy = proxy.ok_or_else(unusable)?;
    let builder = Proxy::builder(proxy.protocol()).host(proxy.host()).port(proxy.port());
    let builder = proxy.username().into_iter().fold(builder, |builder, name| builder.username(name));
    let builder = proxy.password().into_iter().fold(builder, |builder, password| builder.password(password));
    let but_for = env::var("NO_PROXY").or_else(|_| env::var("no_proxy")).unwrap_or_default();
    let but_for = but_for.split(',').map(str::trim).filter(|host| !host.is_empty());
    let builder = but_for.fold(builder, |builder, host| builder.no_proxy(host));
    builder.build().map(Some).map_err(|_| unusable())
}

fn tls_message(host: &str, error: &dyn std::fmt::Display) -> String {
    format!(
        "{host} is not trusted: {error}; if a proxy opens TLS here, name its certificate authority in `ca_file`, and see \
         that this machine's clock is right"
    )
}

fn is_of_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| {
        let text = inner.to_string();
        text.contains("certificate") || text.contains("tls") || text.contains("TLS")
    })
}

/// An error while reading a body is that the body breaks off, but for a time-out.
fn cut(error: io::Error) -> Error {
    match Error::from(error) {
        timeout @ Error::Timeout(_) => timeout,
        _ => Error::Io(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The host of a URL, with its port if it has one.
pub fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

/// `Retry-After`: seconds, or a time.
fn wait_of(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Duration::from_millis(u64::try_from(time(text)? - now()).unwrap_or(0)),
    };
    Some(wait.min(MAX_WAIT))
}

fn ahead_of(headers: &HeaderMap) -> Option<i64> {
    let theirs = time(headers.get("date")?.to_str().ok()?)?;
    Some(now() - theirs).filter(|ahead| ahead.abs() > MUCH_SKEW)
}

/// A time as HTTP writes it, in milliseconds since 1970.
fn time(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(text).ok().map(|time| Timestamp::from(time).as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_seconds_or_times() {
        let wait = |text: &str| {
            let headers = HeaderMap::from_iter([("retry-after".parse().unwrap(), text.parse().unwrap())]);
            wait_of(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("17"), Some(17));
        assert_eq!(wait("999999"), Some(3600), "no longer than an hour");
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:00 GMT"), Some(0), "gone by");
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn hosts() {
        for (url, expected) in
            [("https://a.example.com:8443/x?y", "a.example.com:8443"), ("http://b", "b"), ("c/d", "c")]
        {
            assert_eq!(host(url), expected);
        }
    }
}
