//! What each kind of question is answered.

use std::sync::{Arc, LazyLock};

use super::*;

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(Catalogue::built_in);

/// Whether anything is known, and what.
fn asked(what: &str) -> (bool, String) {
    let question = Question::parse(what).expect(what);
    let answer = answer::to(&question, &CATALOGUE);
    (answer.found, text::render(&answer, 80))
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
      remedy    Open UDP between SBC and Microsoft: 3478-3481 and 49152-53247; with
                media bypass also 50000-59999. Check NAT.
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
      who       nobody needs to: this is no failure
      remedy    Normal when far end is engaged; if implausibly frequent check
                SBC/carrier for congestion mapped to 486.
      labels    outcome="busy" of cdr_calls_total; it is no failure
    "#);
}

#[test]
fn words_begin_where_words_do() {
    let (found, text) = asked("ice");
    assert!(
        found && text.contains("531004/410") && !text.contains("voice") && !text.contains("Voice"),
        "{text}"
    );
}

/// What ends a call without a failure is no refusal, and nobody has to fix it.
#[test]
fn what_is_no_failure_is_not_called_one() {
    for (what, said) in [
        ("sip 486", "SIP 486 Busy Here: the called side was busy"),
        ("sip 487", "SIP 487 Request Terminated: the caller hung up before the answer"),
        ("0/0", "who       nobody needs to: this is no failure"),
        ("sip 603", "SIP 603 Decline: the called side declined"),
    ] {
        let text = asked(what).1;
        assert!(text.contains(said) && !text.contains("refused as it stands"), "{what}: {text}");
        assert!(!text.contains("by what they dial"), "{what}: {text}");
    }
}

#[test]
fn a_pair_with_several_phrases_is_told_in_full() {
    let (found, text) = asked("569002/504");
    assert_eq!((found, text.matches("  remedy ").count()), (true, 8));
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

    SIP 415 in a record without a Microsoft code:
      outcome   failed
      who       whoever runs the SBC, with its vendor
      remedy    The body of the INVITE is missing or of a type that the far side
                refuses: check Content-Type.
      labels    cause="Unsupported Media Type" sip_code="415" category="sdp"
                side="sbc"
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
      remedy    Compare the SBC's SDP with what Teams accepts, then check the media
                ports on the way.
      labels    cause="Unlisted 531xxx: SDP, SRTP or ICE" microsoft_code="531999"
                sip_code="410" category="media"

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
    let (found, text) = asked("560488");
    assert_eq!((found, &text), (true, &asked("560488/488").1));
    insta::assert_snapshot!(text, @r#"
    560488/488 is not in the catalogue.
      SIP code  488 Not Acceptable Here: the request was refused as it stands
      range     560xxx: the SBC gave the final SIP code; it is the last three
                digits.
      who       whoever runs the SBC, with its vendor
      remedy    The SBC, or the carrier behind it, gave this answer: read the SBC's
                log of such a call.
      labels    cause="SBC refused: Not Acceptable Here" microsoft_code="560488"
                sip_code="488" category="sbc_rejected" side="sbc"

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
      who       whoever runs the SBC, with its vendor
      remedy    Check in this order: the SBC's name in public DNS, its port and
                firewall, TLS, its certificate.
      labels    cause="Unlisted 569xxx: TLS, TCP or DNS to the SBC"
                microsoft_code="569019" category="certificate" side="sbc"

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
    // As the findings say it.
    assert!(asked("No media path").1.contains("531004/410"), "{}", asked("No media path").1);
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
        let (found, text) = asked(what);
        assert!(!found, "{text}");
    }
}

#[test]
fn lines_keep_to_the_width() {
    let catalogue = &*CATALOGUE;
    for width in [60, 80, 100] {
        for entry in catalogue.entries() {
            let question = Question::Pair(entry.microsoft_code, entry.sip_code);
            let text = text::render(&answer::to(&question, catalogue), width);
            for line in text.lines().filter(|line| line.chars().count() > width) {
                // Only what cannot be broken is longer.
                assert!(line.contains("cause=\""), "{line}");
            }
        }
    }
}

#[test]
fn a_range() {
    insta::assert_snapshot!(asked("549xxx").1, @r#"
    549xxx: Microsoft could not deliver a message to the SBC: link down, or SIP it
    cannot parse.

      549002/504  INVITE not delivered
      549002/504  INVITE not delivered: invalid SIP line
      549002/504  INVITE not delivered: TLS link down
      549018/504  INVITE not delivered: invalid SIP line

    For one of them in full: cdr-exporter explain 549002/504

    Any other code of the range:
      who       whoever runs the SBC, with its vendor
      remedy    Check that the SBC is up and reachable, then the SIP that it writes.
      labels    cause="Unlisted 549xxx: not delivered to the SBC"
                category="sbc_unreachable" side="sbc"
    "#);
}

#[test]
fn a_pair_of_a_range() {
    insta::assert_snapshot!(asked("569004 504").1, @r#"
    569004/504 is not in the catalogue.
      SIP code  504 Server Time-out: a server failed on the request
      range     569xxx: Microsoft could not deliver a message to the SBC: TCP, TLS,
                certificate or DNS.
      who       whoever runs the SBC, with its vendor
      remedy    Check in this order: the SBC's name in public DNS, its port and
                firewall, TLS, its certificate.
      labels    cause="Unlisted 569xxx: TLS, TCP or DNS to the SBC"
                microsoft_code="569004" sip_code="504" category="certificate"
                side="sbc"

    Nearest in the catalogue:
      569003/504  INVITE not delivered: illegal TLS message
      569002/504  INVITE not delivered
      569002/504  ACK not delivered: connection refused
      569002/504  ACK not delivered: wrong certificate name
      569002/504  INVITE not delivered: connection timed out
    "#);
}

#[test]
fn a_cause_of_q850() {
    insta::assert_snapshot!(asked("Q.850 34").1, @r#"
    Q.850 cause 34 No circuit/channel available

    Q.850 cause 34 in a record without a Microsoft code:
      outcome   failed
      who       the carrier behind the SBC
      remedy    No channel was free: check trunk capacity, and ask the carrier.
      labels    cause="No circuit/channel available" category="capacity"
                side="carrier"
    "#);
    assert!(asked("Q.850 34").1.ends_with(&asked("No circuit/channel available").1));
}

#[test]
fn what_unlisted_means() {
    insta::assert_snapshot!(asked("Unlisted").1, @r#"
    Unlisted: a failed call whose code pair is not in the catalogue. The pair is in
    the labels microsoft_code and sip_code; `cdr-exporter inspect --cause unlisted
    FILE` lists such pairs with their trunks.
    A Microsoft code of one of these ranges has the range in its cause:
      Unlisted 10xxx: Teams user, bot or policy
      Unlisted 301xxx: media
      Unlisted 510xxx: routing or policy of the tenant
      Unlisted 511xxx: trunk or number look-up
      Unlisted 531xxx: SDP, SRTP or ICE
      Unlisted 540xxx: refused
      Unlisted 549xxx: not delivered to the SBC
      Unlisted 569xxx: TLS, TCP or DNS to the SBC

    Any other pair:
      who       not known before the codes are looked up
      remedy    Look the codes up in Microsoft's documentation, and add them to
                `causes:` in the config. Where the record has none, ask for the call
                by its correlation id.
      labels    cause="Unlisted" category="unlisted"
    "#);
}

#[test]
fn a_refusal_of_the_sbc_by_its_name() {
    insta::assert_snapshot!(asked("SBC refused: Busy Here").1, @r#"
    SBC refused: Busy Here: the SBC, or the PSTN behind it, gave SIP 486 as its
    final answer.

    560486/486 Called number was busy
      phrase    Call ended because remote PSTN participant was busy
      SIP code  486 Busy Here, given by the SBC
      outcome   busy; NER: effective, the network did its part
      who       nobody needs to: this is no failure
      remedy    Normal when far end is engaged; if implausibly frequent check
                SBC/carrier for congestion mapped to 486.
      labels    outcome="busy" of cdr_calls_total; it is no failure

    560486 with any other SIP code:
      range     560xxx: the SBC gave the final SIP code; it is the last three
                digits.
      who       whoever runs the SBC, with its vendor
      remedy    The SBC, or the carrier behind it, gave this answer: read the SBC's
                log of such a call.
      labels    outcome="busy" of cdr_calls_total; it is no failure
    "#);
    insta::assert_snapshot!(asked("SBC refused: Bad Gateway").1, @r#"
    SBC refused: Bad Gateway: the SBC, or the PSTN behind it, gave SIP 502 as its
    final answer.
      range     560xxx: the SBC gave the final SIP code; it is the last three
                digits.
      who       whoever runs the SBC, with its vendor
      remedy    The SBC, or the carrier behind it, gave this answer: read the SBC's
                log of such a call.
      labels    cause="SBC refused: Bad Gateway" microsoft_code="560502"
                category="sbc_rejected" side="sbc"
    "#);
}

#[test]
fn a_sip_code_by_its_kind_and_name() {
    insta::assert_snapshot!(asked("SIP 480").1, @r#"
    SIP 480 Temporarily Unavailable: nobody answered, or nobody could be reached

      10037/480   No callee endpoints were found
      10076/480   Callee could not be reached
      10077/480   Callee registered for push but not online
      10078/480   Callee endpoint not reachable
      10134/480   Inability to route the call
      10140/480   Call to bot is rejected
      10191/480   Routing to voicemail is disabled in policy
      10199/480   Private calling is disabled for the callee
      560480/480  No answer

    For one of them in full: cdr-exporter explain 10037/480

    SIP 480 in a record without a Microsoft code:
      outcome   no_answer where the called side said so, else failed
      who       the people on the call, by what they dial, answer or are signed in
                to
      remedy    Nobody answered, or nobody is signed in. If it comes often, check
                the called user's devices.
      labels    outcome="no_answer" of cdr_calls_total; it is no failure
    "#);
    assert_eq!(asked("SIP 480").1, asked("480").1);
    assert!(asked("480").1.ends_with(&asked("Temporarily Unavailable").1));
}
