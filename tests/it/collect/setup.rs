//! A config that collects from the stand-in, and the program over it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::stand_in::StandIn;
use super::stand_in::entra::{CLIENT, TENANT};
use crate::tools::{Daemon, Ended, Metrics};

/// A folder with a config and a store.
pub struct Setup {
    pub folder: TempDir,
    /// How it signs in: lines of YAML.
    pub credential: String,
    /// Further lines.
    pub more: String,
}

impl Setup {
    /// With the secret that the stand-in knows.
    pub fn new(stand_in: &StandIn) -> Self {
        let secret = stand_in.world().entra.secret.clone();
        let secret = stand_in.file("secret", &format!("{secret}\n"));
        Self {
            folder: TempDir::new().unwrap(),
            credential: format!("client_secret_file: {}", secret.display()),
            more: String::new(),
        }
    }

    /// As [`Setup::new`], with these lines.
    pub fn with(stand_in: &StandIn, more: &str) -> Self {
        Self { more: more.to_owned(), ..Self::new(stand_in) }
    }

    /// Writes the config.
    pub fn config(&self, stand_in: &StandIn) -> PathBuf {
        let path = self.folder.path().join("config.yml");
        let client = if self.credential.starts_with("managed") {
            String::new()
        } else {
            format!("client_id: {CLIENT}")
        };
        let lines = [
            format!("tenant: {TENANT}"),
            client,
            self.credential.clone(),
            format!("login_url: {}", stand_in.url()),
            format!("graph_url: {}", stand_in.url()),
            format!("ca_file: {}", stand_in.ca_file().display()),
            "requests_per_minute: 100000".to_owned(),
            self.more.clone(),
        ];
        // A later line may say otherwise: the last of each key stands.
        let mut keys = BTreeMap::new();
        for line in lines.iter().flat_map(|line| line.lines()).filter(|line| !line.is_empty()) {
            let (key, value) = line.split_once(": ").unwrap();
            keys.insert(key, value);
        }
        let keys: String = keys.iter().map(|(key, value)| format!("  {key}: {value}\n")).collect();
        fs::write(&path, format!("rescan_interval: 1s\ncollect:\n- name: teams\n{keys}")).unwrap();
        path
    }

    pub fn storage(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn spool(&self) -> PathBuf {
        self.storage().join("spool/teams")
    }

    /// `serve` over the config.
    pub fn command(&self, stand_in: &StandIn) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
        command.arg("serve").arg("--config.file").arg(self.config(stand_in));
        command.arg("--storage.path").arg(self.storage());
        command
    }

    pub fn serve(&self, stand_in: &StandIn) -> Daemon {
        Daemon::of(&mut self.command(stand_in))
    }

    /// A command that ends, over the config.
    pub fn run(&self, stand_in: &StandIn, command: &[&str]) -> Ended {
        self.run_in(stand_in, command, &[])
    }

    /// As [`Setup::run`], in this environment.
    pub fn run_in(&self, stand_in: &StandIn, command: &[&str], environment: &[(&str, &str)]) -> Ended {
        let mut program = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
        program.args(command).arg("--config.file").arg(self.config(stand_in));
        program.arg("--storage.path").arg(self.storage()).envs(environment.iter().copied());
        let output = program.stdin(Stdio::null()).output().unwrap();
        let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        Ended { code: output.status.code(), stdout, stderr }
    }

    /// `collect --once` over the config.
    pub fn collect(&self, stand_in: &StandIn) -> Ended {
        self.run(stand_in, &["collect", "--once"])
    }
}

/// The id of each row that a source reads from a spool folder.
pub fn spooled(folder: &Path) -> Vec<String> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("calls-") && name.ends_with(".ndjson") {
            // The daemon may delete an old one between the list and the look.
            let text = match fs::read_to_string(entry.path()) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                text => text.unwrap(),
            };
            for line in text.lines() {
                let row: Value = serde_json::from_str(line).unwrap();
                ids.push(row["id"].as_str().unwrap().to_owned());
            }
        }
    }
    ids.sort();
    ids
}

/// Failed calls by cause, as shown.
pub fn shown_failures(metrics: &Metrics) -> BTreeMap<String, f64> {
    let mut failures = BTreeMap::new();
    for (labels, value) in metrics.counted("cdr_call_failures_total") {
        *failures.entry(labels["cause"].clone()).or_default() += value;
    }
    failures
}
