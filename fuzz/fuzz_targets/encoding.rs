//! Any bytes as a file's: never a panic, and the same text whether they come at once or cut in two.

#![no_main]

use cdr_exporter::source::encoding::Decoding;
use libfuzzer_sys::fuzz_target;

/// A few bytes may come to thousands of times as many.
const MOST: usize = 1 << 22;

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    let cut = usize::from(cut) % (bytes.len() + 1);
    let (whole, is_sound) = text(&[bytes]);
    let (parts, _) = text(&[&bytes[..cut], &bytes[cut..]]);
    // Behind damage, how much comes before it depends on how much was asked for.
    if is_sound && whole.len() < MOST {
        assert!(whole == parts, "cut at {cut}");
    }
});

/// The text of these pieces, and whether it is sound to its end.
fn text(pieces: &[&[u8]]) -> (Vec<u8>, bool) {
    let (mut decoding, mut text, mut held) = (Decoding::default(), Vec::new(), Vec::new());
    for (place, piece) in pieces.iter().enumerate() {
        held.extend_from_slice(piece);
        loop {
            let before = (held.len(), text.len());
            let finished = place + 1 == pieces.len();
            match decoding.push(&held, finished, &mut text, 4096) {
                Ok(taken) => drop(held.drain(..taken)),
                Err(_) => return (text, false),
            }
            if before == (held.len(), text.len()) || text.len() >= MOST {
                break;
            }
        }
    }
    (text, true)
}
