//! The catalogue as a whole: every row finds itself, pairs that are easily confused stay apart, and
//! docs/causes.md says what the catalogue says.

use std::{env, fs};

use cdr_exporter::call::{Call, Codes, Direction, Outcome, RecordId};
use cdr_exporter::classify::{Catalogue, Cause, Entry, page};

fn call(microsoft: Option<u64>, sip: u16, phrase: &str, succeeded: Option<bool>) -> Call<'_> {
    Call {
        record_id: RecordId(1),
        trunk: "sbc1.contoso.com".into(),
        direction: Direction::Inbound,
        succeeded,
        codes: Codes { microsoft, sip: Some(sip), q850: None, text: phrase.into() },
        ended_at: None,
        duration_seconds: None,
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
