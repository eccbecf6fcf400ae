//! What is left at the end of a text whose writer has stopped for a while, and what becomes of it.

use super::Reading;
use super::stages::Stages;
use super::{Context, Found, Records};
use crate::call::Reason;
use crate::format::Decoded;
use crate::framing::{Place, Split};

/// What stands in a text that holds no whole record as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Nothing that could become a call.
    Nothing,
    /// A call, whole but for its line end.
    Call,
    /// Calls up to this offset, behind a quote that is never closed.
    Calls(usize),
    /// A record that begins at this offset and is not finished.
    Unfinished(usize),
}

impl Stages {
    /// What the text is, of which the splitter wants more. Asks copies of splitter and decoder: the text may go on.
    pub fn ending(&self, text: &[u8]) -> Ending {
        if self.is_torn {
            return if text.is_empty() { Ending::Nothing } else { Ending::Unfinished(0) };
        }
        let mut splitter = self.splitter.clone();
        let mut decoder = self.decoder_like();
        let (mut at, mut begun, mut calls) = (0, None, None);
        loop {
            let within_line = splitter.place() == Place::WithinLine;
            splitter.take_apart_by(decoder.marks());
            let (start, next, decoded) = match splitter.next(&text[at..], true) {
                Split::NeedMore => break,
                Split::Skip { next } => {
                    at += next;
                    continue;
                }
                Split::Record { start, end, next } => {
                    (start, next, Some(decoder.decode(&text[at + start..at + end])))
                }
                Split::Broken { start, next } => (start, next, None),
                Split::TooLong { next } => (0, next, None),
            };
            match (begun, decoded) {
                (None, Some(Decoded::Call(_))) => return Ending::Call,
                (_, Some(Decoded::Header | Decoded::Ignored)) => {}
                (_, Some(_)) if within_line => {}
                (Some(_), Some(Decoded::Call(_)))
                    if text[..at + next].ends_with(b"\n") || text[..at + next].ends_with(b"\r") =>
                {
                    calls = Some(at + next);
                }
                _ => begun = begun.or(Some(at + start)),
            }
            at += next;
        }
        match (calls, begun) {
            (Some(end), _) => Ending::Calls(end),
            (None, Some(start)) => Ending::Unfinished(start),
            (None, None) => Ending::Nothing,
        }
    }
}

impl Reading {
    /// Nobody has written for a while: takes what can be read though it does not end as it should, a last line without
    /// line end and calls behind a quote that is never closed. A record that is not finished waits for its end, and is
    /// rejected once when it is `given_up`. Returns whether anything was booked.
    pub fn quiet(&mut self, context: &Context, given_up: bool) -> bool {
        if self.tail.waits_for().is_some() {
            if given_up {
                self.give_up_waiting();
            }
            return false;
        }
        let end = self.position + self.tail.text().len() as u64;
        let is_at_hole = self.tail.holes.at.is_some();
        let is_all_booked =
            end == self.position && self.before_too_long.is_none() && !(is_at_hole && given_up);
        if is_all_booked || self.unrecognised.is_some() {
            return false;
        }
        if self.ending.replace((end, given_up)) == Some((end, given_up)) {
            return false;
        }
        if self.stages.is_none() && given_up && !self.recognise(true) {
            self.unrecognised.iter_mut().for_each(|it| it.is_guess = true);
            return false;
        }
        let ending = match &self.stages {
            _ if self.before_too_long.is_some() => Ending::Unfinished(0),
            Some(stages) => stages.ending(self.tail.text()),
            None => Ending::Nothing,
        };
        match ending {
            // What comes next of it is missing.
            Ending::Nothing | Ending::Call if is_at_hole => given_up && self.reject_unfinished(0, context),
            Ending::Calls(_) if is_at_hole && !given_up => false,
            Ending::Call => {
                self.take_unended_line(context);
                true
            }
            Ending::Calls(end) => {
                self.until = Some(self.position + end as u64);
                self.records(context, true);
                self.until = None;
                if self.is_full() {
                    // The rest is taken the next time.
                    self.ending = None;
                }
                true
            }
            Ending::Unfinished(at) if given_up => self.reject_unfinished(at, context),
            Ending::Unfinished(_) | Ending::Nothing => false,
        }
    }

    /// Whether it was looked at what the end of the text holds, since that last grew.
    pub fn was_ending_looked_at(&self) -> bool {
        self.ending.is_some_and(|(end, _)| end == self.position + self.tail.text().len() as u64)
    }

    /// Whether the record that stands at the end was rejected because it was not finished.
    pub fn is_unfinished_rejected(&self) -> bool {
        self.unfinished.is_some_and(|unfinished| unfinished >= self.position)
    }

    /// Takes a last line without line end, if it is a whole call by itself; whether it was.
    pub fn take_last_line(&mut self, context: &Context) -> bool {
        let ending = self.stages.as_ref().map_or(Ending::Nothing, |stages| stages.ending(self.tail.text()));
        let is_call = ending == Ending::Call && self.tail.holes.at.is_none();
        if is_call {
            self.take_unended_line(context);
        }
        is_call
    }

    /// Takes the text as a line; what may come before its line end belongs to it.
    fn take_unended_line(&mut self, context: &Context) {
        self.records(context, true);
        if let Some(stages) = &mut self.stages {
            stages.splitter.resume(Place::WithinLine);
        }
    }

    /// Rejects the record that begins at this place of the text, and leaves it there. Whether it was not before.
    fn reject_unfinished(&mut self, at: usize, context: &Context) -> bool {
        let too_long = self.before_too_long.as_ref().map(|content| content.position);
        let position = too_long.unwrap_or(self.position + at as u64);
        if self.unfinished.replace(position) == Some(position) {
            return false;
        }
        let text = &self.tail.text()[at..];
        // Nothing but bytes that were never written.
        let reason = if text.is_empty() && too_long.is_none() { Reason::Hole } else { Reason::Unfinished };
        let found = Found::Rejected { reason, position, text, bytes: text.len() as u64 };
        if let Some(stages) = &self.stages {
            // It is part of the file once it is finished, or rejected for good.
            let so_far = Records { rejected: self.found.rejected + 1, ..self.found };
            self.batch.get_or_insert_default().add(&found, stages.how(), &so_far, context);
        }
        true
    }
}
