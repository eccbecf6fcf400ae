//! One file does not keep another waiting, and many cost little.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use super::play::{Play, compress};
use crate::tools::Metrics;

/// Rows of the huge file: a debug build needs seconds for them, a release build a good part of one.
const HUGE: u64 = 60_000;

fn live(metrics: &Metrics) -> f64 {
    metrics.sum("cdr_call_failures_total", &[("microsoft_code", "540200")])
}

/// It takes a quarter of a second to show. The machine runs other tests beside.
const LONGEST: Duration = Duration::from_secs(1);

/// Puts huge files under these names, and appends to a small one until the huge ones are read. Returns the longest time
/// from an append to when it showed.
fn longest_wait(play: &mut Play, files: Vec<(String, Vec<u8>)>) -> Duration {
    for (name, text) in files {
        fs::write(play.path("huge.tmp"), text).unwrap();
        play.rename("huge.tmp", &name);
    }
    let mut small = File::create(play.path("small.json")).unwrap();
    let mut longest = Duration::ZERO;
    for row in 1.. {
        let line = format!(
            "{{\"id\":\"{row}\",\"successfulCall\":false,\"finalSipCode\":500,\"callEndSubReason\":540200,\
             \"endDateTime\":\"2026-11-01T00:00:00Z\"}}\n"
        );
        let appended = Instant::now();
        small.write_all(line.as_bytes()).unwrap();
        let metrics = play.daemon().wait_for_metrics("the small file", |metrics| live(metrics) >= row as f64);
        longest = longest.max(appended.elapsed());
        if metrics.sum("cdr_exporter_records_total", &[]) >= (HUGE + row) as f64 {
            assert!(row > 3, "the huge file takes longer than that");
            break;
        }
    }
    longest
}

#[test]
fn a_huge_file_does_not_keep_a_live_one_waiting() {
    let mut play = Play::new();
    let huge = play.rows(HUGE);
    let longest = longest_wait(&mut play, vec![("huge.json".to_owned(), huge)]);
    assert!(longest < LONGEST, "{longest:?}");
}

#[test]
fn a_compressed_one_neither() {
    let mut play = Play::new();
    let huge = compress(&play.rows(HUGE), "zst");
    let longest = longest_wait(&mut play, vec![("huge.json.zst".to_owned(), huge)]);
    assert!(longest < LONGEST, "{longest:?}");
}

#[test]
fn nor_do_many() {
    let mut play = Play::new();
    let huge = (0..10).map(|file| (format!("{file}.json"), play.rows(HUGE / 10))).collect();
    let longest = longest_wait(&mut play, huge);
    assert!(longest < LONGEST, "{longest:?}");
}
