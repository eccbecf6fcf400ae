//! What happens to files in the field, played with real files against the real daemon. Ids are not remembered here,
//! so that a record read twice is counted twice and shows.

mod play;
mod renamed;

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use self::play::{Play, append, calls, gzip, pause};

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
fn utf16_with_a_byte_order_mark() {
    let mut play = Play::new();
    let text = String::from_utf8(play.rows(10)).unwrap();
    let bytes: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    fs::write(play.path("a.json"), bytes).unwrap();
    play.settles_at(10, 0);
}

#[test]
fn gzip_under_any_name() {
    let mut play = Play::new();
    let text = play.rows(10);
    fs::write(play.path("a.json.gz"), gzip(&text)).unwrap();
    let text = play.rows(10);
    fs::write(play.path("b.json"), gzip(&text)).unwrap();
    play.settles_at(20, 0);
}

#[test]
fn the_folder_is_moved_away_and_made_again() {
    let mut play = Play::new();
    play.append("a.json", 5);
    play.counted(5);
    fs::rename(play.folder.path().join("cdr"), play.folder.path().join("old")).unwrap();
    fs::create_dir(play.folder.path().join("cdr")).unwrap();
    play.append("a.json", 5);
    play.counted(10);
    play.append("a.json", 5);
    play.settles_at(15, 0);
}

#[test]
fn the_queue_of_inotify_overflows() {
    let mut play = Play::new();
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: u64 = limit.trim().parse().unwrap();
    play.daemon().pause();
    for _ in 0..limit / 2 + 100 {
        // Each makes an event of its own: create, close, remove.
        fs::write(play.path("x"), "").unwrap();
        fs::remove_file(play.path("x")).unwrap();
    }
    play.append("a.json", 10);
    play.daemon().resume();
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
fn the_rotated_gzip_copy_appears_and_the_original_goes() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    let text = fs::read(play.path("a.json")).unwrap();
    fs::write(play.path("a.json.1.gz"), gzip(&text)).unwrap();
    fs::remove_file(play.path("a.json")).unwrap();
    play.settles_at(50, 0);
    assert_eq!((play.event("copied"), play.event("removed")), (1.0, 1.0));
}

#[test]
fn a_gzip_copy_of_a_file_that_was_read_in_part() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    play.daemon().pause();
    play.append("a.json", 30);
    let text = fs::read(play.path("a.json")).unwrap();
    fs::write(play.path("a.json.1.gz"), gzip(&text)).unwrap();
    File::options().write(true).truncate(true).open(play.path("a.json")).unwrap();
    play.append("a.json", 20);
    play.daemon().resume();
    play.settles_at(100, 0);
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
fn a_symbolic_link_is_switched() {
    let mut play = Play::new();
    for (name, rows) in [("one.dat", 5), ("two.dat", 7)] {
        play.append(name, rows);
    }
    let link = |target: &str| {
        std::os::unix::fs::symlink(play.path(target), play.path("link.tmp")).unwrap();
        play.rename("link.tmp", "a.json");
    };
    link("one.dat");
    play.counted(5);
    link("two.dat");
    play.settles_at(12, 0);
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
fn a_kill_with_lines_written_while_it_is_down() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    play.kill();
    play.append("a.json", 30);
    play.start();
    play.append("a.json", 20);
    play.settles_at(100, 0);
    assert_eq!((play.event("found"), play.event("resumed")), (1.0, 1.0), "a file is found once");
}

#[test]
fn a_start_over_a_store_is_ready_when_it_has_caught_up() {
    let mut play = Play::new();
    play.append("a.json", 1);
    play.counted(1);
    play.stop();
    play.append("b.json", 20_000);
    play.start();
    play.daemon().wait_until_ready();
    assert_eq!(calls(&play.daemon().metrics()), 20_001.0);
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
fn kills_at_any_time_under_steady_writing() {
    let mut play = Play::new();
    for round in 1..=10 {
        for _ in 0..20 {
            play.append("a.json", 5);
        }
        // Not waited for: some of it is read and not committed, some committed and not shown.
        if round % 3 == 0 {
            play.daemon().wait_for_metrics("something", |metrics| calls(metrics) > 0.0);
        }
        play.kill();
        play.append("a.json", 1);
        play.start();
    }
    play.settles_at(10 * 101, 0);
}

#[test]
fn a_rotation_while_it_is_down() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    play.stop();
    play.append("a.json", 5);
    play.rename("a.json", "a.json.1");
    play.append("a.json", 20);
    play.start();
    play.settles_at(75, 0);
}

#[test]
fn a_file_is_compressed_while_it_is_down() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    play.stop();
    play.append("a.json", 30);
    let text = fs::read(play.path("a.json")).unwrap();
    fs::write(play.path("a.json.gz"), gzip(&text)).unwrap();
    fs::remove_file(play.path("a.json")).unwrap();
    play.start();
    play.settles_at(80, 0);
}

#[test]
fn a_file_is_written_anew_while_it_is_down() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    play.kill();
    let more = play.rows(80);
    fs::write(play.path("a.json"), more).unwrap();
    play.start();
    play.settles_at(130, 0);
}

#[test]
fn compressed_files_and_documents_are_resumed() {
    let mut play = Play::new();
    let text = play.rows(10);
    fs::write(play.path("a.json.gz"), gzip(&text)).unwrap();
    let rows = String::from_utf8(play.rows(4)).unwrap();
    let document = format!("{{\"value\":[{}]}}", rows.trim_end().replace('\n', ","));
    let (first, second) = document.split_at(document.len() / 2);
    append(&play.path("b.json"), first.as_bytes());
    play.counted(11);
    play.kill();
    play.start();
    append(&play.path("b.json"), second.as_bytes());
    play.settles_at(14, 0);
}
