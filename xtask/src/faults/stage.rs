//! Where a fault is played: a folder, a tool that watches it, and rows to write there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Error, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// What mtail is told to count.
const MTAIL_PROGRAM: &str = include_str!("calls.mtail");

/// A number that stays for so long is what the tool has come to.
const SETTLED: Duration = Duration::from_secs(6);

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// A program that turns lines into numbers.
pub struct Tool {
    /// Name and version.
    pub name: String,
    program: PathBuf,
    is_mtail: bool,
}

impl Tool {
    /// cdr-exporter at this path.
    pub fn exporter(program: &Path) -> io::Result<Self> {
        let version = Command::new(program).arg("-V").output()?;
        let name = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        Ok(Self { name, program: program.to_owned(), is_mtail: false })
    }

    /// mtail, if it is installed.
    pub fn mtail() -> Option<Self> {
        let version = Command::new("mtail").arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&version.stdout).into_owned();
        let version = text.split_whitespace().nth(2).unwrap_or_default();
        Some(Self { name: format!("mtail {version}"), program: "mtail".into(), is_mtail: true })
    }
}

/// A tool that watches a folder.
pub struct Stage<'t> {
    tool: &'t Tool,
    folder: TempDir,
    glob: PathBuf,
    port: u16,
    running: Option<Child>,
    rows: u64,
}

impl<'t> Stage<'t> {
    /// The tool, started over a folder with one file, `a.json`, which is empty yet: to find a new one is a fault of its
    /// own.
    pub fn new(tool: &'t Tool, glob: &str) -> io::Result<Self> {
        let folder = TempDir::new()?;
        fs::create_dir(folder.path().join("cdr"))?;
        fs::write(folder.path().join("cdr/a.json"), "")?;
        fs::create_dir(folder.path().join("programs"))?;
        fs::write(folder.path().join("programs/calls.mtail"), MTAIL_PROGRAM)?;
        let glob = folder.path().join("cdr").join(glob);
        // Ids are not remembered: what is read twice shows.
        let config = format!("sources: [{{name: t, paths: ['{}'], remember: 0s}}]\n", glob.display());
        fs::write(folder.path().join("config.yml"), config)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut stage = Self { tool, folder, glob, port, running: None, rows: 0 };
        stage.start()?;
        Ok(stage)
    }

    /// Starts the tool and waits until it answers.
    pub fn start(&mut self) -> io::Result<()> {
        let folder = self.folder.path();
        let mut command = Command::new(&self.tool.program);
        if self.tool.is_mtail {
            command.args(["--address", "127.0.0.1", "--port", &self.port.to_string(), "--logs"]);
            command.arg(&self.glob).arg("--progs").arg(folder.join("programs"));
        } else {
            command.args(["serve", "--web.listen-address", &format!("127.0.0.1:{}", self.port)]);
            command.arg("--config.file").arg(folder.join("config.yml"));
            command.arg("--storage.path").arg(folder.join("store"));
        }
        self.running = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
        self.wait("it answers", |stage| stage.metrics().is_ok())?;
        // Until it has opened its files, too.
        sleep(Duration::from_secs(1));
        Ok(())
    }

    /// `kill -9`.
    pub fn kill(&mut self) -> io::Result<()> {
        self.running.take().map_or(Ok(()), |mut child| child.kill().and_then(|()| child.wait()).map(|_| ()))
    }

    /// SIGSTOP and SIGCONT.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let id = self.running.as_ref().and_then(|child| Pid::from_raw(child.id().cast_signed()));
        Ok(kill_process(id.ok_or_else(|| Error::other("it does not run"))?, signal)?)
    }

    /// Whether the tool is mtail.
    pub fn is_mtail(&self) -> bool {
        self.tool.is_mtail
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("cdr").join(name)
    }

    /// So many rows that were never written before.
    pub fn rows(&mut self, count: u64) -> Vec<u8> {
        let row = |number| {
            format!(
                "{{\"id\":\"{number:08x}-0000-4000-8000-000000000000\",\"successfulCall\":false,\
                 \"finalSipCode\":410,\"callEndSubReason\":531004,\"endDateTime\":\"2026-11-01T00:00:00Z\"}}\n"
            )
        };
        let before = self.rows;
        self.rows += count;
        (before..self.rows).map(row).collect::<String>().into_bytes()
    }

    /// Appends so many rows to a file, which is made if it is not there.
    pub fn append(&mut self, name: &str, rows: u64) -> io::Result<File> {
        let text = self.rows(rows);
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(name))?;
        file.write_all(&text)?;
        Ok(file)
    }

    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    /// What `/metrics` shows.
    pub fn metrics(&self) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(DEADLINE))?;
        write!(stream, "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let ok = answer.split(' ').nth(1) == Some("200");
        ok.then_some(answer).ok_or_else(|| Error::other("/metrics does not answer"))
    }

    /// How many calls the tool has counted.
    pub fn count(&self) -> io::Result<u64> {
        let name = if self.tool.is_mtail { "calls" } else { "cdr_call_failures_total" };
        let metrics = self.metrics()?;
        let lines = metrics.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']))
                && (self.tool.is_mtail || line.contains("sip_code=\"410\""))
        });
        Ok(lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }

    /// Whether a counter of what went wrong has counted anything.
    pub fn shows_a_fault(&self) -> io::Result<bool> {
        let metrics = self.metrics()?;
        let of_faults = |line: &&str| {
            let name = line.split([' ', '{']).next().unwrap_or_default();
            ["reject", "error", "invalid"].iter().any(|word| name.contains(word))
        };
        Ok(metrics.lines().filter(of_faults).any(|line| !line.starts_with('#') && !line.ends_with(" 0")))
    }

    /// Waits until the tool has counted so many; goes on after a while if it never does.
    pub fn seen(&self, count: u64) {
        let began = Instant::now();
        while began.elapsed() < 2 * SETTLED && !self.count().is_ok_and(|counted| counted >= count) {
            sleep(Duration::from_millis(50));
        }
    }

    /// What the tool has counted when nothing more comes of it.
    pub fn settled(&self) -> io::Result<u64> {
        let (mut count, mut since, began) = (self.count()?, Instant::now(), Instant::now());
        while since.elapsed() < SETTLED && began.elapsed() < DEADLINE {
            sleep(Duration::from_millis(100));
            let now = self.count()?;
            if now != count {
                (count, since) = (now, Instant::now());
            }
        }
        Ok(count)
    }

    fn wait(&self, what: &str, mut condition: impl FnMut(&Self) -> bool) -> io::Result<()> {
        let began = Instant::now();
        while !condition(self) {
            if began.elapsed() > DEADLINE {
                return Err(Error::other(format!("waited in vain: {what}")));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.kill();
    }
}
