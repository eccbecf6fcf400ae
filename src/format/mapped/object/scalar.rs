//! Strings, numbers and words of JSON: where each ends, if it is one.

use fearless_simd::Simd;

use crate::format::scan;

/// A longer number is left to others: it may be too large for one.
const LONGEST_NUMBER: usize = 17;

/// Where the string ends that begins there, at its quote. Escapes are passed over where it is not wanted.
#[inline(always)]
pub fn string<S: Simd>(simd: S, text: &[u8], mut at: usize, is_wanted: bool) -> Option<usize> {
    loop {
        at += scan::find_stop(simd, text.get(at..)?)?;
        at += match text.get(at..)? {
            [b'"', ..] => return Some(at),
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] if !is_wanted => 2,
            // Not half of a pair.
            [b'\\', b'u', first, digits @ ..] if !is_wanted && !matches!(first, b'd' | b'D') => {
                let is_code = first.is_ascii_hexdigit() && digits.get(..3)?.iter().all(u8::is_ascii_hexdigit);
                if is_code { 6 } else { return None }
            }
            _ => return None,
        }
    }
}

pub fn literal(text: &[u8], at: usize, word: &[u8]) -> Option<(usize, usize, usize)> {
    let end = at + word.len();
    (text.get(at..end)? == word).then_some((at, end, end))
}

/// Where the number ends that begins there. One that is wanted is whole, and not negative: others are not written as they are read.
pub fn number(text: &[u8], at: usize, is_wanted: bool) -> Option<usize> {
    let digits = |from: usize| {
        text.get(from..).map_or(0, |rest| rest.iter().take_while(|it| it.is_ascii_digit()).count())
    };
    let begin = at + usize::from(text.get(at) == Some(&b'-'));
    let whole = digits(begin);
    if whole == 0 || whole > 1 && text.get(begin) == Some(&b'0') {
        return None;
    }
    let mut end = begin + whole;
    if text.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        end += 1 + fraction;
        if fraction == 0 || is_wanted {
            return None;
        }
    }
    let is_odd =
        matches!(text.get(end), Some(b'e' | b'E')) || end - at > LONGEST_NUMBER || is_wanted && begin > at;
    (!is_odd).then_some(end)
}
