//! Records of every shape to calls, by tables.

use super::*;
use crate::call::{Call, Direction, UnixMillis, Words};
use crate::format::names::Names;
use crate::framing::Split;

fn origin(field: Field, place: &str) -> Origin {
    Origin {
        field,
        from: From::Place(place.to_owned()),
        values: Vec::new(),
        time: TimeFormat::default(),
        divide_by: 1,
    }
}

fn mapping(shape: Shape, places: [&str; 5]) -> Mapping {
    let [id, trunk, sip, ended, duration] = places;
    let written = TimeFormat::Written("%d.%m.%Y %H:%M:%S".to_owned());
    Mapping {
        shape,
        origins: vec![
            origin(Field::Id, id),
            origin(Field::Trunk, trunk),
            origin(Field::SipCode, sip),
            Origin { time: written, ..origin(Field::Ended, ended) },
            Origin { divide_by: 1000, ..origin(Field::Duration, duration) },
        ],
        conditions: Vec::new(),
        rejects_others: false,
        device: Device::parse(&[], device::TrunkFrom::Teams, jiff::tz::TimeZone::fixed(jiff::tz::offset(1)))
            .unwrap(),
        quote: Some(b'"'),
        skip_lines: 0,
        records_in: None,
    }
}

/// What each line comes to: the id, trunk and SIP code of a call, or a word.
fn decoded(mapping: Mapping, lines: &[&str]) -> Vec<String> {
    let mut decoder = (mapping.format().decoder)(Names::default());
    let said = |line: &&str| match decoder.decode(line.as_bytes()) {
        Decoded::Call(call) => {
            assert_eq!(call.ended_at, Some(UnixMillis(1_730_793_660_000)), "{line}");
            assert_eq!(call.duration_seconds, Some(5), "{line}");
            format!("{} {:?}", call.trunk.read(), call.codes.sip)
        }
        Decoded::Header => "header".to_owned(),
        Decoded::Ignored => "ignored".to_owned(),
        Decoded::Rejected(reason) => reason.label().to_owned(),
    };
    lines.iter().map(said).collect()
}

#[test]
fn every_shape_gives_the_same_call() {
    let names = ["Id", "NAP", "Code", "End", "Millis"];
    let csv = |delimiter, has_header| Shape::Csv { delimiter, has_header };
    assert_eq!(
        decoded(
            mapping(csv(b';', true), names),
            &["Id;nap;Code;End;Millis", "1;\"a;b\";486;05.11.2024 09:01:00;5400", "1;x"],
        ),
        ["header", "a;b Some(486)", "bad_csv"]
    );
    assert_eq!(
        decoded(
            mapping(csv(b',', false), ["1", "2", "3", "4", "5"]),
            &["1,t,486,05.11.2024 09:01:00,5400\r"]
        ),
        ["t Some(486)"]
    );
    let json = r#"{"Id":7,"NAP":"t","call":{"Code":"486"},"End":"05.11.2024 09:01:00","Millis":5400}"#;
    assert_eq!(
        decoded(mapping(Shape::Json, ["Id", "NAP", "/call/Code", "End", "Millis"]), &[json, "[1]", "{"]),
        ["t Some(486)", "not_a_row", "bad_json"]
    );
    let pattern = r"END,id=(?<id>\d+),nap=(?<nap>\S+),code=(?<code>\d+),end=(?<end>[^,]+),ms=(?<ms>\d+)";
    let shape = Shape::Regex(vec![Regex::new(pattern).unwrap()]);
    let line = "x END,id=1,nap=t,code=486,end=05.11.2024 09:01:00,ms=5400";
    assert_eq!(
        decoded(mapping(shape.clone(), ["id", "nap", "code", "end", "ms"]), &[line, "another line"]),
        ["t Some(486)", "ignored"]
    );
    let strict = Mapping { rejects_others: true, ..mapping(shape, ["id", "nap", "code", "end", "ms"]) };
    assert_eq!(decoded(strict, &["another line"]), ["bad_line"]);
}

fn call(origins: Vec<Origin>, json: &str) -> Result<Call<'static>, Reason> {
    let mapping = Mapping { origins, ..mapping(Shape::Json, [""; 5]) };
    match Decoder::new(Box::leak(Box::new(mapping)), Holders::USUAL).decode(json.as_bytes()) {
        Decoded::Call(call) => Ok(call.owned()),
        Decoded::Rejected(reason) => Err(reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn values_constants_and_flags() {
    let success = Origin {
        values: vec![("OK".to_owned(), "true".to_owned()), ("KO".to_owned(), "false".to_owned())],
        ..origin(Field::Success, "r")
    };
    let inbound = Origin { from: From::Constant("inbound".to_owned()), ..origin(Field::Direction, "") };
    let read = call(vec![success.clone(), inbound], r#"{"r":"ko"}"#).unwrap();
    assert_eq!((read.succeeded, read.direction), (Some(false), Direction::Inbound));
    assert_eq!(call(vec![success], r#"{"r":"perhaps"}"#), Err(Reason::BadSuccess));
    let answered = vec![origin(Field::Answered, "a"), origin(Field::SipCode, "s")];
    assert_eq!(call(answered.clone(), r#"{"a":"2024-11-05T09:00:00Z"}"#).unwrap().succeeded, Some(true));
    assert_eq!(call(answered, r#"{"a":"","s":486}"#).unwrap().succeeded, Some(false));
    assert_eq!(call(vec![origin(Field::SipCode, "s")], "{}"), Err(Reason::NoOutcome));
}

#[test]
fn a_sip_code_may_have_its_phrase_behind_it() {
    for (text, expected) in [
        ("404 Not Found", Ok(Some(404))),
        ("SIP/2.0 480 Temporarily Unavailable", Ok(Some(480))),
        ("486", Ok(Some(486))),
        ("Not Found", Err(Reason::BadCode)),
        ("404Not Found", Err(Reason::BadCode)),
        ("4040 Not Found", Err(Reason::BadCode)),
        ("14255550100 ext", Err(Reason::BadCode)),
    ] {
        let read = call(vec![origin(Field::SipCode, "s")], &format!(r#"{{"s":"{text}"}}"#));
        assert_eq!(read.map(|call| call.codes.sip), expected, "{text}");
    }
}

#[test]
fn times() {
    for (time, text, expected) in [
        (TimeFormat::Rfc3339, "2024-11-05T09:01:00Z", Some(1_730_797_260_000)),
        (TimeFormat::Rfc3339, "2024-11-05 10:01:00", Some(1_730_797_260_000)),
        (TimeFormat::Unix, "1730797260.5", Some(1_730_797_260_000)),
        (TimeFormat::UnixMillis, "1730797260500", Some(1_730_797_260_500)),
        (TimeFormat::Written("%Y%m%d%H%M%S %z".to_owned()), "20241105090100 +0000", Some(1_730_797_260_000)),
        (TimeFormat::Unix, "soon", None),
    ] {
        let origins =
            vec![Origin { time: time.clone(), ..origin(Field::Ended, "t") }, origin(Field::SipCode, "s")];
        let json = format!(r#"{{"t":"{text}","s":500}}"#);
        assert_eq!(call(origins, &json).unwrap().ended_at, expected.map(UnixMillis), "{time:?} {text}");
    }
}

#[test]
fn what_microsoft_says_in_a_reason_header() {
    let origins = vec![origin(Field::ReasonHeader, "r"), origin(Field::SipCode, "s")];
    let json = r#"{"s":480,"r":"Q.850;cause=31;text=\"5e19725b-7fad-4e89-bae3-dfc5df88bb96;No callee endpoints were found\""}"#;
    let codes = call(origins, json).unwrap().codes;
    assert_eq!((codes.q850, codes.words), (Some(31), Words::Microsoft));
    assert_eq!(codes.text, "No callee endpoints were found".into());
}

#[test]
fn records_that_are_no_calls_are_ignored() {
    let conditions = vec![Where { place: "type".to_owned(), is: vec!["STOP".to_owned()] }];
    let mapping = Mapping { conditions, ..mapping(Shape::Json, ["id", "t", "s", "e", "d"]) };
    let mut decoder = Decoder::new(Box::leak(Box::new(mapping)), Holders::USUAL);
    assert_eq!(decoder.decode(br#"{"type":"START","s":486}"#), Decoded::Ignored);
    assert!(matches!(decoder.decode(br#"{"type":"stop","id":1,"s":486}"#), Decoded::Call(_)));
}

/// A reload tells by this whether files are to be read otherwise.
#[test]
fn formats_are_the_same_where_the_config_says_the_same() {
    let of = |sip: &str| mapping(Shape::Json, ["id", "trunk", sip, "end", "ms"]).format();
    assert_eq!(of("code"), of("code"));
    assert_ne!(of("code"), of("other"));
    let of = |name: &str| {
        let device = Device::parse(&[name], device::TrunkFrom::Teams, jiff::tz::TimeZone::UTC).unwrap();
        crate::format::audiocodes::FORMAT.for_device(device).unwrap()
    };
    assert_eq!(of("teams"), of("teams"));
    assert_ne!(of("teams"), of("ms-*"));
}

/// What each line comes to: whether the call was answered, or a word.
fn answered(lines: &[&str]) -> Vec<String> {
    let mapping = Mapping {
        origins: vec![origin(Field::Answered, "Answered"), origin(Field::SipCode, "Code")],
        ..mapping(Shape::Csv { delimiter: b',', has_header: true }, ["Id", "NAP", "Code", "End", "Millis"])
    };
    let mut decoder = (mapping.format().decoder)(Names::default());
    let said = |line: &&str| match decoder.decode(line.as_bytes()) {
        Decoded::Call(call) => format!("{:?}", call.succeeded.unwrap()),
        Decoded::Header => "header".to_owned(),
        other => format!("{other:?}"),
    };
    lines.iter().map(said).collect()
}

#[test]
fn what_devices_write_for_never_is_no_answer() {
    for never in [
        "",
        "0",
        "-",
        "NULL",
        "\\N",
        "n/a",
        "0.0",
        "00:00:00",
        "0000-00-00 00:00:00",
        "0000-00-00T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "1970-01-01 00:00:00",
        "1970-01-01T01:00:00+01:00",
        "1900-01-01 00:00:00",
        "1899-12-30",
        "some day",
    ] {
        assert_eq!(answered(&["Answered,Code", &format!("{never},486")])[1], "false", "{never}");
    }
    for (at, code) in
        [("2024-11-05T09:00:00Z", "200"), ("2024-11-05 09:00:00", "486"), ("yes", "486"), ("some day", "")]
    {
        assert_eq!(answered(&["Answered,Code", &format!("{at},{code}")])[1], "true", "{at}");
    }
}

#[test]
fn a_header_that_comes_again_is_no_call() {
    let lines = ["Answered,Code", ",486", "Answered,Code\r", "2024-11-05 09:00:00,200"];
    assert_eq!(answered(&lines), ["header", "false", "header", "true"]);
}

#[test]
fn bytes_that_are_not_utf_8_reject_nothing() {
    let shape = Shape::Regex(vec![Regex::new(r"name=(?<nap>[^,]*),code=(?<code>[0-9]{3})").unwrap()]);
    let places = ["code", "nap", "code", "code", "code"];
    let mapping = Mapping { origins: vec![origin(Field::SipCode, "code")], ..mapping(shape, places) };
    let mut decoder = (mapping.format().decoder)(Names::default());
    assert!(
        matches!(decoder.decode(b"name=J\xf6rg,code=486"), Decoded::Call(call) if call.codes.sip == Some(486))
    );
    assert_eq!(decoder.decode(b"another line of J\xf6rg"), Decoded::Ignored);
    let json =
        Mapping { origins: vec![origin(Field::SipCode, "code")], ..self::mapping(Shape::Json, places) };
    let mut decoder = (json.format().decoder)(Names::default());
    assert!(matches!(decoder.decode(b"{\"name\":\"J\xf6rg\",\"code\":486}"), Decoded::Call(_)));
}

#[test]
fn lines_above_a_table_are_passed_and_another_character_may_quote() {
    for has_header in [true, false] {
        let shape = Shape::Csv { delimiter: b';', has_header };
        let place = if has_header { "Code" } else { "2" };
        let told = Mapping {
            origins: vec![origin(Field::SipCode, place)],
            quote: Some(b'\''),
            skip_lines: 2,
            ..mapping(shape, [place; 5])
        };
        let format = told.format();
        let mut decoder = (format.decoder)(Names::default());
        for line in ["Report of a day", "", "Name;Code"].iter().take(if has_header { 3 } else { 2 }) {
            // A restart may come between any two of them.
            let header = decoder.header();
            decoder = (format.decoder)(Names::default());
            header.iter().for_each(|header| decoder.resume(header));
            assert_eq!(decoder.decode(line.as_bytes()), Decoded::Header, "{line}");
        }
        let mut resumed = (format.decoder)(Names::default());
        resumed.resume(&decoder.header().unwrap());
        for decoder in [&mut decoder, &mut resumed] {
            let row = b"'a;b';486";
            assert!(matches!(decoder.decode(row), Decoded::Call(call) if call.codes.sip == Some(486)));
        }
    }
}

/// A number of more than 64 bits is read as one with a fraction by most: these would be the same.
#[test]
fn ids_that_are_long_numbers_differ() {
    let origins = || {
        vec![
            origin(Field::Id, "/of/0/Call"),
            origin(Field::Trunk, "odd/name"),
            origin(Field::SipCode, "code"),
        ]
    };
    let id = |id: &str| {
        let json = format!(r#"{{"odd\/name":"t","of":[{{"Call":{id}}}],"code":486}}"#);
        call(origins(), &json).unwrap().record_id
    };
    let ids = ["100000000000000000000", "100000000000000000001", "-100000000000000000001", "1e20", "1.5"];
    let ids: std::collections::BTreeSet<_> = ids.map(|text| id(text).0).into_iter().collect();
    assert_eq!(ids.len(), 5);
}

/// A word for none in the place of an id would make one call of all that have it.
#[test]
fn what_has_no_id_of_its_own_is_known_by_all_that_it_says() {
    let origins = || vec![origin(Field::Id, "id"), origin(Field::SipCode, "code")];
    let id =
        |id: &str, code: u16| call(origins(), &format!(r#"{{"id":{id},"code":{code}}}"#)).unwrap().record_id;
    for none in [r#""NULL""#, r#""-""#, "0", r#""0000""#, r#""N/A""#] {
        assert_ne!(id(none, 486), id(none, 503), "{none}");
        assert_eq!(id(none, 486), id(none, 486), "{none}");
    }
    assert_eq!(id("10", 486), id("10", 503));
    assert_eq!(call(origins(), r#"{"id":"","code":486}"#), Err(Reason::NoRecordId));
}

/// Normal clearing ends calls that were answered and calls that were not: one that lasted was.
#[test]
fn a_call_known_by_its_cause_and_duration_was_answered_when_it_lasted() {
    let origins = || vec![origin(Field::Q850, "cause"), origin(Field::Duration, "s")];
    let succeeded = |cause: u8, seconds: &str| {
        call(origins(), &format!(r#"{{"cause":{cause},"s":"{seconds}"}}"#)).unwrap().succeeded
    };
    assert_eq!([succeeded(16, "300"), succeeded(31, "1")], [Some(true); 2]);
    assert_eq!([succeeded(16, "0"), succeeded(16, ""), succeeded(41, "300"), succeeded(17, "5")], [None; 4]);
    let mut with_code = origins();
    with_code.push(origin(Field::SipCode, "code"));
    assert_eq!(call(with_code, r#"{"cause":16,"s":"300","code":487}"#).unwrap().succeeded, None);
}

/// A list called like those of answers may be a part of a record, which then is not lost.
#[test]
fn what_holds_records_is_for_the_config_to_say() {
    let text = br#"{"id":"1","data":[{"id":"2"},{"id":"3"}],"value":{"id":"4"}}"#;
    let records = |mapping: Mapping| {
        let (framing, mut records, mut at) = (mapping.format().framing, Vec::new(), 0);
        let mut splitter = framing.splitter(1024);
        while at < text.len() {
            match splitter.next(&text[at..], true) {
                Split::Record { start, end, next } => {
                    records.push(String::from_utf8_lossy(&text[at + start..at + end]).into_owned());
                    at += next;
                }
                Split::Skip { next } => at += next,
                other => panic!("{other:?}"),
            }
        }
        records
    };
    let whole = String::from_utf8_lossy(text).into_owned();
    let places = |place| [place; 5];
    let named = |names: &[&str]| {
        let records_in = Some(names.iter().map(|name| (*name).to_owned()).collect());
        Mapping { records_in, ..mapping(Shape::Json, places("id")) }
    };
    assert_eq!(
        records(mapping(Shape::Json, places("id"))),
        [r#"{"id":"2"}"#, r#"{"id":"3"}"#, r#"{"id":"4"}"#]
    );
    assert_eq!(records(mapping(Shape::Json, places("/data/0/id"))), [r#"{"id":"4"}"#]);
    assert_eq!(records(named(&[])), [whole]);
    assert_eq!(records(named(&["Value"])), [r#"{"id":"4"}"#]);
}

#[test]
fn a_config_that_is_read_again_makes_the_same_format() {
    let of = |place| mapping(Shape::Json, [place; 5]).format();
    assert!(std::ptr::eq(of("code"), of("code")));
    assert!(!std::ptr::eq(of("code"), of("cause")));
}
