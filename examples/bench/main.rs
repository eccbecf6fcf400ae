//! Runs `inspect` and `serve` against mtail, `wc` and `zcat` on made-up exports, checks that every count is exact, and
//! prints what came of it. `make bench` builds and runs it.

#![allow(clippy::print_stdout, reason = "this is what it is for")]

mod daemon;
mod inputs;
mod table;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use cdr_exporter::format::{graph, teams_admin_center};
use clap::Parser;

use table::{Bench, Row};

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
    /// The one core that everything runs on
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    core: usize,
    /// Where the files are written
    #[arg(long, value_name = "FOLDER", default_value = "target/bench")]
    folder: PathBuf,
    #[arg(long, value_name = "FILE", default_value = "target/release/cdr-exporter")]
    program: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    fs::create_dir_all(&arguments.folder)?;
    println!("{}", machine());
    let graph = inputs::write(&arguments.folder, &graph::FORMAT, arguments.rows, 7)?;
    let csv = inputs::write(&arguments.folder, &teams_admin_center::FORMAT, arguments.rows, 8)?;
    let bench = Bench { program: &arguments.program, core: arguments.core, runs: arguments.runs };
    for input in [&graph, &csv] {
        bench.check(input)?;
    }
    println!("\n{}", Row::HEAD);
    bench.against_mtail(
        "Graph rows",
        &graph,
        "benches/graph.mtail",
        &[(&[], 20.0), (&["--count-duplicates"], 28.0)],
    )?;
    bench.against_mtail("admin center rows", &csv, "benches/admin_center.mtail", &[(&[], 25.0)])?;
    bench.against(
        "admin center rows, not remembering, to wc -l",
        &csv.path,
        &["--count-duplicates"],
        "wc",
        &["-l"],
        8.0,
    )?;
    let compressed = inputs::gzip(&graph.path)?;
    bench.against("Graph rows in gzip, to zcat", &compressed, &[], "zcat", &[], 1.15)?;
    let files = (0..arguments.files)
        .map(|file| inputs::write(&arguments.folder, &graph::FORMAT, arguments.rows, 100 + file))
        .collect::<Result<Vec<_>, _>>()?;
    daemon::catch_up(&bench, &files)?;
    println!("\nThe daemon at work");
    daemon::latency(&bench, &arguments.folder)?;
    daemon::rest(&bench, &arguments.folder)?;
    daemon::small_files(&bench, &arguments.folder)?;
    flat(&bench, &arguments.folder)?;
    Ok(())
}

/// Time for a record as files grow.
fn flat(bench: &Bench<'_>, folder: &Path) -> Result<(), Box<dyn Error>> {
    println!("\nNanoseconds a Graph row, by size of the file");
    for rows in [1_300, 13_000, 130_000, 1_300_000] {
        let input = inputs::write(folder, &graph::FORMAT, rows, 7)?;
        let took = bench.median_of(|| bench.inspect(&input.path, &[]));
        println!("{:>6} MB  {:.0}", input.bytes / 1_000_000, took?.as_nanos() as f64 / rows as f64);
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
