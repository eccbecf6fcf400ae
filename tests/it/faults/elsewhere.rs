//! Files on a file system that lies elsewhere and gives no word of changes: bindfs, over FUSE, stands for them all.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal};

use super::play::Play;
use crate::tools::files::append;
use crate::tools::{find, wait_until};

/// A folder shown at another place by a process of its own.
struct Bindfs {
    process: std::process::Child,
    shown: PathBuf,
}

impl Bindfs {
    /// `None` where the system allows no FUSE, which some containers do not.
    fn mount(folder: &Path, shown: &Path) -> Option<Self> {
        let bindfs = find("bindfs", "bindfs");
        if !File::options().read(true).write(true).open("/dev/fuse").is_ok_and(|_| is_allowed(&bindfs)) {
            eprintln!("NOT TESTED: this system allows no FUSE");
            return None;
        }
        // Caches would only make the test wait for them.
        let options = "attr_timeout=0,entry_timeout=0,negative_timeout=0";
        wait_until("no file system is mounted there any more", || !is_mounted(shown));
        let process = Command::new(bindfs).args(["-f", "-o", options]).args([folder, shown]).spawn().unwrap();
        let mount = Self { process, shown: shown.to_owned() };
        wait_until("the file system is mounted", || is_mounted(shown));
        Some(mount)
    }

    /// As when the network goes: whoever asks waits, until it comes back.
    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.id()).unwrap();
        rustix::process::kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// As when the server goes: whoever asks gets an error from now on.
    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Bindfs {
    fn drop(&mut self) {
        // One that is stopped answers nothing, and keeps those who asked.
        if self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.signal(Signal::CONT);
        }
        // Each fails where it was done before.
        let _ = Command::new("fusermount3").args(["-u", "-z", "-q"]).arg(&self.shown).status();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_mounted(folder: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    mounts.lines().any(|line| line.split(' ').nth(1).is_some_and(|mounted| Path::new(mounted) == folder))
}

/// Whether a file system can be mounted at all, tried on folders of its own.
fn is_allowed(bindfs: &Path) -> bool {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mounted = Command::new(bindfs).args([one.path(), other.path()]).output().unwrap();
    mounted.status.success()
        && Command::new("fusermount3").args(["-u", "-z"]).arg(other.path()).status().unwrap().success()
}

#[test]
fn a_fuse_file_system_is_polled_and_its_faults_reset_nothing() {
    let mut play = Play::not_started("cdr/*.json*");
    let server = play.folder.path().join("server");
    fs::create_dir(&server).unwrap();
    let Some(mut mount) = Bindfs::mount(&server, &play.folder.path().join("cdr")) else { return };
    play.start();
    play.daemon().wait_until_ready();
    play.daemon().wait_for_log("the system gives no word of changes on FUSE");
    let polled = |play: &Play| play.daemon().log().iter().filter(|line| line.contains("polled")).count();

    // Written at the server, and rotated there.
    append(&server.join("a.json"), &play.rows(50));
    play.counted(50);
    fs::rename(server.join("a.json"), server.join("a.json.1")).unwrap();
    append(&server.join("a.json.1"), &play.rows(5));
    append(&server.join("a.json"), &play.rows(20));
    play.settles_at(75, 0);
    assert_eq!(polled(&play), 1, "it is said once");

    // The server goes: what is asked gives errors, and that says nothing of the files.
    mount.kill();
    play.daemon().wait_for_log("cannot be looked through");
    append(&server.join("a.json"), &play.rows(5));
    play.settles_at_with_pending(75, 0);
    assert_eq!(play.event("removed"), 0.0);
    drop(mount);

    // It comes back, with whatever inodes.
    let mut mount = Bindfs::mount(&server, &play.folder.path().join("cdr")).unwrap();
    play.counted(80);
    append(&server.join("a.json"), &play.rows(5));
    play.settles_at(85, 0);

    // The same while the daemon is down.
    play.stop();
    mount.kill();
    drop(mount);
    append(&server.join("a.json"), &play.rows(5));
    let _mount = Bindfs::mount(&server, &play.folder.path().join("cdr")).unwrap();
    play.start();
    play.settles_at(90, 0);
    play.stop();
}

#[test]
fn a_drive_that_does_not_answer_holds_up_its_own_source_alone() {
    let mut play = Play::not_started("cdr/*.json*");
    let drive = play.folder.path().join("drive");
    let (server, other) = (play.folder.path().join("server"), play.folder.path().join("other"));
    for folder in [&drive, &server, &other] {
        fs::create_dir(folder).unwrap();
    }
    let config = fs::read_to_string(play.folder.path().join("config.yml")).unwrap();
    let second = format!("}}, {{name: drive, paths: ['{}/*']}}]", drive.display());
    fs::write(play.folder.path().join("config.yml"), config.replacen("}]", &second, 1)).unwrap();
    let Some(mount) = Bindfs::mount(&server, &drive) else { return };
    append(&server.join("a.json"), &play.rows(5));
    play.start();
    play.daemon().wait_until_ready();
    play.counted(5);
    let up =
        |play: &Play, source| play.daemon().metrics().sum("cdr_exporter_source_up", &[("source", source)]);

    mount.signal(Signal::STOP);
    play.daemon().wait_for_log("its folders do not answer");
    assert_eq!((up(&play, "drive"), up(&play, "t")), (0.0, 1.0));
    for _ in 0..3 {
        play.append("b.json", 5);
        play.counted(play.rows);
    }
    let ready = play.daemon().get("/-/ready");
    assert!(
        ready.status == 200 && ready.text().contains("source drive: its folders do not answer"),
        "{}",
        ready.text()
    );

    mount.signal(Signal::CONT);
    play.daemon().wait_for_log("its folders answer again");
    append(&server.join("a.json"), &play.rows(5));
    play.settles_at(25, 0);
    assert_eq!(up(&play, "drive"), 1.0);

    // It may be gone when the daemon starts: the other source is read and shown all the same.
    play.stop();
    mount.signal(Signal::STOP);
    play.append("b.json", 5);
    play.start();
    play.daemon().wait_until_ready();
    play.counted(30);
    mount.signal(Signal::CONT);
    append(&server.join("a.json"), &play.rows(5));
    play.settles_at(35, 0);
}
