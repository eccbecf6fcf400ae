//! Where reading a file begins: at its beginning, or behind text that was read before under another name.

use tracing::info;

use super::around::{Around, Surroundings};
use super::decide::{Action, Original, Own, Seen, State};
use super::file::{File, Hand, TURN_BYTES};
use crate::clock::Moment;
use crate::ledger::{FileEvent, Holder, Match};
use crate::reading::{Compared, Passed, Reading, Turn};
use crate::source::identity::FileId;
use crate::source::memory::Memory;
use crate::source::tail::TailError;

impl File {
    /// Finds out where reading begins; `None` once that is known, else what the turn came to.
    pub fn find_origin(
        &mut self,
        id: FileId,
        around: &mut Around<'_>,
        others: &mut Surroundings<'_>,
    ) -> Result<Option<Turn>, TailError> {
        if matches!(self.state, State::Probing | State::AwaitingOriginals) {
            let seen = self.look_at_beginning(id, around)?;
            self.decide(seen);
            if self.state == State::Probing {
                return Ok(Some(Turn::CaughtUp));
            }
            if others.note_behind(self.originals(), id, around.now) {
                self.decide(Seen::OriginalsBehind);
                return Ok(Some(Turn::More));
            }
            if self.waits_at_a_hole(id, others) {
                self.decide(Seen::OriginalsAtHole);
                return Ok(Some(Turn::CaughtUp));
            }
        }
        let Some(original) = self.originals().last().cloned() else { return Ok(None) };
        let own = if original.holder == Holder::File(id) { Own::Yes } else { Own::No };
        let passed = self.pass_over(&original, own, others, around.memory)?;
        let actions = self.decide(Seen::Passed(passed, own));
        // What was not recognised was not read.
        if passed == Passed::Same && original.content.position > 0 && around.lines.may_tell(around.now) {
            let event = if own == Own::Yes { FileEvent::Resumed } else { FileEvent::Copied };
            let (source, path) = (around.source, self.path.display());
            let (event, position) = (event.label(), original.content.position);
            info!(source, %path, position, "{event}: this was read before; read on behind it");
        }
        let restarts = actions.contains(&Action::Restart);
        self.act(actions, id, around)?;
        Ok(match passed {
            Passed::Same => None,
            Passed::More => Some(Turn::More),
            _ if restarts => Some(Turn::More),
            _ => Some(Turn::CaughtUp),
        })
    }

    /// The contents that the file may hold a copy of, the likeliest last.
    fn originals(&self) -> &[Original] {
        match &self.state {
            State::PassingOver(originals) | State::CutCopy(originals) => originals,
            _ => &[],
        }
    }

    /// Whether one of its originals, itself not counted, waits at a hole: what is to be read there must not be read here
    /// first.
    fn waits_at_a_hole(&self, own: FileId, others: &Surroundings<'_>) -> bool {
        self.originals().iter().any(|original| match (original.holder, self.reading()) {
            (Holder::File(id), Some(reading)) if id != own => others.files.get(&id).is_some_and(|other| {
                other.is_at_hole() && !other.is_another_than(id, &original.content, reading)
            }),
            _ => false,
        })
    }

    fn look_at_beginning(&mut self, id: FileId, around: &mut Around<'_>) -> Result<Seen, TailError> {
        let own = Self::own(id, around.contents);
        if own.as_ref().is_some_and(|own| own.content.head.tells()) {
            return Ok(Seen::Beginning(Match::New, own));
        }
        let Hand::Reading(reading) = &mut self.hand else {
            return Ok(Seen::Beginning(Match::Undecided, own));
        };
        let (text, first) = reading.look_ahead()?;
        let like = first.map_or(Match::Undecided, |first| around.contents.find(text, first));
        Ok(Seen::Beginning(like, own))
    }

    fn pass_over(
        &mut self,
        original: &Original,
        own: Own,
        others: &mut Surroundings<'_>,
        memory: &Memory,
    ) -> Result<Passed, TailError> {
        let Hand::Reading(reading) = &mut self.hand else { return Ok(Passed::More) };
        if let Some(compared) = reading.compare(TURN_BYTES)? {
            return self.compared(compared, memory);
        }
        let passed = reading.pass_over(&original.content, TURN_BYTES)?;
        if let (Passed::Different, Own::No, Holder::File(other)) = (passed, own, original.holder)
            && let Some(Ok(file)) = others.files.get(&other).map(|file| file.opened(other))
            && reading.begin_comparison(file, &original.content)?
            && let Some(compared) = reading.compare(TURN_BYTES)?
        {
            return self.compared(compared, memory);
        }
        let Hand::Reading(reading) = &mut self.hand else { return Ok(Passed::More) };
        let differs = match (passed, own, original.holder) {
            (Passed::TooShort, Own::No, Holder::File(other)) => {
                let other = others.files.get(&other).map(|file| (other, file));
                other.and_then(|(other, file)| file.differs(other, &original.content, reading))
            }
            _ => None,
        };
        self.is_copy = differs == Some(false);
        Ok(if differs == Some(true) { Passed::Different } else { passed })
    }

    /// What comparing with the last original came to: a copy of it that was made while it waited at a hole is passed over as it
    /// is.
    fn compared(&mut self, compared: Compared, memory: &Memory) -> Result<Passed, TailError> {
        let content = match compared {
            Compared::More => return Ok(Passed::More),
            Compared::Different => return Ok(Passed::Different),
            Compared::Copy(content) => *content,
        };
        let (State::PassingOver(originals) | State::CutCopy(originals)) = &mut self.state else {
            return Ok(Passed::Different);
        };
        if let Some(original) = originals.last_mut().filter(|original| *original.content != content)
            && let Hand::Reading(reading) = &self.hand
            && let Some(file) = reading.tail.file()
        {
            let file = file.try_clone()?;
            original.content = content.into();
            let reading = Reading::new(file, reading.options()).follow(memory);
            self.hand = Hand::Reading(Box::new(reading));
            return Ok(Passed::More);
        }
        Ok(Passed::Different)
    }
}

impl Surroundings<'_> {
    /// Queues the other originals that have unread data, so that they are read before the copy goes on. Returns whether there are any.
    fn note_behind(&mut self, originals: &[Original], own: FileId, now: Moment) -> bool {
        let before = self.behind.len();
        let holders = originals.iter().filter_map(|original| match original.holder {
            Holder::File(id) if id != own => Some(id),
            _ => None,
        });
        for id in holders {
            let other = self.files.get_mut(&id).filter(|other| !matches!(other.state, State::Unreadable(..)));
            if other.is_some_and(|other| other.is_waiting() || other.is_away() || other.look_again(id, now)) {
                self.behind.push(id);
            }
        }
        self.behind.len() > before
    }
}
