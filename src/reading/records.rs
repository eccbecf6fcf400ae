//! Every record of the text that is there, shown to whoever takes it, and what stands in the place of one.

use std::ops::Range;

use super::beginning::Beginning;
use super::given_up::{self, GivenUp};
use super::stages::{self, Piece, Stages};
use super::{Batch, Content, Context, Found, HowRead, Options, Reading, Records, Unrecognised, found};
use crate::call::Reason;
use crate::format::unknown::packed;
use crate::format::{Decoded, Format, Front, Recognition};
use crate::framing::{Framing, Place};

/// Text of a file of unknown format that is looked at before it is given up.
const UNKNOWN_BYTES: usize = 256 * 1024;

/// So many lines of something else may stand before the records of a file.
const FIRST_LINES: usize = 8;

impl Reading {
    /// Puts every record that the text holds into the batch, until that is full.
    pub(super) fn records(&mut self, context: &Context, finished: bool) {
        let mut batch = self.batch.take().unwrap_or_default();
        let begun = self.position;
        self.each(finished, |found, how, so_far| {
            batch.add(found, how, so_far, context);
            batch.note_buckets(found);
            !batch.is_full()
        });
        self.read_exemplars(&mut batch);
        self.remark(begun, &mut batch);
        self.batch = Some(batch);
    }

    /// Notes what people should hear of the text from `begun` to the position.
    fn remark(&mut self, begun: u64, batch: &mut Batch) {
        let Some(stages) = self.stages.as_ref().filter(|_| self.position > begun) else { return };
        let before = self.passed_over.map_or(0, |records| records.calls);
        let text = self.tail.text_from(self.position - begun).unwrap_or_default();
        let read = usize::try_from(self.position - begun).unwrap_or(usize::MAX);
        let read = &text[..read.min(text.len())];
        let counts = before + self.found.calls > 0;
        batch.remarks.extend(self.remarks.look(stages, &self.options, (read, begun), counts));
    }

    /// Reads the correlation ids of the newest failed calls, while their records are in memory.
    fn read_exemplars(&self, batch: &mut Batch) {
        let Some(stages) = &self.stages else { return };
        let id_at = |position| {
            let record = self.tail.text_from(self.position.checked_sub(position)?)?;
            stages.decoder.correlation_id(record)
        };
        batch.exemplars.read(id_at);
        batch.read_ids_of_attempts(id_at);
    }

    /// As [`Reading::each`], of one document.
    ///
    /// A run of NULs is a hole, where a writer never wrote: it ends the record before it, and is none itself.
    pub(super) fn each_of_document(
        &mut self,
        finished: bool,
        mut take: impl FnMut(&Found<'_>, HowRead, &Records) -> bool,
    ) {
        if self.unrecognised.is_some() || (self.stages.is_none() && !self.recognise(finished)) {
            return;
        }
        let end = self.wanted();
        let (mut at, mut hole, mut goes_on) = (0, 0..0, true);
        while goes_on && let Some(stages) = &mut self.stages {
            let (text, text_at, position) =
                (&self.tail.text()[..end], self.tail.plain_text_at(), self.position);
            let Self { beginning, found, given_up, before_too_long, unfinished, .. } = self;
            let (how, unfinished) = (stages.how(), *unfinished);
            let mut books = Books { how, beginning, found, given_up, before_too_long, unfinished };
            // No usual record has a NUL, so none reaches over a hole that was not yet looked for.
            let rest = &text[at..if at < hole.start { hole.start } else { end }];
            if let Some((next, wants_more)) = books.front(stages, rest, position + at as u64, &mut take) {
                (at, goes_on) = (at + next, wants_more);
                continue;
            }
            hole = if at >= hole.end { next_hole(text, at) } else { hole };
            let (rest, is_at_hole) = (&text[at..hole.start], hole.start < end);
            let nuls = position + hole.start as u64..position + hole.end as u64;
            let (was_discarding, place_before) = (stages.splitter.is_discarding(), stages.splitter.place());
            let (decoded, text_of_it, next) = match stages.next(rest, finished || is_at_hole) {
                Piece::NeedMore if is_at_hole => {
                    books.given_up.read_over(nuls, stages.over_hole(), text_at);
                    at = hole.end;
                    continue;
                }
                Piece::NeedMore => break,
                Piece::Skip { next } => {
                    books.given_up.skip_to(position + (at + next) as u64);
                    if stages.splitter.is_discarding() && !was_discarding {
                        self.before_too_long = self.content_at(at);
                    }
                    at += next;
                    continue;
                }
                Piece::Record { decoded, text, next } => (decoded, text, next),
            };
            let begin = position + (at + text_of_it.start) as u64;
            let is_first = self.passed_over == Some(Records::default()) && *books.found == Records::default();
            let is_last = is_at_hole && next == rest.len() && given_up::is_hole(&nuls, text_at);
            at += next;
            if is_last && stages::is_cut(books.how.format, &decoded, rest) {
                books.given_up.cut = Some(begin);
                continue;
            }
            if is_at_hole {
                books.note_rejected(&decoded, begin);
            }
            let decoded = match decoded {
                // One answer that is an error, or one line of a log, may stand before rows.
                Decoded::Rejected(reason) if is_first && found::is_none_of_ours(&decoded, place_before) => {
                    if !stages.has_any_of_ours(&text[at..]) {
                        return self.each_of_other_format(end, finished, take);
                    }
                    Decoded::Rejected(reason)
                }
                decoded => decoded,
            };
            goes_on = books.one(decoded, &rest[text_of_it], begin..position + at as u64, &mut take);
        }
        self.take(at);
    }

    /// What begins the text, of this length, is of the format that it seemed to be, and no record: another may follow, or none.
    fn each_of_other_format(
        &mut self,
        length: usize,
        finished: bool,
        take: impl FnMut(&Found<'_>, HowRead, &Records) -> bool,
    ) {
        let text = &self.tail.text()[..length];
        let seemed = self.format();
        let other = match behind_first_lines(text, self.options) {
            Behind::Format(other) if seemed != Some(other) => Some(other),
            _ => None,
        };
        if let Some(other) = other.filter(|_| self.options.format.is_none()) {
            self.stages = Some(Stages::new(other, self.options));
            return self.each_of_document(finished, take);
        }
        let (why, is_guess) = (Format::unknown_explanation(text), length <= UNKNOWN_BYTES);
        self.unrecognised = Some(Unrecognised { why, is_guess, hole: self.first_hole() });
    }

    /// Is done with the first `count` bytes of the text.
    pub(super) fn take(&mut self, count: usize) {
        self.beginning.take(self.position, &self.tail.text()[..count]);
        self.hash(count);
        self.position += count as u64;
        self.tail.consume(count);
        if !self.given_up.holes.is_empty() {
            self.tail.give_up(self.given_up.ranges());
        }
    }

    /// Finds out the format, by the text up to a hole; `false` while it is not known.
    pub(super) fn recognise(&mut self, finished: bool) -> bool {
        let hole = next_hole(self.document(), 0);
        if hole.start == 0 && hole.end > 0 {
            let nuls = self.position..self.position + hole.end as u64;
            self.given_up.read_over(nuls, Place::Top, self.tail.plain_text_at());
            self.take(hole.end);
        }
        if self.document().trim_ascii_start().is_empty() {
            // However much blank text there is, it is not kept, nor looked at again.
            self.take(self.document().len());
        }
        if self.document().is_empty() {
            // Blanks may follow, which are no record whether they come now or with what stands here.
            return false;
        }
        let text = &self.document()[..next_hole(self.document(), 0).start];
        let over = finished || text.len() < self.document().len() || text.len() > UNKNOWN_BYTES;
        let format = match self.options.format {
            Some(format) => match packed(text) {
                None => format,
                Some(why) => {
                    let hole = self.first_hole();
                    self.unrecognised = Some(Unrecognised { why, is_guess: false, hole });
                    return false;
                }
            },
            None => match Format::recognise_with(text, over, self.options.names) {
                Recognition::Known(format) => format,
                Recognition::NeedMore => return false,
                Recognition::Unknown => match behind_first_lines(text, self.options) {
                    // What stands behind a hole is the rest of something.
                    Behind::Format(format) if self.given_up.holes.is_empty() => format,
                    behind => {
                        // Behind the last of the first lines, what is not all there may yet be of ours.
                        let may_be = memchr::memchr_iter(b'\n', text).count() <= FIRST_LINES
                            || matches!(behind, Behind::Begun);
                        let is_guess = may_be && text.len() <= UNKNOWN_BYTES;
                        let (why, hole) = (Format::unknown_explanation(text), self.first_hole());
                        self.unrecognised = Some(Unrecognised { why, is_guess, hole });
                        return false;
                    }
                },
            },
        };
        self.stages = Some(Stages::new(format, self.options));
        true
    }
}

/// What stands behind some lines of something else, as a title or the messages of a script.
enum Behind {
    /// Records of this format, of which one was found.
    Format(&'static Format),
    /// What begins as some do, and has none yet.
    Begun,
    Nothing,
}

fn behind_first_lines(text: &[u8], options: Options) -> Behind {
    let mut behind = Behind::Nothing;
    for newline in memchr::memchr_iter(b'\n', text).take(FIRST_LINES) {
        let rest = &text[newline + 1..];
        let Recognition::Known(format) = Format::recognise_with(rest, true, options.names) else { continue };
        if Stages::new(format, options).has_any_of_ours(rest) {
            return Behind::Format(format);
        }
        behind = Behind::Begun;
    }
    behind
}

/// Takes records; returns whether it wants more.
trait Take: FnMut(&Found<'_>, HowRead, &Records) -> bool {}

impl<T: FnMut(&Found<'_>, HowRead, &Records) -> bool> Take for T {}

/// What is noted of each record that is shown.
struct Books<'r> {
    how: HowRead,
    beginning: &'r mut Beginning,
    found: &'r mut Records,
    given_up: &'r mut GivenUp,
    before_too_long: &'r mut Option<Content>,
    /// Position of a record that was handed over when it was given up.
    unfinished: Option<u64>,
}

impl Books<'_> {
    /// Notes a row of CSV before a hole that is rejected: it may only be that the hole cuts it.
    fn note_rejected(&mut self, decoded: &Decoded<'_>, begin: u64) {
        if let (Framing::QuotedCsv, Decoded::Rejected(reason)) = (self.how.format.framing, decoded) {
            self.given_up.reject_before(begin, *reason == self.how.format.broken);
        }
    }

    /// Usual records that the text from `at` on begins with, and before them a hole that is not yet said. How long they
    /// are, and whether more is wanted; `None` where there is nothing of it.
    fn front(
        &mut self,
        stages: &mut Stages,
        text: &[u8],
        at: u64,
        take: &mut impl Take,
    ) -> Option<(usize, bool)> {
        if self.given_up.is_unsaid() && text.first().is_some_and(|byte| *byte != 0) {
            return Some((0, self.hole(take)));
        }
        let mut front = Front::empty();
        stages.front(text, &mut front);
        let positions = |begins: &[usize]| begins.iter().map(|begin| at + *begin as u64).collect::<Vec<_>>();
        let first = at + front.begins.iter().chain(&front.ignored).min().copied()? as u64;
        self.beginning.find(false, first, first);
        self.given_up.read(false, 0);
        let (calls, ignored) = (positions(&front.begins), positions(&front.ignored));
        let calls = Found::Calls { calls: &front.calls, positions: &calls };
        let founds = [calls, Found::Ignored { positions: &ignored }];
        let mut wants_more = true;
        for found in founds.iter().filter(|found| !found.is_empty()) {
            self.found.add(found);
            wants_more &= take(found, self.how, self.found);
        }
        Some((front.end, wants_more))
    }

    /// One record.
    fn one(&mut self, decoded: Decoded<'_>, text: &[u8], place: Range<u64>, take: &mut impl Take) -> bool {
        self.beginning.find(decoded == Decoded::Header, place.start, place.end);
        let is_rejected = matches!(decoded, Decoded::Rejected(_));
        let is_rest = self.given_up.read(is_rejected, place.end);
        let decoded = if is_rest { Decoded::Rejected(Reason::Hole) } else { decoded };
        let position = self.before_too_long.take().map_or(place.start, |content| content.position);
        let found = Found::one(&decoded, &position, text);
        self.found.add(&found);
        (self.unfinished == Some(position) && is_rejected) || take(&found, self.how, self.found)
    }

    /// A hole, now that there is something behind it.
    fn hole(&mut self, take: &mut impl Take) -> bool {
        let Some((position, bytes)) = self.given_up.say() else { return true };
        let found = Found::Rejected { reason: Reason::Hole, position, text: &[], bytes };
        self.found.add(&found);
        self.unfinished == Some(position) || take(&found, self.how, self.found)
    }
}

/// The next run of NULs from `at` on; an empty one at the end of the text if there is none.
pub(super) fn next_hole(text: &[u8], at: usize) -> Range<usize> {
    let start = memchr::memchr(0, &text[at..]).map_or(text.len(), |nul| at + nul);
    start..start + text[start..].iter().take_while(|byte| **byte == 0).count()
}
