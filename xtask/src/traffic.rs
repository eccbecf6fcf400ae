//! Sample traffic as Prometheus would have scraped it, for dashboards and rules to be tried with.
//!
//! The names, labels and sums are the exporter's own; the figures are smooth, so that a picture looks the same twice.
//! The window is there once now and once a week earlier, for the panels that compare. [`faults`] says what goes wrong.

mod collect;
mod faults;

use faults::{FAULTS, Fault};
use std::{collections::BTreeMap, f64::consts::TAU, io, rc::Rc};

/// How much traffic to write.
pub struct Traffic {
    pub trunks: usize,
    /// Minutes until `end`.
    pub minutes: u64,
    /// Seconds since 1970 of the last sample.
    pub end: u64,
    /// Whether Prometheus has our rules loaded: alerts fire.
    pub rules: bool,
}

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

/// Kinds of calls with their share of the calls, and the share of those that fails.
const KINDS: [(&str, f64, f64); 5] = [
    ("user", 0.7, 0.03),
    ("bot", 0.2, 0.02),
    ("transfer", 0.05, 0.06),
    ("forward", 0.03, 0.04),
    ("conference", 0.02, 0.02),
];
/// The same of countries.
const COUNTRIES: [(&str, f64, f64); 8] = [
    ("DE", 0.2, 0.02),
    ("US", 0.08, 0.03),
    ("AT", 0.04, 0.02),
    ("CH", 0.03, 0.02),
    ("FR", 0.02, 0.03),
    ("GB", 0.015, 0.02),
    ("IN", 0.006, 0.24),
    ("BR", 0.002, 0.05),
];

/// One series and its value so many minutes after the end, which is 0; all minutes of the traffic are below.
type Series = (String, Rc<dyn Fn(f64) -> f64>);

impl Traffic {
    /// Seconds between two samples: half a minute, and more where the window or the trunks would make too many.
    pub fn interval(&self) -> u64 {
        let samples = (15_000 / self.trunks as u64).clamp(120, 2880);
        (self.minutes * 60 / samples).clamp(30, 1800).next_multiple_of(30)
    }

    /// Writes OpenMetrics text with timestamps, as `promtool tsdb create-blocks-from openmetrics` reads it.
    ///
    /// # Errors
    /// A write that fails.
    pub fn write_openmetrics(&self, out: &mut impl io::Write) -> io::Result<()> {
        let length = self.minutes * 60;
        let windows = if length < WEEK { vec![self.end - WEEK, self.end] } else { vec![self.end] };
        for (series, value) in self.series() {
            for at in windows.iter().flat_map(|end| (end - length..=*end).step_by(self.interval() as usize)) {
                let value = value((at as f64 - self.end as f64) / 60.0);
                if !value.is_nan() {
                    writeln!(out, "{series} {value} {at}")?;
                }
            }
        }
        writeln!(out, "# EOF")
    }

    /// The minute at which the earliest sample may lie: all counts are 0 then.
    fn start(&self) -> f64 {
        -((WEEK / 60 + self.minutes) as f64)
    }

    fn series(&self) -> Vec<Series> {
        let mut all = Vec::new();
        for trunk in 0..self.trunks {
            for (direction, busy) in [("inbound", 1.0), ("outbound", 0.6)] {
                self.calls(&mut all, trunk, direction, busy * [6.0, 24.0, 15.0, 9.0, 0.2][trunk % 5]);
            }
        }
        self.source(&mut all, self.trunks as f64 * 20.0);
        self.tallies(&mut all, self.trunks as f64 * 20.0);
        collect::collector(&mut all, self.trunks as f64 * 20.0, self.start(), self.end as f64);
        catalogue(&mut all, "cdr_cause_info");
        exporter(&mut all, self.start(), self.end as f64);
        if self.rules {
            // Of the recorded series, the one by which the dashboards see that the rules are loaded.
            catalogue(&mut all, "cause:cdr_cause_info:one");
            faults::alerts(&mut all, self.trunks, self.end as f64);
        }
        all
    }

    /// Calls, failures and durations of one trunk and direction, at this many calls a minute.
    fn calls(&self, all: &mut Vec<Series>, trunk: usize, direction: &'static str, rate: f64) {
        let route = format!(r#"source="teams",trunk="{}",direction="{direction}""#, trunk_name(trunk));
        let trunks = self.trunks;
        let faults = move || FAULTS.iter().filter(move |fault| fault.strikes(trunk, trunks, direction));
        let start = self.start();
        // A large installation has no late calls here, so that its sample stays small.
        let arrivals: &[_] = if trunks > 100 { &[("live", 1.0)] } else { &[("live", 0.97), ("late", 0.03)] };
        for &(arrival, part) in arrivals {
            let rate = rate * part;
            for (outcome, share) in OUTCOMES {
                let labels = format!(r#"{route},outcome="{outcome}",arrival="{arrival}""#);
                let lost = if outcome == "answered" { 1.0 } else { 0.0 };
                add(all, "cdr_calls_total", &labels, move |minute| {
                    let failing: f64 = faults().map(|fault| fault.calls_failed(start, minute)).sum();
                    (rate * (share * offered(faults(), start, minute) - lost * failing)).floor()
                });
            }
            let failed = move |place: usize, share: f64, minute: f64| {
                let pair = FAILURES[place].0;
                let extra: f64 = faults()
                    .filter(|fault| fault.code == pair)
                    .map(|fault| fault.calls_failed(start, minute))
                    .sum();
                // Each series steps at its own moments.
                let phase = ((place * 7 + trunk * 3 + direction.len()) % 10) as f64 / 10.0;
                (rate * (share * offered(faults(), start, minute) + extra) + phase).floor()
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
        let bounds = ["0.5", "1", "2", "3", "5", "8", "12", "20", "30", "60", "120"];
        let bounds = if trunks > 100 { &bounds[..0] } else { &bounds[..] };
        histogram(all, "cdr_call_setup_seconds", &route, bounds, 9.0, move |minute| {
            rate * 0.79 * offered(faults(), start, minute)
        });
        let bounds = ["1", "5", "10", "30", "60", "120", "300", "600", "1800", "3600", "7200"];
        let bounds = if trunks > 100 { &bounds[..0] } else { &bounds[..] };
        histogram(all, "cdr_call_duration_seconds", &route, bounds, 140.0, move |minute| {
            let failing: f64 = faults().map(|fault| fault.calls_failed(start, minute)).sum();
            rate * (0.76 * offered(faults(), start, minute) - failing)
        });
    }

    /// Calls of the source by kind and by the country that was called, at this many calls a minute in all.
    fn tallies(&self, all: &mut Vec<Series>, calls: f64) {
        let (start, source) = (self.start(), r#"source="teams""#);
        let mut family = |name: &str, label: &str, share: f64, failing: f64| {
            let answered = 1.0 - failing;
            for (outcome, part) in
                [("answered", 0.8 * answered), ("no_answer", 0.2 * answered), ("failed", failing)]
            {
                let labels = format!(r#"{source},{label},outcome="{outcome}""#);
                add(all, name, &labels, move |minute| count(calls * share * part, start, minute));
            }
        };
        for (kind, share, failing) in KINDS {
            family("cdr_calls_by_kind_total", &format!(r#"kind="{kind}""#), share, failing);
        }
        for (country, share, failing) in COUNTRIES {
            family("cdr_calls_by_country_total", &format!(r#"country="{country}""#), share, failing);
        }
    }

    /// The books of the one source, at this many calls a minute in all.
    fn source(&self, all: &mut Vec<Series>, calls: f64) {
        let source = r#"source="teams""#;
        let (start, end) = (self.start(), self.end as f64);
        let results = [("duplicate", 0.05), ("header", 0.002), ("ignored", 0.01)];
        for (result, share) in results {
            let labels = format!(r#"{source},result="{result}""#);
            add(all, "cdr_exporter_records_total", &labels, move |minute| {
                count(calls * share, start, minute)
            });
        }
        for (reason, share) in [("bad_json", 0.0006), ("too_long", 0.0), ("bad_time", 0.0004)] {
            let labels = format!(r#"{source},reason="{reason}""#);
            add(all, "cdr_exporter_rejected_records_total", &labels, move |minute| {
                count(calls * share, start, minute)
            });
        }
        let counted = sum_of(all, "cdr_calls_total");
        add(all, "cdr_exporter_records_total", &format!(r#"{source},result="counted""#), counted);
        let rejected = sum_of(all, "cdr_exporter_rejected_records_total");
        add(all, "cdr_exporter_records_total", &format!(r#"{source},result="rejected""#), rejected);
        let read = sum_of(all, "cdr_exporter_records_total");
        add(all, "cdr_exporter_read_records_total", source, read);
        add(all, "cdr_exporter_read_bytes_total", source, move |minute| count(calls * 900.0, start, minute));
        add(all, "cdr_exporter_pending_bytes", source, |minute| 40e3 * (1.0 + (minute / 7.0).sin()));
        let states = [("reading", 2.0), ("waiting", 40.0), ("unrecognised", 1.0), ("unreadable", 0.0)];
        for (state, files) in states {
            add(all, "cdr_exporter_files", &format!(r#"{source},state="{state}""#), move |_| files);
        }
        let events = ["found", "resumed", "rotated", "truncated", "replaced", "copied", "removed"];
        for (place, event) in events.into_iter().enumerate() {
            let labels = format!(r#"{source},event="{event}""#);
            let rate = [0.3, 0.01, 0.05, 0.0, 0.0, 0.02, 0.2][place];
            add(all, "cdr_exporter_file_events_total", &labels, move |minute| count(rate, start, minute));
        }
        add(all, "cdr_exporter_series_overflow_total", source, |_| 0.0);
        add(all, "cdr_newest_call_timestamp_seconds", source, move |minute| end + minute * 60.0 - 45.0);
        let bounds =
            ["1", "5", "15", "60", "300", "900", "3600", "21600", "86400", "259200", "604800", "2592000"];
        histogram(all, "cdr_call_age_seconds", source, &bounds, 80.0, move |minute| calls * (minute - start));
    }
}

fn trunk_name(trunk: usize) -> String {
    format!("sbc{:02}.{}", trunk + 1, ["contoso.com", "fabrikam.com", "example.com"][trunk % 3])
}

/// Minutes' worth of usual traffic until this minute: busiest two hours before the end, in a daily and a quicker wave.
fn traffic_until(minute: f64) -> f64 {
    let wave = |length: f64, strength: f64, at: f64| strength * length / TAU * (TAU * at / length).sin();
    minute + wave(1440.0, 0.5, minute + 120.0) + wave(90.0, 0.15, minute)
}

/// As [`traffic_until`], since the start and without what a silent trunk did not carry.
fn offered<'f>(faults: impl Iterator<Item = &'f Fault>, start: f64, minute: f64) -> f64 {
    let silent: f64 = faults.map(|fault| fault.calls_missing(start, minute)).sum();
    traffic_until(minute) - traffic_until(start) - silent
}

/// Calls until this minute at this many a minute.
fn count(rate: f64, start: f64, minute: f64) -> f64 {
    (rate * (traffic_until(minute) - traffic_until(start))).floor()
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

/// A histogram of so many values until a minute, which fall off evenly from 0 with this mean.
fn histogram(
    all: &mut Vec<Series>,
    name: &str,
    labels: &str,
    bounds: &[&str],
    mean: f64,
    values: impl Fn(f64) -> f64 + Clone + 'static,
) {
    let below = move |bound: f64| 1.0 - (-bound / mean).exp();
    let comma = if labels.is_empty() { "" } else { "," };
    for bound in bounds.iter().copied().chain(["+Inf"]) {
        let share = bound.parse().map_or(1.0, below);
        let (labels, values) = (format!(r#"{labels}{comma}le="{bound}""#), values.clone());
        add(all, &format!("{name}_bucket"), &labels, move |minute| (values(minute) * share).floor());
    }
    let count = values.clone();
    add(all, &format!("{name}_count"), labels, move |minute| count(minute).floor());
    add(all, &format!("{name}_sum"), labels, move |minute| (values(minute) * mean).floor());
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

/// One series for each cause and code pair, with its texts.
fn catalogue(all: &mut Vec<Series>, name: &str) {
    // Of rows that differ in their phrase only, the first is shown.
    let by_cause: BTreeMap<_, _> = rows()
        .into_iter()
        .rev()
        .map(|row| ((row["microsoft_code"].clone(), row["sip_code"].clone(), row["cause"].clone()), row))
        .collect();
    for row in by_cause.values() {
        let columns = ["cause", "microsoft_code", "sip_code", "category", "side", "remedy"];
        let labels: Vec<_> = columns.iter().map(|name| format!("{name}={:?}", row[*name])).collect();
        add(all, name, &labels.join(","), |_| 1.0);
    }
}

/// What the exporter says of itself, and what Prometheus says of its scrapes.
fn exporter(all: &mut Vec<Series>, start: f64, end: f64) {
    let began = end + 60.0 * start;
    let build =
        r#"version="0.1.0",revision="0000000",rustversion="1.95",target_os="linux",target_arch="x86_64""#;
    let gauges: [(&str, &str, f64); 12] = [
        ("up", "", 1.0),
        ("cdr_exporter_build_info", build, 1.0),
        ("cdr_exporter_config_last_reload_successful", "", 1.0),
        ("cdr_exporter_config_last_reload_success_timestamp_seconds", "", began),
        ("process_start_time_seconds", "", began),
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
    let minutes = move |minute: f64| minute - start;
    add(all, "process_cpu_seconds_total", "", move |minute| minutes(minute) * 0.35);
    add(all, "cdr_exporter_commits_total", "", move |minute| (55.0 * minutes(minute)).floor());
    add(all, "cdr_exporter_commit_failures_total", "", |_| 0.0);
    add(all, "cdr_exporter_last_commit_timestamp_seconds", "", move |minute| end + minute * 60.0 - 1.0);
    add(all, "cdr_exporter_loop_last_turn_timestamp_seconds", "", move |minute| end + minute * 60.0 - 0.5);
    let bounds = ["0.001", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10"];
    histogram(all, "cdr_exporter_commit_duration_seconds", "", &bounds, 0.004, move |minute| {
        55.0 * minutes(minute)
    });
}
