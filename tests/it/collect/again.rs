//! What is asked for once more: after an outage, after files went, after the program lost its progress.

use std::fs;

use serde_json::json;

use super::setup::{Setup, spooled};
use super::stand_in::{StandIn, rows};

fn day(ago: i64) -> String {
    rows::day(ago).to_string()[..10].to_owned()
}

/// As an earlier version left it: it ran until so many days ago, and asked for three days then.
fn ran_until(setup: &Setup, ago: i64) {
    let at = rows::day(ago).as_millisecond();
    let asked: serde_json::Map<_, _> = (ago..ago + 3).map(|ago| (day(ago), at.into())).collect();
    fs::create_dir_all(setup.spool()).unwrap();
    let progress = json!({"version": 1, "last_success": at, "asked": asked}).to_string();
    fs::write(setup.spool().join(".progress.json"), progress).unwrap();
}

#[test]
fn an_outage_longer_than_the_history_costs_no_call() {
    let stand_in = StandIn::start(rows::calls(12, 10));
    let setup = Setup::with(&stand_in, "history: 1d");
    ran_until(&setup, 9);
    let ended = setup.collect(&stand_in);
    assert_eq!((ended.code, spooled(&setup.spool()).len()), (Some(0), 120), "{}", ended.stderr);
    let ended = setup.collect(&stand_in);
    assert!(ended.stdout.starts_with("teams: 3 of 3 days"), "the rest is settled: {}", ended.stdout);
}

#[test]
fn what_microsoft_kept_no_longer_is_told_of() {
    let stand_in = StandIn::start(rows::calls(5, 10));
    let setup = Setup::with(&stand_in, "every: 200ms\nhistory: 1d");
    ran_until(&setup, 198);
    let lost = |metrics: &crate::tools::Metrics| {
        metrics.value("cdr_collect_lost_seconds", &[("source", "teams")]).map(|lost| lost / 86_400.0)
    };
    for start in 1..=2 {
        let daemon = setup.serve(&stand_in);
        daemon.wait_for_metrics("the history", |metrics| {
            metrics.value("cdr_collect_history_seconds", &[("source", "teams")]) == Some(0.0)
        });
        // 200 to 151 days ago.
        assert_eq!(lost(&daemon.metrics()), Some(50.0), "start {start}");
        let log = daemon.stop();
        let told = log.iter().filter(|line| line.contains("the calls of these days are lost")).count();
        assert_eq!(told, if start == 1 { 1 } else { 0 }, "{log:?}");
    }
    assert_eq!(spooled(&setup.spool()).len(), 50);
}
