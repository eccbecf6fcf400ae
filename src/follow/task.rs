//! A turn of reading, which any thread may do.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::file::TURN_BYTES;
use crate::reading::{Batch, Context, Reading, Turn, batch};
use crate::source::identity::FileId;
use crate::source::tail::TailError;

/// A turn of reading, for whoever has time. It owns what it needs.
#[derive(Debug)]
pub struct Task {
    pub file: FileId,
    pub(super) reading: Box<Reading>,
    pub(super) context: Context,
    /// How many bytes of the file are expected to be new.
    pub expected: u64,
    /// Whether its beginning is known: until then a copy of it would be taken for a new file.
    pub is_known: bool,
    pub work: Work,
}

/// What there is to do of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A turn of reading.
    Turn,
    /// Steps that take long, for which a turn or a look ahead waits.
    StepAhead,
}

/// What came of a file's turn.
#[derive(Debug)]
pub enum Given {
    /// This is to be read.
    Task(Task),
    /// There is nothing to read, now or any more.
    Nothing {
        /// Whether the file has been read to its end.
        caught_up: bool,
    },
}

/// A turn that was done.
#[derive(Debug)]
pub struct Done {
    pub file: FileId,
    /// `None` after a fault of the program.
    pub(super) reading: Option<Box<Reading>>,
    pub batch: Option<Batch>,
    pub(super) work: Work,
    pub(super) outcome: Result<Turn, TailError>,
}

impl Task {
    /// About how much memory what is read takes at most: a batch, and a record that is not whole.
    pub fn memory_bytes(&self) -> u64 {
        (batch::FULL_BYTES + self.reading.options().record_bytes) as u64
    }

    /// Whether single steps of it can take seconds, as those of an archive can.
    pub fn takes_long(&self) -> bool {
        self.reading.tail.is_archive()
    }

    /// Reads, however long a step takes.
    pub fn run(self) -> Done {
        self.caught(Self::read_on)
    }

    /// Reads, and leaves steps that take long to another task.
    pub fn run_short(self) -> Done {
        self.caught(Self::read_short)
    }

    /// A fault of the program ends this turn, and keeps no other file from being read.
    fn caught(self, read: impl FnOnce(Self) -> Done) -> Done {
        let file = self.file;
        let done = catch_unwind(AssertUnwindSafe(|| read(self)));
        done.unwrap_or_else(|_| Done {
            file,
            reading: None,
            batch: None,
            work: Work::Turn,
            outcome: Err(TailError::Fault),
        })
    }

    fn read_on(mut self) -> Done {
        if self.work == Work::StepAhead {
            self.reading.step_ahead();
            let Self { file, reading, work, .. } = self;
            return Done { file, reading: Some(reading), batch: None, work, outcome: Ok(Turn::More) };
        }
        self.reading.tail.leave_long_steps(false);
        let mut done = self.read_short();
        done.reading.iter_mut().for_each(|reading| reading.tail.leave_long_steps(true));
        done
    }

    fn read_short(self) -> Done {
        let Self { file, mut reading, context, expected, .. } = self;
        let outcome = match reading.turn(&context, Some(expected), TURN_BYTES) {
            // The next turn finds out how, or comes when the step was taken.
            Err(TailError::Rewritten | TailError::TakesLong) => Ok(Turn::More),
            outcome => outcome,
        };
        let batch = reading.take_batch();
        Done { file, reading: Some(reading), batch, work: Work::Turn, outcome }
    }
}
