//! What the rules cost: every rule asked once of a real Prometheus that knows a hundred trunks and the weeks before.
//!
//! Seconds depend on the machine and its mood. So the bound is on the samples that are read, which Prometheus counts, and
//! on processor time in units of one plain reading of all series of `cdr_call_failures_total`, which no set of rules can do
//! without. What each rule cost is left in `target/tmp/rules-cost.txt`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::read_groups;
use crate::tools::{Prometheus, find, succeed, under_both};

/// Causes that ever came up on a trunk.
const EVER: usize = 30;
/// Seconds since 1970 at which the rules are asked.
const NOW: u64 = 1_800_000_000;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const OF_SCRAPE: &str = r#"job="cdr-exporter",instance="a",source="teams""#;
const OF_RULES: &str = r#"job="cdr-exporter",source="teams""#;
const OUTCOMES: [&str; 7] = ["answered", "busy", "no_answer", "cancelled", "declined", "elsewhere", "failed"];

/// Each cause that fails calls, as labels, with its side.
fn causes() -> Vec<(String, String)> {
    let catalogue = xtask::repository().join("src/classify/causes.csv");
    let rows = csv::Reader::from_path(catalogue).expect("the catalogue is there").into_deserialize();
    let rows = rows.map(|row| -> BTreeMap<String, String> { row.expect("a row with its columns") });
    let causes: BTreeMap<_, _> = rows
        .filter(|row| row["outcome"] == "failed")
        .map(|row| {
            let labels =
                ["cause", "microsoft_code", "sip_code"].map(|name| format!("{name}={:?}", row[name]));
            (labels.join(","), row["side"].clone())
        })
        .collect();
    causes.into_iter().collect()
}

/// Every minute between two times before now.
fn minutes(from: u64, until: u64) -> impl Iterator<Item = u64> {
    (until / MINUTE..=from / MINUTE).rev().map(|minutes| NOW - minutes * MINUTE)
}

/// The newest minutes, and those at the same time so long ago.
fn around(before: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let all: BTreeSet<_> = before.into_iter().flat_map(|ago| minutes(ago + 2 * MINUTE, ago)).collect();
    all.into_iter().collect()
}

/// Writes samples as `promtool` reads them.
struct Past<W> {
    out: W,
    causes: Vec<(String, String)>,
}

impl<W: Write> Past<W> {
    fn line(&mut self, series: &str, times: &[u64], value: impl Fn(u64) -> f64) {
        for time in times {
            writeln!(self.out, "{series} {} {time}", value(*time)).expect("room on the disk");
        }
    }

    /// What the exporter shows: of its causes a third ever came up, and a few of them in the last ten minutes.
    fn scraped(&mut self) {
        let times: Vec<_> = minutes(12 * MINUTE, 0).collect();
        self.line(&format!("up{{{OF_SCRAPE}}}"), &times, |_| 1.0);
        for (trunk, direction) in routes() {
            let labels = format!("{OF_SCRAPE},{},{direction},arrival=\"live\"", trunk_label(trunk));
            for outcome in OUTCOMES {
                let series = format!("cdr_calls_total{{{labels},outcome=\"{outcome}\"}}");
                self.line(&series, &times, |time| count(time, 100.0));
            }
            for number in 0..self.causes.len() {
                let series = format!("cdr_call_failures_total{{{labels},{}}}", self.causes[number].0);
                self.line(&series, &times, |time| count(time + 97 * trunk as u64, an_hour(number)));
            }
        }
        for (cause, side) in self.causes.clone() {
            let labels = format!("{cause},category=\"media\",side=\"{side}\",remedy=\"\"");
            self.line(&format!("cdr_cause_info{{{OF_SCRAPE},{labels}}}"), &times, |_| 1.0);
            self.line(&format!("cause:cdr_cause_info:one{{{labels}}}"), &times, |_| 1.0);
        }
        let day: Vec<_> = minutes(25 * HOUR, 0).collect();
        for result in ["counted", "duplicate", "header", "ignored", "rejected"] {
            let series = format!("cdr_exporter_records_total{{{OF_SCRAPE},result=\"{result}\"}}");
            self.line(&series, &day, |time| count(time, 4000.0));
        }
    }

    /// A series that the rules recorded, at the times that they look at, of the size that it has on a usual day.
    fn recorded(&mut self, name: &str) {
        let (level, operation) = (level(name), name.rsplit(':').next().unwrap_or_default());
        let is_sum = operation.ends_with("sum");
        let times: Vec<_> = match operation {
            "sparse_sum" => minutes(25 * HOUR, 0).step_by(4).collect(),
            "sum" => minutes(if level.ends_with("cause") { 12 * MINUTE } else { HOUR + 12 * MINUTE }, 0)
                .step_by(2)
                .collect(),
            "increase10m" if level.ends_with("cause") => minutes(25 * HOUR, 0).step_by(4).collect(),
            _ if level.ends_with("cause") => {
                around((0..=6).map(|tens| tens * 10 * MINUTE).chain([DAY, 2 * DAY, 7 * DAY]))
            }
            _ if matches!(level, "trunk_direction" | "source") => {
                let weeks = (1..=3).flat_map(|weeks| minutes(weeks * 7 * DAY + HOUR, weeks * 7 * DAY - HOUR));
                weeks.chain(minutes(2 * MINUTE, 0)).collect()
            }
            _ => around([0, HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 21 * DAY]),
        };
        let times: Vec<_> = times.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let target = if is_sum { OF_SCRAPE } else { OF_RULES };
        for (place, (labels, part)) in self.labels(level, operation).into_iter().enumerate() {
            let series = format!("{name}{{{target}{labels}}}");
            let an_hour = if level.ends_with("cause") { an_hour(place % EVER) } else { 600.0 };
            self.line(&series, &times, |time| {
                if is_sum { count(time + 97 * place as u64, an_hour) } else { usual(name, part) }
            });
        }
    }

    /// The labels of each series of a level, and its part of the usual value: of the causes, three have most of the calls.
    fn labels(&self, level: &str, operation: &str) -> Vec<(String, f64)> {
        let all = || (0..trunks()).map(trunk_label);
        let arrivals =
            |label: String| ["live", "late"].map(|arrival| (format!(",{label},arrival=\"{arrival}\""), 1.0));
        let causes = match operation {
            "sum" => EVER,
            "increase10m" | "leading1d" | "ratio_increase1d" => 3,
            "many10m" | "many1h" | "lower_bound10m" | "lower_bound1h" | "usual" | "often1h" => 1,
            "increase1h" => 10,
            _ => 20,
        };
        let of_cause = |label: String| {
            let parts = (0..causes).map(|place| if place < 3 { 0.3 } else { 0.03 });
            let labels = self.causes.iter().map(|(cause, _)| format!(",{label},{cause}"));
            labels.zip(parts).collect::<Vec<_>>()
        };
        let whole = |label: String| (format!(",{label}"), 1.0);
        let routes = routes().map(|(trunk, direction)| format!("{},{direction}", trunk_label(trunk)));
        match level {
            "trunk" => all().map(whole).collect(),
            "trunk_arrival" => all().flat_map(arrivals).collect(),
            "trunk_direction" => routes.map(whole).collect(),
            "trunk_direction_arrival" => routes.flat_map(arrivals).collect(),
            "trunk_cause" => all().flat_map(of_cause).collect(),
            "trunk_arrival_cause" => {
                all().map(|label| label + ",arrival=\"live\"").flat_map(of_cause).collect()
            }
            "source" => vec![(String::new(), 1.0)],
            _ => Vec::new(),
        }
    }
}

/// What of a recorded name says what it is of.
fn level(name: &str) -> &str {
    name.split(':').next().unwrap_or_default()
}

/// A hundred unless `RULES_TRUNKS` says otherwise: `docs/performance.md` has the figures of two hundred.
fn trunks() -> usize {
    std::env::var("RULES_TRUNKS").map_or(100, |trunks| trunks.parse().expect("a number of trunks"))
}

fn trunk_label(trunk: usize) -> String {
    format!("trunk=\"sbc{trunk}.contoso.com\"")
}

fn routes() -> impl Iterator<Item = (usize, &'static str)> {
    (0..trunks()).flat_map(|trunk| {
        [r#"direction="inbound""#, r#"direction="outbound""#].map(|direction| (trunk, direction))
    })
}

/// Failures of the cause at this place.
fn an_hour(place: usize) -> f64 {
    match place {
        0..3 => 6.0,
        3..10 => 0.5,
        10..30 => 0.01,
        _ => 0.0,
    }
}

/// So many an hour until this time.
fn count(time: u64, an_hour: f64) -> f64 {
    ((time + 100 * DAY - NOW) as f64 / 3600.0 * an_hour).floor()
}

/// A value that raises nothing: three faults in a hundred calls.
fn usual(name: &str, part: f64) -> f64 {
    let windows = [("10m", 1.0 / 6.0), ("1h", 1.0), ("6h", 6.0), ("1d", 24.0), ("3d", 72.0)];
    let hours: f64 =
        windows.iter().find(|(window, _)| name.ends_with(window)).map_or(1.0, |(_, hours)| *hours);
    match name {
        _ if name.contains("per_attempt") => 0.03 * part,
        _ if name.contains("fail") || name.contains("fault") => (36.0 * hours * part).ceil(),
        _ => 1200.0 * hours,
    }
}

/// Puts the past into a folder as Prometheus stores it.
fn store(folder: &Path) {
    let file = folder.join("past.txt");
    let out = BufWriter::new(fs::File::create(&file).expect("a file"));
    let mut past = Past { out, causes: causes() };
    past.scraped();
    // What is not there while nothing is wrong.
    let rare = ["born", "missing", "quiet", "decommissioned"];
    for rule in read_groups("recording.rules.yml").into_iter().flat_map(|group| group.rules) {
        let name = rule.record.expect("every rule of the file records");
        if !rare.iter().any(|rare| name.contains(rare)) {
            past.recorded(&name);
        }
    }
    writeln!(past.out, "# EOF").and_then(|()| past.out.flush()).expect("room on the disk");
    succeed(
        Command::new(find("promtool", "prometheus"))
            .args(["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1440h"])
            .args([&file, &folder.join("data")])
            .stdout(Stdio::null()),
    );
    fs::remove_file(&file).expect("it is there");
}

/// Samples that a query reads, and how long it took.
fn cost(prometheus: &Prometheus, promql: &str) -> (u64, f64) {
    let stats = prometheus.stats_of(&format!("count({promql})"), NOW);
    let samples = stats["samples"]["totalQueryableSamples"].as_u64().expect("a count");
    (samples, stats["timings"]["evalTotalTime"].as_f64().expect("a time"))
}

/// Processor time that these queries take, with what each cost.
fn costs<'q>(prometheus: &Prometheus, queries: impl Iterator<Item = &'q str>) -> (f64, Vec<(u64, f64)>) {
    let before = prometheus.processor_seconds();
    let costs = queries.map(|promql| cost(prometheus, promql)).collect();
    (prometheus.processor_seconds() - before, costs)
}

under_both!(an_evaluation_reads_little_more_than_all_series_once("prometheus" of "prometheus"));

fn an_evaluation_reads_little_more_than_all_series_once(program: &Path) {
    let rules: Vec<_> = ["recording.rules.yml", "alerts.rules.yml", "collect.rules.yml"]
        .into_iter()
        .flat_map(read_groups)
        .flat_map(|group| group.rules)
        .map(|rule| (rule.record.or(rule.alert).unwrap_or_default(), rule.expr))
        .collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    store(folder.path());
    let prometheus = Prometheus::start_program_in(program, folder.path(), "global: {}\n", &[]);
    let all_once = || costs(&prometheus, std::iter::repeat_n("cdr_call_failures_total", 8)).0 / 8.0;
    all_once();
    let before = all_once();
    let (seconds, costs) = costs(&prometheus, rules.iter().map(|(_, expr)| expr.as_str()));
    let units = seconds / ((before + all_once()) / 2.0);
    let samples: u64 = costs.iter().map(|cost| cost.0).sum();
    let shown: String = rules
        .iter()
        .zip(costs)
        .map(|((name, _), (samples, took))| format!("{samples:9} {took:.3} {name}\n"))
        .collect();
    let report =
        format!("{}\n{shown}{samples} samples, {seconds:.2} s, {units:.1} units\n", program.display());
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("rules-cost.txt"), report)
        .expect("room on the disk");
    assert!(samples < 9_000 * trunks() as u64, "{samples} samples:\n{shown}");
    // About 9 where little else runs.
    assert!(units < 16.0, "{units:.1} units:\n{shown}");
}
