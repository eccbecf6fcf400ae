//! Calls of which more attempts may come: a branch or a dialled device writes a record of its own, and the call counts
//! once, when one was answered or when the others have had time to come.

mod waiting;

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashSet;
use serde::{Deserialize, Serialize};

use self::waiting::{Queue, Waiting};
use super::account::Account;
use super::counts::stored::ARRIVALS;
use super::duplicates::Duplicates;
use super::store::{Changes, Table};
use super::stored::{DIRECTIONS, from_json, labelled, to_json};
use super::{Applied, Ledger, SourceIndex};
use crate::call::{Arrival, Attempt, CodePair, Direction, Outcome, RecordId, UnixMillis, Unread};
use crate::reading::Batch;
use crate::reading::calls::Attempted;
use crate::reading::labels::LabelSet;

/// More calls than this do not wait: the oldest are then counted as they are. A few hundred bytes each.
const MAXIMUM_WAITING: usize = 100_000;

/// So many are decided in one step: more would take memory of their own for nothing.
const DECIDED_AT_ONCE: usize = 4096;

/// The calls of one source that wait.
#[derive(Debug)]
pub struct Attempts {
    /// Whether there is a store to keep them in.
    stored: bool,
    waiting: Queue,
    /// Those of which the store knows something else, if there is one.
    changed: HashSet<RecordId>,
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
        Self { stored, waiting: Queue::default(), changed: HashSet::new() }
    }

    /// How many calls wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether more wait than may.
    pub fn are_too_many(&self) -> bool {
        self.waiting.len() > MAXIMUM_WAITING || self.waiting.places() > 2 * MAXIMUM_WAITING
    }

    /// Adds an attempt that was read now.
    pub fn add(&mut self, attempted: &Attempted, now: UnixMillis) -> Added {
        let id = attempted.id;
        if attempted.tried().is_answered() {
            let was_waiting = !self.waiting.is_empty() && self.waiting.remove(id);
            if was_waiting {
                self.change(id);
            }
            return Added::Decided { was_waiting };
        }
        self.change(id);
        let waiting = || Waiting { since: now, attempted: attempted.clone() };
        let Some(earlier) = self.waiting.get_or_push(id, waiting) else { return Added::Waits };
        if attempted.tried().decides(earlier.attempted.tried()) {
            earlier.attempted = attempted.clone();
        }
        Added::Joined
    }

    fn change(&mut self, id: RecordId) {
        if self.stored {
            self.changed.insert(id);
        }
    }

    /// Takes calls that have waited for so long, some at once. After a step of the clock back nothing waits longer than before it.
    pub fn due(&mut self, within: Duration, now: UnixMillis) -> Vec<Attempted> {
        let within = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
        let waits = |since: UnixMillis| (0..within).contains(&now.0.saturating_sub(since.0));
        let mut due: Vec<Attempted> = Vec::new();
        while due.len() < DECIDED_AT_ONCE
            && let Some(first) = self.waiting.front()
            && (self.waiting.len() > MAXIMUM_WAITING || !first.is_some_and(|it| waits(it.since)))
        {
            due.extend(self.waiting.pop_front().map(|it| it.attempted));
        }
        due.iter().for_each(|attempted| self.change(attempted.id));
        if self.waiting.places() > 2 * MAXIMUM_WAITING {
            self.waiting.close_ranks();
        }
        due
    }

    /// Takes the calls that ended so long ago, or nobody knows when.
    fn ended_before(&mut self, before: UnixMillis) -> Vec<Attempted> {
        let past = self.waiting.take_if(|it| it.attempted.ended_at.is_none_or(|at| at < before));
        past.iter().for_each(|attempted| self.change(attempted.id));
        past
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
            correlation_id: stored.correlation_id.and_then(|id| id.parse().ok()),
        };
        self.waiting.get_or_push(attempted.id, || Waiting { since: UnixMillis(stored.since), attempted });
        Ok(())
    }

    /// Adds what is other than in the store.
    pub fn changes(&self, source: &str, changes: &mut Changes) {
        changes.rows.extend(self.changed.iter().map(|id| {
            let key = AttemptKey { source: source.into(), call: id.0.to_string() };
            (Table::Attempts, to_json(&key), self.waiting.get(*id).map(stored))
        }));
    }

    /// The changes are written.
    pub fn settle(&mut self) {
        self.changed.clear();
    }

    /// Calls from a store are in the order of their ids.
    pub fn restored(&mut self) {
        self.waiting.sort();
    }
}

impl Ledger {
    /// Counts the calls of which no attempt came in time, where all was read until then; whether there were any.
    pub fn decide_attempts(&mut self, source: SourceIndex, read: UnixMillis, now: UnixMillis) -> bool {
        self.decide(source, |account| account.attempts.due(account.attempts_within, read), now)
    }

    /// Counts the oldest calls where more wait than may.
    pub(super) fn decide_surplus(&mut self, source: SourceIndex, now: UnixMillis) {
        self.decide(source, |account| account.attempts.due(Duration::MAX, now), now);
    }

    /// Counts the calls of the past: all of their attempts are read with the files that are present at the very first start, of which
    /// nothing may come later, or it would show as an increase.
    pub fn decide_past_attempts(&mut self, now: UnixMillis) {
        for source in (0..self.accounts.len()).map(SourceIndex) {
            let attempts_within = self.accounts[source.0].attempts_within.as_millis();
            let before = now.0.saturating_sub(i64::try_from(attempts_within).unwrap_or(i64::MAX));
            let past = self.accounts[source.0].attempts.ended_before(UnixMillis(before));
            if !past.is_empty() {
                self.count_due(source, past, now);
            }
        }
    }

    /// Counts the calls that wait for more attempts: nothing more is to come.
    pub fn decide_all_attempts(&mut self, now: UnixMillis) {
        for source in (0..self.accounts.len()).map(SourceIndex) {
            self.decide(source, |account| account.attempts.due(Duration::ZERO, now), now);
        }
    }

    fn decide(
        &mut self,
        source: SourceIndex,
        due: impl Fn(&mut Account) -> Vec<Attempted>,
        now: UnixMillis,
    ) -> bool {
        let mut decided = false;
        loop {
            let due = due(&mut self.accounts[source.0]);
            if due.is_empty() {
                return decided;
            }
            decided = true;
            self.count_due(source, due, now);
        }
    }

    /// Counts calls that waited, each by the attempt that decides it, and remembers that none of them was answered.
    fn count_due(&mut self, source: SourceIndex, mut due: Vec<Attempted>, now: UnixMillis) {
        if self.remembers(source) {
            let Account { duplicates, balance, .. } = &mut self.accounts[source.0];
            let ids = due.iter().flat_map(|it| [it.id, unanswered(it.id)]);
            let mut are_new = duplicates.insert_all(ids, now).into_iter().step_by(2);
            let all = due.len();
            // A record that says it is the only one of its call may have come meanwhile.
            due.retain(|_| are_new.next() == Some(true));
            let known = (all - due.len()) as u64;
            balance.read_records += known;
            balance.records.duplicate += known;
        }
        self.apply_decided(source, &Batch::of_attempts(&due, true, now), now);
    }

    /// Counts the attempts that decide their calls, each once; the others wait.
    pub(super) fn apply_attempts(&mut self, source: SourceIndex, read: &Batch, now: UnixMillis) -> Applied {
        let remembers = self.remembers(source);
        let (attempts, keeps_families) = (&read.attempts, read.calls.all().keeps_families);
        let Account { attempts: waiting, duplicates, balance, .. } = &mut self.accounts[source.0];
        // Where no ids are remembered, a call counts once in a batch.
        let mut of_batch = Duplicates::new(false);
        let known = if remembers { duplicates } else { &mut of_batch };
        let ids = attempts.iter().map(|attempted| (attempted.id, attempted.tried().is_answered()));
        let are_new = known.insert_some(ids, now);
        let mut applied = Applied::default();
        let mut decides = |attempted: &Attempted, is_new: bool| {
            if !is_new {
                let is_late = is_late_answer(known, attempted, now);
                balance.late_answers += u64::from(is_late);
                *(if is_late { &mut applied.counted } else { &mut applied.duplicate }) += 1;
                return is_late;
            }
            let added = waiting.add(attempted, now);
            match added {
                Added::Waits | Added::Decided { was_waiting: false } => applied.counted += 1,
                Added::Joined | Added::Decided { was_waiting: true } => applied.joined += 1,
            }
            matches!(added, Added::Decided { .. })
        };
        let decided = attempts.iter().zip(are_new).filter(|(attempted, is_new)| decides(attempted, *is_new));
        let decided = Batch::of_attempts(decided.map(|(attempted, _)| attempted), keeps_families, now);
        // Of the attempts of a call one is counted, when it is decided; the others are no calls of their own.
        balance.read_records += applied.duplicate + applied.joined;
        balance.records.duplicate += applied.duplicate;
        balance.records.ignored += applied.joined;
        if decided.records.calls > 0 {
            self.apply_decided(source, &decided, now);
        }
        applied
    }

    /// Counts calls by the attempts that decided them, whose ids are remembered already.
    fn apply_decided(&mut self, source: SourceIndex, decided: &Batch, now: UnixMillis) {
        self.accounts[source.0].changed = true;
        self.accounts[source.0].balance.add(decided);
        self.apply_calls(source, decided, now);
    }
}

/// Whether an attempt of a call that is known is its answer, which comes late and counts once. Any other comes again, and its call is
/// remembered from now on.
fn is_late_answer(known: &mut Duplicates, attempted: &Attempted, now: UnixMillis) -> bool {
    let id = attempted.id;
    if attempted.tried().is_answered() {
        return known.contains(unanswered(id)) && known.insert(late_answer(id), now);
    }
    known.insert(id, now);
    false
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
        correlation_id: correlation_id.map(|id| id.to_string()),
    })
}

#[cfg(test)]
mod tests;
