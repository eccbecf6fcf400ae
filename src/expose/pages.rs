//! Which page or document of the API is asked for, and its answer: made of the published snapshot, one at a time, on a
//! thread of its own, so that no scrape waits for it.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::FilesRequest;
use super::answer::{Answer, plain, with};
use super::api::calls::of_pair;
use super::api::findings::Told;
use super::api::{HOURS, Status, window};
use super::connections::Connection;
use super::page::{self, Links};
use super::places::Places;
use crate::call::{CodePair, UnixMillis};
use crate::classify::Side;
use crate::clock;
use crate::ledger::snapshot::{Published, Snapshot};
use crate::ledger::status::FileStatus;
use crate::shown;

/// So many may wait to be made and sent.
const AT_ONCE: usize = 8;
/// The page asks for files only where there are no more than this, and does not wait longer for them.
const FEW_FILES: u64 = 1000;
const PATIENCE: Duration = Duration::from_millis(500);
/// No history is longer.
const MOST_HOURS: u32 = 10 * 366 * 24;

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Overview,
    Catalogue,
    Cause(CodePair),
    Status,
    Findings,
}

impl Page {
    /// The page at this path.
    pub fn at(path: &str) -> Option<Self> {
        match path {
            "/" => Some(Self::Overview),
            "/causes" => Some(Self::Catalogue),
            "/api/v1/status" => Some(Self::Status),
            "/api/v1/findings" => Some(Self::Findings),
            path => Some(Self::Cause(codes(path.strip_prefix("/causes/")?)?)),
        }
    }
}

/// The pair of `531004-410`; a half that a record does not have is left out.
fn codes(text: &str) -> Option<CodePair> {
    let (microsoft, sip) = text.split_once('-')?;
    let pair = CodePair {
        microsoft: match microsoft {
            "" => None,
            "other" => Some(CodePair::OTHER),
            code => Some(code.parse().ok()?),
        },
        sip: if sip.is_empty() { None } else { Some(sip.parse().ok()?) },
    };
    Some(pair)
}

/// Makes pages. Clones share what they are made of.
#[derive(Debug, Clone)]
pub struct Pages {
    published: Published,
    files: mpsc::Sender<FilesRequest>,
    metrics: Arc<str>,
    started: UnixMillis,
    places: Places,
    making: Arc<Mutex<()>>,
}

/// What stands behind the `?`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Query {
    hours: Option<u32>,
    words: String,
    side: Option<Side>,
}

impl Query {
    fn of(query: Option<&str>) -> Self {
        let mut found = Self::default();
        for (name, value) in query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')) {
            let value = value.replace('+', " ");
            let value = percent_decode_str(&value).decode_utf8_lossy();
            match name {
                "hours" => found.hours = value.parse().ok().filter(|hours| (1..=MOST_HOURS).contains(hours)),
                "q" => found.words = value.trim().chars().take(200).collect(),
                "side" => found.side = Side::from_label(&value),
                _ => {}
            }
        }
        found
    }
}

impl Pages {
    pub fn new(
        published: Published,
        files: mpsc::Sender<FilesRequest>,
        telemetry_path: &str,
        started: UnixMillis,
    ) -> Self {
        let metrics = telemetry_path.trim_start_matches('/').into();
        Self { published, files, metrics, started, places: Places::new(AT_ONCE), making: Arc::default() }
    }

    /// The answer to a request for a page.
    pub async fn answer(&self, page: Page, query: Option<&str>, connection: &Arc<Connection>) -> Answer {
        let Some(place) = self.places.take(connection) else {
            let refusal =
                plain(StatusCode::SERVICE_UNAVAILABLE, "Too many pages are being made, try again later.\n");
            return with(refusal, RETRY_AFTER, "1");
        };
        let query = Query::of(query);
        let one_at_a_time = Arc::clone(&self.making).lock_owned().await;
        let snapshot = self.published.current();
        let files = match page {
            Page::Overview | Page::Status => self.files(&snapshot).await,
            Page::Catalogue | Page::Cause(_) | Page::Findings => None,
        };
        let pages = self.clone();
        let made = spawn_blocking(move || {
            let made = pages.make(page, &query, &snapshot, files);
            drop(one_at_a_time);
            made
        });
        let Ok(Ok((kind, text))) = made.await else {
            return plain(StatusCode::INTERNAL_SERVER_ERROR, "Cannot write the page.\n");
        };
        with(plain(StatusCode::OK, text), CONTENT_TYPE, kind).map(|body| body.holding(place.sends()))
    }

    /// How each file fares, if there are few and the loop has time to say it.
    async fn files(&self, snapshot: &Snapshot) -> Option<Vec<FileStatus>> {
        let files: u64 =
            snapshot.sources.iter().flat_map(|source| &source.files).map(|(_, count)| count).sum();
        if !snapshot.loaded || files > FEW_FILES {
            return None;
        }
        let (request, answer) = oneshot::channel();
        let asked = async {
            self.files.send(request).await.ok()?;
            answer.await.ok()
        };
        timeout(PATIENCE, asked).await.ok().flatten()
    }

    fn make(
        &self,
        page: Page,
        query: &Query,
        snapshot: &Snapshot,
        files: Option<Vec<FileStatus>>,
    ) -> serde_json::Result<(&'static str, String)> {
        const HTML: &str = "text/html; charset=utf-8";
        const JSON: &str = "application/json";
        let now = clock::now();
        let hours = query.hours.unwrap_or(HOURS);
        let links = Links { root: "", metrics: &self.metrics };
        let status = |files| Status { files, ..Status::of(snapshot, hours, self.started, now) };
        Ok(match page {
            Page::Overview => (HTML, page::overview(&status(files), &Told::of(snapshot, hours, now), links)),
            Page::Catalogue => (HTML, page::catalogue(&snapshot.catalogue, &query.words, query.side, links)),
            Page::Cause(codes) => {
                let kept = snapshot.history.span().map_or(HOURS, |span| (span.end - span.start).div_ceil(60));
                let here = of_pair(snapshot, codes, &window(snapshot, query.hours.unwrap_or(kept), now));
                (HTML, page::cause(&snapshot.catalogue, codes, &here, Links { root: "../", ..links }))
            }
            Page::Status => (JSON, json(&status(files))?),
            Page::Findings => (JSON, json(&Told::of(snapshot, hours, now))?),
        })
    }
}

fn json(value: &impl Serialize) -> serde_json::Result<String> {
    Ok(shown::json(serde_json::to_string_pretty(value)?) + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_pages() {
        let pair = |microsoft, sip| Some(Page::Cause(CodePair { microsoft, sip }));
        for (path, expected) in [
            ("/", Some(Page::Overview)),
            ("/causes", Some(Page::Catalogue)),
            ("/causes/531004-410", pair(Some(531_004), Some(410))),
            ("/causes/-503", pair(None, Some(503))),
            ("/causes/560999-", pair(Some(560_999), None)),
            ("/causes/-", pair(None, None)),
            ("/causes/", None),
            ("/causes/531004", None),
            ("/causes/1-2-3", None),
            ("/causes/-70000", None),
            ("/causes/+1425-1", pair(Some(1425), Some(1))),
            ("/api/v1/status", Some(Page::Status)),
            ("/api/v2/status", None),
        ] {
            assert_eq!(Page::at(path), expected, "{path}");
        }
    }

    #[test]
    fn queries() {
        let query = |text: &str| Query::of(Some(text));
        assert_eq!(Query::of(None), Query::default());
        assert_eq!(
            query("q=no+media%20path%3F&side=network&hours=48"),
            Query { hours: Some(48), words: "no media path?".to_owned(), side: Some(Side::Network) }
        );
        for wrong in ["hours=0", "hours=-1", "hours=99999999", "hours=x", "side=moon", "a", "=&=", "q=%ff%"] {
            assert_eq!((query(wrong).hours, query(wrong).side), (None, None), "{wrong}");
        }
    }
}
