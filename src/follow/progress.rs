//! How a file fares: how far it was read, what is to come, and what people are shown of it.

use super::decide::State;
use super::file::{File, Hand};
use crate::clock::Moment;
use crate::ledger::Decision;
use crate::ledger::status::FileStatus;
use crate::reading::Content;

/// How far reading came, as people are shown it; known also while the reading is with a worker.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    pub format: Option<&'static str>,
    pub position: u64,
    pub read_bytes: u64,
    /// Taken in, and not counted yet.
    pub held_bytes: u64,
    pub error: Option<&'static str>,
}

/// Said of a file that waits because it may be a copy of which the end is missing.
const UNCLEAR: &str = "begins like a file that was read, which cannot be compared any more, and is shorter than it: counts once it is \
                       longer; let ids be remembered (`remember`) to have it counted at once";

impl File {
    /// Notes how far reading came.
    pub fn note_progress(&mut self) {
        if let Hand::Reading(reading) = &self.hand {
            self.progress = Progress {
                format: reading.format().map(|format| format.name),
                position: reading.position(),
                read_bytes: reading.tail.read_bytes(),
                held_bytes: reading.tail.held_bytes() + reading.passed_over_bytes(),
                error: reading.unrecognised(),
            };
        }
    }

    /// Reading has not begun, or begins anew.
    pub fn forget_progress(&mut self) {
        self.progress = Progress::default();
    }

    /// How many bytes of the file were taken in.
    pub fn read_bytes(&self) -> u64 {
        self.progress.read_bytes
    }

    /// How many bytes of the file are expected to be new.
    pub fn expected(&self) -> u64 {
        self.look.size.saturating_sub(self.progress.read_bytes)
    }

    /// Bytes of the file that are not counted.
    pub fn pending_bytes(&self) -> u64 {
        match self.state {
            State::Foreign | State::Ignored(_) => 0,
            // All of a copy was read before. Of what cannot be compared any more, nothing counts yet.
            State::CutCopy(_) if self.is_copy => 0,
            State::CutCopy(_) => self.look.size,
            _ => self.expected() + self.progress.held_bytes,
        }
    }

    /// The value of the `state` label.
    pub fn label(&self) -> &'static str {
        self.state.label(!self.is_waiting() && !self.is_away())
    }

    /// Whether it waits for more, or for the time after which no more will come.
    pub fn awaits_more(&self) -> bool {
        !self.state.is_read() || self.reading().is_some_and(|reading| reading.tail.held_bytes() > 0)
    }

    /// Gives back the memory of unpacking, for others; it is unpacked again if there is more to read. Only where it reads
    /// nothing now, or waits for others before it does.
    pub fn shed(&mut self) {
        let reads_now = self.is_waiting() && self.state != State::Probing;
        if let Hand::Reading(reading) = &mut self.hand
            && !reads_now
        {
            reading.tail.shed();
        }
    }

    /// Gives back the memory that reading on needs and waiting does not.
    pub fn rest(&mut self) {
        if let Hand::Reading(reading) = &mut self.hand {
            reading.rest();
        }
    }

    /// How it fares. `known` is what is known of it until it is opened, `refusal` why the system does not let us read it.
    pub fn status(
        &self,
        source: &str,
        known: Option<&Content>,
        refusal: Option<&String>,
        now: Moment,
    ) -> FileStatus {
        let error = match self.state {
            State::Unreadable(..) => refusal.cloned(),
            State::Foreign => self.progress.error.map(str::to_owned),
            State::Ignored(reason) => Some(reason.to_owned()),
            State::CutCopy(_) if !self.is_copy => Some(UNCLEAR.to_owned()),
            _ => self.missing(),
        };
        let (decision, decided_at) = self.decision.map(Decision::shown).unzip();
        let has_begun = !matches!(self.hand, Hand::Nothing | Hand::Descriptor(_));
        let records = known.and_then(|content| content.records);
        let known_format = known.map(|content| content.format.clone().into());
        FileStatus {
            source: source.to_owned(),
            path: self.path.to_string_lossy().into_owned(),
            state: self.label().into(),
            format: self.progress.format.map(Into::into).or(known_format),
            position: match known {
                Some(content) if !has_begun => content.position,
                _ => self.progress.position,
            },
            size: self.look.size,
            bytes_behind: Some(self.pending_bytes()),
            bytes_per_second: Some(self.rate.per_second(now.steady)),
            rejected: records.map(|records| records.rejected),
            ignored: records.map(|records| records.ignored),
            error,
            decision,
            decided_at,
        }
    }
}
