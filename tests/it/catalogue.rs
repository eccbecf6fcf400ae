//! The catalogue as a whole: every row finds itself, pairs that are easily confused stay apart, and
//! docs/causes.md says what the catalogue says.

use std::{env, fs};

use cdr_exporter::call::{Attempt, Call, Codes, Detail, Direction, Outcome, RecordId, Unread, Words};
use cdr_exporter::classify::{Catalogue, Cause, Entry, Side, page};

fn call(microsoft: Option<u64>, sip: u16, phrase: &str, succeeded: Option<bool>) -> Call<'_> {
    Call {
        record_id: RecordId(1),
        trunk: "sbc1.contoso.com".into(),
        direction: Direction::Inbound,
        succeeded,
        codes: Codes {
            microsoft,
            sip: Some(sip),
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

/// What a record with these codes and this phrase is told to be.
fn listed<'c>(catalogue: &'c Catalogue, call: &Call<'_>) -> Option<&'c Entry> {
    match catalogue.classify(call).cause {
        Cause::Listed(entry) => Some(entry),
        _ => None,
    }
}

#[test]
fn every_row_classifies_to_itself() {
    let catalogue = Catalogue::built_in();
    for row in catalogue.entries() {
        let own = call(Some(row.microsoft_code), row.sip_code, &row.phrase, None);
        let verdict = catalogue.classify(&own);
        assert_eq!(verdict.cause, Cause::Listed(row));
        assert_eq!((verdict.outcome, verdict.codes), (row.outcome, own.codes.pair()), "{row:?}");
        let flag = Some(row.outcome == Outcome::Answered);
        assert_eq!(catalogue.classify(&Call { succeeded: flag, ..own }), verdict, "{row:?}");
    }
}

#[test]
fn pairs_that_must_not_be_confused() {
    let catalogue = Catalogue::built_in();
    let pairs = [
        (531_000, 410, "SdpParsingFailure"),
        (531_004, 410, "IceConnectivityChecksFailed"),
        (531_005, 410, "MediaConnectivityFailure"),
        (510_412, 412, "Get Flighting - wrong callee MRI"),
    ];
    for (microsoft, sip, name) in pairs {
        // With its own phrase, with none, and with each of the other three.
        for phrase in [name, "", pairs[0].2, pairs[1].2, pairs[2].2, pairs[3].2] {
            let entry = listed(&catalogue, &call(Some(microsoft), sip, phrase, Some(false)));
            let entry = entry.unwrap_or_else(|| panic!("{microsoft}/{sip} is not in the catalogue"));
            assert_eq!((&*entry.cause, entry.outcome), (name, Outcome::Failed), "{microsoft}/{sip} {phrase}");
        }
    }
}

/// One source prints the number 531004 in its text on MediaConnectivityFailure. The phrase alone, as an SBC
/// has it, must lead to 531005.
#[test]
fn media_connectivity_failure_is_531005_and_ice_is_531004() {
    let catalogue = Catalogue::built_in();
    for (phrase, microsoft) in [
        ("MediaConnectivityFailure", 531_005),
        ("IceConnectivityChecksFailed", 531_004),
        ("MediaConn", 531_005),
        ("IceConnec", 531_004),
    ] {
        let verdict = catalogue.classify(&call(None, 410, phrase, Some(false)));
        assert_eq!(verdict.codes.microsoft, Some(microsoft), "{phrase}");
    }
}

#[test]
fn a_pair_with_several_phrases_has_a_row_for_any_other() {
    for rows in Catalogue::built_in().pairs().filter(|rows| rows.len() > 1) {
        assert!(rows.iter().any(|row| row.phrase.is_empty()), "{}", page::anchor(&rows[0]));
    }
}

#[test]
fn the_page_says_what_the_catalogue_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/causes.md");
    let generated = page::markdown(&Catalogue::built_in());
    if env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        fs::write(path, &generated).expect("docs/causes.md can be written");
    }
    let page = fs::read_to_string(path).unwrap_or_default();
    assert!(
        page == generated,
        "docs/causes.md is not what the catalogue says. Write it again with:\n\
         UPDATE_DOCS=1 cargo test --test it catalogue"
    );
}

#[test]
fn every_pair_has_its_anchor_once() {
    let catalogue = Catalogue::built_in();
    let page = page::markdown(&catalogue);
    for rows in catalogue.pairs() {
        let anchor = format!("<a id=\"{}\"></a>", page::anchor(&rows[0]));
        assert_eq!(page.matches(&anchor).count(), 1, "{anchor}");
    }
}

#[test]
fn every_row_names_the_page_that_documents_it() {
    for row in Catalogue::built_in().entries().iter().filter(|row| !row.phrase.is_empty()) {
        for source in row.documented_for.split("; ") {
            assert!(page::url(source, row.sip_code).is_some(), "{}: {source:?}", page::anchor(row));
        }
    }
}

/// Ends that Microsoft documents as normal: Graph's page on deleting a call, with SIP code 200, and the page of Azure
/// Communication Services on how calls end, with 0. Without a flag in the record they are no failure.
#[test]
fn a_documented_normal_end_is_never_failed() {
    let graph = [
        4097, 4521, 5000, 5001, 5002, 5003, 5007, 5010, 5012, 5013, 5014, 5020, 5030, 5300, 5855, 7000, 7015,
        10_550, 18_503, 540_000, 560_000,
    ];
    let acs = [0, 4097, 4521, 5000, 5003, 5300, 5317, 7000, 540_000, 560_000];
    let catalogue = Catalogue::built_in();
    for (microsoft, sip) in graph.map(|code| (code, 200)).into_iter().chain(acs.map(|code| (code, 0))) {
        let call = call(Some(microsoft), sip, "", None);
        let verdict = catalogue.classify(&call);
        assert!(matches!(verdict.cause, Cause::Listed(_)), "{microsoft}/{sip}");
        assert!(matches!(verdict.outcome, Outcome::Answered | Outcome::Declined), "{microsoft}/{sip}");
        // The record's own flag decides.
        let failed = catalogue.classify(&Call { succeeded: Some(false), ..call.clone() });
        let answered = catalogue.classify(&Call { succeeded: Some(true), ..call });
        assert_eq!(answered.outcome, Outcome::Answered, "{microsoft}/{sip}");
        assert_ne!(failed.outcome, Outcome::Answered, "{microsoft}/{sip}");
    }
}

#[test]
fn failures_that_only_other_services_document() {
    let catalogue = Catalogue::built_in();
    for (microsoft, sip, outcome) in [
        (8537, 408, Outcome::Failed),
        (8541, 400, Outcome::NoAnswer),
        (1005, 500, Outcome::Failed),
        (3100, 410, Outcome::Failed),
        (3101, 410, Outcome::Failed),
        (3111, 410, Outcome::Failed),
        (3112, 410, Outcome::Failed),
        (4502, 490, Outcome::Failed),
        (4506, 408, Outcome::Failed),
        (4507, 495, Outcome::Failed),
        (7, 496, Outcome::Failed),
        (10_009, 401, Outcome::Failed),
        (5828, 403, Outcome::Failed),
        (5829, 403, Outcome::Failed),
        (5830, 403, Outcome::Failed),
        (560_487, 497, Outcome::Cancelled),
    ] {
        let call = call(Some(microsoft), sip, "", None);
        let entry = listed(&catalogue, &call).unwrap_or_else(|| panic!("{microsoft}/{sip}"));
        assert_eq!(entry.outcome, outcome, "{microsoft}/{sip}");
    }
}

/// What the certificate alert looks at.
#[test]
fn a_new_code_of_569xxx_is_seen_by_the_certificate_alert() {
    let catalogue = Catalogue::built_in();
    let call = call(Some(569_004), 504, "Unable to deliver INVITE: something new", Some(false));
    let cause = catalogue.classify(&call).cause;
    assert_eq!(cause.name(), "Unlisted 569xxx: TLS, TCP or DNS to the SBC");
    assert_eq!((cause.category(), cause.side()), ("certificate", Some(Side::Sbc)));
}
