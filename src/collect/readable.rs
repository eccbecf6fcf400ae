//! Text from elsewhere made fit for a log: one line, without what looks like an address or a number of a person.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What has digits and may be shown, and what may be a telephone number: seven digits or more, whatever is written between
/// them. GUIDs and times are what Microsoft's support asks for.
static DIGITS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let parts = [
        r"(?<shown>\b[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\b",
        r"\b(?:(?:19|20)\d\d-[01]\d-[0-3]\d|\d{1,2}/\d{1,2}/20\d\d)(?:[T ]\d{1,2}:\d\d(?::\d\d(?:\.\d{1,9})?)?)?(?:Z|\b)",
        r"AADSTS\d+\b)",
        r"\+?\d(?:[\s.()/\p{Pd}\p{Cf}]*\d){6,}",
    ];
    Regex::new(&parts.join("|")).ok()
});

/// One line of a text from elsewhere: no control characters, not too long, and nothing that looks like an address or
/// a number of a person.
pub fn readable(text: &str, longest: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    let line = without_numbers(&line);
    let is_personal = |word: &str| {
        word.contains('@') || (word.contains('+') && word.chars().filter(char::is_ascii_digit).count() > 4)
    };
    let words = line.split(' ').map(|word| if is_personal(word) { HIDDEN } else { word });
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

const HIDDEN: &str = "(hidden)";

fn without_numbers(line: &str) -> String {
    let shown = |found: &Captures| found.name("shown").map_or(HIDDEN, |text| text.as_str()).to_owned();
    // The pattern is a constant, and valid: a test asks it.
    let digits = DIGITS.as_ref();
    digits.map_or_else(|| HIDDEN.to_owned(), |digits| digits.replace_all(line, shown).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephone_numbers_are_hidden_however_they_are_written() {
        for number in [
            "+493012345",
            "+49 30 1234567",
            "+49301 234567",
            "+1 (425) 555-0100",
            "(425) 555-0100",
            "425.555.0100",
            "030/123456",
            "0301234567",
            "0049\u{a0}30\u{2011}1234567",
            "+49\r\n30\t1234567",
            "+12012-12-12",
            "4 2 5 5 5 5 0 1 0 0",
        ] {
            let said = readable(&format!("User {number} is denied, tel:{number}"), 400);
            let digits = said.chars().filter(|c| c.is_numeric()).count();
            assert!(digits == 0 && said.contains("(hidden)") && said.ends_with(')'), "{number}: {said}");
        }
    }

    #[test]
    fn what_support_asks_for_is_shown() {
        for text in [
            "AADSTS7000215: Invalid client secret provided for app '00000000-0000-0000-0000-000000000000'.",
            "Trace ID: 12345678-1234-1234-1234-123456789012 Correlation ID: d1000000-05ec-4a1b-8c2d-00000000000a",
            "Timestamp: 2026-11-20 10:15:02Z",
            "between 2026-11-20T10:15:02.1234567Z and 2026-11-21",
            "on 11/20/2026 10:15:02",
            "Retry in 120 seconds, error 53003, at 10.1.2.3",
        ] {
            assert_eq!(readable(text, 400), text);
        }
        assert_eq!(readable(&"é ".repeat(9), 3), "é é…");
    }
}
