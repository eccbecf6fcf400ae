//! Headers as Microsoft, carriers and SBCs write them, whole and cut.

use super::*;

const GUID_TEXT: &str = "5e19725b-7fad-4e89-bae3-dfc5df88bb96";
const GUID_BITS: u128 = 0x5e19_725b_7fad_4e89_bae3_dfc5_df88_bb96;

fn only(header: &str) -> Reason<'_> {
    let mut values = values(header);
    let first = values.next().unwrap_or_else(|| panic!("nothing in {header:?}"));
    assert_eq!(values.next(), None, "{header:?}");
    first
}

#[test]
fn headers_of_microsoft() {
    for (header, cause, phrase) in [
        (
            r#"Q.850;cause=31;text="GUID;No callee endpoints were found.""#,
            31,
            "No callee endpoints were found.",
        ),
        (r#"REASON: Q.850;cause=16;text="GUID;LocalUserInitiated""#, 16, "LocalUserInitiated"),
        (r#"Reason: q.850 ; cause = 63 ; text = "GUID; Call blocked ""#, 63, "Call blocked"),
        // Only the `;` behind the GUID parts.
        (r#"Q.850;cause=21;text="GUID;Forbidden; Call rejected""#, 21, "Forbidden; Call rejected"),
        (r#"Q.850;cause=21;text="GUID;One, two; three=4""#, 21, "One, two; three=4"),
        // Parameters in another order, and others between them.
        (r#"Q.850;text="GUID;Call blocked";location=U;cause=21"#, 21, "Call blocked"),
        // Without quotes, as a decoder may have left it.
        ("Q.850;cause=21;text=GUID", 21, ""),
        ("Q.850;cause=21;text=GUID;Forbidden; Call rejected", 21, "Forbidden; Call rejected"),
        // A field in quotes of a file that guards none of its own.
        (
            r#""Q.850;cause=31;text="GUID;No callee endpoints were found.""#,
            31,
            "No callee endpoints were found.",
        ),
    ] {
        let header = header.replace("GUID", GUID_TEXT);
        let reason = only(&header);
        assert_eq!((reason.protocol, reason.cause), (Protocol::Q850, Some(cause)), "{header}");
        let expected = Microsoft { correlation_id: GUID_BITS, phrase };
        assert_eq!(reason.microsoft(), Some(expected), "{header}");
    }
}

/// In a text of JSON, and in one of JSON within JSON.
#[test]
fn quotes_behind_backslashes() {
    for quote in ["\\\"", "\\\\\\\""] {
        let header = format!(
            "SIP;cause=480;text={quote}a, b{quote}, Q.850;cause=31;text={quote}{GUID_TEXT};No callee.{quote};location=U"
        );
        let told = |phrase, is_cut| Told { q850: Some(31), said: Some(Said { phrase, is_cut }) };
        assert_eq!(read(&header), told("No callee.", false), "{header}");
        let (cut, _) = header.split_once("callee").expect("the phrase");
        assert_eq!(read(cut), told("No", true), "{cut}");
    }
    let bare = format!(r#"Q.850;cause=31;text=\{GUID_TEXT};Forbidden; Call rejected\""#);
    assert_eq!(read(&bare).said, Some(Said { phrase: "Forbidden; Call rejected", is_cut: false }), "{bare}");
    let within = r#"Q.850;text=\"a \\\" b\";cause=31"#;
    assert_eq!(only(within).cause, Some(31), "{within}");
}

/// A phrase that is cut behind a blank ends in it.
#[test]
fn a_blank_before_the_closing_quote_counts() {
    let header = format!(r#"Q.850 ;cause=31 ;text="{GUID_TEXT};No trunk ""#);
    assert_eq!(read(&header).said, Some(Said { phrase: "No trunk ", is_cut: false }));
    for nothing in [format!(r#"Q.850;text="{GUID_TEXT}; ""#), format!(r#"Q.850;text="{GUID_TEXT} ""#)] {
        assert_eq!(read(&nothing).said, None, "{nothing}");
    }
}

/// The text at every length that it can be cut to: never a wrong GUID, never more of the phrase than is there.
#[test]
fn cut_anywhere() {
    let whole = format!(r#"Q.850;cause=31;text="{GUID_TEXT};No callee endpoints were found.""#);
    let start = whole.find("No callee").expect("the phrase");
    for length in 1..whole.len() {
        let cut = &whole[..length];
        let reason = only(cut);
        let expected = match length {
            ..57 => None,
            57.. => Some(cut.get(start..).unwrap_or_default().trim()),
        };
        assert_eq!(reason.microsoft().map(|microsoft| microsoft.phrase), expected, "{cut}");
        assert!(reason.is_cut || length < 21, "{cut}");
    }
    assert!(!only(&whole).is_cut);
}

/// The fields of AudioCodes end after 26 characters in older firmware, and after 70.
#[test]
fn cut_at_the_lengths_of_audiocodes() {
    let whole = format!(r#"Q.850 ;cause=31 ;text="{GUID_TEXT};No callee endpoints were found.""#);
    assert_eq!(only(&whole[..26]).microsoft(), None);
    let cut = only(&whole[..70]);
    assert_eq!(cut.microsoft().map(|microsoft| microsoft.phrase), Some("No callee"));
    assert!(cut.is_cut);
}

#[test]
fn texts_of_others() {
    for (header, protocol, cause, text) in [
        (r#"Q.850;cause=21;text="Call Rejected""#, Protocol::Q850, Some(21), "Call Rejected"),
        (
            r#"SIP;cause=200;text="Call completed elsewhere""#,
            Protocol::Sip,
            Some(200),
            "Call completed elsewhere",
        ),
        ("SIP ;cause=487", Protocol::Sip, Some(487), ""),
        ("Q.850;cause=16", Protocol::Q850, Some(16), ""),
        ("Q.850;cause=normal", Protocol::Q850, None, ""),
        ("Q.850;cause=70000", Protocol::Q850, None, ""),
        ("preemption;cause=1;text=\"UA Preemption\"", Protocol::Other, Some(1), "UA Preemption"),
        ("Q.850", Protocol::Q850, None, ""),
        ("\"Q.850;cause=16\"", Protocol::Q850, Some(16), ""),
        ("Temporarily Unavailable", Protocol::Other, None, ""),
        (r#"Q.850;text="a \" b";cause=31"#, Protocol::Q850, Some(31), r#"a \" b"#),
        (";;=;,", Protocol::Other, None, ""),
        // Nearly a GUID, and a GUID that something other than `;` follows.
        (
            r#"Q.850;text="5e19725b-7fad-4e89-bae3-dfc5df88bb9g;Call blocked""#,
            Protocol::Q850,
            None,
            "5e19725b-7fad-4e89-bae3-dfc5df88bb9g;Call blocked",
        ),
        (
            r#"Q.850;text="5e19725b-7fad-4e89-bae3-dfc5df88bb961 Call blocked""#,
            Protocol::Q850,
            None,
            "5e19725b-7fad-4e89-bae3-dfc5df88bb961 Call blocked",
        ),
        (
            "Q.850;text=\"Réseau indisponible, réessayez plus tard\"",
            Protocol::Q850,
            None,
            "Réseau indisponible, réessayez plus tard",
        ),
    ] {
        let reason = only(header);
        assert_eq!((reason.protocol, reason.cause, reason.text), (protocol, cause, text), "{header}");
        assert_eq!(reason.microsoft(), None, "{header}");
    }
}

#[test]
fn several_values() {
    let header = r#"SIP;cause=200;text="Call completed elsewhere", Q.850;cause=26"#;
    let causes: Vec<_> = values(header).map(|reason| (reason.protocol, reason.cause)).collect();
    assert_eq!(causes, [(Protocol::Sip, Some(200)), (Protocol::Q850, Some(26))]);
}

#[test]
fn nothing_in_nothing() {
    for header in ["", "  ", "Reason:", "\"\"", ",", " , "] {
        assert_eq!(values(header).next(), None, "{header:?}");
    }
}

/// Each of the first value that has it, whichever stands first.
#[test]
fn what_several_values_tell() {
    let text = |phrase: &str| format!("text=\"{GUID_TEXT};{phrase}\"");
    let said = |phrase| Some(Said { phrase, is_cut: false });
    for (header, q850, expected) in [
        (format!("SIP;cause=480;{}, Q.850;cause=31", text("No callee")), Some(31), said("No callee")),
        (format!("Q.850;cause=31, SIP;{}, Q.850;cause=16", text("No callee")), Some(31), said("No callee")),
        (format!("Q.850;cause=x, Q.850;cause=16;{}", text("One")), None, said("One")),
        (format!("Q.850;{}, Q.850;{}", text(""), text("Two")), None, said("Two")),
        (
            "SIP;cause=200;text=\"any words\", Q.850;cause=26".to_owned(),
            Some(26),
            said("Call completed elsewhere"),
        ),
        ("Q.850;cause=128".to_owned(), None, None),
        ("Busy Here".to_owned(), None, None),
    ] {
        assert_eq!(read(&header), Told { q850, said: expected }, "{header}");
    }
}
