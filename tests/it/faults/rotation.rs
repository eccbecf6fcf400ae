//! Files that are rotated, renamed, truncated, replaced and removed.

use std::fs::{self, File};
use std::io::Write;
use std::time::Duration;

use super::play::{Play, pause};
use crate::tools::files::append;

#[test]
fn a_complete_file_is_renamed_into_the_glob() {
    let mut play = Play::new();
    play.append("a.tmp", 100);
    play.rename("a.tmp", "a.json");
    play.settles_at(100, 0);
}

#[test]
fn a_new_file_grows_line_by_line() {
    let mut play = Play::new();
    for line in 1..=100 {
        play.append("a.json", 1);
        if line % 10 == 0 {
            play.counted(line);
        }
    }
    play.settles_at(100, 0);
}

#[test]
fn the_writer_goes_on_behind_a_rename_and_create() {
    let mut play = Play::new();
    let mut old = File::create(play.path("a.json")).unwrap();
    old.write_all(&play.rows(50)).unwrap();
    play.counted(50);
    play.rename("a.json", "a.1");
    play.append("a.json", 50);
    for _ in 0..5 {
        old.write_all(&play.rows(1)).unwrap();
    }
    play.counted(105);
    // Later than the time after which a file is quiet: a writer that still has it open is still followed.
    pause(Duration::from_secs(2));
    old.write_all(&play.rows(50)).unwrap();
    play.settles_at(155, 0);
}

#[test]
fn a_rename_and_later_a_create() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    play.rename("a.json", "a.1");
    pause(Duration::from_secs(1));
    play.append("a.json", 50);
    play.settles_at(100, 0);
}

#[test]
fn a_rename_to_a_name_that_matches_too() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    play.rename("a.json", "a.json.1");
    play.append("a.json.1", 5);
    play.append("a.json", 50);
    play.settles_at(105, 0);
}

#[test]
fn copytruncate_and_regrown_past_the_old_offset_at_once() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    let more = play.rows(80);
    // One write, so that the daemon never sees the file shorter than it was.
    fs::write(play.path("a.json"), &more).unwrap();
    play.settles_at(130, 0);
}

#[test]
fn copytruncate_with_the_copy_inside_the_glob() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    fs::copy(play.path("a.json"), play.path("a.json.1")).unwrap();
    File::options().write(true).truncate(true).open(play.path("a.json")).unwrap();
    play.append("a.json", 30);
    play.settles_at(80, 0);
    assert_eq!(play.event("copied"), 1.0);
}

#[test]
fn a_file_is_replaced_by_a_redirect() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    let fewer = play.rows(10);
    fs::write(play.path("a.json"), fewer).unwrap();
    play.settles_at(60, 0);
    assert_eq!(play.event("truncated") + play.event("replaced"), 1.0);
}

#[test]
fn a_file_is_replaced_by_a_rename() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    play.append("b.tmp", 20);
    play.rename("b.tmp", "a.json");
    play.settles_at(70, 0);
}

#[test]
fn the_last_line_has_no_newline_when_the_file_is_rotated() {
    let mut play = Play::of("cdr/*.csv");
    let header =
        "CorrelationId,Invite time,Call type,SBC FQDN,Success,Final SIP code,Final Microsoft subcode\n";
    let row = |number: u32| format!("c{number},2026-11-01T00:00:00Z,Dr_In,sbc1.contoso.com,No,410,531004");
    let rows: Vec<String> = (0..11).map(row).collect();
    append(&play.path("a.csv"), (header.to_owned() + &rows.join("\n")).as_bytes());
    play.counted(10);
    play.rename("a.csv", "a.1");
    play.settles_at(11, 0);
    play.rows = 0;
}

#[test]
fn files_with_one_common_header() {
    let mut play = Play::of("cdr/*.csv");
    let header =
        "CorrelationId,Invite time,Call type,SBC FQDN,Success,Final SIP code,Final Microsoft subcode\n";
    for file in 0..5 {
        let row = format!("c{file},2026-11-01T00:00:00Z,Dr_In,sbc1.contoso.com,No,410,531004\n");
        append(&play.path(&format!("{file}.csv")), (header.to_owned() + &row).as_bytes());
    }
    play.settles_at(5, 0);
    play.rows = 0;
}

#[test]
fn an_inode_is_given_to_the_next_file() {
    let mut play = Play::new();
    for file in 0..20 {
        let name = format!("{file}.json");
        play.append(&name, 5);
        play.counted(5 * (file + 1));
        fs::remove_file(play.path(&name)).unwrap();
    }
    play.settles_at(100, 0);
}

#[test]
fn the_end_of_a_cut_record_is_rejected_when_the_file_goes() {
    let mut play = Play::new();
    let text = play.rows(3);
    append(&play.path("a.json"), &text[..text.len() - 20]);
    play.counted(2);
    fs::remove_file(play.path("a.json")).unwrap();
    play.settles_at(2, 1);
}
