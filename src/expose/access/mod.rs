//! Who may come in: the web config, in force from the first request after it was written. exporter-toolkit's format,
//! so that operators reuse the file they have.

mod file;
mod check;
mod clients;
mod rate;
mod tls;
mod users;
mod watched;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use prometheus::{Counter, Gauge, Registry};
use tracing::{error, info, warn};

pub use check::{Fault, Web, check_text, load};
use users::Verdict;
use watched::{Seen, Watched};

use super::answer::{Answer, plain, with};
use super::connections::Connection;
use crate::clock;

/// The web config that is in force. Clones share it.
#[derive(Debug, Clone)]
pub struct Access(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: Option<PathBuf>,
    web: ArcSwap<Web>,
    seen: Mutex<Seen>,
    passwords: users::Passwords,
    rate: rate::Limiter,
    metrics: Metrics,
}

#[derive(Debug)]
struct Metrics {
    successful: Gauge,
    success_timestamp: Gauge,
    failures: Counter,
}

impl Access {
    /// Everyone may come in, without TLS.
    ///
    /// # Errors
    /// None in practice: when a metric's name breaks the rules.
    pub fn open() -> prometheus::Result<Self> {
        Self::of(None, Web::default(), Watched::default())
    }

    /// What this file says.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        let mut files = Watched::default();
        let web = check::read(path, &mut files).map_err(|fault| fault.to_string())?;
        web.warnings.iter().for_each(|warning| warn!("{warning}"));
        let access = Self::of(Some(path.to_owned()), web, files).map_err(|error| error.to_string())?;
        access.0.metrics.succeeded();
        Ok(access)
    }

    fn of(path: Option<PathBuf>, web: Web, files: Watched) -> prometheus::Result<Self> {
        Ok(Self(Arc::new(Shared {
            path,
            web: ArcSwap::from_pointee(web),
            seen: Mutex::new(Seen::new(files)),
            passwords: users::Passwords::default(),
            rate: rate::Limiter::default(),
            metrics: Metrics::new()?,
        })))
    }

    /// Adds how reading the file went, where there is one.
    ///
    /// # Errors
    /// When that is in this registry already.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        if self.0.path.is_some() {
            registry.register(Box::new(self.0.metrics.successful.clone()))?;
            registry.register(Box::new(self.0.metrics.success_timestamp.clone()))?;
            registry.register(Box::new(self.0.metrics.failures.clone()))?;
        }
        Ok(())
    }

    /// What is in force now. Files that changed are read again; what is wrong with them leaves the old in force, and so
    /// does for a second what opens it: a file that was emptied to be written anew must let nobody in.
    pub fn current(&self) -> Arc<Web> {
        if let Some(path) = &self.0.path {
            let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.watched.have_changed() {
                self.read_again(path, &mut seen);
            }
        }
        self.0.web.load_full()
    }

    fn read_again(&self, path: &Path, seen: &mut Seen) {
        let before = self.0.web.load_full();
        let mut files = Watched::default();
        let web = check::read(path, &mut files).map_err(|fault| fault.to_string()).and_then(|web| {
            match web.tls.is_some() == before.tls.is_some() {
                true => Ok(web),
                false => Err(format!("{}: TLS is turned on and off by a restart only", path.display())),
            }
        });
        if let Ok(web) = &web
            && !web.demands.is_superset(&before.demands)
            && !seen.note(&files)
        {
            return;
        }
        *seen = Seen::new(files);
        match web {
            Ok(web) => {
                web.warnings.iter().for_each(|warning| warn!("{warning}"));
                self.0.web.store(Arc::new(web));
                self.0.metrics.succeeded();
                info!(path = %path.display(), "web config reloaded");
            }
            Err(reason) => {
                self.0.metrics.failures.inc();
                self.0.metrics.successful.set(0.0);
                error!(reason, "web config not reloaded; the one before stays in force");
            }
        }
    }

    /// Whether a request with these headers may be answered.
    ///
    /// # Errors
    /// The refusal.
    pub async fn admit(&self, web: &Web, headers: &HeaderMap, connection: &Connection) -> Result<(), Answer> {
        if !web.rate.is_none_or(|rate| self.0.rate.allows(rate)) {
            return Err(plain(StatusCode::TOO_MANY_REQUESTS, "Too many requests.\n"));
        }
        if web.users.is_empty() {
            return Ok(());
        }
        match self.0.passwords.check(&web.users, headers.get(AUTHORIZATION), connection.peer).await {
            Verdict::Known => Ok(()),
            Verdict::Unknown => {
                let refusal = plain(StatusCode::UNAUTHORIZED, "Unauthorized\n");
                Err(with(refusal, WWW_AUTHENTICATE, "Basic realm=\"cdr-exporter\", charset=\"UTF-8\""))
            }
            Verdict::TooMany => {
                Err(plain(StatusCode::TOO_MANY_REQUESTS, "Too many passwords at once, try again later.\n"))
            }
        }
    }
}

impl Metrics {
    fn new() -> prometheus::Result<Self> {
        Ok(Self {
            successful: Gauge::new(
                "cdr_exporter_web_config_last_reload_successful",
                "Whether the last attempt to load the web config succeeded.",
            )?,
            success_timestamp: Gauge::new(
                "cdr_exporter_web_config_last_reload_success_timestamp_seconds",
                "When the web config was last loaded with success, in seconds since 1970.",
            )?,
            failures: Counter::new(
                "cdr_exporter_web_config_reload_failures_total",
                "Times that a changed web config could not be used; the one before stays in force.",
            )?,
        })
    }

    fn succeeded(&self) {
        self.success_timestamp.set(clock::seconds(clock::now()));
        self.successful.set(1.0);
    }
}
