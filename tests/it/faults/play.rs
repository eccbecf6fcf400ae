//! A daemon over a folder of files, and the rows to write there.

use std::fs::{self};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::tools::files::append;
use crate::tools::{Daemon, Metrics, wait_until};

/// The daemon's program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_cdr-exporter");

/// A daemon over a folder, and rows to write there.
pub struct Play {
    pub folder: TempDir,
    /// `None` only while it is down.
    running: Option<Daemon>,
    pub rows: u64,
}

impl Play {
    pub fn new() -> Self {
        Self::of("cdr/*.json*")
    }

    /// A daemon that watches this glob, in a folder where `cdr` exists.
    pub fn of(glob: &str) -> Self {
        let mut play = Self::not_started(glob);
        play.start();
        play.daemon().wait_until_ready();
        play
    }

    /// The same before its daemon has started.
    pub fn not_started(glob: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("cdr")).unwrap();
        let play = Self { folder, running: None, rows: 0 };
        play.configure(glob);
        play
    }

    /// Writes the config: which files it reads.
    pub fn configure(&self, glob: &str) {
        self.configure_with(glob, "500ms");
    }

    /// As [`Play::configure`], with another interval of rescans.
    pub fn configure_with(&self, glob: &str, rescan_interval: &str) {
        let paths = self.folder.path().join(glob);
        let config = format!(
            "sources: [{{name: t, paths: ['{}'], remember: 0s, live_within: 100000d}}]\n\
             rescan_interval: {rescan_interval}\nquiet: 500ms\n",
            paths.display()
        );
        fs::write(self.folder.path().join("config.yml"), config).unwrap();
    }

    pub fn start(&mut self) {
        self.start_as(&mut Command::new(PROGRAM));
    }

    /// Starts it by a command that has the program as its last argument, or is the program.
    pub fn start_as(&mut self, command: &mut Command) {
        let of = |name: &str| self.folder.path().join(name);
        let command = command.arg("serve").arg("--config.file").arg(of("config.yml"));
        self.running = Some(Daemon::of(command.arg("--storage.path").arg(of("store"))));
    }

    pub fn daemon(&self) -> &Daemon {
        self.running.as_ref().expect("the daemon is running")
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.running.take().expect("the daemon is running").kill();
    }

    /// SIGTERM. Returns the log.
    pub fn stop(&mut self) -> Vec<String> {
        self.running.take().expect("the daemon is running").stop()
    }

    /// Changes the text of the config.
    pub fn change_config(&self, change: impl Fn(String) -> String) {
        let config = self.folder.path().join("config.yml");
        fs::write(&config, change(fs::read_to_string(&config).unwrap())).unwrap();
    }

    /// The same, and has the daemon take it.
    pub fn reload(&self, change: impl Fn(String) -> String) {
        self.change_config(change);
        let reloads = || self.daemon().log().iter().filter(|line| line.contains("config reloaded")).count();
        let before = reloads();
        self.daemon().reload();
        wait_until("the config is reloaded", || reloads() > before);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("cdr").join(name)
    }

    /// So many rows that were never written before.
    pub fn rows(&mut self, count: u64) -> Vec<u8> {
        let mut text = String::new();
        for _ in 0..count {
            self.rows += 1;
            text += &format!(
                "{{\"id\":\"{:08x}-0000-4000-8000-000000000000\",\"successfulCall\":false,\"callType\":\"ByotIn\",\
                 \"finalSipCode\":410,\"callEndSubReason\":531004,\"endDateTime\":\"2026-11-01T00:00:00Z\",\
                 \"finalSipCodePhrase\":\"IceConnectivityChecksFailed\"}}\n",
                self.rows
            );
        }
        text.into_bytes()
    }

    pub fn append(&mut self, name: &str, rows: u64) {
        let text = self.rows(rows);
        append(&self.path(name), &text);
    }

    pub fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// Waits until this many failed calls are counted.
    pub fn counted(&self, expected: u64) {
        self.daemon()
            .wait_for_metrics(&format!("{expected} calls"), |metrics| calls(metrics) >= expected as f64);
        assert_eq!(calls(&self.daemon().metrics()), expected as f64);
    }

    /// Waits for everything there is to be read, and asserts how many calls and rejected records that makes.
    pub fn settles_at(&self, expected: u64, rejected: u64) {
        self.settles_at_with_pending(expected, rejected);
        assert_eq!(self.daemon().metrics().sum("cdr_exporter_pending_bytes", &[]), 0.0);
    }

    /// As [`Play::settles_at`], where something is left that cannot be read.
    pub fn settles_at_with_pending(&self, expected: u64, rejected: u64) {
        self.counted(expected);
        let are_rejected = |metrics: &Metrics| rejections(metrics) >= rejected as f64;
        self.daemon().wait_for_metrics(&format!("{rejected} rejected records"), are_rejected);
        // Two rescans and the time after which a file counts as quiet: whatever would still be counted has been.
        pause(Duration::from_millis(2500));
        let metrics = self.daemon().metrics();
        assert_eq!(calls(&metrics), expected as f64, "{}", self.daemon().log().join("\n"));
        assert_eq!(rejections(&metrics), rejected as f64);
    }

    pub fn event(&self, event: &str) -> f64 {
        self.daemon().metrics().sum("cdr_exporter_file_events_total", &[("event", event)])
    }
}

/// A daemon that gives an unfinished record up after a second.
pub fn impatient(glob: &str) -> Play {
    let mut play = Play::not_started(glob);
    append(&play.folder.path().join("config.yml"), b"unfinished_after: 1s\n");
    play.start();
    play.daemon().wait_until_ready();
    play
}

fn rejections(metrics: &Metrics) -> f64 {
    metrics.sum("cdr_exporter_rejected_records_total", &[])
}

pub fn calls(metrics: &Metrics) -> f64 {
    metrics.sum("cdr_call_failures_total", &[("microsoft_code", "531004"), ("sip_code", "410")])
}

/// Lets so much time pass, where what is shown is that nothing comes of it.
pub fn pause(time: Duration) {
    let begun = Instant::now();
    wait_until("time passes", || begun.elapsed() > time);
}
