//! Finds a byte in the next few bytes, eight at a time.
//!
//! A field is short: the call into a search made for long texts, such as memchr's, would cost more than the
//! search.

/// Each of the eight bytes.
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Marks the bytes of a word that are `byte`, by their highest bit. A byte above a marked one may be marked
/// for nothing; the lowest mark is true.
#[inline(always)]
pub fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * u64::from(byte)), 1)
}

/// Marks the bytes of a word that are less than `limit`, which is at most 128, as [`equal`] does.
#[inline(always)]
pub fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGH_BITS
}

/// The position of the first byte that `mark` marks.
#[inline(always)]
pub fn position(text: &[u8], mark: impl Fn(u64) -> u64) -> Option<usize> {
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let marks = mark(u64::from_le_bytes(*word));
        if marks != 0 {
            return Some(index * 8 + first(marks));
        }
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let marks = mark(u64::from_le_bytes(last));
    let found = words.len() * 8 + first(marks);
    (marks != 0 && found < text.len()).then_some(found)
}

/// Gives every position of `byte` in the text to `take`.
#[inline(always)]
pub fn for_each(text: &[u8], byte: u8, mut take: impl FnMut(usize)) {
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let mut marks = every(u64::from_le_bytes(*word), byte);
        while marks != 0 {
            take(index * 8 + first(marks));
            marks &= marks - 1;
        }
    }
    for (index, _) in rest.iter().enumerate().filter(|(_, other)| **other == byte) {
        take(words.len() * 8 + index);
    }
}

/// As [`equal`], with no mark for nothing.
#[inline(always)]
fn every(word: u64, byte: u8) -> u64 {
    let other = word ^ (ONES * u64::from(byte));
    !(((other & !HIGH_BITS) + !HIGH_BITS) | other | !HIGH_BITS)
}

fn first(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}
