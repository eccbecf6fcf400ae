//! What stands in the files: character sets, holes, records of every kind.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use super::play::{Play, impatient};
use crate::tools::files::{append, utf16};

#[test]
fn utf16_with_a_byte_order_mark() {
    let mut play = Play::new();
    let text = play.rows(10);
    fs::write(play.path("a.json"), utf16(&text)).unwrap();
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

#[test]
fn a_hole_that_a_truncation_under_a_writer_leaves() {
    let mut play = Play::new();
    let mut writer = File::create(play.path("a.json")).unwrap();
    writer.write_all(&play.rows(50)).unwrap();
    play.counted(50);
    // The writer does not append: it writes on where it was, and what is before becomes a hole.
    File::options().write(true).open(play.path("a.json")).unwrap().set_len(0).unwrap();
    writer.write_all(&play.rows(20)).unwrap();
    play.settles_at(70, 0);
    writer.write_all(&play.rows(10)).unwrap();
    play.counted(80);
    play.kill();
    play.start();
    writer.write_all(&play.rows(10)).unwrap();
    play.settles_at(90, 0);
}

#[test]
fn holes_at_the_beginning_in_the_midst_and_nothing_else() {
    let mut play = impatient("cdr/*.json");
    let hole = vec![0; 700_000];
    let (first, second, third) = (play.rows(3), play.rows(3), play.rows(3));
    // A crash of the system cut the third row, and left a hole behind it.
    let text = [&hole, &first[..first.len() - 20], &hole, &second, &hole, &third].concat();
    fs::write(play.path("a.json"), text).unwrap();
    fs::write(play.path("b.json"), &hole).unwrap();
    File::create(play.path("c.json")).unwrap().set_len(5 * 1024 * 1024).unwrap();
    play.settles_at_with_pending(8, 2);
    let holes = [("reason", "hole")];
    assert_eq!(play.daemon().metrics().sum("cdr_exporter_rejected_records_total", &holes), 2.0);
    play.append("b.json", 5);
    play.append("c.json", 5);
    play.settles_at(18, 2);
}

#[test]
fn a_hole_before_a_table() {
    let play = impatient("cdr/*.csv");
    let header =
        "CorrelationId,Invite time,Call type,SBC FQDN,Success,Final SIP code,Final Microsoft subcode\n";
    let row = "c1,2026-11-01T00:00:00Z,Dr_In,sbc1.contoso.com,No,410,531004\n";
    let hole = "\0".repeat(5000);
    fs::write(play.path("a.csv"), [&hole, header, row, &hole, row, &row[..20], &hole, row].concat()).unwrap();
    play.settles_at(3, 2);
}

#[test]
fn bytes_that_are_no_text_and_newlines_in_quotes() {
    let mut play = Play::new();
    let row = String::from_utf8(play.rows(1)).unwrap();
    let (begin, end) = row.split_once("\"callType\"").unwrap();
    // Latin-1 in a field that nobody reads is no reason to lose the call; where the JSON itself breaks, it is.
    let latin = [begin.as_bytes(), b"\"userDisplayName\":\"\xdc\",\"callType\"", end.as_bytes()].concat();
    let broken = [begin.as_bytes(), b"\xff\xfe\"callType\"", end.as_bytes()].concat();
    append(&play.path("a.json"), &latin);
    append(&play.path("a.json"), &broken);
    append(
        &play.path("a.json"),
        &[begin.as_bytes(), b"\"x\":\"a\nb\",\"callType\"", end.as_bytes()].concat(),
    );
    play.append("a.json", 5);
    play.settles_at(6, 3);

    let play = Play::of("cdr/*.csv");
    let header =
        "CorrelationId,Invite time,Call type,SBC FQDN,Success,Final SIP code,Final Microsoft subcode,Note\n";
    let rows = b"c1,2026-11-01T00:00:00Z,Dr_In,sbc1.contoso.com,No,410,531004,\"a\nb, \"\"c\"\"\r\n\"\n\
                c2,2026-11-01T00:00:00Z,Dr_In,sbc1.contoso.com,No,410,531004,\xdc\n";
    append(&play.path("a.csv"), &[header.as_bytes(), rows].concat());
    play.settles_at(2, 0);
}
