//! What is asked for once more: after an outage, after files went, after the program lost its progress.

use std::fs;

use serde_json::json;

use super::setup::{Setup, spooled};
use super::stand_in::entra::TENANT;
use super::stand_in::{StandIn, rows};
use crate::tools::wait_until;

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

/// Collects twelve days and tidies the files of those that are over.
fn tidied(stand_in: &StandIn) -> Setup {
    let mut setup = Setup::with(stand_in, "every: 200ms\nlook_back: 1h\nhistory: 11d\nkeep: 0s");
    let daemon = setup.serve(stand_in);
    daemon.wait_for_metrics("the history", |metrics| metrics.sum("cdr_calls_total", &[]) == 120.0);
    wait_until("old files are gone", || spooled(&setup.spool()).len() <= 30);
    daemon.stop();
    setup.more = setup.more.replace("keep: 0s", "keep: 7d");
    setup
}

#[test]
fn a_day_whose_files_went_counts_no_call_again() {
    let stand_in = StandIn::start(rows::calls(12, 10));
    let mut setup = tidied(&stand_in);
    // Late: nobody has it yet.
    stand_in.world().rows.push(rows::call(7_000, rows::day(8)));
    let ended = setup.run(&stand_in, &["collect", "--once", "--from", &day(11), "--to", &day(6)]);
    let expected = "teams: 6 of 6 days, 6 pages: 1 new row, 60 known, 0 changed";
    assert!(ended.stdout.starts_with(expected), "by hand: {}", ended.stdout);
    fs::write(setup.spool().join(".progress.json"), "damaged").unwrap();
    let ended = setup.collect(&stand_in);
    assert!(ended.stdout.contains(": 0 new rows, 121 known"), "without progress: {}", ended.stdout);
    setup.more = setup.more.replace("look_back: 1h", "look_back: 300h");
    let ended = setup.collect(&stand_in);
    assert!(ended.stdout.contains(": 0 new rows, 121 known"), "look_back raised: {}", ended.stdout);
    let daemon = setup.serve(&stand_in);
    let metrics =
        daemon.wait_for_metrics("all calls", |metrics| metrics.sum("cdr_calls_total", &[]) == 121.0);
    assert_eq!(metrics.sum("cdr_exporter_records_total", &[("result", "duplicate")]), 0.0);
    daemon.stop();
}

#[test]
fn a_day_with_damaged_prints_is_told_of_and_not_counted_again() {
    let stand_in = StandIn::start(rows::calls(12, 10));
    let setup = tidied(&stand_in);
    let prints = setup.spool().join(format!(".prints-{}", day(8)));
    let mut bytes = fs::read(&prints).unwrap();
    bytes[40] ^= 1;
    fs::write(&prints, bytes).unwrap();
    let by_hand = || setup.run(&stand_in, &["collect", "--once", "--from", &day(9), "--to", &day(7)]);
    let ended = by_hand();
    assert_eq!(ended.code, Some(1));
    let expected = "teams: 2 of 3 days, 2 pages: 0 new rows, 20 known, 0 changed";
    assert!(ended.stdout.starts_with(expected), "{}", ended.stdout);
    let name = prints.display().to_string();
    assert!(
        ended.stderr.contains(&name) && ended.stderr.contains("this file is damaged"),
        "{}",
        ended.stderr
    );
    fs::remove_file(prints).unwrap();
    let ended = by_hand();
    let expected = "teams: 3 of 3 days, 3 pages: 10 new rows, 20 known, 0 changed";
    assert!(ended.code == Some(0) && ended.stdout.starts_with(expected), "{}", ended.stdout);
}

/// Under the same name, with the progress of the one before.
#[test]
fn another_tenant_is_collected_from_its_beginning() {
    let first = StandIn::start(rows::calls(8, 10));
    let second = StandIn::start(
        (0..80).map(|number| rows::call(9_000 + number, rows::day(i64::from(number) / 10))).collect(),
    );
    let setup = Setup::with(&first, "history: 7d");
    assert!(setup.collect(&first).stdout.contains(": 80 new rows, 0 known"));
    let credential = Setup::new(&second).credential;
    let setup = Setup { credential, ..setup };
    let ended = setup.collect(&second);
    assert!(ended.stdout.contains(": 80 new rows, 0 known"), "{}{}", ended.stdout, ended.stderr);
    let ended = setup.collect(&second);
    assert!(ended.stdout.starts_with("teams: 3 of 3 days"), "what came is settled: {}", ended.stdout);
    // And back.
    let credential = Setup::new(&first).credential;
    let setup = Setup { credential, ..setup };
    let ended = setup.collect(&first);
    assert!(ended.stdout.contains(": 0 new rows, 80 known"), "{}", ended.stdout);
}

#[test]
fn the_same_host_has_several_tenants() {
    let stand_in = StandIn::start(rows::calls(8, 10));
    let setup = Setup::with(&stand_in, "history: 7d");
    setup.collect(&stand_in);
    let progress = setup.spool().join(".progress.json");
    let text = fs::read_to_string(&progress).unwrap();
    assert!(text.contains(TENANT), "{text}");
    fs::write(&progress, text.replace(TENANT, "fabrikam.onmicrosoft.com")).unwrap();
    let ended = setup.collect(&stand_in);
    assert!(
        ended.stdout.starts_with("teams: 8 of 8 days") && ended.stdout.contains(" 0 new rows, 80 known"),
        "{}",
        ended.stdout
    );
}
