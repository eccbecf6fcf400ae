//! What `/metrics` says of a snapshot, down to the byte, and what Prometheus's own tool thinks of it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use cdr_exporter::call::{CodePair, Direction, Outcome, UnixMillis};
use cdr_exporter::classify::Catalogue;
use cdr_exporter::expose::{Options, families};
use cdr_exporter::ledger::PathsNow;
use cdr_exporter::ledger::snapshot::{
    Arrival, CallSeries, Commits, DurationSeries, FailureSeries, Histogram, RecordCounts, Route, Snapshot,
    SourceSnapshot,
};

use super::super::tools::under_both;
use super::server::Server;

/// A snapshot of two sources, with trunks whose names need every escape of the format.
pub fn snapshot() -> Snapshot {
    let route = |source: &str, trunk: &str, direction| {
        Arc::new(Route { source: source.into(), trunk: trunk.into(), direction })
    };
    let good = route("teams", "sbc1.contoso.com", Direction::Inbound);
    let nasty = route("teams", "a \"quoted\" \\ back\nslash é 日本", Direction::Unknown);
    let call = |route: &Arc<Route>, outcome, arrival, count| CallSeries {
        route: Arc::clone(route),
        outcome,
        arrival,
        count,
        created: UnixMillis(0),
    };
    let mut duration = Histogram::new(&[0.5, 30.0, 3600.0]);
    for seconds in [0.5, 12.25, 30.0, 31.0, 9000.0] {
        duration.observe(seconds);
    }
    Snapshot {
        loaded: true,
        ready: true,
        caught_up: true,
        catalogue: Catalogue::built_in(),
        sources: vec![source("teams", Some(UnixMillis(1_790_000_000_250))), source("audit", None)],
        calls: vec![
            call(&nasty, Outcome::Failed, Arrival::Late, 7),
            call(&good, Outcome::Failed, Arrival::Live, 3),
            call(&good, Outcome::Answered, Arrival::Live, 9_007_199_254_740_991),
        ],
        failures: failures(&good, &nasty),
        setups: vec![DurationSeries {
            route: Arc::clone(&good),
            histogram: duration.clone(),
            created: UnixMillis(0),
        }],
        durations: vec![DurationSeries { route: good, histogram: duration, created: UnixMillis(0) }],
        history: cdr_exporter::ledger::history::Minutes::default(),
        commits: Commits {
            total: 5,
            failures: 2,
            last: Some(UnixMillis(1_790_000_000_500)),
            ..Commits::default()
        },
    }
}

fn failures(good: &Arc<Route>, nasty: &Arc<Route>) -> Vec<FailureSeries> {
    let failure = |route: &Arc<Route>, cause: &str, codes: CodePair, count| FailureSeries {
        route: Arc::clone(route),
        cause: cause.into(),
        microsoft_code: codes.microsoft.map_or_else(String::new, |code| code.to_string()).into(),
        sip_code: codes.sip.map_or_else(String::new, |code| code.to_string()).into(),
        codes,
        arrival: Arrival::Live,
        count,
        seen: None,
        exemplar: None,
        created: UnixMillis(0),
    };
    vec![
        failure(nasty, "Unlisted", CodePair { microsoft: None, sip: None }, 7),
        failure(good, "MediaConnectivityFailure", CodePair { microsoft: Some(531_005), sip: Some(410) }, 0),
        failure(
            good,
            "IceConnectivityChecksFailed",
            CodePair { microsoft: Some(531_004), sip: Some(410) },
            3,
        ),
    ]
}

fn source(name: &str, newest_call: Option<UnixMillis>) -> SourceSnapshot {
    let mut call_age = Histogram::new(&[60.0, 3600.0]);
    call_age.observe(61.0);
    SourceSnapshot {
        name: name.into(),
        created: UnixMillis(0),
        read_records: 20,
        records: RecordCounts { counted: 10, duplicate: 4, header: 1, ignored: 2, rejected: 3 },
        rejected: vec![("not_json", 3), ("too_long", 0)],
        unread: vec![("duration", 1), ("end_time", 0)],
        read_bytes: 123_456,
        pending_bytes: 789,
        pending_calls: 0,
        late_answers: 0,
        apart: cdr_exporter::ledger::Apart::default(),
        paths: Some(PathsNow { matched: 2, left_out: 0, is_up: true, remarks: Vec::new() }),
        files: vec![("following", 2), ("unreadable", 0)],
        prefer: (name == "teams").then(|| "audit".into()),
        file_events: vec![("found", 2), ("rotated", 1)],
        call_age,
        newest_call,
        series_overflow: 0,
        kinds: newest_call.map(|_| ("user", [5, 0, 0, 0, 0, 0, 2])).into_iter().collect(),
        countries: newest_call.map(|_| ("DE".to_owned(), [4, 0, 0, 0, 0, 0, 1])).into_iter().collect(),
    }
}

/// What a scrape of it shows.
pub fn scrape(snapshot: Snapshot) -> String {
    let reply = Server::start(snapshot, Options::default()).ask("GET", "/metrics", &[]);
    assert_eq!(reply.status, 200);
    reply.text().to_owned()
}

/// The lines about families whose names begin so, comments included.
fn about<'t>(text: &'t str, prefix: &str) -> Vec<&'t str> {
    let name = |line: &'t str| line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ");
    text.lines().filter(|line| name(line).starts_with(prefix)).collect()
}

#[test]
fn a_snapshot_is_exposed_in_full() {
    let text = scrape(snapshot());
    // The catalogue has a test of its own; the build differs from machine to machine.
    let varies = ["cdr_cause_info{", "cdr_exporter_build_info{"];
    let lines = about(&text, "cdr_").into_iter().filter(|line| !varies.iter().any(|v| line.starts_with(v)));
    insta::assert_snapshot!("metrics", lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_row_of_the_catalogue_is_explained_once() {
    let text = scrape(snapshot());
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("cdr_cause_info{")).collect();
    assert_eq!(rows.len(), Catalogue::built_in().info_rows().count());
    let ice = r#"cdr_cause_info{cause="IceConnectivityChecksFailed",microsoft_code="531004",sip_code="410","#;
    assert_eq!(
        rows.iter().filter(|row| row.starts_with(ice) && row.ends_with("\"} 1")).count(),
        1,
        "{rows:?}"
    );
}

#[test]
fn history_is_hidden_until_all_of_it_is_read() {
    let text = scrape(Snapshot { ready: false, ..snapshot() });
    assert_eq!(about(&text, "cdr_call"), Vec::<&str>::new());
    assert!(!about(&text, "cdr_exporter_records_total").is_empty());
    assert!(!about(&text, "cdr_cause_info").is_empty());
}

#[test]
fn families_without_series_are_left_out() {
    let empty = Snapshot {
        calls: Vec::new(),
        failures: Vec::new(),
        setups: Vec::new(),
        durations: Vec::new(),
        sources: Vec::new(),
        ..snapshot()
    };
    let text = scrape(empty);
    let families: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE cdr_")).collect();
    assert_eq!(
        families,
        [
            "# TYPE cdr_cause_info gauge",
            "# TYPE cdr_exporter_commit_duration_seconds histogram",
            "# TYPE cdr_exporter_commit_failures_total counter",
            "# TYPE cdr_exporter_commits_total counter",
            "# TYPE cdr_exporter_last_commit_timestamp_seconds gauge",
            // What the process says of itself comes after the snapshot.
            "# TYPE cdr_exporter_build_info gauge",
            "# TYPE cdr_exporter_config_last_reload_success_timestamp_seconds gauge",
            "# TYPE cdr_exporter_config_last_reload_successful gauge",
            "# TYPE cdr_exporter_loop_last_turn_timestamp_seconds gauge",
            "# TYPE cdr_exporter_lost_log_lines_total counter",
            "# TYPE cdr_exporter_panics_total counter",
        ]
    );
}

#[test]
fn label_values_are_not_run_together() {
    let call = |source: &str, trunk: &str, count| CallSeries {
        route: Arc::new(Route { source: source.into(), trunk: trunk.into(), direction: Direction::Unknown }),
        outcome: Outcome::Answered,
        arrival: Arrival::Live,
        count,
        created: UnixMillis(0),
    };
    let text = scrape(Snapshot { calls: vec![call("ab", "c", 1), call("a", "bc", 2)], ..snapshot() });
    let series: Vec<_> = text.lines().filter(|line| line.starts_with("cdr_calls_total{")).collect();
    assert_eq!(
        series,
        [
            r#"cdr_calls_total{source="a",trunk="bc",direction="",outcome="answered",arrival="live"} 2"#,
            r#"cdr_calls_total{source="ab",trunk="c",direction="",outcome="answered",arrival="live"} 1"#,
        ]
    );
}

#[test]
fn a_report_has_the_families_about_calls_as_a_scrape_has_them() {
    let report = families::text(&snapshot());
    let scrape = scrape(snapshot());
    let expected =
        about(&scrape, "cdr_").into_iter().filter(|line| !about(line, "cdr_exporter_").contains(line));
    assert_eq!(report.lines().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn each_scrape_is_of_what_was_published_last() {
    let server = Server::start(Snapshot { calls: Vec::new(), ..snapshot() }, Options::default());
    assert!(about(server.ask("GET", "/metrics", &[]).text(), "cdr_calls_total").is_empty());
    server.published.publish(snapshot());
    assert!(!about(server.ask("GET", "/metrics", &[]).text(), "cdr_calls_total").is_empty());
}

/// What Prometheus's linter says of this text.
pub fn promtool_says(promtool: &Path, text: &str) -> String {
    let mut linter = Command::new(promtool);
    linter.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut linter = linter.spawn().unwrap();
    linter.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = linter.wait_with_output().unwrap();
    let words = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.success(), words.is_empty(), "{words}");
    words
}

under_both!(promtool_has_nothing_to_say("promtool" of "prometheus"));

fn promtool_has_nothing_to_say(promtool: &Path) {
    assert_eq!(promtool_says(promtool, &scrape(snapshot())), "");
}
