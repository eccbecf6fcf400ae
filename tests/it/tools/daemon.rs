//! The daemon itself, as its users start it.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use super::child::Child;
use super::http::{self, Response};
use super::{Metrics, wait_for, wait_until};

/// A running `cdr-exporter`; killed when dropped.
pub struct Daemon {
    child: Child,
    address: SocketAddr,
    /// The store of a daemon that was given none.
    _storage: Option<TempDir>,
}

impl Daemon {
    /// `cdr-exporter serve` with these arguments, on a free port of loopback. Returns once it listens.
    ///
    /// Without `--storage.path` among them, it has a store of its own, which goes with it.
    pub fn serve<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cdr-exporter"));
        command.arg("serve").args(arguments);
        if command.get_args().any(|argument| argument == "--storage.path") {
            return Self::of(&mut command);
        }
        let storage = TempDir::new().unwrap();
        command.arg("--storage.path").arg(storage.path());
        Self { _storage: Some(storage), ..Self::of(&mut command) }
    }

    /// Another command that serves, for example `demo`.
    pub fn start<A: AsRef<OsStr>>(command: &str, arguments: impl IntoIterator<Item = A>) -> Self {
        Self::of(Command::new(env!("CARGO_BIN_EXE_cdr-exporter")).arg(command).args(arguments))
    }

    /// A command that serves, with whatever else it needs, for example its environment.
    pub fn of(command: &mut Command) -> Self {
        let mut child = Child::start(command.args(["--web.listen-address", "127.0.0.1:0"]));
        let address = child.announced_address("listening");
        Self { child, address, _storage: None }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The log so far, for assertions and for messages.
    pub fn log(&self) -> Vec<String> {
        self.child.log()
    }

    /// Waits until a line of the log holds `text`.
    pub fn wait_for_log(&self, text: &str) {
        self.child.wait_for_log(text);
    }

    /// GET of one of its pages.
    pub fn get(&self, path: &str) -> Response {
        http::get(self.address, path)
    }

    /// POST without a body.
    pub fn post(&self, path: &str) -> Response {
        http::request(self.address, "POST", path, &[])
    }

    /// What `/metrics` shows now.
    pub fn metrics(&self) -> Metrics {
        let response = self.get("/metrics");
        assert_eq!(response.status, 200, "/metrics: {}", response.text());
        Metrics::parse(response.text())
    }

    /// Reads `/metrics` until it shows what is wanted, and returns it. While the store is being loaded, it shows
    /// nothing.
    pub fn wait_for_metrics(&self, what: &str, mut wanted: impl FnMut(&Metrics) -> bool) -> Metrics {
        wait_for(what, || match self.get("/metrics").status {
            503 => None,
            _ => Some(self.metrics()).filter(|metrics| wanted(metrics)),
        })
    }

    /// Waits until `/-/ready` says so.
    pub fn wait_until_ready(&self) {
        wait_until("/-/ready of the daemon", || self.get("/-/ready").status == 200);
    }

    /// SIGHUP: reloads the config.
    pub fn reload(&self) {
        self.child.signal(Signal::HUP);
    }

    /// SIGTERM: ends it, and asserts that it ends cleanly. Returns the whole log.
    pub fn stop(self) -> Vec<String> {
        self.stop_by(Signal::TERM)
    }

    /// Ends it by this signal, and asserts that it ends cleanly. Returns the whole log.
    pub fn stop_by(mut self, signal: Signal) -> Vec<String> {
        self.child.signal(signal);
        let status = self.child.wait();
        let log = self.log();
        assert_eq!(status.code(), Some(0), "{signal:?} ends with exit code 0:\n{}", log.join("\n"));
        log
    }

    /// SIGSTOP: it does nothing until [`Daemon::resume`].
    pub fn pause(&self) {
        self.child.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.child.signal(Signal::CONT);
    }

    /// SIGKILL: ends it with no chance to tidy up.
    pub fn kill(mut self) {
        self.child.signal(Signal::KILL);
        self.child.wait();
    }
}
