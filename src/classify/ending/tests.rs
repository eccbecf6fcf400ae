//! Endings as SBCs write them, and what they come to.

use super::*;
use crate::call::{Attempt, Codes, Detail, Direction, RecordId, Unread, Words};
use crate::reason_header;

const GUID: &str = "5e19725b-7fad-4e89-bae3-dfc5df88bb96";

fn microsoft(phrase: &str) -> String {
    format!(r#"Q.850;cause=31;text="{GUID};{phrase}""#)
}

/// What the record of an SBC tells of an ending.
#[derive(Debug, Clone, Copy, Default)]
struct Ending<'r> {
    succeeded: Option<bool>,
    sip: Option<u16>,
    q850: Option<u8>,
    /// A Reason header.
    reason: &'r str,
    refused_by: RefusedBy,
}

impl<'r> Ending<'r> {
    fn call(&self) -> Call<'r> {
        let Self { succeeded, sip, refused_by, reason, .. } = *self;
        let told = reason_header::read(reason);
        Call {
            record_id: RecordId(1),
            trunk: "".into(),
            direction: Direction::Unknown,
            succeeded,
            codes: Codes {
                microsoft: None,
                sip,
                q850: self.q850.or(told.q850),
                text: told.phrase().into(),
                words: told.words(),
                refused_by,
            },
            ended_at: None,
            duration_seconds: None,
            attempt: Attempt::Only,
            unread: Unread::default(),
            detail: Detail::default(),
        }
    }
}

/// What an ending comes to: outcome, cause, Microsoft code.
fn told(ending: &Ending<'_>) -> (Outcome, String, Option<u64>) {
    let catalogue = Catalogue::built_in();
    let call = ending.call();
    let verdict = catalogue.classify(&call);
    assert_eq!(verdict.codes.sip, ending.sip, "{ending:?}");
    (verdict.outcome, verdict.cause.name().into_owned(), verdict.codes.microsoft)
}

#[test]
fn by_the_phrase_of_microsoft() {
    for (sip, phrase, expected) in [
        (
            480,
            "No callee endpoints were found.",
            (Outcome::Failed, "No callee endpoints were found", Some(10_037)),
        ),
        (
            403,
            "Current call site state prevents fork to this entity.",
            (Outcome::Failed, "Call site state prevents fork", Some(10_500)),
        ),
        (486, "The called number was busy", (Outcome::Busy, "Called number was busy", Some(540_486))),
        // Documented for a refusal of the SBC, which this one was not.
        (403, "Forbidden; Call rejected", (Outcome::Failed, "Forbidden", None)),
        (
            408,
            "SBC indicated that the user did not respond (request timeout)",
            (Outcome::NoAnswer, "Request Timeout", None),
        ),
        // Whole, and no phrase of the catalogue, though one begins so.
        (403, "Call rejected", (Outcome::Failed, "Forbidden", None)),
        // Of several Microsoft codes: none.
        (420, "Bad Extension", (Outcome::Failed, "Bad Extension", None)),
        // Not documented.
        (486, "User is busy and currently active on another call.", (Outcome::Busy, "Busy Here", None)),
    ] {
        let header = microsoft(phrase);
        let ending =
            Ending { sip: Some(sip), reason: &header, refused_by: RefusedBy::Teams, ..Ending::default() };
        let (outcome, cause, code) = expected;
        assert_eq!(told(&ending), (outcome, cause.to_owned(), code), "{sip} {phrase}");
    }
}

#[test]
fn by_a_phrase_that_is_cut() {
    for (sip, phrase, code) in [
        (480, "No callee", Some(10_037)),
        (480, "No calle", None),
        (403, "Call rejected", Some(10_199)),
        (403, "User is not Ent", Some(510_560)),
        (504, "Unable to", None),
        (403, "Forbidden", None),
    ] {
        let header = microsoft(phrase);
        let cut = header.trim_end_matches('"');
        let ending =
            Ending { sip: Some(sip), reason: cut, refused_by: RefusedBy::Teams, ..Ending::default() };
        assert_eq!(told(&ending).2, code, "{sip} {cut}");
    }
}

/// The device leaves nine characters, and the blank behind a word is one of them.
#[test]
fn by_a_phrase_that_is_cut_behind_a_word() {
    for (sip, phrase, code) in [
        (403, "No trunk ", Some(510_532)),
        (500, "Internal ", Some(540_500)),
        (403, "No trunk", None),
        (480, "No ", None),
    ] {
        let ending = Ending { sip: Some(sip), refused_by: RefusedBy::Teams, ..Ending::default() };
        let mut call = ending.call();
        (call.codes.text, call.codes.words) = (phrase.into(), Words::MicrosoftCut);
        assert_eq!(Catalogue::built_in().classify(&call).codes.microsoft, code, "{sip} {phrase}");
    }
}

/// A carrier's text may begin like a phrase of Microsoft.
#[test]
fn a_text_without_a_guid_is_not_looked_up() {
    for header in [
        r#"Q.850;cause=21;text="Call rejected as private calling is disabled for the callee""#,
        r#"Q.850;cause=21;text="Call rejected"#,
        "No callee endpoints were found",
    ] {
        let ending = Ending { sip: Some(403), reason: header, ..Ending::default() };
        assert_eq!(told(&ending), (Outcome::Failed, "Forbidden".to_owned(), None), "{header}");
    }
}

#[test]
fn by_the_rule_of_560000() {
    for (sip, refused_by, expected) in [
        (403, RefusedBy::SbcSide, (Outcome::Failed, "Forbidden; Call rejected", Some(560_403))),
        (486, RefusedBy::SbcSide, (Outcome::Busy, "Called number was busy", Some(560_486))),
        (480, RefusedBy::SbcSide, (Outcome::NoAnswer, "No answer", Some(560_480))),
        (502, RefusedBy::SbcSide, (Outcome::Failed, "SBC refused: Bad Gateway", Some(560_502))),
        (600, RefusedBy::SbcSide, (Outcome::Busy, "SBC refused: Busy Everywhere", Some(560_600))),
        // No called side said that nobody answered.
        (480, RefusedBy::Sbc, (Outcome::Failed, "SBC refused: Temporarily Unavailable", Some(560_480))),
        (408, RefusedBy::Sbc, (Outcome::Failed, "User did not respond (request timeout)", Some(560_408))),
        (486, RefusedBy::Sbc, (Outcome::Busy, "Called number was busy", Some(560_486))),
        (503, RefusedBy::Sbc, (Outcome::Failed, "SBC overloaded or in maintenance", Some(560_503))),
        // Only when the record tells.
        (403, RefusedBy::Teams, (Outcome::Failed, "Forbidden", None)),
        (403, RefusedBy::Unknown, (Outcome::Failed, "Forbidden", None)),
        (403, RefusedBy::Called, (Outcome::Failed, "Forbidden", None)),
        // Nothing was refused.
        (200, RefusedBy::SbcSide, (Outcome::Answered, "OK", None)),
        (183, RefusedBy::SbcSide, (Outcome::Failed, "Session Progress", None)),
    ] {
        let ending = Ending { sip: Some(sip), refused_by, ..Ending::default() };
        let (outcome, cause, code) = expected;
        assert_eq!(told(&ending), (outcome, cause.to_owned(), code), "{sip} {refused_by:?}");
    }
}

#[test]
fn by_the_standards() {
    let sip = |code| Ending { sip: Some(code), ..Ending::default() };
    let q850 = |cause| Ending { q850: Some(cause), ..Ending::default() };
    let teams = |code| Ending { refused_by: RefusedBy::Teams, ..sip(code) };
    let header = Ending { reason: r#"SIP;cause=0, Q.850;cause=17;text="User Busy""#, ..Ending::default() };
    for (ending, outcome, cause) in [
        (sip(600), Outcome::Busy, "Busy Everywhere"),
        (sip(603), Outcome::Declined, "Decline"),
        (sip(487), Outcome::Cancelled, "Request Terminated"),
        (teams(480), Outcome::NoAnswer, "Temporarily Unavailable"),
        (teams(408), Outcome::NoAnswer, "Request Timeout"),
        (Ending { refused_by: RefusedBy::Called, ..sip(480) }, Outcome::NoAnswer, "Temporarily Unavailable"),
        (Ending { refused_by: RefusedBy::Called, ..sip(408) }, Outcome::NoAnswer, "Request Timeout"),
        (sip(480), Outcome::Failed, "Temporarily Unavailable"),
        (sip(408), Outcome::Failed, "Request Timeout"),
        // It rang, whoever wrote the record; with 18 nobody may have been there.
        (Ending { q850: Some(19), ..sip(480) }, Outcome::NoAnswer, "Temporarily Unavailable"),
        (Ending { q850: Some(18), ..sip(408) }, Outcome::Failed, "Request Timeout"),
        (q850(17), Outcome::Busy, "User busy"),
        (q850(19), Outcome::NoAnswer, "No answer from user (user alerted)"),
        (q850(34), Outcome::Failed, "No circuit/channel available"),
        (header, Outcome::Busy, "User busy"),
        // The SIP code comes first; a code of no standard is passed over.
        (Ending { q850: Some(17), ..sip(503) }, Outcome::Failed, "Service Unavailable"),
        (Ending { q850: Some(17), ..sip(499) }, Outcome::Busy, "User busy"),
        // Traces of the field: Microsoft tells a user who is busy as 486 with cause 34, or 63; a carrier without a channel does not.
        (Ending { q850: Some(34), ..sip(486) }, Outcome::Busy, "Busy Here"),
        (Ending { q850: Some(34), ..teams(486) }, Outcome::Busy, "Busy Here"),
        (Ending { q850: Some(63), ..teams(486) }, Outcome::Busy, "Busy Here"),
        (Ending { q850: Some(34), ..sip(600) }, Outcome::Busy, "Busy Everywhere"),
        (Ending { q850: Some(34), ..sip(503) }, Outcome::Failed, "Service Unavailable"),
        (sip(499), Outcome::Failed, "Unlisted"),
        (q850(0), Outcome::Failed, "Unlisted"),
        (Ending::default(), Outcome::Failed, "Unlisted"),
    ] {
        assert_eq!(told(&ending), (outcome, cause.to_owned(), None), "{ending:?}");
    }
}

#[test]
fn a_fork_that_another_leg_answered() {
    let header = r#"SIP;cause=200;text="Call completed elsewhere""#;
    for reason in [header, "SIP; cause=200;text\"Call completed elsewhere\"", "Q.850;cause=26, SIP;cause=200"]
    {
        let ending = Ending { sip: Some(487), reason, ..Ending::default() };
        let expected = (Outcome::Elsewhere, "Call completed elsewhere".to_owned(), Some(540_200));
        assert_eq!(told(&ending), expected, "{reason}");
    }
    // Only of a call that was cancelled.
    let ending = Ending { sip: Some(403), reason: header, ..Ending::default() };
    assert_eq!(told(&ending).0, Outcome::Failed);
}

#[test]
fn the_success_flag_wins() {
    let answered = Ending { succeeded: Some(true), sip: Some(486), ..Ending::default() };
    assert_eq!(told(&answered), (Outcome::Answered, "Unlisted".to_owned(), None));
    let hung_up = Ending { succeeded: Some(false), q850: Some(16), ..Ending::default() };
    assert_eq!(told(&hung_up).0, Outcome::Cancelled);
    let failed = Ending { succeeded: Some(false), sip: Some(200), ..Ending::default() };
    assert_eq!(told(&failed), (Outcome::Failed, "Unlisted".to_owned(), None));
    let busy = Ending { succeeded: Some(false), sip: Some(486), ..Ending::default() };
    assert_eq!(told(&busy).0, Outcome::Busy);
}
