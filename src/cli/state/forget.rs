//! `cdr-exporter state forget`: takes series out of the store for good.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::{Folder, StateError, counted, one_or_more};
use crate::ledger::forget::{Forgotten, Which, forget};
use crate::ledger::store::Store;
use crate::{clock, config};

/// So many names are said of those that could have been meant.
const MOST_NAMES: usize = 10;

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("which").args(["trunk", "source", "unlisted"]).required(true).multiple(true)),
    after_help = "\
What is forgotten is no longer shown, and what it took of a limit is free again. If such calls come again, their \
series begin at 0. What was read stays read: no file is read anew, and no call is counted again. The counts of all \
other series stay exactly as they are.

The totals of a source (cdr_exporter_records_total) keep the calls of a trunk that is forgotten; audit says that the \
files hold more calls of it than were counted. With --unlisted, cdr_calls_total keeps the failed calls; only \
their causes are gone from cdr_call_failures_total."
)]
pub struct Arguments {
    #[command(flatten)]
    storage: Folder,
    /// The trunk, as the label has it; with --source, in that source only
    #[arg(long, value_name = "TRUNK", conflicts_with = "unlisted")]
    trunk: Option<String>,
    /// The source; alone, all of it, its own counters too
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Failures whose cause and codes are not in the catalogue, and those folded into `other`; with --source, of that
    /// source only
    #[arg(long)]
    unlisted: bool,
    /// The config file that the daemon is started with, for its `causes`
    #[arg(long = "config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<String, StateError> {
    let Arguments { storage, trunk, source, unlisted, config_file } = arguments;
    let catalogue = config::load(config_file.as_deref(), &[])?.catalogue;
    let of = source.as_deref();
    let which = match (trunk, of, unlisted) {
        (Some(trunk), source, _) => Which::Trunk { trunk, source },
        (None, source, true) => Which::Unlisted { source },
        (None, Some(source), false) => Which::Source(source),
        // The command line does not let this through.
        (None, None, false) => return Err(StateError::NothingToForget("say what to forget".to_owned())),
    };
    let mut store = Store::open_existing(&storage.path, true)?;
    let forgotten = forget(&mut store, which, &catalogue, clock::now())?;
    if forgotten.is_nothing() {
        return Err(StateError::NothingToForget(nothing(which, &forgotten)));
    }
    let Forgotten { routes, failures, source, .. } = forgotten;
    let own = if source { ", and the counters of the source begin anew" } else { "" };
    let routes = counted(routes as u64, "route");
    let failures = one_or_more(failures as u64, "counter of failed calls", "counters of failed calls");
    Ok(format!("forgotten: {routes}, {failures}{own}"))
}

/// Why there was nothing to forget, and what there is.
fn nothing(which: Which<'_>, forgotten: &Forgotten) -> String {
    let (Which::Trunk { source, .. } | Which::Unlisted { source }) = which else {
        return format!("there is no such source; {}", there_are("sources", &forgotten.sources));
    };
    if source.is_some_and(|source| !forgotten.sources.contains(source)) {
        return format!("there is no such source; {}", there_are("sources", &forgotten.sources));
    }
    match which {
        Which::Trunk { .. } => {
            format!("there is no such trunk; {}", there_are("trunks", &forgotten.trunks))
        }
        _ => "there are no failures outside the catalogue".to_owned(),
    }
}

fn there_are(what: &str, names: &BTreeSet<String>) -> String {
    let shown: Vec<String> = names.iter().take(MOST_NAMES).map(|name| format!("`{name}`")).collect();
    match names.len() - shown.len() {
        _ if names.is_empty() => format!("the store has no {what}"),
        0 => format!("the store has the {what} {}", shown.join(", ")),
        more => format!("the store has the {what} {} and {more} more", shown.join(", ")),
    }
}
