//! A record as the one before was written: the same names in the same order, with other values.
//!
//! An outline is made of a record that was walked through, so all that stands between its values is known to be right.

use fearless_simd::Simd;

use super::scalar::string;
use super::{Found, scalar_or_array};
use crate::format::expected::{Begins, Expected, ROOM};

/// The ways in which records of one source are written: calls that were answered may have more to tell than others.
#[derive(Debug, Default)]
pub struct Outlines {
    /// The one that the last record was written by comes first.
    known: Vec<Outline>,
    /// Records since one was written as expected.
    misses: u32,
}

/// So many ways are known.
const MOST_OUTLINES: usize = 4;

/// Records of more values are walked through.
const MOST_LEAVES: usize = 64;

#[derive(Debug)]
struct Outline {
    leaves: Vec<Leaf>,
    /// What stands behind the last value: braces.
    end: Box<[u8]>,
}

/// A value that is no object.
#[derive(Debug)]
struct Leaf {
    expected: Expected,
    kind: Kind,
}

/// What a value is to the mapping.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Where it is kept.
    pub slot: Option<usize>,
    /// Whether it may be an array: nothing in it is wanted, and it holds no records.
    pub is_array: bool,
    pub depth: u32,
}

/// Where a value was found: its first byte, and what follows its last one.
#[derive(Debug)]
pub struct FoundLeaf {
    pub begin: usize,
    pub next: usize,
    pub kind: Kind,
}

impl Outlines {
    /// Reads the record that the text begins with, where it is written as one before; returns where it ends.
    #[inline(always)]
    pub(super) fn read<S: Simd>(&mut self, simd: S, text: &[u8], found: &mut Found) -> Option<usize> {
        for place in 0..self.known.len() {
            if let Some(end) = self.known[place].read(simd, text, found) {
                self.misses = 0;
                if place > 0 {
                    self.known.swap(0, place);
                }
                return Some(end);
            }
            found.forget();
        }
        None
    }

    /// Whether the next record is worth an outline. The longer none is written as expected, the seldomer.
    pub fn learns(&mut self) -> bool {
        self.misses = self.misses.saturating_add(1);
        self.misses.is_power_of_two()
    }

    /// Expects records such as this one, in which these are the values.
    pub fn learn(&mut self, record: &[u8], leaves: &[FoundLeaf]) {
        let Some(outline) = Outline::of(record, leaves) else { return };
        self.known.truncate(MOST_OUTLINES - 1);
        self.known.insert(0, outline);
    }
}

impl Outline {
    /// `None` where too much stands in a record, or between two values.
    fn of(record: &[u8], leaves: &[FoundLeaf]) -> Option<Self> {
        if leaves.len() > MOST_LEAVES {
            return None;
        }
        let mut from = 0;
        let leaf = |leaf: &FoundLeaf| {
            let before = [record.get(from..leaf.begin)?, b"\""].concat();
            from = leaf.next;
            Some(Leaf { expected: Expected::new(&before)?, kind: leaf.kind })
        };
        let leaves = leaves.iter().map(leaf).collect::<Option<Vec<_>>>()?;
        Some(Self { leaves, end: record.get(from..)?.into() })
    }

    #[inline(always)]
    fn read<S: Simd>(&mut self, simd: S, text: &[u8], found: &mut Found) -> Option<usize> {
        let mut at = 0;
        for leaf in &mut self.leaves {
            let room = text.get(at..)?.first_chunk::<ROOM>()?;
            let (begin, end, next) = match leaf.expected.begins(simd, room) {
                Begins::String(begin) => {
                    let end = at + begin + leaf.length(simd, &text[at + begin..], room, begin, found)?;
                    (at + begin, end, end + 1)
                }
                Begins::Other(begin) => scalar_or_array(text, at + begin, leaf.kind, found)?,
                Begins::No => return None,
            };
            if let Some(place) = leaf.kind.slot.and_then(|slot| found.places.get_mut(slot)) {
                *place = (begin, end);
            }
            at = next;
        }
        text.get(at..)?.starts_with(&self.end).then_some(at + self.end.len())
    }
}

impl Leaf {
    /// The length of the string that the text begins with, behind its quote, at this place of the room.
    #[inline(always)]
    fn length<S: Simd>(
        &mut self,
        simd: S,
        text: &[u8],
        room: &[u8; ROOM],
        begin: usize,
        found: &Found,
    ) -> Option<usize> {
        if let Some(length) = self.expected.same_length(simd, room[begin..].first_chunk()?) {
            return Some(length);
        }
        let length = string(simd, text, 0, found.is_plain(self.kind.slot))?;
        self.expected.note_length(length);
        Some(length)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tree;
    use super::*;
    use crate::format::mapped::quick::MOST;
    use crate::framing::Holders;

    /// Two ways of writing that take turns are both expected, and one of every kind of value in the same place is not another.
    #[test]
    fn records_are_written_as_expected_from_the_second_on() {
        let places = ["id", "/end/code", "trunk"];
        let tree = Tree::of(&places).expect("few names");
        let mut outlines = Outlines::default();
        let records = [
            r#"{"id":"1","end":{"code":486,"text":""},"of":["a",[1]],"trunk":"t"}"#,
            r#"{"id":"22","other":"x","end":{"code":null,"text":"a\"b"},"of":[],"trunk":""}"#,
            r#"{"id":"3","end":{"code":"503","text":null},"of":"none","trunk":true}"#,
            r#"{"id":"4","other":-2.5,"end":{"code":404,"text":"long"},"of":[2],"trunk":"u"}"#,
        ];
        let values = [
            [Some("1"), Some("486"), Some("t")],
            [Some("22"), None, Some("")],
            [Some("3"), Some("503"), Some("true")],
            [Some("4"), Some("404"), Some("u")],
        ];
        for (number, (record, expected)) in records.iter().zip(values).enumerate() {
            let (text, mut found) = (format!("{record}{}", " ".repeat(ROOM)), [None; MOST]);
            let end = tree.read(text.as_bytes(), Holders::USUAL, None, &mut outlines, &mut found);
            assert_eq!((end, &found[..3]), (Some(record.len()), &expected[..]), "{record}");
            assert_eq!(
                (outlines.misses == 0, outlines.known.len()),
                (number > 1, 2.min(number + 1)),
                "{record}"
            );
        }
    }
}
