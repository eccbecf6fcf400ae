//! Character sets that change within a file, and a kill anywhere: what is read on from the position that was kept gives the
//! same counts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use cdr_exporter::call::UnixMillis;
use cdr_exporter::config;
use cdr_exporter::pipeline::Options;
use cdr_exporter::reading::{Content, Context, Passed, Reading, Records, Turn};
use cdr_exporter::source::memory::Memory;
use tempfile::NamedTempFile;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

const SAMPLES: [&str; 9] = [
    "graph/utf16_appended_to_utf8.ndjson",
    "graph/utf8_appended_to_utf16.ndjson",
    "graph/utf16_without_mark.ndjson",
    "graph/utf16be_without_mark.ndjson",
    "graph/byte_order_mark_between_pages.json",
    "teams_admin_center/utf16_appended_to_utf8.csv",
    "teams_admin_center/export.zip",
    "teams_admin_center/workbook_times_as_text.xlsx",
    "graph/mixed.zip",
];

fn sample(name: &str) -> (PathBuf, Vec<u8>) {
    let path = Path::new(DATA).join(name);
    let bytes = fs::read(&path).unwrap();
    (path, bytes)
}

/// Reads to the end of what is there; what was found.
fn read(reading: &mut Reading, context: &Context) -> Records {
    while reading.turn(context, Some(0), u64::MAX).unwrap() == Turn::More {}
    reading.take_batch().map(|batch| batch.records).unwrap_or_default()
}

/// As the daemon does after a restart.
fn resume(path: &Path, options: &Options, content: Option<&Content>) -> Reading {
    let (open, options) = (|| File::open(path).unwrap(), options.sources[0].reading);
    let Some(content) = content else { return Reading::new(open(), options) };
    if let Some(reading) = Reading::resume(open(), options, content, &Memory::default()).unwrap() {
        return reading;
    }
    let mut reading = Reading::new(open(), options);
    loop {
        match reading.pass_over(content, 1000).unwrap() {
            Passed::More => {}
            passed => {
                assert_eq!(passed, Passed::Same, "the file holds what was read of it");
                return reading;
            }
        }
    }
}

#[test]
fn a_kill_anywhere_gives_the_same_counts() {
    let options: Options = config::load(None, &["/anywhere".to_owned()]).unwrap();
    let now = UnixMillis(1_793_491_200_000);
    let (ledger, sources) = options.ledger(now);
    let context = ledger.context(sources[0], now, false);
    for name in SAMPLES {
        let (path, bytes) = sample(name);
        let mut whole = Reading::new(File::open(&path).unwrap(), options.sources[0].reading);
        let mut expected = read(&mut whole, &context);
        while whole.finish(&context).unwrap() == Turn::More {}
        expected = whole.take_batch().map_or(expected, |batch| batch.records.after(expected));
        assert!(expected.calls >= 5 && expected.rejected == 0, "{name}: {expected:?}");
        for cut in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
            let file = NamedTempFile::new().unwrap();
            fs::write(file.path(), &bytes[..cut]).unwrap();
            let mut before = Reading::new(File::open(file.path()).unwrap(), options.sources[0].reading);
            let mut found = read(&mut before, &context);
            fs::write(file.path(), &bytes).unwrap();
            let mut after = resume(file.path(), &options, before.content().as_ref());
            found = read(&mut after, &context).after(found);
            while after.finish(&context).unwrap() == Turn::More {}
            found = after.take_batch().map_or(found, |batch| batch.records.after(found));
            assert_eq!(found, expected, "{name} killed when {cut} bytes were there");
        }
    }
}
