//! A fault of the program in the text of one file: it is unreadable, the others are read on, and nothing counts twice.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use cdr_exporter::call::UnixMillis;
use cdr_exporter::clock;
use cdr_exporter::config;
use cdr_exporter::format::{Decode, Decoded, Format};
use cdr_exporter::ledger::snapshot::{Published, Snapshot};
use cdr_exporter::ledger::store::Store;
use cdr_exporter::pipeline::{Event, Host, Pipeline};
use cdr_exporter::telemetry::Heartbeat;
use tempfile::TempDir;

use super::tools::files::append;
use super::tools::row::{Row, ndjson};
use super::tools::wait_for;

/// Decodes as Graph's, but for one record.
#[derive(Debug)]
struct Faulty(Box<dyn Decode>);

/// It stands in the name of a trunk.
const FAULT: &str = "fault.contoso.com";

impl Decode for Faulty {
    fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
        assert!(!String::from_utf8_lossy(record).contains(FAULT), "a fault of the decoder");
        self.0.decode(record)
    }
}

fn faulty() -> &'static Format {
    let graph = Format::named("graph").unwrap();
    Box::leak(Box::new(Format {
        decoder: &|names| {
            let graph = Format::named("graph").unwrap();
            Box::new(Faulty((graph.decoder)(names)))
        },
        ..*graph
    }))
}

/// A running loop over the files of a folder, with its store beside them.
struct Loop {
    events: Sender<Event>,
    published: Published,
    thread: JoinHandle<()>,
}

impl Loop {
    fn start(folder: &Path, threads: usize, format: &'static Format) -> Self {
        let paths = [folder.join("*.ndjson").display().to_string()];
        let mut options = config::load(None, &paths).unwrap();
        options.threads = threads;
        options.sources[0].reading.format = Some(format);
        let store = Store::open(&folder.join("store")).unwrap();
        let ledger = options.ledger_of(store, UnixMillis(0)).unwrap();
        let published = Published::new(Snapshot::loading(options.catalogue.clone()));
        let (events, inbox) = mpsc::channel();
        let host = Host {
            wake: events.clone(),
            published: published.clone(),
            clock: clock::system(),
            heartbeat: Heartbeat::new(clock::system()),
            open_files: 256,
        };
        let pipeline = Pipeline::new(options, ledger, None, host);
        let thread = thread::spawn(move || pipeline.run(&inbox));
        Self { events, published, thread }
    }

    /// Waits until so many calls are counted, none twice, and so many files are unreadable.
    fn shows(&self, counted: u64, unreadable: u64) {
        wait_for(&format!("{counted} calls and {unreadable} unreadable files"), || {
            let shown = self.published.current();
            let source = shown.sources.first()?;
            let files = source.files.iter().find(|(state, _)| *state == "unreadable")?.1;
            let records = source.records;
            ((records.counted, records.duplicate, files) == (counted, 0, unreadable)).then_some(())
        });
    }

    fn stop(self) {
        self.events.send(Event::Stop).unwrap();
        self.thread.join().expect("the loop has not panicked");
    }
}

fn rows(numbers: std::ops::Range<u32>, trunk: &'static str) -> Vec<u8> {
    let rows: Vec<Row> = numbers.map(|id| Row::answered(id, trunk)).collect();
    ndjson(&rows).into_bytes()
}

/// By the loop itself, and by a worker.
#[test]
fn a_fault_in_one_file_ends_neither_the_loop_nor_another_file() {
    for threads in [0, 2] {
        let folder = TempDir::new().unwrap();
        let (bad, good) = (folder.path().join("bad.ndjson"), folder.path().join("good.ndjson"));
        let daemon = Loop::start(folder.path(), threads, faulty());
        append(&bad, &rows(0..10, "sbc1.contoso.com"));
        daemon.shows(10, 0);
        append(&bad, &rows(10..11, FAULT));
        // Much, which is left to a worker where there is one.
        append(&bad, &rows(11..9000, "sbc1.contoso.com"));
        append(&good, &rows(20_000..29_000, "sbc1.contoso.com"));
        daemon.shows(9010, 1);
        append(&good, &rows(29_000..29_005, "sbc1.contoso.com"));
        append(&bad, &rows(9000..9005, "sbc1.contoso.com"));
        daemon.shows(9015, 1);
        daemon.stop();
        // The fault comes again, and the daemon starts all the same.
        let again = Loop::start(folder.path(), threads, faulty());
        again.shows(9015, 1);
        again.stop();
        let mended = Loop::start(folder.path(), threads, Format::named("graph").unwrap());
        mended.shows(18_010, 0);
        mended.stop();
        fs::remove_dir_all(folder.path().join("store")).unwrap();
    }
}
