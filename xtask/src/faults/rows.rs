//! The faults, one function each: what is done to the files, and what came of it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::process::Signal;

use super::stage::Stage;

/// A row of the table.
pub struct Fault {
    pub id: &'static str,
    pub what: &'static str,
    /// The files that are watched.
    pub glob: &'static str,
    /// Plays it. Returns what is true and what the tool shows.
    pub play: fn(&mut Stage<'_>) -> io::Result<(String, String)>,
}

const fn fault(
    id: &'static str,
    what: &'static str,
    glob: &'static str,
    play: fn(&mut Stage<'_>) -> io::Result<(String, String)>,
) -> Fault {
    Fault { id, what, glob, play }
}

/// Every row, in the order of the table.
pub const FAULTS: [Fault; 18] = [
    fault("A", "a complete new file is renamed into the watched glob", "*.json", |stage| {
        stage.append("b.tmp", 100)?;
        stage.rename("b.tmp", "b.json")?;
        settles(stage, 100)
    }),
    fault("A3", "a new file grows at 50 lines/s", "*.json", |stage| {
        for _ in 0..100 {
            stage.append("b.json", 1)?;
            sleep(Duration::from_millis(20));
        }
        settles(stage, 100)
    }),
    fault("B", "rename and create; the writer appends to the old descriptor for 2 s", "*.json", |stage| {
        rename_and_create(stage)?;
        settles(stage, 105)
    }),
    fault("B2", "rename, 1 s gap, then create", "*.json", |stage| {
        stage.append("a.json", 50)?;
        stage.seen(50);
        stage.rename("a.json", "a.1")?;
        sleep(Duration::from_secs(1));
        stage.append("a.json", 50)?;
        settles(stage, 100)
    }),
    fault("B3", "as B, 50 more lines to the old descriptor after 8 s", "*.json", |stage| {
        let mut old = rename_and_create(stage)?;
        sleep(Duration::from_secs(8));
        old.write_all(&stage.rows(50))?;
        settles(stage, 155)
    }),
    fault("C", "copytruncate, regrown past the old offset at once", "*.json", |stage| {
        stage.append("a.json", 50)?;
        stage.seen(50);
        fs::copy(stage.path("a.json"), stage.path("a.1"))?;
        let more = stage.rows(80);
        fs::write(stage.path("a.json"), more)?;
        settles(stage, 130)
    }),
    fault("D", "`kill -9` after 50 lines, 30 written while down, 20 after the restart", "*.json", |stage| {
        stage.append("a.json", 50)?;
        stage.seen(50);
        stage.kill()?;
        stage.append("a.json", 30)?;
        stage.start()?;
        stage.seen(30);
        stage.append("a.json", 20)?;
        settles(stage, 100)
    }),
    fault("D2", "as D without the 20, configured to read from the start", "*.json", |stage| {
        if stage.is_mtail() {
            return Ok((80.to_string(), "cannot be".to_owned()));
        }
        stage.append("a.json", 50)?;
        stage.seen(50);
        stage.kill()?;
        stage.append("a.json", 30)?;
        stage.start()?;
        settles(stage, 80)
    }),
    fault(
        "D3",
        "50 scraped, 40 read and not scraped, `kill -9`, 10 more: what Prometheus knows",
        "*.json",
        |stage| {
            stage.append("a.json", 50)?;
            stage.seen(50);
            let scraped = stage.count()?;
            stage.append("a.json", 40)?;
            sleep(Duration::from_secs(2));
            stage.kill()?;
            stage.start()?;
            stage.append("a.json", 10)?;
            let now = stage.settled()?;
            // As `increase()` reckons: a counter that fell began anew at 0.
            let known = if now < scraped { scraped + now } else { now };
            Ok((100.to_string(), known.to_string()))
        },
    ),
    fault("E", "the last line has no newline when the file is rotated", "*.json", |stage| {
        let rows = stage.rows(11);
        fs::write(stage.path("a.json"), &rows[..rows.len() - 1])?;
        stage.seen(11);
        stage.rename("a.json", "a.1")?;
        settles(stage, 11)
    }),
    fault("G", "UTF-16LE with byte-order mark (a Windows PowerShell redirect)", "*.json", |stage| {
        let text = stage.rows(10);
        let units = text.iter().flat_map(|byte| [*byte, 0]);
        let bytes: Vec<u8> = [0xff, 0xfe].into_iter().chain(units).collect();
        fs::write(stage.path("a.json"), bytes)?;
        settles(stage, 10)
    }),
    fault("H", "`.gz`", "*.json*", |stage| {
        let text = stage.rows(10);
        fs::write(stage.path("a.json.gz"), gzip(&text)?)?;
        settles(stage, 10)
    }),
    fault("I", "the directory is moved away and created again", "*.json", |stage| {
        fs::rename(stage.path(""), stage.folder().join("old"))?;
        fs::create_dir(stage.path(""))?;
        stage.append("a.json", 10)?;
        // Ours hears of it at once; others have until the next look.
        sleep(Duration::from_secs(5));
        settles(stage, 10)
    }),
    fault("J", "inotify queue overflow, then 10 lines", "*.json", |stage| {
        let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events")?;
        stage.signal(Signal::STOP)?;
        for _ in 0..limit.trim().parse::<u32>().map_err(io::Error::other)? / 2 {
            fs::write(stage.path("x"), "")?;
            fs::remove_file(stage.path("x"))?;
        }
        stage.append("a.json", 10)?;
        stage.signal(Signal::CONT)?;
        settles(stage, 10)
    }),
    fault("K", "one 40 kB line between normal ones", "*.json", |stage| {
        let mut file = stage.append("a.json", 5)?;
        writeln!(file, "{{\"id\":\"{}\"}}", "x".repeat(40_000))?;
        stage.append("a.json", 5)?;
        settles(stage, 10)
    }),
    fault(
        "L",
        "50 lines, then the rotated `.gz` copy appears beside and the original goes",
        "*.json*",
        |stage| {
            stage.append("a.json", 50)?;
            stage.seen(50);
            let text = fs::read(stage.path("a.json"))?;
            fs::write(stage.path("a.json.1.gz"), gzip(&text)?)?;
            fs::remove_file(stage.path("a.json"))?;
            settles(stage, 50)
        },
    ),
    fault("M", "a line that does not parse, between 10 that do", "*.json", |stage| {
        let mut file = stage.append("a.json", 5)?;
        file.write_all(b"{\"id\":\"5\",\"finalSipCode\":\n")?;
        stage.append("a.json", 5)?;
        let count = stage.settled()?;
        let seen = if stage.shows_a_fault()? { "visible" } else { "invisible" };
        Ok(("10, visible".to_owned(), format!("{count}, {seen}")))
    }),
    fault("N", "burst of 20,000 lines, `/metrics` asked at once, then all counted", "*.json", |stage| {
        stage.append("a.json", 20_000)?;
        let asked = Instant::now();
        stage.metrics()?;
        let answers = if asked.elapsed() < Duration::from_secs(1) { "answers" } else { "silent" };
        Ok(("answers, 20000".to_owned(), format!("{answers}, {}", stage.settled()?)))
    }),
];

fn settles(stage: &Stage<'_>, truth: u64) -> io::Result<(String, String)> {
    Ok((truth.to_string(), stage.settled()?.to_string()))
}

/// Row B; returns the writer's old descriptor.
fn rename_and_create(stage: &mut Stage<'_>) -> io::Result<File> {
    let mut old = stage.append("a.json", 50)?;
    stage.seen(50);
    stage.rename("a.json", "a.1")?;
    stage.append("a.json", 50)?;
    for _ in 0..5 {
        sleep(Duration::from_millis(400));
        old.write_all(&stage.rows(1))?;
    }
    Ok(old)
}

fn gzip(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text)?;
    encoder.finish()
}
