//! Hashes of blocks of a text: whether any byte of what was read has changed since, at four bytes for 64 KiB.
//!
//! A block's hash is the sum of its pieces' hashes, each multiplied by its place, so that the hashes of two blocks add up to
//! that of both: a long text has larger blocks, not more of them. A last part of less than a piece is in none.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

/// What is hashed at once: as much as xxh3 takes in one go.
pub const PIECE_BYTES: usize = 1024;
/// A block has at least so many pieces: 64 KiB.
const BLOCK_PIECES: u64 = 64;
/// More blocks than this become half as many.
const MAXIMUM_BLOCKS: usize = 512;

/// The hashes of a text up to some length.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blocks {
    pieces: u64,
    sums: Vec<u32>,
}

impl Blocks {
    /// The blocks of a text that was hashed up to this position, as [`Blocks::sums`] gave them; `None` where there cannot be
    /// so many.
    pub fn restored(position: u64, sums: Vec<u32>) -> Option<Self> {
        let pieces = position / PIECE_BYTES as u64;
        (sums.len() as u64 == pieces.div_ceil(block_pieces(pieces))).then_some(Self { pieces, sums })
    }

    /// The hash of each block.
    pub fn sums(&self) -> &[u32] {
        &self.sums
    }

    /// How many bytes of the text are hashed.
    pub fn end(&self) -> u64 {
        self.pieces * PIECE_BYTES as u64
    }

    /// Adds the whole pieces that `text` begins with, which goes on where the hashes end.
    pub fn add(&mut self, text: &[u8]) {
        for piece in text.chunks_exact(PIECE_BYTES) {
            let before = block_pieces(self.pieces);
            self.pieces += 1;
            if block_pieces(self.pieces) != before {
                self.sums =
                    self.sums.chunks(2).map(|pair| pair.iter().copied().fold(0, u32::wrapping_add)).collect();
            }
            let place = block_of(self.pieces - 1, self.pieces);
            if place == self.sums.len() {
                self.sums.push(0);
            }
            self.sums[place] = self.sums[place].wrapping_add(hash(piece, self.pieces - 1));
        }
    }

    /// The piece at this position of the text, which is a multiple of their length, was `old` and is `new`.
    pub fn replace(&mut self, position: u64, old: &[u8], new: &[u8]) {
        let number = position / PIECE_BYTES as u64;
        if number < self.pieces {
            let sum = &mut self.sums[block_of(number, self.pieces)];
            *sum = sum.wrapping_sub(hash(old, number)).wrapping_add(hash(new, number));
        }
    }
}

/// How many pieces a block of so many in all has.
fn block_pieces(pieces: u64) -> u64 {
    let mut each = BLOCK_PIECES;
    while pieces > each * MAXIMUM_BLOCKS as u64 {
        each *= 2;
    }
    each
}

fn block_of(number: u64, pieces: u64) -> usize {
    usize::try_from(number / block_pieces(pieces)).unwrap_or(usize::MAX)
}

fn hash(piece: &[u8], number: u64) -> u32 {
    let place = 2 * number + 1;
    (xxh3_64(piece).wrapping_mul(place) >> 32) as u32
}

/// Writes NULs over the parts of a text that stand in these ranges; the text begins at `position`.
pub fn blank(text: &mut [u8], position: u64, ranges: &[Range<u64>]) {
    let place =
        |offset: u64| usize::try_from(offset.saturating_sub(position)).unwrap_or(usize::MAX).min(text.len());
    let places: Vec<Range<usize>> = ranges.iter().map(|range| place(range.start)..place(range.end)).collect();
    places.into_iter().for_each(|place| text[place].fill(0));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at * 7 % 251).unwrap_or_default()).collect()
    }

    fn of(text: &[u8]) -> Blocks {
        let mut blocks = Blocks::default();
        blocks.add(text);
        blocks
    }

    #[test]
    fn however_a_text_is_taken_its_hashes_are_the_same_and_one_byte_changes_them() {
        for length in [0, 5 * PIECE_BYTES, 200 * 1024, 33 * 1024 * 1024 + 5 * PIECE_BYTES] {
            let text = text(length);
            let whole = of(&text);
            assert!(whole.sums().len() <= MAXIMUM_BLOCKS, "{length}");
            let mut parts = Blocks::default();
            text.chunks(3 * PIECE_BYTES).for_each(|part| parts.add(part));
            assert_eq!((&parts, whole.end()), (&whole, length as u64));
            assert_eq!(Blocks::restored(whole.end(), whole.sums().to_vec()), Some(whole.clone()));
            if length > 0 {
                let mut other = text.clone();
                other[length / 3] ^= 1;
                assert_ne!(of(&other), whole, "{length}");
                let piece = length / 3 / PIECE_BYTES * PIECE_BYTES;
                let range = piece..piece + PIECE_BYTES;
                parts.replace(piece as u64, &text[range.clone()], &other[range]);
                assert_eq!(parts, of(&other), "{length}");
            }
        }
        assert_eq!(Blocks::restored(64 * 1024, vec![1, 2]), None);
    }

    #[test]
    fn pieces_that_change_places_show() {
        let mut other = text(8 * PIECE_BYTES);
        other[..PIECE_BYTES].fill(1);
        let before = of(&other);
        let (first, second) = other.split_at_mut(PIECE_BYTES);
        first.swap_with_slice(&mut second[..PIECE_BYTES]);
        assert_ne!(of(&other), before);
    }

    #[test]
    fn ranges_are_blanked_where_they_stand_in_the_text() {
        let mut text = *b"abcdef";
        blank(&mut text, 10, &[5..11, 12..13, 15..20, 40..50]);
        assert_eq!(&text, b"\0b\0de\0");
    }
}
