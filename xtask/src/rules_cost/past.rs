//! The time before the measurement: older samples as blocks, those of the last two hours sent, so that they lie where
//! Prometheus has its newest.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufWriter, Error, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Plan;
use super::prometheus::{Prometheus, Rules};
use super::sample::{Sample, Series};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// Days in blocks.
const DAYS: u64 = 8;
/// Series in one message, and seconds.
const SERIES: usize = 2000;
const SECONDS: u64 = 600;
/// Of what no rule looks back at.
const SELDOM: u64 = HOUR;

pub struct Past {
    pub blocks: PathBuf,
    recorded: Vec<Series>,
    /// Seconds between two evaluations of a recorded name.
    intervals: BTreeMap<String, u64>,
}

/// Writes the blocks.
pub fn write(sample: &Sample, rules: &[Rules], plan: &Plan) -> io::Result<Past> {
    let mut intervals = BTreeMap::new();
    for rules in rules {
        intervals.extend(rules.recorded.clone());
    }
    let names: BTreeSet<String> = intervals.keys().cloned().collect();
    let past = Past { blocks: plan.folder.join("blocks"), recorded: sample.recorded(&names), intervals };
    if plan.folder.exists() {
        fs::remove_dir_all(plan.folder)?;
    }
    fs::create_dir_all(&past.blocks)?;
    let end = sample.now - plan.in_memory;
    for day in 0..DAYS {
        past.block(sample, end - (DAYS - day) * DAY, end - (DAYS - day - 1) * DAY, plan)?;
    }
    for weeks in 2..=plan.weeks {
        let middle = sample.now - weeks * 7 * DAY;
        past.block(sample, middle - 2 * HOUR, middle + 3 * HOUR, plan)?;
    }
    Ok(past)
}

impl Past {
    fn series<'s>(&'s self, sample: &'s Sample) -> impl Iterator<Item = &'s Series> {
        sample.scraped().chain(&self.recorded)
    }

    /// Seconds between two samples: those that rules look back at are as close as they are in truth.
    fn step(&self, series: &Series, is_recent: bool) -> u64 {
        let looked_at = ["increase", "sum", "known", "age_seconds"];
        match self.intervals.get(&series.name) {
            Some(interval) if is_recent || looked_at.iter().any(|end| series.name.contains(end)) => *interval,
            Some(_) => SELDOM,
            None if is_recent || series.name == "cdr_exporter_records_total" => 15,
            None => SELDOM,
        }
    }

    fn block(&self, sample: &Sample, from: u64, until: u64, plan: &Plan) -> io::Result<()> {
        let text = plan.folder.join("past.txt");
        let mut out = BufWriter::new(fs::File::create(&text)?);
        for series in self.series(sample) {
            let step = self.step(series, false);
            let step = if until + 2 * DAY < sample.now && step == 15 { SELDOM } else { step };
            let target = target(series);
            let comma = if series.labels.is_empty() { "" } else { "," };
            for at in (from..until).step_by(step as usize) {
                writeln!(
                    out,
                    "{}{{{target}{comma}{}}} {} {at}",
                    series.name,
                    series.labels,
                    (series.value)(at)
                )?;
            }
        }
        writeln!(out, "# EOF")?;
        out.flush()?;
        let made = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=1440h"])
            .args([&text, &self.blocks])
            .stdout(Stdio::null())
            .status()?;
        fs::remove_file(&text)?;
        if made.success() { Ok(()) } else { Err(Error::other("promtool makes no block")) }
    }

    /// Sends what is not in blocks.
    pub fn send(&self, sample: &Sample, plan: &Plan, to: &[Prometheus]) -> io::Result<()> {
        let all: Vec<_> = self.series(sample).collect();
        for from in (sample.now - plan.in_memory..sample.now).step_by(SECONDS as usize) {
            for part in all.chunks(SERIES) {
                let mut message = Vec::new();
                for series in part {
                    let step = self.step(series, true);
                    let times = (from..from + SECONDS).filter(|time| time.is_multiple_of(step));
                    let samples: Vec<_> = times.map(|time| ((series.value)(time), time)).collect();
                    if !samples.is_empty() {
                        time_series(&mut message, series, &samples);
                    }
                }
                let message = snappy(&message);
                for prometheus in to {
                    prometheus.send(&message)?;
                }
            }
        }
        Ok(())
    }
}

/// The labels of the target that are left.
fn target(series: &Series) -> &'static str {
    if series.name.starts_with("cause:") {
        r#"cause_of="""#
    } else if series.recorded && !series.name.ends_with("sum") && !series.name.contains("sum") {
        r#"job="cdr-exporter""#
    } else {
        r#"job="cdr-exporter",instance="a""#
    }
}

/// One `TimeSeries` of a `WriteRequest`.
fn time_series(message: &mut Vec<u8>, series: &Series, samples: &[(f64, u64)]) {
    let text = format!("__name__=\"{}\",{},{}", series.name, target(series), series.labels);
    let mut labels: Vec<(&str, &str)> = Vec::new();
    let mut rest = text.as_str();
    while let Some((name, after)) = rest.split_once("=\"") {
        let (value, after) = after.split_once('"').unwrap_or((after, ""));
        if !value.is_empty() {
            labels.push((name.trim_start_matches(','), value));
        }
        rest = after;
    }
    labels.sort_unstable();
    let mut all = Vec::new();
    for (name, value) in labels {
        let mut label = Vec::new();
        field(&mut label, 1, name.as_bytes());
        field(&mut label, 2, value.as_bytes());
        field(&mut all, 1, &label);
    }
    for (value, seconds) in samples {
        let mut sample = vec![0x09];
        sample.extend(value.to_le_bytes());
        sample.push(0x10);
        varint(&mut sample, seconds * 1000);
        field(&mut all, 2, &sample);
    }
    field(message, 1, &all);
}

fn field(message: &mut Vec<u8>, number: u8, content: &[u8]) {
    message.push(number << 3 | 2);
    varint(message, content.len() as u64);
    message.extend(content);
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value > 127 {
        message.push(value as u8 | 128);
        value >>= 7;
    }
    message.push(value as u8);
}

/// As snappy, in pieces that are not compressed.
fn snappy(message: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(message.len() + 1000);
    varint(&mut all, message.len() as u64);
    for piece in message.chunks(1 << 16) {
        all.push(61 << 2);
        all.extend((piece.len() as u16).wrapping_sub(1).to_le_bytes());
        all.extend(piece);
    }
    all
}
