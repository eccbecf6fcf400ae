//! Every rule of the look-up, by tables; and what an operator's entries change.

use super::*;
use crate::call::{Attempt, Codes, Detail, Direction, RecordId, Unread};
use crate::classify::{NetworkEffectiveness, Side};

fn call(codes: (Option<u64>, Option<u16>), phrase: &str, succeeded: Option<bool>) -> Call<'_> {
    Call {
        record_id: RecordId(1),
        trunk: "".into(),
        direction: Direction::Unknown,
        succeeded,
        codes: Codes {
            microsoft: codes.0,
            sip: codes.1,
            text: phrase.into(),
            words: Words::MicrosoftCut,
            ..Codes::default()
        },
        ended_at: None,
        duration_seconds: None,
        attempt: Attempt::Only,
        unread: Unread::default(),
        detail: Detail::default(),
    }
}

fn entry(microsoft_code: u64, sip_code: u16, phrase: &str, cause: &str) -> Entry {
    Entry {
        microsoft_code,
        sip_code,
        phrase: phrase.to_owned(),
        cause: cause.into(),
        outcome: Outcome::Failed,
        side: Side::Sbc,
        category: "ours".to_owned(),
        ner: NetworkEffectiveness::Ineffective,
        documented_for: "the operator's config".to_owned(),
        remedy: "Ask.".to_owned(),
    }
}

fn operator(entries: Vec<Entry>) -> Catalogue {
    Catalogue::with_operator_entries(entries).expect("good entries")
}

fn cause(catalogue: &Catalogue, microsoft: u64, sip: u16, phrase: &str) -> String {
    let call = call((Some(microsoft), Some(sip)), phrase, Some(false));
    catalogue.classify(&call).cause.name().into_owned()
}

#[test]
fn by_both_codes_and_phrase() {
    let catalogue = Catalogue::built_in();
    for (microsoft, sip, phrase, expected) in [
        // An only row, whatever the phrase.
        (531_004, 410, "IceConnectivityChecksFailed", "IceConnectivityChecksFailed"),
        (531_004, 410, "", "IceConnectivityChecksFailed"),
        (531_004, 410, "words of a later version", "IceConnectivityChecksFailed"),
        // One code, two pairs.
        (531_000, 410, "", "SdpParsingFailure"),
        (531_000, 488, "", "SDP offer not acceptable"),
        // Several phrases: by phrase, in any spelling of it, else the row for any other.
        (510_532, 403, "No trunk config was found", "No trunk config was found"),
        (510_532, 403, " no trunk  config was found. ", "No trunk config was found"),
        (510_532, 403, "No trunk config was", "Inbound trunk config not found"),
        (510_532, 403, "", "Inbound trunk config not found"),
        // HRESULT decides when the rest of the phrase differs, and when it names one row.
        (569_002, 504, "Broken: HRESULT=0x80096004", "INVITE not delivered: certificate signature"),
        (569_002, 504, "TLS decryption failed HRESULT=0x90317", "INVITE not delivered: TLS session expired"),
        (569_002, 504, "Broken: HRESULT=0x80090322", "INVITE not delivered"),
        (569_002, 504, "Broken: HRESULT=0x1", "INVITE not delivered"),
        // 560xxx outside the catalogue, by its own last digits; not for codes that refuse nothing.
        (560_488, 488, "", "SBC refused: Not Acceptable Here"),
        (560_486, 480, "", "SBC refused: Busy Here"),
        (560_499, 499, "", "SBC refused: SIP 499"),
        (560_183, 183, "", "Unlisted"),
        (561_488, 488, "", "Unlisted"),
        (540_299, 299, "", "Unlisted"),
        // A range, whatever the phrase and the SIP code.
        (531_004, 411, "IceConnectivityChecksFailed", "Unlisted 531xxx: SDP, SRTP or ICE"),
        (569_004, 504, "", "Unlisted 569xxx: TLS, TCP or DNS to the SBC"),
        (540_403, 403, "", "Unlisted 540xxx: refused"),
        // Nothing names it.
        (777_777, 410, "IceConnectivityChecksFailed", "Unlisted"),
        (u64::MAX, 699, "", "Unlisted"),
    ] {
        assert_eq!(cause(&catalogue, microsoft, sip, phrase), expected, "{microsoft}/{sip} {phrase}");
    }
}

#[test]
fn by_sip_code_and_phrase() {
    let catalogue = Catalogue::built_in();
    for (sip, phrase, microsoft, expected) in [
        (480, "No callee endpoints were found.", Some(10037), "No callee endpoints were found"),
        (
            403,
            "Current call site state prevents fork to this entity",
            Some(10500),
            "Call site state prevents fork",
        ),
        (
            487,
            "call was CANCELLED on timeout, as target user did not accept or reject it on time",
            Some(10004),
            "Not answered in time",
        ),
        // Cut short, to the least that names something.
        (480, "No callee", Some(10037), "No callee endpoints were found"),
        (480, "No calle", None, "Temporarily Unavailable"),
        (402, "Payment r", Some(560_402), "Payment required"),
        // Whole before cut short: this one is also the beginning of another.
        (403, "User is not Enterprise Voice enabled", Some(510_560), "User is not Enterprise Voice enabled"),
        (
            403,
            "User is not Enterprise Voice enabled. User",
            Some(510_560),
            "User is not Enterprise Voice enabled (dial out)",
        ),
        // Several phrases of one Microsoft code: the code is known, the variant is not.
        (488, "InternalDiagCode: ", Some(531_000), "SDP offer not acceptable"),
        // Several Microsoft codes.
        (420, "Bad Extension", None, "Bad Extension"),
        (504, "Unable to deliver INVITE: Invalid Request/Response line", None, "Server Time-out"),
        (504, "Unable to", None, "Server Time-out"),
        // The phrase of another SIP code, a phrase that goes on, no phrase.
        (486, "No callee endpoints were found", None, "Busy Here"),
        (480, "No callee endpoints were found today", None, "Temporarily Unavailable"),
        (480, "", None, "Temporarily Unavailable"),
        // No registered code.
        (499, "", None, "Unlisted"),
    ] {
        let verdict = catalogue.classify(&call((None, Some(sip)), phrase, Some(false)));
        assert_eq!(verdict.cause.name(), expected, "{sip} {phrase}");
        assert_eq!(verdict.codes, CodePair { microsoft, sip: Some(sip) }, "{sip} {phrase}");
    }
}

#[test]
fn the_success_flag_wins() {
    let catalogue = Catalogue::built_in();
    let ice = (Some(531_004), Some(410));
    for (codes, succeeded, outcome, cause) in [
        ((Some(540_000), Some(0)), Some(true), Outcome::Answered, "Normal end"),
        ((Some(540_000), Some(0)), None, Outcome::Answered, "Normal end"),
        ((Some(540_000), Some(0)), Some(false), Outcome::Failed, "Unlisted"),
        (ice, Some(true), Outcome::Answered, "Unlisted"),
        (ice, Some(false), Outcome::Failed, "IceConnectivityChecksFailed"),
        (ice, None, Outcome::Failed, "IceConnectivityChecksFailed"),
        ((Some(560_486), Some(486)), Some(false), Outcome::Busy, "Called number was busy"),
        ((Some(560_486), Some(486)), None, Outcome::Busy, "Called number was busy"),
        ((Some(540_200), Some(487)), Some(false), Outcome::Elsewhere, "Call completed elsewhere"),
        ((None, None), Some(true), Outcome::Answered, "Unlisted"),
        ((None, None), Some(false), Outcome::Failed, "Unlisted"),
        ((None, None), None, Outcome::Failed, "Unlisted"),
        ((None, Some(0)), None, Outcome::Answered, "Unlisted"),
        ((None, Some(200)), None, Outcome::Answered, "OK"),
        ((None, Some(200)), Some(false), Outcome::Failed, "Unlisted"),
        ((None, Some(302)), None, Outcome::Failed, "Moved Temporarily"),
        ((None, Some(486)), Some(false), Outcome::Busy, "Busy Here"),
        ((None, Some(487)), None, Outcome::Cancelled, "Request Terminated"),
        // Nothing tells that the called side said so.
        ((None, Some(480)), None, Outcome::Failed, "Temporarily Unavailable"),
        ((Some(560_488), None), None, Outcome::Failed, "SBC refused: Not Acceptable Here"),
        ((Some(531_004), None), None, Outcome::Failed, "Unlisted 531xxx: SDP, SRTP or ICE"),
        // The SBC refused with a SIP code that is no fault.
        ((Some(560_600), Some(600)), Some(false), Outcome::Busy, "SBC refused: Busy Everywhere"),
        // Of a code that nothing names, the SIP code of a normal end is believed; not in a range of failures.
        ((Some(777_777), Some(200)), None, Outcome::Answered, "Unlisted"),
        ((Some(10_999), Some(0)), None, Outcome::Answered, "Unlisted 10xxx: Teams user, bot or policy"),
        ((Some(569_004), Some(0)), None, Outcome::Failed, "Unlisted 569xxx: TLS, TCP or DNS to the SBC"),
    ] {
        let verdict = catalogue.classify(&call(codes, "", succeeded));
        assert_eq!((verdict.outcome, &*verdict.cause.name()), (outcome, cause), "{codes:?} {succeeded:?}");
        assert_eq!(verdict.codes, CodePair { microsoft: codes.0, sip: codes.1 }, "{codes:?}");
    }
}

#[test]
fn an_operator_names_a_new_pair() {
    let ours = operator(vec![entry(777_777, 410, "One", "Ours one"), entry(777_777, 410, "Two", "Ours two")]);
    assert_eq!(cause(&ours, 777_777, 410, "two."), "Ours two");
    assert_eq!(cause(&ours, 777_777, 410, "Three"), "Unlisted");
    assert_eq!(ours.entries().len(), Catalogue::built_in().entries().len() + 2);
}

#[test]
fn an_operator_renames_a_row() {
    let ours = operator(vec![entry(531_004, 410, "iceconnectivitychecksfailed.", "Our ICE")]);
    assert_eq!(cause(&ours, 531_004, 410, ""), "Our ICE");
    let ours = operator(vec![entry(531_004, 410, "", "Our ICE")]);
    assert_eq!(cause(&ours, 531_004, 410, "IceConnectivityChecksFailed"), "Our ICE");
    assert_eq!(ours.entries().len(), Catalogue::built_in().entries().len());
    // The phrase still leads an SBC's record there.
    let verdict = ours.classify(&call((None, Some(410)), "IceConnec", None));
    assert_eq!(verdict.codes.microsoft, Some(531_004));
}

#[test]
fn an_operator_names_a_phrase_beside_an_only_row() {
    let phrase = entry(531_004, 410, "Special", "Our special");
    let pair = entry(531_004, 410, "", "Our ICE");
    for (entries, general) in [
        (vec![phrase.clone()], "IceConnectivityChecksFailed"),
        (vec![phrase.clone(), pair.clone()], "Our ICE"),
        (vec![pair, phrase], "Our ICE"),
    ] {
        let ours = operator(entries);
        assert_eq!(cause(&ours, 531_004, 410, "Special"), "Our special");
        for other in ["IceConnectivityChecksFailed", "", "Other"] {
            assert_eq!(cause(&ours, 531_004, 410, other), general, "{other}");
        }
    }
}

#[test]
fn an_operator_replaces_the_row_for_any_other_phrase() {
    let ours = operator(vec![entry(569_002, 504, "", "SBC not reached")]);
    assert_eq!(cause(&ours, 569_002, 504, "Other"), "SBC not reached");
    assert_eq!(cause(&ours, 569_002, 504, "HRESULT=590615"), "INVITE not delivered: TLS session expired");
}

#[test]
fn entries_of_an_operator_are_refused() {
    let long = "12345678901234567890123456789012345678901234567890";
    for (entries, at, reason) in [
        (vec![entry(1, 400, "", "One"), entry(2, 400, "", "")], 1, "the cause is empty"),
        (vec![entry(1, 400, "", long)], 0, "has 50 characters, more than the 48 allowed"),
        (
            vec![entry(1, 400, "A", "One"), entry(1, 400, "a.", "Two")],
            1,
            "1/400 with the phrase `a.` is there twice",
        ),
        (vec![entry(1, 1000, "", "One")], 0, "sip_code 1000 is neither 0 nor from 100 to 699"),
    ] {
        let refused = Catalogue::with_operator_entries(entries).expect_err(reason);
        assert!(refused.at == at && refused.reason.ends_with(reason), "{refused:?}");
    }
}

#[test]
fn label_sets_are_distinct() {
    let catalogue = Catalogue::built_in();
    let labels = |row: &Entry| (row.cause.clone(), row.microsoft_code, row.sip_code);
    let all: HashSet<_> = catalogue.entries().iter().map(labels).collect();
    assert_eq!(catalogue.info_rows().map(labels).collect::<HashSet<_>>(), all);
    assert_eq!(catalogue.info_rows().count(), all.len());
    assert!(all.len() < catalogue.entries().len(), "some rows share a label set");
    let failed: Vec<_> = catalogue.failed_label_sets().map(labels).collect();
    assert_eq!(failed.iter().collect::<HashSet<_>>().len(), failed.len());
    assert!(catalogue.failed_label_sets().all(|row| row.outcome == Outcome::Failed));
    let rows = catalogue.entries().iter().filter(|row| row.outcome == Outcome::Failed);
    assert!(rows.map(labels).all(|labels| failed.contains(&labels)));
}

/// What reports and `cdr_cause_info` say of a cause is what the call was classified by.
#[test]
fn about_a_cause_that_was_counted() {
    let catalogue = Catalogue::built_in();
    for (codes, phrase) in [
        ((Some(531_004), Some(410)), ""),
        ((Some(569_002), Some(504)), "HRESULT=590615"),
        ((Some(560_488), Some(488)), ""),
        ((Some(560_502), Some(480)), ""),
        ((Some(569_004), Some(504)), ""),
        ((Some(569_004), None), ""),
        ((None, Some(503)), ""),
        ((Some(777_777), Some(410)), ""),
        ((None, None), ""),
    ] {
        let verdict = catalogue.classify(&call(codes, phrase, Some(false)));
        assert_eq!(catalogue.about(&verdict.cause.name(), verdict.codes), verdict.cause, "{codes:?}");
    }
    let codes = CodePair { microsoft: Some(569_004), sip: Some(504) };
    assert_eq!(catalogue.about("a cause of an older version", codes), Cause::Unlisted);
    let q850 = catalogue.about("Destination out of order", CodePair::default());
    assert_eq!(q850, Cause::Standard(q850::standard(27).expect("a cause of Q.850")));
}

/// The usual ends stand before the rare ones, which are there for other services.
#[test]
fn most_answered_calls_are_found_at_once() {
    let catalogue = Catalogue::built_in();
    let first: Vec<_> =
        catalogue.answered.iter().take(4).map(|(codes, _)| (codes.microsoft, codes.sip)).collect();
    let pair = |microsoft, sip| (Some(microsoft), Some(sip));
    assert_eq!(first, [pair(560_000, 0), pair(560_000, 200), pair(540_000, 0), pair(540_000, 200)]);
}
