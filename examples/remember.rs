//! Figures of remembered record ids: memory, size of the store, time of a commit, time of a load.
//!
//! `cargo run --release --example remember -- fill /tmp/store`, then `again`, then `forget`: each a process of its own,
//! as after a restart. `again` sees every id on the next day, and fails if one is taken for new; `forget` comes when
//! all are past remembering. `resident` is for itself: ids in memory only, and how many bytes each takes, measured again
//! at every hundredth more of them.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cdr_exporter::call::{Attempt, Call, Codes, Detail, Direction, RecordId, UnixMillis, Unread};
use cdr_exporter::classify::Catalogue;
use cdr_exporter::format::graph;
use cdr_exporter::ledger::store::{FILE, Store};
use cdr_exporter::ledger::{Ledger, Limits, SourceIndex, SourceOptions};
use cdr_exporter::reading::{Batch, Context, Found, HowRead, Records};
use clap::{Parser, ValueEnum};
use xxhash_rust::xxh3::xxh3_128;

#[derive(Debug, Parser)]
struct Arguments {
    phase: Phase,
    /// Folder of the store
    folder: PathBuf,
    #[arg(long, value_name = "NUMBER", default_value = "10000000")]
    ids: u64,
    /// How many ids a commit has: a second of catching up, or fewer
    #[arg(long, value_name = "NUMBER", default_value = "200000")]
    commit: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Phase {
    /// Sees each id for the first time
    Fill,
    /// Sees each id again, a day later
    Again,
    /// Sees none for nine days
    Forget,
    /// Sees each id for the first time, and stores none
    Resident,
}

const DAY: i64 = 24 * 60 * 60 * 1000;
/// 2026-11-01T00:00:00Z.
const START: i64 = 1_793_491_200_000;

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { phase, folder, ids, commit } = Arguments::parse();
    if phase == Phase::Resident {
        return resident(ids);
    }
    let now = UnixMillis(match phase {
        Phase::Fill | Phase::Resident => START,
        Phase::Again => START + DAY,
        Phase::Forget => START + 10 * DAY,
    });
    let begun = Instant::now();
    let store = Store::open(&folder)?;
    let mut ledger = Ledger::open(store, Limits::default(), Catalogue::built_in(), now)?;
    let source = source(&mut ledger, now);
    let mut out = io::stdout().lock();
    writeln!(out, "{phase:?}: {} ids loaded in {:.2?}; {}", ledger.remembered(), begun.elapsed(), memory()?)?;

    let figures = match phase {
        Phase::Fill | Phase::Again => see(&mut ledger, source, ids, commit, phase == Phase::Fill, now)?,
        Phase::Forget | Phase::Resident => vec![timed_commit(&mut ledger)?],
    };
    let tenth = figures.len().div_ceil(10);
    let [first, last] = [&figures[..tenth], &figures[figures.len() - tenth..]].map(median);
    let worst = figures.iter().max().copied().unwrap_or_default();
    writeln!(
        out,
        "commits: {}, first tenth {first:.1?}, last tenth {last:.1?}, slowest {worst:.1?}",
        figures.len()
    )?;
    writeln!(out, "{} ids in all; {}", ledger.remembered(), memory()?)?;
    drop(ledger);
    writeln!(out, "store: {} MiB", fs::metadata(folder.join(FILE))?.len() >> 20)?;
    Ok(())
}

fn source(ledger: &mut Ledger, now: UnixMillis) -> SourceIndex {
    let remember = Duration::from_hours(7 * 24);
    ledger.source(SourceOptions::named("teams", remember), now)
}

/// Bytes and time for each id, at some numbers of ids, and the most at any number.
fn resident(ids: u64) -> Result<(), Box<dyn Error>> {
    const SHOWN: [u64; 7] = [100_000, 200_000, 500_000, 1_000_000, 3_000_000, 7_000_000, 10_000_000];
    let mut ledger = Ledger::new(Limits::default(), Catalogue::built_in());
    let (source, now) = (source(&mut ledger, UnixMillis(START)), UnixMillis(START));
    let (before, begun, mut out) = (resident_bytes("RssAnon:")?, Instant::now(), io::stdout().lock());
    let (mut most, mut next) = ((0.0, 0), SHOWN[0]);
    let (context, mut batch) = (ledger.context(source, now, false), Batch::default());
    for number in 1..=ids {
        add(&mut batch, number, &context);
        if batch.records.calls < 100 && number != next && number != ids && !SHOWN.contains(&number) {
            continue;
        }
        ledger.apply(source, &std::mem::take(&mut batch));
        if number != next && number != ids && !SHOWN.contains(&number) {
            continue;
        }
        let each = (resident_bytes("RssAnon:")? - before) as f64 / number as f64;
        if number >= SHOWN[0] && each > most.0 {
            most = (each, number);
        }
        next = next.max(number + number / 100);
        if SHOWN.contains(&number) {
            let nanoseconds = begun.elapsed().as_nanos() / u128::from(number);
            writeln!(out, "{number} ids: {each:.1} bytes resident each, {nanoseconds} ns each")?;
        }
    }
    writeln!(out, "most: {:.1} bytes, at {} ids", most.0, most.1)?;
    Ok(())
}

/// Sees ids in commits; returns how long each commit took.
fn see(
    ledger: &mut Ledger,
    source: SourceIndex,
    ids: u64,
    commit: u64,
    new: bool,
    now: UnixMillis,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let (mut figures, mut slowest) = (Vec::new(), Duration::ZERO);
    let context = ledger.context(source, now, false);
    let mut batch = Batch::default();
    for number in 0..ids {
        add(&mut batch, number, &context);
        let is_last = (number + 1) % commit == 0 || number + 1 == ids;
        // As many as a turn reads.
        if is_last || batch.records.calls == 2000 {
            let batch = std::mem::take(&mut batch);
            let begun = Instant::now();
            let applied = ledger.apply(source, &batch);
            slowest = slowest.max(begun.elapsed());
            if applied.counted != if new { batch.records.calls } else { 0 } {
                return Err(format!("up to id {number}: {} are new", applied.counted).into());
            }
        }
        if is_last {
            figures.push(timed_commit(ledger)?);
        }
    }
    writeln!(io::stdout(), "slowest batch: {slowest:.1?}")?;
    Ok(figures)
}

/// Adds the call of this number to a batch.
fn add(batch: &mut Batch, number: u64, context: &Context) {
    let call = call(RecordId(xxh3_128(&number.to_le_bytes())));
    let found = Found::Calls { calls: &[call], positions: &[] };
    let how = HowRead { format: &graph::FORMAT, live_within: Duration::ZERO, ignored_are: None };
    batch.add(&found, how, &Records::default(), context);
}

/// A call with this id.
fn call(record_id: RecordId) -> Call<'static> {
    Call {
        record_id,
        trunk: "sbc1.contoso.com".into(),
        direction: Direction::Inbound,
        succeeded: Some(true),
        codes: Codes::default(),
        ended_at: None,
        duration_seconds: None,
        attempt: Attempt::Only,
        unread: Unread::default(),
        detail: Detail::default(),
    }
}

fn timed_commit(ledger: &mut Ledger) -> Result<Duration, Box<dyn Error>> {
    let begun = Instant::now();
    ledger.commit(true)?;
    Ok(begun.elapsed())
}

fn median(figures: &[Duration]) -> Duration {
    let mut sorted = figures.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}

/// Resident memory now and at its peak.
fn memory() -> io::Result<String> {
    let mib = |name| Ok::<u64, io::Error>(resident_bytes(name)? >> 20);
    Ok(format!("{} MiB resident, {} MiB at the peak", mib("VmRSS:")?, mib("VmHWM:")?))
}

/// A figure of this process's memory by its name in the kernel.
fn resident_bytes(name: &str) -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    Ok(kib.unwrap_or_default() << 10)
}
