//! Records to calls. A format is a value: one file here, one line in [`ALL`], one folder in `tests/data/`. CONTRIBUTING.md lists
//! every step.
//!
//! Pure: bytes in, values out.

pub mod asterisk;
pub mod audiocodes;
pub mod correlation;
pub mod cube;
pub mod detail;
pub mod device;
pub mod fields;
mod flag;
mod record_id;
pub mod freeswitch;
pub mod freeswitch_csv;
pub mod freeswitch_xml;
pub mod graph;
pub mod graph_csv;
pub mod kamailio;
pub mod mapped;
pub mod names;
pub mod oracle;
pub mod ribbon;
pub mod row;
pub mod table;
pub mod teams_admin_center;
pub mod times;
pub mod trunk;
mod columns;
mod expected;
mod answered;
mod front;
mod last_minute;
mod local_time;
mod loose_cells;
mod scan;
mod side_names;
pub mod unknown;
mod written_time;
mod zone;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use self::device::{Device, Keys, Sides};
pub use self::front::{Front, Usual};
use self::mapped::trial::Trial;
use self::names::Names;
use crate::call::{Call, Guid, Reason};
use crate::framing::{COMMAS, Framing, Marks, quoted_csv};

/// Every built-in format, in the order in which they are asked whether a file is theirs: those that the first line tells
/// before logs, whose first record may stand anywhere.
pub static ALL: [&Format; 12] = [
    &ribbon::FORMAT,
    &oracle::FORMAT,
    &freeswitch::FORMAT,
    &freeswitch_xml::FORMAT,
    &freeswitch_csv::FORMAT,
    &graph::FORMAT,
    &graph_csv::FORMAT,
    &asterisk::FORMAT,
    &teams_admin_center::FORMAT,
    &audiocodes::FORMAT,
    &kamailio::FORMAT,
    &cube::FORMAT,
];

/// A record format: all that the other stages need to know of it.
pub struct Format {
    /// The name in the config's `format:` and in reports.
    pub name: &'static str,
    /// Other names for it in the config.
    pub aliases: &'static [&'static str],
    /// How text is cut into records.
    pub framing: Framing,
    /// Whether a text (UTF-8, no byte-order mark) that begins so is of this format. It begins with no blank; `finished`
    /// says that no more is to come.
    pub recognise: fn(text: &[u8], finished: bool, names: Names) -> Recognised,
    /// Whether its records stand in a log: anywhere among lines of others.
    pub is_log: bool,
    /// How long after its end a call is still live news, if the config does not say.
    pub live_within: Duration,
    /// Whether a text can be the name of a trunk, the one text of a record that becomes a label. A person's name or number
    /// in its place must not be.
    pub is_trunk: fn(&str) -> bool,
    /// What of a rejected record may be shown.
    pub public: Public,
    /// Why text that can never become a record is rejected.
    pub broken: Reason,
    /// A decoder at the beginning of a file, which knows these names of the operator's.
    pub decoder: &'static (dyn Fn(Names) -> Box<dyn Decode> + Sync),
    /// What the operator may say of the device that writes them; `None` where records tell all themselves.
    pub device: Option<Keys>,
    /// Another format of the same records, with the same ids: a call that is in both counts once.
    pub twin: Option<&'static Self>,
    /// What the config says of it, by which formats of one name are told apart; `""` for a built-in one.
    pub config: &'static str,
}

/// The parts of a format's records that name nobody: what is left of a rejected record when all else is masked.
#[derive(Debug, Clone, Copy)]
pub struct Public {
    /// Names of properties and columns, and values that are words of the format.
    pub words: &'static [&'static str],
    /// Properties whose value is a number of few digits.
    pub numbers: &'static [&'static str],
    /// The property that holds Microsoft's code.
    pub microsoft_code: &'static str,
    /// The property whose GUID is that of a call, and never that of a person.
    pub correlation_id: &'static str,
    /// The properties that name the trunk.
    pub trunk: &'static [&'static str],
}

impl Public {
    /// Of a format of which no value is told by its name.
    pub const fn of_words(words: &'static [&'static str]) -> Self {
        Self { words, numbers: &[], microsoft_code: "", correlation_id: "", trunk: &[] }
    }
}

/// Whether a text is of a format, by its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognised {
    Yes,
    No,
    /// Too little to say yet.
    NeedMore,
}

/// What the beginning of a text says about its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognition {
    Known(&'static Format),
    /// Too little to say yet.
    NeedMore,
    Unknown,
}

/// What one record turned out to be.
#[derive(Debug, PartialEq)]
pub enum Decoded<'a> {
    /// A Direct Routing call.
    Call(Call<'a>),
    /// A header row.
    Header,
    /// A record of a kind that is not a Direct Routing call, for example a `pstnCallLogRow`.
    Ignored,
    /// A record that should have been a call and could not be read.
    Rejected(Reason),
}

/// Decodes the records of one file, in their order.
pub trait Decode: Debug + Send {
    /// Decodes one whole record, as it was cut.
    fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a>;

    /// Cuts and decodes in one go the usual records that stand at the front of the text, where the format has a fast way
    /// to do so: what is not usual is left to framing and [`Decode::decode`], which make the same of it. The text behind
    /// [`Front::end`] begins with a record.
    fn decode_front<'t>(&mut self, _text: &'t [u8], _record_bytes: usize, _front: &mut Front<'t>) {}

    /// What the next record is read by: the header, as the file spells it, and what records have shown; `None` when there
    /// is nothing yet, or when the format has none.
    fn header(&self) -> Option<Vec<u8>> {
        None
    }

    /// What separates and quotes the cells of the next record, where it has any.
    fn marks(&self) -> Marks {
        COMMAS
    }

    /// Goes on in the middle of a file, below a header that [`Decode::header`] gave earlier.
    fn resume(&mut self, _header: &[u8]) {}

    /// What records are that this format ignores, in words for people; `None` where there is nothing to tell of them.
    fn ignored_are(&self) -> Option<&'static str> {
        None
    }

    /// Of the record of a call, whether it counts or not: the names of its sides. `None` for every other record, and where
    /// records have no sides.
    fn sides(&self, _record: &[u8]) -> Option<Sides> {
        None
    }

    /// The correlation id of the record that the text begins with, if it has one that is a GUID. Anything else in its place
    /// may be a number or a name.
    fn correlation_id(&self, _text: &[u8]) -> Option<Guid> {
        None
    }

    /// What to mend in a record whose names are not all there, in a sentence for people; `None` where nothing in it looks like
    /// what is missing.
    fn misspelt(&self, _record: &[u8]) -> Option<String> {
        None
    }

    /// How a record is read field by field, where the config says how; for those who write that.
    fn trial(&self, _record: &[u8]) -> Option<Trial> {
        None
    }

    /// Gives back the memory that only makes decoding faster.
    fn rest(&mut self) {}
}

impl Decoded<'_> {
    /// The same, which outlasts its record.
    pub fn owned(self) -> Decoded<'static> {
        match self {
            Self::Call(call) => Decoded::Call(call.owned()),
            Self::Header => Decoded::Header,
            Self::Ignored => Decoded::Ignored,
            Self::Rejected(reason) => Decoded::Rejected(reason),
        }
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.config) == (other.name, other.config)
    }
}

impl Eq for Format {}

impl Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Format {
    /// The format of this name, if there is one.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|format| format.name == name || format.aliases.contains(&name))
    }

    /// Whether a device between Teams and the PSTN writes it.
    pub fn is_of_device(&self) -> bool {
        self.device.is_some()
    }

    /// The same format, which knows about this device; `None` where it is no device's.
    pub fn for_device(&'static self, device: Device) -> Option<&'static Self> {
        let make = self.device?.decoder;
        Some(Self::lasting(self.name, format!("{device:?}"), |config| {
            let device: &'static Device = Box::leak(Box::new(device));
            let decoder: &'static (dyn Fn(Names) -> Box<dyn Decode> + Sync) =
                Box::leak(Box::new(move |_| make(device)));
            Self { decoder, config, ..*self }
        }))
    }

    /// The format of this name that a config makes. It lasts as long as the program, and is made once however often that
    /// config is read again.
    fn lasting(name: &'static str, config: String, make: impl FnOnce(&'static str) -> Self) -> &'static Self {
        static MADE: Mutex<BTreeMap<(&str, String), &Format>> = Mutex::new(BTreeMap::new());
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry((name, config))
            .or_insert_with_key(|(_, config)| Box::leak(Box::new(make(config.clone().leak()))))
    }

    /// Recognises a file by the beginning of its text (UTF-8, no byte-order mark). `finished` says that no more is to come.
    pub fn recognise(head: &[u8], finished: bool) -> Recognition {
        Self::recognise_with(head, finished, Names::default())
    }

    /// As [`Format::recognise`], where properties and columns may have these names of the operator's, too.
    pub fn recognise_with(head: &[u8], finished: bool, names: Names) -> Recognition {
        let text = head.trim_ascii_start();
        if text.is_empty() {
            return Recognition::NeedMore;
        }
        let finished = finished || ends_with_cr(text);
        let mut recognition = Recognition::Unknown;
        for format in ALL.into_iter().filter(|format| !format.is_log) {
            match (format.recognise)(text, finished, names) {
                Recognised::Yes if recognition == Recognition::Unknown => return Recognition::Known(format),
                // A format that is asked earlier may yet turn out to be it.
                Recognised::Yes | Recognised::NeedMore => recognition = Recognition::NeedMore,
                Recognised::No => {}
            }
        }
        if recognition == Recognition::NeedMore {
            return recognition;
        }
        // A log is of the device whose record comes first: others' may stand anywhere behind it, or never come.
        let mut records = Vec::new();
        for format in ALL.into_iter().filter(|format| format.is_log) {
            match (format.recognise)(text, finished, names) {
                Recognised::Yes => records.push(format),
                Recognised::NeedMore => recognition = Recognition::NeedMore,
                Recognised::No => {}
            }
        }
        let first = records.into_iter().min_by_key(|format| format.first_record_end(text, names));
        first.map_or(recognition, Recognition::Known)
    }

    /// Where the line ends by which a log is of this format.
    fn first_record_end(&self, text: &[u8], names: Names) -> usize {
        let ends: Vec<usize> = memchr::memchr_iter(b'\n', text).map(|newline| newline + 1).collect();
        let is_without = |end: &usize| (self.recognise)(&text[..*end], false, names) != Recognised::Yes;
        ends.get(ends.partition_point(is_without)).copied().unwrap_or(text.len())
    }

    /// Every device that has a record in the beginning of a log: of several the one whose record comes first is read.
    pub fn candidates(head: &[u8], names: Names) -> Vec<&'static Self> {
        let text = head.trim_ascii_start();
        let is_of =
            |format: &&Self| format.is_log && (format.recognise)(text, true, names) == Recognised::Yes;
        ALL.into_iter().filter(is_of).collect()
    }

    /// The format of a whole text, where more than its form shows that: any JSON is taken for Graph's, if it must be something.
    pub fn certain(text: &[u8], finished: bool) -> Option<&'static Self> {
        match Self::recognise(text, finished) {
            Recognition::Known(format) if *format != graph::FORMAT || graph::is_named_in(text) => {
                Some(format)
            }
            Recognition::Known(_) | Recognition::NeedMore | Recognition::Unknown => None,
        }
    }

    /// What a file seems to be that [`Format::recognise`] does not know, in words for the person who put it there. Takes
    /// the first bytes as they are on disk. Never repeats any of them.
    pub fn unknown_explanation(head: &[u8]) -> &'static str {
        unknown::explanation(head)
    }
}

/// Whether the header is whole, in a text whose lines end with a carriage return alone: who looks for a line feed waits in
/// vain.
fn ends_with_cr(text: &[u8]) -> bool {
    memchr::memchr2(b'\n', b'\r', text)
        .is_some_and(|at| matches!(&text[at..], [b'\r', next, ..] if !matches!(next, b'\r' | b'\n')))
        && quoted_csv::header(text, false).is_some()
}

#[cfg(test)]
mod tests;
