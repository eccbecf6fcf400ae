//! A program under test: its log is kept, it says itself where it listens, and it dies with the test.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process};

use super::{wait_for, wait_until};

/// A running child process.
pub struct Child {
    process: std::process::Child,
    log: Arc<Mutex<Vec<String>>>,
    log_reader: Option<JoinHandle<()>>,
}

impl Child {
    /// Starts the program; what it writes to standard error is its log.
    pub fn start(command: &mut Command) -> Self {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let log = Arc::default();
        let log_reader = process.stderr.take().map(|stderr| read_log(stderr, Arc::clone(&log)));
        Self { process, log, log_reader }
    }

    /// The log so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Waits until a line of the log holds `text`.
    pub fn wait_for_log(&self, text: &str) {
        wait_until(&format!("a log line with {text:?}"), || {
            self.log().iter().any(|line| line.contains(text))
        });
    }

    /// Waits for the log line, logfmt or JSON, with this message and an address, and returns the address. The
    /// program is told port 0 and chooses a free one, so tests never compete for a port.
    pub fn announced_address(&mut self, message: &str) -> SocketAddr {
        self.announced_or_ended(message).unwrap_or_else(|| {
            panic!("the program ended before it listened: {:?}", self.ended());
        })
    }

    /// As [`announced_address`](Self::announced_address), for a program that may end before.
    pub fn announced_or_ended(&mut self, message: &str) -> Option<SocketAddr> {
        let announced = Regex::new(&format!(r#"\b{message}\b.*\baddress"?[=:]"?([^" ]+)"#)).unwrap();
        wait_for(&format!("a log line with {message:?} and an address"), || {
            let address = self.log().iter().find_map(|line| announced.captures(line)?[1].parse().ok());
            (address.is_some() || self.ended().is_some()).then_some(address)
        })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().unwrap()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.process.id().cast_signed()).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// Waits for the end, and for the last line of the log.
    pub fn wait(&mut self) -> ExitStatus {
        let status = wait_for("the end of the program", || self.process.try_wait().unwrap());
        self.log_reader.take().map(JoinHandle::join);
        status
    }
}

impl Drop for Child {
    /// Ends the program. In a failing test, prints its log for whoever looks into it.
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.log_reader.take().map(JoinHandle::join);
        if thread::panicking() {
            eprintln!("log of the program:\n{}", self.log().join("\n"));
        }
    }
}

/// Collects the log line by line, in a thread of its own, so that the program never waits for a reader.
fn read_log(stderr: ChildStderr, log: Arc<Mutex<Vec<String>>>) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            log.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
        }
    })
}
