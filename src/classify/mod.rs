//! A call to its verdict: which outcome it had and, if it failed, of which cause.
//!
//! Pure; the table stands in [`catalogue`], what a row of it may hold in [`entry`]. Records without a Microsoft code:
//! `ending`.

pub mod catalogue;
pub mod category;
pub mod words;
mod ending;
pub mod entry;
pub mod page;
pub mod phrase;
pub mod q850;
pub mod range;
pub mod sip;
pub mod standard;
pub mod table;

use std::borrow::Cow;

use crate::call::{CodePair, Outcome};
pub use catalogue::Catalogue;
pub use entry::{Entry, NetworkEffectiveness, Side};
pub use range::Range;
pub use standard::Standard;
pub use table::Refused;

/// What the catalogue makes of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict<'c> {
    pub outcome: Outcome,
    /// For an answered call no more than a hint: its phrase is not looked at.
    pub cause: Cause<'c>,
    /// The call's codes, with the Microsoft code filled in where phrase or rule name it.
    pub codes: CodePair,
}

/// The name of a cause, and where it came from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cause<'c> {
    /// A row of the catalogue.
    Listed(&'c Entry),
    /// Microsoft code 560xxx outside the catalogue: the SBC answered SIP xxx.
    SbcRefused(u16),
    /// A Microsoft code outside the catalogue, in a range that says something.
    Range(&'static Range),
    /// No Microsoft code, but a SIP code or Q.850 cause that a standard names.
    Standard(&'static Standard),
    /// A pair that nothing names.
    Unlisted,
}

impl<'c> Cause<'c> {
    /// The value of the `cause` label, at most [`table::MAXIMUM_CAUSE`] characters.
    pub fn name(&self) -> Cow<'c, str> {
        match self {
            Self::Listed(entry) => Cow::Borrowed(&entry.cause),
            Self::SbcRefused(sip) => Cow::Owned(match sip::reason(*sip) {
                Some(reason) => format!("SBC refused: {reason}"),
                None => format!("SBC refused: SIP {sip}"),
            }),
            Self::Range(range) => Cow::Borrowed(range.cause),
            Self::Standard(standard) => Cow::Borrowed(&standard.cause),
            Self::Unlisted => Cow::Borrowed("Unlisted"),
        }
    }

    /// The value of the `category` label.
    pub fn category(&self) -> &'c str {
        match self {
            Self::Listed(entry) => &entry.category,
            Self::SbcRefused(_) => "sbc_rejected",
            Self::Range(range) => range.category,
            Self::Standard(standard) => &standard.category,
            Self::Unlisted => "unlisted",
        }
    }

    /// Who can do something about it, if that is known.
    pub fn side(&self) -> Option<Side> {
        match self {
            Self::Listed(entry) => Some(entry.side),
            Self::SbcRefused(_) => Some(Side::Sbc),
            Self::Range(range) => range.side,
            Self::Standard(standard) => standard.side,
            Self::Unlisted => None,
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'c str {
        match self {
            Self::Listed(entry) => &entry.remedy,
            Self::SbcRefused(_) => {
                "The SBC, or the carrier behind it, gave this answer: read the SBC's log of such a call."
            }
            Self::Range(range) => range.remedy,
            Self::Standard(standard) => &standard.remedy,
            Self::Unlisted => {
                "Look the codes up in Microsoft's documentation, and add them to `causes:` in the config. Where the record \
                 has none, ask for the call by its correlation id."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sbc_refusals() {
        for (sip, name) in [
            (486, "SBC refused: Busy Here"),
            (302, "SBC refused: Moved Temporarily"),
            (555, "SBC refused: Push Notification Not Supported"),
            (499, "SBC refused: SIP 499"),
            (999, "SBC refused: SIP 999"),
        ] {
            assert_eq!(Cause::SbcRefused(sip).name(), name);
        }
    }

    #[test]
    fn every_name_fits_its_label() {
        for sip in 0..=u16::MAX {
            let name = Cause::SbcRefused(sip).name();
            assert!(name.chars().count() <= table::MAXIMUM_CAUSE, "{name}");
        }
    }
}
