//! Beside `wc -l` and `zcat`, which do nothing with what they read.

use std::path::Path;

use super::inputs::{Format, Input};
use super::table::{Bench, Outcome, Row, Target, timed};

/// `inspect`, remembering, to `wc -l` on the same file.
pub fn compare_with_wc(bench: &Bench<'_>, input: &Input) -> Outcome<()> {
    let target = if input.shape.format == Format::Graph { 3.0 } else { 4.5 };
    compare(bench, &format!("{}, remembering, to wc -l", input.shape), &input.path, &["wc", "-l"], target)
}

/// `inspect` of a compressed file, to `zcat`.
pub fn compare_with_zcat(bench: &Bench<'_>, file: &Path) -> Outcome<()> {
    compare(bench, "Graph rows in gzip, to zcat", file, &["zcat"], 1.15)
}

fn compare(bench: &Bench<'_>, work: &str, file: &Path, command: &[&str], target: f64) -> Outcome<()> {
    let [theirs, ours] = bench.in_turn(|| {
        let theirs = timed(bench.on_core(command[0]).args(&command[1..]).arg(file))?;
        Ok([theirs, timed(&mut bench.inspect(1, file, &[]))?])
    })?;
    Row { work, ours, theirs, target: Target::Within(target) }.print();
    Ok(())
}
