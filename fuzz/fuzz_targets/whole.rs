//! Any bytes as a file of each source that a config can describe: read in pieces, cut anywhere, it comes to the same as
//! at once, and so it does with a restart at each cut.

#![no_main]

use cdr_exporter_fuzz::files::{read, sources};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, [u16; 2], u16, &[u8])| {
    let (source, cuts, budget, bytes) = input;
    let source = usize::from(source) % sources();
    let mut cuts = cuts.map(|cut| usize::from(cut) % (bytes.len() + 1));
    cuts.sort_unstable();
    let pieces = [&bytes[..cuts[0]], &bytes[cuts[0]..cuts[1]], &bytes[cuts[1]..]];
    let whole = read(source, &[bytes], u64::MAX, false);
    for restarts in [false, true] {
        let parts = read(source, &pieces, u64::from(budget) + 1, restarts);
        assert_eq!(parts, whole, "cut at {cuts:?}, restarts: {restarts}");
    }
});
