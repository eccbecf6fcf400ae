//! The history as rows of the store: a row for each series and its number, a row for each minute with calls by number.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Cell, History, Minute, Series};
use crate::call::{CodePair, Direction, Outcome};
use crate::ledger::snapshot::Route;
use crate::ledger::store::Table;
use crate::ledger::stored::{DIRECTIONS, from_json, labelled, to_json};

/// Key of the table `history_series`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesKey {
    series: u32,
}

/// Its labels; what it does not have is left out.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredSeries<'a> {
    source: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    trunk: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    direction: Cow<'a, str>,
    outcome: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    cause: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    microsoft_code: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sip_code: Option<u16>,
}

/// Key of the table `history`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinuteKey {
    minute: Minute,
}

/// Calls by the number of their series.
pub type StoredMinute = BTreeMap<u32, u32>;

/// The number and the labels of a series, from its row.
///
/// # Errors
/// What is wrong with the row.
pub fn numbered(key: &str, value: &str) -> Result<(u32, Series), String> {
    let SeriesKey { series } = from_json(key)?;
    Ok((series, from_json::<StoredSeries<'_>>(value)?.series()?))
}

/// The row of a minute without the calls of these series, if it has any; nothing is left where it has no other.
///
/// # Errors
/// What is wrong with the row.
pub fn without(value: &str, gone: &BTreeSet<u32>) -> Result<Option<Option<String>>, String> {
    let mut calls: StoredMinute = from_json(value)?;
    let before = calls.len();
    calls.retain(|series, _| !gone.contains(series));
    Ok((calls.len() < before).then(|| (!calls.is_empty()).then(|| to_json(&calls))))
}

impl History {
    /// The rows that are other than in the store.
    pub fn changes(&self) -> impl Iterator<Item = (Table, String, Option<String>)> {
        let series = self.changed_series.iter().map(|number| {
            let value = self.minutes.series.get(number).map(|series| to_json(&StoredSeries::of(series)));
            (Table::HistorySeries, to_json(&SeriesKey { series: *number }), value)
        });
        let minutes = self.changed_minutes.iter().map(|minute| {
            let cells = self.minutes.hours.get(&(minute / super::MINUTES_OF_AN_HOUR));
            let calls = |cells: &Vec<Cell>| {
                to_json(&cells.iter().map(|cell| (cell.series, cell.calls)).collect::<StoredMinute>())
            };
            let value = cells.and_then(|hour| hour.get(minute)).map(calls);
            (Table::History, to_json(&MinuteKey { minute: *minute }), value)
        });
        series.chain(minutes)
    }

    /// The changes are written.
    pub fn settle(&mut self) {
        self.changed_series.clear();
        self.changed_minutes.clear();
    }

    /// Takes a series from the store.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub fn restore_series(&mut self, key: &str, value: &str) -> Result<(), String> {
        let (number, series) = numbered(key, value)?;
        if self.numbers.insert(series.clone(), number).is_some() {
            return Err(format!("series {number} has another number too"));
        }
        Arc::make_mut(&mut self.minutes.series).insert(number, series);
        Ok(())
    }

    /// Takes a minute from the store; its series must be there.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub fn restore_minute(&mut self, key: &str, value: &str) -> Result<(), String> {
        let MinuteKey { minute } = from_json(key)?;
        let stored: StoredMinute = from_json(value)?;
        if let Some(series) = stored.keys().find(|series| !self.minutes.series.contains_key(series)) {
            return Err(format!("minute {minute} has calls of series {series}, which is not there"));
        }
        let cells: Vec<Cell> = stored.into_iter().map(|(series, calls)| Cell { series, calls }).collect();
        self.add_cells(minute, cells.into_iter());
        Ok(())
    }
}

impl<'a> StoredSeries<'a> {
    fn of(series: &'a Series) -> Self {
        let Series { route, outcome, cause, codes } = series;
        Self {
            source: (&*route.source).into(),
            trunk: (&*route.trunk).into(),
            direction: route.direction.label().into(),
            outcome: outcome.label().into(),
            cause: (&**cause).into(),
            microsoft_code: codes.microsoft,
            sip_code: codes.sip,
        }
    }

    fn series(self) -> Result<Series, String> {
        let outcome = Outcome::from_label(&self.outcome);
        let route = Route {
            source: (*self.source).into(),
            trunk: (*self.trunk).into(),
            direction: labelled(&self.direction, &DIRECTIONS, Direction::label)?,
        };
        Ok(Series {
            route: Arc::new(route),
            outcome: outcome.ok_or_else(|| format!("no outcome `{}`", self.outcome))?,
            cause: (*self.cause).into(),
            codes: CodePair { microsoft: self.microsoft_code, sip: self.sip_code },
        })
    }
}
