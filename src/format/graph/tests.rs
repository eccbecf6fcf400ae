//! Rows as tables: the usual one with one thing changed, and what becomes of it.

use proptest::prelude::*;

use super::*;
use crate::call::{
    Call, Country, Detail, Direction, Kind, RecordId, Shape, UnixMillis, Unread, UnreadField, UnreadTime,
};
use crate::format::detail;

pub const FAILED: &str = r#"{"id":"9e8bba57-dc14-533a-a7dd-f0da6575eed1",
 "correlationId":"c98e1515-a937-4b81-b8a8-3992afde64e0","userId":"db03c14b-06eb-4189-939b-7cbf3a20ba27",
 "userPrincipalName":"user.one@contoso.com","userDisplayName":"User One",
 "startDateTime":"2024-11-05T09:12:30Z",
 "inviteDateTime":"2024-11-05T09:12:21.949Z","failureDateTime":"2024-11-05T09:12:30Z",
 "endDateTime":"0001-01-01T00:00:00Z","duration":9,"callType":"ByotOut","successfulCall":false,
 "callerNumber":"+1425555****","calleeNumber":"+1425555****","mediaPathLocation":"USWE",
 "signalingLocation":"EUNO",
 "finalSipCode":410,"callEndSubReason":531004,"finalSipCodePhrase":"IceConnectivityChecksFailed",
 "trunkFullyQualifiedDomainName":"sbc1.contoso.com","mediaBypassEnabled":false}"#;

pub fn failed() -> Call<'static> {
    row::failed(RecordId(0x9e8b_ba57_dc14_533a_a7dd_f0da_6575_eed1))
}

fn failed_with_phrase(phrase: &str) -> Decoded<'_> {
    Decoded::Call(Call { codes: row::codes(Some(531_004), Some(410), phrase), ..failed() })
}

/// The row with the value of one property replaced.
pub fn with(property: &str, value: &str) -> String {
    let (before, rest) = FAILED.split_once(&format!("\"{property}\":")).expect("the row has it");
    let after = rest.find([',', '}']).map(|end| &rest[end..]).expect("the value ends");
    format!("{before}\"{property}\":{value}{after}")
}

fn check(record: impl AsRef<[u8]>, expected: Decoded) {
    let record = record.as_ref();
    assert_eq!(detail::left_out(Decoder::default().decode(record)), expected, "{}", record.escape_ascii());
}

fn rejected(record: impl AsRef<[u8]>, reason: Reason) {
    check(record, Decoded::Rejected(reason));
}

/// What a row tells beside cause and trunk.
fn detail_of(row: &str) -> Detail {
    match Decoder::default().decode(row.as_bytes()) {
        Decoded::Call(call) => call.detail,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_the_detail() {
    let country = |code: &[u8]| Country::of_code(code);
    let usual = Detail { setup_millis: Some(8051), kind: Kind::User, country: country(b"US"), more: 0 };
    assert_eq!(detail_of(FAILED), usual);
    let french = with("calleeNumber", "\"+33155****\"");
    assert_eq!(detail_of(&french), Detail { country: country(b"FR"), ..usual });
    let said =
        french.replace("\"mediaBypassEnabled\"", "\"otherPartyCountryCode\":\"BE\",\"mediaBypassEnabled\"");
    assert_eq!(detail_of(&said), Detail { country: country(b"BE"), ..usual });
    let to_bot = with("callType", "\"ByotInUcap\"");
    assert_eq!(detail_of(&to_bot), Detail { kind: Kind::Bot, country: None, ..usual });
    for (property, value) in [("inviteDateTime", "null"), ("failureDateTime", "\"0001-01-01T00:00:00Z\"")] {
        assert_eq!(detail_of(&with(property, value)), Detail { setup_millis: None, ..usual });
    }
    // Of an answered call the time of the answer counts.
    let answered =
        with("successfulCall", "true").replace("09:12:30Z\",\n \"invite", "09:12:25Z\",\n \"invite");
    assert_eq!(detail_of(&answered), Detail { setup_millis: Some(3051), ..usual });
}

#[test]
fn reads_a_row() {
    check(FAILED, Decoded::Call(failed()));
    check(FAILED.replace('\n', "\r\n\t").replace("\":", "\" : "), Decoded::Call(failed()));
}

#[test]
fn unread_properties_may_hold_anything() {
    let values = [
        "null",
        "true",
        "-1.5e-3",
        "1e999",
        "[]",
        "{}",
        r#"{"a":[1,{"b":null}]}"#,
        r#""a \" quote, and \\ \u00e9""#,
        r#""half a pair \ud83d""#,
        "123456789012345678901234567890",
    ];
    for value in values {
        check(with("userDisplayName", value), Decoded::Call(failed()));
    }
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    check(with("userDisplayName", &deep), Decoded::Call(failed()));
}

#[test]
fn bytes_that_are_not_utf8_cost_no_call() {
    let [before, after] =
        [0, 1].map(|part| FAILED.split("User One").nth(part).expect("two parts").as_bytes());
    check([before, b"Us\xe9r One", after].concat(), Decoded::Call(failed()));
    check([before, b"Us\xe9r \\u004fne", after].concat(), Decoded::Call(failed()));
    let [before, after] = [0, 1].map(|part| FAILED.split("Ice").nth(part).expect("two parts").as_bytes());
    let call = || failed_with_phrase("\u{fffd}ConnectivityChecksFailed");
    check([before, b"\xff", after].concat(), call());
    check([before, b"\\u0020\xff", after].concat(), call());
}

#[test]
fn escapes_are_read() {
    check(with("finalSipCodePhrase", r#""Ice\u0043onnectivityChecksFailed""#), Decoded::Call(failed()));
    check(FAILED.replace("finalSipCode\"", "final\\u0053ipCode\""), Decoded::Call(failed()));
    let phrase = with("finalSipCodePhrase", r#""a \"phrase\"; é \ud83d\ude00""#);
    check(phrase, failed_with_phrase("a \"phrase\"; é \u{1f600}"));
}

#[test]
fn the_last_of_two_counts() {
    let twice = FAILED.replace("\"finalSipCode\":410", "\"finalSipCode\":\"x\",\"finalSipCode\":410");
    check(&twice, Decoded::Call(failed()));
    check(twice.replace("\"mediaBypassEnabled\":false", "\"a\":[]"), Decoded::Call(failed()));
}

#[test]
fn reads_codes() {
    let codes = |microsoft, sip| {
        let codes = row::codes(microsoft, sip, "IceConnectivityChecksFailed");
        Decoded::Call(Call { codes, ..failed() })
    };
    for value in ["410", "\"410\"", "410.0", "4.1e2", "\" 410 \""] {
        check(with("finalSipCode", value), codes(Some(531_004), Some(410)));
    }
    for value in ["null", "\"\""] {
        check(with("finalSipCode", value), codes(Some(531_004), None));
        check(with("callEndSubReason", value), codes(None, Some(410)));
    }
    check(with("callEndSubReason", "0"), codes(Some(0), Some(410)));
    check(with("callEndSubReason", "999999"), codes(Some(999_999), Some(410)));
    for value in
        ["-1", "410.5", "\"x\"", "true", "[410]", "{}", "18446744073709551616", "1e300", "1000", "65946"]
    {
        rejected(with("finalSipCode", value), Reason::BadCode);
    }
    for value in ["-531004", "531004.5", "\"531004a\"", "false", "[531004]"] {
        rejected(with("callEndSubReason", value), Reason::BadCode);
    }
}

#[test]
fn reads_success() {
    let succeeded = |succeeded| Decoded::Call(Call { succeeded, ..failed() });
    for (value, expected) in [
        ("true", Some(true)),
        ("\"Yes\"", Some(true)),
        ("\"false\"", Some(false)),
        ("1", Some(true)),
        ("0", Some(false)),
        ("null", None),
        ("\"\"", None),
    ] {
        check(with("successfulCall", value), succeeded(expected));
    }
    for value in ["2", "\"maybe\"", "[]"] {
        rejected(with("successfulCall", value), Reason::BadSuccess);
    }
    let no_codes = with("finalSipCode", "null").replace("531004", "null");
    rejected(no_codes.replace("\"successfulCall\":false", "\"successfulCall\":null"), Reason::NoOutcome);
    check(
        no_codes,
        Decoded::Call(Call { codes: row::codes(None, None, "IceConnectivityChecksFailed"), ..failed() }),
    );
}

#[test]
fn reads_times_and_durations() {
    let ended = |second: i64| {
        Decoded::Call(Call { ended_at: Some(UnixMillis(1_730_797_950_000 + second * 1000)), ..failed() })
    };
    check(with("endDateTime", "\"2024-11-05T09:12:35Z\""), ended(5));
    check(with("failureDateTime", "null"), ended(0));
    check(with("endDateTime", "1730797955"), ended(5));
    check(with("endDateTime", r#""\/Date(1730797955000)\/""#), ended(5));
    check(with("endDateTime", r#"{"value":"\/Date(1730797955000)\/","DateTime":"Tuesday"}"#), ended(5));
    let unread = |field| {
        let mut unread = Unread::default();
        unread.add(field);
        Call { unread, ..failed() }
    };
    let mut shape = Unread::default();
    shape.add_time(UnreadField::EndTime, UnreadTime::Shape(Shape::of(b"xxxxxxxxx")));
    check(with("endDateTime", "\"yesterday\""), Decoded::Call(Call { unread: shape, ..failed() }));
    for value in ["17", "true", "[]", "{}", "-1.5", r#"{"value":{"value":[{}]}}"#] {
        check(with("endDateTime", value), Decoded::Call(unread(UnreadField::EndTime)));
    }
    // A time that is not needed may be anything.
    check(with("inviteDateTime", "\"yesterday\""), Decoded::Call(failed()));
    let seconds = |duration_seconds| Decoded::Call(Call { duration_seconds, ..failed() });
    for (value, expected) in
        [("0", Some(0)), ("\"9\"", Some(9)), ("9.0", Some(9)), ("null", None), ("\"\"", None)]
    {
        check(with("duration", value), seconds(expected));
    }
    for value in ["-1", "9.5", "\"PT9S\"", "4294967296", "true"] {
        let call = Call { duration_seconds: None, ..unread(UnreadField::Duration) };
        check(with("duration", value), Decoded::Call(call));
    }
}

#[test]
fn a_successful_call_of_an_old_row_ended_its_duration_after_it_began() {
    let row = |start: &str| {
        format!(
            r#"{{"id":"r","successfulCall":true,"duration":60,"startDateTime":{start},
                "inviteDateTime":"1970-01-01T00:00:10Z","failureDateTime":"0001-01-01T00:00:00Z"}}"#
        )
    };
    for (start, expected) in
        [("\"1970-01-01T00:00:20Z\"", 80), ("null", 70), ("\"0001-01-01T00:00:00Z\"", 70)]
    {
        let row = row(start);
        let mut decoder = Decoder::default();
        let Decoded::Call(call) = decoder.decode(row.as_bytes()) else { panic!("{row}") };
        assert_eq!(call.ended_at, Some(UnixMillis(expected * 1000)), "{row}");
    }
}

#[test]
fn reads_ids() {
    for value in ["\"{9E8BBA57-DC14-533A-A7DD-F0DA6575EED1}\"", "\"9e8bba57dc14533aa7ddf0da6575eed1\""] {
        check(with("id", value), Decoded::Call(failed()));
    }
    for value in ["null", "\"\"", "true", "[]", "-1", "\"00000000-0000-0000-0000-000000000000\""] {
        let nothing_else = with("id", value).replace("correlationId", "x").replace("inviteDateTime", "y");
        rejected(nothing_else, Reason::NoRecordId);
    }
    let [text, number] = ["\"12\"", "12"].map(|id| with("id", id));
    let (mut first, mut second) = (Decoder::default(), Decoder::default());
    assert_eq!(first.decode(text.as_bytes()), second.decode(number.as_bytes()));
}

#[test]
fn reads_trunks_and_directions() {
    for (value, trunk) in
        [("\" SBC.fabrikam.com \"", "SBC.fabrikam.com"), ("null", ""), ("\"\"", ""), ("7", "")]
    {
        let expected = Decoded::Call(Call { trunk: trunk.into(), ..failed() });
        check(with("trunkFullyQualifiedDomainName", value), expected);
    }
    for (value, direction) in [("\"ByotIn\"", Direction::Inbound), ("null", Direction::Unknown)] {
        check(with("callType", value), Decoded::Call(Call { direction, ..failed() }));
    }
}

#[test]
fn knows_what_is_no_row() {
    for record in [
        "",
        "{",
        "{\"id\":\"a\"",
        "{\"id\":}",
        "nul",
        "{\"id\":01}",
        "{} {}",
        "[1,",
        "{\"a\":\"\u{1}\"}",
        "{\"a\":1,}",
        "{\"a\": \u{c}1}",
        "{}\u{c}",
    ] {
        rejected(record, Reason::BadJson);
    }
    rejected(b"\xff", Reason::BadJson);
    for record in ["null", "1", "\"text\"", "[]", "[{\"id\":\"a\"}]", "{}", "{\"callType\":\"ByotIn\"}"] {
        rejected(record, Reason::NotARow);
    }
    rejected(
        r#"{"id":{"0":"a"},"successfulCall":{"0":false},"finalSipCode":{"0":403},"callEndSubReason":{"0":560403}}"#,
        Reason::NotARow,
    );
    rejected("{\"error\":{\"code\":\"x\"}}", Reason::ErrorAnswer);
    let others = [
        r##"{"@odata.type":"#microsoft.graph.callRecords.pstnCallLogRow","id":"a","finalSipCode":1}"##,
        r#"{"id":"a","callType":"user_in","charge":0.0,"currency":"USD"}"#,
        r#"{"id":null}"#,
    ];
    for record in others {
        check(record, Decoded::Ignored);
    }
    let typed =
        FAILED.replacen('{', r##"{"@odata.type":"#microsoft.graph.callRecords.directRoutingLogRow","##, 1);
    check(typed, Decoded::Call(failed()));
}

proptest! {
    #[test]
    fn no_bytes_at_all_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        Decoder::default().decode(&bytes);
        Decoder::default().decode(&[b"{\"id\":", &bytes[..]].concat());
    }
}
