//! What the system says of changes, and what it does not.

use std::fs;

use super::play::Play;

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
