//! Finds the few bytes that give a record its structure, sixty-four bytes at a time.
//!
//! A field is short: the call into a search made for long texts, such as memchr's, would cost more than the
//! search.

use wide::u8x16;

/// The places of certain bytes in a text, in their order.
#[derive(Debug, Clone, Copy)]
pub struct Marks<'t, Mark> {
    text: &'t [u8],
    mark: Mark,
    /// Where the block that was looked at last begins, and its marks that were not given yet, a bit for each byte.
    block: usize,
    found: u64,
}

const BLOCK: usize = 64;

/// Rows of more cells are not read by [`cells`]. The export has 22.
pub const MOST_CELLS: usize = 31;

impl<'t, Mark: Fn(Sixteen) -> Sixteen> Marks<'t, Mark> {
    /// Looks for the bytes of `text` that `mark` marks.
    #[inline(always)]
    pub fn new(text: &'t [u8], mark: Mark) -> Self {
        let found = look(text, &mark);
        Self { text, mark, block: 0, found }
    }

    /// The place of the next one; behind the text when there is none.
    #[inline(always)]
    pub fn next(&mut self) -> usize {
        while self.found == 0 {
            self.block += BLOCK;
            match self.text.get(self.block..) {
                None | Some([]) => return usize::MAX,
                Some(rest) => self.found = look(rest, &self.mark),
            }
        }
        let place = self.block + self.found.trailing_zeros() as usize;
        self.found &= self.found - 1;
        place
    }

    /// As [`Marks::next`], behind one that is passed over.
    #[inline(always)]
    pub fn second(&mut self) -> usize {
        let behind = self.found & self.found.wrapping_sub(1);
        if behind == 0 {
            self.next();
            return self.next();
        }
        self.found = behind & (behind - 1);
        self.block + behind.trailing_zeros() as usize
    }
}

/// Where each cell begins of the row that the text begins with, and last where the row ends; and how many cells it has.
/// `None` when the row has a quote, more cells than there is room for, or no end.
#[inline(always)]
pub fn cells(text: &[u8], begins: &mut [usize; MOST_CELLS + 1]) -> Option<usize> {
    begins[0] = 0;
    let (mut count, mut block) = (1, 0);
    loop {
        let rest = text.get(block..).filter(|rest| !rest.is_empty())?;
        let mut commas = look(rest, &|bytes: Sixteen| bytes.equal(b','));
        let stops = look(rest, &|bytes: Sixteen| bytes.equal(b'"').or(bytes.equal(b'\n')));
        // Those below the first stop; all, if there is none.
        commas &= (stops & stops.wrapping_neg()).wrapping_sub(1);
        while commas != 0 {
            *begins.get_mut(count)? = block + commas.trailing_zeros() as usize + 1;
            count += 1;
            commas &= commas - 1;
        }
        if stops != 0 {
            let stop = block + stops.trailing_zeros() as usize;
            *begins.get_mut(count)? = stop + 1;
            return (text.get(stop) == Some(&b'\n')).then_some(count);
        }
        block += BLOCK;
    }
}

/// The marks of the first block of this text.
#[inline(always)]
fn look(text: &[u8], mark: &impl Fn(Sixteen) -> Sixteen) -> u64 {
    match text.first_chunk() {
        Some(block) => marks(block, mark),
        None => {
            let mut block = [0; BLOCK];
            block[..text.len()].copy_from_slice(text);
            marks(&block, mark) & !(u64::MAX << text.len())
        }
    }
}

#[inline(always)]
fn marks(block: &[u8; BLOCK], mark: &impl Fn(Sixteen) -> Sixteen) -> u64 {
    let (parts, _) = block.as_chunks::<16>();
    let bits = |part: usize| u64::from(mark(Sixteen(u8x16::new(parts[part]))).0.to_bitmask()) << (16 * part);
    bits(0) | bits(1) | bits(2) | bits(3)
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
        fn gives_every_place(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mark = |bytes: Sixteen| bytes.equal(0x80).or(bytes.quote_or_control());
            let (mut marks, mut places) = (Marks::new(&text, mark), Vec::new());
            for (place, byte) in text.iter().enumerate() {
                if matches!(byte, b'"' | 0x80 | ..=31) {
                    assert_eq!(marks.next(), place);
                    places.push(place);
                }
            }
            assert_eq!(marks.next(), usize::MAX);
            let mut marks = Marks::new(&text, mark);
            for pair in places.chunks_exact(2) {
                assert_eq!(marks.second(), pair[1]);
            }
            assert_eq!(marks.second(), usize::MAX);
        }

        #[test]
        fn cells_begin_behind_commas(row in "[a,]{0,150}", end in "[\"\n]?", after in "[a,\n\"]{0,80}") {
            let text = format!("{row}{end}{after}");
            let length = text.find(['"', '\n']).filter(|end| text.as_bytes()[*end] == b'\n');
            let expected = length.map(|length| {
                let behind = text[..=length].match_indices([',', '\n']).map(|(place, _)| place + 1);
                [0].into_iter().chain(behind).collect::<Vec<_>>()
            });
            let mut begins = [0; MOST_CELLS + 1];
            let count = cells(text.as_bytes(), &mut begins);
            let expected = expected.filter(|expected| expected.len() <= begins.len());
            assert_eq!(count.map(|count| begins[..=count].to_vec()), expected);
        }
    }
}
