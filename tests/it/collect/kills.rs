//! End to end, from Microsoft to Prometheus: killed again and again while a third of all answers fails.
//!
//! `COLLECT=long` plays fifty kills at the pace that Microsoft allows, and a day of 200,000 rows; that takes about a
//! quarter of an hour. `make test` plays a few kills at any pace.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::setup::{Setup, spooled};
use super::stand_in::{Fault, StandIn, rows};
use crate::tools::{Daemon, Labels, Prometheus, wait_until};

fn is_long() -> bool {
    std::env::var("COLLECT").is_ok_and(|value| value == "long")
}

/// A third of the answers fails, in every way.
fn fail_a_third(stand_in: &StandIn) {
    let faults = [
        Fault::Status(429, Some("1")),
        Fault::Status(500, None),
        Fault::Cut,
        Fault::Status(503, None),
        Fault::Html,
        Fault::Garbage,
        Fault::Status(401, None),
        Fault::Status(504, None),
    ];
    let mut random = fastrand::Rng::with_seed(7);
    stand_in.spoil(move |_, _| (random.u8(..3) == 0).then(|| faults[random.usize(..faults.len())].clone()));
}

/// Follows the daemon over its restarts, whatever port it has, as one instance.
fn prometheus(folder: &Path) -> Prometheus {
    Prometheus::start_in(
        folder,
        "global: {scrape_interval: 200ms, evaluation_interval: 200ms}\n\
         scrape_configs:\n- job_name: cdr\n  file_sd_configs: [{files: [targets.json], refresh_interval: 1s}]\n  \
         relabel_configs: [{target_label: instance, replacement: cdr}]\n",
    )
}

fn follow(folder: &Path, daemon: &Daemon) {
    let targets = format!("[{{\"targets\": [\"{}\"]}}]", daemon.address());
    fs::write(folder.join("targets.json.tmp"), targets).unwrap();
    fs::rename(folder.join("targets.json.tmp"), folder.join("targets.json")).unwrap();
}

#[test]
fn however_often_it_is_killed_each_call_is_counted_once() {
    let (kills, days, a_day, page, more) = match is_long() {
        true => (50, 60, 60, 20, "every: 20s\nhistory: 59d\nrequests_per_minute: 48"),
        false => (6, 8, 60, 20, "every: 300ms\nhistory: 7d"),
    };
    let rows = rows::calls(days, a_day);
    let (total, expected) = (rows.len() as f64, rows::failures(&rows));
    let stand_in = StandIn::start(rows);
    stand_in.world().page = page;
    if is_long() {
        stand_in.world().limit = 50;
    }
    fail_a_third(&stand_in);
    let setup = Setup::with(&stand_in, more);
    let folder = tempfile::tempdir().unwrap();
    let prometheus = prometheus(folder.path());
    let begun = Instant::now();
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..kills {
        let daemon = setup.serve(&stand_in);
        follow(folder.path(), &daemon);
        // So many questions later, and anywhere between two of them.
        let until = stand_in.world().paths.len() + random.usize(1..45);
        let deadline = Instant::now() + Duration::from_secs(150);
        while stand_in.world().paths.len() < until && Instant::now() < deadline {
            std::thread::sleep(Duration::from_micros(random.u64(1..3000)));
        }
        daemon.kill();
    }
    let daemon = setup.serve(&stand_in);
    follow(folder.path(), &daemon);
    let deadline = Instant::now() + Duration::from_secs(if is_long() { 1800 } else { 60 });
    let counted = "sum(cdr_calls_total)";
    while prometheus.query_value(counted) != Some(total) {
        let so_far = prometheus.query_value(counted);
        assert!(Instant::now() < deadline, "{so_far:?} of {total}; {:?}", daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let by_cause = |answer: BTreeMap<Labels, f64>| {
        answer.into_iter().map(|(labels, value)| (labels["cause"].clone(), value)).collect::<BTreeMap<_, _>>()
    };
    // A scrape that came late leaves a moment without any series.
    wait_until("the failures of every cause", || {
        by_cause(prometheus.query("sum by (cause) (cdr_call_failures_total) > 0")) == expected
    });
    let resets = "sum(resets(cdr_calls_total[2h])) + sum(resets(cdr_call_failures_total[2h]))";
    assert_eq!(prometheus.query_value(resets), Some(0.0), "nothing that Prometheus has seen went back");
    daemon.wait_for_metrics("the history", |metrics| metrics.sum("cdr_collect_history_seconds", &[]) == 0.0);
    let duplicates = daemon.metrics().sum("cdr_exporter_records_total", &[("result", "duplicate")]);
    let ids = spooled(&setup.spool());
    let world = stand_in.world();
    println!(
        "{kills} kills in {:?}: {total} calls, {} requests, {} throttled, {duplicates} duplicates read",
        begun.elapsed(),
        world.asked.len(),
        world.throttled
    );
    assert_eq!((ids.len() as f64, duplicates), (total, 0.0), "the disk holds one copy of each row");
    assert!(ids.windows(2).all(|two| two[0] != two[1]));
    assert_eq!(world.throttled, 0, "never more than Microsoft allows");
    let widest = world.asked.windows(51).map(|window| window[50] - window[0]).min();
    assert!(!is_long() || widest.is_none_or(|widest| widest >= Duration::from_secs(60)), "{widest:?}");
}

#[test]
fn a_day_of_very_many_rows_is_collected() {
    let count = if is_long() { 200_000 } else { 12_000 };
    let stand_in = StandIn::start(rows::calls(1, count));
    let setup = Setup::with(&stand_in, "look_back: 1h\nhistory: 0s");
    let begun = Instant::now();
    let ended = setup.collect(&stand_in);
    println!("{count} rows in {:?}: {}", begun.elapsed(), ended.stdout);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(spooled(&setup.spool()).len(), count as usize);
}

/// The pace holds over restarts: what was asked for before a kill counts.
#[test]
fn the_pace_is_kept_over_kills() {
    let stand_in = StandIn::start(rows::calls(20, 5));
    let setup = Setup::with(&stand_in, "every: 300ms\nhistory: 19d\nrequests_per_minute: 6");
    for _ in 0..4 {
        let before = stand_in.world().entra.granted;
        let daemon = setup.serve(&stand_in);
        wait_until("a sign-in, and once a request", || {
            stand_in.world().entra.granted > before && stand_in.requests() > 0
        });
        daemon.kill();
    }
    let _daemon = setup.serve(&stand_in);
    let noted = || fs::read_to_string(setup.spool().join(".requests")).unwrap_or_default().lines().count();
    wait_until("the pace is used up", || noted() == 6);
    wait_until("the sign-in of the fifth", || stand_in.world().entra.granted >= 5);
    // One that was noted and killed before it was sent counts too.
    let requests = stand_in.requests();
    assert!((1..=6).contains(&requests), "five starts, {requests} requests");
}
