//! What each kind of question is answered.

use super::*;

fn asked(what: &str) -> (Exit, String) {
    let question = Question::parse(what).expect(what);
    answer(&Catalogue::built_in(), &question, 80)
}

#[test]
fn questions() {
    for (what, question) in [
        ("531004 410", Question::Pair(531_004, 410)),
        ("531004/410", Question::Pair(531_004, 410)),
        (" 531004 , 410 ", Question::Pair(531_004, 410)),
        ("410 531004", Question::Pair(531_004, 410)),
        ("0 487", Question::Pair(0, 487)),
        ("540000 0", Question::Pair(540_000, 0)),
        ("531004", Question::Microsoft(531_004)),
        ("1106", Question::Microsoft(1106)),
        ("0", Question::Microsoft(0)),
        ("999", Question::Microsoft(999)),
        ("410", Question::Sip(410)),
        ("no callee endpoints", Question::Words("no callee endpoints".to_owned())),
        ("504 refused", Question::Words("504 refused".to_owned())),
    ] {
        assert_eq!(Question::parse(what), Ok(question), "{what}");
    }
}

#[test]
fn nonsense() {
    for (what, message) in [
        ("", "name a code pair such as 531004/410, a code, or words of a phrase"),
        (" / ", "name a code pair such as 531004/410, a code, or words of a phrase"),
        ("-?", "`-?` is neither codes nor words"),
        ("1 2 3", "more than two codes; give a Microsoft code and a SIP code"),
        ("531004 999", "neither 531004 nor 999 is a SIP code: 0, or 100 to 699"),
        ("99999999999999999999", "99999999999999999999 is too large for a code"),
    ] {
        assert_eq!(Question::parse(what), Err(message.to_owned()), "{what}");
    }
}

#[test]
fn a_pair() {
    insta::assert_snapshot!(asked("531004 410").1, @r#"
    531004/410 IceConnectivityChecksFailed
      phrase    IceConnectivityChecksFailed
      SIP code  410 Gone
      outcome   failed; NER: ineffective, the network failed the call
      who       whoever runs the network and firewalls between client, SBC and
                Microsoft
      remedy    No media path could be set up: open the documented media IP ranges
                and ports end to end and check NAT/firewall.
      labels    cause="IceConnectivityChecksFailed" microsoft_code="531004"
                sip_code="410" category="media" side="network"
    "#);
}

#[test]
fn a_pair_that_is_no_failure() {
    insta::assert_snapshot!(asked("560486/486").1, @r#"
    560486/486 Called number was busy
      phrase    Call ended because remote PSTN participant was busy
      SIP code  486 Busy Here, given by the SBC
      outcome   busy; NER: effective, the network did its part
      who       the people on the call, by what they dial, answer or are signed in
                to
      remedy    Normal when far end is engaged; if implausibly frequent check
                SBC/carrier for congestion mapped to 486.
      labels    outcome="busy" of cdr_calls_total; it is no failure
    "#);
}

#[test]
fn a_pair_with_several_phrases_is_told_in_full() {
    let (exit, text) = asked("569002/504");
    assert_eq!((exit, text.matches("  remedy ").count()), (Exit::Ok, 8));
}

#[test]
fn a_microsoft_code_of_two_pairs() {
    insta::assert_snapshot!(asked("531000").1, @r#"
      531000/410  SdpParsingFailure
      531000/488  SDP offer not acceptable
      531000/488  CannotSupportAnyMedia
      531000/488  SrtpEncryptionRequired

    For one of them in full: cdr-exporter explain 531000/410
    "#);
}

#[test]
fn a_sip_code() {
    insta::assert_snapshot!(asked("415").1, @r#"
    SIP 415 Unsupported Media Type: the request was refused as it stands

    540415/415 Unsupported Media Type
      phrase    Unsupported Media Type
      SIP code  415 Unsupported Media Type
      outcome   failed; NER: ineffective, the network failed the call
      who       whoever runs the SBC, with its vendor
      remedy    SBC sent no offer or a body type Teams rejects; check Content-Type
                and strip extras such as pidf+xml.
      labels    cause="Unsupported Media Type" microsoft_code="540415"
                sip_code="415" category="sdp" side="sbc"
    "#);
    insta::assert_snapshot!(asked("699").1, @r#"
    SIP 699, not registered: refused, wherever the call might go

    No pair of the catalogue has this SIP code.
    "#);
}

#[test]
fn a_pair_outside_the_catalogue() {
    insta::assert_snapshot!(asked("531999/410").1, @r#"
    531999/410 is not in the catalogue.
      SIP code  410 Gone: the request was refused as it stands
      range     531xxx: listed codes are about media: SDP, SRTP and ICE.
      remedy    Look the two codes up in Microsoft's documentation, and add them to
                `causes:` in the config.
      labels    cause="Unlisted" microsoft_code="531999" sip_code="410"

    Nearest in the catalogue:
      531005/410  MediaConnectivityFailure
      531004/410  IceConnectivityChecksFailed
      531000/410  SdpParsingFailure
      301005/410  Media connectivity failure
      301004/410  Media connectivity not established
    "#);
}

#[test]
fn a_refusal_of_the_sbc_outside_the_catalogue() {
    let (exit, text) = asked("560488");
    assert_eq!((exit, &text), (Exit::Ok, &asked("560488/488").1));
    insta::assert_snapshot!(text, @r#"
    560488/488 is not in the catalogue.
      SIP code  488 Not Acceptable Here: the request was refused as it stands
      range     560xxx: the SBC gave the final SIP code; it is the last three
                digits.
      who       whoever runs the SBC, with its vendor
      remedy    The SBC, or the carrier behind it, gave this answer: read the SBC's
                log of such a call.
      labels    cause="SBC refused: Not Acceptable Here" microsoft_code="560488"
                sip_code="488"

    Nearest in the catalogue:
      531052/488  Blackhole media in the SDP
      531027/488  No ICE candidates in the SDP
      531000/488  SDP offer not acceptable
      531000/488  CannotSupportAnyMedia
      531000/488  SrtpEncryptionRequired
    "#);
}

#[test]
fn a_microsoft_code_outside_the_catalogue() {
    insta::assert_snapshot!(asked("569019").1, @r#"
    Microsoft code 569019 is not in the catalogue.
      range     569xxx: Microsoft could not deliver a message to the SBC: TCP, TLS,
                certificate or DNS.

    Nearest in the catalogue:
      569018/504  INVITE not delivered: invalid SIP line
      569016/504  INVITE not delivered: no address record
      569015/504  INVITE not delivered: no such host
      569009/504  INVITE not delivered: untrusted root
      569008/504  INVITE not delivered: certificate expired
    "#);
}

#[test]
fn words() {
    assert!(asked("Mediaconnectivityfailure.").1.starts_with("531005/410 MediaConnectivityFailure\n"));
    assert!(asked("candidates ICE").1.starts_with("531027/488 No ICE candidates in the SDP\n"));
    assert!(asked("Forbidden; Call rejected").1.starts_with("560403/403 Forbidden; Call rejected\n"));
    insta::assert_snapshot!(asked("refused zebra").1, @r#"
    No phrase or cause of the catalogue has all of these words.

    Nearest in the catalogue:
      569002/504  ACK not delivered: connection refused
      569002/504  INVITE not delivered: connection refused
    "#);
}

#[test]
fn nothing_matches() {
    for what in ["777777", "999", "699", "zebra"] {
        let (exit, text) = asked(what);
        assert_eq!(exit, Exit::No, "{text}");
    }
}

#[test]
fn lines_keep_to_the_width() {
    for width in [60, 80, 100] {
        for entry in Catalogue::built_in().entries() {
            let question = Question::Pair(entry.microsoft_code, entry.sip_code);
            let (_, text) = answer(&Catalogue::built_in(), &question, width);
            for line in text.lines().filter(|line| line.chars().count() > width) {
                // Only what cannot be broken is longer.
                assert!(line.contains("cause=\""), "{line}");
            }
        }
    }
}
