//! Reading stays cheap: instructions for each record, as valgrind counts them, against recorded figures.
//!
//! Instructions do not depend on the machine's mood, as times do. They are counted in a release build, as that is what
//! people run, on a processor with AVX2, beyond which valgrind does not go.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use cdr_exporter::call::UnixMillis;
use cdr_exporter::cli::demo::ADMIN_CENTER_HEADER;
use cdr_exporter::cli::demo::truth::Export;
use regex::{Captures, Regex};

use crate::tools;

mod devices;

/// Set to anything, the figures are recorded anew.
const RECORD: &str = "RECORD_INSTRUCTIONS";
const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/instructions.txt");

/// Two files are read, so that what starting costs can be taken off; most of a run under valgrind is that.
const FEW_ROWS: i64 = 1_000;
const MORE_ROWS: i64 = 6_000;

#[test]
fn a_record_costs_no_more_than_before() {
    build();
    let folder = tempfile::tempdir().unwrap();
    let inspect = |input: &str, rows| instructions(&write(folder.path(), input, rows), &[]);
    let start = start(|rows| inspect("graph", rows));
    let exports =
        ["graph", "admin_center", "graph_gzip"].map(|input| (input, inspect(input, MORE_ROWS), start));
    let config = folder.path().join("config.yml");
    fs::write(&config, devices::config(folder.path())).unwrap();
    let inspect = |input: &str, rows| {
        let file = folder.path().join(format!("{input}.{rows}"));
        let records = (0..rows).map(|number| devices::record(input, number));
        fs::write(&file, devices::head(input).to_owned() + &records.collect::<String>()).unwrap();
        let arguments = [Path::new("--config.file"), &config, Path::new("--source"), Path::new(input)];
        instructions(&file, &arguments)
    };
    let start = self::start(|rows| inspect(devices::INPUTS[0], rows));
    let devices = devices::INPUTS.map(|input| (input, inspect(input, MORE_ROWS), start));
    let cost =
        |(input, all, start): (&str, u64, u64)| (input.to_owned(), (all - start) / MORE_ROWS.unsigned_abs());
    let measured = BTreeMap::from_iter(exports.into_iter().chain(devices).map(cost));
    if env::var_os(RECORD).is_some() {
        return record(&measured);
    }
    let text = fs::read_to_string(RECORDED).unwrap();
    let recorded = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '));
    let recorded: BTreeMap<String, u64> =
        recorded.map(|(input, count)| (input.to_owned(), count.parse().unwrap())).collect();
    for (input, count) in &measured {
        let before = recorded[input];
        let change = (*count as f64 / before as f64 - 1.0) * 100.0;
        assert!(
            change.abs() <= 10.0,
            "{input}: {count} instructions a record, {before} recorded: {change:+.0} %.\nIf that is meant, or \
             another compiler or processor than the recorded one was at work, set {RECORD}=1 once and say why in the commit.\n{text}"
        );
    }
}

/// Its name, and how the usual rows are spelled in it.
type Shape = (&'static str, fn(&str) -> String);

/// What people's tools make of Graph's rows: the same calls, spelled otherwise.
const SHAPES: [Shape; 14] = [
    ("snake_case", |rows| replace("\"[a-zA-Z]+\":", rows, |name| snake_case(&name[0]))),
    ("numbers as text", |rows| replace("\":([0-9]+)", rows, |number| format!("\":\"{}\"", &number[1]))),
    ("US dates", |rows| {
        let time = r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([:0-9]{8})[.0-9]*Z";
        replace(time, rows, |time| format!("{}/{}/{} {} AM", &time[2], &time[3], &time[1], &time[4]))
    }),
    ("Date(ms)", |rows| replace(TIME, rows, |time| dotnet_date(&time[0]))),
    ("PowerShell's dates", |rows| {
        let object =
            |time: &Captures<'_>| format!("{{\"value\":\"{}\",\"DateTime\":\"x\"}}", dotnet_date(&time[1]));
        replace(&format!("\"({TIME})\""), rows, object)
    }),
    ("Event Hubs' wrapper", |rows| {
        let wrapped = |row| {
            format!("{{\"time\":\"2026-11-01T00:00:00Z\",\"properties\":{row},\"category\":\"calls\"}}\n")
        };
        rows.lines().map(wrapped).collect()
    }),
    ("a property left out", |rows| {
        replace("\"trunkFullyQualifiedDomainName\":\"[^\"]*\",?", rows, |_| String::new())
    }),
    ("two columns of a field", |rows| {
        replace("\"finalSipCode\":([0-9]+)", rows, |code| {
            format!("\"finalSipCode_s\":\"\",\"finalSipCode_d\":{}", &code[1])
        })
    }),
    ("escapes in names", |rows| rows.replace("userDisplayName\":\"", "userDisplayName\":\"\\u00fc")),
    ("escapes in fields", |rows| rows.replace(".contoso.com\"", "\\u002econtoso\\u002ecom\"")),
    (".NET's plus signs", |rows| rows.replace("Number\":\"+", "Number\":\"\\u002B")),
    ("an array", |rows| format!("[{}]", rows.trim_end().replace('\n', ",\n"))),
    ("an answer", |rows| format!("{{\"value\":[{}]}}", rows.trim_end().replace('\n', ","))),
    ("a property a line", |rows| rows.replace(",\"", ",\n  \"")),
];

const TIME: &str = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[:.0-9]+Z";

fn replace(what: &str, rows: &str, with: impl Fn(&Captures<'_>) -> String) -> String {
    Regex::new(what).unwrap().replace_all(rows, with).into_owned()
}

fn snake_case(name: &str) -> String {
    let letters = name.chars().flat_map(|letter| {
        letter.is_ascii_uppercase().then_some('_').into_iter().chain([letter.to_ascii_lowercase()])
    });
    letters.collect()
}

fn dotnet_date(time: &str) -> String {
    format!("/Date({})/", time.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

/// The bound is that of the usual way, so that it holds on any processor.
#[test]
fn a_row_of_another_shape_costs_at_most_four_times_the_usual_one() {
    build();
    let folder = tempfile::tempdir().unwrap();
    let start = start(|rows| instructions(&write(folder.path(), "graph", rows), &[]));
    let rows = fs::read_to_string(folder.path().join(format!("graph.{MORE_ROWS}"))).unwrap();
    let cost = |name: &str, shape: fn(&str) -> String| {
        let file = folder.path().join(name);
        fs::write(&file, shape(&rows)).unwrap();
        (instructions(&file, &[]) - start) / MORE_ROWS.unsigned_abs()
    };
    let usual = cost("usual", str::to_owned);
    let costs: Vec<(&str, u64)> = SHAPES.iter().map(|(name, shape)| (*name, cost(name, *shape))).collect();
    println!("usual: {usual}; {costs:?}");
    assert!(costs.iter().all(|(_, cost)| *cost <= 4 * usual), "usual: {usual} instructions a row; {costs:?}");
}

/// What it costs to start with these arguments, by what the more rows cost beyond the few. It is the same for each input; what one
/// begins with for itself counts as its rows'.
fn start(inspect: impl Fn(i64) -> u64) -> u64 {
    let [few, all] = [FEW_ROWS, MORE_ROWS].map(inspect);
    few - (all - few) * FEW_ROWS.unsigned_abs() / (MORE_ROWS - FEW_ROWS).unsigned_abs()
}

/// Makes the release build, unless it is there and up to date, as after `make build`.
fn build() {
    let mut cargo = Command::new(env!("CARGO"));
    // Cargo tells a test which package it is of, and what `build.rs` sets. Our build script, and that of ring, would take
    // that for a change, and everything would be built again.
    let is_of_test = |name: &str| {
        name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
            || matches!(name, "OUT_DIR" | "CDR_EXPORTER_RUSTVERSION" | "CDR_EXPORTER_REVISION")
    };
    for (variable, _) in env::vars_os().filter(|(name, _)| is_of_test(&name.to_string_lossy())) {
        cargo.env_remove(variable);
    }
    tools::succeed(cargo.args(["build", "--release", "--locked", "--target-dir"]).arg(builds()));
}

/// The folder of all builds: that of the tests is one of them.
fn builds() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_cdr-exporter")).ancestors().nth(2).unwrap()
}

/// Writes made-up calls, always the same; returns the file.
fn write(folder: &Path, input: &str, rows: i64) -> std::path::PathBuf {
    let mut export = Export::new(1, UnixMillis(1_793_491_200_000), 5.0);
    let mut text = if input == "admin_center" { ADMIN_CENTER_HEADER.to_owned() } else { String::new() };
    for row in 0..rows {
        let call = export.next_call(UnixMillis(1_793_491_200_000 + row * 50));
        match input {
            "admin_center" => export.traffic.admin_center_row(&call, &mut text),
            _ => export.traffic.graph_row(&call, &mut text),
        }
    }
    let mut bytes = text.into_bytes();
    if input == "graph_gzip" {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&bytes).unwrap();
        bytes = gzip.finish().unwrap();
    }
    let file = folder.join(format!("{input}.{rows}"));
    fs::write(&file, bytes).unwrap();
    file
}

/// How many instructions it takes to inspect a file, with these arguments before it.
fn instructions(file: &Path, arguments: &[&Path]) -> u64 {
    let counts = file.with_added_extension("callgrind");
    let mut command = Command::new(tools::find("valgrind", "valgrind"));
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", counts.display()));
    let program = builds().join("release/cdr-exporter");
    tools::succeed(command.arg(program).args(["inspect", "--output=json"]).args(arguments).arg(file));
    let counts = fs::read_to_string(counts).unwrap();
    let total =
        counts.lines().find_map(|line| line.strip_prefix("totals: ")).expect("callgrind gives a total");
    total.parse().unwrap()
}

fn record(measured: &BTreeMap<String, u64>) {
    let compiler = Command::new("rustc").arg("--version").output().unwrap().stdout;
    let mut text = format!(
        "# Instructions a record in a release build, by valgrind --tool=callgrind. {}",
        String::from_utf8(compiler).unwrap()
    );
    for (input, count) in measured {
        writeln!(text, "{input} {count}").unwrap();
    }
    fs::write(RECORDED, text).unwrap();
}
