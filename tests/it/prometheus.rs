//! A real Prometheus and Alertmanager for the tests, and the tools that come with them.
//!
//! A tool that is not installed is said on standard error, and its part of a test is left out. Every copy on the PATH
//! is used, so that a second version is tried by adding its folder.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// Every program of this name on the PATH.
pub fn tools(name: &str) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<_> =
        env::split_paths(&path).filter_map(|folder| fs::canonicalize(folder.join(name)).ok()).collect();
    found.dedup();
    if found.is_empty() {
        eprintln!("{name} is not installed: its part of this test is left out");
    }
    found
}

/// Runs a tool to its end and fails the test with what it printed unless it succeeds.
pub fn run(command: &mut Command) {
    let output = command.output().expect("the tool starts");
    let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{command:?}: {}", printed.concat());
}

/// A Prometheus or an Alertmanager on a free port of the loopback address, ended when it is dropped.
pub struct Server {
    child: Child,
    pub address: String,
}

impl Server {
    /// Starts a Prometheus with this configuration over the data in a folder.
    pub fn prometheus(program: &Path, folder: &Path, config: &str) -> io::Result<Self> {
        let file = folder.join("prometheus.yml");
        fs::write(&file, config)?;
        Self::start(
            Command::new(program)
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
                .args(["--storage.tsdb.retention.time=30d", "--web.listen-address=127.0.0.1:0"]),
        )
    }

    /// Starts an Alertmanager with this configuration.
    pub fn alertmanager(program: &Path, folder: &Path, config: &str) -> io::Result<Self> {
        let file = folder.join("alertmanager.yml");
        fs::write(&file, config)?;
        Self::start(
            Command::new(program)
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.path={}", folder.join("alertmanager").display()))
                .args(["--cluster.listen-address=", "--web.listen-address=127.0.0.1:0"]),
        )
    }

    fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let mut log = BufReader::new(child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?).lines();
        let address = log
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.contains("Listening on"))
            .and_then(|line| line.rsplit("address=").next().map(|address| address.trim().to_string()))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        std::thread::spawn(move || log.for_each(drop));
        let started = Self { child, address };
        let deadline = Instant::now() + Duration::from_secs(60);
        while !started.get("/-/ready").is_ok_and(|answer| answer.starts_with("HTTP/1.0 200")) {
            assert!(Instant::now() < deadline, "{command:?} is not ready after a minute");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(started)
    }

    /// The series that a query gives, at one time or over a range with a step, all in seconds.
    pub fn query(
        &self,
        expression: &str,
        start: u64,
        end: u64,
        step: Option<u64>,
    ) -> Result<Vec<Value>, String> {
        let expression: String = expression.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let path = match step {
            Some(step) => {
                format!("/api/v1/query_range?query={expression}&start={start}&end={end}&step={step}")
            }
            None => format!("/api/v1/query?query={expression}&time={end}"),
        };
        let answer = self.get(&path).map_err(|error| error.to_string())?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let body: Value = serde_json::from_str(body).map_err(|error| format!("{error}: {answer}"))?;
        match body["data"]["result"].as_array() {
            Some(series) => Ok(series.clone()),
            None => Err(body["error"].to_string()),
        }
    }

    fn get(&self, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
