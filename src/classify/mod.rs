//! A call to its verdict: which outcome it had and, if it failed, of which cause.
//!
//! Pure; the tables stand in [`catalogue`].

pub mod catalogue;

use crate::call::{Call, CodePair, Outcome};
pub use catalogue::{Catalogue, Entry};

/// What the catalogue makes of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict<'c> {
    pub outcome: Outcome,
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
    /// A pair that nothing names.
    Unlisted,
}
