//! What is left at the end of a text whose writer has stopped for a while.

use super::stages::Stages;
use crate::decode::{Decoded, Decoder};
use crate::source::split::Split;

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
        let mut splitter = self.splitter.clone();
        let header = self.decoder.header();
        let mut decoder =
            header.map_or_else(|| Decoder::new(self.format), |header| Decoder::resume(self.format, header));
        let (mut at, mut begun, mut calls) = (0, None, None);
        loop {
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
                (Some(_), Some(Decoded::Call(_))) if text[..at + next].ends_with(b"\n") => {
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
