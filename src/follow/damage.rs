//! A file whose compression is damaged, or whose text this program fails at, is read anew when it changes: it may have been
//! mended, or written anew. One that grows behind that is not read over and over again: what is read of it in vain is bounded by
//! its size.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::decide::{Failure, State};
use super::file::{File, Hand};
use super::look::Look;
use crate::clock::Moment;
use crate::source::tail::TailError;

/// What reading a damaged file came to so far.
#[derive(Debug, Clone, Copy)]
pub struct Damage {
    /// Bytes read up to the damage, all attempts together.
    spent: u64,
    /// When the last attempt was made, and what the file was like then.
    at: Instant,
    pub look: Look,
}

/// After this, a change is worth an attempt whatever was spent; twice as long with each further time that as much was spent as
/// the file has.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const DOUBLINGS: u64 = 10;
/// So many times its size may be spent without a pause: a file that is written out of order comes to that while it is.
const FREE_TIMES: u64 = 3;

impl Damage {
    /// One more attempt has failed, for which so many bytes were read.
    fn after(before: Option<Self>, read: u64, look: Look, now: Moment) -> Self {
        let spent = before.map_or(0, |before| before.spent);
        Self { spent: spent + read, at: now.steady, look }
    }

    /// Whether it may be read anew: with that, no more than three times its size is read in vain, unless it takes its time.
    fn may_be_read_anew(&self, size: u64, now: Moment) -> bool {
        let further = (self.spent / size.max(1)).saturating_sub(FREE_TIMES).min(DOUBLINGS);
        self.spent <= (FREE_TIMES - 1) * size || now.since(self.at) >= FIRST_PAUSE * (1 << further)
    }
}

impl File {
    /// Does this with the file. A fault of the program in it ends no more than that: what was read and not handed over is read
    /// again from where the file is known to be counted, as after a restart.
    pub fn caught<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, TailError>,
    ) -> Result<T, TailError> {
        let done = catch_unwind(AssertUnwindSafe(|| work(self)));
        done.unwrap_or_else(|_| {
            self.hand = Hand::Nothing;
            Err(TailError::Fault)
        })
    }

    /// Reading came upon damage, or a fault of this program, of which nobody knows how far it read.
    pub fn note_damage(&mut self, failure: Failure, now: Moment) {
        let read = if failure == Failure::Fault { self.look.size } else { self.read_bytes() };
        self.damage = Some(Damage::after(self.damage, read, self.look, now));
    }

    /// Whether it is damaged and left alone for now, whatever was written to it.
    pub fn rests_damaged(&self, now: Moment) -> bool {
        let is_cut = self.look.size < self.read_bytes();
        !is_cut && self.damage_known().is_some_and(|damage| !damage.may_be_read_anew(self.look.size, now))
    }

    /// Whether it was written to while it was left alone, and that is over.
    pub fn has_rested_damaged(&self, now: Moment) -> bool {
        self.damage_known().is_some_and(|damage| {
            damage.look.differs(&self.look) && damage.may_be_read_anew(self.look.size, now)
        })
    }

    fn damage_known(&self) -> Option<&Damage> {
        let is_damaged = matches!(self.state, State::Unreadable(_, Failure::Damaged | Failure::Fault));
        self.damage.as_ref().filter(|_| is_damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::UnixMillis;

    #[test]
    fn what_is_read_in_vain_is_bounded_by_size_and_by_time() {
        let begun = Instant::now();
        let at = |seconds| Moment { steady: begun + Duration::from_secs(seconds), wall: UnixMillis(0) };
        let (mut damage, mut read, mut attempts) = (None::<Damage>, 0, 0);
        // It grows from 1000 bytes to 11000, and is damaged at its end each time.
        for size in 1000..11_000_u64 {
            if damage.is_none_or(|damage| damage.may_be_read_anew(size, at(0))) {
                damage = Some(Damage::after(damage, size, Look::NONE, at(0)));
                (read, attempts) = (read + size, attempts + 1);
            }
        }
        assert!(read <= 3 * 11_000 && attempts > 3, "{read} bytes in {attempts} attempts");
        // At rest, it is looked at less and less often.
        let mut later = Vec::new();
        for seconds in (0..7 * 24 * 60 * 60_u64).step_by(60) {
            if damage.is_some_and(|damage| damage.may_be_read_anew(11_000, at(seconds))) {
                damage = Some(Damage::after(damage, 11_000, Look::NONE, at(seconds)));
                later.push(seconds);
            }
        }
        assert!((5..20).contains(&later.len()) && later[1] - later[0] <= 180, "{later:?}");
    }
}
