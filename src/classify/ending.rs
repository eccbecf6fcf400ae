//! How a call ended by a record that has no Microsoft code: an SBC writes SIP code, Q.850 cause and, of what Microsoft
//! said, at most a piece of its Reason header.
//!
//! The first that names something decides:
//!
//! 1. The record's own success flag.
//! 2. SIP code and Microsoft's phrase, as [`super::catalogue`] looks them up. That a call was completed elsewhere, the SBC
//!    itself tells Microsoft: SIP cause 200.
//! 3. On a call to the PSTN that the SBC side refused: Microsoft code 560000 and the SIP code.
//! 4. The SIP code, then the Q.850 cause, by their standards.
//!
//! 408 and 480 say that nobody answered only where the called side gave them: where the record says that the SBC itself or
//! the caller ended the call, or does not tell the sides apart, the call failed, unless the Q.850 cause says that it rang.

use super::catalogue::sbc_refusal_outcome;
use super::{Catalogue, Cause, Entry, Verdict, q850, range, sip};
use crate::call::{Call, CodePair, Outcome, RefusedBy};

impl Catalogue {
    /// Rules 3 and 4, for a call that neither its own flag nor a phrase explains.
    pub(super) fn by_side(&self, call: &Call<'_>) -> Verdict<'_> {
        let is_of_sbc = matches!(call.codes.refused_by, RefusedBy::SbcSide | RefusedBy::Sbc);
        let sip = call.codes.sip.filter(|_| is_of_sbc);
        match sip.and_then(|sip| Some((sip, range::of_sbc_refusal(sip)?))) {
            Some((sip, microsoft)) => self.refused_by_sbc(sip, microsoft, call),
            None => by_standards(call),
        }
    }

    fn refused_by_sbc(&self, sip: u16, microsoft: u64, call: &Call<'_>) -> Verdict<'_> {
        let rang = call.codes.refused_by == RefusedBy::SbcSide || call.codes.q850 == Some(ALERTED);
        let is_told = |outcome| outcome != Outcome::NoAnswer || rang;
        match self.by_codes(microsoft, sip, &"".into()).filter(|entry| is_told(entry.outcome)) {
            Some(entry) => listed(entry, Some(sip)),
            None => Verdict {
                outcome: Some(sbc_refusal_outcome(sip)).filter(|it| is_told(*it)).unwrap_or(Outcome::Failed),
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

/// ITU-T Q.850, cause 19: no answer from user, user alerted.
const ALERTED: u8 = 19;

/// By SIP code, then by Q.850 cause.
fn by_standards(call: &Call<'_>) -> Verdict<'static> {
    let codes = call.codes.pair();
    let by_sip = codes.sip.and_then(sip::standard);
    let by_q850 = || call.codes.q850.map(u16::from).and_then(q850::standard);
    let Some(standard) = by_sip.or_else(by_q850) else {
        let outcome = match (call.succeeded, codes.sip) {
            (None, Some(0 | 200..=299)) => Outcome::Answered,
            _ => Outcome::Failed,
        };
        return Verdict { outcome, cause: Cause::Unlisted, codes };
    };
    let outcome = match standard.outcome {
        // 408 and 480 also stand in a record when nobody answered the SBC at all: only of the called side they say
        // that it rang there, or where the network says so.
        Outcome::NoAnswer
            if by_sip.is_some()
                && call.codes.refused_by == RefusedBy::Unknown
                && call.codes.q850 != Some(ALERTED) =>
        {
            Outcome::Failed
        }
        // The codes of an answer, but the record says that the call failed.
        Outcome::Answered if call.succeeded == Some(false) => {
            return Verdict { outcome: Outcome::Failed, cause: Cause::Unlisted, codes };
        }
        outcome => outcome,
    };
    Verdict { outcome, cause: Cause::Standard(standard), codes }
}

#[cfg(test)]
mod tests;
