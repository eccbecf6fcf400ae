//! Asterisk: `Master.csv`, which two modules write with different columns; one row to each step and dialled device of a call.
//!
//! `cdr-csv/Master.csv` (cdr_csv) has 16 to 21 columns and `accountcode` first; `cdr-custom/Master.csv` (cdr_custom, as its
//! sample config has it) has 19 and `clid` first. Neither has a header. Rows of one `linkedid`, or else of one `uniqueid`, which is
//! that of the channel that called, are one call, answered if one of them is; where there is neither, each row is a call. There are
//! no SIP codes, unless the dialplan writes `${HANGUPCAUSE(…,tech)}` (`SIP 480 Temporarily Unavailable`) into `userfield`.
//! Read from Asterisk's source: `cdr/cdr_csv.c`, `configs/samples/cdr_custom.conf.sample`, `main/cdr.c`.

use std::time::Duration;

use jiff::civil;
use xxhash_rust::xxh3::xxh3_128;

use super::columns::{self, FirstRow, Wanted};
use super::device::{self, Beside, Device, Keys, Sides};
use super::names::Names;
use super::table::cells;
use super::{Decode, Decoded, Format, Front, Public, Recognised, Usual, fields, local_time};
use crate::call::{
    Attempt, Call, Codes, Detail, Direction, Reason, RecordId, Shape, Text, UnixMillis, Unread, UnreadField,
    UnreadTime, Words,
};
use crate::framing::Framing;

/// `Master.csv` of either module.
pub static FORMAT: Format = Format {
    name: "asterisk",
    aliases: &[],
    framing: Framing::QuotedCsv,
    recognise,
    is_log: false,
    live_within: Duration::from_mins(15),
    is_trunk: device::is_device_trunk,
    public: Public::of_words(&[
        "ANSWERED",
        "NO ANSWER",
        "BUSY",
        "FAILED",
        "CONGESTION",
        "Dial",
        "DOCUMENTATION",
        "BILLING",
        "OMIT",
    ]),
    broken: Reason::BadCsv,
    decoder: &|_| Box::new(Decoder(&device::UNKNOWN)),
    device: Some(Keys {
        decoder: |device| Box::new(Decoder(device)),
        teams_side: true,
        carrier_trunk: Some(carrier_trunk),
        layout: None,
    }),
    twin: None,
    config: "",
};

fn carrier_trunk(beside: &Beside<'_>) -> Result<(), &'static str> {
    match beside.names_trunks {
        true => Ok(()),
        false => Err(
            "a peer on the other side may be somebody's phone: name the carriers' peers in `trunks: {only: [...]}`",
        ),
    }
}

/// Where the columns of a row stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Columns {
    context: usize,
    channel: usize,
    start: usize,
    disposition: usize,
    unique_id: Option<usize>,
    user_field: Option<usize>,
    linked_id: Option<usize>,
}

impl Columns {
    /// By how many cells a row has, and by what those show that two sets of columns have in common.
    fn of(cells: &[&[u8]; MOST], count: usize) -> Option<Self> {
        if is_custom(cells, count) {
            return Some(Self {
                context: 3,
                channel: 4,
                start: 8,
                disposition: 13,
                unique_id: Some(16),
                user_field: Some(17),
                linked_id: None,
            });
        }
        // Each of `loguniqueid`, `loguserfield` and `newcdrcolumns` (which adds three) may be set or not.
        let has_one_more = matches!(count, 17 | 20);
        let is_unique_id = has_one_more && is_unique_id(cells[16].trim_ascii());
        let has_both = matches!(count, 18 | 21);
        let linked_id = (19..=21).contains(&count).then(|| count - 2);
        (16..=21).contains(&count).then_some(Self {
            context: 3,
            channel: 5,
            start: 9,
            disposition: 14,
            unique_id: (has_both || is_unique_id).then_some(16),
            user_field: if has_both { Some(17) } else { (has_one_more && !is_unique_id).then_some(16) },
            linked_id,
        })
    }
}

/// Whether a row of so many columns is one of cdr_custom.
fn is_custom(cells: &[&[u8]; MOST], count: usize) -> bool {
    count == 19 && is_disposition(cells[13].trim_ascii()) && !is_disposition(cells[14].trim_ascii())
}

/// `1730797200.1`, perhaps with the system's name before it: `mainserver-1730797200.1`.
fn is_unique_id(text: &[u8]) -> bool {
    let text = text.rsplit(|byte| *byte == b'-').next().unwrap_or_default();
    let mut parts = text.split(|byte| *byte == b'.');
    let is_number =
        |part: Option<&[u8]>| part.is_some_and(|it| !it.is_empty() && it.iter().all(u8::is_ascii_digit));
    is_number(parts.next()) && is_number(parts.next()) && parts.next().is_none()
}

fn recognise(text: &[u8], finished: bool, _: Names) -> Recognised {
    if device::is_json(text) {
        return Recognised::No;
    }
    let line = memchr::memchr(b'\n', text).map(|newline| &text[..newline]);
    match line.or((finished || text.len() > device::MAXIMUM_LINE).then_some(text)) {
        None => Recognised::NeedMore,
        Some(line) if with_row(line, |_| ()).is_ok() => Recognised::Yes,
        Some(_) => Recognised::No,
    }
}

/// How a row says its step ended, and the cause of Q.850 that Asterisk makes it of.
const DISPOSITIONS: [(&[u8], Option<u8>); 5] = [
    (b"ANSWERED", None),
    (b"NO ANSWER", Some(19)),
    (b"BUSY", Some(17)),
    (b"CONGESTION", Some(34)),
    (b"FAILED", None),
];

fn is_disposition(text: &[u8]) -> bool {
    DISPOSITIONS.iter().any(|(name, _)| *name == text)
}

/// No row has more columns.
const MOST: usize = 21;

/// The columns that are read of cdr_csv, and the one that tells it from cdr_custom; not the caller's name, which has quotes in it.
const OF_CSV: [u16; 13] = [3, 5, 6, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19];

/// Those of cdr_custom.
const OF_CUSTOM: [u16; 10] = [3, 4, 5, 8, 9, 10, 11, 13, 16, 17];

static IN_CSV: Wanted<13> = Wanted::rising(OF_CSV);
static IN_CUSTOM: Wanted<10> = Wanted::rising(OF_CUSTOM);

#[derive(Debug)]
struct Decoder(&'static Device);

impl Decode for Decoder {
    fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
        let decoded = with_row(record, |row| row.decoded(self.0).owned());
        decoded.unwrap_or_else(Decoded::Rejected)
    }

    fn decode_front<'t>(&mut self, text: &'t [u8], record_bytes: usize, front: &mut Front<'t>) {
        front.with_ends(text, record_bytes, |text, calls| {
            let (row, next) = Row::usual(text)?;
            Some((next, row.add(self.0, calls)?))
        });
    }

    /// Contexts alone: a peer may be somebody's phone.
    fn sides(&self, record: &[u8]) -> Option<Sides> {
        with_row(record, |row| self.0.sides([row.context()])).ok()
    }
}

/// Reads any row.
fn with_row<T>(record: &[u8], read: impl FnOnce(Row<'_>) -> T) -> Result<T, Reason> {
    let record = record.strip_suffix(b"\r").unwrap_or(record);
    let mut all = Vec::with_capacity(MOST);
    cells::for_each(record, b',', |cell| all.push(cell.bytes(record)))?;
    let mut cells = [b"".as_slice(); MOST];
    for (place, cell) in all.iter().enumerate() {
        *cells.get_mut(place).ok_or(Reason::BadCsv)? = cell;
    }
    Row::of(cells, all.len()).map(read)
}

/// The cells of a row, and how many it has.
struct Row<'a> {
    cells: [&'a [u8]; MOST],
    count: usize,
    columns: Columns,
    q850: Option<u8>,
}

impl<'a> Row<'a> {
    fn of(cells: [&'a [u8]; MOST], count: usize) -> Result<Self, Reason> {
        let columns = Columns::of(&cells, count).ok_or(Reason::BadCsv)?;
        let disposition = cells[columns.disposition].trim_ascii();
        let known = DISPOSITIONS.iter().find(|(name, _)| *name == disposition);
        let q850 = known.ok_or(Reason::BadSuccess)?.1;
        Ok(Self { cells, count, columns, q850 })
    }

    /// The row that a text begins with, and where the next one begins: one with an id, which is found without looking at names and
    /// numbers.
    #[inline(always)]
    fn usual(text: &'a [u8]) -> Option<(Self, usize)> {
        let FirstRow { cells: read, count, row: line, next } = IN_CSV.first_row(text, columns::COMMAS)?;
        let mut cells = [b"".as_slice(); MOST];
        OF_CSV.into_iter().zip(read).for_each(|(column, cell)| cells[usize::from(column)] = cell);
        if is_custom(&cells, count) {
            let (read, _) = IN_CUSTOM.cells(line, columns::COMMAS)?;
            OF_CUSTOM.into_iter().zip(read).for_each(|(column, cell)| cells[usize::from(column)] = cell);
        }
        let row = Self::of(cells, count).ok()?;
        let has_id = [row.columns.linked_id, row.columns.unique_id].iter().any(|id| !row.get(*id).is_empty());
        has_id.then_some((row, next))
    }

    fn get(&self, column: Option<usize>) -> &'a [u8] {
        column.map(|column| self.cells[column].trim_ascii()).unwrap_or_default()
    }

    /// The peer in a channel's name: `teams` of `PJSIP/teams-0000012a`.
    fn peer(&self, column: usize) -> &'a str {
        let channel = self.get(Some(column));
        let Ok(channel) = str::from_utf8(channel) else { return "" };
        let peer = memchr::memchr(b'/', channel.as_bytes()).map_or("", |slash| &channel[slash + 1..]);
        memchr::memrchr(b'-', peer.as_bytes()).map_or(peer, |dash| &peer[..dash])
    }

    fn context(&self) -> &'a str {
        str::from_utf8(self.get(Some(self.columns.context))).unwrap_or_default()
    }

    fn decoded(&self, device: &Device) -> Decoded<'a> {
        match self.route(device) {
            None => Decoded::Ignored,
            Some(route) => self.call(device, route).map_or_else(Decoded::Rejected, Decoded::Call),
        }
    }

    /// As [`Row::decoded`]; a call is put to the others.
    #[inline(always)]
    fn add(&self, device: &Device, calls: &mut Vec<Call<'a>>) -> Option<Usual> {
        match self.route(device) {
            None => Some(Usual::Ignored),
            Some(route) => Usual::call(self.call(device, route), calls),
        }
    }

    /// Direction and trunk of a call by way of Teams. Rows of a branch exchange are about phones, too: those are `None`. Without the
    /// names of Teams' side nobody can tell.
    fn route(&self, device: &Device) -> Option<(Direction, &'a str)> {
        let [ingress, egress] = [self.peer(self.columns.channel), self.peer(self.columns.channel + 1)];
        let is_teams = |name: &str| device.is_teams([name].into_iter());
        let (is_from, is_to) = (is_teams(ingress) || is_teams(self.context()), is_teams(egress));
        if device.are_known() && !is_from && !is_to {
            return None;
        }
        let direction = device::direction_where(is_from, is_to);
        // The peer of Teams' side, or of the other, and where it is not known which that is, none: a peer may be somebody's phone.
        let trunk = match direction {
            Direction::Outbound => device.trunk_where(true, ingress, egress),
            Direction::Inbound => device.trunk_where(false, ingress, egress),
            Direction::Unknown => "",
        };
        Some((direction, trunk))
    }

    #[inline(always)]
    fn call(&self, device: &Device, (direction, trunk): (Direction, &'a str)) -> Result<Call<'a>, Reason> {
        let answered = self.get(Some(self.columns.disposition)) == b"ANSWERED";
        let (id, attempt) = self.id()?;
        let column = |place| Some(self.columns.start + place);
        let mut unread = Unread::default();
        let times = [(2, UnreadField::EndTime), (1, UnreadField::StartTime), (0, UnreadField::InviteTime)];
        let ended_at = times.into_iter().find_map(|(place, field)| {
            let text = self.get(column(place));
            let at = moment(text, device);
            if at.is_none() && !text.is_empty() {
                unread.add_time(field, UnreadTime::Shape(Shape::of(text)));
            }
            at
        });
        let duration = fields::duration_seconds(fields::whole_number(self.get(column(3))));
        Ok(Call {
            record_id: id,
            trunk: Text::from(trunk),
            direction,
            succeeded: Some(answered),
            codes: Codes {
                sip: self.sip_code(),
                q850: self.q850,
                words: Words::Other,
                refused_by: device::refused_by(direction),
                ..Codes::default()
            },
            ended_at,
            duration_seconds: unread.or(UnreadField::Duration, duration),
            attempt,
            unread,
            detail: Detail::default(),
        })
    }

    /// Rows without an id of the call, or of their own, are known by all that they say.
    fn id(&self) -> Result<(RecordId, Attempt), Reason> {
        match (self.get(self.columns.linked_id), self.get(self.columns.unique_id)) {
            (b"", b"") => Ok((RecordId(xxh3_128(&self.cells[..self.count].join(&b'\0'))), Attempt::Only)),
            (b"", unique) => Ok((RecordId(xxh3_128(unique)), Attempt::Branch)),
            (linked, _) => Ok((RecordId(xxh3_128(linked)), Attempt::Branch)),
        }
    }

    /// `SIP 480 Temporarily Unavailable`, where the dialplan writes it.
    fn sip_code(&self) -> Option<u16> {
        let text = self.get(self.columns.user_field);
        let code = text.strip_prefix(b"SIP ")?.get(..3)?;
        fields::sip_code(fields::whole_number(code)).ok().flatten()
    }
}

/// `2024-11-05 09:01:00`, in the time of the machine unless `usegmtime` is set.
fn moment(text: &[u8], device: &Device) -> Option<UnixMillis> {
    let usual = local_time::iso(text).and_then(|(date, clock)| device.at(date, clock));
    if usual.is_some() {
        return usual;
    }
    device.moment(str::from_utf8(text).ok()?.parse::<civil::DateTime>().ok()?)
}

#[cfg(test)]
mod tests;
