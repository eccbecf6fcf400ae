//! Snapshots over HTTP: which path answers what.

pub mod families;
mod negotiate;
mod page;
mod serve;

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, VARY};
use hyper::{Method, Request, Response, StatusCode};
use prometheus::{Registry, TextEncoder};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::error;

use crate::ledger::snapshot::Published;
use crate::ledger::status::{FileStatus, Files};
use crate::telemetry::Telemetry;

use negotiate::{accepts_gzip, gzip};
pub use serve::serve;

/// How many scrapes and reloads may be under way at once. A scrape is under way until its client has read it.
const MAX_REQUESTS: usize = 40;

/// The Prometheus text format. Prometheus 3 refuses an answer that does not name its format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long the loop may take to say how each file fares: far longer than a sound one needs for a hundred thousand
/// files on a slow machine, since there is no use in asking again what it is about to answer.
pub const FILES_TIMEOUT: Duration = Duration::from_secs(120);

/// The answer until the store has been read: counters that begin at 0 would be taken for a reset.
const NOT_LOADED: &str = "Not ready: what was counted before is still being loaded.\n";

/// What the operator can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where the metrics are; `/metrics` by default.
    pub telemetry_path: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { telemetry_path: "/metrics".to_owned() }
    }
}

/// Checks a telemetry path as the operator writes it.
///
/// # Errors
/// What is wrong with it: such a path would never be asked for, or hide the daemon's own.
pub fn telemetry_path(path: &str) -> Result<String, String> {
    match path {
        path if !path.starts_with('/') => Err("must begin with /".to_owned()),
        path if path.starts_with("/-/") => Err("must not begin with /-/".to_owned()),
        path if path.contains(|c: char| !c.is_ascii_graphic() || c == '?' || c == '#') => {
            Err("must have no spaces, ? or # and no letters outside ASCII".to_owned())
        }
        path => Ok(path.to_owned()),
    }
}

/// Asks for the config to be loaded again; the answer comes through the sender inside.
pub type ReloadRequest = oneshot::Sender<Result<(), String>>;

/// Asks how each file fares.
pub type FilesRequest = oneshot::Sender<Vec<FileStatus>>;

/// The ways to those who answer requests.
#[derive(Debug, Clone)]
pub struct Requests {
    pub reload: mpsc::Sender<ReloadRequest>,
    pub files: mpsc::Sender<FilesRequest>,
}

/// All that answers are made of. Clones share it, the limit on requests included.
#[derive(Debug, Clone)]
pub struct State {
    options: Options,
    registry: Registry,
    published: Published,
    requests: Requests,
    under_way: Arc<Semaphore>,
}

type Answer = Response<Full<Bytes>>;

impl State {
    /// Brings together what is published, the daemon's word about itself, and the ways to those who answer
    /// requests.
    ///
    /// # Errors
    /// None in practice: when two metrics have the same name.
    pub fn new(
        options: Options,
        published: Published,
        telemetry: &Telemetry,
        requests: Requests,
    ) -> prometheus::Result<Self> {
        let registry = Registry::new();
        registry.register(Box::new(families::Families::new(published.clone())?))?;
        telemetry.register(&registry)?;
        let under_way = Arc::new(Semaphore::new(MAX_REQUESTS));
        Ok(Self { options, registry, published, requests, under_way })
    }

    /// The answer to a request. hyper leaves out the body of an answer to HEAD.
    async fn answer<B>(&self, request: &Request<B>) -> Answer {
        let Some(endpoint) = Endpoint::at(request.uri().path(), &self.options) else {
            return plain(StatusCode::NOT_FOUND, "Not found.\n");
        };
        if request.method() == Method::OPTIONS {
            return with(plain(StatusCode::NO_CONTENT, ""), ALLOW, endpoint.allow());
        }
        if !endpoint.allow().split(", ").any(|method| method == request.method().as_str()) {
            let refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed.\n");
            return with(refusal, ALLOW, endpoint.allow());
        }
        match endpoint {
            Endpoint::Metrics => self.metrics(request.headers()),
            Endpoint::Landing => {
                let page = page::landing(&self.options.telemetry_path);
                with(plain(StatusCode::OK, page), CONTENT_TYPE, "text/html; charset=utf-8")
            }
            Endpoint::Healthy => plain(StatusCode::OK, "Healthy.\n"),
            Endpoint::Ready => self.ready(),
            Endpoint::Files => self.files().await,
            Endpoint::Reload => self.reload().await,
        }
    }

    fn metrics(&self, asked: &HeaderMap) -> Answer {
        let Ok(permit) = Arc::clone(&self.under_way).try_acquire_owned() else {
            return too_many();
        };
        if !self.published.current().loaded {
            return plain(StatusCode::SERVICE_UNAVAILABLE, NOT_LOADED);
        }
        let text = match TextEncoder::new().encode_to_string(&self.registry.gather()) {
            Ok(text) => text,
            Err(error) => {
                error!(%error, "cannot write the metrics");
                return plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"));
            }
        };
        let compressed = accepts_gzip(asked).then(|| gzip(text.as_bytes()).ok()).flatten();
        let encoding = compressed.as_ref().map(|_| "gzip");
        let body = Scrape { bytes: compressed.unwrap_or_else(|| text.into_bytes()), _permit: permit };

        let answer = with(plain(StatusCode::OK, Bytes::from_owner(body)), CONTENT_TYPE, METRICS_TYPE);
        let answer = with(answer, VARY, "accept-encoding");
        match encoding {
            Some(encoding) => with(answer, CONTENT_ENCODING, encoding),
            None => answer,
        }
    }

    fn ready(&self) -> Answer {
        let snapshot = self.published.current();
        if !snapshot.loaded {
            return plain(StatusCode::SERVICE_UNAVAILABLE, NOT_LOADED);
        }
        if let Some(reason) = &snapshot.commits.failing {
            let message = format!("Not ready: what is read cannot be made durable: {reason}\n");
            return plain(StatusCode::SERVICE_UNAVAILABLE, message);
        }
        if snapshot.caught_up {
            return plain(StatusCode::OK, "Ready.\n");
        }
        let pending: u64 = snapshot.sources.iter().map(|source| source.pending_bytes).sum();
        let reason = "Not ready: the files present at the start are still being read";
        plain(StatusCode::SERVICE_UNAVAILABLE, format!("{reason}, {pending} bytes to go.\n"))
    }

    async fn files(&self) -> Answer {
        let Ok(_permit) = self.under_way.try_acquire() else {
            return too_many();
        };
        if !self.published.current().loaded {
            return plain(StatusCode::SERVICE_UNAVAILABLE, NOT_LOADED);
        }
        let (request, answer) = oneshot::channel();
        drop(self.requests.files.send(request).await);
        let files = match timeout(FILES_TIMEOUT, answer).await {
            Ok(Ok(files)) => Files { files },
            Ok(Err(_)) => return plain(StatusCode::SERVICE_UNAVAILABLE, "The program is stopping.\n"),
            Err(_) => {
                return plain(StatusCode::SERVICE_UNAVAILABLE, "Too busy to answer, try again later.\n");
            }
        };
        // There may be many: a scrape need not wait for them.
        match spawn_blocking(move || serde_json::to_vec(&files)).await {
            Ok(Ok(json)) => with(plain(StatusCode::OK, json), CONTENT_TYPE, "application/json"),
            Ok(Err(_)) | Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "Cannot write the answer.\n"),
        }
    }

    async fn reload(&self) -> Answer {
        let Ok(_permit) = self.under_way.try_acquire() else {
            return too_many();
        };
        let (request, outcome) = oneshot::channel();
        // Drops a request that nobody takes, which ends the wait for its outcome.
        drop(self.requests.reload.send(request).await);
        match outcome.await {
            Ok(Ok(())) => plain(StatusCode::OK, "Configuration reloaded.\n"),
            Ok(Err(reason)) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{reason}\n")),
            Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "Not reloaded: the program is stopping.\n"),
        }
    }
}

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Metrics,
    Landing,
    Healthy,
    Ready,
    Files,
    Reload,
}

impl Endpoint {
    /// The endpoint at this path. Metrics at `/` take the place of the landing page.
    fn at(path: &str, options: &Options) -> Option<Self> {
        match path {
            path if path == options.telemetry_path => Some(Self::Metrics),
            "/" => Some(Self::Landing),
            "/-/healthy" => Some(Self::Healthy),
            "/-/ready" => Some(Self::Ready),
            "/-/files" => Some(Self::Files),
            "/-/reload" => Some(Self::Reload),
            _ => None,
        }
    }

    /// The methods it answers, as the `Allow` header lists them.
    fn allow(self) -> &'static str {
        match self {
            Self::Reload => "POST, PUT, OPTIONS",
            Self::Metrics | Self::Landing | Self::Healthy | Self::Ready | Self::Files => "GET, HEAD, OPTIONS",
        }
    }
}

/// The body of a scrape, which counts as under way until its last byte is handed to the system.
struct Scrape {
    bytes: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Scrape {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn too_many() -> Answer {
    let reason = format!("Limit of concurrent requests reached ({MAX_REQUESTS}), try again later.\n");
    plain(StatusCode::SERVICE_UNAVAILABLE, reason)
}

/// An answer in plain text.
fn plain(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    with(answer, CONTENT_TYPE, "text/plain; charset=utf-8")
}

/// This answer with this header set.
fn with(mut answer: Answer, name: HeaderName, value: &'static str) -> Answer {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
    answer
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::classify::Catalogue;
    use crate::ledger::snapshot::Snapshot;

    fn state() -> (State, mpsc::Receiver<ReloadRequest>) {
        let loading = Snapshot::loading(Arc::new(Catalogue::built_in()));
        let snapshot = Snapshot { loaded: true, ready: true, ..loading };
        let ((reload, reloads), (files, _)) = (mpsc::channel(1), mpsc::channel(1));
        let published = Published::new(snapshot);
        let requests = Requests { reload, files };
        (State::new(Options::default(), published, &Telemetry::new(), requests).unwrap(), reloads)
    }

    #[test]
    fn telemetry_paths_that_would_hide_or_be_hidden_are_refused() {
        for path in ["/", "/metrics", "/a/b", "/metrics/"] {
            assert_eq!(telemetry_path(path).as_deref(), Ok(path));
        }
        for path in ["", "metrics", "/-/ready", "/a b", "/a?b", "/a#b", "/é", "/a\n"] {
            assert!(telemetry_path(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn metrics_at_the_root_take_the_place_of_the_landing_page() {
        let at_root = Options { telemetry_path: "/".to_owned() };
        assert_eq!(Endpoint::at("/", &at_root), Some(Endpoint::Metrics));
        assert_eq!(Endpoint::at("/metrics", &at_root), None);
        assert_eq!(Endpoint::at("/", &Options::default()), Some(Endpoint::Landing));
    }

    #[tokio::test]
    async fn a_scrape_counts_until_its_body_is_gone() {
        let (state, _requests) = state();
        let request = Request::get("/metrics").body(()).unwrap();
        let mut answers = Vec::new();
        for _ in 0..MAX_REQUESTS {
            answers.push(state.answer(&request).await);
        }
        assert!(answers.iter().all(|answer| answer.status() == StatusCode::OK));
        let refusal = state.answer(&request).await;
        assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
        let body = refusal.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "Limit of concurrent requests reached (40), try again later.\n");

        answers.pop();
        assert_eq!(state.answer(&request).await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn a_reload_that_nobody_will_do_is_answered() {
        let (state, requests) = state();
        drop(requests);
        let answer = state.answer(&Request::post("/-/reload").body(()).unwrap()).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        let answer = state.answer(&Request::get("/-/files").body(()).unwrap()).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
