//! How a file is opened, and opened anew: the descriptor must be that of the very file.

use std::fs::File as OpenFile;
use std::io;

use tracing::info;

use super::around::Around;
use super::decide::{Action, Before, Seen, State};
use super::file::{File, Hand};
use super::look;
use crate::ledger::Contents;
use crate::reading::{Content, Reading};
use crate::source::hole::are_different;
use crate::source::identity::FileId;

impl File {
    /// Opens the file ahead of its turn, so that it can be read whatever becomes of its name until then.
    pub fn hold(&mut self, id: FileId) {
        if let (Hand::Nothing, Ok(file)) = (&self.hand, look::open(&self.path, id)) {
            self.hand = Hand::Descriptor(file);
        }
    }

    /// The file has lost its name, and `file` was found where it may have gone; whether it is that. The inode of a file that
    /// is no more may be that of any other, so it must be what was read, or as it was seen.
    pub fn is_found_as(&self, file: &OpenFile) -> bool {
        match &self.hand {
            Hand::Reading(reading) => reading.tail.is_content_of(file),
            _ => look::Look::at_open(file).is_ok_and(|look| look.is_as_written(&self.look)),
        }
    }

    /// It is to be read with other options, or anew: what is known of it says from where.
    pub fn read_otherwise(&mut self, seen: Seen) {
        let Hand::Reading(reading) = &self.hand else { return };
        let file = reading.tail.file().and_then(|file| file.try_clone().ok());
        self.hand = file.map_or(Hand::Nothing, Hand::Descriptor);
        self.forget_progress();
        if matches!(seen, Seen::OtherOptions) {
            self.tell_anew();
        }
        self.decide(seen);
    }

    /// Of what was read of the file nothing tells it from others, and now there is more: it may be a copy by now. Only as
    /// long as the text is shorter than what a look ahead reads: the next look sees no more of a longer one, and a file
    /// whose first record has no end would be read from its beginning for ever. Nor was anything read of an archive of which
    /// not all was there.
    pub fn look_whether_it_tells(&mut self, id: FileId, contents: &Contents) -> io::Result<()> {
        let tells = contents.of(id).is_none_or(|content| content.head.tells());
        let Hand::Reading(reading) = &self.hand else { return Ok(()) };
        let is_short = !tells && reading.is_within_look_ahead();
        let waits = reading.tail.waits_for().is_some() && !reading.tail.was_stepped_ahead();
        if !self.state.is_read() || !(is_short || waits) {
            return Ok(());
        }
        let length = reading.tail.file().and_then(|file| file.metadata().ok()).map(|metadata| metadata.len());
        if length.is_some_and(|length| length > reading.tail.read_bytes()) {
            self.read_otherwise(Seen::HeaderGrew);
        }
        Ok(())
    }

    /// Opens the file where it is not open, and goes on where what is known of it says so.
    pub fn open(&mut self, id: FileId, around: &mut Around<'_>) -> io::Result<()> {
        self.close_if_not_of(id);
        let file = match std::mem::replace(&mut self.hand, Hand::Nothing) {
            Hand::Reading(mut reading) => {
                let is_open = reading.tail.is_open();
                let reopened = match (is_open, self.is_named) {
                    (true, _) => Ok(()),
                    (false, true) => look::open(&self.path, id).map(|file| reading.tail.reopen(file)),
                    (false, false) => Err(io::ErrorKind::NotFound.into()),
                };
                self.hand = Hand::Reading(reading);
                return reopened;
            }
            Hand::Descriptor(file) => file,
            _ if self.is_named => look::open(&self.path, id)?,
            _ => return Err(io::ErrorKind::NotFound.into()),
        };
        self.look.size = file.metadata()?.len();
        let known = around.contents.of(id).cloned();
        let (before, reading) = before(file, self.look.size, known.as_deref(), around)?;
        self.hand = Hand::Reading(Box::new(reading));
        self.note_progress();
        self.note_beginning(before, id, around);
        if before == Before::Other {
            self.say_read_anew(known.as_deref(), around);
        }
        if matches!(self.state, State::Seen | State::Unreadable(..)) {
            let actions = self.decide(Seen::Opened(before));
            self.act(actions, id, around)?;
        }
        Ok(())
    }

    /// Says why a file that is known is read from its beginning.
    fn say_read_anew(&self, known: Option<&Content>, around: &mut Around<'_>) {
        if !around.lines.may_tell(around.now) {
            return;
        }
        let read_to = known.and_then(|known| Some(known.plain_text_at? + known.position));
        let why = match read_to.is_some_and(|read_to| self.look.size < read_to) {
            true => "it is shorter than what was read of it",
            false => "it holds other text than was read, or is to be read as another format",
        };
        let (source, path) = (around.source, self.path.display());
        info!(source, %path, "known, and read from its beginning: {why}");
    }

    /// Says which event it is that a file holds other text.
    pub fn say_other_text(&self, actions: &[Action], around: &mut Around<'_>) {
        if !around.lines.may_tell(around.now) {
            return;
        }
        let event = actions.iter().find_map(|action| match action {
            Action::Event(event) => Some(event.label()),
            _ => None,
        });
        let (source, path, event) = (around.source, self.path.display(), event.unwrap_or_default());
        info!(source, %path, "{event}: it holds other text than was read, and is read from its beginning");
    }

    /// A descriptor on a network file system may have gone stale, and on FUSE lead to whatever has the name now.
    fn close_if_not_of(&mut self, id: FileId) {
        let file = self.open_file().filter(|_| self.is_named);
        if file.is_some_and(|file| !file.metadata().is_ok_and(|metadata| FileId::of(&metadata) == id)) {
            self.close();
        }
    }

    /// The file under a descriptor of its own.
    pub fn opened(&self, id: FileId) -> io::Result<OpenFile> {
        match self.open_file() {
            Some(file) => file.try_clone(),
            None => look::open(&self.path, id),
        }
    }

    /// Whether the text of `shorter`, a file with the same head, differs from what this file begins with. `None` where that would take
    /// decompressing, or where this file is not what `content` says any more.
    pub fn differs(&self, id: FileId, content: &Content, shorter: &Reading) -> Option<bool> {
        let (file, text_at, end) = (self.opened(id).ok()?, content.plain_text_at?, shorter.end()?);
        // In this order: a file that was cut in between shows.
        let holds = end.holds(&file, text_at).ok()?;
        content.is_marked_in(&file, text_at).ok()?.then_some(!holds)
    }

    /// Whether this file, of which `content` is known and which waits at a hole, holds another text than one that begins
    /// alike, whatever is written to it yet.
    pub fn is_another_than(&self, id: FileId, content: &Content, other: &Reading) -> bool {
        let (Ok(own), Some(own_at)) = (self.opened(id), content.plain_text_at) else { return false };
        let (Some(file), Some(at)) = (other.tail.file(), other.tail.plain_text_at()) else { return false };
        let differ =
            |from, length| are_different([(&own, own_at + from), (file, at + from)], length).unwrap_or(false);
        let hole = self.reading().and_then(|reading| reading.tail.holes.at);
        let before_hole = hole.map_or(0, |hole| hole.saturating_sub(own_at + content.position));
        // A copy of what was there before it was overwritten has what is known of it. It went another way only if what was
        // written behind that, as far as the hole, is another record.
        differ(content.position, before_hole)
            || differ(0, u64::MAX) && !content.is_marked_in(file, at).unwrap_or(true)
    }

    /// Goes back to the beginning of what is there now.
    pub fn restart(&mut self, id: FileId, around: &Around<'_>) -> io::Result<()> {
        let Hand::Reading(reading) = &self.hand else { return Ok(()) };
        let file = match reading.tail.file() {
            Some(file) => file.try_clone(),
            None if self.is_named => look::open(&self.path, id),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        // A reading in the midst of the text must not go on as if it stood at its beginning.
        self.hand = Hand::Nothing;
        let reading = Reading::new(file?, around.options).follow(around.memory);
        self.hand = Hand::Reading(Box::new(reading));
        self.note_beginning(Before::Nothing, id, around);
        self.note_progress();
        Ok(())
    }
}

/// What was known of a file that is opened for the first time, and its reading, which goes on from there if it can.
fn before(
    file: OpenFile,
    size: u64,
    known: Option<&Content>,
    around: &Around<'_>,
) -> io::Result<(Before, Reading)> {
    let anew = |file| Reading::new(file, around.options).follow(around.memory);
    let Some(content) = known else { return Ok((Before::Nothing, anew(file))) };
    let tells = content.head.tells();
    let read_to = content.plain_text_at.map(|text_at| text_at + content.position);
    if (tells || read_to == Some(size))
        && let Some(reading) = Reading::resume(file.try_clone()?, around.options, content, around.memory)?
    {
        return Ok((Before::Same, reading));
    }
    // What was compressed can only be known again by its text, and of a header alone there may be many.
    let is_other = read_to.is_some_and(|read_to| tells || size < read_to);
    let before = if is_other { Before::Other } else { Before::Unclear };
    Ok((before, anew(file)))
}
