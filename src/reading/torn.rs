//! The rest of a record whose beginning was never written, in a JSON array: nothing in it tells a string from what stands
//! between two, so it goes on to where a row begins for certain.

use super::stages::{Piece, Stages};
use crate::format::Decoded;
use crate::framing::{Framing, Place, Split};

/// In search of a row, a text is looked at so many times: what may be the beginning of one stands within another, and so on.
const TIMES_LOOKED_AT: usize = 16;

impl Stages {
    /// Goes on behind a hole; where cutting stood before it. Where lines end records, what is torn ends by itself.
    pub fn over_hole(&mut self) -> Place {
        let place = self.splitter.place();
        self.splitter.resume(place);
        self.is_torn = matches!(self.format.framing, Framing::Json(_))
            && matches!(place, Place::Within(nesting) if !nesting.is_in_object());
        place
    }

    /// Passes over what is torn, as one broken record.
    pub(super) fn pass_torn<'s>(&mut self, text: &[u8], finished: bool) -> Piece<'s> {
        let row = self.next_row(text);
        let next = match row {
            Some(begin) => begin,
            None if finished || text.len() > self.record_bytes => text.len(),
            None => return Piece::NeedMore,
        };
        if next == 0 {
            return Piece::NeedMore;
        }
        self.is_torn = row.is_none() && !finished;
        Piece::Record { decoded: Decoded::Rejected(self.format.broken), text: 0..next, next }
    }

    /// Where the first row begins that is a call, behind another that ends there.
    fn next_row(&self, text: &[u8]) -> Option<usize> {
        let mut decoder = self.decoder_like();
        let (mut at, mut left) = (0, TIMES_LOOKED_AT * text.len());
        while let Some(begin) = memchr::memchr2(b'{', b'[', &text[at..]).map(|found| at + found) {
            at = begin + 1;
            let before = text[..begin].trim_ascii_end().strip_suffix(b",").map(<[u8]>::trim_ascii_end);
            if before.is_none_or(|row| !matches!(row.last(), Some(b'}' | b']'))) {
                continue;
            }
            let split = self.splitter.clone().next(&text[begin..], false);
            if let Split::Record { start, end, .. } = split
                && matches!(decoder.decode(&text[begin + start..begin + end]), Decoded::Call(_))
            {
                return Some(begin);
            }
            left = left.checked_sub(match split {
                Split::NeedMore => text.len() - begin,
                Split::Record { next, .. }
                | Split::Broken { next, .. }
                | Split::TooLong { next }
                | Split::Skip { next } => next,
            })?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;
    use crate::reading::Options;

    #[test]
    fn rows_within_rows_within_rows_are_not_all_looked_at() {
        let stages = Stages::new(Format::named("graph").unwrap(), Options::default());
        let text = r#"[{},{"x":"#.repeat(60_000) + &"}]".repeat(60_000);
        assert_eq!(stages.next_row(text.as_bytes()), None);
    }
}
