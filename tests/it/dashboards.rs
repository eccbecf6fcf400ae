//! The dashboards: the rules of Grafana's dashboard-linter, and every query tried against a real Prometheus.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::{Command, Stdio},
    sync::LazyLock,
};

use cdr_exporter::call::UnixMillis;
use cdr_exporter::cli::demo::truth::Export;
use cdr_exporter::clock;
use regex::Regex;
use serde_json::Value;

mod looks;

use crate::collect::setup::Setup;
use crate::collect::stand_in::{Fault, StandIn, rows};
use crate::tools::{Daemon, Prometheus, find, succeed};
use xtask::traffic::Traffic;

/// A selector with its metric and its matchers.
static SELECTOR: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}").expect("valid"));
static WINDOW: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\[([^\]]*)\]").expect("valid"));
static MATCHER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"([a-z_]+)(=~|!=|=|!~)""#).expect("valid"));
static GROUPING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(?:by|on|group_left|without|ignoring) \(([^)]*)\)").expect("valid"));

/// Windows other than $__rate_interval, and why.
const WINDOWS: [(&str, &str); 5] = [
    ("$__interval", "counts that tile the chosen time, so that the legend adds them up"),
    ("$__range:$__interval", "totals of the chosen time"),
    ("$__interval:$__interval", "the last step of the chosen time"),
    ("1h", "figures whose title or description says that they are of an hour"),
    ("24h:20m", "the newest calls where an hour has too few"),
];
/// Units of Grafana that we use.
const UNITS: [&str; 8] = ["short", "locale", "string", "percentunit", "s", "bytes", "Bps", "cpm"];
/// Labels that a query makes itself.
static MADE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"count_values (?:by \([^)]*\) )?\("([a-z_]+)""#).expect("valid"));
/// What came since the last step of the chosen time, before the metric's name.
static SINCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"label_replace\(clamp_min\((?:\S+ - last_over_time\()?$").expect("valid"));
/// What only asks which series there are, before the metric's name.
static EXISTENCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"group(?: by \([^)]*\) )?\($").expect("valid"));

fn dashboards() -> Vec<Value> {
    let parse = |(_, dashboard): (_, xtask::dashboard::Dashboard)| serde_json::from_str(&dashboard.to_json());
    xtask::dashboards::all()
        .into_iter()
        .map(parse)
        .collect::<Result<_, _>>()
        .expect("the dashboards are JSON")
}

fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// Every panel that asks something: headings of rows and texts do not.
fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    list(dashboard, "/panels").iter().filter(|panel| panel["type"] != "row" && panel["type"] != "text")
}

/// The dashboards that ask something: all but the runbooks.
fn asking() -> Vec<Value> {
    dashboards().into_iter().filter(|dashboard| panels(dashboard).next().is_some()).collect()
}

/// template-datasource, template-job, template-instance, template-label-promql, template-on-time-change-reload,
/// uneditable.
#[test]
fn variables_follow_the_linter() {
    let exact = Regex::new(r"^label_values\([a-z_]+(\{.*\})?, [a-z]+\)$").expect("valid");
    for dashboard in asking() {
        assert_eq!(dashboard["editable"], false);
        let variables = list(&dashboard, "/templating/list");
        let names: Vec<_> = variables.iter().map(|variable| text(variable, "name")).collect();
        assert_eq!(names[..3], ["datasource", "job", "instance"]);
        assert_eq!(text(&variables[0], "label"), "Data source");
        for variable in &variables[1..] {
            let name = text(variable, "name");
            assert_eq!(variable["datasource"]["uid"], "${datasource}", "{name}");
            assert_eq!(variable["refresh"], 2, "{name}");
            assert_eq!(text(variable, "label"), name);
            assert!(exact.is_match(text(variable, "definition")), "{name}");
            if ["job", "instance"].contains(&name) {
                assert_eq!(
                    (&variable["multi"], text(variable, "allValue")),
                    (&Value::Bool(true), ".+"),
                    "{name}"
                );
            }
        }
    }
}

/// panel-datasource, panel-title-description, panel-units, panel-no-targets; the LogQL rules hold since there is none.
#[test]
fn panels_follow_the_linter() {
    for dashboard in asking() {
        for panel in panels(&dashboard) {
            let title = text(panel, "title");
            assert!(!title.is_empty() && !text(panel, "description").is_empty(), "{title}");
            let units = list(panel, "/fieldConfig/overrides")
                .iter()
                .flat_map(|field| list(field, "/properties"))
                .filter(|property| property["id"] == "unit")
                .map(|property| text(property, "value"))
                .chain([text(&panel["fieldConfig"]["defaults"], "unit")]);
            units.for_each(|unit| assert!(UNITS.contains(&unit), "{title}: {unit:?}"));
            assert!(!list(panel, "/targets").is_empty(), "{title}");
            for source in list(panel, "/targets").iter().chain([panel]) {
                assert_eq!(source["datasource"]["uid"], "${datasource}", "{title}");
                assert_eq!(source["datasource"]["type"], "prometheus", "{title}");
            }
        }
    }
}

/// target-rate-interval, target-job, target-instance, target-counter-agg. Excepted: ALERTS, whose alerts of several
/// exporters have no instance and some no job; recorded series, which have no instance; and two figures that compare
/// or list counters as they stand.
#[test]
fn queries_follow_the_linter() {
    for dashboard in asking() {
        for panel in panels(&dashboard) {
            let title = text(panel, "title");
            for expression in list(panel, "/targets").iter().map(|target| text(target, "expr")) {
                for window in WINDOW.captures_iter(expression).map(|found| found[1].to_string()) {
                    let excepted = WINDOWS.iter().any(|(name, _)| *name == window);
                    assert!(window == "$__rate_interval" || excepted, "{title}: [{window}]");
                }
                for found in SELECTOR.captures_iter(expression) {
                    let (metric, matchers) = (&found[1], &found[2]);
                    if metric.starts_with("ALERTS") {
                        continue;
                    }
                    assert!(matchers.contains(r#"job=~"$job""#), "{title}: {metric}");
                    assert!(
                        metric.contains(':') || matchers.contains(r#"instance=~"$instance""#),
                        "{title}: {metric}"
                    );
                    let before = &expression[..found.get(0).map_or(0, |whole| whole.start())];
                    let rated = ["rate(", "increase("].iter().any(|function| before.ends_with(function))
                        || EXISTENCE.is_match(before)
                        || SINCE.is_match(before);
                    let raw = ["Unaccounted for", "What it is and what to do"].contains(&title);
                    assert!(!metric.ends_with("_total") || rated || raw, "{title}: {metric}");
                }
            }
        }
    }
}

#[test]
fn uids_and_links_stay() {
    let uids: Vec<String> = dashboards().iter().map(|dashboard| text(dashboard, "uid").to_string()).collect();
    assert_eq!(
        uids,
        [
            "cdr-overview",
            "cdr-trunks",
            "cdr-wall",
            "cdr-trends",
            "cdr-cause",
            "cdr-trunk",
            "cdr-exporter",
            "cdr-runbooks"
        ]
    );
    let link = Regex::new(r#""/d/([a-z-]+)\?([^"]*)""#).expect("valid");
    for dashboard in asking() {
        assert!(dashboard.get("id").is_none() && dashboard.get("__inputs").is_none());
        assert_eq!(list(&dashboard, "/annotations/list").len(), 2);
        for found in link.captures_iter(&dashboard.to_string()) {
            assert!(uids.iter().any(|uid| *uid == found[1]), "{}", &found[0]);
            // The runbooks ask nothing, and the links to other spans of time set it.
            let keeps =
                found[2].contains("${__url_time_range}") && found[2].contains("${datasource:queryparam}");
            assert!(
                keeps || found[1] == *"cdr-runbooks" || found[2].starts_with("from=now-"),
                "{}",
                &found[0]
            );
        }
        let widest = list(&dashboard, "/panels")
            .iter()
            .filter_map(|panel| Some(panel["gridPos"]["x"].as_u64()? + panel["gridPos"]["w"].as_u64()?));
        assert_eq!(widest.max(), Some(24));
    }
}

/// Half an hour of traffic, of which the queries must make something.
const TRAFFIC: Traffic = Traffic { trunks: 5, minutes: 30, end: 1_800_000_000, rules: true };

/// The values of each label of each metric in a text of series.
type Known = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn known(text: &str) -> Known {
    let label = Regex::new(r#"([a-z_]+)="((?:[^"\\]|\\.)*)""#).expect("valid");
    let mut known = Known::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        let labels = known.entry(name.into()).or_default();
        for found in label.captures_iter(&line[name.len()..]) {
            labels.entry(found[1].into()).or_default().insert(found[2].into());
        }
    }
    known
}

/// What the traffic has, as text.
fn traffic() -> String {
    let mut traffic = Vec::new();
    TRAFFIC.write_openmetrics(&mut traffic).expect("memory takes all");
    String::from_utf8(traffic).expect("text")
}

/// What the daemon itself shows after it has read an export in which half of the calls come late.
fn exposed() -> Known {
    const CALLS: i64 = 2000;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let now = clock::now();
    let mut export = Export::new(1, now, 5.0);
    let mut rows = String::new();
    for number in 0..CALLS {
        let hours = if number % 2 == 0 { 0 } else { 12 };
        let call = export.next_call(UnixMillis(now.0 - hours * 3_600_000));
        export.traffic.graph_row(&call, &mut rows);
    }
    fs::write(folder.path().join("calls.ndjson"), rows).expect("room on the disk");
    let daemon = Daemon::serve([folder.path()]);
    // Until then /metrics may answer 503.
    daemon.wait_until_ready();
    daemon.wait_for_metrics("all records", |metrics| {
        metrics.sum("cdr_exporter_records_total", &[]) == CALLS as f64
    });
    let mut known = known(daemon.get("/metrics").text());
    daemon.stop();
    known.extend(collected().into_iter().filter(|(metric, _)| metric.starts_with("cdr_collect_")));
    known
}

/// What a daemon shows that collects, once it was told to come again later.
fn collected() -> Known {
    let stand_in = StandIn::start(rows::calls(1, 3));
    stand_in.spoil_first(1, Fault::Status(503, None));
    let setup = Setup::with(&stand_in, "every: 300ms\nhistory: 0s\nclient_secret_ends: 2031-05-31");
    let daemon = setup.serve(&stand_in);
    // Until then /metrics may answer 503.
    daemon.wait_until_ready();
    daemon.wait_for_metrics("a look at the spool folder", |metrics| {
        metrics.sum("cdr_collect_spool_bytes", &[]) > 0.0
    });
    known(daemon.get("/metrics").text())
}

/// What Prometheus adds to the metrics of the daemon, with the labels that come from our rules.
const OF_PROMETHEUS: &str = r#"up 1
scrape_duration_seconds 1
scrape_samples_scraped 1
ALERTS{alertname="",alertstate="",severity="",source="",trunk=""} 1
ALERTS_FOR_STATE{alertname="",severity="",source="",trunk=""} 1
"#;

/// The labels of the target, which Prometheus adds to every series.
const OF_TARGET: [&str; 2] = ["job", "instance"];

#[test]
fn the_traffic_has_nothing_that_the_daemon_has_not() {
    let exposed = exposed();
    // Names that depend on the calls, not on the program.
    let free =
        ["trunk", "cause", "microsoft_code", "sip_code", "country", "version", "revision", "rustversion"];
    for (metric, labels) in known(&traffic()) {
        if metric == "up"
            || metric.starts_with("ALERTS")
            || metric.starts_with("scrape_")
            || metric.contains(':')
        {
            continue;
        }
        let has = exposed.get(&metric).unwrap_or_else(|| panic!("the daemon does not expose {metric}"));
        for (label, values) in labels.iter().filter(|(label, _)| !OF_TARGET.contains(&label.as_str())) {
            let known = has.get(label).unwrap_or_else(|| panic!("{metric} has no label {label}"));
            let strange: Vec<_> = values.difference(known).collect();
            assert!(strange.is_empty() || free.contains(&label.as_str()), "{metric}: {label}={strange:?}");
        }
    }
}

#[test]
fn queries_ask_only_for_metrics_and_labels_that_exist() {
    let mut known = exposed();
    known.extend(self::known(OF_PROMETHEUS));
    let labels: BTreeSet<_> =
        known.values().flat_map(BTreeMap::keys).map(String::as_str).chain(OF_TARGET).collect();
    for dashboard in asking() {
        let everything = dashboard.to_string().replace(r#"\""#, r#"""#);
        for found in SELECTOR.captures_iter(&everything).filter(|found| found[2].contains("=")) {
            let metric = &found[1];
            if metric.contains(':') || metric == "label_values" {
                continue;
            }
            let has = known.get(metric).unwrap_or_else(|| panic!("{metric} is not exported"));
            for name in MATCHER.captures_iter(&found[2]).map(|name| name[1].to_string()) {
                let known = has.contains_key(&name) || OF_TARGET.contains(&name.as_str());
                assert!(known, "{metric} has no label {name}");
            }
        }
        let queries = panels(&dashboard).flat_map(|panel| list(panel, "/targets"));
        for query in queries.map(|target| text(target, "expr")) {
            let made: BTreeSet<_> = MADE.captures_iter(query).map(|found| found[1].to_string()).collect();
            for found in GROUPING.captures_iter(query) {
                for name in found[1].split(", ").filter(|name| !name.is_empty()) {
                    assert!(labels.contains(name) || made.contains(name), "no metric has a label {name}");
                }
            }
        }
    }
}

/// A folder for Prometheus that has this traffic.
fn store(traffic: &Traffic) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("traffic.txt");
    let mut out = std::io::BufWriter::new(fs::File::create(&file).expect("a file"));
    traffic.write_openmetrics(&mut out).expect("room on the disk");
    drop(out);
    succeed(
        Command::new(find("promtool", "prometheus"))
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&file, &folder.path().join("data")])
            .stdout(Stdio::null()),
    );
    folder
}

#[test]
fn every_query_finds_data_in_half_an_hour_of_traffic() {
    let folder = store(&TRAFFIC);
    let prometheus = Prometheus::start_in(folder.path(), "global: {scrape_interval: 30s}\n");
    let start = TRAFFIC.end - TRAFFIC.minutes * 60;
    for dashboard in asking() {
        for panel in panels(&dashboard) {
            for target in list(panel, "/targets") {
                let expression = filled_in(text(target, "expr"));
                let step = (target["range"] == true).then_some(60);
                let found = prometheus.series_between(&expression, start, TRAFFIC.end, step);
                // The traffic is there now and a week earlier.
                let known = !expression.contains("offset 2w");
                assert!(found > 0 || !known, "{}: no data: {expression}", panel["title"]);
            }
        }
    }
}

/// A query with the variables as Grafana would fill them in.
fn filled_in(expression: &str) -> String {
    [
        ("$__rate_interval", "2m"),
        ("${__to:date:seconds}", TRAFFIC.end.to_string().as_str()),
        ("$__range_s", "1800"),
        ("$__range", "30m"),
        ("$__interval_ms", "120000"),
        ("$__interval", "2m"),
        (r#"trunk="$trunk""#, r#"trunk="sbc03.example.com""#),
        ("$cause", "IceConnectivityChecksFailed"),
        ("$job", ".+"),
        ("$instance", ".+"),
        ("$source", ".*"),
        ("$trunk", ".*"),
        ("$direction", ".*"),
    ]
    .iter()
    .fold(expression.to_string(), |filled, (name, value)| filled.replace(name, value))
}
