//! Which path answers what.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use hyper::header::{RETRY_AFTER, VARY};
use hyper::{Method, Request, StatusCode};
use prometheus::Registry;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::error;

use super::access::Access;
use super::answer::{Answer, last, plain, with, without_body};
use super::connections::Connection;
use super::endpoint::Endpoint;
use super::exposition::Exposition;
use super::negotiate::{Coding, Format};
use super::pages::Pages;
use super::places::Places;
use super::{Options, guard};
use crate::clock;
use crate::ledger::snapshot::{Published, Snapshot, SourceSnapshot};
use crate::ledger::status::{FileStatus, Files};
use crate::shown;
use crate::telemetry::{Heartbeat, Telemetry};

/// How long the loop may take to say how each file fares: far longer than a sound one needs for a hundred thousand
/// files on a slow machine, since there is no use in asking again what it is about to answer.
pub const FILES_TIMEOUT: Duration = Duration::from_secs(120);
/// How many of these answers, which may be large and are made anew each time, may be under way.
const FILES_AT_ONCE: usize = 4;

/// What a scraper needs for the way of an answer that comes at its last moment.
const SCRAPE_TIMEOUT_OFFSET: f64 = 0.5;

/// The answer until the store has been read: counters that begin at 0 would be taken for a reset.
const NOT_LOADED: &str = "Not ready: what was counted before is still being loaded.\n";

/// Asks for the config to be loaded again; the answer comes through the sender inside, once it is in force.
pub type ReloadRequest = oneshot::Sender<Result<(), String>>;

/// Asks how each file fares.
pub type FilesRequest = oneshot::Sender<Vec<FileStatus>>;

/// The ways to those who answer requests.
#[derive(Debug, Clone)]
pub struct Requests {
    /// Full when a reload is waiting for its turn.
    pub reload: mpsc::Sender<ReloadRequest>,
    pub files: mpsc::Sender<FilesRequest>,
}

/// All that answers are made of. Clones share it, the limits included.
#[derive(Debug, Clone)]
pub struct State {
    options: Arc<Options>,
    access: Access,
    exposition: Exposition,
    published: Published,
    heartbeat: Heartbeat,
    requests: Requests,
    scrapes: Places,
    files: Places,
    pages: Pages,
    started: HeaderValue,
}

impl State {
    /// Brings together what is published, the daemon's word about itself, and the ways to those who answer requests.
    ///
    /// # Errors
    /// None in practice: when two metrics have the same name.
    pub fn new(
        options: Options,
        access: Access,
        published: Published,
        telemetry: &Telemetry,
        requests: Requests,
    ) -> prometheus::Result<Self> {
        let registry = Registry::new();
        telemetry.register(&registry)?;
        access.register(&registry)?;
        let exposition = Exposition::new(published.clone(), registry, &options);
        let (scrapes, files) = (Places::new(options.max_requests), Places::new(FILES_AT_ONCE));
        let now = clock::now();
        let started = HeaderValue::from(now.0 / 1000);
        let pages = Pages::new(published.clone(), requests.files.clone(), &options.telemetry_path, now);
        Ok(Self {
            options: Arc::new(options),
            access,
            exposition,
            published,
            heartbeat: telemetry.heartbeat.clone(),
            requests,
            scrapes,
            files,
            pages,
            started,
        })
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    /// The answer to a request.
    pub(super) async fn answer<B>(&self, request: &Request<B>, connection: &Arc<Connection>) -> Answer {
        let answering = connection.answer();
        let web = self.access.current();
        let mut answer = match guard::check(request, &self.options.hosts) {
            Ok(()) => match self.access.admit(&web, request.headers(), connection).await {
                Ok(()) => self.route(request, connection).await,
                Err(refusal) => refusal,
            },
            // What is wrong with the request may be wrong with where it ends.
            Err((status, reason)) => last(plain(status, reason)),
        };
        guard::secure(answer.headers_mut());
        answer.headers_mut().extend(web.headers.clone());
        answering.sends();
        let answer = if request.method() == Method::HEAD { without_body(answer) } else { answer };
        answer.map(|body| body.holding(answering))
    }

    async fn route<B>(&self, request: &Request<B>, connection: &Arc<Connection>) -> Answer {
        let path = match self.options.within_prefix(request.uri().path()) {
            Ok(path) => path,
            Err(Some(prefix)) => return redirect(&prefix),
            Err(None) => return plain(StatusCode::NOT_FOUND, "Not found.\n"),
        };
        let Some(endpoint) = Endpoint::at(path, &self.options) else {
            return plain(StatusCode::NOT_FOUND, "Not found.\n");
        };
        if request.method() == Method::OPTIONS {
            return with(plain(StatusCode::NO_CONTENT, ""), ALLOW, endpoint.allow());
        }
        if !endpoint.allow().split(", ").any(|method| method == request.method().as_str()) {
            let refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed.\n");
            return with(refusal, ALLOW, endpoint.allow());
        }
        if !matches!(endpoint, Endpoint::Healthy | Endpoint::Ready) {
            connection.ask_for_more();
        }
        match endpoint {
            Endpoint::Metrics => self.metrics(request.headers(), connection).await,
            Endpoint::Page(page) => self.pages.answer(page, request.uri().query(), connection).await,
            Endpoint::Healthy => self.healthy(),
            Endpoint::Ready => self.ready(),
            Endpoint::Files => self.files(connection).await,
            Endpoint::Reload => self.reload().await,
        }
    }

    async fn metrics(&self, asked: &HeaderMap, connection: &Arc<Connection>) -> Answer {
        let Some(place) = self.scrapes.take(connection) else {
            return too_many(&self.scrapes);
        };
        if !self.published.current().loaded {
            return plain(StatusCode::SERVICE_UNAVAILABLE, NOT_LOADED);
        }
        let Some(coding) = Coding::asked_for(asked) else {
            return plain(StatusCode::NOT_ACCEPTABLE, "There is identity, gzip and zstd.\n");
        };
        let format = Format::asked_for(asked);
        let body = match timeout(scrape_timeout(asked), self.exposition.body(format, coding)).await {
            Ok(Ok(body)) => body,
            Ok(Err(error)) => {
                error!(%error, "cannot write the metrics");
                return plain(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    format!("Cannot write the metrics: {error}\n"),
                );
            }
            Err(_) => return plain(StatusCode::SERVICE_UNAVAILABLE, "The scrape would come too late.\n"),
        };
        let mut answer = hyper::Response::new(super::answer::Pieces::from(body).holding(place.sends()));
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, format.content_type());
        headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
        headers.insert(HeaderName::from_static("process-start-time-unix"), self.started.clone());
        if let Some(coding) = coding.name() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        answer
    }

    fn healthy(&self) -> Answer {
        match self.heartbeat.stalled() {
            Some(reason) => plain(StatusCode::SERVICE_UNAVAILABLE, format!("Not healthy: {reason}.\n")),
            None => plain(StatusCode::OK, "Healthy.\n"),
        }
    }

    fn ready(&self) -> Answer {
        if let Some(reason) = self.heartbeat.stalled() {
            return plain(StatusCode::SERVICE_UNAVAILABLE, format!("Not ready: {reason}.\n"));
        }
        let snapshot = self.published.current();
        if !snapshot.loaded {
            return plain(StatusCode::SERVICE_UNAVAILABLE, NOT_LOADED);
        }
        if let Some(reason) = &snapshot.commits.failing {
            let message = format!("Not ready: what is read cannot be made durable: {reason}\n");
            return plain(StatusCode::SERVICE_UNAVAILABLE, message);
        }
        let remarks = remarks(&snapshot);
        if snapshot.caught_up {
            return plain(StatusCode::OK, format!("Ready.\n{remarks}"));
        }
        let pending: u64 = snapshot.sources.iter().map(|source| source.pending_bytes).sum();
        let reason = "Not ready: the files present at the start are still being read";
        plain(StatusCode::SERVICE_UNAVAILABLE, format!("{reason}, {pending} bytes to go.\n{remarks}"))
    }

    async fn files(&self, connection: &Arc<Connection>) -> Answer {
        let Some(place) = self.files.take(connection) else {
            return too_many(&self.files);
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
        match spawn_blocking(move || serde_json::to_string(&files).map(shown::json)).await {
            Ok(Ok(json)) => with(plain(StatusCode::OK, json), CONTENT_TYPE, "application/json")
                .map(|body| body.holding(place.sends())),
            Ok(Err(_)) | Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "Cannot write the answer.\n"),
        }
    }

    async fn reload(&self) -> Answer {
        if !self.options.lifecycle {
            return plain(
                StatusCode::FORBIDDEN,
                "Lifecycle API is not enabled: start with --web.enable-lifecycle, or send SIGHUP.\n",
            );
        }
        let (request, outcome) = oneshot::channel();
        if let Err(TrySendError::Full(_)) = self.requests.reload.try_send(request) {
            let refusal =
                plain(StatusCode::SERVICE_UNAVAILABLE, "A reload is waiting already, try again later.\n");
            return with(refusal, RETRY_AFTER, "1");
        }
        match outcome.await {
            Ok(Ok(())) => plain(StatusCode::OK, "Configuration reloaded.\n"),
            Ok(Err(reason)) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{reason}\n")),
            Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "Not reloaded: the program is stopping.\n"),
        }
    }
}

/// What an operator should know of each source's paths, a line each.
fn remarks(snapshot: &Snapshot) -> String {
    let lines = |source: &SourceSnapshot| -> Vec<String> {
        let remarks = source.paths.iter().flat_map(|paths| &paths.remarks);
        remarks.map(|remark| format!("source {}: {}.\n", source.name, shown::text(remark))).collect()
    };
    snapshot.sources.iter().flat_map(lines).collect()
}

/// How long the scraper waits, less what its answer needs for its way. A minute where it does not say.
fn scrape_timeout(headers: &HeaderMap) -> Duration {
    let seconds = headers.get("x-prometheus-scrape-timeout-seconds").and_then(|seconds| {
        seconds.to_str().ok()?.trim().parse::<f64>().ok().filter(|seconds| *seconds > 0.0)
    });
    let seconds = seconds.unwrap_or(60.0).min(600.0);
    Duration::from_secs_f64((seconds - SCRAPE_TIMEOUT_OFFSET).max(seconds / 2.0))
}

fn too_many(places: &Places) -> Answer {
    let limit = places.limit();
    let reason = format!("Limit of concurrent requests reached ({limit}), try again later.\n");
    plain(StatusCode::SERVICE_UNAVAILABLE, Bytes::from(reason))
}

fn redirect(path: &str) -> Answer {
    let mut answer = plain(StatusCode::FOUND, "");
    if let Ok(path) = HeaderValue::try_from(path) {
        answer.headers_mut().insert(LOCATION, path);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::Catalogue;
    use crate::expose::connections::{Connections, Limits, Open};
    use crate::ledger::snapshot::Snapshot;

    fn state(options: Options) -> (State, mpsc::Receiver<ReloadRequest>, Open) {
        let loading = Snapshot::loading(Catalogue::built_in());
        let snapshot = Snapshot { loaded: true, ready: true, ..loading };
        let ((reload, reloads), (files, _)) = (mpsc::channel(1), mpsc::channel(1));
        let published = Published::new(snapshot);
        let requests = Requests { reload, files };
        let state = State::new(
            options,
            Access::open().unwrap(),
            published,
            &Telemetry::new(clock::system()),
            requests,
        )
        .unwrap();
        (state, reloads, Connections::new(Limits::default()).open(None).unwrap())
    }

    fn request(method: &str, path: &str) -> Request<()> {
        Request::builder().method(method).uri(path).header("host", "a").body(()).unwrap()
    }

    #[tokio::test]
    async fn a_scrape_counts_until_its_body_is_gone() {
        let (state, _requests, open) = state(Options { max_requests: 3, ..Options::default() });
        let mut answers = Vec::new();
        for _ in 0..3 {
            answers.push(state.answer(&request("GET", "/metrics"), &open.connection).await);
        }
        assert!(answers.iter().all(|answer| answer.status() == StatusCode::OK));
        let refusal = state.answer(&request("GET", "/metrics"), &open.connection).await;
        assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
        answers.pop();
        assert_eq!(
            state.answer(&request("GET", "/metrics"), &open.connection).await.status(),
            StatusCode::OK
        );
    }

    #[tokio::test]
    async fn a_reload_that_nobody_will_do_is_answered() {
        let (state, requests, open) = state(Options { lifecycle: true, ..Options::default() });
        drop(requests);
        for (method, path) in [("POST", "/-/reload"), ("GET", "/-/files")] {
            let answer = state.answer(&request(method, path), &open.connection).await;
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        }
    }

    #[test]
    fn a_scraper_says_how_long_it_waits() {
        for (header, expected) in [
            ("10", 9.5),
            ("2.000", 1.5),
            ("0.2", 0.1),
            ("0", 59.5),
            ("-1", 59.5),
            ("NaN", 59.5),
            ("1e9", 599.5),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-prometheus-scrape-timeout-seconds", header.parse().unwrap());
            assert_eq!(scrape_timeout(&headers), Duration::from_secs_f64(expected), "{header}");
        }
    }
}
