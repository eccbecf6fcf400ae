//! Files that are cut, copied and written anew while something of them is read and something is not.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use super::play::{Play, pause};
use crate::tools::files::append;

const HEADER: &str = "CorrelationId,Invite time,Call type,SBC FQDN,Success,Final SIP phrase,Final SIP code,\
    Final Microsoft subcode\n";

/// Rows under [`HEADER`], none of which reads as a call before its last comma.
fn csv(numbers: std::ops::Range<u32>) -> String {
    let row = |number| {
        format!(
            "c{number},2026-11-01T00:00:00Z,Dr_In,sbc1.contoso.com,No,IceConnectivityChecksFailed,410,531004\n"
        )
    };
    numbers.map(row).collect()
}

fn truncate(play: &Play, name: &str) {
    File::options().write(true).truncate(true).open(play.path(name)).unwrap();
}

/// Waits until so many bytes were read.
fn read(play: &Play, bytes: usize) {
    play.daemon().wait_for_metrics(&format!("{bytes} bytes read"), |metrics| {
        metrics.sum("cdr_exporter_read_bytes_total", &[]) >= bytes as f64
    });
}

#[test]
fn a_copy_of_which_less_was_copied_than_was_read() {
    // A copy of one row is too short for a whole fingerprint.
    for rows in [2, 50] {
        let mut play = Play::new();
        play.append("a.json", rows);
        play.counted(rows);
        fs::copy(play.path("a.json"), play.path("a.json.1")).unwrap();
        play.append("a.json", 5);
        play.counted(rows + 5);
        truncate(&play, "a.json");
        play.append("a.json", 10);
        // The copy waits: its original cannot be compared any more.
        play.settles_at_with_pending(rows + 15, 0);
    }
}

#[test]
fn a_file_that_was_written_anew_loses_its_name() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    play.daemon().pause();
    let rows = play.rows(10);
    fs::write(play.path("a.json"), rows).unwrap();
    play.append("b.tmp", 20);
    play.rename("b.tmp", "a.json");
    play.daemon().resume();
    play.settles_at(80, 0);
}

#[test]
fn the_end_of_a_cut_line_stands_in_the_copy() {
    let play = Play::of("cdr/*.csv*");
    let text = HEADER.to_owned() + &csv(0..11);
    let (begun, end) = text.split_at(text.len() - 50);
    append(&play.path("a.csv"), begun.as_bytes());
    play.counted(10);
    read(&play, begun.len());
    play.daemon().pause();
    append(&play.path("a.csv"), end.as_bytes());
    fs::copy(play.path("a.csv"), play.path("a.csv.1")).unwrap();
    truncate(&play, "a.csv");
    append(&play.path("a.csv"), (HEADER.to_owned() + &csv(11..15)).as_bytes());
    play.daemon().resume();
    play.settles_at(15, 0);
}

#[test]
fn a_whole_last_line_counts_when_its_file_is_written_anew() {
    let play = Play::of("cdr/*.csv");
    let text = HEADER.to_owned() + csv(0..11).trim_end();
    append(&play.path("a.csv"), text.as_bytes());
    play.counted(10);
    read(&play, text.len());
    fs::write(play.path("a.csv"), HEADER.to_owned() + &csv(11..13)).unwrap();
    play.settles_at(13, 0);
}

#[test]
fn a_line_is_finished_while_the_daemon_sleeps() {
    let play = Play::of("cdr/*.csv");
    // Its last cell is cut: what is there reads as a call of another cause.
    let text = HEADER.to_owned() + &csv(0..2);
    let (begun, end) = text.split_at(text.len() - 3);
    append(&play.path("a.csv"), begun.as_bytes());
    play.counted(1);
    read(&play, begun.len());
    play.daemon().pause();
    append(&play.path("a.csv"), end.as_bytes());
    // Longer than the time after which a file is quiet.
    pause(Duration::from_secs(1));
    play.daemon().resume();
    play.settles_at(2, 0);
}

#[test]
fn a_file_is_replaced_by_a_longer_one_with_the_same_head() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    let head = fs::read(play.path("a.json")).unwrap();
    let more = play.rows(60);
    // Its first ten rows are those of the old one. It is another text: where no ids are remembered, all of it counts.
    let first = head.split_inclusive(|byte| *byte == b'\n').take(10).flatten().copied();
    fs::write(play.path("a.json"), first.chain(more).collect::<Vec<u8>>()).unwrap();
    play.settles_at(50 + 10 + 60, 0);
}

#[test]
fn two_writers_append_to_one_file() {
    let mut play = Play::new();
    let open = || OpenOptions::new().append(true).create(true).open(play.path("a.json")).unwrap();
    let mut writers = [open(), open()];
    for turn in 0..100 {
        let row = play.rows(1);
        writers[turn % 2].write_all(&row).unwrap();
        if turn == 50 {
            play.counted(51);
            play.rename("a.json", "a.json.1");
            // One of them has heard of it, the other goes on in the old file.
            writers[0] = OpenOptions::new().append(true).create(true).open(play.path("a.json")).unwrap();
        }
    }
    play.settles_at(100, 0);
}

#[test]
fn a_document_is_cut_by_a_rotation() {
    for finished in [true, false] {
        let mut play = Play::new();
        let rows = String::from_utf8(play.rows(4)).unwrap();
        let document = format!(
            "{{\n  \"value\": [\n    {}\n  ]\n}}\n",
            rows.trim_end().replace('\n', ",\n    ").replace("\",\"", "\",\n      \"")
        );
        let (first, second) = document.split_at(document.len() * 3 / 5);
        let mut writer = File::create(play.path("a.json")).unwrap();
        writer.write_all(first.as_bytes()).unwrap();
        play.counted(2);
        play.rename("a.json", "a.json.1");
        play.append("a.json", 5);
        play.counted(7);
        if finished {
            writer.write_all(second.as_bytes()).unwrap();
            play.settles_at(9, 0);
        } else {
            fs::remove_file(play.path("a.json.1")).unwrap();
            play.settles_at(7, 1);
        }
    }
}

#[test]
fn copytruncate_with_other_text_while_it_is_down() {
    for rows in [30, 80] {
        let mut play = Play::new();
        play.append("a.json", 50);
        play.counted(50);
        play.kill();
        play.append("a.json", 7);
        fs::copy(play.path("a.json"), play.path("a.json.1")).unwrap();
        truncate(&play, "a.json");
        play.append("a.json", rows);
        play.start();
        play.settles_at(57 + rows, 0);
    }
}

#[test]
fn a_copy_of_a_file_of_which_only_the_header_was_read_before_a_kill() {
    let mut play = Play::of("cdr/*.csv*");
    append(&play.path("a.csv"), HEADER.as_bytes());
    play.daemon().wait_for_metrics("a header", |metrics| {
        metrics.sum("cdr_exporter_records_total", &[("result", "header")]) == 1.0
    });
    play.kill();
    play.start();
    append(&play.path("a.csv"), csv(0..20).as_bytes());
    play.counted(20);
    fs::copy(play.path("a.csv"), play.path("a.csv.1")).unwrap();
    play.settles_at(20, 0);
    assert_eq!(play.event("copied"), 1.0);
}

#[test]
fn a_file_is_written_anew_with_its_size_and_its_time_as_before() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    let before = fs::metadata(play.path("a.json")).unwrap();
    let other = play.rows(50);
    let file = OpenOptions::new().write(true).open(play.path("a.json")).unwrap();
    play.daemon().pause();
    file.write_all_at(&other, 0).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    play.daemon().resume();
    assert_eq!(fs::metadata(play.path("a.json")).unwrap().len(), before.len());
    play.settles_at(100, 0);
}
