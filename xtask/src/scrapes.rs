//! `cargo xtask scrapes`: how long scrapes take while files are read at full speed, by how much they slow that down, and
//! whether `/-/healthy` waits behind them. Against a real daemon on loopback, which shares the processors with this.

use std::fs;
use std::io::{self, BufRead, BufReader, Error, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::siege::proc;
use crate::siege::target::Target;

/// Trunks that make some 10,000 and 100,000 series.
const TRUNKS: [u32; 2] = [88, 900];
/// Between two scrapes: 50 a second.
const EVERY: Duration = Duration::from_millis(20);
const CLIENTS: usize = 40;
/// How often the large file is read without and with scrapes.
const ROUNDS: usize = 5;
const LARGE_BYTES: u64 = 4 << 30;
const HEALTH_FOR: Duration = Duration::from_secs(20);
/// As Prometheus asks.
const PROMETHEUS: &str = "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n\
    Accept-Encoding: gzip\r\n";

/// Takes all figures and prints them.
///
/// # Errors
/// When they cannot be taken.
pub fn play(program: &Path) -> io::Result<()> {
    let folder = TempDir::new()?;
    let large = folder.path().join("large.ndjson");
    write_large(&large)?;
    let (mut without, mut with, mut took, mut series) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        without.push(reading(program, &large, TRUNKS[0], None)?.0);
        let (seconds, lines) = reading(program, &large, TRUNKS[0], Some(&mut took))?;
        (with, series) = ([with, vec![seconds]].concat(), lines);
    }
    let [alone, beside] = [&mut without, &mut with].map(|seconds| {
        seconds.sort_by(f64::total_cmp);
        seconds[ROUNDS / 2]
    });
    let size = LARGE_BYTES >> 20;
    println!("{series} series, 50 scrapes a second, {size} MiB read meanwhile: {}", Quantiles(&mut took));
    println!(
        "read without scrapes {without:.2?} s, with {with:.2?} s: {:+.1} %",
        (beside / alone - 1.0) * 100.0
    );
    for coding in [PROMETHEUS, ""] {
        health(program, coding)?;
    }
    Ok(())
}

fn row(trunk: u32, number: u64, end: &str) -> String {
    let codes = if number.is_multiple_of(8) { (false, 410, 531_004) } else { (true, 0, 560_000) };
    let (succeeded, sip, microsoft) = codes;
    format!(
        "{{\"id\":\"d1000000-05ec-4a1b-8c2d-{number:012x}\",\"correlationId\":\"c1000000-05ec-4a1b-8c2d-{number:012x}\",\
         \"callType\":\"ByotOut\",\"successfulCall\":{succeeded},\"finalSipCode\":{sip},\"callEndSubReason\":{microsoft},\
         \"inviteDateTime\":\"{end}\",\"endDateTime\":\"{end}\",\"duration\":{},\
         \"trunkFullyQualifiedDomainName\":\"sbc{trunk}.contoso.com\"}}\n",
        number % 4000
    )
}

/// Rows of eight trunks, over and over.
fn write_large(path: &Path) -> io::Result<()> {
    let block: String =
        (0..40_000).map(|number| row(number as u32 % 8, number, "2026-11-01T00:00:00Z")).collect();
    let mut file = fs::File::create(path)?;
    for _ in 0..LARGE_BYTES / block.len() as u64 {
        file.write_all(block.as_bytes())?;
    }
    Ok(())
}

fn start(program: &Path, folder: &Path, trunks: u32) -> io::Result<Target> {
    fs::create_dir_all(folder.join("calls"))?;
    let rows = (0..trunks).map(|trunk| row(trunk, u64::from(trunk) + 1, "2026-11-01T00:00:00Z"));
    fs::write(folder.join("calls/first.ndjson"), rows.collect::<String>())?;
    Target::start(program, folder, &["calls"], "limits: {trunks_per_source: 2000}\n")
}

/// How many seconds it takes to read the large file, and how many series there are; each scrape's time goes to `took`.
fn reading(
    program: &Path,
    large: &Path,
    trunks: u32,
    took: Option<&mut Vec<Duration>>,
) -> io::Result<(f64, usize)> {
    // On one file system with the large file, which is linked.
    let folder = TempDir::new_in(large.parent().unwrap_or(Path::new(".")))?;
    let target = start(program, folder.path(), trunks)?;
    let series = Client::connect(target.port)?.get("/metrics", "")?;
    let series = series.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"c")).count();
    let over = AtomicBool::new(false);
    let read_before = read_bytes(&target)?;
    let size = fs::metadata(large)?.len();
    let seconds = thread::scope(|scope| {
        let scraping = took.map(|took| scope.spawn(|| scrape(&target, &over, took)));
        fs::hard_link(large, folder.path().join("calls/large.ndjson"))?;
        let wait_for = |bytes: u64| {
            while read_bytes(&target)? < read_before + bytes {
                sleep(Duration::from_millis(2));
            }
            Ok::<_, Error>(Instant::now())
        };
        // From the first bytes on, not from when it is noticed.
        let began = wait_for(size / 64);
        let ended = began.and_then(|began| Ok((wait_for(size)? - began).as_secs_f64()));
        over.store(true, Ordering::Relaxed);
        scraping.map_or(Ok(()), |thread| thread.join().map_err(|_| Error::other("a scrape panicked"))?)?;
        ended
    })?;
    Ok((seconds, series))
}

/// Bytes that the daemon has had from the system.
fn read_bytes(target: &Target) -> io::Result<u64> {
    let io = proc(target.id(), "io")?;
    let read = io.lines().find_map(|line| line.strip_prefix("rchar: ")?.parse().ok());
    read.ok_or_else(|| Error::other("no rchar"))
}

/// Scrapes at a fixed rate: one that comes late because of the one before has waited as well.
fn scrape(target: &Target, over: &AtomicBool, took: &mut Vec<Duration>) -> io::Result<()> {
    let mut client = Client::connect(target.port)?;
    let mut due = Instant::now();
    while !over.load(Ordering::Relaxed) {
        let early = due.saturating_duration_since(Instant::now());
        sleep(early);
        // That the kernel wakes this late is not the daemon's time.
        let began = if early.is_zero() { due } else { Instant::now() };
        client.get("/metrics", PROMETHEUS)?;
        took.push(began.elapsed());
        due += EVERY;
    }
    Ok(())
}

/// How long `/-/healthy` takes while 40 clients scrape 100,000 series as fast as they can.
fn health(program: &Path, coding: &str) -> io::Result<()> {
    let folder = TempDir::new()?;
    let target = start(program, folder.path(), TRUNKS[1])?;
    let text = Client::connect(target.port)?.get("/metrics", "")?;
    let series = text.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"c")).count();
    let over = AtomicBool::new(false);
    let (mut scrapes, mut took, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    thread::scope(|scope| -> io::Result<()> {
        let echo = echo(scope)?;
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| -> io::Result<Vec<Duration>> {
                    let (mut client, mut took) = (Client::connect(target.port)?, Vec::new());
                    while !over.load(Ordering::Relaxed) {
                        let began = Instant::now();
                        client.get("/metrics", coding)?;
                        took.push(began.elapsed());
                    }
                    Ok(took)
                })
            })
            .collect();
        let live = scope.spawn(|| append(folder.path(), &over));
        let (mut client, began) = (Client::connect(target.port)?, Instant::now());
        while began.elapsed() < HEALTH_FOR {
            let asked = Instant::now();
            client.get("/-/healthy", "")?;
            took.push(asked.elapsed());
            sleep(Duration::from_millis(5));
            let asked = Instant::now();
            (&echo).write_all(b"?")?;
            (&echo).read_exact(&mut [0])?;
            bare.push(asked.elapsed());
            sleep(Duration::from_millis(5));
        }
        echo.shutdown(Shutdown::Both)?;
        over.store(true, Ordering::Relaxed);
        let panicked = |_| Error::other("a client panicked");
        live.join().map_err(panicked)??;
        for client in clients {
            scrapes.extend(client.join().map_err(panicked)??);
        }
        Ok(())
    })?;
    let resident = proc(target.id(), "status")?;
    let resident = resident.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default().trim();
    let how = if coding.is_empty() { "text, not compressed" } else { "OpenMetrics, gzip" };
    println!(
        "{series} series, {CLIENTS} clients without a pause, {how}: scrapes {}",
        Quantiles(&mut scrapes)
    );
    println!("/-/healthy meanwhile: {}; resident {resident} at most", Quantiles(&mut took));
    println!("a byte echoed by a thread that does nothing else: {}", Quantiles(&mut bare));
    Ok(())
}

/// What no server can do better than: a thread that sends each byte back, under the same load.
fn echo<'s>(scope: &'s thread::Scope<'s, '_>) -> io::Result<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    scope.spawn(move || io::copy(&mut &server, &mut &server));
    Ok(client)
}

/// A call every 50 ms, so that there is always something new to write.
fn append(folder: &Path, over: &AtomicBool) -> io::Result<()> {
    let mut file = fs::File::create(folder.join("calls/live.ndjson"))?;
    for number in 1_000_000.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        file.write_all(row(number as u32 % 72, number, "2026-11-01T00:00:00Z").as_bytes())?;
        sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// A connection that stays open, as a scraper's does.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self(BufReader::with_capacity(256 * 1024, stream)))
    }

    /// The body.
    fn get(&mut self, path: &str, headers: &str) -> io::Result<Vec<u8>> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        self.0.get_mut().write_all(request.as_bytes())?;
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let begin = head.len();
            if self.0.read_line(&mut head)? == 0 {
                return Err(Error::other("the connection ended"));
            }
            if let Some(value) = head[begin..].to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(Error::other)?;
            }
        }
        if !head.starts_with("HTTP/1.1 200") {
            return Err(Error::other(head.lines().next().unwrap_or_default().to_owned()));
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok(body)
    }
}

struct Quantiles<'t>(&'t mut Vec<Duration>);

impl std::fmt::Display for Quantiles<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort();
        let at = |part: usize| {
            let place = (sorted.len() * part / 1000).min(sorted.len().saturating_sub(1));
            sorted.get(place).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
        };
        write!(
            f,
            "{}, p50 {:.2} ms, p99 {:.2} ms, slowest {:.1} ms",
            sorted.len(),
            at(500),
            at(990),
            at(1000)
        )
    }
}
