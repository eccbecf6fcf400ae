//! How a call ended by a record that has no Microsoft code: an SBC writes SIP code, Q.850 cause and, of what Microsoft
//! said, at most a piece of its Reason header.
//!
//! The first that names something decides:
//!
//! 1. The record's own success flag.
//! 2. SIP code and Microsoft's phrase behind the GUID, as [`super::catalogue`] looks them up. That a call was completed
//!    elsewhere, the SBC itself tells Microsoft: SIP cause 200.
//! 3. On a call to the PSTN that the SBC side refused: Microsoft code 560000 and the SIP code.
//! 4. The SIP code, then the Q.850 cause, by their standards.

use super::catalogue::sbc_refusal_outcome;
use super::{Catalogue, Cause, Entry, Verdict, q850, range, sip};
use crate::call::{CodePair, Outcome};
use crate::reason_header::{self, Protocol};

/// What a record without a Microsoft code tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ending<'r> {
    /// The record's own success flag. `Some(true)` wins over any code.
    pub succeeded: Option<bool>,
    pub sip: Option<u16>,
    pub q850: Option<u16>,
    /// A Reason header, whole or cut, `""` when the record has none.
    pub reason: &'r str,
    pub refused_by: RefusedBy,
}

/// Who gave the final answer to a call that was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefusedBy {
    /// The SBC, or the PSTN behind it, to a call from Teams.
    SbcSide,
    /// Teams, to a call from the PSTN.
    Teams,
    /// The record does not tell which side is Teams.
    #[default]
    Unknown,
}

impl Catalogue {
    /// Which outcome such a call had and of which cause. The verdict has a Microsoft code when it follows.
    pub fn classify_ending(&self, ending: &Ending<'_>) -> Verdict<'_> {
        if ending.succeeded == Some(true) {
            let codes = CodePair { microsoft: None, sip: ending.sip };
            return Verdict { outcome: Outcome::Answered, cause: Cause::Unlisted, codes };
        }
        let by_phrase = ending.sip.and_then(|sip| self.by_reason(sip, ending.reason));
        if let Some(entry) = by_phrase.filter(|entry| entry.outcome != Outcome::Answered) {
            return listed(entry, ending.sip);
        }
        let refused = ending.sip.filter(|_| ending.refused_by == RefusedBy::SbcSide);
        match refused.and_then(|sip| Some((sip, range::of_sbc_refusal(sip)?))) {
            Some((sip, microsoft)) => self.refused_by_sbc(sip, microsoft),
            None => by_standards(ending),
        }
    }

    fn by_reason(&self, sip_code: u16, header: &str) -> Option<&Entry> {
        reason_header::phrases(header).find_map(|said| self.by_phrase(sip_code, said.phrase, said.is_cut))
    }

    fn refused_by_sbc(&self, sip: u16, microsoft: u64) -> Verdict<'_> {
        match self.by_codes(microsoft, sip, &"".into()) {
            Some(entry) => listed(entry, Some(sip)),
            None => Verdict {
                outcome: sbc_refusal_outcome(sip),
                cause: Cause::SbcRefused(sip),
                codes: CodePair { microsoft: Some(microsoft), sip: Some(sip) },
            },
        }
    }
}

fn listed(entry: &Entry, sip: Option<u16>) -> Verdict<'_> {
    let codes = CodePair { microsoft: Some(entry.microsoft_code), sip };
    Verdict { outcome: entry.outcome, cause: Cause::Listed(entry), codes }
}

/// By SIP code, then by Q.850 cause.
pub(super) fn by_standards(ending: &Ending<'_>) -> Verdict<'static> {
    let codes = CodePair { microsoft: None, sip: ending.sip };
    let by_sip = ending.sip.and_then(sip::standard);
    let in_header = || {
        let mut values = reason_header::values(ending.reason);
        values.find(|reason| reason.protocol == Protocol::Q850).and_then(|reason| reason.cause)
    };
    let by_q850 = || ending.q850.or_else(in_header).and_then(q850::standard);
    let Some(standard) = by_sip.or_else(by_q850) else {
        return Verdict { outcome: Outcome::Failed, cause: Cause::Unlisted, codes };
    };
    let outcome = match standard.outcome {
        // 408 and 480 also stand in a record when nobody answered the SBC at all: only of the called side they say
        // that it rang there.
        Outcome::NoAnswer if by_sip.is_some() && ending.refused_by == RefusedBy::Unknown => Outcome::Failed,
        // The codes of an answer, but the record says that the call failed.
        Outcome::Answered if ending.succeeded == Some(false) => {
            return Verdict { outcome: Outcome::Failed, cause: Cause::Unlisted, codes };
        }
        outcome => outcome,
    };
    Verdict { outcome, cause: Cause::Standard(standard), codes }
}

#[cfg(test)]
mod tests;
