//! How a followed file is opened, and opened anew: the descriptor must be the entry's own file.

use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use super::{Entry, Origin, State, Surroundings, modified};
use crate::ledger::FileEvent;
use crate::pipeline::booking::Books;
use crate::reading::Content;
use crate::reading::{Options, Reading};
use crate::source::identity::FileId;

impl Entry {
    /// A file that was renamed from a path that leads to it to one where none leads, if it still holds what was read of it.
    pub fn renamed(
        from: PathBuf,
        path: PathBuf,
        id: FileId,
        content: &Content,
        options: Options,
    ) -> Option<Self> {
        // The inode of a file that is no more may be that of any other.
        if content.position == 0 {
            return None;
        }
        let entry = Self { named: false, renamed_from: Some(from), origin: Origin::Known, ..Self::new(path) };
        let file = open_file(&entry.path, id).ok()?;
        let reading = Reading::resume(file, options, content).ok()?;
        Some(Self { reading: Some(reading?), ..entry })
    }

    /// Opens the file ahead of its turn, so that it can be read whatever becomes of its name until then.
    pub fn hold(&mut self, id: FileId) {
        self.held = open_file(&self.path, id).ok();
    }

    /// The file has lost its name, and `path` may be where it went; whether it is. The inode of a file that is no more may
    /// be that of any other, so it must be what was read, or as it was seen.
    pub fn is_found_at(&mut self, path: PathBuf, id: FileId) -> bool {
        let Ok(file) = open_file(&path, id) else { return false };
        let is_it = match &self.reading {
            Some(reading) => reading.tail.is_content_of(&file),
            None => file
                .metadata()
                .is_ok_and(|metadata| (metadata.len(), modified(&metadata)) == (self.size, self.times[0])),
        };
        if is_it {
            self.renamed_from.get_or_insert_with(|| self.path.clone());
            (self.path, self.held) = (path, Some(file));
        }
        is_it
    }

    /// It is to be read with other options: what is known of it says from where.
    pub fn read_otherwise(&mut self) {
        if self.reading.is_none() {
            return;
        }
        let file = self.file().and_then(|file| file.try_clone().ok());
        self.held = file.filter(|mut file| file.rewind().is_ok());
        self.reading = None;
        (self.origin, self.state) = (Origin::Unknown, State::Reading);
    }

    /// Opens the file where it is not open, and goes on where what is known of it says so.
    pub(super) fn open(
        &mut self,
        id: FileId,
        books: &mut Books<'_>,
        around: &mut Surroundings<'_>,
    ) -> io::Result<()> {
        self.close_if_not_of(id);
        if self.reading.as_ref().is_some_and(|reading| reading.tail.is_open()) {
            return Ok(());
        }
        let file = match self.held.take() {
            Some(file) => file,
            None if self.named => open_file(&self.path, id)?,
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        if let Some(reading) = &mut self.reading {
            return reading.tail.reopen(file);
        }
        self.size = file.metadata()?.len();
        // What is known of a file that is not being read was known before a restart.
        let Some(content) = around.known.content(id).cloned() else {
            self.reading = Some(Reading::new(file, around.options));
            return Ok(());
        };
        let tells = content.head.tells();
        let read_to = content.plain_text_at.map(|text_at| text_at + content.position);
        if (tells || read_to == Some(self.size))
            && let Some(reading) = Reading::resume(file.try_clone()?, around.options, &content)?
        {
            self.decide(FileEvent::Resumed, books);
            self.reading = Some(reading);
            self.origin = Origin::Known;
            return Ok(());
        }
        // What was compressed can only be known again by its text, and of a header alone there may be many.
        if read_to.is_some_and(|read_to| tells || self.size < read_to) {
            self.decide(FileEvent::Found, books);
            (around.retire)(around.known, id);
        }
        self.reading = Some(Reading::new(file, around.options));
        Ok(())
    }

    /// A descriptor on a network file system may have gone stale, and on FUSE lead to whatever has the name now.
    fn close_if_not_of(&mut self, id: FileId) {
        let file = self.file().filter(|_| self.named);
        if file.is_some_and(|file| !file.metadata().is_ok_and(|metadata| FileId::of(&metadata) == id)) {
            self.close();
        }
    }

    /// Whether this file, of which `content` is known, begins otherwise than one that has its head and is shorter. `false`
    /// where that does not show without decompressing it, or where it is not what it was.
    pub(super) fn differs(&self, id: FileId, content: &Content, shorter: &Reading) -> bool {
        let file = match self.file() {
            Some(file) => file.try_clone(),
            None => open_file(&self.path, id),
        };
        let (Ok(file), Some(text_at), Some(end)) = (file, content.plain_text_at, shorter.end()) else {
            return false;
        };
        // In this order: a file that was cut in between shows.
        !end.holds(&file, text_at).unwrap_or(true) && content.mark.holds(&file, text_at).unwrap_or(false)
    }

    /// What was read is no longer there: takes a whole last line that was held, and goes back to the beginning. The
    /// end of one that is not whole may stand in a copy.
    pub(super) fn begin_again(
        &mut self,
        id: FileId,
        books: &mut Books<'_>,
        around: &mut Surroundings<'_>,
    ) -> io::Result<()> {
        let reading = self.reading.as_mut().filter(|_| matches!(self.origin, Origin::Known));
        if reading.is_some_and(|reading| {
            let any = reading.take_last_line(&books.context());
            books.book(reading);
            any
        }) && let Some(content) = self.content()
        {
            around.known.set(id, content);
        }
        (around.retire)(around.known, id);
        self.origin = Origin::Unknown;
        self.damaged = false;
        self.reopen_at_beginning(around.options)
    }

    /// Goes back to the beginning of what is there now.
    pub(super) fn reopen_at_beginning(&mut self, options: Options) -> io::Result<()> {
        if self.reading.is_none() {
            return Ok(());
        }
        let mut file = match self.file() {
            Some(file) => file.try_clone()?,
            None => File::open(&self.path)?,
        };
        file.rewind()?;
        self.reading = Some(Reading::new(file, options));
        Ok(())
    }
}

fn open_file(path: &Path, id: FileId) -> io::Result<File> {
    let file = File::open(path)?;
    // When another file took the name since it was seen, the next look finds it.
    if FileId::of(&file.metadata()?) == id { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
}
