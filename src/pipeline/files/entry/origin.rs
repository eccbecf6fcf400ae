//! Where reading a file begins: at its beginning, or behind text that was read before under another name.

use std::collections::HashMap;

use tracing::info;

use super::{Entry, State, Surroundings, TURN_BYTES};
use crate::ledger::FileEvent;
use crate::pipeline::booking::Books;
use crate::pipeline::files::known::{Known, Match};
use crate::reading::Content;
use crate::reading::{Options, Passed, Reading, Turn};
use crate::source::identity::FileId;
use crate::source::tail::TailError;

/// Where reading a file begins.
#[derive(Debug)]
pub(super) enum Origin {
    /// Not known yet: its text is to be compared with what was read before.
    Unknown,
    /// It has the head of these contents; the text before the position of one of them may be passed over.
    Like(Vec<(FileId, Content)>),
    /// Known: reading has begun.
    Known,
}

impl Entry {
    /// Finds out where reading begins; `None` once that is known and the file is there, else what the turn came to.
    pub(super) fn find_origin(
        &mut self,
        id: FileId,
        books: &mut Books<'_>,
        around: &mut Surroundings<'_>,
    ) -> Result<Option<Turn>, TailError> {
        if matches!(self.origin, Origin::Unknown) {
            let Some(contents) = self.find_contents(id, around)? else {
                return Ok(Some(Turn::CaughtUp));
            };
            if is_any_behind(&contents, id, around.others, around.behind) {
                return Ok(Some(Turn::More));
            }
            self.origin = Origin::Like(contents);
        }
        let Origin::Like(contents) = &mut self.origin else { return Ok(None) };
        let Some(reading) = &mut self.reading else { return Ok(None) };
        let Some((original, content)) = contents.last() else {
            self.origin = Origin::Known;
            return Ok(None);
        };
        let original = *original;
        let passed = match reading.pass_over(content, TURN_BYTES)? {
            Passed::TooShort if original == id => Passed::Different,
            Passed::TooShort => {
                let other = around.others.get(&original);
                let differs = other.is_some_and(|other| other.differs(original, content, reading));
                if differs { Passed::Different } else { Passed::TooShort }
            }
            passed => passed,
        };
        match passed {
            Passed::Same => {
                let event = if original == id { FileEvent::Resumed } else { FileEvent::Copied };
                self.decision = Some(books.file_event(event));
                let (source, path) = (around.source, self.path.display());
                let (event, position) = (event.label(), content.position);
                info!(source, %path, position, "{event}: this was read before; read on behind it");
                self.origin = Origin::Known;
                if original != id {
                    (around.retire)(around.known, id);
                }
                Ok(None)
            }
            Passed::Different => {
                contents.pop();
                if original == id {
                    // What was known of it is not in it: it may be a copy of something else.
                    (around.retire)(around.known, id);
                    self.origin = Origin::Unknown;
                    self.decide(FileEvent::Found, books);
                }
                self.reopen_at_beginning(around.options)?;
                Ok(Some(Turn::More))
            }
            Passed::TooShort => Ok(Some(Turn::CaughtUp)),
            Passed::More => Ok(Some(Turn::More)),
        }
    }

    /// The contents that the file may hold, the likeliest last; `None` while that cannot be told.
    fn find_contents(
        &mut self,
        id: FileId,
        around: &mut Surroundings<'_>,
    ) -> Result<Option<Vec<(FileId, Content)>>, TailError> {
        let Some(reading) = &mut self.reading else { return Ok(None) };
        let own = around.known.content(id).map(|content| (id, Content::clone(content)));
        if own.as_ref().is_some_and(|(_, content)| content.head.tells()) {
            return Ok(Some(own.into_iter().collect()));
        }
        let (text, Some(first)) = reading.look_ahead()? else { return Ok(None) };
        let mut like = match around.known.find(text, first) {
            Match::New => Vec::new(),
            Match::Undecided => return Ok(None),
            Match::Like(like) => like,
        };
        like.sort_by_key(|(_, content)| content.position);
        let like = like.into_iter().map(|(id, content)| (id, content.clone()));
        // Of its own no more than a header was read, which others have too.
        Ok(Some(own.into_iter().chain(like).collect()))
    }

    /// The file is as long as it gets and does not show whether it is a copy: then it is none. What begins like a copy
    /// and is shorter was cut while it was copied; it counts only where the ids of its records are `remembered`. Whether
    /// that is news.
    pub fn is_no_copy(
        &mut self,
        own: impl FnOnce() -> Option<(FileId, Content)>,
        options: Options,
        remembered: bool,
    ) -> bool {
        let is_open = match self.origin {
            Origin::Unknown => true,
            Origin::Like(_) => remembered,
            Origin::Known => false,
        };
        if self.size == 0 || self.state == State::Unreadable || !is_open {
            return false;
        }
        self.origin = Origin::Like(own().into_iter().collect());
        self.reopen_at_beginning(options).is_ok()
    }

    /// Of what was read of the file nothing tells it from others, and now there is more: it may be a copy by now. Only as
    /// long as the text is shorter than what a look ahead reads: the next look sees no more of a longer one, and a file
    /// whose first record has no end would be read from its beginning for ever.
    pub(super) fn look_again(&mut self, known: &Known, id: FileId) {
        let tells = known.content(id).is_none_or(|content| content.head.tells());
        let is_short = self.reading.as_ref().is_some_and(Reading::is_within_look_ahead);
        if tells || !is_short || !matches!(self.origin, Origin::Known) {
            return;
        }
        let length = self.file().and_then(|file| file.metadata().ok()).map(|metadata| metadata.len());
        if length.is_some_and(|length| length > self.read_bytes()) {
            self.read_otherwise();
        }
    }
}

/// Whether there is more to read of any of these but the file's own, which then are `behind`: only behind what is still
/// being read of its original does a copy go on.
fn is_any_behind(
    contents: &[(FileId, Content)],
    own: FileId,
    others: &mut HashMap<FileId, Entry>,
    behind: &mut Vec<FileId>,
) -> bool {
    let before = behind.len();
    let ids = contents.iter().map(|(id, _)| *id).filter(|id| *id != own);
    behind.extend(ids.filter(|id| {
        let other = others.get_mut(id).filter(|other| other.state != State::Unreadable);
        other.is_some_and(|other| other.queued || other.has_changed(*id))
    }));
    behind.len() > before
}
