//! What stands in the files: character sets, holes, records of every kind.

use std::fs;
use std::time::{Duration, Instant};

use super::play::{Play, append};

#[test]
fn utf16_with_a_byte_order_mark() {
    let mut play = Play::new();
    let text = String::from_utf8(play.rows(10)).unwrap();
    let bytes: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    fs::write(play.path("a.json"), bytes).unwrap();
    play.settles_at(10, 0);
}

#[test]
fn one_long_line_between_normal_ones() {
    let mut play = Play::new();
    play.append("a.json", 5);
    append(&play.path("a.json"), format!("{{\"id\":\"{}\"}}\n", "x".repeat(40_000)).as_bytes());
    append(&play.path("a.json"), format!("{{\"id\":\"{}\"}}\n", "x".repeat(2_000_000)).as_bytes());
    play.append("a.json", 5);
    play.settles_at(10, 1);
    let too_long = [("reason", "too_long")];
    assert_eq!(play.daemon().metrics().sum("cdr_exporter_rejected_records_total", &too_long), 1.0);
    assert_eq!(play.daemon().metrics().sum("cdr_exporter_records_total", &[("result", "ignored")]), 1.0);
}

#[test]
fn a_line_that_does_not_parse() {
    let mut play = Play::new();
    play.append("a.json", 5);
    append(&play.path("a.json"), b"{\"id\":\"5\",\"finalSipCode\":\n");
    play.append("a.json", 5);
    play.settles_at(10, 1);
}

#[test]
fn a_burst_is_no_reason_for_silence() {
    let mut play = Play::new();
    play.append("a.json", 20_000);
    let asked = Instant::now();
    play.daemon().metrics();
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    play.settles_at(20_000, 0);
}

#[test]
fn a_document_over_many_lines_waits_for_its_end() {
    let mut play = Play::new();
    let rows = String::from_utf8(play.rows(4)).unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    let document =
        format!("{{\n  \"value\": [\n    {}\n  ],\n  \"@odata.nextLink\": \"x\"\n}}\n", rows.join(",\n    "));
    let document = document.replace("\",\"", "\",\n      \"");
    let (first, second) = document.split_at(document.len() / 2);
    append(&play.path("a.json"), first.as_bytes());
    play.counted(2);
    append(&play.path("a.json"), second.as_bytes());
    play.settles_at(4, 0);
}

#[test]
fn a_call_of_tomorrow_is_not_live_and_a_number_is_no_trunk() {
    let play = Play::new();
    let row = b"{\"id\":\"1\",\"successfulCall\":false,\"finalSipCode\":410,\"callEndSubReason\":531004,\
        \"endDateTime\":\"2999-01-01T00:00:00Z\",\"trunkFullyQualifiedDomainName\":\"+14255550100\"}\n";
    append(&play.path("a.json"), row);
    play.counted(1);
    let labels = [("arrival", "late"), ("trunk", ""), ("microsoft_code", "531004")];
    assert_eq!(play.daemon().metrics().sum("cdr_call_failures_total", &labels), 1.0);
}
