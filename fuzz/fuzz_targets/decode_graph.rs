//! One record of any bytes through the decoder of Graph rows: never a panic, and the same answer twice.

#![no_main]

use cdr_exporter::decode::{Decoder, Format};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|record: &[u8]| {
    let (mut first, mut second) = (Decoder::new(Format::Graph), Decoder::new(Format::Graph));
    assert_eq!(first.decode(record), second.decode(record));
    Format::recognise(record, true);
    Format::unknown_explanation(record);
});
