//! The daemon under siege, and mtail beside it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Error, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Counts, proc};

const DEADLINE: Duration = Duration::from_secs(30);
/// MiB that may be resident: the 256 that `limits: memory_bytes` gives to what is read, and half as much for all else.
const MOST_MEMORY: u64 = 384;

/// A running daemon with a source for each folder.
pub struct Target {
    child: Child,
    pub port: u16,
}

/// A port that nobody has.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// One GET on a connection of its own.
pub fn get(port: u16, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(DEADLINE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let ok = answer.split(' ').nth(1) == Some("200");
    let status = answer.lines().next().unwrap_or("no answer").to_owned();
    ok.then_some(answer).ok_or_else(|| Error::other(status))
}

/// The sum of the samples of this name whose labels hold this text.
pub fn sum(metrics: &str, name: &str, label: &str) -> u64 {
    let samples = metrics.lines().filter(|line| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])) && line.contains(label)
    });
    samples.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

impl Target {
    /// Starts the program, with this before the sources in its config, and waits until it answers.
    pub fn start(program: &Path, folder: &Path, sources: &[&str], config: &str) -> io::Result<Self> {
        let mut config = format!("{config}rescan_interval: 1s\nsources:\n");
        for source in sources {
            let path = folder.join(source);
            fs::create_dir_all(&path)?;
            config += &format!("- {{name: {source}, paths: ['{}/*'], remember: 0s}}\n", path.display());
        }
        fs::write(folder.join("config.yml"), config)?;
        let port = free_port()?;
        let log = fs::File::create(folder.join("log"))?;
        let child = Command::new(program)
            .args(["serve", "--web.listen-address", &format!("127.0.0.1:{port}"), "--config.file"])
            .arg(folder.join("config.yml"))
            .arg("--storage.path")
            .arg(folder.join("store"))
            .stderr(log)
            .spawn()?;
        let target = Self { child, port };
        let began = Instant::now();
        while get(port, "/-/ready").is_err() {
            if began.elapsed() > DEADLINE {
                return Err(Error::other("the daemon does not get ready"));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(target)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What is counted once it is the truth, or after a while.
    pub fn settled(&self, truth: &Counts, within: Duration) -> io::Result<BTreeMap<String, u64>> {
        let began = Instant::now();
        loop {
            let metrics = get(self.port, "/metrics")?;
            let counted: BTreeMap<String, u64> = (truth.keys())
                .map(|name| {
                    let source = format!("source=\"{name}\"");
                    ((*name).to_owned(), sum(&metrics, "cdr_calls_total", &source))
                })
                .collect();
            if began.elapsed() > within || truth.iter().all(|(name, rows)| counted.get(*name) == Some(rows)) {
                return Ok(counted);
            }
            sleep(Duration::from_millis(500));
        }
    }

    /// Memory and descriptors, once a second.
    pub fn levels(&self, over: &AtomicBool) -> io::Result<Levels> {
        let mut levels = Levels::default();
        while !over.load(Ordering::Relaxed) {
            let status = proc(self.child.id(), "status")?;
            let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let kib = resident.and_then(|text| text.trim().split(' ').next()?.parse::<u64>().ok());
            let open = fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count();
            levels.0.push((kib.unwrap_or_default() / 1024, open as u64));
            sleep(Duration::from_secs(1));
        }
        Ok(levels)
    }

    /// SIGTERM; how long it took to end.
    pub fn stop(mut self) -> io::Result<Duration> {
        let id = Pid::from_raw(self.child.id().cast_signed()).ok_or_else(|| Error::other("no process"))?;
        let began = Instant::now();
        kill_process(id, Signal::TERM)?;
        while self.child.try_wait()?.is_none() {
            if began.elapsed() > DEADLINE {
                return Err(Error::other("SIGTERM does not end it"));
            }
            sleep(Duration::from_millis(10));
        }
        Ok(began.elapsed())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// MiB resident and open descriptors, one pair a second.
#[derive(Default)]
pub struct Levels(Vec<(u64, u64)>);

impl Levels {
    /// The highest of the second quarter and of the last one.
    fn highest(&self) -> [(u64, u64); 2] {
        let quarter = self.0.len() / 4;
        let of = |part: &[(u64, u64)]| {
            let memory = part.iter().map(|level| level.0).max();
            (memory.unwrap_or_default(), part.iter().map(|level| level.1).max().unwrap_or_default())
        };
        [of(&self.0[quarter..2 * quarter]), of(&self.0[3 * quarter..])]
    }

    fn peak(&self) -> u64 {
        self.0.iter().map(|level| level.0).max().unwrap_or_default()
    }

    /// What is not flat or too much, if anything.
    pub fn fault(&self) -> Option<String> {
        let [early, late] = self.highest();
        let grown = late.0 > early.0 + early.0 / 4 + 64 || late.1 > early.1 + early.1 / 4 + 32;
        match self.peak() {
            peak if peak > MOST_MEMORY => Some(format!("more than {MOST_MEMORY} MiB resident: {self}")),
            _ => grown.then(|| format!("memory or descriptors grow: {self}")),
        }
    }
}

impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [early, late] = self.highest();
        write!(
            f,
            "Resident: {} MiB at most ({} in the second quarter, {} in the last); descriptors: {} and {}.",
            self.peak(),
            early.0,
            late.0,
            early.1,
            late.1
        )
    }
}

/// mtail, which counts failed calls by file.
pub struct Mtail {
    child: Child,
    port: u16,
    pub name: String,
}

const PROGRAM: &str = "counter calls by file\n/\"successfulCall\":false/ {\n  calls[getfilename()]++\n}\n";

impl Mtail {
    /// Starts it, if it is installed.
    pub fn start(folder: &Path, sources: &[&str]) -> io::Result<Option<Self>> {
        let Ok(version) = Command::new("mtail").arg("--version").output() else { return Ok(None) };
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        let name = format!("mtail {}", version.split_whitespace().nth(2).unwrap_or_default());
        fs::create_dir_all(folder.join("programs"))?;
        fs::write(folder.join("programs/calls.mtail"), PROGRAM)?;
        let port = free_port()?;
        let mut command = Command::new("mtail");
        command.args(["--address", "127.0.0.1", "--port", &port.to_string(), "--progs"]);
        command.arg(folder.join("programs"));
        for source in sources {
            command.arg("--logs").arg(folder.join(source).join("*"));
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Some(Self { child, port, name }))
    }

    /// What it has counted for each attack.
    pub fn counts(&self, truth: &Counts) -> io::Result<Counts> {
        let metrics = get(self.port, "/metrics").unwrap_or_default();
        Ok(truth.keys().map(|name| (*name, sum(&metrics, "calls", &format!("/{name}/")))).collect())
    }
}

impl Drop for Mtail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
