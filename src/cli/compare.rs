//! `cdr-exporter compare`: what got worse between two lots of calls, and what got better.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Exit;
use super::inspect::{Choice, How, lines_by, options, read};
use crate::findings::{calls, differs, percent_of, thousands};
use crate::shown;

/// Say what got worse between two files, or before and after a time, and what got better
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cdr-exporter compare DirectRouting.calls.2026-11-19.csv \\\n      DirectRouting.calls.2026-11-20.csv\n  \
                        cdr-exporter compare --at \"2026-11-20 14:00\" *.csv"
)]
pub struct Arguments {
    /// Two files, folders or globs; any number of them with --at
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// Compare the calls before this time with those from then on
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// The causes and trunk names of this config hold
    #[arg(long = "config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,
    #[command(flatten)]
    choice: Choice,
}

/// Failed calls and all calls, of the first lot and the second.
type Pair = [(u64, u64); 2];

/// Reads both and prints. The answer is no when a file could not be read.
pub fn run(arguments: &Arguments) -> Exit {
    match compared(arguments) {
        Ok((text, exit)) => {
            // A reader that goes away has read enough.
            let _ = io::stdout().write_all(text.as_bytes());
            exit
        }
        Err((message, exit)) => {
            super::say("compare", message);
            exit
        }
    }
}

fn compared(arguments: &Arguments) -> Result<(String, Exit), (String, Exit)> {
    let choice = &arguments.choice;
    let lots: [(Vec<String>, Choice); 2] = match (&arguments.at, &*arguments.files) {
        (Some(at), files) => [choice.until(at), choice.since(at)].map(|choice| (files.to_vec(), choice)),
        (None, [first, second]) => [first, second].map(|file| (vec![file.clone()], choice.clone())),
        (None, _) => return Err(("give two files, or --at and a time".to_owned(), Exit::Usage)),
    };
    let mut exit = Exit::Ok;
    let mut sides: Vec<BTreeMap<Vec<String>, (u64, u64)>> = Vec::new();
    for (files, choice) in lots {
        let config = arguments.config_file.as_deref().map(|file| (file, None));
        let options = options(&files, config, Duration::MAX)?;
        let how =
            How { threads: None, limit: None, keeps_histograms: false, choice: &choice, command: "compare" };
        let (was_read, ended) = read(&files, &options, &how);
        if was_read.snapshot.calls.iter().all(|series| series.count == 0) {
            return Err((format!("there are no calls in {}", shown::text(&files.join(", "))), Exit::No));
        }
        exit = if ended == Exit::Ok { exit } else { ended };
        sides.push(lines_by(was_read.snapshot, &choice).map_err(|error| (error, Exit::Usage))?);
    }
    let keys = sides.iter().flat_map(BTreeMap::keys).collect::<std::collections::BTreeSet<_>>();
    let all = |side: usize| sides[side].get(&Vec::new()).copied().unwrap_or_default();
    let mut pairs: Vec<(&Vec<String>, Pair)> = Vec::new();
    for key in keys.into_iter().filter(|key| !key.is_empty()) {
        let of = |side: usize| {
            let attempts = || sides[side].get(&key[..1]).map_or(0, |(_, attempts)| *attempts);
            sides[side].get(key).copied().unwrap_or_else(|| (0, attempts()))
        };
        pairs.push((key, [of(0), of(1)]));
    }
    Ok((in_words([all(0), all(1)], &pairs), exit))
}

fn in_words(all: Pair, pairs: &[(&Vec<String>, Pair)]) -> String {
    let mut text = format!("Before: {}. After: {}.\n", share(all[0]), share(all[1]));
    // A trunk as a whole, then its causes.
    for (heading, before, after) in [("Worse", 0, 1), ("Better", 1, 0)] {
        let mut found: Vec<&(&Vec<String>, Pair)> =
            pairs.iter().filter(|(_, pair)| differs(pair[after], pair[before], pairs.len())).collect();
        found.sort_by_key(|(_, pair)| std::cmp::Reverse(pair[after].0));
        if found.is_empty() {
            let _ = writeln!(text, "\n{heading}: nothing that is sure.");
            continue;
        }
        let _ = writeln!(text, "\n{heading}:");
        for (key, pair) in found {
            let name = |name: &String| if name.is_empty() { "(no trunk)".to_owned() } else { name.clone() };
            let what = match &key[..] {
                [trunk, cause] => format!("{} on {}", cause, name(trunk)),
                [trunk] => format!("{}, all causes", name(trunk)),
                _ => continue,
            };
            let before = match pair[0] {
                (0, attempts) => format!("none of {}", thousands(attempts)),
                (failed, attempts) => {
                    let share = percent_of(failed, attempts);
                    format!("{} of {} ({share})", thousands(failed), thousands(attempts))
                }
            };
            let _ = writeln!(text, "  {what}: {}; before {before}", share(pair[1]));
        }
    }
    text
}

fn share((failed, attempts): (u64, u64)) -> String {
    format!("{} of {} failed ({})", thousands(failed), calls(attempts), percent_of(failed, attempts))
}
