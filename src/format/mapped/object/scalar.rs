//! Strings, numbers and words of JSON: where each ends, if it is one.

use fearless_simd::Simd;

use crate::format::scan;

/// A longer number is left to others: it may be too large for one.
const LONGEST_NUMBER: usize = 17;

/// Where the string ends that begins there, at its quote. Escapes are passed over where it is not to be `plain`.
#[inline(always)]
pub fn string<S: Simd>(simd: S, text: &[u8], mut at: usize, plain: bool) -> Option<usize> {
    loop {
        at += scan::find_stop(simd, text.get(at..)?)?;
        at += match text.get(at..)? {
            [b'"', ..] => return Some(at),
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] if !plain => 2,
            // Not half of a pair.
            [b'\\', b'u', first, digits @ ..] if !plain && !matches!(first, b'd' | b'D') => {
                let is_code = first.is_ascii_hexdigit() && digits.get(..3)?.iter().all(u8::is_ascii_hexdigit);
                if is_code { 6 } else { return None }
            }
            _ => return None,
        }
    }
}

/// Puts what a string means into `plain`, in the place of what was there; `None` where it has an escape that [`string`] does not pass.
pub fn unescape(string: &str, plain: &mut String) -> Option<()> {
    plain.clear();
    let mut rest = string;
    while let Some((before, escape)) = rest.split_once('\\') {
        plain.push_str(before);
        let (letter, length) = match escape.as_bytes().first()? {
            b'b' => ('\u{8}', 1),
            b'f' => ('\u{c}', 1),
            b'n' => ('\n', 1),
            b'r' => ('\r', 1),
            b't' => ('\t', 1),
            b'u' => (char::from_u32(u32::from_str_radix(escape.get(1..5)?, 16).ok()?)?, 5),
            letter @ (b'"' | b'\\' | b'/') => (char::from(*letter), 1),
            _ => return None,
        };
        plain.push(letter);
        rest = &escape[length..];
    }
    plain.push_str(rest);
    Some(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_means_what_a_reader_of_json_says() {
        let mut plain = "left from before".to_owned();
        for string in
            [r"", r"as it is, ü", r#"\"a\" \\ \/ \b\f\n\r\t"#, r"\u0041\u00fc\u20AC", r#"text=\"a;b\""#]
        {
            unescape(string, &mut plain).unwrap();
            assert_eq!(plain, serde_json::from_str::<String>(&format!("\"{string}\"")).unwrap());
        }
        for string in [r"\", r"\x", r"\u12", r"\u12é4", r"\ud83d"] {
            assert_eq!(unescape(string, &mut plain), None, "{string}");
        }
    }
}
