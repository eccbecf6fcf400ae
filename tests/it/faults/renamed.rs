//! Files renamed to where no path leads: their writer may still have them open.

use std::fs::OpenOptions;
use std::io::Write;

use super::play::Play;

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
