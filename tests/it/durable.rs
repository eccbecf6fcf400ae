//! What was counted outlasts the daemon, however it ends; and a store that cannot be used is never replaced in silence.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cdr_exporter::call::UnixMillis;
use cdr_exporter::cli::demo::traffic::Traffic;
use cdr_exporter::cli::demo::truth::Export;
use tempfile::TempDir;

use super::tools::{Daemon, Labels, Metrics};

/// 2026-11-01T00:00:00Z.
const START: UnixMillis = UnixMillis(1_793_491_200_000);

/// A folder with records, and a store beside it.
struct House {
    folder: TempDir,
    export: Export,
    written: i64,
}

impl House {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("cdr")).unwrap();
        Self { folder, export: Export::new(5, START, 5.0), written: 0 }
    }

    fn storage(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn store(&self) -> PathBuf {
        self.storage().join("ledger.redb")
    }

    /// Writes so many rows to a file of their own.
    fn write(&mut self, rows: i64) {
        let mut text = String::new();
        for number in self.written..self.written + rows {
            let call = self.export.next_call(UnixMillis(START.0 + number * 50));
            Traffic::graph_row(&self.export.traffic, &call, &mut text);
        }
        self.written += rows;
        fs::write(self.folder.path().join(format!("cdr/{}.ndjson", self.written)), text).unwrap();
    }

    fn serve(&self) -> Daemon {
        self.serve_in(&self.storage())
    }

    fn serve_in(&self, storage: &Path) -> Daemon {
        let [storage, folder] = [storage, self.folder.path()].map(|path| path.to_str().unwrap().to_owned());
        Daemon::serve([&format!("{folder}/cdr/*.ndjson"), "--storage.path", &storage])
    }

    /// Waits until all that was written is read and committed.
    fn counted(&self, daemon: &Daemon) -> BTreeMap<Labels, f64> {
        let truth = self.export.truth();
        let calls = truth.calls.iter().map(|calls| calls.count).sum::<u64>() as f64;
        daemon.wait_for_metrics("every call counted", |metrics| metrics.sum("cdr_calls_total", &[]) == calls);
        counts(&daemon.metrics())
    }

    fn state(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
        command.arg("state").args(arguments).arg("--storage.path").arg(self.storage());
        command
    }

    /// Starts a daemon that must not start; returns what it says.
    fn refused(&self) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"))
            .args(["serve", "--web.listen-address", "127.0.0.1:0", "--storage.path"])
            .arg(self.storage())
            .arg(self.folder.path().join("cdr"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(74), "{}", said(&output));
        said(&output)
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every counter of calls that is not at 0.
fn counts(metrics: &Metrics) -> BTreeMap<Labels, f64> {
    let mut all = BTreeMap::new();
    for name in ["cdr_calls_total", "cdr_call_failures_total", "cdr_call_duration_seconds_sum"] {
        for (mut labels, value) in metrics.counted(name) {
            labels.insert("__name__".to_owned(), name.to_owned());
            all.insert(labels, value);
        }
    }
    all
}

#[test]
fn counts_outlast_a_stop_and_a_kill() {
    let mut house = House::new();
    house.write(2000);
    let daemon = house.serve();
    let before = house.counted(&daemon);
    daemon.stop();
    let daemon = house.serve();
    assert_eq!(house.counted(&daemon), before);
    house.write(500);
    let before = house.counted(&daemon);
    daemon.kill();
    // The files are gone: what is shown now comes from the store alone.
    fs::remove_dir_all(house.folder.path().join("cdr")).unwrap();
    let daemon = house.serve();
    assert_eq!(house.counted(&daemon), before);
    daemon.stop();
    let verified = house.state(&["verify"]).output().unwrap();
    assert!(verified.status.success() && said(&verified).contains("whole"), "{}", said(&verified));
}

#[test]
fn a_second_daemon_on_the_same_store_stops() {
    let house = House::new();
    let daemon = house.serve();
    daemon.wait_until_ready();
    let message = house.refused();
    assert!(message.contains("another cdr-exporter is using this store"), "{message}");
    let reset = house.state(&["reset"]).output().unwrap();
    assert_eq!(reset.status.code(), Some(74), "{}", said(&reset));
    daemon.stop();
}

#[test]
fn a_damaged_store_stops_the_start_until_it_is_set_aside() {
    let mut house = House::new();
    house.write(1000);
    let daemon = house.serve();
    house.counted(&daemon);
    daemon.stop();
    let whole = fs::read(house.store()).unwrap();
    let mut flipped = whole.clone();
    let place = memchr::memmem::rfind(&flipped, b"IceConnectivityChecksFailed").unwrap();
    flipped[place] ^= 1;
    for content in [&whole[..whole.len() / 3], &[0x5a; 100_000], &flipped] {
        fs::write(house.store(), content).unwrap();
        let message = house.refused();
        assert!(message.contains("the store is damaged") && message.contains("state reset"), "{message}");
        assert_eq!(house.state(&["verify"]).output().unwrap().status.code(), Some(1));
        assert_eq!(fs::read(house.store()).unwrap().len(), content.len(), "nothing is made anew");
    }
    let reset = house.state(&["reset"]).output().unwrap();
    assert!(reset.status.success() && said(&reset).contains("ledger.redb.reset-"), "{}", said(&reset));
    let daemon = house.serve();
    house.counted(&daemon);
}

#[test]
fn an_export_makes_the_same_store() {
    let mut house = House::new();
    house.write(1000);
    let daemon = house.serve();
    let before = house.counted(&daemon);
    daemon.stop();
    let export = house.state(&["export"]).output().unwrap();
    assert!(export.status.success(), "{}", said(&export));
    let file = house.folder.path().join("export.jsonl");
    fs::write(&file, &export.stdout).unwrap();

    let import = |force: &[&str]| {
        let input = Stdio::from(File::open(&file).unwrap());
        house.state(&[&["import"], force].concat()).stdin(input).output().unwrap()
    };
    assert_eq!(import(&[]).status.code(), Some(74), "there is a store already");
    let imported = import(&["--force"]);
    assert!(imported.status.success(), "{}", said(&imported));
    let again = house.state(&["export"]).output().unwrap();
    assert!(parsed(&again.stdout) == parsed(&export.stdout), "the same in the same order");
    let daemon = house.serve();
    assert_eq!(house.counted(&daemon), before);
}

fn parsed(export: &[u8]) -> Vec<serde_json::Value> {
    export.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// A file system of its own, so small that it can be filled; taken away when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Self {
        fs::create_dir_all(&at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(&at);
        assert!(mount.status().unwrap().success(), "this test mounts a tmpfs, for which it must run as root");
        Self(at)
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.0.join("filler")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_delays_and_loses_nothing() {
    let mut house = House::new();
    let disk = SmallDisk::mount(house.folder.path().join("disk"));
    let daemon = house.serve_in(&disk.0);
    house.write(100);
    let before = house.counted(&daemon);
    disk.fill();
    house.write(3000);
    let name = "cdr_exporter_commit_failures_total";
    let metrics = daemon.wait_for_metrics("two failures", |metrics| metrics.sum(name, &[]) >= 2.0);
    assert_eq!(counts(&metrics), before, "the last committed values stay up");
    let ready = daemon.get("/-/ready");
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("No space left on device"), "{}", ready.text());
    disk.free();
    house.counted(&daemon);
    daemon.wait_until_ready();
    let metrics = daemon.metrics();
    let results = metrics.sum("cdr_exporter_records_total", &[]);
    assert_eq!(metrics.sum("cdr_exporter_read_records_total", &[]), results);
    let said = |text: &str| daemon.log().iter().filter(|line| line.contains(text)).count();
    assert_eq!((said("cannot commit"), said("commits succeed again")), (1, 1));
    daemon.stop();
}
