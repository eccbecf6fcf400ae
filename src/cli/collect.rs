//! `cdr-exporter collect`: fetches records from Microsoft once, by hand; and the trial that `check --collect` makes.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::Sender;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Exit;
use crate::collect::{self, Collector, Day, Fault, Inbox, MAX_HISTORY, Options, Order, Stopped, Window};
use crate::config;
use crate::telemetry::{self, LogFormat, LogLevel, OfSource};

/// Fetch call records from Microsoft Graph once, as `serve` does all the time
#[derive(Debug, Args)]
#[command(
    after_help = "What comes goes into the spool folder under --storage.path, where `serve` reads it. Days that have \
                  records already get those that are new. Stop `serve` first: it collects by itself.\n\n\
                  Examples:\n  cdr-exporter collect --once --config.file /etc/cdr-exporter/cdr-exporter.yml \\\n      \
                  --storage.path /var/lib/cdr-exporter\n  cdr-exporter collect --once --from 2026-11-01 --to 2026-11-07 \\\n      \
                  --config.file cdr-exporter.yml"
)]
pub struct Arguments {
    /// Fetch what is due and end
    #[arg(long, required = true)]
    once: bool,
    /// First day to fetch, by UTC; left out, all that the config asks for
    #[arg(long, value_name = "DATE")]
    from: Option<Day>,
    /// Last day to fetch, by UTC; left out, today
    #[arg(long, value_name = "DATE", requires = "from")]
    to: Option<Day>,
    /// Config file with the entries of `collect`
    #[arg(long = "config.file", value_name = "FILE", required = true)]
    config_file: PathBuf,
    /// Folder under which the spool folders are; that of `serve`
    #[arg(long = "storage.path", value_name = "FOLDER", default_value = config::STORAGE)]
    storage_path: PathBuf,
}

/// Fetches. The answer is no when anything could not be had.
pub fn run(arguments: &Arguments) -> Exit {
    let config = match config::load_with(Some(&arguments.config_file), &[], &arguments.storage_path) {
        Ok(config) => config,
        Err(error) => {
            super::say("collect", error);
            return Exit::BadConfig;
        }
    };
    if config.collect.is_empty() {
        let file = arguments.config_file.display();
        super::say("collect", format_args!("{file}: there is no `collect` in it, so nothing to fetch"));
        return Exit::BadConfig;
    }
    if let (Some(from), Some(to)) = (arguments.from, arguments.to)
        && to < from
    {
        super::say("collect", format_args!("--to {to} is before --from {from}"));
        return Exit::Usage;
    }
    telemetry::init(LogLevel::Warn, LogFormat::Logfmt);
    let mut exit = Exit::Ok;
    for options in &config.collect {
        let (total, fault) = fetch(options, arguments);
        let Total { days, of, pages, new, known, changed } = total;
        let folder = options.folder.display();
        let text = format!(
            "{}: {days} of {}, {}: {}, {known} known, {changed} changed, in {folder}\n",
            options.source,
            super::counted(of as u64, "day"),
            super::counted(pages, "page"),
            super::counted(new, "new row")
        );
        if io::stdout().write_all(text.as_bytes()).is_err() {
            return Exit::No;
        }
        let is_missing = days < of || (arguments.from.is_some() && of == 0);
        if is_missing {
            exit = Exit::No;
        }
        if let Some(fault) = fault {
            super::say("collect", format_args!("{}: {fault}", options.source));
            exit = Exit::No;
        }
    }
    exit
}

/// What was fetched of one source.
#[derive(Debug, Default)]
struct Total {
    days: usize,
    of: usize,
    pages: u64,
    new: u64,
    known: u64,
    changed: u64,
}

impl Total {
    fn add(&mut self, window: Window) {
        self.days += usize::from(window.pages > 0);
        self.pages += u64::from(window.pages);
        self.new += window.new;
        self.known += window.known;
        self.changed += window.changed;
    }
}

/// Fetches day by day, newest first, and ends at the first fault.
fn fetch(options: &Options, arguments: &Arguments) -> (Total, Option<Fault>) {
    let mut total = Total::default();
    let mut collector = match Collector::open(options, OfSource::unseen()) {
        Ok(collector) => collector,
        Err(fault) => return (total, Some(fault)),
    };
    let days = match arguments.from {
        Some(from) => collector.days_between(from, arguments.to),
        None => [collector.live_days(), collector.history_days()].concat(),
    };
    total.of = days.len();
    let oldest = days.last().copied();
    if let Some(from) = arguments.from.filter(|from| oldest.is_none_or(|oldest| oldest > *from)) {
        let to = arguments.to.map_or_else(|| "today".to_owned(), |to| to.to_string());
        let had =
            oldest.map_or_else(|| "none of these".to_owned(), |oldest| format!("those from {oldest} on"));
        let source = &options.source;
        let days = MAX_HISTORY.as_secs() / (24 * 60 * 60);
        super::say(
            "collect",
            format_args!(
                "{source}: of the days from {from} to {to}, {had} can be had: Microsoft keeps {days} days, and tomorrow's calls are not there"
            ),
        );
    }
    // Nobody sends orders: Ctrl-C ends the program, which it takes as well as a kill.
    let (_orders, mut inbox): (Sender<Order>, Inbox) = collect::inbox();
    let bar = progress(days.len());
    for day in days {
        bar.set_message(format!("{}: {day}, {} new rows", options.source, total.new));
        match collector.day(day, &mut inbox) {
            Ok(window) => total.add(window),
            Err(Stopped::Fault(fault)) => {
                bar.finish_and_clear();
                return (total, Some(fault));
            }
            Err(Stopped::Interrupted) => break,
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    (total, None)
}

/// On a terminal only, as indicatif does.
fn progress(days: usize) -> ProgressBar {
    let bar = ProgressBar::new(days as u64);
    match ProgressStyle::with_template("{bar:30} {pos}/{len} days, {eta} left  {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Signs in and asks for one page of each, if `wanted`; whether all is well. Says so in a sentence each.
pub fn try_out(collectors: &[Options], wanted: bool, out: &mut impl Write) -> io::Result<bool> {
    let mut all_well = true;
    for options in collectors {
        let source = &options.source;
        if !wanted {
            writeln!(out, "\ncollect {source}: not tried; `check --collect` signs in and asks for a page")?;
            continue;
        }
        match collect::try_out(options) {
            Ok(tried) => {
                let more = if tried.has_more { " and more follow" } else { "" };
                let (tenant, day) = (&options.tenant, tried.day);
                let rows = super::counted(tried.rows as u64, "row");
                writeln!(
                    out,
                    "\ncollect {source}: signed in to {tenant}; the first page of {day} has {rows}{more}"
                )?;
            }
            Err(fault) => {
                all_well = false;
                writeln!(out, "\ncollect {source}: {fault}")?;
            }
        }
    }
    Ok(all_well)
}
