//! The daemon is killed at each system call that touches its store or the store's folder, started again, and must have
//! counted everything once.
//!
//! `strace` counts the calls of a run that is left alone and kills at one of them in each other run: before the call,
//! which is after the one before it. `make test` takes some of them, others at each run;
//! `CRASHES=all cargo test --test it crash` takes them all, and `CRASHES=pwrite64:7` that one.

use std::collections::{BTreeMap, HashMap};
use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use cdr_exporter::call::UnixMillis;
use cdr_exporter::cli::demo::traffic::Traffic;
use cdr_exporter::cli::demo::truth::Export;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::tools::truth::{late_series, shown_series};
use super::tools::{Child, Labels, Metrics, find, http, run, wait_for};

/// 2026-11-01T00:00:00Z.
const START: UnixMillis = UnixMillis(1_793_491_200_000);

/// How many kills a run of all tests has time for.
const SOME: usize = 14;

/// A system call of the daemon on its store: its name, and which of that name.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    call: String,
    number: usize,
}

/// Two sources with their records: one remembers ids, in the other a record that is read twice is counted twice.
struct Scene {
    folder: TempDir,
    exports: [Export; 2],
    rows: i64,
}

const SOURCES: [&str; 2] = ["remembered", "plain"];

impl Scene {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let exports = [Export::new(7, START, 20.0), Export::new(8, START, 0.0)];
        let scene = Self { folder, exports, rows: 0 };
        SOURCES.iter().for_each(|source| fs::create_dir(scene.path(source)).unwrap());
        scene.configure(200);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self, trunks: usize) {
        let [remembered, plain] = SOURCES.map(|source| self.path(source).display().to_string());
        let config = format!(
            "sources:\n- {{name: remembered, paths: ['{remembered}']}}\n- {{name: plain, paths: ['{plain}'], \
             remember: 0s}}\nlimits: {{trunks_per_source: {trunks}}}\nrescan_interval: 1s\n\
             history: {{keep: 36500d}}\n"
        );
        fs::write(self.path("config.yml"), config).unwrap();
    }

    /// Rows of a source that nobody has seen, but for the duplicates among them.
    fn rows_of(&mut self, source: usize, rows: i64) -> Vec<u8> {
        let mut text = String::new();
        let export = &mut self.exports[source];
        for number in self.rows..self.rows + rows {
            let call = export.next_call(UnixMillis(START.0 + number * 50));
            Traffic::graph_row(&export.traffic, &call, &mut text);
        }
        self.rows += rows;
        text.into_bytes()
    }

    fn append(&mut self, source: usize, name: &str, rows: i64) {
        let text = self.rows_of(source, rows);
        self.append_text(source, name, &text);
    }

    fn append_text(&self, source: usize, name: &str, text: &[u8]) {
        let path = self.path(SOURCES[source]).join(name);
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(text).unwrap();
    }

    /// What each step does, while the daemon runs or after it was killed. All that is written is counted before the
    /// next one, unless it was killed.
    fn step(&mut self, step: usize, child: &mut Child) {
        match step {
            0 => {
                self.append(0, "a.ndjson", 1200);
                self.append(1, "a.ndjson", 60);
            }
            1 => {
                let text = self.rows_of(1, 30);
                let (begun, rest) = text.split_at(text.len() / 2);
                self.append_text(1, "a.ndjson", begun);
                self.append_text(1, "a.ndjson", rest);
            }
            2 => {
                self.append(1, "a.ndjson", 5);
                let folder = self.path("plain");
                fs::rename(folder.join("a.ndjson"), folder.join("a.ndjson.1")).unwrap();
                self.append(1, "a.ndjson", 20);
                self.append(0, "b.ndjson", 100);
            }
            3 => {
                self.configure(190);
                signal(child, Signal::HUP);
                self.append(0, "a.ndjson", 40);
                self.append(1, "a.ndjson", 10);
            }
            _ => self.append(1, "c.ndjson", 10),
        }
    }

    const STEPS: usize = 5;

    /// Every series that must be there, with its value.
    fn truth(&self) -> BTreeMap<Labels, f64> {
        let sources = SOURCES.iter().zip(&self.exports);
        sources.flat_map(|(source, export)| late_series(source, export.truth())).collect()
    }

    /// The daemon, under `strace` with these options or without it.
    fn start(&self, strace: Option<&[String]>) -> Child {
        let daemon = env!("CARGO_BIN_EXE_cdr-exporter");
        let mut command = match strace {
            Some(options) => {
                let mut command = Command::new(find("strace", "strace"));
                // The tracer is the grandchild: what is started here, signalled and waited for is the daemon.
                command.args(["-D", "-f", "-qq", "-o"]).arg(self.path("trace")).args(options);
                for path in ["store", "store/ledger.lock", "store/ledger.redb", "store/ledger.redb.new"] {
                    command.arg("-P").arg(self.path(path));
                }
                command.arg(daemon);
                command
            }
            None => Command::new(daemon),
        };
        command.args(["serve", "--web.listen-address", "127.0.0.1:0", "--config.file"]);
        command.arg(self.path("config.yml")).arg("--storage.path").arg(self.path("store"));
        Child::start(&mut command)
    }

    /// Waits until as many records are counted as are written, or until the daemon has ended. Returns what it showed
    /// last; `first` asks of what it shows first.
    fn counted(
        &self,
        child: &mut Child,
        address: SocketAddr,
        first: &mut dyn FnMut(&Metrics),
    ) -> Option<Metrics> {
        let mut last: Option<Metrics> = None;
        wait_for("every record counted, or the end", || {
            if child.ended().is_some() {
                return Some(());
            }
            let response = http::try_request(address, "GET", "/metrics", &[]).ok();
            let metrics = Metrics::parse(response.filter(|response| response.status == 200)?.text());
            if last.is_none() {
                first(&metrics);
            }
            let records = metrics.sum("cdr_exporter_records_total", &[]);
            // Calls are not shown before the files present at the very first start are read.
            let shown = !metrics.series("cdr_calls_total").is_empty();
            last = Some(metrics);
            (shown && records >= self.rows as f64).then_some(())
        });
        last
    }
}

/// A signal, unless the daemon was killed: its number may be another's by now.
fn signal(child: &mut Child, signal: Signal) {
    if child.ended().is_none() {
        child.signal(signal);
    }
}

/// Plays the scene, killing at this place; then starts the daemon again and asserts that everything is counted once.
/// Returns whether it came to that place, and the calls that were made.
fn play(kill: Option<&Place>) -> (bool, Vec<Place>) {
    let mut scene = Scene::new();
    let options = match kill {
        Some(Place { call, number }) => {
            vec![format!("--trace={call}"), format!("--inject={call}:signal=KILL:when={number}")]
        }
        None => vec!["--trace=all".to_owned()],
    };
    let mut shown = Metrics::default();
    let mut child = None;
    for step in 0..Scene::STEPS {
        match &mut child {
            None => {
                // The files of the first step are there at the start.
                let mut started = scene.start(Some(&options));
                scene.step(step, &mut started);
                let address = started.announced_or_ended("listening");
                child = Some((started, address));
            }
            Some((child, _)) => scene.step(step, child),
        }
        if let Some((child, Some(address))) = &mut child
            && let Some(last) = scene.counted(child, *address, &mut |_| {})
        {
            shown = last;
        }
    }
    let (mut child, _) = child.unwrap();
    signal(&mut child, Signal::TERM);
    let killed = child.wait().code().is_none();
    assert_in_step(&scene);
    let calls = match kill {
        None => calls_in(&fs::read_to_string(scene.path("trace")).unwrap()),
        Some(_) => Vec::new(),
    };
    check(&scene, &shown_series(&shown));
    (killed, calls)
}

/// What was committed, if anything, holds the same calls by minute as in its counters.
fn assert_in_step(scene: &Scene) {
    let (store, copy) = (scene.path("store/ledger.redb"), TempDir::new().unwrap());
    // A copy: the next daemon has to mend what the kill left by itself.
    if !store.exists() || fs::copy(store, copy.path().join("ledger.redb")).is_err() {
        return;
    }
    let export = run(["state", "export", "--storage.path", copy.path().to_str().unwrap()]);
    assert_eq!(export.code, Some(0), "{}", export.stderr);
    let rows: Vec<Value> = export.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of = |table: &'static str| rows.iter().filter(move |row| row["table"] == table);
    let labels = |of: &Value, outcome: &str| {
        let text = |label| match &of[label] {
            Value::String(text) => text.clone(),
            Value::Number(code) => code.to_string(),
            _ => String::new(),
        };
        let codes = ["microsoft_code", "sip_code"].map(text);
        // What a cap folded has no codes.
        let [microsoft, sip] = codes.map(|code| if code == "other" { String::new() } else { code });
        let [source, trunk, direction, cause] = ["source", "trunk", "direction", "cause"].map(text);
        [source, trunk, direction, outcome.to_owned(), cause, microsoft, sip]
    };
    let mut sums = BTreeMap::<[String; 7], [u64; 2]>::new();
    let numbered: HashMap<String, [String; 7]> = of("history_series")
        .map(|row| {
            (
                row["key"]["series"].to_string(),
                labels(&row["value"], row["value"]["outcome"].as_str().unwrap()),
            )
        })
        .collect();
    for (series, calls) in of("history").flat_map(|row| row["value"].as_object().unwrap()) {
        sums.entry(numbered[series].clone()).or_default()[0] += calls.as_u64().unwrap();
    }
    for row in of("failures").filter(|row| row["value"]["count"] != 0) {
        sums.entry(labels(&row["key"], "failed")).or_default()[1] += row["value"]["count"].as_u64().unwrap();
    }
    for row in of("routes") {
        for (outcome, calls) in
            row["value"]["calls"].as_object().unwrap().iter().filter(|(it, _)| *it != "failed")
        {
            let calls = calls["live"].as_u64().unwrap() + calls["late"].as_u64().unwrap();
            sums.entry(labels(&row["key"], outcome)).or_default()[1] += calls;
        }
    }
    let wrong: Vec<_> = sums.iter().filter(|(_, [minutes, counted])| minutes != counted).collect();
    assert!(wrong.is_empty(), "by minute, and counted: {wrong:?}");
}

/// The store is whole, and a daemon on it shows no less than was shown before, and in the end the truth.
fn check(scene: &Scene, shown: &BTreeMap<Labels, f64>) {
    let mut child = scene.start(None);
    let address = child.announced_or_ended("listening").expect("the daemon starts again");
    let at_least = |metrics: &Metrics| {
        let now = shown_series(metrics);
        for (series, before) in shown {
            assert!(now.get(series) >= Some(before), "{series:?} fell from {before}");
        }
    };
    let metrics = scene.counted(&mut child, address, &mut { at_least }).unwrap();
    let truth = scene.truth();
    let counts = shown_series(&metrics);
    let wrong: Vec<_> = truth.iter().filter(|(series, count)| counts.get(series) != Some(count)).collect();
    assert!(counts.len() == truth.len() && wrong.is_empty(), "not the truth: {wrong:?}");
    let records = |result| metrics.sum("cdr_exporter_records_total", &[("result", result)]);
    let duplicates: u64 = scene.exports.iter().map(|export| export.truth().duplicates).sum();
    assert_eq!(records("duplicate"), duplicates as f64);
    assert_eq!(metrics.sum("cdr_exporter_read_records_total", &[]), scene.rows as f64);
    child.signal(Signal::TERM);
    assert_eq!(child.wait().code(), Some(0));
    let verified = run(["state", "verify", "--storage.path", scene.path("store").to_str().unwrap()]);
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
}

/// The calls in what `strace` wrote.
fn calls_in(trace: &str) -> Vec<Place> {
    let mut numbers = HashMap::new();
    let calls = trace.lines().filter_map(|line| {
        let (name, _) = line.split_once(' ')?.1.trim_start().split_once('(')?;
        let number: &mut usize = numbers.entry(name.to_owned()).or_default();
        *number += 1;
        Some(Place { call: name.to_owned(), number: *number })
    });
    calls.collect()
}

/// So many of the calls, with the same distance between them.
fn some(calls: Vec<Place>) -> Vec<Place> {
    let every = calls.len().div_ceil(SOME);
    calls.into_iter().skip(fastrand::usize(..every)).step_by(every).collect()
}

#[test]
fn killed_at_a_system_call_on_its_store_the_daemon_counts_everything_once() {
    let (_, all) = play(None);
    assert!(all.len() > 100, "strace saw what the daemon does with its store: {all:?}");
    let seen = all.len();
    let places = match env::var("CRASHES").as_deref() {
        Ok("all") => all,
        Ok(place) => {
            let (call, number) = place.split_once(':').expect("CRASHES=CALL:NUMBER");
            vec![Place { call: call.to_owned(), number: number.parse().unwrap() }]
        }
        Err(_) => some(all),
    };
    let waiting = Mutex::new(places.iter());
    let killed = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(place) = { waiting.lock().unwrap().next() } {
                    let played = std::panic::catch_unwind(|| play(Some(place)));
                    let (was_killed, _) = played.unwrap_or_else(|_| panic!("killed at {place:?}"));
                    *killed.lock().unwrap() += usize::from(was_killed);
                }
            });
        }
    });
    let killed = killed.into_inner().unwrap();
    println!("{seen} calls, {} of them to be killed at, {killed} reached", places.len());
    // The calls of two runs differ a little: how much is committed at once is a matter of time.
    assert!(killed * 10 >= places.len() * 7, "killed only {killed} times of {}", places.len());
}
