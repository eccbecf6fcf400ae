//! What lies in folders beside files of records, and folders that cannot be gone through.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::play::Play;
use super::watching::start_without_rights;
use crate::tools::{run, wait_until};

fn fifo(play: &Play, name: &str) {
    mknodat(CWD, play.path(name), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

fn unreadable(play: &Play) -> f64 {
    play.daemon().metrics().sum("cdr_exporter_files", &[("state", "unreadable")])
}

fn said(play: &Play, text: &str) -> usize {
    play.daemon().log().iter().filter(|line| line.contains(text)).count()
}

#[test]
fn what_is_no_regular_file_holds_nothing_up_and_is_said_once() {
    let mut play = Play::not_started("cdr/*");
    fifo(&play, "a.json");
    let _socket = UnixListener::bind(play.path("b.json")).unwrap();
    for (link, target) in [("c.json", "/dev/zero"), ("d.json", "/proc/kmsg"), ("e.json", "e.json")] {
        symlink(target, play.path(link)).unwrap();
    }
    play.append("sound.json", 5);
    play.start();
    play.daemon().wait_until_ready();
    play.settles_at(5, 0);
    for expected in [
        "a.json msg=\"not read: a FIFO is here",
        "b.json: a socket is here",
        "c.json: a device is here",
        "d.json: a file of the kernel is here",
        "e.json: Too many levels of symbolic links",
    ] {
        let (name, why) = expected.split_once([' ', ':']).unwrap();
        let why = why.trim_start_matches("msg=\"not read: ").trim();
        let lines = play.daemon().log();
        let of_it = lines.iter().filter(|line| line.contains(&format!("/{name}")) && line.contains(why));
        assert_eq!(of_it.count(), 1, "{expected}: {}", lines.join("\n"));
    }
    assert_eq!(unreadable(&play), 5.0);
    let status = play.daemon().get("/-/files");
    assert!(status.text().contains("a FIFO is here, not a regular file"), "{}", status.text());
    // It makes room for a file after all.
    fs::remove_file(play.path("a.json")).unwrap();
    play.append("a.json", 5);
    play.counted(10);
    wait_until("one fewer", || unreadable(&play) == 4.0);
}

#[test]
fn a_fifo_that_takes_the_place_of_a_file_holds_nothing_up() {
    let mut play = Play::new();
    for number in 0..20 {
        let name = format!("a{number}.json");
        play.append(&name, 1);
        if number % 2 == 0 {
            play.counted(play.rows);
        }
        let before = play.rows;
        // At once, so that some are exchanged between the look and the opening.
        fs::rename(play.path(&name), play.path(&format!("{name}.old"))).unwrap();
        fifo(&play, &name);
        play.append("sound.json", 1);
        play.counted(before + 1);
    }
    play.settles_at(40, 0);
    assert_eq!(unreadable(&play), 20.0);
}

#[test]
fn a_folder_that_cannot_be_read_counts_and_a_path_without_a_file_is_said() {
    let mut play = Play::not_started("cdr/**/*.json");
    fs::create_dir(play.path("locked")).unwrap();
    fs::set_permissions(play.path("locked"), Permissions::from_mode(0o000)).unwrap();
    start_without_rights(&mut play);
    let matched = |play: &Play| play.daemon().metrics().sum("cdr_exporter_source_paths_matched", &[]);
    play.daemon().wait_for_log("no file is there yet");
    wait_until("the folder counts", || unreadable(&play) == 1.0);
    assert_eq!(matched(&play), 0.0);
    let ready = play.daemon().get("/-/ready").text().to_owned();
    let none = format!("source t: no file is at {}.\n", play.path("**/*.json").display());
    let locked = format!(
        "source t: 1 place cannot be read, such as {}: Permission denied",
        play.path("locked").display()
    );
    assert!(ready.starts_with("Ready.\n") && ready.contains(&none) && ready.contains(&locked), "{ready}");
    play.append("a.json", 5);
    play.counted(5);
    wait_until("the path leads to a file", || matched(&play) == 1.0);
    fs::set_permissions(play.path("locked"), Permissions::from_mode(0o755)).unwrap();
    wait_until("all is well", || play.daemon().get("/-/ready").text() == "Ready.\n");
    assert_eq!((unreadable(&play), said(&play, "no file is there yet")), (0.0, 1));
}

#[test]
fn what_is_no_file_keeps_no_other_from_being_inspected() {
    let mut play = Play::not_started("cdr/*");
    fifo(&play, "a.json");
    play.append("b.json", 3);
    let inspected = run(["inspect", &play.path("").display().to_string()]);
    assert!(inspected.stdout.starts_with("3 of 3 calls failed"), "{inspected:?}");
    assert!(
        inspected.code == Some(1) && inspected.stderr.contains("a.json: a FIFO is here"),
        "{inspected:?}"
    );
    let checked = run(["check", &play.path("").display().to_string()]);
    assert!(checked.code == Some(1) && checked.stdout.contains("a.json: a FIFO is here"), "{checked:?}");
}

#[test]
fn hidden_files_are_passed_over_unless_the_glob_names_the_dot() {
    let mut play = Play::of("cdr/**/*.json");
    fs::create_dir(play.path(".deep")).unwrap();
    for name in [".a.json", ".deep/a.json", "b.json"] {
        play.append(name, 5);
    }
    play.settles_at(5, 0);
    play.reload(|config| config.replace("cdr/**/*.json", "cdr/.*.json"));
    play.settles_at(10, 0);
}

#[test]
fn names_of_files_cannot_steer_what_shows_them() {
    let mut play = Play::not_started("cdr/*");
    let name = "a\u{1b}[31m\u{202e}vsc.json";
    play.append(name, 2);
    fs::write(play.path("b\u{1b}]0;x\u{7}.html"), "<html>").unwrap();
    play.start();
    play.daemon().wait_until_ready();
    play.counted(2);
    let address = play.daemon().address().to_string();
    let folder = play.path("").display().to_string();
    let outputs = [
        run(["status", "--web.listen-address", &address]),
        run(["status", "--web.listen-address", &address, "--output", "json"]),
        run(["check", &folder]),
        run(["inspect", &folder]),
    ]
    .map(|ended| ended.stdout + &ended.stderr);
    let pages = ["/-/files", "/-/ready", "/"].map(|page| play.daemon().get(page).text().to_owned());
    let log = play.stop().join("\n");
    for shown in outputs.iter().chain(&pages).chain([&log]) {
        let unsafe_one = shown.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
        assert_eq!(unsafe_one, None, "{shown}");
    }
    assert!(outputs[0].contains(r"/a\u{1b}[31m\u{202e}vsc.json"), "{}", outputs[0]);
    let files: serde_json::Value = serde_json::from_str(&pages[0]).unwrap();
    let paths: Vec<&str> =
        files["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert!(
        paths.contains(&play.path(name).to_str().unwrap()),
        "a program gets the name as it is: {paths:?}"
    );
}
