//! A Prometheus that is measured, and the rules that it has.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Error, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::siege::target::get;

/// Rules of a folder such as `deploy/prometheus`.
pub struct Rules {
    folder: PathBuf,
    /// What they record, and every how many seconds.
    pub recorded: BTreeMap<String, u64>,
}

impl Rules {
    pub fn read(folder: &Path) -> io::Result<Self> {
        let (mut recorded, mut interval) = (BTreeMap::new(), 30);
        for line in fs::read_to_string(folder.join("recording.rules.yml"))?.lines() {
            if let Some(text) = line.trim().strip_prefix("interval: ") {
                let (number, unit) = text.split_at(text.len() - 1);
                interval = number.parse::<u64>().map_err(Error::other)? * if unit == "m" { 60 } else { 1 };
            } else if let Some(name) = line.trim().strip_prefix("- record: ") {
                recorded.insert(name.to_owned(), interval);
            }
        }
        Ok(Self { folder: folder.canonicalize()?, recorded })
    }
}

/// One that runs, until it is dropped.
pub struct Prometheus {
    child: Child,
    folder: PathBuf,
    target: u16,
    port: u16,
    rules: Option<PathBuf>,
    /// Of each rule the seconds that it took when it was noted, and how often it is evaluated in a minute.
    noted: BTreeMap<String, (Vec<f64>, f64)>,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    pub fn start(
        program: &Path,
        rules: Option<&Rules>,
        folder: &Path,
        blocks: &Path,
        target: u16,
    ) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let linked = Command::new("cp").arg("-al").arg(blocks).arg(folder.join("data")).status()?;
        if !linked.success() {
            return Err(Error::other("the blocks cannot be linked"));
        }
        fs::write(folder.join("prometheus.yml"), "global: {}\n")?;
        let log = fs::File::create(folder.join("log"))?;
        let child = Command::new(program)
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .args(["--storage.tsdb.retention.time=90d", "--web.listen-address=127.0.0.1:0"])
            .args(["--web.enable-remote-write-receiver", "--web.enable-lifecycle"])
            .env("GOMAXPROCS", "1")
            .stderr(log)
            .spawn()?;
        let rules = rules.map(|rules| rules.folder.clone());
        let folder = folder.to_owned();
        let mut this = Self { child, folder, target, port: 0, rules, noted: BTreeMap::new() };
        for _ in 0..600 {
            let log = fs::read_to_string(this.folder.join("log"))?;
            let port = log.lines().find(|line| line.contains("Listening on")).and_then(|line| {
                line.split("address=127.0.0.1:").nth(1)?.split_whitespace().next()?.parse().ok()
            });
            this.port = port.unwrap_or(0);
            if this.port != 0 && get(this.port, "/-/ready").is_ok() {
                return Ok(this);
            }
            sleep(Duration::from_millis(100));
        }
        Err(Error::other(format!("{} does not get ready", program.display())))
    }

    /// Sends samples (remote write 1.0).
    pub fn send(&self, message: &[u8]) -> io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let length = message.len();
        write!(
            stream,
            "POST /api/v1/write HTTP/1.0\r\nContent-Encoding: snappy\r\nContent-Type: application/x-protobuf\r\n\
             X-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: {length}\r\n\r\n"
        )?;
        stream.write_all(message)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.split(' ').nth(1) == Some("204") { Ok(()) } else { Err(Error::other(answer)) }
    }

    /// From now on it scrapes, and evaluates its rules.
    pub fn load_rules(&mut self) -> io::Result<()> {
        let files = self.rules.as_ref().map_or_else(String::new, |folder| {
            ["recording", "alerts", "collect"]
                .map(|name| folder.join(format!("{name}.rules.yml")))
                .iter()
                .filter(|file| file.exists())
                .fold(String::new(), |text, file| format!("{text}  - {}\n", file.display()))
        });
        let files = if files.is_empty() { files } else { format!("rule_files:\n{files}") };
        let config = format!(
            "global: {{scrape_interval: 15s, evaluation_interval: 30s}}\n{files}scrape_configs:\n  - job_name: cdr-exporter\n    \
             static_configs:\n      - targets: ['127.0.0.1:{}']\n        labels: {{instance: a}}\n",
            self.target
        );
        fs::write(self.folder.join("prometheus.yml"), config)?;
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        write!(stream, "POST /-/reload HTTP/1.0\r\nContent-Length: 0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.split(' ').nth(1) == Some("200") { Ok(()) } else { Err(Error::other(answer)) }
    }

    pub fn processor_seconds(&self) -> io::Result<f64> {
        let metrics = get(self.port, "/metrics")?;
        let value = metrics.lines().find_map(|line| line.strip_prefix("process_cpu_seconds_total "));
        value.and_then(|value| value.parse().ok()).ok_or_else(|| Error::other("no processor time"))
    }

    pub fn version(&self) -> io::Result<String> {
        let answer = self.json("/api/v1/status/buildinfo")?;
        Ok(format!("Prometheus {}", answer["data"]["version"].as_str().unwrap_or("?")))
    }

    pub fn rules(&self) -> String {
        self.rules.as_ref().map_or_else(|| "no rules".into(), |folder| folder.display().to_string())
    }

    fn json(&self, path: &str) -> io::Result<Value> {
        let answer = get(self.port, path)?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok(serde_json::from_str(body)?)
    }

    /// Notes how long each rule took when it was last evaluated.
    pub fn note_rules(&mut self) -> io::Result<()> {
        let answer = self.json("/api/v1/rules")?;
        for group in answer["data"]["groups"].as_array().into_iter().flatten() {
            let often = 60.0 / group["interval"].as_f64().unwrap_or(60.0);
            for (place, rule) in group["rules"].as_array().into_iter().flatten().enumerate() {
                let name = |key: &str| rule[key].as_str().unwrap_or_default();
                let health = if name("health") == "ok" { "" } else { " FAILS" };
                let name = format!(
                    "{} {place} {}{health}",
                    group["name"].as_str().unwrap_or_default(),
                    name("name")
                );
                let noted = self.noted.entry(name).or_insert_with(|| (Vec::new(), often));
                noted.0.push(rule["evaluationTime"].as_f64().unwrap_or(0.0));
            }
        }
        Ok(())
    }

    /// What each group takes, and the rules that take most, in milliseconds each minute by the clock.
    pub fn report(&self) -> String {
        let mut text = String::new();
        let mut groups: BTreeMap<&str, f64> = BTreeMap::new();
        let mut rules: Vec<_> = self
            .noted
            .iter()
            .map(|(name, (seconds, often))| {
                let mut seconds = seconds.clone();
                seconds.sort_by(f64::total_cmp);
                (1000.0 * often * seconds[seconds.len() / 2], name.as_str())
            })
            .collect();
        for (cost, name) in &rules {
            *groups.entry(name.split(' ').next().unwrap_or_default()).or_default() += cost;
        }
        for (group, cost) in groups {
            let _ = writeln!(text, "{cost:9.2} ms {group}");
        }
        rules.sort_by(|one, other| other.0.total_cmp(&one.0));
        for (cost, name) in rules.iter().take(40) {
            let _ = writeln!(text, "  {cost:7.2} ms {name}");
        }
        text
    }
}
