//! A real Prometheus and Alertmanager, so that tests assert what their users will see.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use cdr_exporter::clock;
use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

use super::child::Child;
use super::http;
use super::{Labels, find, on_path, wait_until};

/// A running Prometheus; killed when dropped.
pub struct Prometheus {
    address: SocketAddr,
    // Before `folder`, so that the program has ended when its storage is removed.
    _child: Child,
    /// The folder made for it, if it was given none.
    folder: Option<TempDir>,
}

impl Prometheus {
    /// Starts Prometheus with this config on a free port of loopback. Returns once it is ready.
    pub fn start(config: &str) -> Self {
        Self::start_program(&find("prometheus", "prometheus"), config, &[])
    }

    /// As [`Prometheus::start`], for one of the programs on the PATH, with more arguments.
    pub fn start_program(program: &Path, config: &str, more: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let prometheus = Self::start_program_in(program, folder.path(), config, more);
        Self { folder: Some(folder), ..prometheus }
    }

    /// As [`Prometheus::start`], over a folder whose `data` may hold samples, beside the files that the config names.
    pub fn start_in(folder: &Path, config: &str) -> Self {
        Self::start_program_in(&find("prometheus", "prometheus"), folder, config, &[])
    }

    /// As [`Prometheus::start_in`], for one of the programs, with more arguments.
    pub fn start_program_in(program: &Path, folder: &Path, config: &str, more: &[&str]) -> Self {
        let config_file = folder.join("prometheus.yml");
        fs::write(&config_file, config).unwrap();
        let mut child = Child::start(
            Command::new(program)
                .arg("--config.file")
                .arg(&config_file)
                .arg("--storage.tsdb.path")
                .arg(folder.join("data"))
                .args(["--storage.tsdb.retention.time=30d", "--web.listen-address=127.0.0.1:0"])
                .args(more),
        );
        let address = child.announced_address("Listening on");
        let prometheus = Self { address, _child: child, folder: None };
        wait_until("/-/ready of Prometheus", || prometheus.get("/-/ready").status == 200);
        prometheus
    }

    /// Starts Prometheus scraping this address five times a second, as job `cdr`.
    pub fn scraping(address: SocketAddr) -> Self {
        Self::start(&format!(
            "global: {{scrape_interval: 200ms, evaluation_interval: 200ms}}\n\
             scrape_configs: [{{job_name: cdr, static_configs: [{{targets: ['{address}']}}]}}]\n"
        ))
    }

    /// GET of one of its pages.
    pub fn get(&self, path: &str) -> http::Response {
        http::get(self.address, path)
    }

    /// What a query yields now: values by labels, `__name__` among them where the query keeps it; a scalar has
    /// none. Panics if Prometheus refuses the query.
    pub fn query(&self, promql: &str) -> BTreeMap<Labels, f64> {
        Self::instant(&self.data("query", promql, ""), promql)
    }

    /// As [`Prometheus::query`], at a time in seconds since 1970.
    pub fn query_at(&self, promql: &str, time: f64) -> BTreeMap<Labels, f64> {
        Self::instant(&self.data("query", promql, &format!("&time={time:.3}")), promql)
    }

    /// Every sample that was scraped of these series within an hour: seconds since 1970 and value.
    pub fn samples(&self, selector: &str) -> BTreeMap<Labels, Vec<(f64, f64)>> {
        let data = self.data("query", &format!("{selector}[1h]"), "");
        let series = data["result"].as_array().unwrap().iter();
        let values = |series: &Value| {
            let values = series["values"].as_array().unwrap().iter();
            values.map(|pair| (pair[0].as_f64().unwrap(), read_value(pair))).collect()
        };
        series.map(|series| (read_labels(series), values(series))).collect()
    }

    fn instant(data: &Value, promql: &str) -> BTreeMap<Labels, f64> {
        let result = &data["result"];
        match data["resultType"].as_str() {
            Some("vector") => result.as_array().unwrap().iter().map(read_sample).collect(),
            Some("scalar") => BTreeMap::from([(Labels::new(), read_value(result))]),
            other => panic!("{promql}: expected a vector or a scalar, got {other:?}"),
        }
    }

    /// The value of a query with one result, `None` if it has no result.
    pub fn query_value(&self, promql: &str) -> Option<f64> {
        let result = self.query(promql);
        assert!(result.len() <= 1, "{promql}: more than one result: {result:?}");
        result.into_values().next()
    }

    /// How many series a query yields at `end`, or with a step between the two times; all in seconds.
    pub fn series_between(&self, promql: &str, start: u64, end: u64, step: Option<u64>) -> usize {
        let data = match step {
            Some(step) => self.data("query_range", promql, &format!("&start={start}&end={end}&step={step}")),
            None => self.data("query", promql, &format!("&time={end}")),
        };
        data["result"].as_array().map_or(0, Vec::len)
    }

    /// What a query costs at this time in seconds: Prometheus' own statistics.
    pub fn stats_of(&self, promql: &str, time: u64) -> Value {
        self.data("query", promql, &format!("&time={time}&stats=all"))["stats"].take()
    }

    /// Processor time that it has taken so far.
    pub fn processor_seconds(&self) -> f64 {
        let metrics = self.get("/metrics");
        let lines = metrics.text().lines();
        let value = lines.filter_map(|line| line.strip_prefix("process_cpu_seconds_total ")).next();
        value.and_then(|value| value.parse().ok()).expect("Prometheus shows its own processor time")
    }

    /// The exemplars within the last hour of the series that a query names: their labels.
    pub fn exemplars(&self, promql: &str) -> Vec<Labels> {
        let now = clock::now().0 / 1000;
        let data = self.data("query_exemplars", promql, &format!("&start={}&end={}", now - 3600, now + 60));
        let labels = |exemplar: &Value| serde_json::from_value(exemplar["labels"].clone()).unwrap();
        let series = data.as_array().unwrap().iter();
        series.flat_map(|series| series["exemplars"].as_array().unwrap()).map(labels).collect()
    }

    fn data(&self, kind: &str, promql: &str, times: &str) -> Value {
        let response = self.get(&format!("/api/v1/{kind}?query={}{times}", percent_encode(promql)));
        let mut answer: Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(answer["status"], "success", "{promql}: {}", answer["error"]);
        answer["data"].take()
    }

    /// Waits until a query yields exactly this one value.
    pub fn wait_for_value(&self, promql: &str, value: f64) {
        wait_until(&format!("{promql} == {value}"), || self.query_value(promql) == Some(value));
    }
}

/// A running Alertmanager; killed when dropped.
pub struct Alertmanager {
    pub address: SocketAddr,
    _child: Child,
}

impl Alertmanager {
    /// Starts the installed Alertmanager with this config on a free port of loopback, with its storage in this folder.
    /// Returns once it is ready.
    pub fn start_in(folder: &Path, config: &str) -> Self {
        Self::start_program_in(&Self::installed(), folder, config)
    }

    /// The installed program. Debian's has the prefix in its name.
    pub fn installed() -> PathBuf {
        on_path("alertmanager").unwrap_or_else(|| find("prometheus-alertmanager", "prometheus-alertmanager"))
    }

    /// As [`Alertmanager::start_in`], for another program.
    pub fn start_program_in(program: &Path, folder: &Path, config: &str) -> Self {
        let config_file = folder.join("alertmanager.yml");
        fs::write(&config_file, config).unwrap();
        let mut child = Child::start(
            Command::new(program)
                .arg("--config.file")
                .arg(&config_file)
                .arg("--storage.path")
                .arg(folder.join("alertmanager"))
                .args(["--cluster.listen-address=", "--web.listen-address=127.0.0.1:0"]),
        );
        let address = child.announced_address("Listening on");
        wait_until("/-/ready of Alertmanager", || http::get(address, "/-/ready").status == 200);
        Self { address, _child: child }
    }

    /// Whether a program can send to Microsoft Teams (0.28 and newer).
    pub fn knows_teams(program: &Path) -> bool {
        let output = Command::new(program).arg("--version").output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let version = Regex::new(r"version (\d+)\.(\d+)").unwrap();
        let found = version.captures(&text).unwrap_or_else(|| panic!("no version in {text}"));
        let [major, minor] = [1, 2].map(|place| found[place].parse::<u32>().unwrap());
        (major, minor) >= (0, 28)
    }
}

fn read_sample(sample: &Value) -> (Labels, f64) {
    (read_labels(sample), read_value(&sample["value"]))
}

fn read_labels(series: &Value) -> Labels {
    serde_json::from_value(series["metric"].clone()).unwrap()
}

/// `[time, "value"]`.
fn read_value(pair: &Value) -> f64 {
    pair[1].as_str().unwrap().parse().unwrap()
}

fn percent_encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn a_real_prometheus_answers_queries() {
    let prometheus = Prometheus::start(
        "global: {scrape_interval: 200ms}\n\
         scrape_configs: [{job_name: nothing, static_configs: [{targets: ['127.0.0.1:1']}]}]\n",
    );
    assert_eq!(prometheus.query_value("scalar(vector(6) * 7)"), Some(42.0));
    assert_eq!(prometheus.query_value("absent_metric"), None);
    prometheus.wait_for_value("up{job=\"nothing\"}", 0.0);
    let up = super::labels([("__name__", "up"), ("instance", "127.0.0.1:1"), ("job", "nothing")]);
    assert_eq!(prometheus.query("up"), BTreeMap::from([(up, 0.0)]));
}
