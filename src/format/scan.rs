//! Finds the few bytes that give a record its structure, 32 or 64 at a time, with the widest instructions that the
//! processor has: the callers ask for those, once for all they do with a record (`dispatch!`).
//!
//! A field is short: the call into a search made for long texts, such as memchr's, would cost more than the search.

use fearless_simd::prelude::*;
use fearless_simd::{u8x32, u8x64};

/// How much [`cells`] looks at in one step.
const BLOCK: usize = 64;

/// Rows of more cells are not read by [`cells`]. The export has 22.
pub const MOST_CELLS: u8 = 31;

/// Where each cell of a row is; the last one is left alone, and empty.
///
/// Begins and ends by themselves, as they are written: the processor is slow to read two together right after that.
#[derive(Debug, Default)]
pub struct Cells {
    begins: [u32; MOST_CELLS as usize + 1],
    ends: [u32; MOST_CELLS as usize + 1],
}

impl Cells {
    /// Where a cell begins and ends.
    #[inline(always)]
    pub fn get(&self, place: u8) -> (u32, u32) {
        let place = usize::from(place) % self.begins.len();
        (self.begins[place], self.ends[place])
    }

    /// Says where a cell begins and ends. One that is too many goes into another's place.
    #[inline(always)]
    pub fn set(&mut self, place: u8, begin: u32, end: u32) {
        let place = usize::from(place) % self.begins.len();
        (self.begins[place], self.ends[place]) = (begin, end);
    }
}

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

/// Puts where either of two bytes stands in a text into `places`, in the place of what was there.
#[inline(always)]
pub fn both<S: Simd>(simd: S, text: &[u8], [one, other]: [u8; 2], places: &mut Vec<usize>) {
    places.clear();
    for (block, chunk) in text.chunks(BLOCK).enumerate() {
        let mut room = [0; BLOCK];
        let bytes = chunk.first_chunk().unwrap_or_else(|| {
            room[..chunk.len()].copy_from_slice(chunk);
            &room
        });
        let bytes = u8x64::from_slice(simd, bytes);
        // What fills up the last one is nothing.
        let within = u64::MAX >> (BLOCK - chunk.len());
        let mut found = (bytes.simd_eq(one) | bytes.simd_eq(other)).to_bitmask() & within;
        while found != 0 {
            places.push(block * BLOCK + found.trailing_zeros() as usize);
            found &= found - 1;
        }
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

/// Where each cell is of the row that the text begins with, without quotes around it; how many cells it has, and where the
/// next row begins.
///
/// `None` when the row has a control character, more than [`MOST_CELLS`] or no end, or is not followed by as many bytes as
/// a step has; when a quote stands in a cell, other than around all of it; and when a backslash stands in one in quotes.
#[inline(always)]
pub fn cells<S: Simd>(simd: S, text: &[u8], cells: &mut Cells) -> Option<(u8, usize)> {
    let (mut count, mut begin, mut block) = (0, 0, 0);
    loop {
        let base = u32::try_from(block).ok()?;
        let bytes = u8x64::from_slice(simd, text.get(block..)?.first_chunk::<BLOCK>()?);
        let stops = quotes_and_controls(bytes).to_bitmask();
        // Those below the first stop; all, if there is none.
        let mut commas = bytes.simd_eq(b',').to_bitmask() & (stops & stops.wrapping_neg()).wrapping_sub(1);
        while commas != 0 {
            let comma = base + commas.trailing_zeros();
            // Where there are too many, it is found out below.
            cells.set(count, begin, comma);
            begin = comma + 1;
            count += 1;
            commas &= commas - 1;
        }
        if count >= MOST_CELLS {
            return None;
        }
        if stops == 0 {
            block += BLOCK;
            continue;
        }
        let mut end = base + stops.trailing_zeros();
        let mut behind = end as usize;
        if text.get(behind) == Some(&b'"') {
            (begin, end) = quoted(simd, text, begin, end)?;
            behind = end as usize + 1;
        }
        cells.set(count, begin, end);
        count += 1;
        match text.get(behind..)? {
            [b'\n', ..] => return Some((count, behind + 1)),
            [b'\r', b'\n', ..] => return Some((count, behind + 2)),
            // Behind a cell in quotes.
            [b',', ..] => block = behind + 1,
            _ => return None,
        }
        begin = u32::try_from(block).ok()?;
    }
}

/// Where the cell is whose first quote was found at its end.
#[inline(always)]
fn quoted<S: Simd>(simd: S, text: &[u8], begin: u32, end: u32) -> Option<(u32, u32)> {
    let inside = end + 1;
    let close = inside as usize + find_stop(simd, text.get(inside as usize..)?)?;
    (begin == end && text[close] == b'"').then_some((inside, u32::try_from(close).ok()?))
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
        fn finds_both(text in "[a;=\u{0}]{0,200}") {
            let expected: Vec<usize> = text.match_indices([';', '\0']).map(|(place, _)| place).collect();
            at_each_level(|level| {
                let mut places = vec![7];
                dispatch!(level, simd => both(simd, text.as_bytes(), [b';', 0], &mut places));
                assert_eq!(places, expected);
            });
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
        fn cells_are_found_between_commas(
            row in "([a,\"\\\\]{0,40}|[a,]{0,150}|(\"[a,]{0,70}\"[,a\"]){0,5})", end in "(\n|\r\n|\r|\u{0})?",
            after in "[a,\n\"]{0,80}",
        ) {
            let text = format!("{row}{end}{after}{}", "\0".repeat(2 * BLOCK));
            let expected = slowly(&text);
            at_each_level(|level| {
                let mut all = Cells::default();
                let found = dispatch!(level, simd => cells(simd, text.as_bytes(), &mut all));
                assert_eq!(found.map(|(count, next)| ((0..count).map(|place| all.get(place)).collect(), next)), expected);
                assert_eq!(found.map_or((0, 0), |_| all.get(MOST_CELLS)), (0, 0));
            });
        }
    }

    /// As [`cells`].
    fn slowly(text: &str) -> Option<(Vec<(u32, u32)>, usize)> {
        let (mut cells, mut at) = (Vec::new(), 0);
        loop {
            let [begin, end, behind] = match text[at..].strip_prefix('"') {
                Some(quoted) => {
                    let end = at + 1 + quoted.find(|byte| byte == '"' || byte == '\\' || byte < ' ')?;
                    text[end..].starts_with('"').then_some([at + 1, end, end + 1])?
                }
                None => {
                    let end = at + text[at..].find(|byte| byte == ',' || byte == '"' || byte < ' ')?;
                    [at, end, end]
                }
            };
            cells.push((u32::try_from(begin).expect("few"), u32::try_from(end).expect("few")));
            let next = match &text[behind..] {
                rest if rest.starts_with(',') => {
                    at = behind + 1;
                    continue;
                }
                rest if rest.starts_with('\n') => behind + 1,
                rest if rest.starts_with("\r\n") => behind + 2,
                _ => return None,
            };
            return (cells.len() <= usize::from(MOST_CELLS)).then_some((cells, next));
        }
    }
}
