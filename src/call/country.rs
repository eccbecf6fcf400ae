//! Countries, and which one a telephone number belongs to. The number itself is kept nowhere.

use std::fmt;
use std::sync::LazyLock;

/// A country by the two capital letters of ISO 3166-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// Calling codes of ITU-T E.164, each with its country. Where countries share one (`1`), the digits behind it tell them
/// apart.
const CALLING_CODES: &str = include_str!("calling_codes.txt");

/// The longest calling code.
const DIGITS: usize = 4;

/// The country of every number that begins with these four digits.
static BY_DIGITS: LazyLock<Vec<Option<Country>>> = LazyLock::new(|| {
    let mut by_digits = vec![None; numbers_of(DIGITS)];
    let mut codes: Vec<_> =
        rows().flat_map(|(country, codes)| codes.map(move |code| (code, country))).collect();
    // A longer code is an exception from a shorter one.
    codes.sort_by_key(|(code, _)| code.len());
    for (code, country) in codes {
        let width = numbers_of(DIGITS.saturating_sub(code.len()));
        let first = code.parse().unwrap_or(0) * width;
        by_digits[first..first + width].fill(Some(country));
    }
    by_digits
});

/// Which two letters are those of a country that can be called: the first letter's 26, then the next one's.
static BY_LETTERS: LazyLock<[bool; LETTERS * LETTERS]> = LazyLock::new(|| {
    let mut by_letters = [false; LETTERS * LETTERS];
    for (Country(code), _) in rows() {
        if let Some(place) = place_of(code) {
            by_letters[place] = true;
        }
    }
    by_letters
});

const LETTERS: usize = 26;

/// The place of two capital letters.
fn place_of([first, second]: [u8; 2]) -> Option<usize> {
    let is_letter = first.is_ascii_uppercase() && second.is_ascii_uppercase();
    is_letter.then(|| usize::from(first - b'A') * LETTERS + usize::from(second - b'A'))
}

/// How many numbers have so many digits.
fn numbers_of(digits: usize) -> usize {
    (0..digits).map(|_| 10).product()
}

/// Each country with its calling codes.
fn rows() -> impl Iterator<Item = (Country, impl Iterator<Item = &'static str>)> {
    CALLING_CODES.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((Country(words.next()?.as_bytes().try_into().ok()?), words))
    })
}

impl Country {
    /// The country of a number in E.164, of which digits at the end may be masked.
    pub fn of_number(number: &[u8]) -> Option<Self> {
        let digits: [u8; DIGITS] = *number.strip_prefix(b"+")?.first_chunk()?;
        let value = digits.iter().try_fold(0, |value, digit| {
            digit.is_ascii_digit().then(|| value * 10 + usize::from(digit - b'0'))
        })?;
        BY_DIGITS.get(value).copied().flatten()
    }

    /// The country of these two letters, if it is one that can be called.
    pub fn of_code(code: &[u8]) -> Option<Self> {
        let code = <[u8; 2]>::try_from(code).ok()?.map(|letter| letter.to_ascii_uppercase());
        BY_LETTERS[place_of(code)?].then_some(Self(code))
    }

    /// The value of the `country` label.
    pub fn label(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn of(number: &str) -> Option<String> {
        Country::of_number(number.as_bytes()).map(|country| country.label().to_owned())
    }

    #[test]
    fn a_number_shows_its_country() {
        for (number, country) in [
            ("+1425555****", "US"),
            ("+1800555****", "US"),
            ("+1416555****", "CA"),
            ("+1876555****", "JM"),
            ("+4930****", "DE"),
            ("+44207*****", "GB"),
            ("+7495*****", "RU"),
            ("+7701*****", "KZ"),
            ("+3585*****", "FI"),
            ("+8861*****", "TW"),
        ] {
            assert_eq!(of(number).as_deref(), Some(country), "{number}");
        }
    }

    #[test]
    fn what_is_no_number_in_e164_has_no_country() {
        for number in [
            "",
            "+",
            "112",
            "0049301234",
            "+49*",
            "+49 30",
            "sip:+4930123@contoso.com",
            "+8001234",
            "+999123",
        ] {
            assert_eq!(of(number), None, "{number}");
        }
    }

    #[test]
    fn only_countries_that_can_be_called_are_taken_from_a_field() {
        assert_eq!(Country::of_code(b"de").map(|country| country.label().to_owned()).as_deref(), Some("DE"));
        for code in [&b""[..], b"D", b"DEU", b"ZZ", b"4 ", "Ö".as_bytes()] {
            assert_eq!(Country::of_code(code), None);
        }
    }

    #[test]
    fn no_calling_code_is_there_twice() {
        let mut seen = HashSet::new();
        for (country, codes) in rows() {
            for code in codes {
                let is_code =
                    (1..=DIGITS).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
                assert!(is_code && seen.insert(code), "{country:?} {code}");
            }
        }
        assert!(seen.len() > 280);
    }
}
