//! How two phrases compare: without case, white space at the ends or doubled, or a final full stop, and with
//! "cancelled" the same as "canceled". Nothing here allocates.

/// Whether two phrases say the same.
pub fn same(left: &str, right: &str) -> bool {
    letters(left).eq(letters(right))
}

/// The first character of those that count. Phrases that begin with different ones say different things, which is soon found.
pub fn first_letter(phrase: &str) -> Option<char> {
    match phrase.as_bytes() {
        [letter @ (b'A'..=b'Z' | b'a'..=b'z'), ..] => Some(char::from(letter.to_ascii_lowercase())),
        _ => letters(phrase).next(),
    }
}

/// Whether `whole` begins with `beginning`, which something cut short: a blank at its end is one of `whole`, too.
pub fn begins(whole: &str, beginning: &str) -> bool {
    let mut whole = letters(whole);
    letters(beginning).all(|letter| whole.next() == Some(letter))
        && (!ends_in_blank(beginning) || whole.next() == Some(' '))
}

/// How many characters of a beginning take part in a comparison.
pub fn length(beginning: &str) -> usize {
    letters(beginning).count() + usize::from(ends_in_blank(beginning))
}

/// Whether a phrase was cut behind the blank between two words.
fn ends_in_blank(beginning: &str) -> bool {
    let words = beginning.trim_end();
    words.len() < beginning.len() && !words.is_empty() && !words.ends_with('.')
}

/// The number after `HRESULT=`, hexadecimal or decimal. Some components print the same 32 bits as a negative
/// number, so it is taken as bits.
pub fn hresult(phrase: &str) -> Option<u32> {
    const NAME: &str = "HRESULT=";
    let start =
        phrase.as_bytes().windows(NAME.len()).position(|part| part.eq_ignore_ascii_case(NAME.as_bytes()))?;
    let number = phrase[start + NAME.len()..].trim_start();
    if let Some(hexadecimal) = number.strip_prefix("0x").or_else(|| number.strip_prefix("0X")) {
        return u32::from_str_radix(leading(hexadecimal, |letter| letter.is_ascii_hexdigit()), 16).ok();
    }
    match number.strip_prefix('-') {
        Some(magnitude) => {
            leading(magnitude, |letter| letter.is_ascii_digit()).parse().ok().map(u32::wrapping_neg)
        }
        None => leading(number, |letter| letter.is_ascii_digit()).parse().ok(),
    }
}

fn leading(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    &text[..text.find(|letter| !belongs(letter)).unwrap_or(text.len())]
}

/// The characters that count.
fn letters(phrase: &str) -> impl Iterator<Item = char> {
    let phrase = phrase.trim_end_matches(|letter: char| letter == '.' || letter.is_whitespace());
    let words = phrase.split_whitespace().enumerate();
    let spaced = words.flat_map(|(place, word)| (place > 0).then_some(' ').into_iter().chain(word.chars()));
    spaced.map(|letter| letter.to_ascii_lowercase()).filter(british_spelling())
}

/// Drops the second `l` after "cancel".
fn british_spelling() -> impl FnMut(&char) -> bool {
    const STEM: [char; 6] = ['c', 'a', 'n', 'c', 'e', 'l'];
    let mut matched = 0;
    move |letter| {
        let doubled = matched == STEM.len() && *letter == 'l';
        matched = match STEM.get(matched) {
            Some(expected) if expected == letter => matched + 1,
            _ => usize::from(*letter == STEM[0]),
        };
        !doubled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_phrase_in_other_spellings() {
        for (left, right) in [
            ("Call blocked", "call BLOCKED"),
            ("Call blocked", "Call blocked."),
            ("Call blocked", "  Call \t blocked . "),
            ("Call was canceled on timeout", "Call was cancelled on timeout"),
            ("CANCELLED", "canceled"),
            ("", " . "),
        ] {
            assert!(same(left, right), "{left:?} and {right:?}");
        }
    }

    #[test]
    fn other_phrases() {
        for (left, right) in [
            ("Call blocked", "Callblocked"),
            ("Call blocked", "Call block"),
            ("Call blocked", ""),
            ("5.0", "50"),
            ("excelled", "exceled"),
        ] {
            assert!(!same(left, right), "{left:?} and {right:?}");
        }
    }

    #[test]
    fn beginnings() {
        assert!(begins("Call was canceled for this user", "call was cancell"));
        assert!(begins("No callee endpoints were found", "No callee"));
        assert!(!begins("No callee", "No callee endpoints were found"));
        assert!(!begins("No callee endpoints", "No calls"));
        for (whole, beginning, expected) in [
            ("No trunk config", "No trunk ", true),
            ("No trunks", "No trunk ", false),
            ("One. Two", "One. ", true),
        ] {
            assert_eq!(begins(whole, beginning), expected, "{whole}: {beginning}");
        }
        assert_eq!(["No trunk ", "No trunk", " ", "One. "].map(length), [9, 8, 0, 3]);
    }

    #[test]
    fn hresults() {
        for (phrase, number) in [
            ("TLS failed; HRESULT=0x80096004", Some(0x8009_6004)),
            ("TLS failed; hresult=0X80096004.", Some(0x8009_6004)),
            ("HRESULT=590615", Some(590_615)),
            ("HRESULT=-2146893019", Some(0x8009_0325)),
            ("HRESULT= 0x80090325 SEC_E_UNTRUSTED_ROOT", Some(0x8009_0325)),
            ("HRESULT=", None),
            ("HRESULT=0x", None),
            ("HRESULT=0x800903251", None),
            ("é HRESULT=é", None),
            ("no number", None),
        ] {
            assert_eq!(hresult(phrase), number, "{phrase:?}");
        }
    }
}
