//! One file does not keep another waiting, and many cost little.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use super::play::{Play, compress};
use crate::tools::Metrics;

/// Rows of the huge file: a debug build needs seconds for them, a release build a good part of one.
const HUGE: u64 = 60_000;

/// A live file, and how many rows it has.
struct Live {
    file: File,
    rows: u32,
}

impl Live {
    fn new(play: &Play) -> Self {
        Self { file: File::create(play.path("live.json")).unwrap(), rows: 0 }
    }

    /// Appends a row; how long it takes to show, and what is shown then.
    fn wait(&mut self, play: &Play) -> (Duration, Metrics) {
        self.rows += 1;
        let row = format!(
            "{{\"id\":\"{}\",\"successfulCall\":false,\"finalSipCode\":500,\"callEndSubReason\":540200,\
             \"endDateTime\":\"2026-11-01T00:00:00Z\"}}\n",
            self.rows
        );
        let appended = Instant::now();
        self.file.write_all(row.as_bytes()).unwrap();
        let shown = play.daemon().wait_for_metrics("the live file", |metrics| {
            metrics.sum("cdr_call_failures_total", &[("microsoft_code", "540200")]) >= f64::from(self.rows)
        });
        (appended.elapsed(), shown)
    }
}

/// Puts these files there, and appends to a live one until they are read. Asserts that none of its rows shows a second
/// later than before.
fn assert_no_waiting(play: &Play, files: Vec<(String, Vec<u8>)>) {
    let mut live = Live::new(play);
    let before: Duration = (0..20).map(|_| live.wait(play).0).max().unwrap();
    for (name, text) in files {
        fs::write(play.path("huge.tmp"), text).unwrap();
        play.rename("huge.tmp", &name);
    }
    let mut longest = Duration::ZERO;
    loop {
        let (waited, shown) = live.wait(play);
        longest = longest.max(waited);
        if shown.sum("cdr_exporter_records_total", &[]) >= (HUGE + u64::from(live.rows)) as f64 {
            break;
        }
    }
    assert!(live.rows > 23, "the huge files take longer than that: {}", live.rows);
    // The machine may be busy with other tests; then everything takes longer, also before.
    assert!(longest < Duration::from_secs(1) + 4 * before, "{longest:?}, before {before:?}");
    eprintln!("longest wait beside {HUGE} rows: {longest:?}, before: {before:?}");
}

#[test]
fn a_huge_file_does_not_keep_a_live_one_waiting() {
    let mut play = Play::new();
    let huge = play.rows(HUGE);
    assert_no_waiting(&play, vec![("huge.json".to_owned(), huge)]);
}

#[test]
fn a_compressed_one_neither() {
    let mut play = Play::new();
    let huge = compress(&play.rows(HUGE), "zst");
    assert_no_waiting(&play, vec![("huge.json.zst".to_owned(), huge)]);
}

#[test]
fn nor_do_many() {
    let mut play = Play::new();
    let huge = (0..10).map(|file| (format!("{file}.json"), play.rows(HUGE / 10))).collect();
    assert_no_waiting(&play, huge);
}
