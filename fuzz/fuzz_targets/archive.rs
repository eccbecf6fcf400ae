//! Any bytes as a zip archive or a workbook: never a panic, an end, and the same text however often it is read.

#![no_main]

use std::fs::File;
use std::io::Write;

use cdr_exporter::source::archive::{Archive, Step};
use libfuzzer_sys::fuzz_target;

/// A few bytes may come to thousands of times as many.
const MOST: usize = 1 << 24;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    assert!(text(&file, bytes.len()) == text(&file, bytes.len()));
});

fn text(file: &File, length: usize) -> Vec<u8> {
    let (mut archive, mut text) = (Archive::default(), Vec::new());
    let _ = archive.open(file, length as u64).expect("it can be read");
    while archive.step(file, &mut text).expect("it was checked") != Step::Nothing && text.len() < MOST {}
    text
}
