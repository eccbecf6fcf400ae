//! The SIP response codes (`sip.csv`): RFC 3261, and the IANA registry of SIP response codes for those that later RFCs
//! added.

use std::sync::LazyLock;

use super::standard::{self, Standard};

/// What a SIP response code means, if it is registered.
pub fn standard(code: u16) -> Option<&'static Standard> {
    standard::find(&CODES, code)
}

/// The reason phrase of a SIP response code, if it is registered.
pub fn reason(code: u16) -> Option<&'static str> {
    standard(code).map(|standard| standard.cause.as_str())
}

/// Every registered code.
pub fn all() -> &'static [Standard] {
    &CODES
}

/// What the first digit of a SIP response code says (RFC 3261, section 7.2).
pub fn class(code: u16) -> &'static str {
    match code / 100 {
        1 => "the request goes on",
        2 => "success",
        3 => "the call should go to another address",
        4 => "the request was refused as it stands",
        5 => "a server failed on the request",
        6 => "refused, wherever the call might go",
        _ => "no SIP error: a normal end, or an end before any final response",
    }
}

// 555 is registered as "Push Notification Service Not Supported", too long for a label of 48 characters.
#[expect(clippy::expect_used, reason = "build.rs has read the same text by the same code")]
static CODES: LazyLock<Vec<Standard>> =
    LazyLock::new(|| standard::read(include_str!("sip.csv")).expect("build.rs has checked sip.csv"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Outcome;

    #[test]
    fn reasons() {
        for (code, expected) in [
            (100, Some("Trying")),
            (486, Some("Busy Here")),
            (504, Some("Server Time-out")),
            (608, Some("Rejected")),
            (409, None),
            (0, None),
            (999, None),
        ] {
            assert_eq!(reason(code), expected, "{code}");
        }
    }

    /// As the issue of a call is told when nobody at Microsoft tells it.
    #[test]
    fn outcomes() {
        for (codes, outcome) in [
            (&[200][..], Outcome::Answered),
            (&[486, 600], Outcome::Busy),
            (&[408, 480], Outcome::NoAnswer),
            (&[487], Outcome::Cancelled),
            (&[603, 607], Outcome::Declined),
            (&[302, 403, 404, 488, 503, 604], Outcome::Failed),
        ] {
            for code in codes {
                assert_eq!(standard(*code).map(|row| row.outcome), Some(outcome), "{code}");
            }
        }
    }

    #[test]
    fn all_75_registered_codes_are_there() {
        let by_class = |class| all().iter().filter(|row| row.code / 100 == class).count();
        assert_eq!([1, 2, 3, 4, 5, 6].map(by_class), [6, 3, 5, 46, 9, 6]);
    }
}
