//! Beside DuckDB, Polars and ClickHouse, which an analyst would use: they count by trunk, type and both codes.
//!
//! Theirs is the time of the query alone, without those for starting Python and loading the library; ours is that of the
//! whole command, which remembers ids besides.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::inputs::{Counts, Format, Input};
use super::table::{Bench, Outcome, Row, Target, timed};

const TOOLS: [(&str, &str); 3] = [("DuckDB", "duckdb"), ("Polars", "polars"), ("ClickHouse", "chdb")];
const SCRIPT: &str = "benches/analysts.py";

/// The tools that this Python has. Says which are missing, and how to install them.
pub fn installed(python: &Path) -> Vec<&'static str> {
    let has = |library: &str| Command::new(python).args(["-c", &format!("import {library}")]).output();
    let (there, missing): (Vec<_>, Vec<_>) =
        TOOLS.into_iter().partition(|(_, library)| has(library).is_ok_and(|output| output.status.success()));
    if !missing.is_empty() {
        let libraries: Vec<&str> = missing.iter().map(|(_, library)| *library).collect();
        let libraries = libraries.join(" ");
        let folder = python.parent().and_then(Path::parent).unwrap_or(python).display();
        println!("left out: {libraries}; `python3 -m venv {folder} && {folder}/bin/pip install {libraries}`");
    }
    there.into_iter().map(|(tool, _)| tool).collect()
}

/// `inspect` beside each of these tools, on one core and on two.
pub fn compare(bench: &Bench<'_>, python: &Path, tools: &[&str], input: &Input) -> Outcome<()> {
    let counted = bench.counts(input, &["--count-duplicates"])?;
    let target = if input.shape.format == Format::Graph { 5.0 } else { 2.5 };
    for tool in tools {
        for cores in 1..=bench.cores.len().min(2) {
            let [theirs, ours] = bench.in_turn(|| {
                let (theirs, counts) = run(bench, python, tool, cores, input)?;
                check(tool, &counts, &counted)?;
                Ok([theirs, timed(&mut bench.inspect(cores, &input.path, &[]))?])
            })?;
            let plural = if cores == 1 { "" } else { "s" };
            let work = format!("{}, {cores} core{plural}, times as fast as {tool}", input.shape);
            Row { work: &work, ours, theirs, target: Target::Faster(target) }.print();
        }
    }
    Ok(())
}

/// How long a tool takes, and what it prints: trunk, type, both codes and a count in each line.
fn run(
    bench: &Bench<'_>,
    python: &Path,
    tool: &str,
    cores: usize,
    input: &Input,
) -> Outcome<(Duration, String)> {
    let mut command = bench.on_cores(cores, python);
    command.args([SCRIPT, tool, input.shape.format.name(), &cores.to_string()]);
    let output = command.arg(std::path::absolute(&input.path)?).output()?;
    let printed = String::from_utf8(output.stdout)?;
    let Some((seconds, counts)) = printed.split_once('\n').filter(|_| output.status.success()) else {
        return Err(format!("{tool}: {}", String::from_utf8_lossy(&output.stderr)).into());
    };
    Ok((Duration::from_secs_f64(seconds.parse()?), counts.to_owned()))
}

/// Stops everything unless the tool's counts are ours: the calls of each trunk and direction, and the failed ones among
/// them by both codes.
fn check(tool: &str, printed: &str, ours: &Counts) -> Outcome<()> {
    let (mut calls, mut pairs) = (Counts::new(), Counts::new());
    for line in printed.lines() {
        let [trunk, call_type, microsoft_code, sip_code, count] = line.split('\t').collect::<Vec<_>>()[..]
        else {
            return Err(format!("{tool}: {line:?} is no count").into());
        };
        let count: u64 = count.parse()?;
        let way = format!("{trunk} {}", direction(call_type));
        *pairs.entry(format!("{way} {microsoft_code} {sip_code}")).or_default() += count;
        *calls.entry(way).or_default() += count;
    }
    let (mut our_calls, mut our_failures) = (Counts::new(), Counts::new());
    for (key, count) in ours {
        let (family, words) = key.split_once(' ').unwrap_or_default();
        let (sums, words_kept) = if family == "call" { (&mut our_calls, 2) } else { (&mut our_failures, 4) };
        let kept: Vec<&str> = words.split(' ').take(words_kept).collect();
        *sums.entry(kept.join(" ")).or_default() += count;
    }
    pairs.retain(|pair, _| our_failures.contains_key(pair));
    if (&calls, &pairs) != (&our_calls, &our_failures) {
        return Err(format!("{tool} counted otherwise than inspect").into());
    }
    Ok(())
}

/// The direction that a type of call stands for: ByotIn, dr_in_bot, Dr_Out and so on.
fn direction(call_type: &str) -> &'static str {
    let call_type = call_type.to_lowercase();
    let inbound = ["byotin", "dr_in"].iter().any(|begin| call_type.starts_with(begin));
    if inbound { "inbound" } else { "outbound" }
}
