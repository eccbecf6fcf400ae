//! The daemon at work: catching up, at rest, and how soon a call shows.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cdr_exporter::call::UnixMillis;
use cdr_exporter::cli::demo::traffic::Traffic;

use super::inputs::{self, Counts, Input};
use super::table::{Bench, Outcome, Row, Target, median};

/// A daemon with a store of its own; killed when dropped.
struct Daemon {
    child: Child,
    address: String,
    log: BufReader<std::process::ChildStderr>,
    _store: tempfile::TempDir,
}

impl Daemon {
    /// A daemon that watches these paths; it listens by now.
    fn start(bench: &Bench<'_>, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Outcome<Self> {
        fs::create_dir_all("target/bench")?;
        let store = tempfile::Builder::new().prefix("store").tempdir_in("target/bench")?;
        let mut command = bench.on_core(std::path::absolute(bench.program)?);
        command.args(["serve", "--web.listen-address=127.0.0.1:0", "--storage.path"]).arg(store.path());
        paths.into_iter().for_each(|path| _ = command.arg(path.as_ref()));
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let log = BufReader::new(child.stderr.take().ok_or("no log")?);
        let mut daemon = Self { child, address: String::new(), log, _store: store };
        let line = daemon.line_with("address=")?;
        let address = line.split_once("address=").map(|(_, rest)| rest.split_whitespace().next());
        daemon.address = address.flatten().unwrap_or_default().trim_matches('"').to_owned();
        Ok(daemon)
    }

    /// Reads the log up to a line with this text.
    fn line_with(&mut self, text: &str) -> Outcome<String> {
        loop {
            let mut line = String::new();
            if self.log.read_line(&mut line)? == 0 {
                return Err(format!("the daemon ended before it said {text:?}").into());
            }
            if line.contains(text) {
                return Ok(line);
            }
        }
    }

    /// Waits until the files present at the start are read.
    fn ready(&mut self) -> Outcome<()> {
        self.line_with("ready: ").map(drop)
    }

    /// Seconds of processor time so far, and resident bytes at most.
    fn spent(&self) -> Outcome<(f64, u64)> {
        let process = Path::new("/proc").join(self.child.id().to_string());
        let stat = fs::read_to_string(process.join("stat"))?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        let status = fs::read_to_string(process.join("status"))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse()?;
        Ok((ticks as f64 / 100.0, kilobytes * 1024))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn scrape(address: &str) -> Outcome<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

/// The daemon, committing and scraped each second, against `inspect` on the same files.
pub fn catch_up(bench: &Bench<'_>, files: &[Input]) -> Outcome<()> {
    let mut truth = Counts::new();
    for (key, count) in files.iter().flat_map(|file| &file.truth) {
        *truth.entry(key.clone()).or_default() += count;
    }
    let (mut ours, mut theirs, mut peak) = (Vec::new(), Vec::new(), 0);
    for _ in 0..bench.runs {
        let mut inspect = bench.on_core(bench.program);
        inspect.args(["inspect", "--output=prometheus"]).args(files.iter().map(|file| &file.path));
        theirs.push(super::table::timed(&mut inspect)?);
        let begin = Instant::now();
        let mut daemon = Daemon::start(bench, files.iter().map(|file| &file.path))?;
        let address = daemon.address.clone();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let scraping = thread::spawn(move || {
            while stopped
                .recv_timeout(Duration::from_secs(1))
                .is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                let _ = scrape(&address);
            }
        });
        daemon.ready()?;
        ours.push(begin.elapsed());
        drop(stop);
        let _ = scraping.join();
        peak = peak.max(daemon.spent()?.1);
        if inputs::counted(&scrape(&daemon.address)?) != truth {
            return Err("what the daemon counted is not what is true".into());
        }
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let gigabytes = files.iter().map(|file| file.bytes).sum::<u64>() as f64 / 1e9;
    let work = format!("{gigabytes:.1} GB of Graph rows in `serve`, to `inspect`");
    Row { work: &work, ours, theirs, target: Target::Within(1.3) }.print();
    println!(
        "\nserve: {} MiB resident at most, with the ids of {} rows",
        peak >> 20,
        files.iter().map(|file| file.rows).sum::<u64>()
    );
    Ok(())
}

/// From the append of a call to its showing on `/metrics`, at 1,000 calls a second.
pub fn latency(bench: &Bench<'_>, folder: &Path) -> Outcome<()> {
    const CALLS: u64 = 10_000;
    let path = std::path::absolute(folder.join("live.json"))?;
    let mut traffic = Traffic::new(9, now());
    let mut file = File::create(&path)?;
    // A trunk that has its series: the first call of one makes them.
    let mut text = String::new();
    for _ in 0..100 {
        let call = traffic.varied_call(now());
        traffic.graph_row(&call, &mut text);
    }
    file.write_all(text.as_bytes())?;
    let mut daemon = Daemon::start(bench, [&path])?;
    daemon.ready()?;
    let begin = Instant::now();
    let writer = thread::spawn(move || -> std::io::Result<Vec<Instant>> {
        let mut file = OpenOptions::new().append(true).open(path)?;
        let mut written = Vec::new();
        for number in 0..CALLS {
            let due = begin + Duration::from_millis(number);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let mut row = String::new();
            let call = traffic.varied_call(now());
            traffic.graph_row(&call, &mut row);
            written.push(Instant::now());
            file.write_all(row.as_bytes())?;
        }
        Ok(written)
    });
    // Shown by then: how many calls, when.
    let mut shown = Vec::new();
    while shown.last().is_none_or(|(count, _)| *count < 100 + CALLS) {
        let page = scrape(&daemon.address)?;
        let counts = inputs::counted(&page);
        let calls: u64 =
            counts.iter().filter(|(key, _)| key.starts_with("call ")).map(|(_, count)| count).sum();
        shown.push((calls, Instant::now()));
        thread::sleep(Duration::from_millis(10));
        if begin.elapsed() > Duration::from_secs(60) {
            return Err("not every call shows".into());
        }
    }
    let written = writer.join().map_err(|_| "the writer failed")??;
    let mut late: Vec<Duration> = (101..)
        .zip(&written)
        .map(|(number, at)| {
            let (_, seen) = shown[shown.partition_point(|(count, _)| *count < number)];
            seen.saturating_duration_since(*at)
        })
        .collect();
    late.sort_unstable();
    let of = |part: usize| late[late.len() * part / 100].as_millis();
    println!(
        "append to /metrics at 1,000 calls a second: p50 {} ms (< 100), p99 {} ms (< 300)",
        of(50),
        of(99)
    );
    Ok(())
}

fn now() -> UnixMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// So many files of one row each.
fn small(folder: &Path, files: u64) -> Outcome<tempfile::TempDir> {
    let spool = tempfile::Builder::new().prefix("spool").tempdir_in(folder)?;
    let mut traffic = Traffic::new(10, UnixMillis(1_793_491_200_000));
    for number in 0..files {
        let mut row = String::new();
        let call = traffic.varied_call(UnixMillis(1_793_491_200_000));
        traffic.graph_row(&call, &mut row);
        fs::write(spool.path().join(format!("{number}.json")), row)?;
    }
    Ok(spool)
}

/// What 1,000 files cost that nobody writes.
pub fn rest(bench: &Bench<'_>, folder: &Path) -> Outcome<()> {
    const SECONDS: u64 = 20;
    let spool = small(folder, 1000)?;
    let mut daemon = Daemon::start(bench, [spool.path()])?;
    daemon.ready()?;
    thread::sleep(Duration::from_secs(2));
    let before = daemon.spent()?.0;
    thread::sleep(Duration::from_secs(SECONDS));
    let (after, peak) = daemon.spent()?;
    let part = (after - before) / SECONDS as f64 * 100.0;
    println!("1,000 files at rest: {part:.2} % of a core (< 1), {} MiB resident at most (< 64)", peak >> 20);
    Ok(())
}

/// The time for many files of one row each, which must be linear in their number.
pub fn small_files(bench: &Bench<'_>, folder: &Path) -> Outcome<()> {
    for files in [10_000, 100_000] {
        let spool = small(folder, files)?;
        let begin = Instant::now();
        let mut daemon = Daemon::start(bench, [spool.path()])?;
        daemon.ready()?;
        let took = begin.elapsed();
        let each = took.as_micros() as f64 / files as f64;
        let peak = daemon.spent()?.1 >> 20;
        println!(
            "{files} files of one row: {:.1} s, {each:.0} us a file, {peak} MiB resident at most",
            took.as_secs_f64()
        );
    }
    Ok(())
}
