//! What the system says of changes, and what it does not.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::play::{PROGRAM, Play};
use crate::tools::{find, wait_until};

/// A user without rights; root may read everything.
const NOBODY: u32 = 65534;

/// Runs `script` in namespaces of its own and then, as its last argument, a program; `None` where the system allows no
/// namespaces, which some containers do not.
fn in_namespaces(options: &[&str], script: &str) -> Option<Command> {
    let unshare = find("unshare", "util-linux");
    let allowed = Command::new(&unshare).args(options).arg("true").output().unwrap().status.success();
    if !allowed {
        eprintln!("NOT TESTED in full: this system allows no `unshare {}`", options.join(" "));
        return None;
    }
    let mut command = Command::new(unshare);
    command.args(options).args(["sh", "-c", &format!("{script}; exec \"$0\" \"$@\""), PROGRAM]);
    Some(command)
}

/// Starts the daemon as a user without rights, who owns its store.
pub fn start_without_rights(play: &mut Play) {
    let store = play.folder.path().join("store");
    fs::create_dir_all(&store).unwrap();
    let root = rustix::process::geteuid().is_root();
    let mut command = Command::new(PROGRAM);
    if root {
        fs::set_permissions(play.folder.path(), Permissions::from_mode(0o755)).unwrap();
        chown(&store, Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    play.start_as(&mut command);
    play.daemon().wait_until_ready();
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Appends a few times, and asserts that each is counted sooner than a rescan would find it.
fn is_heard_of_at_once(play: &mut Play, name: &str, counted: u64) {
    for more in 1..=3 {
        let appended = Instant::now();
        play.append(name, 1);
        play.counted(counted + more);
        assert!(appended.elapsed() < Duration::from_secs(10), "{:?}", appended.elapsed());
    }
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
fn what_comes_below_a_folder_made_again_is_heard_of_at_once() {
    let mut play = Play::not_started("cdr/**/*.json");
    play.configure_with("cdr/**/*.json", "1h");
    play.start();
    play.daemon().wait_until_ready();
    play.append("a.json", 5);
    play.counted(5);
    play.daemon().pause();
    fs::rename(play.path(""), play.folder.path().join("old")).unwrap();
    fs::create_dir_all(play.path("deep/er")).unwrap();
    play.append("b.json", 5);
    play.daemon().resume();
    play.counted(10);
    is_heard_of_at_once(&mut play, "b.json", 10);
    is_heard_of_at_once(&mut play, "deep/er/c.json", 13);
}

#[test]
fn a_folder_that_comes_later() {
    let mut play = Play::of("cdr/later/*/*.json");
    let known = Play::of("nowhere/at/all.json");
    fs::create_dir_all(play.path("later/on")).unwrap();
    play.append("later/on/a.json", 5);
    play.settles_at(5, 0);
    fs::create_dir_all(known.folder.path().join("nowhere/at")).unwrap();
    fs::write(known.folder.path().join("nowhere/at/all.json"), play.rows(5)).unwrap();
    known.settles_at(5, 0);
}

#[test]
fn folders_made_below_a_watched_one() {
    let mut play = Play::of("cdr/**/*.json");
    for folder in ["x/y/z", "x/y/w", "v"] {
        fs::create_dir_all(play.path(folder)).unwrap();
        play.append(&format!("{folder}/a.json"), 5);
    }
    play.counted(15);
    fs::rename(play.path("x"), play.path("u")).unwrap();
    play.append("u/y/z/a.json", 5);
    play.settles_at(20, 0);
}

#[test]
fn no_watches_are_to_be_had() {
    for limit in ["watches", "instances"] {
        let script = format!("echo 0 > /proc/sys/user/max_inotify_{limit}");
        let Some(mut command) = in_namespaces(&["-Ur"], &script) else { return };
        let mut play = Play::not_started("cdr/**/*.json");
        fs::create_dir(play.path("deep")).unwrap();
        play.start_as(&mut command);
        play.daemon().wait_until_ready();
        play.append("a.json", 5);
        play.append("deep/a.json", 5);
        play.settles_at(10, 0);
        let said = play.stop();
        let of_watches = |line: &&String| line.contains("cannot watch") || line.contains("inotify");
        let warnings = said.iter().filter(of_watches).count();
        assert_eq!(warnings, 1, "it is said once: {}", said.join("\n"));
    }
}

#[test]
fn a_file_that_may_not_be_read_and_then_may() {
    let mut play = Play::not_started("cdr/*.json");
    play.append("a.json", 5);
    allow(&play.path("a.json"), 0);
    start_without_rights(&mut play);
    play.daemon().wait_for_log("Permission denied");
    let unreadable = [("state", "unreadable")];
    assert_eq!(play.daemon().metrics().sum("cdr_exporter_files", &unreadable), 1.0);
    allow(&play.path("a.json"), 0o644);
    play.settles_at(5, 0);
    play.daemon().wait_for_log("can be read again");
    allow(&play.path("a.json"), 0);
    play.append("a.json", 5);
    allow(&play.path("a.json"), 0o644);
    play.settles_at(10, 0);
}

#[test]
fn a_folder_that_may_not_be_read_for_a_while() {
    let mut play = Play::not_started("cdr/**/*.json");
    fs::create_dir(play.path("deep")).unwrap();
    play.append("deep/a.json", 5);
    start_without_rights(&mut play);
    play.counted(5);
    for path in [play.path("deep"), play.path("")] {
        allow(&path, 0);
        play.daemon().wait_for_log(&format!("path={} ", path.display()).replace("/ ", " "));
        // Longer than a file that is gone is remembered by its descriptor.
        play.settles_at(play.rows, 0);
        assert_eq!(play.event("removed"), 0.0, "what cannot be seen is not gone");
        if play.path("deep") == path {
            allow(&path, 0o755);
        }
    }
    allow(&play.path(""), 0o755);
    play.append("deep/a.json", 5);
    play.settles_at(10, 0);
    assert_eq!((play.event("found"), play.event("copied")), (1.0, 0.0), "nothing is read again");
}

#[test]
fn another_file_system_is_mounted_over_the_folder() {
    let Some(mut command) = in_namespaces(&["-Urm"], "true") else { return };
    let mut play = Play::not_started("cdr/*.json");
    play.append("a.json", 5);
    let over = play.folder.path().join("over");
    fs::create_dir(&over).unwrap();
    fs::write(over.join("b.json"), play.rows(5)).unwrap();
    play.start_as(&mut command);
    play.daemon().wait_until_ready();
    play.counted(5);
    let id = play.daemon().id().to_string();
    let mount = |arguments: &[&Path]| {
        let mut enter = Command::new(find("nsenter", "util-linux"));
        let done = enter.args(["-t", &id, "-U", "-m", "--preserve-credentials"]).args(arguments).status();
        assert!(done.unwrap().success(), "{arguments:?}");
    };
    let cdr = play.path("");
    mount(&["mount".as_ref(), "--bind".as_ref(), &over, &cdr]);
    play.counted(10);
    fs::write(over.join("c.json"), play.rows(5)).unwrap();
    play.settles_at(15, 0);
    // Lazily: the daemon has its files open.
    mount(&["umount".as_ref(), "-l".as_ref(), &cdr]);
    play.append("a.json", 5);
    play.settles_at(20, 0);
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

#[test]
fn a_file_that_may_not_be_read_keeps_no_other_waiting() {
    let mut play = Play::not_started("cdr/*.json*");
    start_without_rights(&mut play);
    play.append("a.json", 5);
    play.counted(5);
    play.stop();
    allow(&play.path("a.json"), 0o000);
    start_without_rights(&mut play);
    // A copy with more, where this test may read it.
    let copy = fs::read(play.path("a.json")).unwrap_or_default();
    fs::write(play.path("b.json"), [&copy[..], &play.rows(2)].concat()).unwrap();
    play.append("c.json", 2);
    play.counted(9);
    allow(&play.path("a.json"), 0o644);
    play.append("a.json", 1);
    play.settles_at(10, 0);
}

/// The system tells of the file; the next rescan, which is an hour away, is not waited for to say so.
#[test]
fn a_path_that_led_nowhere_is_told_of_no_more_once_a_file_is_seen() {
    let mut play = Play::not_started("cdr/*.json");
    play.configure_with("cdr/*.json", "3600s");
    play.start();
    play.daemon().wait_until_ready();
    let is_told = |play: &Play| play.daemon().get("/-/ready").text().contains("no file is at ");
    assert!(is_told(&play));
    play.append("a.json", 10);
    play.counted(10);
    wait_until("the path to lead to a file", || !is_told(&play));
    let status = play.daemon().get("/api/v1/status").text().to_owned();
    assert!(!status.contains("no file is at "), "{status}");
}
