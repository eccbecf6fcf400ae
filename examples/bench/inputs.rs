//! The files that are read: made-up calls, the same at every run, and the truth about them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cdr_exporter::call::UnixMillis;
use cdr_exporter::cli::demo::ADMIN_CENTER_HEADER;
use cdr_exporter::cli::demo::truth::Export;
use cdr_exporter::format::{Format, graph};
use flate2::write::GzEncoder;

/// Counts by family and labels, as `name{label="value",...}` without those that the truth does not know.
pub type Counts = BTreeMap<String, u64>;

/// A file of made-up calls.
pub struct Input {
    pub path: PathBuf,
    pub bytes: u64,
    pub rows: u64,
    pub truth: Counts,
}

/// When the first call ended; each next one ends 50 ms later.
const START: i64 = 1_793_491_200_000;
/// How many rows of a hundred come again.
const DUPLICATES: f64 = 5.0;
const BLOCK: usize = 1024 * 1024;

/// Writes a file, at each run anew: the page cache then holds it as a writer leaves it. One that is there from an earlier
/// run may have been read back from the disk, into small pages, which take a sixth more time to read.
pub fn write(folder: &Path, format: &Format, rows: u64, seed: u64) -> io::Result<Input> {
    let ending = if *format == graph::FORMAT { "json" } else { "csv" };
    let path = folder.join(format!("{}-{rows}-{seed}.{ending}", format.name));
    let beside = path.with_extension("part");
    let mut file = File::create(&beside)?;
    let mut export = Export::new(seed, UnixMillis(START), DUPLICATES);
    let mut text = if *format == graph::FORMAT { String::new() } else { ADMIN_CENTER_HEADER.to_owned() };
    for row in 0..rows.cast_signed() {
        let call = export.next_call(UnixMillis(START + row * 50));
        match *format == graph::FORMAT {
            true => export.traffic.graph_row(&call, &mut text),
            false => export.traffic.admin_center_row(&call, &mut text),
        }
        if text.len() >= BLOCK {
            file.write_all(text.as_bytes())?;
            text.clear();
        }
    }
    file.write_all(text.as_bytes())?;
    fs::rename(beside, &path)?;
    let truth = export.truth();
    let calls =
        truth.calls.iter().map(|calls| (call_key(calls.trunk, calls.direction, calls.outcome), calls.count));
    let failures = truth.failures.iter().map(|failures| {
        let codes = [failures.microsoft_code.to_string(), failures.sip_code.to_string()];
        (
            failure_key(failures.trunk, failures.direction, &failures.cause, &codes[0], &codes[1]),
            failures.count,
        )
    });
    let truth = calls.chain(failures).collect();
    Ok(Input { bytes: path.metadata()?.len(), path, rows, truth })
}

fn call_key(trunk: &str, direction: &str, outcome: &str) -> String {
    format!("call {trunk} {direction} {outcome}")
}

fn failure_key(trunk: &str, direction: &str, cause: &str, microsoft_code: &str, sip_code: &str) -> String {
    format!("failure {trunk} {direction} {cause} {microsoft_code} {sip_code}")
}

/// What a page of metrics says, under the same names as the truth.
pub fn counted(page: &str) -> Counts {
    let mut counts = Counts::new();
    for line in page.lines() {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let label = |name: &str| {
            let after = series.split_once(&format!("{name}=\""))?.1;
            Some(&after[..after.find('"')?])
        };
        let of = |name| label(name).unwrap_or_default();
        let key = if series.starts_with("cdr_calls_total{") {
            call_key(of("trunk"), of("direction"), of("outcome"))
        } else if series.starts_with("cdr_call_failures_total{") {
            failure_key(of("trunk"), of("direction"), of("cause"), of("microsoft_code"), of("sip_code"))
        } else {
            continue;
        };
        let value: u64 = value.parse().unwrap_or_default();
        if value > 0 {
            *counts.entry(key).or_default() += value;
        }
    }
    counts
}

/// Compresses a file as `gzip` would, at each run anew like the file itself.
pub fn gzip(input: &Path) -> io::Result<PathBuf> {
    let path = input.with_added_extension("gz");
    let beside = input.with_added_extension("part");
    let mut gzip = GzEncoder::new(File::create(&beside)?, flate2::Compression::default());
    io::copy(&mut File::open(input)?, &mut gzip)?;
    gzip.finish()?;
    fs::rename(beside, &path)?;
    Ok(path)
}
