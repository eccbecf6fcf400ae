//! One collector: asks for a day and makes what is new a file; day by day as the plan says.

use std::collections::{HashMap, HashSet};

use tracing::{error, info, warn};

use super::day::Day;
use super::fault::{Fault, Reason};
use super::graph::{Graph, Stopped};
use super::inbox::{Inbox, inbox};
use super::options::Options;
use super::pace::Pace;
use super::progress::Progress;
use super::run::FilesRead;
use super::spool::{Seen, Spool};
use super::{now, plan};
use crate::telemetry::OfSource;

/// A day of more rows than a thousand times this is none.
const MAX_PAGES: u32 = 5_000;
/// After so many pages what came is made a file, so that a kill costs a minute and not an hour.
const PAGES_A_FILE: u32 = 50;

/// Fetches the records of one source.
#[derive(Debug)]
pub struct Collector {
    options: Options,
    graph: Graph,
    spool: Spool,
    progress: Progress,
    metrics: OfSource,
    /// Days of the history that could not be had.
    failed: HashSet<Day>,
    /// Days of which it was said that their prints are damaged.
    told: HashSet<Day>,
    /// Of each day, how many elements were said to be no rows.
    odd: HashMap<Day, u64>,
}

/// What asking for one day came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub day: Day,
    /// 0 where it was not asked for, since it would count twice.
    pub pages: u32,
    pub new: u64,
    pub known: u64,
    pub changed: u64,
    /// Elements of the pages that are no rows.
    pub odd: u64,
}

/// What a trial came to.
#[derive(Debug)]
pub struct Tried {
    pub day: Day,
    /// Rows of the first page.
    pub rows: usize,
    pub has_more: bool,
}

/// Signs in, asks for the newest page once, and keeps nothing of it. Does not touch the disk.
///
/// # Errors
/// What went wrong.
pub fn try_out(options: &Options) -> Result<Tried, Fault> {
    let pace = Pace::unkept(options.requests_per_minute);
    let mut graph = Graph::new(options, pace, OfSource::unseen())?;
    let day = Day::of(now());
    // Nobody sends orders.
    let (_orders, mut inbox) = inbox();
    match graph.page_once(&graph.first_page(day), &mut inbox) {
        Ok(page) => Ok(Tried { day, rows: page.rows.len(), has_more: page.next.is_some() }),
        Err(Stopped::Fault(fault)) => Err(fault),
        Err(Stopped::Interrupted) => Err(Fault::new(Reason::Server, "interrupted")),
    }
}

impl Collector {
    /// Goes on from what the spool folder holds.
    ///
    /// # Errors
    /// When the folder or `ca_file` cannot be used.
    pub fn open(options: &Options, metrics: OfSource) -> Result<Self, Fault> {
        let folder = &options.folder;
        let spool = Spool::open(folder).map_err(|error| storage(options, &error))?;
        let progress = Progress::open(folder.join(".progress.json"), options)
            .map_err(|error| storage(options, &error))?;
        let pace = Pace::open(&folder.join(".requests"), options.requests_per_minute)
            .map_err(|error| storage(options, &error))?;
        let graph = Graph::new(options, pace, metrics.clone())?;
        metrics.succeeded_at(progress.last_success.min(now()));
        metrics.lost(progress.lost);
        let options = options.clone();
        let (failed, told, odd) = Default::default();
        Ok(Self { options, graph, spool, progress, metrics, failed, told, odd })
    }

    /// The days that are asked for again each time, newest first.
    pub fn live_days(&self) -> Vec<Day> {
        plan::live_days(now(), &self.options.times)
    }

    /// The older days that are still to be asked for, newest first.
    pub fn history_days(&self) -> Vec<Day> {
        plan::history_days(now(), &self.options.times, &self.progress.asked)
    }

    /// Every day from one to another, or to today, newest first. Microsoft keeps no more than 150.
    pub fn days_between(&self, from: Day, to: Option<Day>) -> Vec<Day> {
        let all = plan::days_down_to(now(), super::MAX_HISTORY);
        all.into_iter().filter(|day| *day >= from && to.is_none_or(|to| *day <= to)).collect()
    }

    /// Asks for every live day, and tells of each that came. A day that cannot be had does not keep back the others; returns why
    /// the first of them cannot.
    ///
    /// # Errors
    /// An order, or a fault of more than a day.
    pub fn live(
        &mut self,
        inbox: &mut Inbox,
        read: &FilesRead,
        mut came: impl FnMut(),
    ) -> Result<Option<Fault>, Stopped> {
        let begun = now();
        self.metrics.history_left(self.history_days().len());
        let mut first_fault = None;
        for day in self.live_days() {
            match self.day(day, inbox) {
                Ok(_) => came(),
                Err(Stopped::Fault(fault)) if fault.reason.is_of_one_day() => {
                    first_fault = first_fault.or(Some(fault))
                }
                Err(stopped) => return Err(stopped),
            }
        }
        if first_fault.is_none() {
            self.metrics.asked_for(self.live_days().last().map_or(begun, |day| day.begins()), begun);
            self.metrics.succeeded_at(now());
            self.progress.last_success = now();
            self.save()?;
        }
        self.tidy(read)?;
        Ok(first_fault)
    }

    /// Asks for the newest of the older days that are left; whether there was one. A day that cannot be had has its
    /// next turn after all others.
    ///
    /// # Errors
    /// As [`Collector::live`].
    pub fn history(&mut self, inbox: &mut Inbox) -> Result<bool, Stopped> {
        let left = self.history_days();
        if left.iter().all(|day| self.failed.contains(day)) {
            self.failed.clear();
        }
        let Some(day) = left.iter().find(|day| !self.failed.contains(day)) else { return Ok(false) };
        self.failed.insert(*day);
        self.day(*day, inbox)?;
        self.failed.remove(day);
        self.metrics.history_left(left.len() - 1);
        if left.len() == 1 {
            info!(source = %self.options.source, oldest = %day, "the history is whole");
        }
        Ok(true)
    }

    /// Asks for one day to its end. What came before an end that was none is kept, but the day counts as not asked for.
    ///
    /// # Errors
    /// As [`Collector::live`].
    pub fn day(&mut self, day: Day, inbox: &mut Inbox) -> Result<Window, Stopped> {
        // What appears while it is being asked for may have been passed by.
        let begun = now();
        let oldest_live = self.live_days().last().copied().unwrap_or(day);
        let is_known = self.spool.begin(day, oldest_live).map_err(|error| storage(&self.options, &error))?;
        let mut window = Window { day, pages: 0, new: 0, known: 0, changed: 0, odd: 0 };
        if is_known {
            let ended = self.pages(&mut window, inbox);
            let committed = self.spool.commit().map_err(|error| storage(&self.options, &error));
            ended?;
            committed?;
        } else {
            self.pass_by(day);
        }
        if window.changed > 0 {
            let changed = window.changed;
            warn!(source = %self.options.source, %day, changed, "Microsoft changed rows that were collected before");
        }
        let odd = window.odd;
        if odd > 0 && self.odd.insert(day, odd) != Some(odd) {
            warn!(source = %self.options.source, %day, odd, "Microsoft's pages hold something that is no row; it is left out");
        }
        let asked = &mut self.progress.asked;
        // A day that somebody asked for by hand does not make those after it due.
        if plan::is_due(day, begun, &self.options.times, asked) {
            asked.since = Some(asked.since.map_or(day, |since| since.min(day)));
        }
        asked.at.insert(day, begun);
        self.save()?;
        Ok(window)
    }

    /// Its prints were made once it was settled: all its rows were counted, and would count again as new. To miss what
    /// Microsoft may have added since is the lesser fault, and neither holds up the other days.
    fn pass_by(&mut self, day: Day) {
        if self.told.insert(day) {
            let file = self.spool.prints_of(day);
            warn!(
                source = %self.options.source, %day, file = %file.display(),
                "this file is damaged: it tells which calls of the day were counted, so the day is not asked for again; \
                 without the file it is, and its calls count once more"
            );
        }
    }

    /// Says which days went at Microsoft before they came here. That is known until the next save.
    fn forget_gone(&mut self) {
        let lost = self.progress.asked.forget_gone(now(), &self.options.times);
        if let (Some(first), Some(last)) = (lost.first(), lost.last()) {
            error!(
                source = %self.options.source, %first, %last, days = lost.len(),
                "the calls of these days are lost: they were not collected while Microsoft kept them, which is 150 days"
            );
        }
        self.progress.lost += lost.len();
        self.metrics.lost(self.progress.lost);
    }

    fn pages(&mut self, window: &mut Window, inbox: &mut Inbox) -> Result<(), Stopped> {
        let mut url = self.graph.first_page(window.day);
        let mut seen = HashSet::new();
        loop {
            let page = self.graph.page(&url, inbox)?;
            window.pages += 1;
            for row in &page.rows {
                let seen = self.spool.add(window.day, row).map_err(|error| {
                    self.spool.abandon();
                    storage(&self.options, &error)
                })?;
                match seen {
                    Seen::New => window.new += 1,
                    Seen::Known => window.known += 1,
                    Seen::Changed => window.changed += 1,
                }
                self.metrics.row(seen.label());
            }
            for _ in 0..page.odd {
                window.odd += 1;
                self.metrics.row("odd");
            }
            self.metrics.page();
            if window.pages.is_multiple_of(PAGES_A_FILE) {
                self.spool.commit().map_err(|error| storage(&self.options, &error))?;
            }
            let Some(next) = page.next else { return Ok(()) };
            let leads_back = !seen.insert(std::mem::replace(&mut url, next)) || seen.contains(&url);
            if leads_back || window.pages >= MAX_PAGES {
                let what = if leads_back { "leads back" } else { "is not the last" };
                let message = format!("the pages of {} do not end: page {} {what}", window.day, window.pages);
                return Err(Fault::new(Reason::Answer, message).into());
            }
        }
    }

    fn tidy(&mut self, read: &FilesRead) -> Result<(), Stopped> {
        let times = self.options.times;
        let asked = &self.progress.asked;
        let is_over = |day| plan::is_over(day, now(), &times, asked);
        // The oldest day that can be asked for also looks at the one before.
        let forget = plan::oldest_kept(now()).previous();
        let tidied = self.spool.tidy(times.keep, is_over, forget, read);
        let (files, bytes) = tidied.map_err(|error| storage(&self.options, &error))?;
        self.metrics.spool(files, bytes);
        Ok(())
    }

    /// Only after an answer of Microsoft's: TLS takes none under a clock that is years ahead.
    fn save(&mut self) -> Result<(), Fault> {
        self.forget_gone();
        self.progress.save().map_err(|error| storage(&self.options, &error))
    }
}

impl Seen {
    /// The label `result`.
    fn label(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Known => "known",
            Self::Changed => "changed",
        }
    }
}

fn storage(options: &Options, error: &std::io::Error) -> Fault {
    Fault::new(Reason::Storage, format!("{}: {error}", options.folder.display()))
}
