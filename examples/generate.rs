//! Writes a file of made-up calls and the truth about them, for benches and for whoever checks the counts.
//!
//! `cargo run --release --example generate -- --rows 1000000 --format graph --out calls.ndjson --truth truth.json`

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use cdr_exporter::call::UnixMillis;
use cdr_exporter::cli::demo::ADMIN_CENTER_HEADER;
use cdr_exporter::cli::demo::truth::Export;
use clap::{Parser, ValueEnum};

#[derive(Debug, Parser)]
struct Arguments {
    /// How many rows to write, duplicates included
    #[arg(long, value_name = "NUMBER", default_value = "1000000")]
    rows: i64,
    #[arg(long, default_value = "graph")]
    format: Format,
    /// How many rows of a hundred come again
    #[arg(long, value_name = "PERCENT", default_value = "5")]
    duplicates: f64,
    /// The same seed gives the same rows
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    seed: u64,
    /// When the first call ended, in seconds since 1970; each next one 50 ms later
    #[arg(long, value_name = "SECONDS", default_value = "1793491200")]
    start: i64,
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where to write the true counts, as JSON
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Format {
    Graph,
    AdminCenter,
}

/// How much is written at once.
const BLOCK: usize = 1024 * 1024;

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let start = arguments.start * 1000;
    let mut export = Export::new(arguments.seed, UnixMillis(start), arguments.duplicates);
    let mut file = File::create(&arguments.out)?;
    let mut rows = match arguments.format {
        Format::Graph => String::new(),
        Format::AdminCenter => ADMIN_CENTER_HEADER.to_owned(),
    };
    for row in 0..arguments.rows {
        let call = export.next_call(UnixMillis(start + row * 50));
        match arguments.format {
            Format::Graph => export.traffic.graph_row(&call, &mut rows),
            Format::AdminCenter => export.traffic.admin_center_row(&call, &mut rows),
        }
        if rows.len() >= BLOCK {
            file.write_all(rows.as_bytes())?;
            rows.clear();
        }
    }
    file.write_all(rows.as_bytes())?;
    match arguments.truth {
        Some(path) => fs::write(path, serde_json::to_string_pretty(&export.truth())?),
        None => Ok(()),
    }
}
