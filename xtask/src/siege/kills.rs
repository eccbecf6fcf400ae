//! `cargo xtask siege --kills N`: the daemon is killed so many times at moments by chance while its file grows. What it has
//! shown never falls, and in the end every row counts once.

use std::fs::{self, OpenOptions};
use std::io::{self, Error, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::target::{free_port, get, sum};

/// The longest that the daemon lives before it is killed; it takes a few milliseconds to load a small store.
const LIVES_AT_MOST: u64 = 120_000;
/// A file is left behind once it has so many rows.
const FILE_ROWS: u64 = 400;
const DEADLINE: Duration = Duration::from_secs(60);

/// Numbers by chance, the same for the same seed (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Plays so many kills of this program.
///
/// # Errors
/// When a counter fell, or a row is missing or counted twice: with the seed, and the number of the kill.
pub fn play(program: &Path, kills: u64, seed: u64) -> io::Result<()> {
    let folder = TempDir::new()?;
    let calls = folder.path().join("calls");
    fs::create_dir(&calls)?;
    let (mut chance, mut rows, mut shown, mut looks) = (Chance(seed | 1), 0, 0, 0_u64);
    for kill in 0..kills {
        let port = free_port()?;
        append(&calls, &mut rows, chance.below(5))?;
        let mut child = start(program, folder.path(), port)?;
        let (began, lives) = (Instant::now(), Duration::from_micros(chance.below(LIVES_AT_MOST)));
        while began.elapsed() < lives {
            append(&calls, &mut rows, chance.below(3))?;
            sleep(Duration::from_millis(chance.below(20)).min(lives.saturating_sub(began.elapsed())));
            if kill % 4 == 0
                && let Ok(metrics) = get(port, "/metrics")
            {
                looks += 1;
                let counted = sum(&metrics, "cdr_calls_total", "");
                if counted < shown || counted > rows {
                    let what = format!("{shown} were shown before, {rows} are written");
                    return Err(Error::other(format!("seed {seed}, kill {kill}: shows {counted}; {what}")));
                }
                shown = counted;
            }
        }
        child.kill()?;
        child.wait()?;
        if (kill + 1) % 500 == 0 {
            counted(program, folder.path(), rows)
                .map_err(|error| Error::other(format!("seed {seed}, after {} kills: {error}", kill + 1)))?;
            println!(
                "{} kills, {rows} rows, {looks} scrapes: each row counted once, no counter fell",
                kill + 1
            );
        }
    }
    counted(program, folder.path(), rows)
        .map_err(|error| Error::other(format!("seed {seed}, after {kills} kills: {error}")))?;
    println!(
        "{kills} kills (seed {seed}), {rows} rows, {looks} scrapes: each row counted once, no counter fell"
    );
    Ok(())
}

fn append(calls: &Path, rows: &mut u64, count: u64) -> io::Result<()> {
    let name = format!("{}.ndjson", *rows / FILE_ROWS);
    let mut file = OpenOptions::new().create(true).append(true).open(calls.join(name))?;
    for _ in 0..count {
        let row = format!(
            "{{\"id\":\"kill-{rows}\",\"callType\":\"ByotOut\",\"successfulCall\":false,\"finalSipCode\":410,\
             \"callEndSubReason\":531004,\"endDateTime\":\"2026-11-01T00:00:00Z\"}}\n"
        );
        file.write_all(row.as_bytes())?;
        *rows += 1;
    }
    Ok(())
}

fn start(program: &Path, folder: &Path, port: u16) -> io::Result<Child> {
    let config = folder.join("config.yml");
    if !config.exists() {
        let calls = folder.join("calls");
        fs::write(
            &config,
            format!("sources: [{{name: t, paths: ['{}'], remember: 0s}}]\n", calls.display()),
        )?;
    }
    let mut command = Command::new(program);
    command.args(["serve", "--web.listen-address", &format!("127.0.0.1:{port}"), "--config.file"]);
    command.arg(config).arg("--storage.path").arg(folder.join("store"));
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// Starts it once more, and waits until every row is counted, and then whether one is counted twice.
fn counted(program: &Path, folder: &Path, rows: u64) -> io::Result<()> {
    let port = free_port()?;
    let mut child = start(program, folder, port)?;
    let (began, mut last) = (Instant::now(), 0);
    let outcome = loop {
        if get(port, "/-/ready").is_ok()
            && let Ok(metrics) = get(port, "/metrics")
        {
            last = sum(&metrics, "cdr_calls_total", "");
            if last == rows {
                break Ok(());
            }
        }
        if began.elapsed() > DEADLINE || last > rows {
            break Err(Error::other(format!("{last} of {rows} rows are counted")));
        }
        sleep(Duration::from_millis(10));
    };
    child.kill()?;
    child.wait()?;
    outcome
}
