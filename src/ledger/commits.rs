//! How commits went, as a row of the store: what is shown of them must not fall at a restart, like all that is counted.

use serde::{Deserialize, Serialize};

use super::snapshot::Commits;
use super::store::Table;
use super::stored::{StoredHistogram, from_json, to_json};

/// The only key of the table.
const KEY: &str = "\"all\"";

#[derive(Serialize, Deserialize)]
struct StoredCommits {
    total: u64,
    failures: u64,
    duration: StoredHistogram,
}

impl Commits {
    /// Counts this commit; its duration follows with the next.
    pub(super) fn change(&self) -> (Table, String, Option<String>) {
        let Self { total, failures, duration, .. } = self;
        let stored =
            StoredCommits { total: total + 1, failures: *failures, duration: StoredHistogram::of(duration) };
        (Table::Commits, KEY.to_owned(), Some(to_json(&stored)))
    }

    /// Takes what the store holds.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub(super) fn restore(&mut self, value: &str) -> Result<(), String> {
        let StoredCommits { total, failures, duration } = from_json(value)?;
        let duration = duration.over(self.duration.bounds)?;
        *self = Self { total, failures, duration, ..Self::default() };
        Ok(())
    }
}
