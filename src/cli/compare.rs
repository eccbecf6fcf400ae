//! `cdr-exporter compare`: what got worse between two lots of calls, and what got better.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Exit;
use super::inspect::{Choice, Compared, How, Style, lines_by, options, read, wrapped};
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

/// Failed calls and all calls.
type Share = (u64, u64);

/// What is compared of the first lot and the second: a trunk, or a cause on it.
struct Pair<'p> {
    key: &'p [String],
    before: Share,
    after: Share,
    /// The advice on its cause.
    known: Option<&'p Compared>,
}

/// Reads both and prints. The answer is no when a file could not be read.
pub fn run(arguments: &Arguments) -> Exit {
    match compared(arguments) {
        Ok((text, exit)) => super::print("compare", &text, exit),
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
    let mut sides: Vec<BTreeMap<Vec<String>, Compared>> = Vec::new();
    for (number, (files, choice)) in lots.into_iter().enumerate() {
        let config = arguments.config_file.as_deref().map(|file| (file, None));
        let options = options(&files, config, Duration::MAX)?;
        let is_again = arguments.at.is_some() && number > 0;
        let how = How {
            threads: None,
            limit: None,
            keeps_families: false,
            choice: &choice,
            command: "compare",
            is_again,
        };
        let (was_read, ended) = read(&files, &options, &how);
        if was_read.snapshot.calls.iter().all(|series| series.count == 0) {
            return Err((format!("there are no calls in {}", shown::text(&files.join(", "))), Exit::No));
        }
        exit = if ended == Exit::Ok { exit } else { ended };
        let lines = lines_by(was_read.snapshot, &choice).map_err(|error| (error, Exit::Usage))?;
        if lines.get(&[][..]).is_none_or(|all| all.attempts == 0) {
            return Err((nothing_in(arguments, number), Exit::No));
        }
        sides.push(lines);
    }
    let keys: BTreeSet<&Vec<String>> = sides.iter().flat_map(BTreeMap::keys).collect();
    let share = |side: usize, key: &[String]| sides[side].get(key).map(|it| (it.failed, it.attempts));
    let all = [0, 1].map(|side| share(side, &[]).unwrap_or_default());
    let pairs = keys.into_iter().filter(|key| !key.is_empty()).map(|key| {
        // What failed of no call of this cause is of all calls of its trunk.
        let none_of = |side| (0, share(side, &key[..1]).map_or(0, |(_, attempts)| attempts));
        let [before, after] = [0, 1].map(|side| share(side, key).unwrap_or_else(|| none_of(side)));
        Pair { key, before, after, known: sides.iter().find_map(|side| side.get(key)) }
    });
    Ok((in_words(all, &pairs.collect::<Vec<_>>(), Style::of_standard_output()), exit))
}

/// Why there is nothing to compare: the first lot has no call, or the second.
fn nothing_in(arguments: &Arguments, number: usize) -> String {
    let files = || shown::text(&arguments.files[number.min(arguments.files.len() - 1)]);
    let lot = match &arguments.at {
        Some(at) => format!("ended {} {}", ["before", "at or after"][number.min(1)], shown::text(at)),
        None => format!("is in {}", files()),
    };
    format!("nothing to compare: no call that is meant {lot}")
}

fn in_words([before, after]: [Share; 2], pairs: &[Pair<'_>], style: Style) -> String {
    let mut text = format!("Before: {}. After: {}.\n", in_numbers(before), in_numbers(after));
    // A cause on several trunks has its advice once.
    let mut advised = BTreeSet::new();
    for (heading, is_worse) in [("Worse", true), ("Better", false)] {
        let is_so = |pair: &&Pair<'_>| {
            let (more, less) = if is_worse { (pair.after, pair.before) } else { (pair.before, pair.after) };
            differs(more, less, pairs.len())
        };
        let mut found: Vec<&Pair<'_>> = pairs.iter().filter(is_so).collect();
        found.sort_by_key(|pair| std::cmp::Reverse(if is_worse { pair.after.0 } else { pair.before.0 }));
        if found.is_empty() {
            let _ = writeln!(text, "\n{heading}: nothing that is sure.");
            continue;
        }
        let _ = writeln!(text, "\n{heading}:");
        for pair in found {
            let _ = writeln!(text, "  {}", wrapped(&pair.sentence(), "    ", style.width - 2));
            if is_worse && pair.key.get(1).is_some_and(|cause| advised.insert(cause)) {
                text += &pair.advice(style.width);
            }
        }
    }
    text
}

impl Pair<'_> {
    fn sentence(&self) -> String {
        let trunk = self.key.first().filter(|trunk| !trunk.is_empty()).map_or("(no trunk)", String::as_str);
        let what = match self.key.get(1) {
            Some(cause) => format!("{cause} on {trunk}"),
            None => format!("{trunk}, all causes"),
        };
        let before = match self.before {
            (0, attempts) => format!("none of {}", thousands(attempts)),
            (failed, attempts) => {
                let share = percent_of(failed, attempts);
                format!("{} of {} ({share})", thousands(failed), thousands(attempts))
            }
        };
        format!("{what}: {}; before {before}", in_numbers(self.after))
    }

    /// Who can fix it, and what to do.
    fn advice(&self, width: usize) -> String {
        let Some((who, remedy)) = self.known.and_then(|known| known.advice.as_ref()) else {
            return String::new();
        };
        let who = who.map(|who| format!("Who can fix it: {who}."));
        let lines = who.into_iter().chain([format!("What to do: {remedy}")]);
        lines.map(|line| format!("    {}\n", wrapped(&line, "    ", width - 4))).collect()
    }
}

fn in_numbers((failed, attempts): (u64, u64)) -> String {
    format!("{} of {} failed ({})", thousands(failed), calls(attempts), percent_of(failed, attempts))
}
