//! Holes that were given up: what was read over, what was rejected there, and how it is read if it is written after all.

use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::records::next_hole;
use super::resume::LOOK_AHEAD_BYTES;
use super::{Content, Context, Reading, Turn};
use crate::format::{Format, Recognition};
use crate::framing::Place;
use crate::source::blocks::{self, Blocks, PIECE_BYTES};
use crate::source::hole::{self, Holes};
use crate::source::tail::TailError;

/// So many holes of a file are remembered. What is written into one that is forgotten shows as a changed text.
const MAXIMUM_HOLES: usize = 64;

/// A run of NULs that was given up. Offsets of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    /// Where the record begins that it cuts, or else it itself.
    pub begin: u64,
    pub start: u64,
    pub end: u64,
    /// Where the rest of a record behind it ends.
    pub until: u64,
    /// Where between records the splitter stood at its beginning.
    pub place: Place,
    /// How many records were rejected for it.
    pub rejected: u64,
}

/// The holes of a text that were given up.
#[derive(Debug, Clone, Default)]
pub struct GivenUp {
    pub holes: Vec<Hole>,
    /// Where the record begins that the next hole cuts.
    pub cut: Option<u64>,
    /// Where lines began that were rejected one by one, and how many: with a quote that a hole leaves open, they are the
    /// beginning of what it cuts.
    broken: Option<(u64, u64)>,
    /// Nothing was read behind the last one yet, so that it is not known to be in the midst of the text.
    is_last: bool,
    /// Only rejected records were read behind the last one.
    is_open: bool,
}

impl GivenUp {
    /// Those of a text that was read up to this position.
    pub fn of(content: &Content) -> Self {
        let is_open = content.holes.last().is_some_and(|hole| hole.until == content.position);
        // Where it ends the text, it was not said yet.
        let is_last =
            content.holes.last().is_some_and(|hole| is_open && hole.rejected == 0 && hole.begin > 0);
        Self { holes: content.holes.clone(), is_last, is_open, ..Self::default() }
    }

    /// These NULs are read over, in a text that begins at `text_at` of its file, if it lies there as it is.
    pub fn read_over(&mut self, nuls: Range<u64>, place: Place, text_at: Option<u64>) {
        if !is_hole(&nuls, text_at) {
            return;
        }
        let begin = self.cut.take().unwrap_or(nuls.start);
        let (begin, rejected) = self.broken.take().unwrap_or((begin, 0));
        match self.holes.last_mut().filter(|last| last.until == nuls.start && last.end == nuls.start) {
            Some(last) => (last.end, last.until) = (nuls.end, nuls.end),
            None => {
                let Range { start, end } = nuls;
                self.holes.push(Hole { begin, start, end, until: end, place, rejected });
                self.forget_first();
            }
        }
        (self.is_last, self.is_open) = (self.holes.last().is_some_and(|hole| hole.begin > 0), true);
    }

    /// A line of CSV before the next hole is rejected: whether for a quote that is not closed.
    pub fn reject_before(&mut self, begin: u64, is_broken: bool) {
        self.broken = match self.broken {
            Some((first, count)) => Some((first, count + 1)),
            // What a hole leaves of a record behind it is no beginning of another.
            None => (is_broken && !self.is_open).then_some((begin, 1)),
        };
    }

    /// There is text behind the last hole: it is to be said now, with its place and its length, if it was not.
    pub fn say(&mut self) -> Option<(u64, u64)> {
        let is_new = std::mem::take(&mut self.is_last);
        let hole = self.holes.last_mut().filter(|_| is_new)?;
        hole.rejected += 1;
        Some((hole.begin, hole.end - hole.begin))
    }

    /// Whether nothing was read behind the last hole, which ends at `position`.
    pub fn ends_at(&self, position: u64) -> bool {
        self.holes.last().is_some_and(|hole| hole.until == position && hole.end == position)
    }

    /// Whether the last hole is not yet said.
    pub fn is_unsaid(&self) -> bool {
        self.is_last
    }

    /// A record was read that ends at `end`; whether that is the rest of one that a hole cuts.
    pub fn read(&mut self, is_rejected: bool, end: u64) -> bool {
        self.is_open &= is_rejected;
        self.broken = self.broken.filter(|_| is_rejected);
        if let Some(last) = self.holes.last_mut().filter(|_| self.is_open) {
            last.until = end;
            last.rejected += 1;
        }
        self.is_open
    }

    /// The line end that stands up to `end` may be that of a record that a hole cuts.
    pub fn skip_to(&mut self, end: u64) {
        if let Some(last) = self.holes.last_mut().filter(|_| self.is_open) {
            last.until = end;
        }
    }

    /// Keeps no more than may be remembered.
    fn forget_first(&mut self) {
        self.holes.drain(..self.holes.len().saturating_sub(MAXIMUM_HOLES));
    }

    /// The bytes that were never written.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u64>> {
        self.holes.iter().map(|hole| hole.start..hole.end)
    }
}

/// The bytes that were never written, where the text lies in its file as it is, from `text_at` on. Where it was unpacked or
/// decoded, a byte that is written there changes other text too.
pub fn unwritten(holes: &[Hole], text_at: Option<u64>) -> Vec<Range<u64>> {
    text_at.map_or(&[][..], |_| holes).iter().map(|hole| hole.start..hole.end).collect()
}

/// Whether these NULs of a text are a hole, and not stray ones; as in [`GivenUp::read_over`].
pub fn is_hole(nuls: &Range<u64>, text_at: Option<u64>) -> bool {
    let length = usize::try_from(nuls.end - nuls.start).unwrap_or(usize::MAX);
    nuls.start == 0 && text_at.is_some() || hole::is_hole(length, text_at.unwrap_or_default() + nuls.end)
}

impl Reading {
    /// Whether one of the holes that were given up is filled, by what is cheap to see.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn has_filled_hole(&self) -> io::Result<bool> {
        let Some((file, text_at)) = self.tail.plain_file() else { return Ok(false) };
        for range in self.given_up.ranges() {
            if hole::is_filled(file, text_at + range.start..text_at + range.end)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether there is text by now where a file that was not recognised had a hole.
    pub fn is_unread_hole_filled(&self) -> bool {
        let at = self.unrecognised.and_then(|it| it.hole).zip(self.tail.plain_text_at());
        at.is_some_and(|(at, text_at)| self.tail.is_written_at(text_at + at))
    }

    /// Whether bytes of it were missing when they were read, as far as that shows.
    pub fn misses_bytes(&self) -> bool {
        let holes = &self.tail.holes;
        let is_unread = self.unrecognised.is_some_and(|it| it.hole.is_some());
        let waits = holes.at.is_some() || self.tail.waits_for().is_some();
        is_unread || waits || holes.passed > 0 || !self.given_up.holes.is_empty()
    }

    /// Where the first hole begins in what was looked at: it may be why the text is of no format that is known.
    pub(super) fn first_hole(&self) -> Option<u64> {
        let before = self.given_up.holes.first().map(|hole| hole.start);
        let hole = next_hole(self.tail.text(), 0);
        before.or((hole.start < hole.end).then(|| self.position + hole.start as u64))
    }

    /// What a file begins with is no hole to wait at where records begin behind it: its writer goes on where it was before
    /// the file was cut.
    pub(super) fn passes_first_hole(&mut self) -> io::Result<bool> {
        if self.stages.is_some() || self.position > 0 || !self.tail.text().is_empty() {
            return Ok(false);
        }
        let (Some((file, text_at)), mut begin) = (self.tail.plain_file(), [0; LOOK_AHEAD_BYTES]) else {
            return Ok(false);
        };
        let Some(end) = hole::end_of(file, text_at)? else { return Ok(false) };
        let length = file.read_at(&mut begin, end)?;
        let text = &begin[..next_hole(&begin[..length], 0).start];
        let is_record =
            matches!(Format::recognise_with(text, false, self.options.names), Recognition::Known(_));
        if is_record {
            self.tail.holes.passed = end;
        }
        Ok(is_record)
    }

    /// How many bytes in the midst of the text were given up.
    pub fn given_up_bytes(&self) -> u64 {
        let holes = self.given_up.holes.iter().filter(|hole| hole.rejected > 0);
        holes.map(|hole| hole.end - hole.start).sum()
    }

    /// The first hole that was given up and has something in it by now.
    fn written_hole(&self) -> io::Result<Option<usize>> {
        let Some((file, text_at)) = self.tail.plain_file() else { return Ok(None) };
        for (place, range) in self.given_up.ranges().enumerate() {
            let end = hole::end_of(file, text_at + range.start)?;
            if end.is_some_and(|end| end < text_at + range.end) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// Begins to read what was written into a hole, if anything was. Everything else must be as it was read.
    pub(super) fn begin_hole(&mut self) -> io::Result<bool> {
        let Some(place) = self.written_hole()? else { return Ok(false) };
        let hole = &self.given_up.holes[place];
        let Some((mut part, _)) = self.reading_from(hole.begin, hole.place)? else { return Ok(false) };
        part.until = Some(hole.until);
        self.filling = Some((place, Box::new(part)));
        Ok(true)
    }

    /// Reads on in a hole that was filled, for about `budget` bytes. What was read of it is not read again.
    pub(super) fn read_hole(&mut self, context: &Context, budget: u64) -> Result<Turn, TailError> {
        let Some((place, mut part)) = self.filling.take() else { return Ok(Turn::CaughtUp) };
        let begin = part.tail.read_bytes();
        let turn = loop {
            part.records(context, false);
            if part.goes_on_alone(self.position) {
                break None;
            }
            if part.is_full() || part.tail.read_bytes().saturating_sub(begin) >= budget {
                break Some(Turn::More);
            }
            let missing = part.missing();
            if missing > 0 && part.fill(missing, false)? {
                continue;
            }
            match part.until {
                None => break Some(Turn::CaughtUp),
                Some(until) if until != self.position || until == part.position => break None,
                Some(_) => part.go_on_alone(&self.tail.holes),
            }
        };
        if let Some(turn) = turn {
            self.book(&mut part);
            let hole = &mut self.given_up.holes[place];
            (hole.begin, hole.place) = (part.position, part.place());
            self.filling = Some((place, part));
            return Ok(turn);
        }
        self.end_hole(place, *part)?;
        self.begin_hole()?;
        Ok(Turn::More)
    }

    /// Hands over what was read in a hole.
    fn book(&mut self, part: &mut Self) {
        self.batch = part.batch.take();
        self.found = std::mem::take(&mut part.found).after(self.found);
    }

    /// A hole is read to the end of what it cuts. What can fail comes first: what is booked is not read again.
    fn end_hole(&mut self, place: usize, mut part: Self) -> io::Result<()> {
        let mut given_up = self.given_up.clone();
        let hole = given_up.holes.remove(place);
        let is_cut = part.position < hole.until && part.given_up.ends_at(part.position);
        if let Some(last) = part.given_up.holes.last_mut().filter(|_| is_cut) {
            // What is left of it still cuts the record that ends there.
            (last.until, last.rejected) = (hole.until, last.rejected + 1);
        }
        given_up.holes.splice(place..place, std::mem::take(&mut part.given_up.holes));
        given_up.forget_first();
        let goes_on_alone = part.goes_on_alone(self.position);
        let mut blocks = self.blocks_with(&hole, &given_up)?;
        match &mut blocks {
            Some(blocks) if goes_on_alone => part.hash_up_to_here(blocks)?,
            _ => {}
        }
        if !goes_on_alone {
            self.tail.mark_anew()?;
        }
        self.book(&mut part);
        self.take_back_rejected(hole.rejected);
        self.found.rejected += u64::from(is_cut);
        if goes_on_alone {
            self.adopt(part);
            self.ending = None;
        }
        (self.given_up, self.blocks) = (given_up, blocks);
        self.tail.give_up(self.given_up.ranges());
        self.filled += 1;
        Ok(())
    }

    /// The record that the hole cuts ends behind all that was read so far: once it has ended, reading goes on from there.
    fn go_on_alone(&mut self, holes: &Holes) {
        let passed = holes.passed.max(self.tail.read_bytes());
        self.tail.holes = Holes { waits: true, at: None, passed, given_up: Vec::new() };
        self.until = None;
    }

    /// Whether it has come to a record's end behind `position`, and goes on from there.
    fn goes_on_alone(&self, position: u64) -> bool {
        self.until.is_none() && self.position >= position
    }

    /// Takes what stands before the position into the hashes, from the file.
    fn hash_up_to_here(&self, hashes: &mut Blocks) -> io::Result<()> {
        let Some((file, text_at)) = self.tail.plain_file() else { return Ok(()) };
        let mut piece = [0; PIECE_BYTES];
        while hashes.end() + PIECE_BYTES as u64 <= self.position {
            file.read_exact_at(&mut piece, text_at + hashes.end())?;
            hashes.add(&piece);
        }
        Ok(())
    }

    /// So many records that were rejected are there no more.
    fn take_back_rejected(&mut self, count: u64) {
        let of_found = count.min(self.found.rejected);
        self.found.rejected -= of_found;
        if let Some(before) = &mut self.passed_over {
            before.rejected = before.rejected.saturating_sub(count - of_found);
        }
    }

    fn place(&self) -> Place {
        self.stages.as_ref().map_or(Place::Top, |stages| stages.splitter.place())
    }

    /// The hashes of a text in which what stands in this hole by now was read, and those that are left were not.
    fn blocks_with(&self, hole: &Hole, left: &GivenUp) -> io::Result<Option<Blocks>> {
        let (Some((file, text_at)), Some(mut hashes)) = (self.tail.plain_file(), self.blocks.clone()) else {
            return Ok(self.blocks.clone());
        };
        let left: Vec<Range<u64>> = left.ranges().collect();
        let before: Vec<Range<u64>> =
            left.iter().cloned().chain(std::iter::once(hole.start..hole.end)).collect();
        let length = PIECE_BYTES as u64;
        let mut at = hole.start / length * length;
        while at < hole.end && at + length <= hashes.end() {
            let mut new = [0; PIECE_BYTES];
            file.read_exact_at(&mut new, text_at + at)?;
            let mut old = new;
            blocks::blank(&mut old, at, &before);
            blocks::blank(&mut new, at, &left);
            hashes.replace(at, &old, &new);
            at += length;
        }
        Ok(Some(hashes))
    }
}
