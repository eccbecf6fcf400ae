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
    insta::assert_snapshot!(asked("531004 410").1, @"");
}

#[test]
fn a_pair_that_is_no_failure() {
    insta::assert_snapshot!(asked("560486/486").1, @"");
}

#[test]
fn a_pair_with_several_phrases_is_told_in_full() {
    let (exit, text) = asked("569002/504");
    assert_eq!((exit, text.matches("  remedy ").count()), (Exit::Ok, 8));
}

#[test]
fn a_microsoft_code_of_two_pairs() {
    insta::assert_snapshot!(asked("531000").1, @"");
}

#[test]
fn a_sip_code() {
    insta::assert_snapshot!(asked("415").1, @"");
    insta::assert_snapshot!(asked("699").1, @"");
}

#[test]
fn a_pair_outside_the_catalogue() {
    insta::assert_snapshot!(asked("531999/410").1, @"");
}

#[test]
fn a_refusal_of_the_sbc_outside_the_catalogue() {
    let (exit, text) = asked("560488");
    assert_eq!((exit, &text), (Exit::Ok, &asked("560488/488").1));
    insta::assert_snapshot!(text, @"");
}

#[test]
fn a_microsoft_code_outside_the_catalogue() {
    insta::assert_snapshot!(asked("569019").1, @"");
}

#[test]
fn words() {
    assert!(asked("Mediaconnectivityfailure.").1.starts_with("531005/410 MediaConnectivityFailure\n"));
    assert!(asked("candidates ICE").1.starts_with("531027/488 No ICE candidates in the SDP\n"));
    assert!(asked("Forbidden; Call rejected").1.starts_with("560403/403 Forbidden; Call rejected\n"));
    insta::assert_snapshot!(asked("refused zebra").1, @"");
}

#[test]
fn nothing_matches() {
    for what in ["777777", "zebra"] {
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
                assert!(line.trim_start().split(' ').count() == 1 || line.contains("cause=\""), "{line}");
            }
        }
    }
}
