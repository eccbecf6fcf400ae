//! What is read the quick way, and that the full reader reads it alike.

use proptest::prelude::*;

use super::*;
use crate::call::Reason;
use crate::format::graph::tests::{FAILED, failed, with};
use crate::format::graph::{Decoder, decode_row, read};
use crate::format::times::Dates;
use crate::format::{Decode, Decoded, Front, detail};

/// As [`with`], of a value that may have commas and braces.
fn with_any(property: &str, value: &str) -> String {
    with(property, "null").replace(&format!("\"{property}\":null"), &format!("\"{property}\":{value}"))
}

/// A script may leave a property out, for all rows of a file: that must not make them slow.
#[test]
fn a_row_without_all_properties_is_read_in_one_go_unless_one_is_misspelt() {
    let trunk = "\"trunkFullyQualifiedDomainName\":\"sbc1.contoso.com\",";
    for (property, instead, calls) in [
        (trunk, "", 1),
        ("\"callType\"", "\"kindOfCall\"", 1),
        ("\"callType\"", "\"calType\"", 0),
        ("\"successfulCall\"", "\"succesfulCall\"", 0),
        ("\"trunkFullyQualifiedDomainName\"", "\"trunkFullyQualifiedDomianName\"", 0),
    ] {
        let row = FAILED.replace(property, instead);
        for row in [format!("{{\"time\":1,\"properties\":{row}}}"), row] {
            is_read_in_one_go(&row, calls);
        }
    }
}

/// How many calls are read without the full reader.
fn calls_in_front(row: &str) -> usize {
    let text = format!("{row}\n{}", "x".repeat(ROOM));
    let mut front = Front::empty();
    Decoder::default().decode_front(text.as_bytes(), text.len(), &mut front);
    front.calls.len()
}

fn is_read_in_one_go(row: &str, calls: usize) {
    assert_eq!(calls_in_front(row), calls, "{row}");
    let is_call = matches!(Decoder::default().decode(row.as_bytes()), Decoded::Call(_));
    assert_eq!(usize::from(is_call), calls, "{row}");
}

/// What the quick reader must not take for the row's own: it stands one object deeper than the layout before it.
#[test]
fn what_wraps_a_row_is_read_as_the_full_reader_reads_it() {
    let wrapped = |before: &str, row: &str, after: &str| format!("{{{before}\"properties\":{row}{after}}}");
    let other = FAILED.replace("sbc1", "sbc2");
    let rows = [
        FAILED.to_owned(),
        wrapped("", FAILED, ""),
        wrapped("\"time\":\"x\", ", FAILED, ",\"category\":\"y\""),
        wrapped("\"time\":\"x\", ", FAILED, " , \"data\" : {\"a\":1} "),
        wrapped("\"time\":\"x\",\"data\":{\"a\":1},", FAILED, ""),
        wrapped("\"id\":\"9e8bba57-dc14-533a-a7dd-f0da6575eed1\",", FAILED, ",\"finalSipCode\":410"),
        // An object in what wraps the row wraps nothing.
        wrapped("", &FAILED.replacen('{', "{\"properties\":{\"finalSipCode\":1},", 1), ""),
        FAILED.replacen('{', &format!("{{\"data\":{{\"a\":1,\"properties\":{other}}},"), 1),
        FAILED.replacen('{', "{\"data\":{},", 1),
        FAILED.replacen('{', "{\"data\":{\"a\":1}, \"source\":{\"a\":1},", 1),
    ];
    for before in &rows {
        for row in &rows {
            let mut decoder = Decoder::default();
            for record in [before, row] {
                assert_eq!(
                    detail::left_out(decoder.decode(record.as_bytes())),
                    Decoded::Call(failed()),
                    "{record}"
                );
            }
        }
    }
    for broken in
        ["{\"a\":1},\"category\":\"y\"", "{\"properties\":{\"id\":\"a\"}", "{\"properties\":{\"id\":\"a\"}}}"]
    {
        let mut decoder = Decoder::default();
        decoder.decode(rows[2].as_bytes());
        assert_eq!(decoder.decode(broken.as_bytes()), Decoded::Rejected(Reason::BadJson), "{broken}");
    }
    is_read_in_one_go(&rows[2], 1);
}

#[test]
fn dates_of_powershell_and_escapes_are_read_in_one_go() {
    let date = r#"{"value":"\/Date(1730797950000)\/","DateTime":"x"}"#.replace('\\', "");
    for (property, value, calls) in [
        ("failureDateTime", date.as_str(), 1),
        ("failureDateTime", r#"{ "DateTime" : "x" , "DisplayHint":2,"value":"2024-11-05T09:12:30Z"}"#, 1),
        ("failureDateTime", r#"{"$date":1730797950000}"#, 1),
        ("failureDateTime", r#"{"$date":{"value":1730797950000}}"#, 0),
        ("failureDateTime", r#"{"value":"2024-11-05T09:12:30Z","a":[]}"#, 0),
        ("failureDateTime", r#"{"value":"2024-11-05T09:12:30\u005a"}"#, 0),
        ("userDisplayName", r#""J\u00fcrgen \"\\\/\b\f\n\r\t""#, 1),
        ("userDisplayName", r#"{"a":1}"#, 1),
        ("userDisplayName", r#""\ud83d""#, 1),
        ("userDisplayName", r#""\x""#, 0),
        ("userDisplayName", r#""\u00g0""#, 0),
        ("finalSipCodePhrase", r#""Ice\u0043onnectivityChecksFailed""#, 1),
        ("calleeNumber", r#""\u002B1425555****""#, 1),
        ("finalSipCodePhrase", r#""\x""#, 0),
        ("finalSipCode", r#""41\u00g0""#, 0),
        ("trunkFullyQualifiedDomainName", r#""sbc1\u002econtoso\u002ecom""#, 1),
    ] {
        let row = with_any(property, value);
        assert_eq!(calls_in_front(&row), calls, "{row}");
    }
}

proptest! {
    #[test]
    fn a_changed_row_makes_no_panic_and_both_readers_agree(
        changes in proptest::collection::vec((0..FAILED.len(), any::<u8>()), 0..4),
        inserted in "[\"{}\\[\\],:0-9a-e\\\\ .+-]{0,4}", at in 0..FAILED.len(), is_wrapped in any::<bool>(), is_odd in any::<bool>(),
    ) {
        let mut record = FAILED.as_bytes().to_vec();
        if is_odd {
            record = with_any("startDateTime", r#"{"value":"/Date(1730797950000)/","DateTime":"x"}"#)
                .replace("User One", "J\\u00fcrgen \\n")
                .into_bytes();
        }
        for (position, byte) in changes {
            record[position] = byte;
        }
        record.splice(at..at, inserted.into_bytes());
        if is_wrapped {
            record = [br#"{"time":1,"properties":"#, &record[..], br#","data":{"id":1},"a":2}"#].concat();
        }
        Decoder::default().decode(&record);
        let text = roomy(&record);
        for before in ["", FAILED, &format!(r#"{{"time":1,"properties":{FAILED}}}"#)] {
            let mut layout = Layout::default();
            let end = layout.read(&roomy(before.as_bytes()), &mut Row::default());
            prop_assert_eq!(end.unwrap_or_default(), before.len());
            let mut quick = Row::default();
            if let (Some(end), Ok(text)) = (layout.read(&text, &mut quick), std::str::from_utf8(&record)) {
                let read_full = read(&text[..end], Names::default()).expect("what is read quickly is JSON");
                let resembles =
                    |field| full::resembling(text, Names::default(), &mut Lookalikes::default()).contains(&field);
                let of_full = decode_row(&read_full, &mut Dates::default(), resembles);
                let resembles = |field| layout.resembles(field) && resembles(field);
                prop_assert_eq!(decode_row(&quick, &mut Dates::default(), resembles), of_full);
            }
        }
    }
}

fn roomy(record: &[u8]) -> Vec<u8> {
    [record, &[0; ROOM]].concat()
}
