//! What the fuzz target `whole` asks of any bytes, asked of every sample. So its reading is built with all else, too.

#[path = "../../fuzz/src/files.rs"]
mod files;

use std::fs;

/// The source that recognises formats.
const ANY: usize = 0;

/// Also below a line that is none of it: what is looked at first may be that line and half a record.
#[test]
fn a_sample_that_is_written_in_two_pieces_comes_to_the_same() {
    assert!(files::sources() > ANY);
    let samples = walkdir::WalkDir::new("tests/data").sort_by_file_name().into_iter().map(Result::unwrap);
    for sample in samples.filter(|it| it.file_type().is_file()) {
        let bytes = fs::read(sample.path()).unwrap();
        for above in ["", "Calls of November\n"] {
            let text = [above.as_bytes(), &bytes].concat();
            let whole = files::read(ANY, &[&text], u64::MAX, false);
            let (begin, end) = text.split_at(above.len() + bytes.len() / 2);
            for restarts in [false, true] {
                let parts = files::read(ANY, &[begin, end], 1000, restarts);
                // Not `assert_eq!`, which prints whole pages.
                let said = |it: &files::Outcome| format!("{:?} {:?}", it.records, it.unrecognised);
                assert!(
                    parts == whole,
                    "{above:?}, {}, restarts: {restarts}: {}; whole: {}",
                    sample.path().display(),
                    said(&parts),
                    said(&whole)
                );
            }
        }
    }
}
