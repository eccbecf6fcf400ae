//! Records without an end: their writer pauses, comes back, or never does.

use std::fs;

use super::play::{Play, impatient};
use crate::tools::files::append;
use crate::tools::run;

const HEADER: &str =
    "CorrelationId,Invite time,Call type,SBC FQDN,Success,Final SIP code,Final Microsoft subcode,Note\n";

/// A row under [`HEADER`].
fn row(number: u32, note: &str) -> String {
    format!("c{number},2026-11-01T00:00:00Z,Dr_In,sbc1.contoso.com,No,410,531004,{note}\n")
}

/// What is counted is what the files hold.
fn audit(play: &mut Play) {
    play.stop();
    let of = |name: &str| play.folder.path().join(name).display().to_string();
    let audit = run(["audit", "--config.file", &of("config.yml"), "--storage.path", &of("store")]);
    assert_eq!(audit.code, Some(0), "{audit:?}");
}

#[test]
fn an_unfinished_record_is_rejected_once_and_counts_when_it_is_finished() {
    let mut play = impatient("cdr/*.json");
    let text = play.rows(3);
    let (begun, end) = text.split_at(text.len() - 20);
    append(&play.path("a.json"), begun);
    play.settles_at_with_pending(2, 1);
    let unfinished = [("reason", "unfinished")];
    assert_eq!(play.daemon().metrics().sum("cdr_exporter_rejected_records_total", &unfinished), 1.0);
    play.kill();
    play.start();
    play.settles_at_with_pending(2, 1);
    append(&play.path("a.json"), end);
    play.append("a.json", 2);
    play.settles_at(5, 1);
    audit(&mut play);
}

#[test]
fn an_unfinished_record_is_rejected_once_when_its_file_goes_or_another_begins() {
    let mut play = impatient("cdr/*.json");
    let text = play.rows(3);
    append(&play.path("a.json"), &text[..text.len() - 20]);
    let text = play.rows(3);
    append(&play.path("b.json"), &text[..text.len() - 30]);
    play.settles_at_with_pending(4, 2);
    fs::remove_file(play.path("a.json")).unwrap();
    append(&play.path("b.json"), b"\n");
    play.append("b.json", 2);
    play.settles_at(6, 2);
    audit(&mut play);
}

#[test]
fn calls_behind_a_quote_that_is_never_closed() {
    let mut play = impatient("cdr/*.csv");
    let text = [HEADER, &row(1, "a"), &row(2, "\"b"), &row(3, "c"), &row(4, "d")].concat();
    append(&play.path("a.csv"), text.as_bytes());
    play.settles_at(3, 1);
    append(&play.path("a.csv"), row(5, "e").as_bytes());
    play.settles_at(4, 1);
    // The next quote seems to close it.
    let text = [row(6, "\"f"), row(7, "g"), row(8, "\"h\ni\""), row(9, "j")].concat();
    append(&play.path("a.csv"), text.as_bytes());
    play.settles_at(7, 2);
    audit(&mut play);
}

#[test]
fn a_pause_within_quotes_is_no_end() {
    let mut play = Play::of("cdr/*.csv");
    let rows = [row(1, "a"), row(2, "\"b\nwith, more\nlines\"")].concat();
    let (begun, end) = rows.split_at(rows.len() - 8);
    append(&play.path("a.csv"), [HEADER, begun].concat().as_bytes());
    play.settles_at_with_pending(1, 0);
    append(&play.path("a.csv"), end.as_bytes());
    play.settles_at(2, 0);
    audit(&mut play);
}

#[test]
fn the_rest_of_a_last_line_that_counted() {
    let mut play = Play::of("cdr/*.csv");
    let rows = [row(1, "a"), row(2, "a longer note")].concat();
    let (begun, end) = rows.split_at(rows.len() - 8);
    append(&play.path("a.csv"), [HEADER, begun].concat().as_bytes());
    play.settles_at(2, 0);
    play.kill();
    play.start();
    append(&play.path("a.csv"), end.trim_end().as_bytes());
    play.settles_at_with_pending(2, 0);
    append(&play.path("a.csv"), ["\n", &row(3, "b")].concat().as_bytes());
    play.settles_at(3, 0);
    audit(&mut play);
}

#[test]
fn a_row_is_written_behind_one_without_a_line_end() {
    let mut play = Play::of("cdr/*.csv");
    let text = [HEADER, &row(1, "a"), &row(2, "b")].concat();
    append(&play.path("a.csv"), text.trim_end().as_bytes());
    play.settles_at(2, 0);
    play.kill();
    play.start();
    append(&play.path("a.csv"), [row(3, "c"), row(4, "d")].concat().trim_end().as_bytes());
    play.settles_at(4, 0);
    append(&play.path("a.csv"), row(5, "e").as_bytes());
    play.settles_at(5, 0);
}
