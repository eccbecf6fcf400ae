//! Snapshots over HTTP.
//!
//! ```text
//! serve: accept -> socket (watched by connections) -> guard -> routes -> exposition: negotiate -> format -> compress
//!        health is answered where connections are accepted, all else on a thread of its own (lane)
//! ```

pub mod families;
pub mod listen;
mod family;
mod sample;
mod text;
mod openmetrics;
mod protobuf;
pub mod negotiate;
mod compress;
mod exposition;
pub mod api;
mod page;
mod pages;
pub mod access;
mod guard;
mod answer;
mod endpoint;
mod routes;
mod places;
mod connections;
mod lane;
mod socket;
mod serve;

pub use connections::Limits;
pub use guard::Hosts;
pub use routes::{FILES_TIMEOUT, FilesRequest, ReloadRequest, Requests, State};
pub use serve::serve;

/// What the operator can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where the metrics are; `/metrics` by default.
    pub telemetry_path: String,
    /// What every path begins with: nothing, or a path that begins with `/` and does not end with it.
    pub route_prefix: String,
    /// How many scrapes may be under way at once; 0 for any number.
    pub max_requests: usize,
    /// Whether POST `/-/reload` reloads.
    pub lifecycle: bool,
    /// Whether OpenMetrics says when each series began; protobuf always does.
    pub created_timestamps: bool,
    /// Whether no series shows one of its calls.
    pub without_exemplars: bool,
    /// Whether the metrics of the process are left out.
    pub without_process: bool,
    pub hosts: Hosts,
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            telemetry_path: "/metrics".to_owned(),
            route_prefix: String::new(),
            max_requests: 40,
            lifecycle: false,
            created_timestamps: false,
            without_exemplars: false,
            without_process: false,
            hosts: Hosts::default(),
            limits: Limits::default(),
        }
    }
}

impl Options {
    /// The path below the prefix. Otherwise what to go to instead, if there is such a path.
    fn within_prefix<'a>(&self, path: &'a str) -> Result<&'a str, Option<String>> {
        if self.route_prefix.is_empty() {
            return Ok(path);
        }
        match path.strip_prefix(&*self.route_prefix) {
            Some(path) if path.starts_with('/') => Ok(path),
            Some("") => Err(Some(format!("{}/", self.route_prefix))),
            _ if path == "/" => Err(Some(format!("{}/", self.route_prefix))),
            _ => Err(None),
        }
    }
}

/// Checks a telemetry path as the operator writes it.
///
/// # Errors
/// What is wrong with it: such a path would never be asked for, or hide the daemon's own.
pub fn telemetry_path(path: &str) -> Result<String, String> {
    match path {
        path if path.starts_with("/-/") => Err("must not begin with /-/".to_owned()),
        path if path != "/" && pages::Page::at(path).is_some() => Err("is the path of a page".to_owned()),
        path => url_path(path),
    }
}

/// Checks a prefix of all paths as the operator writes it, and brings it into the form of [`Options::route_prefix`].
///
/// # Errors
/// What is wrong with it.
pub fn route_prefix(path: &str) -> Result<String, String> {
    let prefix = format!("/{}", path.trim_matches('/'));
    url_path(&prefix).map(|prefix| prefix.trim_end_matches('/').to_owned())
}

fn url_path(path: &str) -> Result<String, String> {
    match path {
        path if !path.starts_with('/') => Err("must begin with /".to_owned()),
        path if path.contains(|c: char| !c.is_ascii_graphic() || c == '?' || c == '#') => {
            Err("must have no spaces, ? or # and no letters outside ASCII".to_owned())
        }
        path => Ok(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telemetry_paths_that_would_hide_or_be_hidden_are_refused() {
        for path in ["/", "/metrics", "/a/b", "/metrics/"] {
            assert_eq!(telemetry_path(path).as_deref(), Ok(path));
        }
        for path in [
            "",
            "metrics",
            "/-/ready",
            "/a b",
            "/a?b",
            "/a#b",
            "/é",
            "/a\n",
            "/causes",
            "/causes/1-2",
            "/api/v1/status",
        ] {
            assert!(telemetry_path(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn paths_are_below_the_prefix() {
        for (written, prefix) in [("", ""), ("/", ""), ("cdr", "/cdr"), ("/cdr/", "/cdr"), ("/a/b", "/a/b")] {
            assert_eq!(route_prefix(written).as_deref(), Ok(prefix), "{written}");
        }
        assert!(route_prefix("/a b").is_err());
        let options = Options { route_prefix: "/cdr".to_owned(), ..Options::default() };
        let below = |path| options.within_prefix(path);
        assert_eq!(below("/cdr/metrics"), Ok("/metrics"));
        assert_eq!(below("/cdr/"), Ok("/"));
        for there in ["/cdr", "/"] {
            assert_eq!(below(there), Err(Some("/cdr/".to_owned())));
        }
        for nowhere in ["/metrics", "/cdrs/metrics", "/other/cdr/"] {
            assert_eq!(below(nowhere), Err(None));
        }
    }
}
