//! Files renamed to where no path leads: their writer may still have them open.

use std::fs::{self, OpenOptions};
use std::io::Write;

use super::play::{Play, calls};
use crate::tools::wait_until;

/// A daemon that can commit nothing, so that it reads nothing, and has found so many files with 2 rows each.
fn found_and_not_read(files: u64) -> Play {
    let mut play = Play::new();
    let [store, away] = ["store", "away"].map(|name| play.folder.path().join(name));
    fs::rename(store, away).unwrap();
    play.append("first.json", 1);
    play.daemon().wait_for_log("cannot commit");
    for file in 0..files {
        play.append(&format!("{file}.json"), 2);
    }
    let known = || play.daemon().get("/-/files").text().matches(".json\"").count() as u64;
    wait_until("every file is found", || known() == files + 1);
    play
}

fn commit_again(play: &Play) {
    let [store, away] = ["store", "away"].map(|name| play.folder.path().join(name));
    fs::rename(away, store).unwrap();
}

#[test]
fn a_rename_out_of_the_glob_while_it_is_down() {
    let mut play = Play::new();
    play.append("a.json", 50);
    play.counted(50);
    let mut writer = OpenOptions::new().append(true).open(play.path("a.json")).unwrap();
    play.stop();
    play.append("a.json", 5);
    play.rename("a.json", "a.1");
    play.append("a.json", 20);
    play.start();
    play.counted(75);
    writer.write_all(&play.rows(3)).unwrap();
    play.settles_at(78, 0);
    play.kill();
    writer.write_all(&play.rows(2)).unwrap();
    play.start();
    play.settles_at(80, 0);
    assert_eq!(play.event("rotated"), 2.0);
}

#[test]
fn a_file_that_is_configured_no_more_is_not_taken_for_a_renamed_one() {
    let mut play = Play::of("cdr/*.json");
    play.append("a.json", 50);
    play.counted(50);
    play.configure("cdr/*.csv");
    play.daemon().reload();
    play.daemon().wait_for_metrics("no files", |metrics| metrics.sum("cdr_exporter_files", &[]) == 0.0);
    play.append("a.json", 5);
    play.settles_at(50, 0);
}

#[test]
fn a_rename_to_another_folder_before_the_first_turn() {
    let play = found_and_not_read(1);
    fs::rename(play.path("0.json"), play.folder.path().join("0.json")).unwrap();
    commit_again(&play);
    play.settles_at(3, 0);
}

#[test]
fn renames_of_more_files_than_are_kept_open_before_their_first_turn() {
    let play = found_and_not_read(300);
    (0..300).for_each(|file| play.rename(&format!("{file}.json"), &format!("{file}.1")));
    commit_again(&play);
    play.settles_at(601, 0);
}

#[test]
fn what_is_removed_before_it_could_be_read_is_said() {
    let play = found_and_not_read(300);
    (0..300).for_each(|file| fs::remove_file(play.path(&format!("{file}.json"))).unwrap());
    commit_again(&play);
    let of_all =
        |log: &[String]| log.iter().filter(|line| line.contains("removed before it could be read")).count();
    play.daemon().wait_for_metrics("no files", |metrics| metrics.sum("cdr_exporter_files", &[]) == 1.0);
    let lost = of_all(&play.daemon().log()) as f64;
    assert!(lost > 0.0 && lost < 300.0, "{lost}");
    assert_eq!(calls(&play.daemon().metrics()), 601.0 - 2.0 * lost);
}
