//! All that is shown of some files, however it is written: the calls that are meant, gathered.

use std::sync::Arc;

use clap::Args;

use super::apart;
use super::facts::Facts;
use super::group::{Axis, By, Grouping, Line, Sort};
use super::select::Choice;
use crate::call::Outcome;
use crate::cli::whole_number;
use crate::findings::{calls, capital, percent_of, thousands};
use crate::ledger::snapshot::Snapshot;
use crate::reading::origins::Origins;

/// How what was found is arranged
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "How it is shown")]
pub struct Arrangement {
    /// Show one table by these instead: cause, trunk, direction, side, hour, day, outcome;
    /// several with commas; or kind or country, with outcome or alone
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub by: Vec<By>,
    /// No more lines than this in a table; 0 is all. Without it 15 for people, all for programs
    #[arg(long, value_name = "NUMBER", value_parser = whole_number)]
    pub top: Option<usize>,
    /// The order of lines; by hour and day it is that of time if it is not said
    #[arg(long, value_name = "ORDER")]
    pub sort: Option<Sort>,
}

/// So many lines of a table people look through.
const LINES_FOR_PEOPLE: usize = 15;

/// What is shown.
pub struct View {
    pub snapshot: Arc<Snapshot>,
    pub choice: Choice,
    pub facts: Facts,
    /// The columns of bars.
    pub axis: Axis,
    pub causes: Vec<Line>,
    pub trunks: Vec<Line>,
    /// By what was asked for, and the lines.
    pub asked: Option<(Vec<By>, Vec<Line>)>,
    pub outcomes: Vec<Line>,
    /// Where the Microsoft codes of failed calls come from.
    pub origins: Origins,
    pub sort: Sort,
    pub top: usize,
}

impl View {
    /// What is shown of a snapshot, bars with so many columns.
    ///
    /// # Errors
    /// Which text is no time, or what cannot stand together.
    pub fn of(
        snapshot: Arc<Snapshot>,
        choice: &Choice,
        arrangement: &Arrangement,
        bar_columns: i64,
    ) -> Result<Self, String> {
        let facts = Facts::of(&snapshot, choice)?;
        let axis = Axis::over(facts.tallies.span().unwrap_or((0, 1)), bar_columns);
        let lines_of = |choice: &Choice, by: &[By], sort: Sort| {
            let grouping = Grouping { by, sort, axis, choice, catalogue: &snapshot.catalogue };
            grouping.lines(&facts)
        };
        let lines = |by: &[By], sort: Sort| lines_of(choice, by, sort);
        let sort = arrangement.sort.unwrap_or(Sort::Failed);
        let by = &arrangement.by;
        let is_of_time = by.iter().any(|by| matches!(by, By::Hour | By::Day));
        let sort_asked = arrangement.sort.unwrap_or(if is_of_time { Sort::Name } else { Sort::Failed });
        let apart = apart::lines(by, sort_asked, choice, &snapshot)?;
        let (causes, trunks) = (lines(&[By::Cause], sort), lines(&[By::Trunk], sort));
        let asked = (!by.is_empty()).then(|| (by.clone(), apart.unwrap_or_else(|| lines(by, sort_asked))));
        let outcomes = lines_of(&choice.with_outcomes(&[]), &[By::Outcome], Sort::Attempts);
        let top = arrangement.top.unwrap_or(LINES_FOR_PEOPLE);
        let top = if top == 0 { usize::MAX } else { top };
        let origins = Origins::default();
        Ok(Self {
            choice: choice.clone(),
            axis,
            causes,
            trunks,
            asked,
            outcomes,
            sort,
            top,
            facts,
            snapshot,
            origins,
        })
    }

    /// Whether records had Microsoft's number of this cause, or it follows from them, or it is absent.
    pub fn origin(&self, line: &Line) -> &'static str {
        line.cause.as_ref().map_or("absent", |(cause, codes)| self.origins.of(cause, *codes))
    }

    /// Whether that is worth saying: records of Microsoft's own have every number.
    pub fn tells_origins(&self) -> bool {
        self.causes.iter().any(|line| self.origin(line) != "reported")
    }

    /// What the part of the attempts is that is told of: the header of its numbers.
    pub fn part(&self) -> String {
        if self.choice.is_by_outcome() {
            capital(&self.choice.outcomes_in_words())
        } else {
            "Failed".to_owned()
        }
    }

    /// How many calls failed of how many, in one sentence; where some failures are chosen, how many of all that failed.
    pub fn headline(&self) -> String {
        let found = &self.facts.findings;
        if self.is_none_chosen() {
            return match self.read() {
                1 => "The one call that was read is not chosen.".to_owned(),
                read => format!("None of the {} that were read is chosen.", calls(read)),
            };
        }
        let all = self.outcome(Outcome::Failed.label());
        if self.choice.has_other_outcomes() {
            let chosen = Outcome::ALL.into_iter().filter(|outcome| self.choice.has_outcome(*outcome));
            let chosen: u64 = chosen.map(|outcome| self.outcome(outcome.label())).sum();
            let share = percent_of(chosen, self.calls());
            return format!("{}: {} of {} ({share}).", self.part(), thousands(chosen), calls(self.calls()));
        }
        if !self.choice.has_only_some_failures() || all == 0 {
            return found.headline();
        }
        let (failed, attempts) = (thousands(all), calls(found.attempts));
        match found.failed {
            0 => format!("No failed call is of this choice; {failed} of {attempts} failed."),
            chosen => format!(
                "{} of the {failed} failed calls are of this choice, {} of {attempts}.",
                thousands(chosen),
                percent_of(chosen, found.attempts)
            ),
        }
    }

    /// How many calls had this outcome.
    pub fn outcome(&self, label: &str) -> u64 {
        self.outcomes.iter().find(|line| line.keys == [label]).map_or(0, |line| line.calls)
    }

    /// All calls that were read, meant or not.
    fn read(&self) -> u64 {
        self.snapshot.calls.iter().map(|series| series.count).sum()
    }

    /// Whether calls were read, and none of them is meant.
    pub fn is_none_chosen(&self) -> bool {
        self.read() > 0 && self.calls() == 0 && !self.choice.is_of_all()
    }

    /// All calls that are meant.
    pub fn calls(&self) -> u64 {
        self.outcomes.iter().map(|line| line.calls).sum()
    }
}
