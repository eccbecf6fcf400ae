//! `cargo xtask siege`: attacks side by side against a real daemon, while a writer appends and a scraper scrapes. Every
//! count must be exact, memory and descriptors flat, each scrape answered. mtail reads the same files beside it, where it is
//! installed. Loopback only, and bounded: in time, in files, in bytes.

mod attacks;
mod clients;
pub mod kills;
pub mod target;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Error};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use self::attacks::ATTACKS;
use self::clients::Scrapes;
use self::target::{Mtail, Target};

/// How long counts may take to arrive once the attacks are over.
const SETTLES_WITHIN: Duration = Duration::from_secs(120);

/// What an attack is given.
pub struct Ground<'g> {
    /// Its own folder, which is a source of its own.
    pub folder: &'g Path,
    pub over: &'g AtomicBool,
    pub target: &'g Target,
}

impl Ground<'_> {
    /// Waits for so long, or until the siege is over; whether it is.
    pub fn pause(&self, time: Duration) -> bool {
        let began = Instant::now();
        while began.elapsed() < time && !self.over.load(Ordering::Relaxed) {
            thread::sleep(time.min(Duration::from_millis(20)));
        }
        self.over.load(Ordering::Relaxed)
    }
}

/// Plays all attacks for so many seconds against this program, and prints what came of it as a table.
///
/// # Errors
/// When it cannot be played, or the program did not hold.
pub fn play(program: &Path, seconds: u64) -> io::Result<()> {
    let folder = TempDir::new()?;
    let target = Target::start(program, folder.path(), &ATTACKS.map(|attack| attack.name), "")?;
    let mtail = Mtail::start(folder.path(), &ATTACKS.map(|attack| attack.name))?;
    let over = AtomicBool::new(false);
    let (truth, scrapes, levels) = thread::scope(|scope| -> io::Result<_> {
        let attacks: Vec<_> = (ATTACKS.iter())
            .map(|attack| {
                let ground =
                    Ground { folder: &folder.path().join(attack.name), over: &over, target: &target };
                let (name, folder) = (attack.name, ground.folder.to_owned());
                let (over, target) = (&over, &target);
                (name, scope.spawn(move || (attack.play)(&Ground { folder: &folder, over, target })))
            })
            .collect();
        let clients = scope.spawn(|| clients::hang_on(&target, &over));
        let scraper = scope.spawn(|| Scrapes::take(&target, &over));
        let levels = scope.spawn(|| target.levels(&over));
        thread::sleep(Duration::from_secs(seconds));
        over.store(true, Ordering::Relaxed);
        let panicked = |_| Error::other("a part of the siege panicked");
        let mut truth = BTreeMap::new();
        for (name, attack) in attacks {
            truth.insert(name, attack.join().map_err(panicked)??);
        }
        clients.join().map_err(panicked)??;
        Ok((truth, scraper.join().map_err(panicked)??, levels.join().map_err(panicked)??))
    })?;
    let counted = target.settled(&truth, SETTLES_WITHIN)?;
    let beside = mtail.as_ref().map(|mtail| mtail.counts(&truth)).transpose()?;
    let ended = target.stop()?;
    print!("{}", table(&truth, &counted, mtail.as_ref().zip(beside.as_ref())));
    println!("\n{scrapes}\n{levels}\nSIGTERM ended it after {:.1} s.", ended.as_secs_f64());
    let wrong: Vec<_> = truth.iter().filter(|(name, rows)| counted.get(**name) != Some(rows)).collect();
    let faults = [
        (!wrong.is_empty()).then(|| format!("not the true number: {wrong:?}")),
        scrapes.fault(),
        levels.fault(),
        (ended > Duration::from_secs(5)).then(|| "SIGTERM took more than 5 s".to_owned()),
    ];
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::other(faults.join("; "))) }
}

type Counts = BTreeMap<&'static str, u64>;

fn table(truth: &Counts, counted: &BTreeMap<String, u64>, mtail: Option<(&Mtail, &Counts)>) -> String {
    let name = mtail.map_or("mtail (not installed)", |(mtail, _)| &mtail.name);
    let mut table = format!("| attack | true | cdr-exporter | {name} |\n|---|---|---|---|\n");
    for attack in ATTACKS {
        let ours = counted.get(attack.name).copied().unwrap_or_default();
        let beside = mtail.and_then(|(_, counts)| counts.get(attack.name)).map(u64::to_string);
        let beside = beside.unwrap_or_else(|| "-".to_owned());
        table += &format!("| {} | {} | {ours} | {beside} |\n", attack.what, truth[attack.name]);
    }
    table
}

/// Reads a file of `/proc`, which is gone once its process is.
pub fn proc(id: u32, name: &str) -> io::Result<String> {
    fs::read_to_string(format!("/proc/{id}/{name}"))
}
