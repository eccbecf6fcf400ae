//! What is counted of a source beside its calls: records by what became of them, and by how much calls differ from those.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::FileEvent;
use super::snapshot::{Histogram, RecordCounts};
use super::stored::{StoredHistogram, from_json, labelled, to_json};
use super::tallies::StoredTallies;
use crate::call::{Reason, UnixMillis, UnreadField};
use crate::reading::sums::AGE_SECONDS;
use crate::reading::tallies::Tallies;
use crate::reading::{Batch, Records};

/// By how much the calls of a source are meant to differ from the records that were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Apart {
    /// Calls beyond the first of records that stand for several.
    #[serde(default)]
    pub further_calls: u64,
    /// Calls whose series `state forget` took out.
    #[serde(default)]
    pub forgotten_calls: u64,
    /// Failed calls of which it took out the cause and left the call.
    #[serde(default)]
    pub forgotten_causes: u64,
}

/// What is counted of a source.
#[derive(Debug)]
pub struct Balance {
    pub created: UnixMillis,
    pub remember: Duration,
    pub read_records: u64,
    pub records: RecordCounts,
    /// In the order of [`Reason::ALL`].
    pub rejected: [u64; Reason::ALL.len()],
    pub read_bytes: u64,
    pub events: [u64; FileEvent::ALL.len()],
    pub call_age: Histogram,
    pub newest_call: Option<UnixMillis>,
    pub series_overflow: u64,
    /// Calls that were counted as not answered, and again when an answer came.
    pub late_answers: u64,
    pub apart: Apart,
    /// In the order of [`UnreadField::ALL`].
    pub unread: [u64; UnreadField::ALL.len()],
    pub tallies: Tallies,
}

impl Balance {
    /// Nothing counted yet.
    pub fn new(remember: Duration, created: UnixMillis) -> Self {
        Self {
            created,
            remember,
            read_records: 0,
            records: RecordCounts::default(),
            rejected: Default::default(),
            read_bytes: 0,
            events: Default::default(),
            call_age: Histogram::new(AGE_SECONDS),
            newest_call: None,
            series_overflow: 0,
            late_answers: 0,
            apart: Apart::default(),
            unread: Default::default(),
            tallies: Tallies::default(),
        }
    }

    /// Adds a batch, without its calls.
    pub fn add(&mut self, batch: &Batch) {
        let Records { calls, header, ignored, rejected } = batch.records;
        self.read_bytes += batch.read_bytes;
        // An attempt is booked when it is known what became of it.
        self.read_records += calls - batch.attempts.len() as u64 + header + ignored + rejected;
        self.records.header += header;
        self.records.ignored += ignored;
        self.records.rejected += rejected;
        self.rejected.iter_mut().zip(batch.rejected_by_reason).for_each(|(own, count)| *own += count);
    }
}

/// A [`Balance`] as a row of the store.
#[derive(Serialize, Deserialize)]
struct StoredBalance {
    created: i64,
    remember_seconds: u64,
    read_records: u64,
    #[serde(with = "StoredRecordCounts")]
    records: RecordCounts,
    /// By reason.
    rejected: BTreeMap<String, u64>,
    read_bytes: u64,
    /// By event.
    file_events: BTreeMap<String, u64>,
    call_age: StoredHistogram,
    newest_call: Option<i64>,
    series_overflow: u64,
    /// Stores of earlier versions have none.
    #[serde(default)]
    late_answers: u64,
    #[serde(default)]
    apart: Apart,
    /// By field. Stores of earlier versions have none.
    #[serde(default)]
    unread_fields: BTreeMap<String, u64>,
    #[serde(default, flatten)]
    tallies: StoredTallies,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "RecordCounts")]
struct StoredRecordCounts {
    counted: u64,
    duplicate: u64,
    header: u64,
    ignored: u64,
    rejected: u64,
}

impl Balance {
    /// That of a row of the store.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub fn restore(value: &str) -> Result<Self, String> {
        let stored: StoredBalance = from_json(value)?;
        let remember = Duration::from_secs(stored.remember_seconds);
        let mut balance = Balance::new(remember, UnixMillis(stored.created));
        for (reason, count) in stored.rejected {
            balance.rejected[labelled(&reason, &Reason::ALL, Reason::label)? as usize] = count;
        }
        for (event, count) in stored.file_events {
            balance.events[labelled(&event, &FileEvent::ALL, FileEvent::label)? as usize] = count;
        }
        for (field, count) in stored.unread_fields {
            balance.unread[labelled(&field, &UnreadField::ALL, UnreadField::label)? as usize] = count;
        }
        balance.read_records = stored.read_records;
        balance.records = stored.records;
        balance.read_bytes = stored.read_bytes;
        balance.call_age = stored.call_age.over(AGE_SECONDS)?;
        balance.newest_call = stored.newest_call.map(UnixMillis);
        balance.series_overflow = stored.series_overflow;
        (balance.late_answers, balance.apart) = (stored.late_answers, stored.apart);
        balance.tallies = stored.tallies.read()?;
        Ok(balance)
    }

    /// The row of the store.
    pub fn to_json(&self) -> String {
        let events = FileEvent::ALL.map(|event| (event.label().to_owned(), self.events[event as usize]));
        to_json(&StoredBalance {
            created: self.created.0,
            remember_seconds: self.remember.as_secs(),
            read_records: self.read_records,
            records: self.records,
            rejected: Reason::ALL
                .map(|reason| (reason.label().to_owned(), self.rejected[reason as usize]))
                .into(),
            read_bytes: self.read_bytes,
            file_events: events.into(),
            call_age: StoredHistogram::of(&self.call_age),
            newest_call: self.newest_call.map(|at| at.0),
            series_overflow: self.series_overflow,
            late_answers: self.late_answers,
            apart: self.apart,
            unread_fields: UnreadField::ALL
                .map(|field| (field.label().to_owned(), self.unread[field as usize]))
                .into(),
            tallies: StoredTallies::of(&self.tallies),
        })
    }
}
