//! Where reading a file begins: at its beginning, or behind text that was read before under another name.

use std::collections::HashMap;

use tracing::info;

use super::{Entry, State, Surroundings, TURN_BYTES};
use crate::ledger::FileEvent;
use crate::pipeline::booking::Books;
use crate::pipeline::files::known::Match;
use crate::pipeline::reading::{Options, Passed, Turn};
use crate::source::identity::{Content, FileId};
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
        let Some(reading) = &mut self.reading else { return Ok(None) };
        if matches!(self.origin, Origin::Unknown) {
            let (text, Some(first)) = reading.look_ahead(books)? else { return Ok(Some(Turn::CaughtUp)) };
            self.origin = match around.known.find(text, first) {
                // Of what it is a copy of, no more than the header may have been read yet.
                Match::New
                    if first < text.len()
                        && is_any_behind(around.known.beginners(), around.others, around.behind) =>
                {
                    return Ok(Some(Turn::More));
                }
                Match::New => Origin::Like(Vec::new()),
                Match::Undecided => return Ok(Some(Turn::CaughtUp)),
                // Only behind what is still being read of the original does a copy go on.
                Match::Like(like)
                    if is_any_behind(like.iter().map(|(id, _)| *id), around.others, around.behind) =>
                {
                    return Ok(Some(Turn::More));
                }
                Match::Like(mut like) => {
                    like.sort_by_key(|(_, content)| content.position);
                    Origin::Like(like.into_iter().map(|(id, content)| (id, content.clone())).collect())
                }
            };
        }
        let Origin::Like(contents) = &mut self.origin else { return Ok(None) };
        let Some((original, content)) = contents.last() else {
            // What was known of the file before a restart is not in it.
            (around.retire)(around.known, id);
            self.origin = Origin::Known;
            return Ok(None);
        };
        let passed = match reading.pass_over(content, books, TURN_BYTES)? {
            Passed::TooShort
                if around
                    .others
                    .get(original)
                    .is_some_and(|other| other.differs(*original, content, reading)) =>
            {
                Passed::Different
            }
            passed => passed,
        };
        match passed {
            Passed::Same => {
                let own = around.known.content(id).is_some();
                let event = if own { FileEvent::Resumed } else { FileEvent::Copied };
                self.decision = Some(books.file_event(event));
                let (source, path) = (around.source, self.path.display());
                let (event, position) = (event.label(), content.position);
                info!(source, %path, position, "{event}: this was read before; read on behind it");
                self.origin = Origin::Known;
                Ok(None)
            }
            Passed::Different => {
                contents.pop();
                self.reopen_at_beginning(around.options)?;
                Ok(Some(Turn::More))
            }
            Passed::TooShort => Ok(Some(Turn::CaughtUp)),
            Passed::More => Ok(Some(Turn::More)),
        }
    }

    /// The file is as long as it gets and does not show whether it is a copy: then it is none. What begins like a copy
    /// and is shorter was cut while it was copied; it counts only where the ids of its records are `remembered`. Whether
    /// that is news.
    pub fn is_no_copy(&mut self, options: Options, remembered: bool) -> bool {
        let is_open = match self.origin {
            Origin::Unknown => true,
            Origin::Like(_) => remembered,
            Origin::Known => false,
        };
        if self.size == 0 || self.state == State::Unreadable || !is_open {
            return false;
        }
        self.origin = Origin::Known;
        self.reopen_at_beginning(options).is_ok()
    }
}

/// Whether there is more to read of any of these, which then are `behind`.
fn is_any_behind(
    ids: impl Iterator<Item = FileId>,
    others: &mut HashMap<FileId, Entry>,
    behind: &mut Vec<FileId>,
) -> bool {
    let before = behind.len();
    behind.extend(
        ids.filter(|id| others.get_mut(id).is_some_and(|other| other.queued || other.has_changed(*id))),
    );
    behind.len() > before
}
