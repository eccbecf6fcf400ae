//! What becomes of a file: a function of what it is and what was seen of it. No disk, no clock.

use std::sync::Arc;

use crate::ledger::{FileEvent, Holder, Match};
use crate::reading::{Content, Passed, Turn};

/// A content that a file may hold a copy of, and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Original {
    pub holder: Holder,
    pub content: Arc<Content>,
}

/// What a file is to us.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Seen under a name. Nothing of it was looked at.
    Seen,
    /// Its beginning does not tell yet whether it is a copy.
    Probing,
    /// It begins like these, the likeliest last. The text that the last one has before its position is passed over.
    PassingOver(Vec<Original>),
    /// It begins like these, ends sooner than the last one was read, and is the same to its end.
    CutCopy(Vec<Original>),
    /// Like those that it may be a copy of, which wait at a hole: what they are still to read must not be read here first.
    AwaitingOriginals,
    /// There is more to read.
    Following,
    /// Read to its end. It may grow.
    CaughtUp,
    /// Of no format we know.
    Foreign,
    /// It is known by its name to hold no records: why.
    Ignored(&'static str),
    /// It could not be read on when it was this.
    Unreadable(Box<State>, Failure),
}

/// What was seen of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// It was opened for the first time, and this is known of it from before.
    Opened(Before),
    /// It holds less than was read of it.
    Shorter,
    /// It holds other bytes than were read of it, wherever they are.
    OtherBytes,
    /// What its beginning is like, and what is known of the file itself.
    Beginning(Match, Option<Original>),
    /// Those whose copy it may be were not read to their ends, and have a turn first.
    OriginalsBehind,
    /// They wait at a hole.
    OriginalsAtHole,
    /// A hole was filled, and what fills it was read.
    HoleFilled,
    /// What came of passing over the text of the last original; whether that is what was known of the file itself.
    Passed(Passed, Own),
    /// What a turn of reading came to.
    Read(Turn),
    /// Its text is of no format we know.
    NotRecognised,
    /// It could not be read on.
    Failed(Failure),
    /// It is open, and holds what was read of it.
    Readable,
    /// No more than a header was read of it, and now there is more.
    HeaderGrew,
    /// It was of no format we know, and was written to where it was looked at.
    ForeignFilled,
    /// It is to be read with other options.
    OtherOptions,
    /// Nobody has written to it for a while.
    Quiet {
        /// Whether the ids of its records are remembered.
        remembered: bool,
        /// What is known of the file itself.
        own: Option<Original>,
    },
}

/// What is known of a file that is opened for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// It was read before a restart, and still holds what was read.
    Same,
    /// It was read before a restart, and holds something else.
    Other,
    /// It was read before a restart; only its text can show whether it is the same.
    Unclear,
}

/// Whether a content is what was known of the file itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    Yes,
    No,
}

/// Why a file cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The system refused; it may be asked again.
    Refused,
    /// Its compression is damaged: if it changes, it is another file, or one that was mended.
    Damaged,
    /// This program did.
    Fault,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Count this event, and show it as the last decision.
    Event(FileEvent),
    /// Count a whole last line that was held: what follows it is gone.
    TakeLastLine,
    /// What was known of the file is that of no file any more; a copy of it may come.
    Retire,
    /// Go back to the beginning of the text.
    Restart,
}

/// What becomes of a file in this state of which this was seen, and what is to be done about it.
pub fn decide(state: State, seen: Seen) -> (State, Vec<Action>) {
    use Action::{Event, Retire};
    match seen {
        Seen::Opened(before) => match before {
            Before::Nothing | Before::Unclear => (State::Probing, vec![]),
            Before::Same => (State::Following, vec![Event(FileEvent::Resumed)]),
            Before::Other => (State::Probing, vec![Event(FileEvent::Found), Retire]),
        },
        Seen::Shorter => (State::Probing, written_anew(&state, FileEvent::Truncated)),
        Seen::OtherBytes => (State::Probing, written_anew(&state, FileEvent::Replaced)),
        Seen::Beginning(Match::Undecided, _) => (State::Probing, vec![]),
        Seen::Beginning(Match::New, None) => (State::Following, vec![]),
        Seen::Beginning(Match::New, Some(own)) => (State::PassingOver(vec![own]), vec![]),
        Seen::Beginning(Match::Like(mut like), own) => {
            like.sort_by_key(|(_, content)| content.position);
            let like = like.into_iter().map(|(holder, content)| Original { holder, content });
            // Of its own no more than a header was read, which others have too.
            (State::PassingOver(own.into_iter().chain(like).collect()), vec![])
        }
        Seen::OriginalsBehind => (State::Probing, vec![]),
        Seen::OriginalsAtHole => (State::AwaitingOriginals, vec![]),
        Seen::HoleFilled => (state, vec![Event(FileEvent::HoleFilled)]),
        Seen::Passed(passed, own) => passed_over(state, passed, own),
        Seen::Read(Turn::More) => (State::Following, vec![]),
        Seen::Read(Turn::CaughtUp) => (State::CaughtUp, vec![]),
        Seen::NotRecognised => (State::Foreign, vec![]),
        Seen::Readable => (state.readable(), vec![]),
        Seen::Failed(failure) => (State::Unreadable(Box::new(state.readable()), failure), vec![]),
        Seen::HeaderGrew | Seen::ForeignFilled | Seen::OtherOptions => (State::Seen, vec![]),
        Seen::Quiet { remembered, own } => quiet(state, remembered, own),
    }
}

/// Its text was cut, or replaced by another. The end of a line may stand in a copy of what was there.
fn written_anew(state: &State, event: FileEvent) -> Vec<Action> {
    let mut actions = vec![Action::Event(event)];
    if state.is_read() {
        actions.push(Action::TakeLastLine);
    }
    actions.extend([Action::Retire, Action::Restart]);
    actions
}

fn passed_over(state: State, passed: Passed, own: Own) -> (State, Vec<Action>) {
    use Action::{Event, Restart, Retire};
    let (State::PassingOver(mut originals) | State::CutCopy(mut originals)) = state else {
        return (state, vec![]);
    };
    match (passed, own) {
        (Passed::More, _) => (State::PassingOver(originals), vec![]),
        (Passed::Same, Own::Yes) => (State::Following, vec![Event(FileEvent::Resumed)]),
        (Passed::Same, Own::No) => (State::Following, vec![Event(FileEvent::Copied), Retire]),
        (Passed::TooShort, Own::No) => (State::CutCopy(originals), vec![]),
        // What was known of it is not in it: it may be a copy of something else.
        (Passed::Different | Passed::TooShort, Own::Yes) => {
            (State::Probing, vec![Retire, Event(FileEvent::Found), Restart])
        }
        (Passed::Different, Own::No) => {
            originals.pop();
            let state = if originals.is_empty() { State::Following } else { State::PassingOver(originals) };
            (state, vec![Restart])
        }
    }
}

/// Too short to match and no longer growing: treat it as new. What begins like a copy and is shorter was cut while it was
/// copied; it counts only where the ids of its records tell.
fn quiet(state: State, remembered: bool, own: Option<Original>) -> (State, Vec<Action>) {
    match state {
        State::Probing => {}
        State::CutCopy(_) if remembered => {}
        state => return (state, vec![]),
    }
    (own.map_or(State::Following, |own| State::PassingOver(vec![own])), vec![Action::Restart])
}

impl State {
    /// Every value of the `state` label, in the order in which they are exposed.
    pub const LABELS: [&'static str; 5] = ["reading", "waiting", "ignored", "unrecognised", Self::UNREADABLE];
    /// Also that of a folder that cannot be gone through.
    pub const UNREADABLE: &'static str = "unreadable";

    /// The value of the `state` label; what is not read to its end is being read, unless it `rests`.
    pub fn label(&self, rests: bool) -> &'static str {
        match self {
            Self::Foreign => "unrecognised",
            Self::Ignored(_) => "ignored",
            Self::Unreadable(..) => Self::UNREADABLE,
            _ if rests => "waiting",
            _ => "reading",
        }
    }

    /// Whether reading has begun: what is read counts, and what is known of the text is the file's.
    pub fn is_read(&self) -> bool {
        match self {
            Self::Following | Self::CaughtUp | Self::Foreign => true,
            Self::Unreadable(before, _) => before.is_read(),
            _ => false,
        }
    }

    /// What it is when it can be read.
    fn readable(self) -> Self {
        match self {
            Self::Unreadable(before, _) => *before,
            state => state,
        }
    }
}

#[cfg(test)]
mod tests;
