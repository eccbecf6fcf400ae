//! Stops, kills and starts, and what happens to the files meanwhile.

use std::fs;
use std::os::unix::fs::symlink;

use super::play::{Play, calls};
use crate::tools::Metrics;
use crate::tools::files::{append, gzip};

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

#[test]
fn a_format_that_was_wrong_is_mended() {
    for reloads in [true, false] {
        let mut play = Play::not_started("cdr/*.json");
        let config = play.folder.path().join("config.yml");
        let right = fs::read_to_string(&config).unwrap();
        fs::write(&config, right.replace("remember", "format: teams_admin_center, remember")).unwrap();
        play.append("a.json", 10);
        play.start();
        play.settles_at(0, 10);
        let again = |play: &mut Play, text: &str| {
            if reloads {
                play.reload(|_| text.to_owned());
            } else {
                fs::write(&config, text).unwrap();
                play.stop();
                play.start();
            }
        };
        again(&mut play, &right.replace("remember", "format: graph, remember"));
        play.append("a.json", 2);
        play.settles_at(12, 10);
        play.daemon().wait_for_log(
            "known, and read from its beginning: it holds other text than was read, or is to be",
        );
        // What is counted stays so, and what was rejected is not rejected again.
        again(&mut play, &right.replace("remember", "format: teams_admin_center, remember"));
        play.settles_at(12, 12);
        again(&mut play, &right);
        play.append("a.json", 2);
        play.settles_at(14, 12);
    }
}

#[test]
fn files_removed_with_their_folder_while_it_is_down_leave_the_store() {
    let mut play = Play::of("cdr/*/*.json*");
    for day in ["1", "2"] {
        fs::create_dir(play.path(day)).unwrap();
    }
    let text = play.rows(5);
    append(&play.path("1/copied.json"), &text);
    (1..150).for_each(|file| play.append(&format!("1/{file}.json"), 1));
    play.append("2/a.json", 1);
    play.counted(155);
    play.stop();
    // What cannot be looked at is not gone: here, a link that leads round and round.
    fs::remove_dir_all(play.path("1")).unwrap();
    symlink("1", play.path("1")).unwrap();
    // Nothing but the look after quiet files finds it.
    play.configure_with("cdr/*/*.json*", "1h");
    play.start();
    play.daemon().wait_until_ready();
    play.settles_at(155, 0);
    assert_eq!(play.event("removed"), 0.0);
    fs::remove_file(play.path("1")).unwrap();
    let removed =
        |metrics: &Metrics| metrics.sum("cdr_exporter_file_events_total", &[("event", "removed")]) == 150.0;
    play.daemon().wait_for_metrics("what is gone is published", removed);
    let lines = play.daemon().log().iter().filter(|line| line.contains("msg=removed")).count();
    assert_eq!(lines, 100, "the others are counted");
    play.kill();
    play.configure("cdr/*/*.json*");
    play.start();
    // A copy is known all the same.
    fs::write(play.path("2/copied.json.gz"), gzip(&text)).unwrap();
    play.append("2/b.json", 1);
    play.settles_at(156, 0);
    assert_eq!((play.event("removed"), play.event("copied")), (150.0, 1.0));
}

#[test]
fn files_removed_while_it_is_down_leave_the_store() {
    let mut play = Play::new();
    let text = play.rows(5);
    append(&play.path("a.json"), &text);
    play.append("b.json", 2);
    play.counted(7);
    play.stop();
    for name in ["a.json", "b.json"] {
        fs::remove_file(play.path(name)).unwrap();
    }
    play.start();
    play.daemon().wait_until_ready();
    assert_eq!(play.event("removed"), 2.0);
    play.daemon().wait_for_log("removed");
    play.kill();
    play.start();
    // A copy is known all the same.
    fs::write(play.path("a.json.gz"), gzip(&text)).unwrap();
    play.append("c.json", 1);
    play.settles_at(8, 0);
    assert_eq!((play.event("removed"), play.event("copied")), (2.0, 1.0));
}
