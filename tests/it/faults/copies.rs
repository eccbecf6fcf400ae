//! Compressed files, and copies of files that were read, whole or in part.

use std::fs::{self, File};

use super::play::{Play, gzip};

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
fn gzip_under_any_name() {
    let mut play = Play::new();
    let text = play.rows(10);
    fs::write(play.path("a.json.gz"), gzip(&text)).unwrap();
    let text = play.rows(10);
    fs::write(play.path("b.json"), gzip(&text)).unwrap();
    play.settles_at(20, 0);
}
