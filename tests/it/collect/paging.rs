//! Pages, and rows that come late, twice, changed or not at all.

use std::time::{Duration, Instant};

use super::setup::{Setup, spooled};
use super::stand_in::{Fault, StandIn, rows};
use crate::tools::wait_until;

#[test]
fn pages_that_overlap_give_each_row_once() {
    for (page, overlap) in [(1, 0), (7, 0), (10, 3), (20, 19), (1000, 0)] {
        let stand_in = StandIn::start(rows::calls(2, 30));
        (stand_in.world().page, stand_in.world().overlap) = (page, overlap);
        let setup = Setup::with(&stand_in, "look_back: 25h\nhistory: 0s");
        let ended = setup.collect(&stand_in);
        let ids = spooled(&setup.spool());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(ids.len(), 60, "{page}, {overlap}");
        assert!(ids.windows(2).all(|two| two[0] != two[1]), "{page}, {overlap}");
        let again = setup.collect(&stand_in);
        assert!(again.stdout.contains(": 0 new rows"), "{}", again.stdout);
        assert_eq!(spooled(&setup.spool()), ids, "nothing is written again");
    }
}

#[test]
fn pages_that_lead_back_end_and_count_as_not_asked_for() {
    let stand_in = StandIn::start(rows::calls(1, 30));
    stand_in.world().page = 10;
    let url = stand_in.url();
    stand_in.spoil(move |request, _| {
        let back = format!("{url}{}", request.path.replace("?$skip=10", ""));
        (request.is_for_calls() && request.path.contains("$skip=10")).then_some(Fault::Next(back))
    });
    let setup = Setup::with(&stand_in, "every: 1s\nlook_back: 1h\nhistory: 0s");
    let ended = setup.collect(&stand_in);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("do not end: page 2 leads back"), "{}", ended.stderr);
    assert_eq!(spooled(&setup.spool()).len(), 20, "what came is kept");
    stand_in.world().rule = None;
    assert_eq!(setup.collect(&stand_in).code, Some(0));
    assert_eq!(spooled(&setup.spool()).len(), 30);
}

/// Each page names one that nobody has asked for yet.
#[test]
fn pages_without_an_end_are_given_up() {
    let stand_in = StandIn::start(Vec::new());
    let url = stand_in.url();
    stand_in.spoil(move |request, _| {
        let (call, page) = request.path.split_once("?$skip=").unwrap_or((&request.path, "0"));
        let next = || format!("{url}{call}?$skip={}", page.parse::<u32>().unwrap() + 1);
        request.is_for_calls().then(|| Fault::Next(next()))
    });
    let setup = Setup::with(&stand_in, "every: 1m");
    let day = &rows::day(1).to_string()[..10];
    let ended = setup.run(&stand_in, &["collect", "--once", "--from", day, "--to", day]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("do not end: page 5000 is not the last"), "{}", ended.stderr);
    assert_eq!(stand_in.requests(), 5000);
}

#[test]
fn a_token_that_ends_between_pages_is_replaced() {
    let stand_in = StandIn::start(rows::calls(1, 100));
    stand_in.world().page = 10;
    stand_in.spoil(|request, before| {
        (request.is_for_calls() && before % 4 == 3).then_some(Fault::Status(401, None))
    });
    let setup = Setup::with(&stand_in, "every: 1s\nlook_back: 1h\nhistory: 0s");
    let ended = setup.collect(&stand_in);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(spooled(&setup.spool()).len(), 100);
    assert!(stand_in.world().entra.granted > 2);
}

#[test]
fn late_rows_are_counted_and_changed_ones_are_seen() {
    let mut rows = rows::calls(2, 50);
    for (number, row) in rows.iter_mut().enumerate().filter(|(number, _)| number % 5 == 0) {
        row.from = Some(Instant::now() + Duration::from_millis(500 + 20 * number as u64));
    }
    let expected = rows::failures(&rows);
    let stand_in = StandIn::start(rows);
    let setup = Setup::with(&stand_in, "every: 200ms\nhistory: 0s");
    let daemon = setup.serve(&stand_in);
    let metrics =
        daemon.wait_for_metrics("all calls", |metrics| metrics.sum("cdr_calls_total", &[]) == 100.0);
    assert_eq!(super::setup::shown_failures(&metrics), expected);

    let changed =
        |metrics: &crate::tools::Metrics| metrics.sum("cdr_collect_rows_total", &[("result", "changed")]);
    assert_eq!(changed(&daemon.metrics()), 0.0);
    {
        let row = &mut stand_in.world().rows[1].row;
        (row["finalSipCode"], row["callEndSubReason"]) = (487.into(), 540_200.into());
    }
    let metrics = daemon.wait_for_metrics("the changed row", |metrics| changed(metrics) == 1.0);
    daemon.wait_for_log("Microsoft changed rows");
    let asked = stand_in.requests();
    wait_until("further looks", || stand_in.requests() > asked + 6);
    assert_eq!(changed(&daemon.metrics()), 1.0, "counted once, not at each look");
    assert_eq!(metrics.sum("cdr_calls_total", &[]), 100.0, "its call is counted already");
    assert_eq!(spooled(&setup.spool()).len(), 100);
    daemon.stop();
    let changes = std::fs::read_dir(setup.spool()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(changes.filter(|name| name.to_string_lossy().starts_with("changed-")).count(), 1);

    let daemon = setup.serve(&stand_in);
    let metrics = daemon.wait_for_metrics("a look after the restart", |metrics| {
        metrics.sum("cdr_collect_rows_total", &[("result", "known")]) >= 100.0
    });
    assert_eq!(changed(&metrics), 0.0, "it is known after a restart");
}

#[test]
fn an_incomplete_day_is_asked_for_again_from_its_beginning() {
    let stand_in = StandIn::start(rows::calls(1, 100));
    stand_in.world().page = 10;
    stand_in.spoil(|request, _| request.path.contains("$skip=50").then_some(Fault::Status(500, None)));
    let setup = Setup::with(&stand_in, "every: 200ms\nlook_back: 1h\nhistory: 0s");
    let daemon = setup.serve(&stand_in);
    daemon.wait_for_log("cannot answer now");
    daemon.wait_for_metrics("what came", |metrics| metrics.sum("cdr_calls_total", &[]) == 50.0);
    assert_eq!(daemon.metrics().sum("cdr_collect_last_success_timestamp_seconds", &[]), 0.0);
    stand_in.world().rule = None;
    daemon.wait_for_metrics("the rest", |metrics| metrics.sum("cdr_calls_total", &[]) == 100.0);
    assert_eq!(spooled(&setup.spool()).len(), 100);
}

#[test]
fn the_disk_holds_less_than_half_a_kilobyte_a_call() {
    let stand_in = StandIn::start(rows::calls(1, 2_000));
    let setup = Setup::with(&stand_in, "look_back: 1h\nhistory: 0s");
    assert_eq!(setup.collect(&stand_in).code, Some(0));
    let sizes = std::fs::read_dir(setup.spool()).unwrap().map(|entry| entry.unwrap());
    let sizes = sizes.filter(|entry| entry.file_name().to_string_lossy().starts_with("calls-"));
    let bytes: u64 = sizes.map(|entry| entry.metadata().unwrap().len()).sum();
    println!("{} bytes a call: {} MB a day at 100,000 calls a day", bytes / 2_000, bytes * 50 / 1_000_000);
    assert!(bytes / 2_000 < 512, "{bytes}");
}

/// What is odd in one row stops neither its page nor those behind it; in a field that is read, it is as in any file.
#[test]
fn an_odd_row_costs_no_other() {
    for (text, odd, counted, rejected, no_rows) in [
        ("User One", &b"User \\ud83d"[..], 20.0, 0.0, 0.0),
        ("User One", b"J\xfcrgen", 20.0, 0.0, 0.0),
        ("User One", b"User\n\x00One", 20.0, 0.0, 0.0),
        ("\"BYE\"", b"\"BYE \\ud83d\"", 19.0, 1.0, 0.0),
        ("\"value\":[", b"\"value\":[null,\"User One\",", 20.0, 0.0, 2.0),
        ("\"callEndSubReason\":560000", b"\"callEndSubReason\":1e999", 19.0, 1.0, 0.0),
    ] {
        let stand_in = StandIn::start(rows::calls(1, 20));
        stand_in.world().page = 8;
        stand_in.spoil(move |request, _| {
            (request.is_for_calls() && !request.path.contains("$skip")).then_some(Fault::Odd(text, odd))
        });
        let setup = Setup::with(&stand_in, "every: 200ms\nlook_back: 1h\nhistory: 0s");
        let daemon = setup.serve(&stand_in);
        let metrics = daemon.wait_for_metrics("all rows", |metrics| {
            let records = |result| metrics.sum("cdr_exporter_records_total", &[("result", result)]);
            (records("counted"), records("rejected")) == (counted, rejected)
                && metrics.sum("cdr_collect_rows_total", &[("result", "known")]) >= 60.0
        });
        assert_eq!(metrics.sum("cdr_collect_rows_total", &[("result", "new")]), 20.0);
        assert!(metrics.sum("cdr_collect_rows_total", &[("result", "odd")]) >= no_rows, "{text}");
        assert_eq!(metrics.sum("cdr_collect_rows_total", &[("result", "changed")]), 0.0, "{text}");
        let log = daemon.stop();
        let told = log.iter().filter(|line| line.contains("something that is no row")).count();
        assert_eq!(told, usize::from(no_rows > 0.0), "{log:?}");
        assert!(!log.concat().contains("User One"), "{log:?}");
    }
}

#[test]
fn days_may_be_chosen() {
    let stand_in = StandIn::start(rows::calls(6, 10));
    let setup = Setup::new(&stand_in);
    let day = |ago| rows::day(ago).to_string()[..10].to_owned();
    let ended = setup.run(&stand_in, &["collect", "--once", "--from", &day(4), "--to", &day(2)]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stdout.starts_with("teams: 3 of 3 days, 3 pages: 30 new rows, 0 known, 0 changed, in "),
        "{}",
        ended.stdout
    );
    let first: Vec<String> =
        stand_in.world().paths.iter().filter(|path| path.contains("Calls(")).cloned().collect();
    assert!(
        first[0].contains(&format!("fromDateTime={},toDateTime={}", day(2), day(1))),
        "newest first: {first:?}"
    );
    let ended = setup.run(&stand_in, &["collect", "--once", "--from", "20-11-2026"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("is not a day such as 2026-11-20"), "{}", ended.stderr);
}
