//! The kinds of records, and where their fields stand.

use super::Row;
use crate::call::Reason;
use crate::format::columns::Wanted;
use crate::format::loose_cells;
use crate::format::table::cells;

/// A kind of records of calls.
#[derive(Debug)]
pub struct Kind {
    is_stop: bool,
    /// Where the fields stand that are read, counted from 0.
    pub wanted: Wanted<FIELDS>,
    /// A record has more fields than this.
    pub least: usize,
}

/// How many fields of a record are read.
pub const FIELDS: usize = 13;

impl Kind {
    /// Of the kind that a record begins with, where that is one of calls.
    pub fn of(line: &[u8]) -> Option<&'static Self> {
        let is = |word: &[u8]| line.strip_prefix(word).is_some_and(|rest| matches!(rest, [] | [b',', ..]));
        match () {
            () if is(b"STOP") => Some(&STOP),
            () if is(b"ATTEMPT") => Some(&ATTEMPT),
            () => None,
        }
    }

    /// The fields of a record, by their places among those that are read; `None` where one cannot be.
    #[inline(always)]
    pub(super) fn row<'r>(&self, field: impl Fn(usize) -> Option<&'r str>) -> Option<Row<'r>> {
        let (gateway, accounting, started) = (field(0)?, field(1)?, (field(2)?, field(3)?));
        let is_stop = self.is_stop;
        Some(match is_stop {
            true => Row {
                is_stop,
                gateway,
                accounting,
                started,
                ended: (field(4)?, field(5)?),
                duration: field(6)?,
                reason: field(7)?,
                sides: [field(8)?, field(10)?],
                variants: [field(11)?, field(9)?],
                // Of a call that was answered it decides nothing.
                initiator: "",
                is_final: "",
            },
            false => Row {
                is_stop,
                gateway,
                accounting,
                started,
                ended: (field(11)?, field(4)?),
                duration: "",
                reason: field(5)?,
                sides: [field(6)?, field(9)?],
                variants: [field(10)?, field(7)?],
                initiator: field(8)?,
                is_final: field(12)?,
            },
        })
    }

    /// Any record of this kind: what is read may differ from what stands there.
    pub(super) fn with_fields<T>(&self, line: &[u8], read: impl FnOnce(Row<'_>) -> T) -> Result<T, Reason> {
        let mut found = Fields { wanted: &self.wanted, fields: Default::default(), count: 0 };
        if cells::for_each(line, b',', |cell| found.take(&cell.bytes(line))).is_err() {
            // How a Reason header stands in a field of a script is not documented: its quotes may not be doubled. A line that was cut
            // has one that is not closed.
            if !memchr::memchr_iter(b'"', line).count().is_multiple_of(2) {
                return Err(Reason::BadLine);
            }
            (found.fields, found.count) = Default::default();
            let cells = loose_cells::loose(&String::from_utf8_lossy(line), ',');
            cells.iter().for_each(|cell| found.take(cell.as_bytes()));
        }
        match usize::from(found.count) < self.least {
            true => Err(Reason::BadLine),
            false => {
                self.row(|place| found.fields.get(place).map(String::as_str)).map(read).ok_or(Reason::BadLine)
            }
        }
    }
}

/// The numbers of the manuals, counted from 1, are gateway 2, accounting id 3, start 6 and 7, end 11 and 12, duration 14, disconnect
/// reason 15, ingress trunk group 34 and its variant 52, egress trunk group 68 and its variant 69.
static STOP: Kind = Kind {
    is_stop: true,
    wanted: Wanted::rising([1, 2, 5, 6, 10, 11, 13, 14, 33, 51, 67, 68, NOWHERE]),
    least: 69,
};

/// No record has so many fields.
const NOWHERE: u16 = u16::MAX;

/// Gateway 2, accounting id 3, start 6 and 7, time of the end 10, reason 12, ingress trunk group 31 and its variant 45, who ended it 57,
/// egress trunk group 58 and its variant 59, date of the end 105, indicator of the final attempt 146.
static ATTEMPT: Kind = Kind {
    is_stop: false,
    wanted: Wanted::rising([1, 2, 5, 6, 9, 11, 30, 44, 56, 57, 58, 104, 145]),
    least: 59,
};

/// The fields of a record that are read, as they are found.
struct Fields<'k> {
    wanted: &'k Wanted<FIELDS>,
    fields: [String; FIELDS],
    count: u16,
}

impl Fields<'_> {
    fn take(&mut self, cell: &[u8]) {
        if let Some(place) = self.wanted.place(self.count) {
            String::from_utf8_lossy(cell).trim().clone_into(&mut self.fields[place]);
        }
        self.count = self.count.saturating_add(1);
    }
}
