//! Made-up series of a source with many trunks: what the exporter shows, and what the rules recorded of it before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const CATALOGUE: &str = include_str!("../../../src/classify/causes.csv");
const HOUR: f64 = 3600.0;
const DAYS_OF_COUNTS: u64 = 100;
/// Causes that ever came up on a trunk, and how many of them did on the last day.
const EVER: usize = 20;
const ON_A_DAY: usize = 10;
/// Of ten trunks one has an outage that began so many seconds before the start.
const OUTAGE: u64 = 1200;
/// Outcomes with the calls an hour of a trunk in one direction; failures are as many as their causes.
const OUTCOMES: [(&str, f64); 6] = [
    ("answered", 340.0),
    ("busy", 22.0),
    ("no_answer", 36.0),
    ("cancelled", 22.0),
    ("declined", 5.0),
    ("elsewhere", 9.0),
];
/// The part of the calls that comes late, and the causes that it has.
const LATE: f64 = 0.03;
const LATE_CAUSES: usize = 3;

/// A value at a time.
type Value = Arc<dyn Fn(u64) -> f64 + Send + Sync>;

/// One series with its value at each time.
pub struct Series {
    pub name: String,
    /// All but those of the target.
    pub labels: String,
    pub value: Value,
    /// Whether the rules made it.
    pub recorded: bool,
}

/// What a recorded series is of.
struct Of {
    labels: String,
    routes: Vec<Route>,
    /// The place of the cause.
    cause: Option<usize>,
    /// Its part of the usual value.
    part: f64,
}

/// A trunk, a direction, and whether of late calls.
type Route = (usize, &'static str, bool);

/// All series.
pub struct Sample {
    pub now: u64,
    trunks: usize,
    causes: Vec<(String, String)>,
    series: Vec<Series>,
}

impl Sample {
    pub fn new(trunks: usize, now: u64) -> Self {
        let rows = csv::Reader::from_reader(CATALOGUE.as_bytes()).into_deserialize();
        let rows =
            rows.filter_map(Result::ok).filter(|row: &BTreeMap<String, String>| row["outcome"] == "failed");
        let causes: BTreeMap<_, _> = rows
            .map(|row| {
                let labels =
                    ["cause", "microsoft_code", "sip_code"].map(|name| format!("{name}={:?}", row[name]));
                (labels.join(","), row["side"].clone())
            })
            .collect();
        let mut sample = Self { now, trunks, causes: causes.into_iter().collect(), series: Vec::new() };
        for trunk in 0..trunks {
            for direction in ["inbound", "outbound"] {
                sample.route(trunk, direction);
            }
        }
        sample.source();
        sample
    }

    pub fn scraped(&self) -> impl Iterator<Item = &Series> {
        self.series.iter().filter(|series| !series.recorded)
    }

    fn add(&mut self, name: &str, labels: String, value: impl Fn(u64) -> f64 + Send + Sync + 'static) {
        self.series.push(Series { name: name.into(), labels, value: Arc::new(value), recorded: false });
    }

    /// How often the cause at this place failed calls of a trunk and direction until a time.
    fn failures(
        &self,
        trunk: usize,
        direction: &str,
        place: usize,
    ) -> impl Fn(u64) -> f64 + Send + Sync + use<> {
        let (begin, phase) =
            (self.now - DAYS_OF_COUNTS * 86_400, (trunk * 97 + place * 31 + direction.len() * 7) % 100);
        let outage = self.now - OUTAGE;
        let turn = turn(place, trunk);
        let an_hour = match turn {
            0..3 => 6.0,
            3..10 => 0.5,
            10..EVER => 0.01,
            _ => 0.0,
        };
        let of_outage = if turn == 0 && trunk.is_multiple_of(10) { 200.0 } else { 0.0 };
        move |time| {
            let usual = (time - begin) as f64 / HOUR * an_hour;
            let more = time.saturating_sub(outage) as f64 / HOUR * of_outage;
            if an_hour == 0.0 { 0.0 } else { (usual + more + phase as f64 / 100.0).floor() }
        }
    }

    /// What the exporter shows of a trunk and direction.
    fn route(&mut self, trunk: usize, direction: &str) {
        let begin = self.now - DAYS_OF_COUNTS * 86_400;
        for (arrival, part) in [("live", 1.0), ("late", LATE)] {
            let labels = format!("{},direction=\"{direction}\",arrival=\"{arrival}\"", of_trunk(trunk));
            for (outcome, an_hour) in OUTCOMES {
                self.add("cdr_calls_total", format!("{labels},outcome=\"{outcome}\""), move |time| {
                    ((time - begin) as f64 / HOUR * an_hour * part).floor()
                });
            }
            let mut all: Vec<Value> = Vec::new();
            for place in 0..self.causes.len() {
                let count = self.failures(trunk, direction, place);
                let labels = format!("{labels},{}", self.causes[place].0);
                if arrival == "live" {
                    all.push(Arc::new(count));
                } else if turn(place, trunk) < LATE_CAUSES {
                    all.push(Arc::new(move |time| (count(time) * LATE).floor()));
                } else {
                    continue;
                }
                let count = all[all.len() - 1].clone();
                self.add("cdr_call_failures_total", labels, move |time| count(time));
            }
            self.add("cdr_calls_total", format!("{labels},outcome=\"failed\""), move |time| {
                all.iter().map(|count| count(time)).sum()
            });
        }
    }

    /// The sum of all series of a metric whose labels have this text.
    fn sum_of(&self, name: &str, label: &str) -> impl Fn(u64) -> f64 + Send + Sync + use<> {
        let parts: Vec<_> = self
            .series
            .iter()
            .filter(|series| series.name == name && series.labels.contains(label))
            .map(|series| series.value.clone())
            .collect();
        move |time| parts.iter().map(|value| value(time)).sum()
    }

    /// What the exporter shows of the source and of causes.
    fn source(&mut self) {
        let source = || "source=\"teams\"".to_owned();
        let calls = self.sum_of("cdr_calls_total", "");
        let calls: Value = Arc::new(calls);
        for result in ["counted", "duplicate", "header", "ignored", "rejected"] {
            let calls = calls.clone();
            let labels = format!("{},result=\"{result}\"", source());
            self.add("cdr_exporter_records_total", labels, move |time| {
                if result == "counted" { calls(time) } else { 0.0 }
            });
        }
        self.add("cdr_exporter_read_records_total", source(), move |time| calls(time));
        for (name, value) in [
            ("cdr_exporter_further_calls_total", 0.0),
            ("cdr_exporter_forgotten_calls_total", 0.0),
            ("cdr_exporter_forgotten_causes_total", 0.0),
            ("cdr_exporter_pending_bytes", 1000.0),
            ("cdr_exporter_source_up", 1.0),
            ("cdr_exporter_series_overflow_total", 0.0),
        ] {
            self.add(name, source(), move |_| value);
        }
        for reason in ["bad_json", "too_long", "bad_time"] {
            self.add(
                "cdr_exporter_rejected_records_total",
                format!("{},reason=\"{reason}\"", source()),
                |_| 0.0,
            );
        }
        for state in ["reading", "waiting", "unrecognised", "unreadable"] {
            let files = if state == "waiting" { 40.0 } else { 0.0 };
            self.add("cdr_exporter_files", format!("{},state=\"{state}\"", source()), move |_| files);
        }
        self.add("cdr_newest_call_timestamp_seconds", source(), |time| time as f64 - 30.0);
        self.add("cdr_exporter_loop_last_turn_timestamp_seconds", String::new(), |time| time as f64);
        self.add("cdr_exporter_commit_failures_total", String::new(), |_| 0.0);
        self.add("cdr_exporter_config_last_reload_successful", String::new(), |_| 1.0);
        for (cause, side) in self.causes.clone() {
            let labels = format!(
                "{cause},category=\"media\",side=\"{side}\",remedy=\"What to do about it, in one sentence.\""
            );
            self.add("cdr_cause_info", labels, |_| 1.0);
        }
    }

    /// What the rules of these names recorded. Counters are those of the exporter, added up; the rest is of the size of a usual day.
    pub fn recorded(&self, names: &BTreeSet<String>) -> Vec<Series> {
        // What is not there while nothing is wrong.
        let rare =
            ["born", "missing", "quiet", "decommissioned", "cdr_call_alerts", "many", "failing_trunks"];
        let names = names.iter().filter(|name| !rare.iter().any(|rare| name.contains(rare)));
        names.flat_map(|name| self.recorded_as(name)).collect()
    }

    fn recorded_as(&self, name: &str) -> Vec<Series> {
        let (level, operation) =
            (name.split(':').next().unwrap_or_default(), name.rsplit(':').next().unwrap_or_default());
        let is_sum = operation.ends_with("sum");
        self.labels(level, operation)
            .into_iter()
            .map(|Of { labels, routes, cause, part }| {
                let value: Value =
                    if is_sum { self.sum(name, &routes, cause) } else { constant(usual(name, part)) };
                Series { name: name.into(), labels, value, recorded: true }
            })
            .collect()
    }

    /// The counters of these routes, added up as the rule does: trunks, directions and whether late, and the place of the cause.
    fn sum(&self, name: &str, routes: &[Route], cause: Option<usize>) -> Value {
        let begin = self.now - DAYS_OF_COUNTS * 86_400;
        let failed = name.contains("fail") || name.contains("fault");
        let an_hour: f64 =
            OUTCOMES.iter().filter(|(outcome, _)| *outcome != "elsewhere").map(|(_, calls)| calls).sum();
        let mut parts: Vec<Value> = Vec::new();
        for (trunk, direction, late) in routes {
            let part = if *late { LATE } else { 1.0 };
            let places = cause.map_or(0..self.causes.len(), |place| place..place + 1);
            let of_users = name.contains("fault");
            let most = if *late { LATE_CAUSES } else { EVER };
            for place in places.filter(|place| turn(*place, *trunk) < most) {
                if !(of_users && self.causes[place].1 == "user") {
                    let count = self.failures(*trunk, direction, place);
                    parts.push(Arc::new(move |time| (count(time) * part).floor()));
                }
            }
            if !failed {
                parts.push(constant(0.0));
                parts.push(Arc::new(move |time| ((time - begin) as f64 / HOUR * an_hour * part).floor()));
            }
        }
        Arc::new(move |time| parts.iter().map(|part| part(time)).sum())
    }

    /// The series of a level.
    fn labels(&self, level: &str, operation: &str) -> Vec<Of> {
        let source = || "source=\"teams\"".to_owned();
        let of = |labels, routes, cause, part| Of { labels, routes, cause, part };
        match level {
            "source" => vec![of(source(), Vec::new(), None, self.trunks as f64)],
            "source_arrival" => [false, true]
                .map(|late| {
                    let routes = (0..self.trunks).flat_map(|trunk| both_ways(trunk, late)).collect();
                    of(source() + arrival(late), routes, None, 1.0)
                })
                .into(),
            "source_cause" => self
                .causes
                .iter()
                .map(|(cause, _)| of(source() + "," + cause, Vec::new(), None, 1.0))
                .collect(),
            "cause" => {
                let text = "category=\"media\",remedy=\"What to do about it, in one sentence.\"";
                let causes = self.causes.iter();
                causes
                    .map(|(cause, side)| of(format!("{cause},side=\"{side}\",{text}"), Vec::new(), None, 1.0))
                    .collect()
            }
            _ => (0..self.trunks).flat_map(|trunk| self.labels_of_trunk(trunk, level, operation)).collect(),
        }
    }

    /// Those of one trunk.
    fn labels_of_trunk(&self, trunk: usize, level: &str, operation: &str) -> Vec<Of> {
        let label = of_trunk(trunk);
        let of = |more: String, routes, part| Of { labels: label.clone() + &more, routes, cause: None, part };
        let of_causes = |more: &str, late: bool, most: usize| -> Vec<Of> {
            let places = (0..self.causes.len()).filter(|place| turn(*place, trunk) < most);
            let labels = |place: usize| format!("{label}{more},{}", self.causes[place].0);
            let part = |place: usize| if turn(place, trunk) < 3 { 0.3 } else { 0.03 };
            places
                .map(|place| Of {
                    labels: labels(place),
                    routes: both_ways(trunk, late).into(),
                    cause: Some(place),
                    part: part(place),
                })
                .collect()
        };
        let ways = || both_ways(trunk, false).map(|(_, way, _)| way).into_iter();
        let direction = |way: &str| format!(",direction=\"{way}\"");
        match level {
            "trunk" => vec![of(String::new(), both_ways(trunk, false).into(), 1.0)],
            "trunk_arrival" => {
                [false, true].map(|late| of(arrival(late).into(), both_ways(trunk, late).into(), 1.0)).into()
            }
            "trunk_direction" => {
                ways().map(|way| of(direction(way), vec![(trunk, way, false)], 0.5)).collect()
            }
            "trunk_direction_arrival" => ways()
                .flat_map(|way| [(way, false), (way, true)])
                .map(|(way, late)| of(direction(way) + arrival(late), vec![(trunk, way, late)], 0.5))
                .collect(),
            "trunk_cause" => {
                let most = match operation {
                    "increase10m" | "leading1d" | "ratio_increase1d" => 3,
                    "lower_bound10m" | "lower_bound1h" | "lower_bound" | "usual" | "often1h" => 1,
                    "increase1h" | "increase1d" => ON_A_DAY,
                    _ => EVER,
                };
                of_causes("", false, most)
            }
            "trunk_arrival_cause" => [(false, EVER), (true, LATE_CAUSES)]
                .into_iter()
                .flat_map(|(late, most)| of_causes(arrival(late), late, most))
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// Causes take turns on trunks, so that the first ones of the catalogue are no more frequent than its last ones: about as many turns as causes.
fn turn(place: usize, trunk: usize) -> usize {
    (place + trunk * 7) % 89
}

fn both_ways(trunk: usize, late: bool) -> [Route; 2] {
    [(trunk, "inbound", late), (trunk, "outbound", late)]
}

fn arrival(late: bool) -> &'static str {
    if late { ",arrival=\"late\"" } else { ",arrival=\"live\"" }
}

fn of_trunk(trunk: usize) -> String {
    format!("source=\"teams\",trunk=\"sbc{trunk}.contoso.com\"")
}

fn constant(value: f64) -> Value {
    Arc::new(move |_| value)
}

/// A value that raises nothing: some four faults in a hundred calls.
fn usual(name: &str, part: f64) -> f64 {
    let windows = [("10m", 1.0 / 6.0), ("1h", 1.0), ("6h", 6.0), ("1d", 24.0), ("3d", 72.0)];
    let hours: f64 =
        windows.iter().find(|(window, _)| name.ends_with(window)).map_or(1.0, |(_, hours)| *hours);
    match name {
        _ if name.contains("per_attempt") => 0.04 * part.min(1.0),
        _ if name.contains("unaccounted") => 0.0,
        _ if name.contains("age_seconds") => 30.0,
        _ if name.contains("info") || name.contains("known") || name.contains("continued") => 1.0,
        _ if name.contains("fail") || name.contains("fault") => (40.0 * hours * part).ceil(),
        _ => 850.0 * hours * part,
    }
}
