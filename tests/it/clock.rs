//! The clock of the system is stepped back an hour, across midnight: the loop and its ledger under a clock of our own.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use cdr_exporter::call::{Outcome, UnixMillis};
use cdr_exporter::clock::{Clock, Moment};
use cdr_exporter::config;
use cdr_exporter::ledger::snapshot::{Arrival, Published, Snapshot};
use cdr_exporter::ledger::store::Store;
use cdr_exporter::pipeline::{Event, Host, Pipeline};
use cdr_exporter::telemetry::Heartbeat;
use jiff::Timestamp;
use tempfile::TempDir;

use super::tools::wait_for;

static NOW: AtomicI64 = AtomicI64::new(0);
/// Whose clock it is.
static TURN: Mutex<()> = Mutex::new(());

fn now() -> UnixMillis {
    UnixMillis(NOW.load(Ordering::SeqCst))
}

/// The wall clock of this test, beside the steady one of the system.
fn clock() -> Clock {
    Arc::new(|| Moment { wall: now(), steady: Instant::now() })
}

fn set_clock(time: &str) {
    NOW.store(time.parse::<Timestamp>().unwrap().as_millisecond(), Ordering::SeqCst);
}

/// A running loop over `calls.json` in a folder, with its store there too.
struct Loop {
    events: Sender<Event>,
    published: Published,
    thread: JoinHandle<()>,
}

impl Loop {
    fn start(folder: &Path) -> Self {
        Self::with(folder, "remember: 7d, live_within: 6h")
    }

    /// With these keys of the source.
    fn with(folder: &Path, keys: &str) -> Self {
        let file = folder.join("config.yml");
        let text = format!(
            "sources: [{{name: t, paths: ['{}'], {keys}}}]\nrescan_interval: 100ms\nquiet: 100ms\n",
            folder.join("calls.json").display()
        );
        fs::write(&file, text).unwrap();
        let options = config::load(Some(&file), &[]).unwrap();
        let ledger = options.ledger_of(Store::open(&folder.join("store")).unwrap(), now()).unwrap();
        let published = Published::new(Snapshot::loading(options.catalogue.clone()));
        let (events, inbox) = mpsc::channel();
        let host = Host {
            wake: events.clone(),
            published: published.clone(),
            clock: clock(),
            heartbeat: Heartbeat::new(clock()),
            open_files: 256,
        };
        let pipeline = Pipeline::new(options, ledger, None, host);
        let thread = thread::spawn(move || pipeline.run(&inbox));
        Self { events, published, thread }
    }

    /// Waits until so many calls are counted and so many are duplicates.
    fn shows(&self, counted: u64, duplicate: u64) -> Snapshot {
        wait_for(&format!("{counted} calls and {duplicate} duplicates"), || {
            let shown = self.published.current();
            let records = shown.sources.first()?.records;
            ((records.counted, records.duplicate) == (counted, duplicate)).then(|| Snapshot::clone(&shown))
        })
    }

    fn stop(self) {
        self.events.send(Event::Stop).unwrap();
        self.thread.join().unwrap();
    }
}

/// Appends the calls of these numbers, which ended at this time.
fn append(folder: &Path, numbers: impl Iterator<Item = u32>, ended: &str) {
    let row = |number| {
        format!(
            "{{\"id\":\"d1000000-05ec-4a1b-8c2d-{number:012x}\",\"callType\":\"ByotIn\",\"successfulCall\":false,\
             \"finalSipCode\":410,\"callEndSubReason\":531004,\"endDateTime\":\"{ended}\"}}\n"
        )
    };
    let text: String = numbers.map(row).collect();
    let mut file = OpenOptions::new().append(true).create(true).open(folder.join("calls.json")).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn the_clock_is_stepped_back_an_hour() {
    let _turn = TURN.lock();
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    set_clock("2026-11-23T00:30:00Z");
    append(folder, 0..10, "2026-11-23T00:29:00Z");
    let running = Loop::start(folder);
    running.shows(10, 0);

    set_clock("2026-11-22T23:30:00Z");
    append(folder, 7..15, "2026-11-23T00:29:30Z");
    let shown = running.shows(15, 3);
    assert!(
        shown.calls.iter().all(|series| series.arrival == Arrival::Live),
        "ahead of our clock, but no import"
    );
    let source = &shown.sources[0];
    assert_eq!((source.call_age.count(), source.call_age.sum), (15, 600.0), "no age is less than none");
    running.stop();

    let running = Loop::start(folder);
    running.shows(15, 3);
    append(folder, 0..17, "2026-11-23T00:29:30Z");
    running.shows(17, 18);
    running.stop();

    set_clock("2026-11-23T00:31:00Z");
    let running = Loop::start(folder);
    append(folder, 0..18, "2026-11-23T00:30:30Z");
    let shown = running.shows(18, 35);
    assert_eq!(shown.calls.iter().map(|series| series.count).sum::<u64>(), 18);
    running.stop();
}

/// As after a pause of the machine, or a full disk: much is to be read, and the wait for it is over by the clock.
#[test]
fn answers_that_were_written_in_time_count_however_late_they_are_read() {
    let _turn = TURN.lock();
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let line = |method: &str, id: &str, kind: &str, code: u16| {
        format!(
            "Nov 22 23:30:00 p kamailio[1]: NOTICE: acc [acc.c:279]: acc_log_request(): ACC: {kind}: \
             timestamp=1795390200;method={method};call_id={id};code={code};reason=x;trunk=teams-1\n"
        )
    };
    let write = |text: &str| {
        let file = OpenOptions::new().append(true).create(true).open(folder.join("calls.json"));
        file.unwrap().write_all(text.as_bytes()).unwrap();
    };
    set_clock("2026-11-22T23:30:00Z");
    let running = Loop::with(folder, "format: kamailio, attempts_within: 10s");
    write(&line("INVITE", "1", "call missed", 503));
    wait_for("a call that waits", || {
        (running.published.current().sources.first()?.pending_calls == 1).then_some(())
    });
    // A hundred looks long.
    let much = line("BYE", "2", "transaction answered", 200).repeat(1_000_000);
    write(&(much + &line("INVITE", "1", "transaction answered", 200)));
    set_clock("2026-11-22T23:30:12Z");
    let shown = running.shows(1, 0);
    let counted = shown.calls.iter().filter(|series| series.count > 0);
    let outcomes: Vec<_> = counted.map(|series| (series.outcome, series.count)).collect();
    assert_eq!(outcomes, [(Outcome::Answered, 1)]);
    assert_eq!(shown.sources[0].late_answers, 0);
    running.stop();
}

#[test]
fn the_clock_may_stand_anywhere() {
    let _turn = TURN.lock();
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    for (number, time) in [
        "1965-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "2026-11-23T00:30:00Z",
        "2300-01-01T00:00:00Z",
        "9999-12-30T00:00:00Z",
        "1969-12-31T23:59:59Z",
    ]
    .into_iter()
    .enumerate()
    {
        let number = u32::try_from(number).unwrap();
        set_clock(time);
        let running = Loop::start(folder);
        running.shows(2 * u64::from(number), 0);
        append(folder, 2 * number..2 * number + 1, "2026-11-23T00:29:00Z");
        append(folder, 2 * number + 1..2 * number + 2, time);
        let shown = running.shows(2 * u64::from(number) + 2, 0);
        assert!(shown.commits.last.is_some_and(|last| last == now()), "{time}");
        running.stop();
    }
}

/// No age, no history and no alert has them: somebody must hear of it.
#[test]
fn calls_that_end_in_days_are_told_of() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.json");
    let in_days = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(49);
    let row = format!(
        "{{\"id\":\"1\",\"successfulCall\":true,\"callType\":\"ByotIn\",\"endDateTime\":\"{in_days:.0}\"}}\n\
         {{\"id\":\"2\",\"successfulCall\":true,\"callType\":\"ByotIn\",\"endDateTime\":\"{in_days:.0}\"}}\n"
    );
    fs::write(&file, row).unwrap();
    let checked = crate::tools::run(["check", file.to_str().unwrap()]);
    assert!(
        checked.stdout.contains("counted with end_time more than a day ahead, or without it: 2"),
        "{checked:?}"
    );
    assert!(checked.stdout.contains("Set the clock of this machine"), "{checked:?}");
}
