//! Files that are known again after a restart or a reload, and files that are not what they seem to be.

use std::fs;
use std::time::Duration;

use super::play::{Play, pause};
use crate::tools::files::{append, gzip, utf16};
use crate::tools::wait_until;

const HEADER: &str =
    "CorrelationId,Invite time,Call type,SBC FQDN,Success,Final SIP code,Final Microsoft subcode\n";

fn csv(numbers: std::ops::Range<u32>) -> String {
    let row = |number| format!("c{number},2026-11-01T00:00:00Z,Dr_In,sbc1.contoso.com,No,410,531004\n");
    numbers.map(row).collect()
}

fn restart(play: &mut Play) {
    play.kill();
    play.start();
    play.daemon().wait_until_ready();
}

#[test]
fn encoded_files_that_begin_alike_do_not_wait_for_each_other() {
    let mut play = Play::new();
    let common = play.rows(8);
    let longer = [&common[..], &play.rows(12)].concat();
    fs::write(play.path("a.json.gz"), gzip(&longer)).unwrap();
    fs::write(play.path("b.json"), utf16(&longer)).unwrap();
    fs::write(play.path("c.json.gz"), gzip(&common)).unwrap();
    play.counted(20);
    pause(Duration::from_secs(1));
    restart(&mut play);
    play.reload(|text| text + "limits: {record_bytes: 64KiB}\n");
    play.append("d.json", 3);
    let more = play.rows(2);
    append(&play.path("b.json"), &utf16(&more)[2..]);
    play.counted(25);
    play.settles_at_with_pending(25, 0);
}

#[test]
fn a_short_encoded_file_is_counted_once_however_often_it_is_looked_at() {
    let mut play = Play::of("cdr/*.csv*");
    let short = "CorrelationId,Success,Final SIP code,Final Microsoft subcode\nc1,No,410,531004\n";
    fs::write(play.path("a.csv.gz"), gzip(short.as_bytes())).unwrap();
    fs::write(play.path("b.csv"), utf16(short.replace("c1", "c2").as_bytes())).unwrap();
    play.counted(2);
    restart(&mut play);
    play.settles_at_with_pending(2, 0);
    play.reload(|text| text + "limits: {record_bytes: 64KiB}\n");
    play.settles_at_with_pending(2, 0);
    let headers = [("result", "header")];
    assert_eq!(play.daemon().metrics().sum("cdr_exporter_records_total", &headers), 2.0);
}

#[test]
fn a_file_overwritten_with_a_copy_of_another_while_it_is_down() {
    let mut play = Play::of("cdr/*.*");
    let [one, other] = [play.rows(5), play.rows(6)];
    fs::write(play.path("a.json.gz"), gzip(&one)).unwrap();
    append(&play.path("b.json"), &other);
    // Of these nothing is read that tells them from others.
    append(&play.path("c.csv"), HEADER.as_bytes());
    append(&play.path("d.json"), b"{\"id\":");
    append(&play.path("e.csv"), (HEADER.to_owned() + &csv(0..6)).as_bytes());
    play.counted(17);
    pause(Duration::from_secs(1));
    play.kill();
    fs::write(play.path("a.json.gz"), gzip(&other)).unwrap();
    fs::write(play.path("c.csv"), HEADER.to_owned() + &csv(0..8)).unwrap();
    fs::write(play.path("d.json"), [&other[..], &play.rows(2)].concat()).unwrap();
    play.start();
    play.counted(21);
    fs::write(play.path("f.json.gz"), gzip(&one)).unwrap();
    play.settles_at(21, 0);
}

#[test]
fn a_file_that_belongs_to_no_source_any_more_is_left_alone() {
    let mut play = Play::new();
    play.append("a.json", 3);
    play.counted(3);
    let text = play.rows(3);
    let (begun, end) = text.split_at(text.len() - 20);
    append(&play.path("b.json"), begun);
    play.counted(5);
    play.stop();
    let config = play.folder.path().join("config.yml");
    let all = fs::read_to_string(&config).unwrap();
    fs::write(&config, all.replace("cdr/*.json*", "cdr/b.json")).unwrap();
    play.start();
    play.append("a.json", 2);
    play.settles_at_with_pending(5, 0);
    // And one that is left alone for a while is not taken for finished.
    play.reload(|text| text.replace("cdr/b.json", "cdr/a.json"));
    play.counted(7);
    pause(Duration::from_secs(2));
    play.reload(|text| text.replace("cdr/a.json", "cdr/*.json"));
    append(&play.path("b.json"), end);
    play.settles_at(8, 0);
}

#[test]
fn a_source_that_goes_and_comes_back_at_once() {
    let mut play = Play::new();
    for round in 1..=5 {
        play.append("a.json", 1000);
        play.reload(|text| text.replace("name: t,", "name: u,"));
        play.reload(|text| text.replace("name: u,", "name: t,"));
        let of_t = || {
            play.daemon()
                .metrics()
                .sum("cdr_exporter_records_total", &[("source", "t"), ("result", "counted")])
        };
        wait_until("all are counted", || of_t() >= f64::from(round) * 1000.0);
        assert_eq!(of_t(), f64::from(round) * 1000.0);
    }
}

#[test]
fn a_folder_that_is_away_at_the_start_and_a_file_renamed_in_it() {
    let mut play = Play::new();
    play.append("a.json", 4);
    play.counted(4);
    play.stop();
    play.append("a.json", 2);
    play.rename("a.json", "a.old");
    let [there, away] = ["cdr", "away"].map(|name| play.folder.path().join(name));
    fs::rename(&there, &away).unwrap();
    play.start();
    play.daemon().wait_until_ready();
    fs::rename(&away, &there).unwrap();
    play.settles_at(6, 0);
}

#[test]
fn a_record_too_long_whose_end_never_comes() {
    let mut play = Play::not_started("cdr/*.json*");
    append(&play.folder.path().join("config.yml"), b"unfinished_after: 1s\nlimits: {record_bytes: 2KiB}\n");
    play.append("a.json", 1);
    // Each line may go on with what comes before it.
    let rows = String::from_utf8(play.rows(100)).unwrap().replace("}\n", "},\n");
    append(&play.path("a.json"), format!("[{{\"a\":[{rows}").as_bytes());
    play.start();
    for _ in 0..2 {
        play.settles_at_with_pending(1, 1);
        assert!(play.daemon().metrics().sum("cdr_exporter_pending_bytes", &[]) > 10_000.0);
        play.kill();
        play.start();
    }
}

#[test]
fn a_first_line_without_an_end() {
    let mut play = Play::not_started("cdr/*.csv");
    append(&play.folder.path().join("config.yml"), b"unfinished_after: 1s\n");
    play.start();
    append(&play.path("a.csv"), b"<!DOCTYPE html><html><body>Sign in");
    let (begun, end) = HEADER.split_at(4);
    append(&play.path("b.csv"), begun.as_bytes());
    let unrecognised =
        |metrics: &crate::tools::Metrics| metrics.sum("cdr_exporter_files", &[("state", "unrecognised")]);
    play.daemon().wait_for_metrics("both are unrecognised", |metrics| unrecognised(metrics) == 2.0);
    append(&play.path("b.csv"), (end.to_owned() + &csv(0..3)).as_bytes());
    play.settles_at(3, 0);
    assert_eq!(unrecognised(&play.daemon().metrics()), 1.0);
}
