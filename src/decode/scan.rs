//! Finds the few bytes that give a record its structure, sixty-four bytes at a time.
//!
//! A field is short: the call into a search made for long texts, such as memchr's, would cost more than the
//! search.

use wide::u8x16;

const BLOCK: usize = 64;

/// Rows of more cells are not read by [`cells`]. The export has 22.
pub const MOST_CELLS: usize = 31;

/// How much [`find`] and [`Prefix`] look at in one step. So many bytes have to follow what they look for.
pub const STEP: usize = 32;

/// The place of the first byte that `mark` marks; `None` when it is not followed by as many bytes as a step has.
#[inline(always)]
pub fn find(text: &[u8], mark: impl Fn(Sixteen) -> Sixteen) -> Option<usize> {
    let mut at = 0;
    loop {
        let step: &[u8; STEP] = text.get(at..)?.first_chunk()?;
        let found = marked(step, &mark);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        at += STEP;
    }
}

/// A text to be compared with the beginnings of others. All its bytes are compared at once.
#[derive(Debug)]
pub struct Prefix {
    bytes: [u8; STEP],
    /// Ones where the text is over.
    behind: [u8; STEP],
    length: usize,
}

impl Prefix {
    /// This text; `None` if it has more than [`STEP`] bytes.
    pub fn new(text: &[u8]) -> Option<Self> {
        let (mut bytes, mut behind) = ([0; STEP], [u8::MAX; STEP]);
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        behind[..text.len()].fill(0);
        Some(Self { bytes, behind, length: text.len() })
    }

    /// What follows it, if `text` begins with it and has as many bytes as are looked at.
    #[inline(always)]
    pub fn strip<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let window = text.first_chunk::<STEP>()?;
        let (own, behind, others) =
            (self.bytes.as_chunks().0, self.behind.as_chunks().0, window.as_chunks().0);
        let mut same = u8x16::splat(u8::MAX);
        for ((own, behind), other) in own.iter().zip(behind).zip(others) {
            same &= u8x16::new(*own).simd_eq(u8x16::new(*other)) | u8x16::new(*behind);
        }
        if same.to_bitmask() == 0xffff { text.get(self.length..) } else { None }
    }
}

/// Where each cell begins of the row that the text begins with, and last where one more would; how many cells it has,
/// and where the next row begins.
/// `None` when the row has a quote or a control character, more cells than there is room for, or no end.
#[inline(always)]
pub fn cells(text: &[u8], begins: &mut [usize; MOST_CELLS + 1]) -> Option<(usize, usize)> {
    begins[0] = 0;
    let (mut count, mut block) = (1, 0);
    loop {
        let rest = text.get(block..).filter(|rest| !rest.is_empty())?;
        let mut commas = look(rest, &|bytes: Sixteen| bytes.equal(b','));
        let stops = look(rest, &|bytes: Sixteen| bytes.quote_or_control());
        // Those below the first stop; all, if there is none.
        commas &= (stops & stops.wrapping_neg()).wrapping_sub(1);
        while commas != 0 {
            *begins.get_mut(count)? = block + commas.trailing_zeros() as usize + 1;
            count += 1;
            commas &= commas - 1;
        }
        if stops != 0 {
            let stop = block + stops.trailing_zeros() as usize;
            let end = match text.get(stop..)? {
                [b'\n', ..] => stop + 1,
                [b'\r', b'\n', ..] => stop + 2,
                _ => return None,
            };
            *begins.get_mut(count)? = stop + 1;
            return Some((count, end));
        }
        block += BLOCK;
    }
}

/// The marks of the first block of this text.
#[inline(always)]
fn look(text: &[u8], mark: &impl Fn(Sixteen) -> Sixteen) -> u64 {
    match text.first_chunk::<BLOCK>() {
        Some(block) => marked(block, mark),
        None => {
            let mut block = [0; BLOCK];
            block[..text.len()].copy_from_slice(text);
            marked(&block, mark) & !(u64::MAX << text.len())
        }
    }
}

/// The marks of these bytes, a bit for each.
#[inline(always)]
pub fn marked<const LENGTH: usize>(block: &[u8; LENGTH], mark: impl Fn(Sixteen) -> Sixteen) -> u64 {
    let (parts, _) = block.as_chunks::<16>();
    parts.iter().enumerate().fold(0, |bits, (place, part)| {
        bits | u64::from(mark(Sixteen(u8x16::new(*part))).0.to_bitmask()) << (16 * place)
    })
}

/// Sixteen bytes, or a mark for each of them.
#[derive(Debug, Clone, Copy)]
pub struct Sixteen(u8x16);

impl Sixteen {
    /// Marks the bytes that are `byte`.
    #[inline(always)]
    pub fn equal(self, byte: u8) -> Self {
        Self(self.0.simd_eq(u8x16::splat(byte)))
    }

    /// Marks quotes and the bytes below the blank: with one bit turned over, those are the bytes up to the blank.
    #[inline(always)]
    pub fn quote_or_control(self) -> Self {
        let turned = self.0 ^ u8x16::splat(b'"' ^ b' ');
        Self(turned.min(u8x16::splat(b' ')).simd_eq(turned))
    }

    /// What either marks.
    #[inline(always)]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_the_first_place(text in proptest::collection::vec(any::<u8>(), 0..300), begin in 0..300_usize) {
            let mark = |bytes: Sixteen| bytes.equal(0x80).or(bytes.quote_or_control());
            let roomy = [&text[begin.min(text.len())..], &[0; STEP]].concat();
            let first = roomy.iter().position(|byte| matches!(byte, b'"' | 0x80 | ..=31));
            assert_eq!(find(&roomy, mark), first);
        }

        #[test]
        fn strips_a_prefix(prefix in "[ab]{0,50}", text in "[ab]{0,100}") {
            let Some(stripped) = Prefix::new(prefix.as_bytes()) else {
                prop_assert!(prefix.len() > STEP);
                return Ok(());
            };
            let text = format!("{text}{}", "c".repeat(STEP));
            assert_eq!(stripped.strip(text.as_bytes()), text.strip_prefix(&prefix).map(str::as_bytes));
            let text = format!("{prefix}{text}");
            assert_eq!(stripped.strip(text.as_bytes()), text.strip_prefix(&prefix).map(str::as_bytes));
        }

        #[test]
        fn cells_begin_behind_commas(
            row in "[a,]{0,150}", end in "(\"|\n|\r\n|\r|\u{0})?", after in "[a,\n\"]{0,80}",
        ) {
            let text = format!("{row}{end}{after}");
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
                (begins, next)
            });
            let mut begins = [0; MOST_CELLS + 1];
            let found = cells(text.as_bytes(), &mut begins);
            let expected = expected.filter(|(expected, _)| expected.len() <= begins.len());
            assert_eq!(found.map(|(count, next)| (begins[..=count].to_vec(), next)), expected);
        }
    }
}
