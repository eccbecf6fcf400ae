//! One file does not keep another waiting, and many cost little.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use super::play::{Play, pause};
use crate::tools::files::compress;
use crate::tools::{Metrics, wait_until};

/// How many idle files may be kept open, and how many that wait for their turn (`follow/room.rs`).
const OPEN_FILES: usize = 256;
/// Rows of the huge file: a debug build needs seconds for them, a release build a good part of one.
const HUGE: u64 = 1_200_000;

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
    // All are there at once: reading them takes less time than writing them does.
    let written = |name: &str| format!("{name}.tmp");
    for (name, text) in &files {
        fs::write(play.path(&written(name)), text).unwrap();
    }
    for (name, _) in &files {
        play.rename(&written(name), name);
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

/// User and system time that a process has used, in hundredths of a second (proc_pid_stat(5), fields 14 and 15).
fn processor_ticks(id: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let behind_name = stat.rsplit_once(')').unwrap().1;
    behind_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

#[test]
fn a_thousand_files_at_rest_cost_next_to_nothing() {
    let mut play = Play::not_started("cdr/*.json");
    play.configure_with("cdr/*.json", "1s");
    for file in 0..1000 {
        play.append(&format!("{file}.json"), 2);
    }
    play.start();
    play.daemon().wait_until_ready();
    play.counted(2000);
    let id = play.daemon().id();
    let descriptors = || fs::read_dir(format!("/proc/{id}/fd")).unwrap().count();
    // Quiet files are looked after once, half a second after they were read, and may wait for that with a descriptor.
    assert!(descriptors() < 2 * OPEN_FILES + 64, "{} descriptors", descriptors());
    pause(Duration::from_secs(1));
    wait_until("no more descriptors than idle files may keep", || descriptors() < OPEN_FILES + 64);
    let before = processor_ticks(id);
    pause(Duration::from_secs(3));
    let ticks = processor_ticks(id) - before;
    // A debug build with ten times the rescans of the default; a release build with the default is below 0.1 %.
    assert!(ticks < 30, "{ticks} hundredths of a second in three seconds");
    play.append("5.json", 1);
    play.settles_at(2001, 0);
}
