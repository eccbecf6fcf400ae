//! The files that are read: made-up calls, the same at every run, and the truth about them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::{self, Display, Formatter, Write as _};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cdr_exporter::call::{Outcome, UnixMillis};
use cdr_exporter::cli::demo::ADMIN_CENTER_HEADER;
use cdr_exporter::cli::demo::traffic::{MadeUpCall, TRUNKS, Traffic};
use cdr_exporter::cli::demo::truth::Export;
use cdr_exporter::format::{graph, teams_admin_center};
use flate2::write::GzEncoder;

/// Counts by family and labels, as `name{label="value",...}` without those that the truth does not know.
pub type Counts = BTreeMap<String, u64>;

/// A file of made-up calls.
pub struct Input {
    pub shape: Shape,
    pub path: PathBuf,
    pub bytes: u64,
    pub rows: u64,
    pub truth: Counts,
}

/// The formats of which there is made-up traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Graph,
    TeamsAdminCenter,
}

impl Format {
    /// As the exporter names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Graph => graph::FORMAT.name,
            Self::TeamsAdminCenter => teams_admin_center::FORMAT.name,
        }
    }
}

/// What differs between the files of those who export.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub format: Format,
    pub trunks: u128,
    pub line_end: LineEnd,
    /// CSV only: the names of the columns are in quotes, and so are display names, for the comma in them.
    pub quoted_names: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    Lf,
    CrLf,
}

impl Shape {
    /// As Microsoft writes each format.
    pub const GRAPH: Self =
        Self { format: Format::Graph, trunks: 8, line_end: LineEnd::Lf, quoted_names: false };
    pub const ADMIN_CENTER: Self =
        Self { format: Format::TeamsAdminCenter, trunks: 8, line_end: LineEnd::CrLf, quoted_names: false };
    pub const ALL: [Self; 5] = [
        Self::GRAPH,
        Self { trunks: 200, line_end: LineEnd::CrLf, ..Self::GRAPH },
        Self::ADMIN_CENTER,
        Self { quoted_names: true, ..Self::ADMIN_CENTER },
        Self { quoted_names: true, trunks: 200, line_end: LineEnd::Lf, ..Self::ADMIN_CENTER },
    ];

    fn file_name(self, rows: u64, seed: u64) -> String {
        let ending = if self.format == Format::Graph { "json" } else { "csv" };
        let quoted = if self.quoted_names { "-quoted" } else { "" };
        let Self { format, trunks, line_end, .. } = self;
        format!("{}-{trunks}-{line_end:?}{quoted}-{rows}-{seed}.{ending}", format.name()).to_lowercase()
    }

    /// The first line, if there is one.
    fn header(self) -> String {
        match (self.format, self.quoted_names) {
            (Format::Graph, _) => String::new(),
            (Format::TeamsAdminCenter, false) => ADMIN_CENTER_HEADER.trim_end().to_owned(),
            (Format::TeamsAdminCenter, true) => {
                format!("\"{}\"", ADMIN_CENTER_HEADER.trim_end().replace(',', "\",\""))
            }
        }
    }

    /// The trunk of a call; one that comes again has the same.
    fn trunk(self, call: &MadeUpCall) -> u128 {
        call.id % self.trunks + 1
    }

    /// Appends a call's line in this shape. `made_up` is memory to write it into first.
    fn write_row(self, traffic: &Traffic, call: &MadeUpCall, made_up: &mut String, text: &mut String) {
        made_up.clear();
        match self.format {
            Format::Graph => traffic.graph_row(call, made_up),
            Format::TeamsAdminCenter => traffic.admin_center_row(call, made_up),
        }
        let mut row = made_up.trim_end();
        if self.quoted_names
            && let Some((before, name)) = row.split_once(",User ")
            && let Some((number, after)) = name.split_once(',')
            // A phrase may begin with "User ", too.
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            text.push_str(before);
            _ = write!(text, ",\"User {number}, Contoso\",");
            row = after;
        }
        if let Some((before, trunk)) = row.rsplit_once(TRUNKS[call.trunk].fqdn) {
            _ = write!(text, "{before}{}{trunk}", trunk_name(self.trunk(call)));
        }
        self.end_line(text);
    }

    fn end_line(self, text: &mut String) {
        text.push_str(if self.line_end == LineEnd::Lf { "\n" } else { "\r\n" });
    }
}

impl Display for Shape {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rows = if self.format == Format::Graph { "Graph" } else { "admin center" };
        let quoted = if self.quoted_names { ", names in quotes" } else { "" };
        let line_end = if self.line_end == LineEnd::Lf { "LF" } else { "CR LF" };
        write!(f, "{rows} rows ({} trunks, {line_end}{quoted})", self.trunks)
    }
}

fn trunk_name(number: u128) -> String {
    format!("sbc{number}.contoso.com")
}

/// When the first call ended; each next one ends 50 ms later.
const START: i64 = 1_793_491_200_000;
/// How many rows of a hundred come again.
const DUPLICATES: f64 = 5.0;
const BLOCK: usize = 1024 * 1024;

/// Writes a file, at each run anew: the page cache then holds it as a writer leaves it. One that is there from an earlier
/// run may have been read back from the disk, into small pages, which take a sixth more time to read.
pub fn write(folder: &Path, shape: Shape, rows: u64, seed: u64) -> io::Result<Input> {
    let path = folder.join(shape.file_name(rows, seed));
    let beside = path.with_extension("part");
    let mut file = File::create(&beside)?;
    let mut export = Export::new(seed, UnixMillis(START), DUPLICATES);
    let (mut text, mut made_up) = (shape.header(), String::new());
    if !text.is_empty() {
        shape.end_line(&mut text);
    }
    let (mut ids, mut calls) = (HashSet::new(), HashMap::new());
    for row in 0..rows.cast_signed() {
        let call = export.next_call(UnixMillis(START + row * 50));
        if ids.insert(call.id) {
            let key = (shape.trunk(&call), call.direction as usize, call.ending);
            calls.entry(key).or_insert((0, call)).0 += 1;
        }
        shape.write_row(&export.traffic, &call, &mut made_up, &mut text);
        if text.len() >= BLOCK {
            file.write_all(text.as_bytes())?;
            text.clear();
        }
    }
    file.write_all(text.as_bytes())?;
    fs::rename(beside, &path)?;
    let truth = truth(shape, &export.traffic, calls.into_values());
    Ok(Input { shape, bytes: path.metadata()?.len(), path, rows, truth })
}

/// The true counts, from how many calls are like each of these.
fn truth(shape: Shape, traffic: &Traffic, calls: impl Iterator<Item = (u64, MadeUpCall)>) -> Counts {
    let mut truth = Counts::new();
    for (count, call) in calls {
        let (trunk, direction) = (trunk_name(shape.trunk(&call)), call.direction.label());
        let ending = traffic.ending(&call);
        *truth.entry(call_key(&trunk, direction, ending.outcome.label())).or_default() += count;
        if ending.outcome == Outcome::Failed {
            let codes = [ending.microsoft_code.to_string(), ending.sip_code.to_string()];
            let key = failure_key(&trunk, direction, &ending.cause, &codes[0], &codes[1]);
            *truth.entry(key).or_default() += count;
        }
    }
    truth
}

fn call_key(trunk: &str, direction: &str, outcome: &str) -> String {
    format!("call {trunk} {direction} {outcome}")
}

/// Words with blanks between; the cause, which may have blanks itself, is last.
fn failure_key(trunk: &str, direction: &str, cause: &str, microsoft_code: &str, sip_code: &str) -> String {
    format!("failure {trunk} {direction} {microsoft_code} {sip_code} {cause}")
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
