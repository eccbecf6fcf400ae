//! Any bytes through the splitter of each format: never a panic, always progress, nothing too long for a limit that the whole
//! text keeps, and the same records at the same places whether the text comes at once or cut in two.

#![no_main]

use cdr_exporter::format::ALL;
use cdr_exporter::framing::{Split, Splitter};
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 1 << 20;

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, text) = input;
    let cut = usize::from(cut) % (text.len() + 1);
    for format in ALL {
        let splitter = || format.framing.splitter(LIMIT);
        let whole = records(splitter(), text, &[text.len()]);
        assert_eq!(records(splitter(), text, &[cut, text.len()]), whole, "cut at {cut}");
    }
});

/// Where each record stands: begin, end, and whether it is whole. `pushes` says how far the text reaches each time.
fn records(mut splitter: Splitter, text: &[u8], pushes: &[usize]) -> Vec<(usize, usize, bool)> {
    let (mut records, mut at) = (Vec::new(), 0);
    for (push, end) in pushes.iter().enumerate() {
        // Nothing more is known to follow only once the last push has been split.
        for finished in [false, push + 1 == pushes.len()] {
            loop {
                let next = match splitter.next(&text[at..*end], finished) {
                    Split::NeedMore => break,
                    Split::Skip { next } => next,
                    Split::Record { start, end, next } => {
                        assert!(start < end && end <= next, "{start}..{end}, next {next}");
                        records.push((at + start, at + end, true));
                        next
                    }
                    Split::Broken { start, next } => {
                        records.push((at + start, at + next, false));
                        next
                    }
                    Split::TooLong { .. } => panic!("a record longer than the text"),
                };
                assert!(next > 0 && at + next <= *end, "progress within the text: {next} at {at} of {end}");
                at += next;
            }
        }
    }
    records
}
