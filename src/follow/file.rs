//! One file of a source: what it is called, what was last seen of it, what it is to us, and where its reading is.

use std::fs::File as OpenFile;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tracing::warn;

use super::around::{Around, Surroundings};
use super::damage::Damage;
use super::decide::{Action, Failure, Original, Seen, State, decide};
use super::look::Look;
use super::progress::Progress;
use super::rate::Rate;
use super::room::Held;
use super::whole::Whole;
use crate::clock::Moment;
use crate::ledger::{Contents, Decision, FileEvent, Holder, KnownFile};
use crate::reading::{Content, Reading, Turn};
use crate::source::companion;
use crate::source::identity::FileId;
use crate::source::tail::TailError;

/// How much of a file is read before another has its turn.
pub const TURN_BYTES: u64 = 1024 * 1024;

/// Where the reading of a file is.
#[derive(Debug)]
pub enum Hand {
    /// It has not begun.
    Nothing,
    /// It has not begun; a descriptor is held, so that the file can be read whatever becomes of its name.
    Descriptor(OpenFile),
    /// Here.
    Reading(Box<Reading>),
    /// With a worker.
    Away,
}

/// For what a file waits before it is read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// Nothing: all is read that is there, or it has its turn.
    No,
    /// Its turn, in line.
    InLine,
    /// It has its turn, and is to have another one after that.
    Again,
    /// Its originals, which are with workers.
    Originals,
    /// Memory.
    Room,
}

/// One file of a source.
#[derive(Debug)]
pub struct File {
    /// The name it was last seen under.
    pub path: PathBuf,
    /// Whether it still has that name.
    pub is_named: bool,
    /// The name that it had when a path led to it, once it was found where none leads.
    renamed_from: Option<PathBuf>,
    pub waits: Waits,
    /// When it last changed.
    pub changed_at: Instant,
    pub look: Look,
    pub state: State,
    /// What was last found out about it.
    pub decision: Option<Decision>,
    pub rate: Rate,
    pub damage: Option<Damage>,
    pub hand: Hand,
    pub held: Held,
    pub whole: Whole,
    pub progress: Progress,
    /// Whether all of its text was found in its original, where it begins like that and is shorter.
    pub is_copy: bool,
}

/// What is to come of a turn.
pub enum Next {
    /// Its reading goes on.
    Read,
    /// Nothing, as a turn of reading may come to.
    Nothing(Turn),
}

/// What became of a file that has lost its name.
#[derive(Debug, Clone, Copy)]
pub struct OutOfSight {
    /// It has a name elsewhere.
    pub is_linked: bool,
    /// It was written to.
    pub has_grown: bool,
}

impl File {
    /// A file just seen under this name.
    pub fn new(path: PathBuf, now: Moment) -> Self {
        Self {
            state: seen_as(&path),
            path,
            is_named: true,
            renamed_from: None,
            waits: Waits::No,
            changed_at: now.steady,
            look: Look::NONE,
            decision: None,
            rate: Rate::new(now.steady),
            damage: None,
            hand: Hand::Nothing,
            held: Held::default(),
            whole: Whole::default(),
            progress: Progress::default(),
            is_copy: false,
        }
    }

    /// A file found under a name where no path leads; `from` is the one that it had.
    pub fn renamed(from: PathBuf, path: PathBuf, reading: Reading, now: Moment) -> Self {
        let file = Self { is_named: false, renamed_from: Some(from), ..Self::new(path, now) };
        Self { state: State::Following, hand: Hand::Reading(Box::new(reading)), ..file }
    }

    /// Takes what a look shows; whether the file changed since the last one.
    pub fn see(&mut self, look: Look, now: Moment) -> bool {
        // The system may be asked again what it refused.
        let was_refused = matches!(self.state, State::Unreadable(_, Failure::Refused));
        let changed = self.look.differs(&look) || was_refused;
        if changed {
            self.look = look;
            self.changed_at = now.steady;
            self.note_change(now);
        }
        changed
    }

    /// Looks at the file once more; whether it changed since. Without a descriptor, what has its name may be another.
    pub fn look_again(&mut self, id: FileId, now: Moment) -> bool {
        let look = match self.open_file() {
            Some(file) => Look::at_open(file).ok(),
            None => Look::at_path(&self.path, id).filter(|_| self.is_named),
        };
        look.is_some_and(|look| self.see(look, now))
    }

    /// What became of a file that has lost its name, as far as its descriptor tells.
    pub fn out_of_sight(&mut self, now: Moment) -> Option<OutOfSight> {
        let look = Look::at_open(self.open_file().filter(|_| !self.is_named)?).ok()?;
        Some(OutOfSight { is_linked: look.is_linked, has_grown: self.see(look, now) })
    }

    /// It is seen under this name.
    pub fn rename(&mut self, path: PathBuf) {
        if self.is_ignored() {
            self.state = seen_as(&path);
        }
        (self.path, self.is_named, self.renamed_from) = (path, true, None);
    }

    /// It is found under this name, where no path leads.
    pub fn rename_away(&mut self, path: PathBuf, file: OpenFile) {
        self.renamed_from.get_or_insert_with(|| self.path.clone());
        self.path = path;
        match &mut self.hand {
            Hand::Reading(reading) if !reading.tail.is_open() => {
                reading.tail.reopen(file);
            }
            Hand::Reading(_) | Hand::Away => {}
            hand => *hand = Hand::Descriptor(file),
        }
    }

    /// Whether it is known by its name to hold no records.
    pub fn is_ignored(&self) -> bool {
        matches!(self.state, State::Ignored(_))
    }

    /// The name under which it belongs to the source.
    pub fn own_path(&self) -> &Path {
        self.renamed_from.as_ref().unwrap_or(&self.path)
    }

    /// Its reading, where that is here.
    pub fn reading(&self) -> Option<&Reading> {
        match &self.hand {
            Hand::Reading(reading) => Some(reading),
            _ => None,
        }
    }

    /// The open file that is being read.
    pub fn open_file(&self) -> Option<&OpenFile> {
        self.reading().and_then(|reading| reading.tail.file())
    }

    /// Whether its turn waits for a step that takes long.
    pub fn wants_step_ahead(&self) -> bool {
        self.reading().is_some_and(|reading| reading.tail.is_open() && reading.tail.wants_step_ahead())
    }

    /// Whether it waits for anything, and so has a turn when that is there.
    pub fn is_waiting(&self) -> bool {
        self.waits != Waits::No
    }

    pub fn is_away(&self) -> bool {
        matches!(self.hand, Hand::Away)
    }

    /// Whether its descriptor is kept.
    pub fn is_open(&self) -> bool {
        match &self.hand {
            Hand::Nothing => false,
            Hand::Descriptor(_) | Hand::Away => true,
            Hand::Reading(reading) => reading.tail.is_open(),
        }
    }

    /// Gives the descriptor back.
    pub fn close(&mut self) {
        match &mut self.hand {
            Hand::Reading(reading) => reading.tail.close(),
            Hand::Descriptor(_) => self.hand = Hand::Nothing,
            Hand::Nothing | Hand::Away => {}
        }
    }

    /// What was seen of it decides what it is from now on, and what is to be done.
    pub fn decide(&mut self, seen: Seen) -> Vec<Action> {
        let (state, actions) = decide(std::mem::replace(&mut self.state, State::Seen), seen);
        self.state = state;
        actions
    }

    /// Notes what was found out about the file.
    pub fn note(&mut self, event: FileEvent, around: &mut Around<'_>) {
        self.decision = Some(around.out.event(event, around.now.wall));
    }

    /// Does what was decided.
    pub fn act(&mut self, actions: Vec<Action>, id: FileId, around: &mut Around<'_>) -> io::Result<()> {
        for action in actions {
            match action {
                Action::Event(event) => self.note(event, around),
                Action::TakeLastLine => self.take_last_line(id, around),
                Action::Retire => around.contents.retire(id),
                Action::Restart => self.restart(id, around)?,
            }
        }
        Ok(())
    }

    fn take_last_line(&mut self, id: FileId, around: &mut Around<'_>) {
        let Hand::Reading(reading) = &mut self.hand else { return };
        let any = reading.take_last_line(around.context);
        self.hand_out(around);
        if any {
            self.note_content(id, around);
        }
    }

    /// Hands over what was read since this was last done.
    pub fn hand_out(&mut self, around: &mut Around<'_>) {
        if let Hand::Reading(reading) = &mut self.hand
            && let Some(batch) = reading.take_batch()
        {
            self.rate.add(batch.read_bytes, around.now.steady);
            around.out.batch(batch, &self.path, reading.lineage());
        }
    }

    /// Notes for the next commit what the file holds and how much of it is counted, once that is anything.
    pub fn note_content(&self, id: FileId, around: &mut Around<'_>) {
        if let Some(content) = self.content() {
            let (path, content) = (self.own_path().to_path_buf(), content.into());
            around
                .contents
                .set(id, KnownFile { path, content, decision: self.decision, whole: self.whole.stamp });
        }
    }

    /// What is known of its text, as far as that is read.
    pub fn content(&self) -> Option<Content> {
        self.reading().filter(|_| self.state.is_read()).and_then(Reading::content)
    }

    /// What is known of the file itself.
    pub fn own(id: FileId, contents: &Contents) -> Option<Original> {
        let content = contents.of(id)?.clone();
        Some(Original { holder: Holder::File(id), content })
    }

    /// Gets ready for a turn: opens the file, sees whether it holds what was read of it, and finds where to go on.
    pub fn prepare(
        &mut self,
        id: FileId,
        around: &mut Around<'_>,
        others: &mut Surroundings<'_>,
    ) -> Result<Next, TailError> {
        if self.state == State::Foreign && self.was_foreign_filled() {
            self.read_otherwise(Seen::ForeignFilled);
        }
        let is_settled = self.is_ignored() || self.rests_damaged(around.now);
        if is_settled || self.state == State::Foreign && self.is_as_it_was()? {
            return Ok(Next::Nothing(Turn::CaughtUp));
        }
        self.look_whether_it_tells(id, around.contents)?;
        self.open(id, around)?;
        if let Some(seen) = self.look_whether_it_is_the_same()? {
            let actions = self.decide(seen);
            self.say_other_text(&actions, around);
            self.act(actions, id, around)?;
        }
        self.decide(Seen::Readable);
        self.look_at_holes(around)?;
        if let Some(turn) = self.find_origin(id, around, others)? {
            return Ok(Next::Nothing(turn));
        }
        Ok(Next::Read)
    }

    /// A file that was not recognised is looked at again only when it has other content, or more of its first line.
    fn is_as_it_was(&mut self) -> io::Result<bool> {
        let Hand::Reading(reading) = &mut self.hand else { return Ok(false) };
        Ok(!reading.reconsider() && reading.tail.is_same_content()?)
    }

    /// Whether what was read of the file is no longer its content, and how that shows.
    fn look_whether_it_is_the_same(&mut self) -> io::Result<Option<Seen>> {
        let Hand::Reading(reading) = &self.hand else { return Ok(None) };
        let Some(file) = reading.tail.file() else { return Ok(None) };
        self.look.size = file.metadata()?.len();
        if self.look.size < reading.tail.read_bytes() {
            return Ok(Some(Seen::Shorter));
        }
        let is_damaged = matches!(self.state, State::Unreadable(_, Failure::Damaged));
        let is_other = self.whole.is_other() || is_damaged && !self.is_as_damaged();
        let same = !is_other && reading.tail.is_same_content()?;
        Ok((!same).then_some(Seen::OtherBytes))
    }

    /// A turn of reading came to this.
    pub fn turned(&mut self, id: FileId, outcome: &Result<Turn, TailError>, around: &mut Around<'_>) {
        self.note_content(id, around);
        self.note_progress();
        self.note_checked(id, around);
        match outcome {
            Ok(turn) => {
                self.decide(Seen::Read(*turn));
                self.damage = self.damage.filter(|_| *turn == Turn::More);
            }
            // It goes on where it is once there is room.
            Err(TailError::NoRoom | TailError::TakesLong) => {}
            Err(error) => self.fail(error, around.now),
        }
        self.note_unrecognised(around);
    }

    /// Reading failed. What the system refused may succeed another time; damage, and what this program fails at, until the file
    /// changes.
    pub fn fail(&mut self, error: &TailError, now: Moment) {
        let failure = match error {
            TailError::Damaged(_) => Failure::Damaged,
            TailError::Fault => Failure::Fault,
            TailError::Io(_) | TailError::Rewritten | TailError::NoRoom | TailError::TakesLong => {
                Failure::Refused
            }
        };
        self.decide(Seen::Failed(failure));
        if failure != Failure::Refused {
            self.note_progress();
            self.note_damage(failure, now);
        }
        self.close();
    }

    /// Whether it turned out to be of no format we know.
    pub fn note_unrecognised(&mut self, around: &mut Around<'_>) -> bool {
        let explanation = self.reading().and_then(Reading::unrecognised);
        let news = explanation.filter(|_| self.state != State::Foreign);
        if explanation.is_none() && self.reading().is_some_and(|reading| reading.format().is_some()) {
            self.tell_anew();
        }
        if let Some(explanation) = news {
            self.decide(Seen::NotRecognised);
            if self.note_foreign(explanation) && around.lines.may_name(around.now) {
                warn!(source = around.source, path = %self.path.display(), "not read: {explanation}");
            }
        }
        news.is_some()
    }
}

/// What a file is as long as no more than its name was seen.
fn seen_as(path: &Path) -> State {
    companion::explanation_at(path).map_or(State::Seen, State::Ignored)
}
