//! Lines of both modules, and what becomes of them.

use super::*;
use crate::call::{Codes, Detail};
use crate::format::device::TrunkFrom;

const REFUSED: &str = "Nov  5 09:01:00 proxy kamailio[812]: NOTICE: acc [acc.c:279]: acc_log_request(): ACC: transaction answered: \
    timestamp=1730797260;method=INVITE;from_tag=a;to_tag=b;call_id=c1@192.0.2.1;code=480;reason=Temporarily Unavailable";

#[test]
fn a_name_in_latin_1_rejects_no_call() {
    let line = [REFUSED.as_bytes(), b";name=J\xf6rg"].concat();
    let mut decoder = Decoder::new(&device::UNKNOWN);
    assert!(matches!(decoder.decode(&line), Decoded::Call(call) if call.codes.sip == Some(480)));
}

/// Counted anew at each `;`, the quotes before it would take seconds.
#[test]
fn a_long_reason_with_an_odd_quote_takes_no_longer_than_its_text() {
    let line = format!("{REFUSED}\"{}", ";a=b".repeat(250_000));
    let begun = std::time::Instant::now();
    assert!(matches!(decoded(&line), Decoded::Call(_)));
    assert!(begun.elapsed() < std::time::Duration::from_secs(1), "{:?}", begun.elapsed());
}

fn decoded(line: &str) -> Decoded<'static> {
    Decoder::new(&device::UNKNOWN).decode(line.as_bytes()).owned()
}

fn call(line: &str) -> Call<'static> {
    match decoded(line) {
        Decoded::Call(call) => call,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn reads_a_line() {
    let expected = Call {
        record_id: RecordId(xxh3_128(b"c1@192.0.2.1")),
        trunk: "".into(),
        direction: Direction::Unknown,
        succeeded: Some(false),
        codes: Codes { sip: Some(480), words: Words::Other, ..Codes::default() },
        ended_at: Some(UnixMillis(1_730_797_260_000)),
        duration_seconds: None,
        attempt: Attempt::Final,
        unread: Unread::default(),
        detail: Detail::default(),
    };
    assert_eq!(call(REFUSED), expected);
    let missed = REFUSED.replace("transaction answered", "call missed");
    assert_eq!(call(&missed), Call { attempt: Attempt::Branch, ..expected });
    assert_eq!(call(&REFUSED.replace("code=480", "code=200")).succeeded, Some(true));
}

#[test]
fn a_reason_header_has_semicolons_of_its_own() {
    let header =
        r#"Q.850;cause=31;text="5e19725b-7fad-4e89-bae3-dfc5df88bb96;No callee endpoints were found""#;
    for line in [
        REFUSED.replace("Temporarily Unavailable", header),
        format!("{REFUSED};hf_reason={header};src_user=x;dst_user=y"),
        format!("{REFUSED};hf_reason={header}"),
        REFUSED.replace("Temporarily Unavailable", header) + ";hf_reason=<null>;src_user=x",
    ] {
        let codes = call(&line).codes;
        assert_eq!((codes.q850, codes.text), (Some(31), "No callee endpoints were found".into()), "{line}");
        assert_eq!(codes.words, Words::Microsoft);
    }
}

/// So does a phrase, which may have a name before a number.
#[test]
fn a_phrase_has_semicolons_of_its_own() {
    let phrase = "Unable to deliver INVITE: outgoing TLS negotiation failed; HRESULT=0x80096004";
    for (header, extra) in [
        (format!(r#"Q.850;cause=38;text="5e19725b-7fad-4e89-bae3-dfc5df88bb96;{phrase}""#), ""),
        (format!(r#"Q.850;cause=38;text="5e19725b-7fad-4e89-bae3-dfc5df88bb96;{phrase}""#), ";src_user=x"),
        (format!(r#"Q.850;cause=38;text=\"5e19725b-7fad-4e89-bae3-dfc5df88bb96;{phrase}\""#), ";src_user=x"),
        (format!("Q.850;cause=38;text=5e19725b-7fad-4e89-bae3-dfc5df88bb96;{phrase}"), ";src_user=x"),
    ] {
        for line in [
            REFUSED.replace("Temporarily Unavailable", &header) + extra,
            format!("{REFUSED};hf_reason={header}{extra};trunk=teams-1"),
        ] {
            assert_eq!(call(&line).codes.text, phrase.into(), "{line}");
        }
    }
    // A quote that is never closed hides no name that is read.
    let open = REFUSED.replace("Temporarily Unavailable", "a \" b") + ";src_user=x;trunk=teams-1";
    assert_eq!(call(&open).trunk, "teams-1".into());
}

#[test]
fn an_escaped_carriage_return_is_no_part_of_a_line() {
    assert_eq!(call(&format!("{REFUSED};trunk=teams-1#015")).trunk, "teams-1".into());
}

#[test]
fn a_domain_may_be_an_address() {
    let device = Device::parse(&["2001:db8::5"], TrunkFrom::Teams, jiff::tz::TimeZone::UTC).unwrap();
    let line = format!("{REFUSED};src_domain=carrier.example.com;dst_domain=[2001:db8::5]");
    let mut decoder = Decoder::new(Box::leak(Box::new(device)));
    assert!(
        matches!(decoder.decode(line.as_bytes()), Decoded::Call(call) if call.direction == Direction::Inbound)
    );
}

#[test]
fn which_side_is_teams() {
    for (extra, direction) in [
        (";src_domain=sip.pstnhub.microsoft.com;dst_domain=carrier.example.com", Direction::Outbound),
        (";src_domain=carrier.example.com;dst_domain=sip2.pstnhub.microsoft.com", Direction::Inbound),
        ("", Direction::Unknown),
    ] {
        assert_eq!(call(&format!("{REFUSED}{extra};trunk=teams-1")).direction, direction, "{extra}");
    }
    assert_eq!(call(&format!("{REFUSED};trunk=teams-1")).trunk, "teams-1".into());
}

#[test]
fn opensips_writes_an_answered_call_when_it_is_over() {
    let line = "Nov  5 09:01:30 proxy opensips[812]: ACC: call ended: created=1730797260;call_start_time=1730797265;duration=30;\
        ms_duration=30123;setuptime=5;method=INVITE;from_tag=a;to_tag=b;call_id=c1@192.0.2.1;code=200;reason=OK";
    let over = call(line);
    assert_eq!((over.succeeded, over.attempt, over.duration_seconds), (Some(true), Attempt::Final, Some(30)));
    assert_eq!(over.ended_at, Some(UnixMillis(1_730_797_295_000)));
    assert_eq!(over.record_id, RecordId(xxh3_128(b"c1@192.0.2.1")));
}

#[test]
fn a_time_that_cannot_be_read_is_said() {
    let at = |time: &str| {
        let call = call(&REFUSED.replace("timestamp=1730797260", &format!("timestamp={time}")));
        (call.ended_at.map(|at| at.0), call.unread.has(UnreadField::EndTime))
    };
    assert_eq!(at("1730797260.123"), (Some(1_730_797_260_123), false));
    assert_eq!(at("2024-11-05 09:01:00"), (None, true));
}

#[test]
fn what_is_no_call() {
    for line in [
        REFUSED.replace("INVITE", "BYE"),
        "Nov  5 09:01:00 proxy kamailio[812]: ERROR: tm: no branch".to_owned(),
        "ACC: something else: method=INVITE".to_owned(),
    ] {
        assert_eq!(decoded(&line), Decoded::Ignored, "{line}");
    }
    for (line, reason) in [
        (REFUSED.replace("call_id=c1@192.0.2.1;", ""), Reason::NoRecordId),
        (REFUSED.replace("code=480;", ""), Reason::BadLine),
        (REFUSED.replace("code=480", "code=4x0"), Reason::BadCode),
        (REFUSED.replace("method=INVITE;", ""), Reason::BadLine),
    ] {
        assert_eq!(decoded(&line), Decoded::Rejected(reason), "{line}");
    }
}

/// What a phone or the other end says stands in a line, too.
#[test]
fn what_others_say_decides_nothing() {
    let agent = call(&format!("{REFUSED};ua=ACC: Desk phone"));
    assert_eq!(agent.codes.sip, Some(480));
    let forged =
        format!("{REFUSED};name=ACC: transaction answered: method=INVITE;call_id=x;code=200;reason=OK");
    assert_eq!((call(&forged).codes.sip, call(&forged).succeeded), (Some(480), Some(false)));
    let reason = REFUSED.replace(
        "Temporarily Unavailable",
        "Busy;trunk=evil;src_domain=sip.pstnhub.microsoft.com;dst_domain=x",
    );
    let own =
        format!("{reason};src_domain=carrier.example.com;dst_domain=sip.pstnhub.microsoft.com;trunk=teams-1");
    assert_eq!((call(&own).trunk, call(&own).direction), ("teams-1".into(), Direction::Inbound));
}

/// A line of nothing but the beginnings of pairs takes no longer than another.
#[test]
fn a_hostile_line_is_read_once() {
    let line = REFUSED.replace("Temporarily Unavailable", &";".repeat(1_000_000));
    let begun = std::time::Instant::now();
    assert_eq!(call(&line).codes.sip, Some(480));
    // In a debug build; to look through the rest at each of them took minutes.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
