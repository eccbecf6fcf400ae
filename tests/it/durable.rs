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

use super::tools::truth::{late_series, shown_series};
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
        self.refused_in(&self.storage())
    }

    fn refused_in(&self, storage: &Path) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"))
            .args(["serve", "--web.listen-address", "127.0.0.1:0", "--storage.path"])
            .arg(storage)
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
    assert!(message.contains("a running cdr-exporter uses this store"), "{message}");
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
        assert!(message.contains("the store is damaged") && message.contains("state verify"), "{message}");
        let verified = house.state(&["verify"]).output().unwrap();
        assert_eq!(verified.status.code(), Some(1));
        let message = said(&verified);
        assert!(message.contains("state reset") && !message.contains("state verify"), "{message}");
        assert_eq!(fs::read(house.store()).unwrap().len(), content.len(), "nothing is made anew");
    }
    fs::write(house.store(), "").unwrap();
    let verified = house.state(&["verify"]).output().unwrap();
    assert_eq!(verified.status.code(), Some(1));
    for message in [house.refused(), said(&verified), said(&house.state(&["export"]).output().unwrap())] {
        assert!(message.contains("the store is empty") && message.contains("state reset"), "{message}");
        assert!(!message.contains("state export") && !message.contains("damaged"), "{message}");
    }
    let reset = house.state(&["reset"]).output().unwrap();
    assert!(reset.status.success() && said(&reset).contains("ledger.redb.reset-"), "{}", said(&reset));
    let daemon = house.serve();
    house.counted(&daemon);
}

#[test]
fn a_damaged_store_that_can_be_read_is_saved_the_way_that_verify_says() {
    let mut house = House::new();
    house.write(1000);
    let daemon = house.serve();
    let before = house.counted(&daemon);
    daemon.stop();
    let mut damaged = fs::read(house.store()).unwrap();
    // Pages of earlier commits, which nobody reads, have it too.
    let places: Vec<usize> = memchr::memmem::find_iter(&damaged, b"cdr/1000.ndjson").collect();
    assert!(!places.is_empty());
    places.into_iter().for_each(|place| damaged[place] = b'x');
    fs::write(house.store(), damaged).unwrap();
    let verified = house.state(&["verify"]).output().unwrap();
    let message = said(&verified);
    assert_eq!(verified.status.code(), Some(1), "{message}");
    let commands: Vec<&str> = message.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert_eq!(commands.len(), 3, "{message}");
    for command in commands {
        let program = env!("CARGO_BIN_EXE_cdr-exporter");
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command.replacen("cdr-exporter", program, 1)).current_dir(house.folder.path());
        let done = shell.output().unwrap();
        assert!(done.status.success(), "{command}: {}", said(&done));
    }
    let verified = house.state(&["verify"]).output().unwrap();
    assert!(verified.status.success(), "{}", said(&verified));
    let daemon = house.serve();
    assert_eq!(house.counted(&daemon), before);
}

/// redb panics on text that is no UTF-8: an operator is told of the damage, and of no panic.
#[test]
fn damage_is_told_in_words_of_ours() {
    let mut house = House::new();
    house.write(1000);
    let daemon = house.serve();
    house.counted(&daemon);
    daemon.stop();
    let mut damaged = fs::read(house.store()).unwrap();
    for place in memchr::memmem::find_iter(&damaged.clone(), b"IceConnectivityChecksFailed") {
        damaged[place] = 0xff;
    }
    fs::write(house.store(), damaged).unwrap();
    for (action, then) in [("verify", ["export", "reset", "import"].as_slice()), ("export", &["reset"])] {
        let ended = house.state(&[action]).output().unwrap();
        let message = said(&ended);
        assert_eq!(ended.status.code(), Some(1), "{message}");
        assert!(!message.contains("panicked") && !message.contains(".rs:"), "{message}");
        let commands = message.lines().filter_map(|line| line.strip_prefix("  cdr-exporter state "));
        let commands: Vec<&str> = commands.filter_map(|command| command.split(' ').next()).collect();
        assert_eq!(commands, then, "{action}: {message}");
    }
    let message = house.refused();
    assert!(!message.contains("panicked"), "{message}");
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
pub struct SmallDisk(pub PathBuf);

impl SmallDisk {
    pub fn mount(at: PathBuf) -> Self {
        fs::create_dir_all(&at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(&at);
        assert!(mount.status().unwrap().success(), "this test mounts a tmpfs, for which it must run as root");
        Self(at)
    }

    /// Takes all the room that is left.
    pub fn fill(&self) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.0.join("filler")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    pub fn free(&self) {
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
    assert_eq!(shown_series(&daemon.metrics()), late_series("teams", house.export.truth()));
    let metrics = daemon.metrics();
    let results = metrics.sum("cdr_exporter_records_total", &[]);
    assert_eq!(metrics.sum("cdr_exporter_read_records_total", &[]), results);
    let said = |text: &str| daemon.log().iter().filter(|line| line.contains(text)).count();
    assert_eq!((said("cannot commit"), said("commits succeed again")), (1, 1));
    daemon.stop();
}

#[test]
fn a_disk_that_may_not_be_written_to_stops_the_start() {
    let house = House::new();
    let disk = SmallDisk::mount(house.folder.path().join("disk"));
    let mut mount = Command::new("mount");
    assert!(mount.args(["-o", "remount,ro"]).arg(&disk.0).status().unwrap().success());
    let message = house.refused_in(&disk.0.join("store"));
    let expected = "disk/store: Read-only file system (os error 30); let the user of cdr-exporter write there, or \
                    choose another folder with --storage.path";
    assert!(message.contains(expected), "{message}");
    assert!(message.contains("loading the store"), "{message}");
}

#[test]
fn a_store_removed_while_in_use_is_said_and_goes_on_when_it_is_back() {
    for what in ["data", "data/ledger.redb"] {
        let mut house = House::new();
        house.write(500);
        let daemon = house.serve();
        let before = house.counted(&daemon);
        let [there, away] = [what, "away"].map(|name| house.folder.path().join(name));
        fs::rename(&there, &away).unwrap();
        house.write(500);
        let name = "cdr_exporter_commit_failures_total";
        let metrics = daemon.wait_for_metrics("a failure", |metrics| metrics.sum(name, &[]) >= 1.0);
        assert_eq!(counts(&metrics), before, "the last committed values stay up");
        let ready = daemon.get("/-/ready");
        assert!(ready.status == 503 && ready.text().contains("the store was removed"), "{}", ready.text());
        fs::rename(&away, &there).unwrap();
        house.counted(&daemon);
        assert_eq!(shown_series(&daemon.metrics()), late_series("teams", house.export.truth()));
        daemon.stop();
    }
}

#[test]
fn a_store_removed_for_good_is_made_anew_at_the_next_start_only() {
    let mut house = House::new();
    house.write(500);
    let daemon = house.serve();
    house.counted(&daemon);
    fs::remove_dir_all(house.storage()).unwrap();
    house.write(500);
    daemon.wait_for_log("cannot commit");
    let log = daemon.stop();
    assert!(log.iter().any(|line| line.contains("stopped without a last commit")), "{}", log.join("\n"));
    assert!(!house.storage().exists());
    let daemon = house.serve();
    house.counted(&daemon);
    assert_eq!(shown_series(&daemon.metrics()), late_series("teams", house.export.truth()));
    daemon.wait_for_log("there is no store yet");
    daemon.stop();
}

#[test]
fn an_export_that_nobody_reads_fails() {
    let mut house = House::new();
    house.write(1000);
    let daemon = house.serve();
    house.counted(&daemon);
    daemon.stop();
    let mut export = house.state(&["export"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(export.stdout.take());
    let export = export.wait_with_output().unwrap();
    assert_eq!(export.status.code(), Some(74), "{}", said(&export));
    assert!(said(&export).contains("cannot write the export: Broken pipe"), "{}", said(&export));
}

#[test]
fn the_gauges_of_a_source_that_is_no_more_go_and_its_counters_stay() {
    let mut house = House::new();
    house.write(100);
    let [config, cdr, storage] =
        ["config.yml", "cdr", "data"].map(|name| house.folder.path().join(name).display().to_string());
    let configure = |sources: &str| fs::write(&config, format!("sources: [{sources}]")).unwrap();
    let [kept, gone] = ["kept", "gone"].map(|name| format!("{{name: {name}, paths: ['{cdr}/*']}}"));
    configure(&format!("{kept}, {gone}"));
    let daemon = Daemon::serve(["--config.file", &config, "--storage.path", &storage]);
    let series = |metrics: &Metrics, name: &str, source: &str| {
        metrics.series(name).keys().filter(|labels| labels["source"] == source).count()
    };
    let shown = daemon.wait_for_metrics("both sources", |metrics| {
        ["kept", "gone"].iter().all(|source| metrics.sum("cdr_calls_total", &[("source", source)]) > 0.0)
    });
    for name in ["cdr_exporter_files", "cdr_exporter_pending_bytes"] {
        assert!(series(&shown, name, "gone") > 0, "{name}");
    }
    configure(&kept);
    daemon.reload();
    let after = daemon
        .wait_for_metrics("no files of it", |metrics| series(metrics, "cdr_exporter_files", "gone") == 0);
    assert_eq!(series(&after, "cdr_exporter_pending_bytes", "gone"), 0);
    assert!(series(&after, "cdr_exporter_files", "kept") > 0);
    let calls = |metrics: &Metrics| metrics.sum("cdr_calls_total", &[("source", "gone")]);
    assert_eq!(calls(&after), calls(&shown));
}
