//! The newest calls one by one, where somebody asks for them: nothing else needs a call after it is counted.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt;

use super::deciding::Tried;
use super::labels::LabelSet;
use crate::call::{Attempt, Call, CodePair, Outcome, RecordId, UnixMillis};

/// Which calls are listed.
pub struct Listing {
    /// The newest so many.
    pub limit: usize,
    /// Whether such a call is meant.
    #[expect(clippy::type_complexity, reason = "a closure of two values")]
    pub is_meant: Box<dyn Fn(&LabelSet, Option<UnixMillis>) -> bool + Send + Sync>,
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// One call. It has nothing of the record that could be a person's.
#[derive(Debug, Clone)]
pub struct Listed {
    pub id: RecordId,
    pub attempt: Attempt,
    pub labels: LabelSet,
    /// Also those of a call that did not fail, a Microsoft code that follows from its record among them.
    pub codes: CodePair,
    pub ended_at: Option<UnixMillis>,
    pub duration_seconds: Option<u32>,
    /// How many calls the record stands for.
    pub calls: u64,
    /// Offset of its record in the file's text.
    pub position: u64,
}

impl Listed {
    /// A call that counts under these labels, and which the catalogue gives these codes.
    pub fn of(call: &Call<'_>, labels: &LabelSet, codes: CodePair, position: u64) -> Self {
        let is_failed = labels.outcome == Outcome::Failed;
        let codes = if is_failed { labels.codes } else { codes.without_numbers() };
        Self {
            id: call.record_id,
            attempt: call.attempt,
            labels: labels.clone(),
            codes,
            ended_at: call.ended_at,
            duration_seconds: call.duration_seconds,
            calls: call.detail.calls(),
            position,
        }
    }

    /// By what it may decide its call.
    pub fn tried(&self) -> Tried {
        Tried { outcome: self.labels.outcome, attempt: self.attempt, ended_at: self.ended_at }
    }
}

/// Keeps the newest of them, each record once.
pub fn newest<T>(calls: &mut Vec<T>, limit: usize, call: impl Fn(&T) -> &Listed) {
    calls.sort_by_key(|it| Reverse((call(it).ended_at, call(it).position)));
    let mut seen = HashSet::new();
    calls.retain(|it| seen.insert(call(it).id.0));
    calls.truncate(limit);
}
