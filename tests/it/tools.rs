//! What end-to-end tests stand on: the daemon and a real Prometheus, as children on loopback, and how to ask.
//!
//! A tool that is missing fails the test that needs it; `scripts/install-test-tools` installs them all.

#![allow(dead_code, unused_imports, reason = "helpers stand ready for more tests than there are")]

pub mod browser;
mod child;
mod command;
mod daemon;
pub mod files;
pub mod http;
mod metrics;
mod prometheus;
mod receiver;
pub mod row;
pub mod truth;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

pub use child::Child;
pub use command::{Ended, run, run_in, run_on};
pub use daemon::Daemon;
pub use metrics::Metrics;
pub use prometheus::{Alertmanager, Prometheus};
pub use receiver::{Message, Receiver};

/// The labels of one series.
pub type Labels = BTreeMap<String, String>;

/// How long anything on loopback may take before the test fails; far more than it ever should.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// Labels from pairs, to compare with what a query returned.
pub fn labels<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Every copy of this program: those on the PATH, then the newer one that scripts/newer-prometheus unpacked.
pub fn copies(program: &str) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let newer = xtask::repository().join("target/tools/usr/bin");
    let folders = env::split_paths(&path).chain([newer]);
    let files = folders.filter_map(|folder| fs::canonicalize(folder.join(program)).ok());
    let mut copies: Vec<_> = files.filter(|file| file.is_file()).collect();
    copies.dedup();
    copies
}

/// The installed program of this name, or a panic that says which Debian package holds it.
pub fn find(program: &str, package: &str) -> PathBuf {
    copies(program).into_iter().next().unwrap_or_else(|| {
        panic!("`{program}` is missing: install Debian's `{package}` or run scripts/install-test-tools")
    })
}

/// Runs a tool to its end and fails the test with what it printed unless it succeeds.
pub fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{command:?}: {}", printed.concat());
}

/// Asks until the answer is there and returns it; panics with `what` once [`DEADLINE`] has passed.
pub fn wait_for<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Asks until the condition holds; panics with `what` once [`DEADLINE`] has passed.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}
