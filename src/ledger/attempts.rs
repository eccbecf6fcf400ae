//! Calls of which more attempts may come: a branch or a dialled device writes a record of its own, and the call counts
//! once, when one was answered or when the others have had time to come.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::counts::stored::ARRIVALS;
use super::store::{Changes, Table};
use super::stored::{DIRECTIONS, from_json, labelled, to_json};
use super::{Applied, Ledger, SourceIndex};
use crate::call::{Arrival, Attempt, CodePair, Direction, Guid, Outcome, RecordId, UnixMillis, Unread};
use crate::reading::Batch;
use crate::reading::calls::Attempted;
use crate::reading::labels::LabelSet;

/// More calls than this do not wait: the oldest are then counted as they are. A few hundred bytes each.
const MAXIMUM_WAITING: usize = 100_000;

/// The calls of one source that wait.
#[derive(Debug)]
pub struct Attempts {
    /// Whether there is a store to keep them in.
    stored: bool,
    waiting: HashMap<RecordId, Waiting>,
    /// In the order in which they began to wait. Those that are there no more were decided meanwhile.
    order: VecDeque<(UnixMillis, RecordId)>,
    /// Those of which the store knows something else, if there is one.
    changed: HashSet<RecordId>,
}

#[derive(Debug, Clone)]
struct Waiting {
    since: UnixMillis,
    attempted: Attempted,
}

/// What is remembered, beside its id, of a call that was counted as not answered: an answer that comes after that counts too.
///
/// A counter cannot take the call back, and an answer that is not counted is worse than a call that is counted by both: many
/// devices write an attempt when its talk is over, so that in a failover every talk that lasts would be a failed call.
fn unanswered(id: RecordId) -> RecordId {
    RecordId(id.0 ^ 0x756e_616e_7377_6572_6564_0000_0000_0001)
}

/// The id under which such an answer counts, once.
fn late_answer(id: RecordId) -> RecordId {
    RecordId(id.0 ^ 0x6c61_7465_5f61_6e73_7765_7200_0000_0001)
}

/// What became of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub enum Added {
    /// It is the first of its call, which waits.
    Waits,
    /// Its call waits already.
    Joined,
    /// It was answered: nothing can change that. `was_waiting` says whether earlier attempts of the call were known.
    Decided { was_waiting: bool },
}

impl Attempts {
    /// None yet; `stored` if they are to be kept in a store.
    pub fn new(stored: bool) -> Self {
        Self { stored, waiting: HashMap::new(), order: VecDeque::new(), changed: HashSet::new() }
    }

    /// How many calls wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether more wait than may.
    pub fn are_too_many(&self) -> bool {
        self.waiting.len() > MAXIMUM_WAITING || self.order.len() > 2 * MAXIMUM_WAITING
    }

    /// Adds an attempt that was read now.
    pub fn add(&mut self, attempted: &Attempted, now: UnixMillis) -> Added {
        let id = attempted.id;
        if attempted.tried().is_answered() {
            let was_waiting = !self.waiting.is_empty() && self.remove(id).is_some();
            return Added::Decided { was_waiting };
        }
        self.change(id);
        match self.waiting.entry(id) {
            Entry::Occupied(mut waiting) => {
                let Waiting { attempted: earlier, .. } = waiting.get_mut();
                if attempted.tried().decides(earlier.tried()) {
                    *earlier = attempted.clone();
                }
                Added::Joined
            }
            Entry::Vacant(place) => {
                self.order.push_back((now, id));
                place.insert(Waiting { since: now, attempted: attempted.clone() });
                Added::Waits
            }
        }
    }

    fn remove(&mut self, id: RecordId) -> Option<Waiting> {
        let waiting = self.waiting.remove(&id)?;
        self.change(id);
        Some(waiting)
    }

    fn change(&mut self, id: RecordId) {
        if self.stored {
            self.changed.insert(id);
        }
    }

    /// Takes the calls that have waited for so long. After a step of the clock back nothing waits longer than before it.
    pub fn due(&mut self, within: Duration, now: UnixMillis) -> Vec<Attempted> {
        if self.order.len() > 2 * MAXIMUM_WAITING {
            let waiting = &self.waiting;
            self.order.retain(|(since, id)| waiting.get(id).is_some_and(|it| it.since == *since));
        }
        let within = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
        let mut due = Vec::new();
        while let Some((since, id)) = self.order.front().copied() {
            let waits = (0..within).contains(&now.0.saturating_sub(since.0));
            let are_too_many = self.waiting.len() > MAXIMUM_WAITING;
            if let Entry::Occupied(waiting) = self.waiting.entry(id)
                && waiting.get().since == since
            {
                if waits && !are_too_many {
                    break;
                }
                due.push(waiting.remove().attempted);
                self.change(id);
            }
            self.order.pop_front();
        }
        due
    }

    /// Takes a call from the store.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub fn restore(&mut self, id: u128, value: &str) -> Result<(), String> {
        let stored: StoredAttempt = from_json(value)?;
        let attempted = Attempted {
            id: RecordId(id),
            attempt: if stored.is_final { Attempt::Final } else { Attempt::Branch },
            labels: Arc::new(LabelSet {
                trunk: stored.trunk.into(),
                direction: labelled(&stored.direction, &DIRECTIONS, Direction::label)?,
                outcome: labelled(&stored.outcome, &Outcome::ALL, Outcome::label)?,
                arrival: labelled(&stored.arrival, &ARRIVALS, Arrival::label)?,
                cause: stored.cause.into(),
                codes: CodePair { microsoft: stored.microsoft_code, sip: stored.sip_code },
            }),
            ended_at: stored.ended_at.map(UnixMillis),
            duration_seconds: stored.duration_seconds,
            unread: Unread::default(),
            correlation_id: stored.correlation_id.and_then(|id| id.parse().ok()).map(Guid),
        };
        self.order.push_back((UnixMillis(stored.since), attempted.id));
        self.waiting.insert(attempted.id, Waiting { since: UnixMillis(stored.since), attempted });
        Ok(())
    }

    /// Adds what is other than in the store.
    pub fn changes(&self, source: &str, changes: &mut Changes) {
        changes.rows.extend(self.changed.iter().map(|id| {
            let key = AttemptKey { source: source.into(), call: id.0.to_string() };
            (Table::Attempts, to_json(&key), self.waiting.get(id).map(stored))
        }));
    }

    /// The changes are written.
    pub fn settle(&mut self) {
        self.changed.clear();
    }

    /// Calls from a store are in the order of their ids.
    pub fn restored(&mut self) {
        self.order.make_contiguous().sort_unstable_by_key(|(since, _)| *since);
    }
}

impl Ledger {
    /// Counts the calls of which no more attempts are to come; whether there were any.
    pub fn decide_attempts(&mut self, now: UnixMillis) -> bool {
        self.decide(|account| account.attempts.due(account.attempts_within, now), now)
    }

    /// Counts the calls that wait for more attempts: nothing more is to come.
    pub fn decide_all_attempts(&mut self, now: UnixMillis) {
        self.decide(|account| account.attempts.due(Duration::ZERO, now), now);
    }

    fn decide(&mut self, due: impl Fn(&mut Account) -> Vec<Attempted>, now: UnixMillis) -> bool {
        let mut decided = false;
        for source in (0..self.accounts.len()).map(SourceIndex) {
            let due = due(&mut self.accounts[source.0]);
            if !due.is_empty() {
                decided = true;
                self.apply_decided(source, &due, now);
            }
        }
        decided
    }

    /// Notes attempts. Returns what they come to, and those that decide their call.
    pub(super) fn add_attempts(
        &mut self,
        source: SourceIndex,
        attempts: &[Attempted],
        now: UnixMillis,
    ) -> (Applied, Vec<Attempted>) {
        let Account { attempts: waiting, duplicates, balance, .. } = &mut self.accounts[source.0];
        let were_known = duplicates.contain(attempts.iter().map(|attempted| attempted.id));
        // Nearly all decide their call.
        let mut decided = Vec::with_capacity(attempts.len());
        let (mut applied, mut ids) = (Applied::default(), HashSet::with_capacity(attempts.len()));
        for (attempted, was_known) in attempts.iter().zip(were_known) {
            if was_known || ids.contains(&attempted.id) {
                let late = late_answer(attempted.id);
                let is_late =
                    attempted.tried().is_answered() && duplicates.contains(unanswered(attempted.id));
                if is_late && !duplicates.contains(late) && ids.insert(late) {
                    applied.counted += 1;
                    balance.late_answers += 1;
                    decided.push(Attempted { id: late, ..attempted.clone() });
                } else {
                    applied.duplicate += 1;
                }
                continue;
            }
            let added = waiting.add(attempted, now);
            match added {
                Added::Waits | Added::Decided { was_waiting: false } => applied.counted += 1,
                Added::Joined | Added::Decided { was_waiting: true } => applied.joined += 1,
            }
            if matches!(added, Added::Decided { .. }) {
                ids.insert(attempted.id);
                decided.push(attempted.clone());
            }
        }
        // Of the attempts of a call one is counted, when it is decided; the others are no calls of their own.
        balance.read_records += applied.duplicate + applied.joined;
        balance.records.duplicate += applied.duplicate;
        balance.records.ignored += applied.joined;
        (applied, decided)
    }

    pub(super) fn apply_decided(&mut self, source: SourceIndex, decided: &[Attempted], now: UnixMillis) {
        let remembers = self.remembers(source);
        let batch = Batch::of_attempts(decided, now, remembers);
        if remembers {
            let unanswered =
                decided.iter().filter(|it| !it.tried().is_answered()).map(|it| unanswered(it.id));
            self.accounts[source.0].duplicates.insert_all(unanswered, now);
        }
        self.accounts[source.0].changed = true;
        self.accounts[source.0].balance.add(&batch);
        self.apply_calls(source, &batch, now);
    }
}

/// Key of the table `attempts`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttemptKey {
    pub source: String,
    /// The record id that the attempts share: 128 bits, more than a number of JSON holds everywhere.
    pub call: String,
}

/// A call that waits, as a row of the store.
#[derive(Serialize, Deserialize)]
struct StoredAttempt {
    since: i64,
    is_final: bool,
    trunk: String,
    direction: String,
    outcome: String,
    arrival: String,
    cause: String,
    microsoft_code: Option<u64>,
    sip_code: Option<u16>,
    ended_at: Option<i64>,
    duration_seconds: Option<u32>,
    /// 128 bits as text. Stores of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
}

fn stored(waiting: &Waiting) -> String {
    let Attempted { attempt, labels, ended_at, duration_seconds, correlation_id, .. } = &waiting.attempted;
    to_json(&StoredAttempt {
        since: waiting.since.0,
        is_final: *attempt == Attempt::Final,
        trunk: labels.trunk.to_string(),
        direction: labels.direction.label().to_owned(),
        outcome: labels.outcome.label().to_owned(),
        arrival: labels.arrival.label().to_owned(),
        cause: labels.cause.to_string(),
        microsoft_code: labels.codes.microsoft,
        sip_code: labels.codes.sip,
        ended_at: ended_at.map(|at| at.0),
        duration_seconds: *duration_seconds,
        correlation_id: correlation_id.map(|id| id.0.to_string()),
    })
}

#[cfg(test)]
mod tests;
