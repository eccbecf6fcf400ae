//! A file that grows by writes cut anywhere gives the same counts as the whole of it.

use std::fs::{self, File};
use std::io::Write;
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use cdr_exporter::call::UnixMillis;
use cdr_exporter::config;
use cdr_exporter::expose::families;
use cdr_exporter::pipeline::Options;
use cdr_exporter::reading::{Reading, Records, Turn};
use proptest::prelude::*;
use tempfile::NamedTempFile;

use super::samples::all_samples;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

/// 2026-11-01T00:00:00Z.
const NOW: UnixMillis = UnixMillis(1_793_491_200_000);

fn read_sample(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Everything that is known after a file was written in these pieces, each read before the next is written, in
/// turns of about `budget` bytes.
fn read(pieces: &[&[u8]], budget: u64) -> String {
    let options: Options = config::load(None, &["/anywhere".to_owned()]).unwrap();
    let (mut ledger, sources) = options.ledger(NOW);
    let mut file = NamedTempFile::new().unwrap();
    let mut reading = Reading::new(File::open(file.path()).unwrap(), options.sources[0].reading);
    let context = ledger.context(sources[0], NOW, false);
    let (mut all, mut rejected) = (Records::default(), Vec::new());
    let mut apply = |reading: &mut Reading| {
        let Some(batch) = reading.take_batch() else { return };
        all = batch.records.after(all);
        ledger.apply(sources[0], &batch);
        rejected.extend(batch.rejected);
    };
    for piece in pieces {
        file.write_all(piece).unwrap();
        let mut expected = piece.len() as u64;
        loop {
            let before = reading.tail.read_bytes();
            let turn = reading.turn(&context, Some(expected), budget).unwrap();
            apply(&mut reading);
            expected -= expected.min(reading.tail.read_bytes() - before);
            if turn == Turn::CaughtUp {
                break;
            }
        }
    }
    assert_eq!(reading.finish(&context).unwrap(), Turn::CaughtUp);
    apply(&mut reading);
    let summary = format!("{all:?}\n{rejected:?}\n{:?}\n", reading.unrecognised());
    summary + &families::text(&Arc::new(ledger.commit(true).unwrap()))
}

/// The records of a table without a row of values, by config, written in these pieces.
fn read_as_csv(pieces: &[&[u8]]) -> Records {
    read_as(pieces, "")
}

/// With these keys beside.
fn read_as(pieces: &[&[u8]], keys: &str) -> Records {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("c.yml");
    let source = format!("{{name: s, paths: [/s/*], format: csv, fields: {{sip_code: code}}{keys}}}");
    fs::write(&config, format!("sources:\n  - {source}\n")).unwrap();
    let options = config::load(Some(&config), &[]).unwrap();
    let (ledger, sources) = options.ledger(NOW);
    let context = ledger.context(sources[0], NOW, false);
    let mut file = NamedTempFile::new().unwrap();
    let mut reading = Reading::new(File::open(file.path()).unwrap(), options.sources[0].reading);
    let mut records = Records::default();
    for (place, piece) in pieces.iter().enumerate() {
        file.write_all(piece).unwrap();
        while reading.turn(&context, None, u64::MAX).unwrap() == Turn::More {}
        if place + 1 == pieces.len() {
            reading.finish(&context).unwrap();
        }
        records = reading.take_batch().map_or(records, |batch| batch.records.after(records));
    }
    records
}

#[test]
fn a_title_of_several_lines_in_quotes_is_one() {
    for pieces in [
        &[b"\"Report of calls\nmade by a tool\"\ncode\n486\n".as_slice()][..],
        &[b"Report\n", b"code\n486\n"],
    ] {
        let records = read_as(pieces, ", skip_lines: 1");
        assert_eq!((records.header, records.calls), (2, 1), "{records:?}");
    }
}

/// Found by fuzzing: blanks before a table count as its header where something of the file was there before them.
#[test]
fn blanks_before_a_table_are_no_header() {
    for pieces in [&[b"\0".as_slice(), b"\0 "], &[b"\0\0", b" "], &[b"", b" "], &[b" ", b" "], &[b"", b"\0 "]]
    {
        let [one, other] = pieces;
        assert_eq!(read_as_csv(pieces), read_as_csv(&[&[*one, *other].concat()]), "{pieces:?}");
        assert_eq!(read_as_csv(pieces), Records::default(), "{pieces:?}");
    }
    assert_eq!(read_as_csv(&[b" ", b"code\n486\n"]).header, 1);
}

fn pieces<'t>(text: &'t [u8], cuts: &[prop::sample::Index]) -> Vec<&'t [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    places.extend([0, text.len()]);
    places.sort_unstable();
    places.windows(2).map(|between| &text[between[0]..between[1]]).collect()
}

proptest! {
    // Each case reads a file twice and compares whole pages; a hundred take a second.
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_file_cut_into_writes_gives_the_same_counts(
        sample in prop::sample::select(all_samples()),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        budget in 1_u64..3000,
    ) {
        let text = read_sample(&sample);
        prop_assert_eq!(read(&pieces(&text, &cuts), budget), read(&[&text], u64::MAX), "{}", sample.display());
    }
}

#[test]
fn one_byte_at_a_time_gives_the_same_counts() {
    let samples = Mutex::new(all_samples());
    let next = || samples.lock().unwrap().pop();
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(sample) = next() {
                    let text = read_sample(&sample);
                    let bytes: Vec<&[u8]> = text.chunks(1).collect();
                    assert_eq!(read(&bytes, 1), read(&[&text], u64::MAX), "{}", sample.display());
                }
            });
        }
    });
}

/// Byte by byte, this would take minutes.
#[test]
fn a_file_that_grew_since_its_size_was_asked_is_read_in_chunks() {
    let options: Options = config::load(None, &["/anywhere".to_owned()]).unwrap();
    let (ledger, sources) = options.ledger(NOW);
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(&read_sample(&Path::new(DATA).join("graph/rows.ndjson")).repeat(1000)).unwrap();
    let mut reading = Reading::new(File::open(file.path()).unwrap(), options.sources[0].reading);
    let context = ledger.context(sources[0], NOW, false);
    let begun = Instant::now();
    while reading.turn(&context, Some(0), 1024 * 1024).unwrap() == Turn::More {
        reading.take_batch();
    }
    assert_eq!(reading.tail.read_bytes(), file.as_file().metadata().unwrap().len());
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
