//! Finds the few bytes that give a record its structure, 32 or 64 at a time, with the widest instructions that the
//! processor has: the callers ask for those, once for all they do with a record (`dispatch!`).
//!
//! A field is short: the call into a search made for long texts, such as memchr's, would cost more than the search.

use fearless_simd::prelude::*;
use fearless_simd::{u8x32, u8x64};

/// How much [`cells`] looks at in one step.
pub const BLOCK: usize = 64;

/// Rows of more cells are not read by [`cells`]. The export has 22.
pub const MOST_CELLS: usize = 31;

/// How much [`find_stop`] looks at in one step. So many bytes have to follow what it looks for.
pub const STEP: usize = 32;

/// The place of the first byte that may end a JSON string, [`stops_in_32`]; `None` when it is not followed by as many
/// bytes as a step has.
#[inline(always)]
pub fn find_stop<S: Simd>(simd: S, text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let stops = stops_in_32(simd, text.get(at..)?.first_chunk::<STEP>()?);
        if stops != 0 {
            return Some(at + stops.trailing_zeros() as usize);
        }
        at += STEP;
    }
}

/// What may end a JSON string, a bit for each byte: its quote, or a byte that makes it an unusual one, which is a
/// backslash or below the blank.
#[inline(always)]
pub fn stops_in_32<S: Simd>(simd: S, text: &[u8; 32]) -> u64 {
    let bytes = u8x32::from_slice(simd, text);
    (quotes_and_controls(bytes) | bytes.simd_eq(b'\\')).to_bitmask()
}

/// As [`stops_in_32`].
#[inline(always)]
pub fn stops_in_64<S: Simd>(simd: S, text: &[u8; 64]) -> u64 {
    let bytes = u8x64::from_slice(simd, text);
    (quotes_and_controls(bytes) | bytes.simd_eq(b'\\')).to_bitmask()
}

/// Quotes and the bytes below the blank: with one bit turned over, those are the bytes up to the blank.
#[inline(always)]
fn quotes_and_controls<S: Simd, Bytes: SimdInt<S, Element = u8>>(bytes: Bytes) -> Bytes::Mask {
    let turned = bytes ^ (b'"' ^ b' ');
    turned.simd_le(b' ')
}

/// A [`Prefix`] has no more bytes.
pub const MOST_PREFIX: usize = 64;

/// A text to be compared with the beginnings of others. All its bytes are compared at once.
#[derive(Debug)]
pub struct Prefix {
    bytes: [u8; MOST_PREFIX],
    /// The bits of its bytes, and of the last one.
    all: u64,
    pub last: u64,
    length: u8,
}

impl Prefix {
    /// This text; `None` if it is empty or has as many bytes as [`MOST_PREFIX`].
    pub fn new(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; MOST_PREFIX];
        bytes[..MOST_PREFIX - 1].get_mut(..text.len())?.copy_from_slice(text);
        let length = u8::try_from(text.len()).ok()?;
        Some(Self { bytes, all: (1 << length) - 1, last: 1 << length.checked_sub(1)?, length })
    }

    /// How many bytes it has. The remainder is the same number, of which the compiler then knows how large it may be.
    #[inline(always)]
    pub fn length(&self) -> usize {
        usize::from(self.length % 64)
    }

    /// Where the text differs from what begins the other one, a bit for each byte.
    #[inline(always)]
    pub fn differences<S: Simd>(&self, simd: S, text: &[u8; MOST_PREFIX]) -> u64 {
        // Most are short.
        let same = match self.length() {
            ..=32 => u8x32::from_slice(simd, &text[..32])
                .simd_eq(u8x32::from_slice(simd, &self.bytes[..32]))
                .to_bitmask(),
            _ => u8x64::from_slice(simd, text).simd_eq(u8x64::from_slice(simd, &self.bytes)).to_bitmask(),
        };
        !same & self.all
    }
}

/// Where each cell begins of the row that the text begins with, and last where one more would; how many cells it has,
/// and where the next row begins.
/// `None` when the row has a quote or a control character, more than [`MOST_CELLS`] or no end, or is not followed by as
/// many bytes as a step has.
#[inline(always)]
pub fn cells<S: Simd>(simd: S, text: &[u8], begins: &mut [u32; BLOCK]) -> Option<(usize, usize)> {
    begins[0] = 0;
    let (mut count, mut block) = (1, 0);
    loop {
        let base = u32::try_from(block).ok()?;
        let bytes = u8x64::from_slice(simd, text.get(block..)?.first_chunk::<BLOCK>()?);
        let stops = quotes_and_controls(bytes).to_bitmask();
        // Those below the first stop; all, if there is none.
        let mut commas = bytes.simd_eq(b',').to_bitmask() & (stops & stops.wrapping_neg()).wrapping_sub(1);
        while commas != 0 {
            // Where there are too many, it is found out below.
            begins[count % BLOCK] = base + commas.trailing_zeros() + 1;
            count += 1;
            commas &= commas - 1;
        }
        if count > MOST_CELLS {
            return None;
        }
        if stops != 0 {
            let stop = block + stops.trailing_zeros() as usize;
            let end = match text.get(stop..)? {
                [b'\n', ..] => stop + 1,
                [b'\r', b'\n', ..] => stop + 2,
                _ => return None,
            };
            begins[count] = base + stops.trailing_zeros() + 1;
            return Some((count, end));
        }
        block += BLOCK;
    }
}

#[cfg(test)]
mod tests {
    use fearless_simd::{Level, dispatch};
    use proptest::prelude::*;

    use super::*;

    /// From what every processor of this kind has to all that this one has.
    fn at_each_level(check: impl Fn(Level)) {
        [Level::baseline(), Level::new()].into_iter().for_each(&check);
        #[cfg(target_arch = "x86_64")]
        {
            Level::new().as_sse4_2().into_iter().for_each(|level| check(level.level()));
            Level::new().as_avx2().into_iter().for_each(|level| check(level.level()));
        }
    }

    proptest! {
        #[test]
        fn finds_the_first_place(text in proptest::collection::vec(any::<u8>(), 0..300), begin in 0..300_usize) {
            let roomy = [&text[begin.min(text.len())..], &[0; STEP]].concat();
            let first = roomy.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..=31));
            at_each_level(|level| assert_eq!(dispatch!(level, simd => find_stop(simd, &roomy)), first));
        }

        #[test]
        fn differs_from_a_prefix(prefix in "[ab]{0,70}", text in "[ab]{0,70}") {
            let Some(known) = Prefix::new(prefix.as_bytes()) else {
                prop_assert!(prefix.is_empty() || prefix.len() >= MOST_PREFIX);
                return Ok(());
            };
            prop_assert_eq!(known.last, 1 << (prefix.len() - 1));
            let text = [text.as_bytes(), &[b'c'; MOST_PREFIX]].concat();
            let differs = |place: usize| prefix.as_bytes()[place] != text[place];
            let differences = (0..prefix.len()).filter(|place| differs(*place)).fold(0, |bits, place| bits | 1 << place);
            let room = text.first_chunk().expect("room");
            at_each_level(|level| {
                assert_eq!(dispatch!(level, simd => known.differences(simd, room)), differences);
            });
        }

        #[test]
        fn cells_begin_behind_commas(
            row in "[a,]{0,150}", end in "(\"|\n|\r\n|\r|\u{0})?", after in "[a,\n\"]{0,80}",
        ) {
            let text = format!("{row}{end}{after}{}", "\0".repeat(BLOCK));
            let length = text.find(['"', '\n', '\r', '\0']);
            let next = length.and_then(|length| match &text[length..] {
                rest if rest.starts_with('\n') => Some(length + 1),
                rest if rest.starts_with("\r\n") => Some(length + 2),
                _ => None,
            });
            let expected = next.map(|next| {
                let length = length.unwrap_or_default();
                let behind = text[..length].match_indices(',').map(|(place, _)| place + 1);
                let begins: Vec<_> = [0].into_iter().chain(behind).chain([length + 1]).collect();
                let begins: Vec<u32> = begins.into_iter().map(|begin| u32::try_from(begin).expect("few")).collect();
                (begins, next)
            });
            let expected = expected.filter(|(expected, _)| expected.len() <= MOST_CELLS + 1);
            at_each_level(|level| {
                let mut begins = [0; BLOCK];
                let found = dispatch!(level, simd => cells(simd, text.as_bytes(), &mut begins));
                assert_eq!(found.map(|(count, next)| (begins[..=count].to_vec(), next)), expected);
            });
        }
    }
}
