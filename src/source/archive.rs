//! A zip archive as the texts of its members, one after another, or as the text of its first worksheet, if it is a workbook.
//!
//! It is read once all of it is there: its directory stands at its end, and only checksums tell a member from a hole that is
//! still to be filled. Until then it waits. The order is that of the members' names, and what they unpack to is the text that
//! positions count in: a file that was unpacked is known as a copy of its archive, and an archive of one that was read
//! before. Where a member ends a document ends, so that each is recognised anew.

mod directory;
mod member;
mod workbook;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use self::directory::{Contents, Directory};
pub use self::member::Member;
use self::member::Unpacking;
use self::workbook::Workbook;
use super::encoding::{Charset, Decoding, Encoding};

/// How much text a step adds, about.
const STEP_BYTES: usize = 256 * 1024;

const NOT_ENDED: &str = "a zip archive whose end is not there: it was cut, or is still being written";
/// What an archive is called that is one.
pub const WORKBOOK: &str = "Excel workbook";

const DAMAGED: &str = "a damaged zip archive: what it holds does not agree with its checksums";
const TOO_LARGE: &str =
    "an Excel workbook that takes more memory to read than `limits: memory_bytes` allows: save it as CSV";
const EMPTY: &str = "a zip archive without records: expected DirectRouting.calls.*.csv or JSON in it";

/// An archive, and how far it has come.
#[derive(Debug)]
pub struct Archive {
    state: State,
}

#[derive(Debug)]
enum State {
    /// Not all of it is there, or not as it is to be.
    Waiting(&'static str),
    /// Nothing can be read of it as it is.
    Refused(&'static str),
    Members {
        members: VecDeque<Member>,
        now: Option<Box<(Unpacking, Decoding)>>,
    },
    Workbook(Workbook),
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There is no more, at least for now.
    Nothing,
    /// Some text, or the beginning of a member.
    Text,
    /// The text ends a document.
    DocumentEnds,
}

impl Default for Archive {
    fn default() -> Self {
        Self { state: State::Waiting(NOT_ENDED) }
    }
}

impl Archive {
    /// Whether a file is an archive by its first bytes; `None` while there are too few.
    pub fn recognise(file: &File) -> io::Result<Option<bool>> {
        let mut head = [0; 4];
        let length = file.read_at(&mut head, 0)?;
        let marks: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];
        let begins = marks.iter().any(|mark| mark.starts_with(&head[..length]));
        Ok(match length {
            4 => Some(begins),
            _ if begins => None,
            _ => Some(false),
        })
    }

    /// Why nothing is read of it yet, if so.
    pub fn waits_for(&self) -> Option<&'static str> {
        match self.state {
            State::Waiting(reason) => Some(reason),
            _ => None,
        }
    }

    /// Why nothing can be read of it, if so.
    pub fn refused(&self) -> Option<&'static str> {
        match self.state {
            State::Refused(reason) => Some(reason),
            _ => None,
        }
    }

    /// What it is, for people.
    pub fn encoding(&self) -> Encoding {
        let archive = match self.state {
            State::Workbook(_) => WORKBOOK,
            _ => "zip archive",
        };
        let (charset, byte_order_mark, changes) = (Charset::Utf8, false, false);
        Encoding { compression: None, charset, byte_order_mark, changes, archive: Some(archive) }
    }

    /// How much memory a step takes, in bytes; 0 where that is little.
    pub fn memory_bytes(&self) -> u64 {
        match &self.state {
            State::Workbook(workbook) if !workbook.is_read() => workbook.memory_bytes,
            _ => 0,
        }
    }

    /// There is not so much memory in all.
    pub fn refuse_for_memory(&mut self) {
        self.state = State::Refused(TOO_LARGE);
    }

    /// Whether nothing more comes of it.
    pub fn is_read(&self) -> bool {
        match &self.state {
            State::Waiting(_) => false,
            State::Refused(_) => true,
            State::Members { members, now } => members.is_empty() && now.is_none(),
            State::Workbook(workbook) => workbook.is_read(),
        }
    }

    /// Looks whether all of it is there, if that was not seen before; whether it is.
    pub fn open(&mut self, file: &File, length: u64) -> io::Result<bool> {
        self.state = match directory::read(file, length)? {
            Directory::NotThere => State::Waiting(NOT_ENDED),
            Directory::Damaged => State::Waiting(DAMAGED),
            Directory::Refused(reason) => State::Refused(reason),
            Directory::There(contents) => match contents {
                Contents::Texts(members) | Contents::Workbook { parts: members, .. }
                    if !members.iter().all(|member| member.is_sound(file)) =>
                {
                    State::Waiting(DAMAGED)
                }
                Contents::Texts(members) => State::Members { members: members.into(), now: None },
                Contents::Workbook { held_bytes, .. } => State::Workbook(Workbook::new(length, held_bytes)),
                Contents::Nothing => State::Refused(EMPTY),
                // What always comes with an export is no fault.
                Contents::Companions => State::Members { members: VecDeque::new(), now: None },
            },
        };
        Ok(self.waits_for().is_none())
    }

    /// Appends some of its text.
    ///
    /// # Errors
    /// When the system refuses, or the file is no longer what it was.
    pub fn step(&mut self, file: &File, text: &mut Vec<u8>) -> io::Result<Step> {
        match &mut self.state {
            State::Waiting(_) | State::Refused(_) => Ok(Step::Nothing),
            State::Members { members, now } => {
                let Some(under_way) = now else {
                    let Some(member) = members.pop_front() else { return Ok(Step::Nothing) };
                    *now = Some(Box::new((Unpacking::new(member), Decoding::of_uncompressed())));
                    return Ok(Step::Text);
                };
                let (unpacking, decoding) = &mut **under_way;
                let mut plain = Vec::with_capacity(STEP_BYTES);
                let ended = unpacking.step(file, &mut plain)?;
                decoding.push(&plain, ended, text, usize::MAX).map_err(io::Error::other)?;
                if ended {
                    *now = None;
                }
                Ok(if ended { Step::DocumentEnds } else { Step::Text })
            }
            State::Workbook(workbook) if workbook.is_read() => Ok(Step::Nothing),
            State::Workbook(workbook) => match workbook.step(file, text) {
                Err(reason) => {
                    self.state = State::Refused(reason);
                    Ok(Step::Text)
                }
                Ok(()) if workbook.is_read() => Ok(Step::DocumentEnds),
                Ok(()) => Ok(Step::Text),
            },
        }
    }
}

#[cfg(test)]
mod tests;
