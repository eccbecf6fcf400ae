//! The causes of ITU-T Q.850 (`q850.csv`), as ISDN and many SBCs tell them. A Q.850 cause is never a SIP code.

use std::sync::LazyLock;

use super::standard::{self, Standard};

/// What a Q.850 cause means, if the recommendation has it.
pub fn standard(cause: u16) -> Option<&'static Standard> {
    standard::find(&CAUSES, cause)
}

/// Every cause of the recommendation.
pub fn all() -> &'static [Standard] {
    &CAUSES
}

#[expect(clippy::expect_used, reason = "build.rs has read the same text by the same code")]
static CAUSES: LazyLock<Vec<Standard>> =
    LazyLock::new(|| standard::read(include_str!("q850.csv")).expect("build.rs has checked q850.csv"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Outcome;

    #[test]
    fn outcomes() {
        for (cause, name, outcome) in [
            (1, "Unallocated (unassigned) number", Outcome::Failed),
            (16, "Normal call clearing", Outcome::Cancelled),
            (17, "User busy", Outcome::Busy),
            (19, "No answer from user (user alerted)", Outcome::NoAnswer),
            (21, "Call rejected", Outcome::Declined),
            (26, "Non-selected user clearing", Outcome::Elsewhere),
            (127, "Interworking, unspecified", Outcome::Failed),
        ] {
            let row = standard(cause).unwrap_or_else(|| panic!("{cause} is missing"));
            assert_eq!((row.cause.as_str(), row.outcome), (name, outcome), "{cause}");
        }
        assert_eq!([0, 10, 128, 486].map(|cause| standard(cause).is_none()), [true; 4]);
    }

    #[test]
    fn causes_have_seven_bits() {
        assert!(all().iter().all(|row| (1..=127).contains(&row.code)));
    }
}
