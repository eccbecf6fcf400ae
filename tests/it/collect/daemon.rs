//! The daemon that collects: history, what goes, what changes, and that nobody waits for Microsoft.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use super::super::http::metrics::{promtool_says, scrape, snapshot};
use super::setup::{Setup, shown_failures, spooled};
use super::stand_in::{Fault, StandIn, rows};
use crate::tools::{DEADLINE, Daemon, find, wait_until};

#[test]
fn the_first_start_fetches_the_history_newest_first() {
    let rows = rows::calls(12, 20);
    let expected = rows::failures(&rows);
    let stand_in = StandIn::start(rows);
    let setup = Setup::with(&stand_in, "every: 500ms\nhistory: 11d");
    let daemon = setup.serve(&stand_in);
    let left = "cdr_collect_history_seconds";
    let metrics = daemon.wait_for_metrics("the history", |metrics| {
        metrics.sum("cdr_calls_total", &[]) == 240.0
            && metrics.value(left, &[("source", "teams")]) == Some(0.0)
    });
    assert_eq!(shown_failures(&metrics), expected);
    assert_eq!(promtool_says(&find("promtool", "prometheus"), daemon.get("/metrics").text()), "");
    daemon.wait_for_log("the history is whole");
    let paths = stand_in.world().paths.clone();
    let days: Vec<&str> =
        paths.iter().filter_map(|path| path.split_once("fromDateTime=")).map(|(_, day)| &day[..10]).collect();
    let mut once: Vec<&str> = Vec::new();
    days.iter().for_each(|day| {
        if !once.contains(day) {
            once.push(day)
        }
    });
    assert_eq!(once.len(), 12, "{once:?}");
    assert!(once.is_sorted_by(|one, next| one > next), "newest first: {once:?}");
    assert_eq!(days.iter().filter(|day| **day == once[8]).count(), 1, "an old day is asked for once");

    let newest = metrics.sum("cdr_collect_window_end_timestamp_seconds", &[]);
    let oldest = metrics.sum("cdr_collect_window_start_timestamp_seconds", &[]);
    let now = jiff::Timestamp::now().as_millisecond() as f64 / 1000.0;
    assert!(now - newest < DEADLINE.as_secs_f64() && (48.0..=72.1).contains(&((newest - oldest) / 3600.0)));
    daemon.stop();
}

#[test]
fn old_files_go_and_nothing_comes_again() {
    let stand_in = StandIn::start(rows::calls(12, 20));
    let setup = Setup::with(&stand_in, "every: 300ms\nlook_back: 1h\nhistory: 11d\nkeep: 0s");
    let daemon = setup.serve(&stand_in);
    daemon.wait_for_metrics("the history", |metrics| metrics.sum("cdr_calls_total", &[]) == 240.0);
    // Today and the days beside it stay: they are asked for again.
    wait_until("old files are gone", || spooled(&setup.spool()).len() <= 60);
    assert!(spooled(&setup.spool()).len() >= 20);
    let asked = stand_in.requests();
    wait_until("further looks", || stand_in.requests() > asked + 6);
    let metrics = daemon.metrics();
    assert_eq!(metrics.sum("cdr_calls_total", &[]), 240.0);
    assert_eq!(metrics.sum("cdr_exporter_records_total", &[("result", "duplicate")]), 0.0);
    assert!(
        metrics.sum("cdr_collect_spool_files", &[]) < 12.0
            && metrics.sum("cdr_collect_spool_bytes", &[]) > 0.0
    );
    daemon.stop();
}

#[test]
fn nobody_waits_for_microsoft() {
    let stand_in = StandIn::start(Vec::new());
    stand_in.spoil(|_, _| Some(Fault::Silent(DEADLINE)));
    let setup = Setup::with(&stand_in, "every: 1m");
    let daemon = setup.serve(&stand_in);
    daemon.wait_until_ready();
    wait_until("a question to Microsoft", || !stand_in.world().paths.is_empty());
    let begun = Instant::now();
    let metrics = daemon.metrics();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(
        metrics.value("cdr_collect_last_success_timestamp_seconds", &[("source", "teams")]),
        Some(0.0)
    );
    daemon.stop();
    assert!(begun.elapsed() < Duration::from_secs(10), "nor at the end: {:?}", begun.elapsed());
}

#[test]
fn a_reload_begins_changes_and_ends_collecting() {
    let stand_in = StandIn::start(rows::calls(2, 10));
    let mut setup = Setup::with(&stand_in, "every: 1h\nlook_back: 1h\nhistory: 0s");
    let daemon = setup.serve(&stand_in);
    let calls =
        |count| daemon.wait_for_metrics("calls", |metrics| metrics.sum("cdr_calls_total", &[]) == count);
    daemon.wait_for_metrics("a success", |metrics| {
        metrics.sum("cdr_collect_last_success_timestamp_seconds", &[]) > 0.0
    });
    setup.more = "every: 1h\nlook_back: 48h\nhistory: 0s".to_owned();
    setup.config(&stand_in);
    daemon.reload();
    calls(20.0);

    let config = setup.config(&stand_in);
    let source =
        format!("sources: [{{name: other, paths: ['{}/nothing']}}]\n", setup.folder.path().display());
    let whole = fs::read_to_string(&config).unwrap();
    fs::write(&config, &source).unwrap();
    daemon.reload();
    daemon.wait_for_metrics("no series that an alert of what is not wanted could ring by", |metrics| {
        metrics.series("cdr_collect_last_success_timestamp_seconds").is_empty()
    });

    let worse = whole.replace("history: 0s", "history: 151d");
    fs::write(&config, worse).unwrap();
    daemon.reload();
    daemon.wait_for_log("150 days");
    fs::write(&config, whole).unwrap();
    daemon.reload();
    daemon.wait_for_metrics("collecting again", |metrics| {
        metrics.sum("cdr_collect_last_success_timestamp_seconds", &[]) > 0.0
    });
    assert_eq!(calls(20.0).sum("cdr_exporter_records_total", &[("result", "duplicate")]), 0.0);
    daemon.stop();
}

#[test]
fn two_do_not_collect_into_one_folder() {
    let stand_in = StandIn::start(rows::calls(1, 10));
    let setup = Setup::with(&stand_in, "every: 1h\nhistory: 0s");
    let daemon = setup.serve(&stand_in);
    daemon.wait_for_metrics("calls", |metrics| metrics.sum("cdr_calls_total", &[]) == 10.0);
    let ended = setup.collect(&stand_in);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("another cdr-exporter collects into this folder; stop it first"),
        "{}",
        ended.stderr
    );
    daemon.stop();
    assert_eq!(setup.collect(&stand_in).code, Some(0));
}

#[test]
fn a_source_of_that_name_gets_the_folder_beside_its_own_paths() {
    let stand_in = StandIn::start(rows::calls(1, 10));
    let setup = Setup::with(&stand_in, "every: 1h\nhistory: 0s");
    let config = setup.config(&stand_in);
    let own = rows::call(7_000, rows::day(1)).row.to_string();
    fs::write(setup.folder.path().join("own.ndjson"), own + "\n").unwrap();
    let source = format!(
        "sources:\n- name: teams\n  paths: ['{}/*.ndjson']\n  trunks: [{{match: 'sbc.*', name: 'all'}}]\n",
        setup.folder.path().display()
    );
    let text = source + &fs::read_to_string(&config).unwrap();
    let mut command = setup.command(&stand_in);
    fs::write(&config, text).unwrap();
    let daemon = crate::tools::Daemon::of(&mut command);
    let metrics = daemon.wait_for_metrics("calls", |metrics| metrics.sum("cdr_calls_total", &[]) == 11.0);
    assert_eq!(metrics.sum("cdr_calls_total", &[("trunk", "all"), ("source", "teams")]), 11.0);
    daemon.stop();
}

/// The metrics that tables of a document name in their first column; one that ends in `*` stands for others.
fn documented(document: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(xtask::repository().join(document)).unwrap();
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let names = cells.flat_map(|cell| cell.split(['`', ',', ' '])).filter(|name| !name.is_empty());
    names.filter(|name| name.starts_with("cdr_") || name.starts_with("process_")).map(str::to_owned).collect()
}

/// The names of the families in a scrape.
fn families(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).map(str::to_owned)
}

/// All that can be shown is: a made-up snapshot, and a daemon that collects and has a web config.
#[test]
fn the_tables_of_metrics_name_what_is_shown_and_nothing_else() {
    let stand_in = StandIn::start(rows::calls(1, 3));
    let setup = Setup::with(&stand_in, "every: 200ms\nhistory: 0s\nclient_secret_ends: 2031-05-31");
    let web = setup.folder.path().join("web.yml");
    fs::write(&web, "").unwrap();
    let daemon = Daemon::of(setup.command(&stand_in).arg("--web.config.file").arg(&web));
    daemon.wait_for_metrics("a whole pass", |metrics| {
        let is_there = |name: &str| metrics.sum(name, &[]) > 0.0;
        is_there("cdr_collect_last_success_timestamp_seconds") && is_there("cdr_collect_spool_files")
    });
    let mut shown: BTreeSet<String> = families(&scrape(snapshot())).collect();
    shown.extend(families(daemon.get("/metrics").text()));

    let readme = documented("README.md");
    let groups: Vec<&str> = readme.iter().filter_map(|name| name.strip_suffix('*')).collect();
    let is_grouped = |name: &&String| groups.iter().any(|group| name.starts_with(group));
    let exact: BTreeSet<&String> = readme.iter().filter(|name| !name.ends_with('*')).collect();
    assert_eq!(exact, shown.iter().filter(|name| !is_grouped(name)).collect());
    for (document, group) in
        [("docs/collecting.md", "cdr_collect_"), ("docs/http.md", "cdr_exporter_web_config_")]
    {
        let named =
            documented(document).into_iter().filter(|name| name.starts_with(group)).collect::<BTreeSet<_>>();
        let of_group = shown.iter().filter(|name| name.starts_with(group)).cloned().collect();
        assert_eq!(named, of_group, "{document}");
        assert!(groups.contains(&group), "README leads to {document}");
    }
}
