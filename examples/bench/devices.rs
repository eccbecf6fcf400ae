//! Records of devices, and of others by a mapping, beside mtail with one regular expression.
//!
//! `benches/devices` has, for each format, a few calls as its device writes them, which come over and over again with other
//! ids and times; how they are read; and the script for mtail.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::{SignedDuration, Timestamp};

use super::table::{Bench, Outcome, Row, Target, timed};
use super::{inputs, mtail};

const DATA: &str = "benches/devices";

/// Each format as the exporter names it, how its records write a time, and how many times as fast as mtail it is to be.
const DEVICES: [(&str, &str, f64); 7] = [
    ("asterisk", "%Y-%m-%d %H:%M:%S", 8.0),
    ("audiocodes", "%H:%M:%S.000  UTC %a %b %d %Y", 8.0),
    ("kamailio", "%s", 8.0),
    ("ribbon", "%H:%M:%S.0", 8.0),
    ("csv", "%m/%d/%Y %H:%M:%S", 8.0),
    ("json", "%Y-%m-%dT%H:%M:%SZ", 8.0),
    ("regex", "%Y-%m-%d %H:%M:%S", 3.0),
];

/// When the first call begins; each next one begins 50 ms later.
const BEGIN: Timestamp = Timestamp::constant(1_793_491_200, 0);
const LASTS: SignedDuration = SignedDuration::from_secs(20);
const BLOCK: usize = 1024 * 1024;

/// `inspect` of a file of about so many bytes, in each format.
pub fn compare(bench: &Bench<'_>, folder: &Path, bytes: usize) -> Outcome<()> {
    for (format, time, target) in DEVICES {
        let made_up = MadeUp::write(folder, format, time, bytes)?;
        made_up.check(bench)?;
        let script = format!("{DATA}/{format}.mtail");
        let [theirs, ours] = bench.in_turn(|| {
            Ok([mtail::time(bench, &made_up.path, &script)?, timed(&mut made_up.inspect(bench))?])
        })?;
        let speed = made_up.path.metadata()?.len() as f64 / 1e6 / ours.as_secs_f64();
        let work = format!("{format}, {speed:.0} MB/s, times as fast as mtail");
        Row { work: &work, ours, theirs, target: Target::Faster(target) }.print();
    }
    Ok(())
}

/// A file of made-up calls.
struct MadeUp {
    path: PathBuf,
    config: PathBuf,
    /// How many calls ended in which way.
    truth: BTreeMap<String, u64>,
}

impl MadeUp {
    fn write(folder: &Path, format: &str, time: &str, bytes: usize) -> io::Result<Self> {
        let calls = fs::read_to_string(format!("{DATA}/{format}.calls"))?;
        let mut calls = calls.split("= ").filter_map(|call| call.split_once('\n')).peekable();
        let header = calls.next_if(|(what, _)| *what == "header").map_or("", |(_, lines)| lines);
        let calls: Vec<_> = calls.collect();
        let path = folder.join(format!("{format}.records"));
        let (mut file, mut text) = (File::create(&path)?, header.to_owned());
        let (mut missing, mut truth) = (bytes, BTreeMap::new());
        for (number, (outcome, lines)) in (0..).zip(calls.iter().cycle()) {
            let begin = BEGIN + SignedDuration::from_millis(50 * number);
            let at = |time: &str, at: Timestamp| at.strftime(time).to_string();
            let differing = [
                ("{id}", format!("{number:08x}")),
                ("{day}", at("%m/%d/%Y", begin)),
                ("{begin}", at(time, begin)),
                ("{end}", at(time, begin + LASTS)),
            ];
            text += &differing
                .iter()
                .fold((*lines).to_owned(), |lines, (place, word)| lines.replace(place, word));
            *truth.entry((*outcome).to_owned()).or_default() += 1;
            if text.len() >= BLOCK.min(missing) {
                file.write_all(text.as_bytes())?;
                missing = missing.saturating_sub(text.len());
                text.clear();
            }
            if missing == 0 {
                break;
            }
        }
        let config = Path::new(DATA).join(format!("{format}.yml"));
        Ok(Self { path, config, truth })
    }

    fn inspect(&self, bench: &Bench<'_>) -> Command {
        let config = format!("--config.file={}", self.config.display());
        bench.inspect(1, &self.path, &["--source=bench", &config])
    }

    /// Stops everything unless `inspect` counts exactly what is true.
    fn check(&self, bench: &Bench<'_>) -> Outcome<()> {
        let output = self.inspect(bench).output()?;
        let mut counted = BTreeMap::new();
        for (key, count) in inputs::counted(std::str::from_utf8(&output.stdout)?) {
            if let Some((_, outcome)) = key.strip_prefix("call ").and_then(|call| call.rsplit_once(' ')) {
                *counted.entry(outcome.to_owned()).or_default() += count;
            }
        }
        if counted == self.truth {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{}: counted {counted:?}, true {:?}\n{said}", self.path.display(), self.truth).into())
    }
}
