//! What was read before: how a text is known again, and how reading goes on behind it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::beginning::{Beginning, first_record};
use super::given_up::GivenUp;
use super::stages::Stages;
use super::{Content, Found, HowRead, Options, Reading, Records};
use crate::format::{Format, Recognition};
use crate::framing::Place;
use crate::source::identity::Mark;
use crate::source::memory::Memory;
use crate::source::tail::{Tail, TailError};

/// As much of a text as a header and a whole head need.
pub(super) const LOOK_AHEAD_BYTES: usize = 8 * 1024;

/// What came of [`Reading::pass_over`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// The file holds the known content; reading goes on behind it.
    Same,
    /// It does not.
    Different,
    /// It ends before the known position.
    TooShort,
    /// The budget is spent.
    More,
}

impl Options {
    /// The format of a known content, unless a text that begins so is to be read as another.
    fn format_of(&self, known: &Content, begin: &[u8]) -> Option<&'static Format> {
        let recognised = match Format::recognise_with(begin, false, self.names) {
            Recognition::Known(format) => Some(format),
            Recognition::NeedMore | Recognition::Unknown => None,
        };
        let wanted = self.format.or(recognised);
        match wanted {
            // It may know more than the built-in one of its name: which side is Teams.
            Some(wanted) => (wanted.name == known.format).then_some(wanted),
            None => Format::named(&known.format),
        }
    }
}

impl Reading {
    /// A file whose content is known: goes on at its position. `None` when the file holds something else there, when
    /// that cannot be told without reading it, or when it was read as another format than it is to be.
    pub fn resume(
        file: File,
        options: Options,
        content: &Content,
        memory: &Memory,
    ) -> io::Result<Option<Self>> {
        let Some(text_at) = content.plain_text_at else { return Ok(None) };
        if !content.is_marked_in(&file, text_at)? {
            return Ok(None);
        }
        let mut begin = [0; LOOK_AHEAD_BYTES];
        let length = file.read_at(&mut begin, text_at)?;
        let Some(format) = options.format_of(content, &begin[..length]) else { return Ok(None) };
        // A head that was short when it was stored may have become longer since.
        let beginning = Beginning::in_file(&file, text_at, content)?;
        let mut reading = Self::of_tail(Tail::at(file, text_at, content.mark), options).follow(memory);
        reading.go_on(format, content);
        reading.beginning = beginning;
        Ok(Some(reading))
    }

    /// Whether nothing is under way that [`Reading::content`] does not tell of.
    pub fn may_begin_again(&self) -> bool {
        self.filling.is_none()
            && self.check.is_none()
            && self.batch.as_ref().is_none_or(|batch| batch.is_empty())
    }

    /// Another reading of the same text, from `begin` on, where the splitter stands so; and what is known there. `None` where
    /// the text does not lie in the file as it is.
    pub(super) fn reading_from(&self, begin: u64, place: Place) -> io::Result<Option<(Self, Content)>> {
        let (Some((file, text_at)), Some(stages)) = (self.tail.plain_file(), &self.stages) else {
            return Ok(None);
        };
        let file = file.try_clone()?;
        let mark = Mark::in_file(&file, text_at, begin)?;
        // Before the text there is none.
        let header = stages.decoder.header().filter(|_| begin > 0);
        let content = Content {
            position: begin,
            mark,
            head: self.beginning.head.clone(),
            place,
            format: stages.format.name.to_owned(),
            header: header.map(|header| String::from_utf8_lossy(&header).into_owned()),
            plain_text_at: Some(text_at),
            lineage: self.lineage,
            records: None,
            unfinished: None,
            holes: Vec::new(),
            blocks: None,
        };
        let mut reading = Self::of_tail(self.tail.beside_at(file, text_at, mark), self.options);
        reading.go_on(stages.format, &content);
        Ok(Some((reading, content)))
    }

    /// Goes on at a known content's position, to which the text was read and which it was found to hold.
    pub(super) fn go_on(&mut self, format: &'static Format, content: &Content) {
        let mut stages = Stages::new(format, self.options);
        stages.splitter.resume(content.place);
        if let Some(header) = &content.header {
            stages.decoder.resume(header.as_bytes());
        }
        self.stages = Some(stages);
        self.position = content.position;
        self.passed_over = content.records;
        self.unfinished = content.unfinished;
        self.given_up = GivenUp::of(content);
        if let Some(stages) = self.stages.as_mut().filter(|_| self.given_up.ends_at(content.position)) {
            stages.over_hole();
        }
        self.tail.give_up(self.given_up.ranges());
        if self.blocks.is_some() {
            self.blocks.clone_from(&content.blocks);
        }
        if content.lineage != 0 {
            self.lineage = content.lineage;
        }
    }

    /// Reads the text from its beginning up to the position of this content, and shows its records to `take`, with how they
    /// are read and how many records of the file that makes. Returns whether the text is the content's.
    ///
    /// # Errors
    /// Why it could not be read on.
    pub fn again(
        &mut self,
        content: &Content,
        mut take: impl FnMut(&Found<'_>, HowRead, &Records),
    ) -> Result<bool, TailError> {
        self.until = Some(content.position);
        let mut take = |found: &Found<'_>, how: HowRead, so_far: &Records| {
            take(found, how, so_far);
            true
        };
        loop {
            self.each(false, &mut take);
            let held = self.tail.text().len();
            if self.unrecognised.is_some() || self.missing() == 0 {
                break;
            }
            let more = self.tail.fill(u64::MAX, false);
            // What came before damage is there all the same.
            if self.tail.text().len() == held && !more? && !self.tail.fill(u64::MAX, true)? {
                break;
            }
        }
        self.each(true, &mut take);
        let Content { position, mark, .. } = content;
        Ok(self.position == *position && mark.end == *position && self.tail.is_marked(mark, 0))
    }

    /// Reads the beginning of the text, as much as a head needs. Returns it, and where its first record begins, once
    /// one can be there. Nothing is booked.
    pub fn look_ahead(&mut self) -> Result<(&[u8], Option<usize>), TailError> {
        while self.tail.text().len() < LOOK_AHEAD_BYTES {
            match self.fill(LOOK_AHEAD_BYTES as u64, false) {
                Ok(true) => {}
                Err(later @ (TailError::NoRoom | TailError::TakesLong)) => return Err(later),
                // Text before damage counts like any other; the damage shows again behind it.
                Err(error) if self.tail.text().is_empty() => return Err(error),
                Ok(false) | Err(_) => break,
            }
        }
        let text = self.tail.text();
        Ok((text, first_record(text, &self.options, text.len() < LOOK_AHEAD_BYTES)))
    }

    /// Takes the steps of the file that take long and were left, as far as a look ahead needs them.
    pub fn step_ahead(&mut self) {
        self.tail.step_ahead(LOOK_AHEAD_BYTES);
    }

    /// Whether a look ahead would show more of the text than was read so far.
    pub fn is_within_look_ahead(&self) -> bool {
        self.position + (self.tail.text().len() as u64) < LOOK_AHEAD_BYTES as u64
    }

    /// Reads past the text that a known content has before its position, without booking any of it, for about
    /// `budget` bytes of the file. The reading must be at its beginning, or have been at this before.
    pub fn pass_over(&mut self, known: &Content, budget: u64) -> Result<Passed, TailError> {
        let begin = if self.position == 0 {
            self.look_ahead()?;
            self.beginning = Beginning::in_text(self.tail.text(), known);
            // The documents of an archive may be of several formats.
            if self.tail.is_archive() { &[] } else { self.tail.text() }
        } else {
            &[]
        };
        let Some(format) = self.options.format_of(known, begin) else { return Ok(Passed::Different) };
        if let Some(passed) = self.skip_over(known, format, budget)? {
            return Ok(passed);
        }
        let (begin, text_begin) = (self.tail.read_bytes(), self.position);
        loop {
            let missing = known.position - self.position;
            let there = self.tail.text().len() as u64;
            if there >= missing {
                let at = usize::try_from(missing).unwrap_or_default();
                let is_marked = self.tail.is_marked(&known.mark, at);
                self.hash(at);
                if !is_marked || (known.blocks.is_some() && self.blocks != known.blocks) {
                    return Ok(Passed::Different);
                }
                self.tail.consume(at);
                self.go_on(format, known);
                return Ok(Passed::Same);
            }
            self.hash(self.tail.text().len());
            self.position += there;
            self.tail.consume(self.tail.text().len());
            if self.tail.read_bytes().saturating_sub(begin).max(self.position - text_begin) >= budget {
                return Ok(Passed::More);
            }
            if !self.fill(u64::MAX, false)? {
                return Ok(Passed::TooShort);
            }
        }
    }

    /// As [`Reading::pass_over`], where the text lies in the file as it is.
    fn skip_over(
        &mut self,
        known: &Content,
        format: &'static Format,
        budget: u64,
    ) -> Result<Option<Passed>, TailError> {
        let (Some(text_at), Some(file)) = (self.tail.plain_text_at(), self.tail.file()) else {
            return Ok(None);
        };
        if file.metadata()?.len() < text_at + known.position {
            return Ok(Some(Passed::TooShort));
        }
        if !known.is_marked_in(file, text_at)? {
            // A known text that did not lie in its file as it is may do so no further in this one.
            return Ok(known.plain_text_at.is_some().then_some(Passed::Different));
        }
        let holes = self.tail.holes.clone();
        let mut tail = self.tail.beside_at(file.try_clone()?, text_at, known.mark);
        tail.holes = holes;
        match self.compare_with(known, budget)? {
            None => return Ok(Some(Passed::More)),
            Some(false) => return Ok(Some(Passed::Different)),
            Some(true) => self.tail = tail,
        }
        self.go_on(format, known);
        Ok(Some(Passed::Same))
    }

    /// The mark at the end of the text that is there now.
    pub fn end(&self) -> Option<Mark> {
        match (self.tail.file(), self.tail.plain_text_at()) {
            (Some(file), Some(text_at)) => {
                let length = file.metadata().ok()?.len();
                Mark::in_file(file, text_at, length.checked_sub(text_at)?).ok()
            }
            _ => {
                let held = self.tail.text().len();
                Some(self.tail.text_mark(self.position + held as u64, held))
            }
        }
    }
}
