//! Sample traffic as Prometheus would have scraped it, for dashboards and rules to be tried with.
//!
//! The names, labels and sums are the exporter's own; the figures are smooth, so that a picture looks the same twice.
//! The window is there once now and once a week earlier, for the panels that compare.

use std::{collections::BTreeMap, f64::consts::TAU, io, rc::Rc};

/// How much traffic to write.
pub struct Traffic {
    /// Trunks; the third (or the only one) has a spike of failed ICE checks in its last quarter.
    pub trunks: usize,
    /// Minutes until `end`.
    pub minutes: u64,
    /// Seconds since 1970 of the last sample.
    pub end: u64,
}

/// Seconds between two samples.
pub const INTERVAL: u64 = 30;
const WEEK: u64 = 7 * 24 * 3600;
const CATALOGUE: &str = include_str!("../../src/classify/causes.csv");

/// Shares of the calls by outcome; the rest fail.
const OUTCOMES: [(&str, f64); 6] = [
    ("answered", 0.76),
    ("busy", 0.05),
    ("no_answer", 0.08),
    ("cancelled", 0.05),
    ("declined", 0.01),
    ("elsewhere", 0.02),
];
/// Shares of the calls by code pair of the failure; the last two are outside the catalogue.
const FAILURES: [(&str, &str, f64); 13] = [
    ("531004", "410", 0.002),
    ("531005", "410", 0.002),
    ("510559", "403", 0.004),
    ("560404", "404", 0.005),
    ("560503", "503", 0.002),
    ("540500", "500", 0.001),
    ("10037", "480", 0.006),
    ("560484", "484", 0.003),
    ("500001", "408", 0.002),
    ("540998", "503", 0.001),
    ("560402", "402", 0.001),
    ("560606", "606", 0.001),
    ("777777", "599", 0.0005),
];

/// One series and its value at a minute of the traffic.
type Series = (String, Rc<dyn Fn(f64) -> f64>);

impl Traffic {
    /// Writes OpenMetrics text with timestamps, as `promtool tsdb create-blocks-from openmetrics` reads it.
    ///
    /// # Errors
    /// A write that fails.
    pub fn write_openmetrics(&self, out: &mut impl io::Write) -> io::Result<()> {
        let start = self.end - WEEK - self.minutes * 60;
        for (series, value) in self.series() {
            for window in [self.end - WEEK, self.end] {
                for at in (window - self.minutes * 60..=window).step_by(INTERVAL as usize) {
                    let value = value((at - start) as f64 / 60.0);
                    if !value.is_nan() {
                        writeln!(out, "{series} {value} {at}")?;
                    }
                }
            }
        }
        writeln!(out, "# EOF")
    }

    /// Minute of the traffic at which the spike begins.
    fn spike_begins(&self) -> f64 {
        (WEEK / 60) as f64 + self.minutes as f64 * 0.75
    }

    fn series(&self) -> Vec<Series> {
        let mut all = Vec::new();
        for trunk in 0..self.trunks {
            for (direction, busy) in [("inbound", 1.0), ("outbound", 0.6)] {
                self.calls(&mut all, trunk, direction, busy * [6.0, 24.0, 15.0, 9.0, 12.0][trunk % 5]);
            }
        }
        let calls = self.trunks as f64 * 20.0;
        self.source(&mut all, calls);
        catalogue(&mut all);
        exporter(&mut all, (self.end - WEEK - self.minutes * 60) as f64);
        let spike = self.spike_begins();
        let labels = format!(
            r#"alertname="CdrIceConnectivityChecksFailedSpike",alertstate="firing",severity="critical",cause="IceConnectivityChecksFailed",microsoft_code="531004",sip_code="410",side="network",category="media",source="teams",trunk="{}""#,
            trunk_name(2.min(self.trunks - 1))
        );
        add(&mut all, "ALERTS", &labels, move |minute| if minute > spike + 3.0 { 1.0 } else { f64::NAN });
        all
    }

    /// Calls, failures and durations of one trunk and direction, at this many calls a minute.
    fn calls(&self, all: &mut Vec<Series>, trunk: usize, direction: &'static str, rate: f64) {
        let route = format!(r#"source="teams",trunk="{}",direction="{direction}""#, trunk_name(trunk));
        for (arrival, part) in [("live", 0.97), ("late", 0.03)] {
            for (outcome, share) in OUTCOMES {
                let labels = format!(r#"{route},outcome="{outcome}",arrival="{arrival}""#);
                add(all, "cdr_calls_total", &labels, move |minute| count(rate * part * share, minute));
            }
            let spike = (trunk == 2.min(self.trunks - 1) && arrival == "live").then(|| self.spike_begins());
            let failed = move |place: usize, share: f64, minute: f64| {
                let extra =
                    spike.filter(|_| place == 0).map_or(0.0, |begins| (minute - begins).max(0.0) * 4.0);
                // Each series steps at its own moments.
                let phase = (place * 7 + trunk * 3 + direction.len()) as f64 * 11.0;
                count(rate * part * share, minute + phase) + extra.floor()
            };
            for (place, (microsoft_code, sip_code, share)) in FAILURES.into_iter().enumerate() {
                let cause = cause_name(microsoft_code, sip_code);
                let labels = format!(
                    r#"{route},cause="{cause}",microsoft_code="{microsoft_code}",sip_code="{sip_code}",arrival="{arrival}""#
                );
                add(all, "cdr_call_failures_total", &labels, move |minute| failed(place, share, minute));
            }
            let labels = format!(r#"{route},outcome="failed",arrival="{arrival}""#);
            add(all, "cdr_calls_total", &labels, move |minute| {
                FAILURES.iter().enumerate().map(|(place, (_, _, share))| failed(place, *share, minute)).sum()
            });
        }
        let bounds = ["1", "5", "10", "30", "60", "120", "300", "600", "1800", "3600", "7200"];
        histogram(all, "cdr_call_duration_seconds", &route, &bounds, rate * 0.76, 140.0);
    }

    /// The books of the one source, at this many calls a minute in all.
    fn source(&self, all: &mut Vec<Series>, calls: f64) {
        let source = r#"source="teams""#;
        let start = (self.end - WEEK - self.minutes * 60) as f64;
        let results = [("duplicate", 0.05), ("header", 0.002), ("ignored", 0.01)];
        for (result, share) in results {
            let labels = format!(r#"{source},result="{result}""#);
            add(all, "cdr_exporter_records_total", &labels, move |minute| count(calls * share, minute));
        }
        for (reason, share) in [("bad_json", 0.0006), ("too_long", 0.0), ("bad_time", 0.0004)] {
            let labels = format!(r#"{source},reason="{reason}""#);
            add(all, "cdr_exporter_rejected_records_total", &labels, move |minute| {
                count(calls * share, minute)
            });
        }
        let counted = sum_of(all, "cdr_calls_total");
        add(all, "cdr_exporter_records_total", &format!(r#"{source},result="counted""#), counted);
        let rejected = sum_of(all, "cdr_exporter_rejected_records_total");
        add(all, "cdr_exporter_records_total", &format!(r#"{source},result="rejected""#), rejected);
        let read = sum_of(all, "cdr_exporter_records_total");
        add(all, "cdr_exporter_read_records_total", source, read);
        add(all, "cdr_exporter_read_bytes_total", source, move |minute| count(calls * 900.0, minute));
        add(all, "cdr_exporter_pending_bytes", source, |minute| 40e3 * (1.0 + (minute / 7.0).sin()));
        let states = [("reading", 2.0), ("waiting", 40.0), ("unrecognised", 1.0), ("unreadable", 0.0)];
        for (state, files) in states {
            add(all, "cdr_exporter_files", &format!(r#"{source},state="{state}""#), move |_| files);
        }
        let events = ["found", "resumed", "rotated", "truncated", "replaced", "copied", "removed"];
        for (place, event) in events.into_iter().enumerate() {
            let labels = format!(r#"{source},event="{event}""#);
            let rate = [0.3, 0.01, 0.05, 0.0, 0.0, 0.02, 0.2][place];
            add(all, "cdr_exporter_file_events_total", &labels, move |minute| count(rate, minute));
        }
        add(all, "cdr_exporter_series_overflow_total", source, |_| 0.0);
        add(all, "cdr_newest_call_timestamp_seconds", source, move |minute| start + minute * 60.0 - 45.0);
        let bounds =
            ["1", "5", "15", "60", "300", "900", "3600", "21600", "86400", "259200", "604800", "2592000"];
        histogram(all, "cdr_call_age_seconds", source, &bounds, calls, 80.0);
    }
}

fn trunk_name(trunk: usize) -> String {
    format!("sbc{:02}.{}", trunk + 1, ["contoso.com", "fabrikam.com", "example.com"][trunk % 3])
}

/// Calls until this minute at this many a minute, in slow waves.
fn count(rate: f64, minute: f64) -> f64 {
    let wave = 90.0;
    (rate * (minute + 0.4 * wave / TAU * (1.0 - (TAU * minute / wave).cos()))).floor()
}

fn add(all: &mut Vec<Series>, name: &str, labels: &str, value: impl Fn(f64) -> f64 + 'static) {
    let comma = if labels.is_empty() { "" } else { "," };
    let target = r#"job="cdr-exporter",instance="127.0.0.1:10410""#;
    all.push((format!("{name}{{{target}{comma}{labels}}}"), Rc::new(value)));
}

/// The sum of the series that there are of this metric.
fn sum_of(all: &[Series], name: &str) -> impl Fn(f64) -> f64 + use<> {
    let parts: Vec<_> = all
        .iter()
        .filter(|(series, _)| series.split('{').next() == Some(name))
        .map(|(_, value)| value.clone())
        .collect();
    move |minute| parts.iter().map(|value| value(minute)).sum()
}

/// A histogram whose values fall off evenly from 0 with this mean.
fn histogram(all: &mut Vec<Series>, name: &str, labels: &str, bounds: &[&str], rate: f64, mean: f64) {
    let below = move |bound: f64| 1.0 - (-bound / mean).exp();
    let comma = if labels.is_empty() { "" } else { "," };
    for bound in bounds.iter().copied().chain(["+Inf"]) {
        let share = bound.parse().map_or(1.0, below);
        let labels = format!(r#"{labels}{comma}le="{bound}""#);
        add(all, &format!("{name}_bucket"), &labels, move |minute| count(rate * share, minute));
    }
    add(all, &format!("{name}_count"), labels, move |minute| count(rate, minute));
    add(all, &format!("{name}_sum"), labels, move |minute| count(rate * mean, minute));
}

/// The columns of the catalogue by name, for each row.
fn rows() -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(CATALOGUE.as_bytes()).deserialize().filter_map(Result::ok).collect()
}

fn cause_name(microsoft_code: &str, sip_code: &str) -> String {
    let found =
        rows().into_iter().find(|row| row["microsoft_code"] == microsoft_code && row["sip_code"] == sip_code);
    match (found, microsoft_code.strip_prefix("560")) {
        (Some(row), _) => row["cause"].clone(),
        (None, Some(_)) => "SBC refused: Not Acceptable".into(),
        (None, None) => "Unlisted".into(),
    }
}

/// `cdr_cause_info`, one series for each cause and code pair.
fn catalogue(all: &mut Vec<Series>) {
    // Of rows that differ in their phrase only, the first is shown.
    let by_cause: BTreeMap<_, _> = rows()
        .into_iter()
        .rev()
        .map(|row| ((row["microsoft_code"].clone(), row["sip_code"].clone(), row["cause"].clone()), row))
        .collect();
    for row in by_cause.values() {
        let columns = ["cause", "microsoft_code", "sip_code", "category", "side", "remedy"];
        let labels: Vec<_> = columns.iter().map(|name| format!("{name}={:?}", row[*name])).collect();
        add(all, "cdr_cause_info", &labels.join(","), |_| 1.0);
    }
}

/// What the exporter says of itself, and what Prometheus says of its scrapes.
fn exporter(all: &mut Vec<Series>, start: f64) {
    let build =
        r#"version="0.1.0",revision="0000000",rustversion="1.95",target_os="linux",target_arch="x86_64""#;
    let gauges: [(&str, &str, f64); 12] = [
        ("up", "", 1.0),
        ("cdr_exporter_build_info", build, 1.0),
        ("cdr_exporter_config_last_reload_successful", "", 1.0),
        ("cdr_exporter_config_last_reload_success_timestamp_seconds", "", start),
        ("process_start_time_seconds", "", start),
        ("process_resident_memory_bytes", "", 31e6),
        ("process_virtual_memory_bytes", "", 300e6),
        ("process_open_fds", "", 23.0),
        ("process_max_fds", "", 1024.0),
        ("process_threads", "", 4.0),
        ("scrape_duration_seconds", "", 0.006),
        ("scrape_samples_scraped", "", 4200.0),
    ];
    for (name, labels, value) in gauges {
        add(all, name, labels, move |_| value);
    }
    add(all, "process_cpu_seconds_total", "", |minute| minute * 0.35);
    add(all, "cdr_exporter_commits_total", "", |minute| count(55.0, minute));
    add(all, "cdr_exporter_commit_failures_total", "", |_| 0.0);
    add(all, "cdr_exporter_last_commit_timestamp_seconds", "", move |minute| start + minute * 60.0 - 1.0);
    let bounds = ["0.001", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10"];
    histogram(all, "cdr_exporter_commit_duration_seconds", "", &bounds, 55.0, 0.004);
}
