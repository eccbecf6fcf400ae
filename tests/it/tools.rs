//! What end-to-end tests stand on: the daemon and a real Prometheus, as children on loopback, and how to ask.
//!
//! A tool that is missing fails the test that needs it; `scripts/install-test-tools` installs them all, and
//! `scripts/newer-prometheus` unpacks newer ones beside them, and `scripts/axe-core` what looks at pages.

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

/// The installed program of this name, or a panic that says which Debian package holds it.
pub fn find(program: &str, package: &str) -> PathBuf {
    on_path(program).unwrap_or_else(|| {
        panic!("`{program}` is missing: install Debian's `{package}` or run scripts/install-test-tools")
    })
}

/// The installed program of this name.
fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The program of this name that scripts/newer-prometheus unpacked, or a panic that says to run it. Only tests named
/// `newer` ask for it: they are the ones that `WITHOUT_NEWER_PROMETHEUS=1 make test` leaves out.
pub fn newer(program: &str) -> PathBuf {
    let file = xtask::repository().join("target/tools/usr/bin").join(program);
    assert!(
        file.is_file(),
        "the newer `{program}` is missing: run scripts/newer-prometheus; where Debian's archive is not to be had, \
         WITHOUT_NEWER_PROMETHEUS=1 make test leaves this test out"
    );
    file
}

/// The script of axe-core that scripts/axe-core unpacked, or a panic that says to run it. Only tests named `axe` ask for it.
pub fn axe() -> PathBuf {
    let file = xtask::repository().join("target/tools/axe.min.js");
    assert!(
        file.is_file(),
        "axe-core is missing: run scripts/axe-core; where the npm registry is not to be had, WITHOUT_AXE=1 make test \
         leaves this test out"
    );
    file
}

/// Makes two tests of a check that takes the path of a program: `installed` and `newer`.
macro_rules! under_both {
    ($check:ident($program:literal of $package:literal)) => {
        mod $check {
            #[test]
            fn installed() {
                super::$check(&crate::tools::find($program, $package));
            }
            #[test]
            fn newer() {
                super::$check(&crate::tools::newer($program));
            }
        }
    };
}
pub(crate) use under_both;

/// As [`under_both`], for a check of what only the newer program can do.
macro_rules! under_newer {
    ($check:ident($program:literal)) => {
        mod $check {
            #[test]
            fn newer() {
                super::$check(&crate::tools::newer($program));
            }
        }
    };
}
pub(crate) use under_newer;

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
