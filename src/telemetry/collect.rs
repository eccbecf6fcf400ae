//! What the collectors say about themselves on `/metrics`, by source.

use prometheus::{GaugeVec, IntCounterVec, Opts, Registry};

/// Metrics of all collectors. Clones share their values.
#[derive(Debug, Clone)]
pub struct Collection {
    last_success: GaugeVec,
    window_start: GaugeVec,
    window_end: GaugeVec,
    history: GaugeVec,
    lost: GaugeVec,
    failing: GaugeVec,
    token_end: GaugeVec,
    credential_end: GaugeVec,
    spool_files: GaugeVec,
    spool_bytes: GaugeVec,
    requests: IntCounterVec,
    retries: IntCounterVec,
    pages: IntCounterVec,
    rows: IntCounterVec,
}

/// Why a collector fails: the label `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Entra does not let it in, or a file with a secret cannot be used.
    SignIn,
    /// It is let in and may not read call records.
    Permission,
    /// Too many requests.
    Throttled,
    /// No answer: name, network, proxy, TLS, time.
    Unreachable,
    /// Microsoft answers that it cannot.
    Server,
    /// An answer that is none of what is documented.
    Answer,
    /// The disk here.
    Storage,
}

impl Reason {
    pub const ALL: [Self; 7] = [
        Self::SignIn,
        Self::Permission,
        Self::Throttled,
        Self::Unreachable,
        Self::Server,
        Self::Answer,
        Self::Storage,
    ];

    /// As the label writes it.
    pub fn label(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Permission => "permission",
            Self::Throttled => "throttled",
            Self::Unreachable => "unreachable",
            Self::Server => "server",
            Self::Answer => "answer",
            Self::Storage => "storage",
        }
    }
}

impl Collection {
    pub(super) fn new() -> Self {
        let source = &["source"][..];
        Self {
            last_success: gauge(
                "cdr_collect_last_success_timestamp_seconds",
                "When all recent calls were last fetched from Microsoft, in seconds since 1970; 0 for never.",
                source,
            ),
            window_start: gauge(
                "cdr_collect_window_start_timestamp_seconds",
                "Calls that began before this are not asked for again; a longer call is missed.",
                source,
            ),
            window_end: gauge(
                "cdr_collect_window_end_timestamp_seconds",
                "Calls that began up to this time were asked for with success.",
                source,
            ),
            history: gauge(
                "cdr_collect_history_seconds",
                "How much of the history is still to be fetched, in whole days.",
                source,
            ),
            lost: gauge(
                "cdr_collect_lost_seconds",
                "How much was not fetched while Microsoft kept it, in whole days.",
                source,
            ),
            failing: gauge(
                "cdr_collect_failing",
                "1 for the reason why collecting fails now; 0 for all others.",
                &["source", "reason"],
            ),
            token_end: gauge(
                "cdr_collect_token_end_timestamp_seconds",
                "When the token in use ends.",
                source,
            ),
            credential_end: gauge(
                "cdr_collect_credential_end_timestamp_seconds",
                "When the certificate ends, or the client secret as the config says.",
                source,
            ),
            spool_files: gauge("cdr_collect_spool_files", "Files of rows in the spool folder.", source),
            spool_bytes: gauge("cdr_collect_spool_bytes", "Bytes of these files and of the prints.", source),
            requests: counter(
                "cdr_collect_requests_total",
                "Requests to Microsoft, by HTTP status or why there was none.",
                &["source", "endpoint", "status"],
            ),
            retries: counter("cdr_collect_retries_total", "Requests that repeat one that failed.", source),
            pages: counter("cdr_collect_pages_total", "Pages of rows that were fetched.", source),
            rows: counter(
                "cdr_collect_rows_total",
                "Rows that were fetched: new, known, changed under a known id, or odd: no rows at all.",
                &["source", "result"],
            ),
        }
    }

    pub(super) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        for gauge in self.gauges() {
            registry.register(Box::new(gauge.clone()))?;
        }
        for counter in [&self.requests, &self.retries, &self.pages, &self.rows] {
            registry.register(Box::new(counter.clone()))?;
        }
        Ok(())
    }

    fn gauges(&self) -> [&GaugeVec; 10] {
        [
            &self.last_success,
            &self.window_start,
            &self.window_end,
            &self.history,
            &self.lost,
            &self.failing,
            &self.token_end,
            &self.credential_end,
            &self.spool_files,
            &self.spool_bytes,
        ]
    }

    /// The metrics of one source.
    pub fn of(&self, source: &str) -> OfSource {
        let of_source = OfSource { source: source.to_owned(), all: self.clone() };
        of_source.show();
        of_source
    }

    fn show(&self, source: &str) {
        self.last_success.with_label_values(&[source]);
        self.retries.with_label_values(&[source]);
        self.pages.with_label_values(&[source]);
        for result in ["new", "known", "changed", "odd"] {
            self.rows.with_label_values(&[source, result]);
        }
        for endpoint in ["sign_in", "calls"] {
            self.requests.with_label_values(&[source, endpoint, "200"]);
        }
    }

    fn hide(&self, source: &str) {
        for gauge in self.gauges() {
            let _ = gauge.remove_label_values(&[source]);
        }
        for reason in Reason::ALL {
            let _ = self.failing.remove_label_values(&[source, reason.label()]);
        }
    }
}

/// Metrics of one source's collector. Times are in milliseconds since 1970.
#[derive(Debug, Clone)]
pub struct OfSource {
    source: String,
    all: Collection,
}

impl OfSource {
    /// For whom nobody scrapes.
    pub fn unseen() -> Self {
        Collection::new().of("")
    }

    /// Shows what an alert asks for, before there is anything to say.
    pub fn show(&self) {
        self.all.show(&self.source);
        self.failing(None);
    }

    /// Takes away all but the counters: nothing is collected any more, and no alert may say that it fails.
    pub fn hide(&self) {
        self.all.hide(&self.source);
    }

    pub fn succeeded_at(&self, at: i64) {
        self.set(&self.all.last_success, at);
    }

    /// All live days were asked for: calls from `start`, up to `end`.
    pub fn asked_for(&self, start: i64, end: i64) {
        self.set(&self.all.window_start, start);
        self.set(&self.all.window_end, end);
    }

    pub fn history_left(&self, days: usize) {
        self.all.history.with_label_values(&[&self.source]).set((days * 24 * 60 * 60) as f64);
    }

    /// Days that are to be had no more.
    pub fn lost(&self, days: usize) {
        self.all.lost.with_label_values(&[&self.source]).set((days * 24 * 60 * 60) as f64);
    }

    /// The reason of the fault that holds now, if one does.
    pub fn failing(&self, now: Option<Reason>) {
        for reason in Reason::ALL {
            let value = f64::from(u8::from(now == Some(reason)));
            self.all.failing.with_label_values(&[&self.source, reason.label()]).set(value);
        }
    }

    /// The reason that is shown.
    #[cfg(test)]
    pub fn why_failing(&self) -> Option<Reason> {
        let is_shown = |reason: &Reason| {
            self.all.failing.with_label_values(&[&self.source, reason.label()]).get() == 1.0
        };
        Reason::ALL.into_iter().find(is_shown)
    }

    pub fn token_ends(&self, at: i64) {
        self.set(&self.all.token_end, at);
    }

    pub fn credential_ends(&self, at: i64) {
        self.set(&self.all.credential_end, at);
    }

    pub fn spool(&self, files: u64, bytes: u64) {
        self.all.spool_files.with_label_values(&[&self.source]).set(files as f64);
        self.all.spool_bytes.with_label_values(&[&self.source]).set(bytes as f64);
    }

    pub fn requested(&self, endpoint: &str, status: &str) {
        self.all.requests.with_label_values(&[&self.source, endpoint, status]).inc();
    }

    pub fn retried(&self) {
        self.all.retries.with_label_values(&[&self.source]).inc();
    }

    pub fn page(&self) {
        self.all.pages.with_label_values(&[&self.source]).inc();
    }

    pub fn row(&self, result: &str) {
        self.all.rows.with_label_values(&[&self.source, result]).inc();
    }

    fn set(&self, gauge: &GaugeVec, at: i64) {
        gauge.with_label_values(&[&self.source]).set(at as f64 / 1000.0);
    }
}

#[expect(
    clippy::expect_used,
    reason = "prometheus refuses only names and labels that are wrong, and these are constants"
)]
fn gauge(name: &str, help: &str, labels: &[&str]) -> GaugeVec {
    GaugeVec::new(Opts::new(name, help), labels).expect("names, labels and help are constants, and valid")
}

#[expect(
    clippy::expect_used,
    reason = "prometheus refuses only names and labels that are wrong, and these are constants"
)]
fn counter(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    IntCounterVec::new(Opts::new(name, help), labels)
        .expect("names, labels and help are constants, and valid")
}
