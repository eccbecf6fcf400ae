//! Runs `inspect` and `serve` beside mtail, `wc`, `zcat` and analysts' tools on made-up exports, checks that every count
//! is exact, and prints what came of it. `make bench` builds and runs it.

#![allow(clippy::print_stdout, reason = "this is what it is for")]

mod analysts;
mod coreutils;
mod daemon;
mod devices;
mod inputs;
mod mtail;
mod table;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;

use inputs::{Input, Shape};
use table::{Bench, Row, timed};

#[derive(Debug, Parser)]
struct Arguments {
    /// Rows of each file
    #[arg(long, value_name = "NUMBER", default_value = "1000000")]
    rows: u64,
    /// Files of so many rows that the daemon catches up on
    #[arg(long, value_name = "NUMBER", default_value = "7")]
    files: u64,
    /// Runs of each command, in turn
    #[arg(long, value_name = "NUMBER", default_value = "7")]
    runs: usize,
    /// The cores that commands run on; all but the analysts' run on the first alone
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', default_value = "1,0")]
    cores: Vec<usize>,
    /// Where the files are written
    #[arg(long, value_name = "FOLDER", default_value = "target/bench")]
    folder: PathBuf,
    #[arg(long, value_name = "FILE", default_value = "target/release/cdr-exporter")]
    program: PathBuf,
    /// A Python that has duckdb, polars and chdb; those that it does not have are left out
    #[arg(long, value_name = "FILE", default_value = "target/bench/venv/bin/python")]
    python: PathBuf,
    /// Leave out the daemon and files that grow
    #[arg(long)]
    files_only: bool,
    /// Only records of devices
    #[arg(long)]
    devices_only: bool,
}

/// How large the files of devices are.
const DEVICE_BYTES: usize = 100_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let Arguments { folder, rows, .. } = &arguments;
    fs::create_dir_all(folder)?;
    println!("{}", machine());
    let bench = Bench { program: &arguments.program, cores: &arguments.cores, runs: arguments.runs };
    if arguments.devices_only {
        println!("\n{}", Row::HEAD);
        return devices::compare(&bench, folder, DEVICE_BYTES);
    }
    let inputs = (7..)
        .zip(Shape::ALL)
        .map(|(seed, shape)| inputs::write(folder, shape, *rows, seed))
        .collect::<Result<Vec<_>, _>>()?;
    inputs.iter().try_for_each(|input| bench.check(input))?;
    compare_files(&bench, &arguments, &inputs)?;
    if arguments.files_only {
        return Ok(());
    }
    let files = (0..arguments.files)
        .map(|file| inputs::write(folder, Shape::GRAPH, *rows, 100 + file))
        .collect::<Result<Vec<_>, _>>()?;
    daemon::catch_up(&bench, &files)?;
    println!("\nThe daemon at work");
    daemon::latency(&bench, folder)?;
    daemon::rest(&bench, folder)?;
    daemon::small_files(&bench, folder)?;
    flat(&bench, folder)
}

/// `inspect` beside others on the same files.
fn compare_files(bench: &Bench<'_>, arguments: &Arguments, inputs: &[Input]) -> Result<(), Box<dyn Error>> {
    let [graph, _, admin_center, quoted, _] = inputs else { return Err("five files are compared".into()) };
    let tools = analysts::installed(&arguments.python);
    println!("\n{}", Row::HEAD);
    mtail::compare(bench, graph, "benches/graph.mtail", [20.0, 28.0])?;
    mtail::compare(bench, admin_center, "benches/admin_center.mtail", [25.0, 25.0])?;
    inputs.iter().try_for_each(|input| coreutils::compare_with_wc(bench, input))?;
    coreutils::compare_with_zcat(bench, &inputs::gzip(&graph.path)?)?;
    [graph, quoted]
        .iter()
        .try_for_each(|input| analysts::compare(bench, &arguments.python, &tools, input))?;
    devices::compare(bench, &arguments.folder, DEVICE_BYTES)
}

/// Time for a record as files grow.
fn flat(bench: &Bench<'_>, folder: &Path) -> Result<(), Box<dyn Error>> {
    println!("\nNanoseconds a Graph row, by size of the file");
    for rows in [1_300, 13_000, 130_000, 1_300_000] {
        let input = inputs::write(folder, Shape::GRAPH, rows, 7)?;
        let [took] = bench.in_turn(|| Ok([timed(&mut bench.inspect(1, &input.path, &[]))?]))?;
        println!("{:>6} MB  {:.0}", input.bytes / 1_000_000, took.as_nanos() as f64 / rows as f64);
    }
    Ok(())
}

/// Processor and cores, as results need them.
fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    format!("{}, {cores} cores", model.trim_start_matches(['\t', ' ', ':']))
}
