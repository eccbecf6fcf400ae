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

use super::columns;
use super::device::{self, Beside, Device, Keys, Sides};
use super::last_minute::LastMinute;
use super::local_time;
use super::names::Names;
use super::table::cells;
use super::{Decode, Decoded, Format, Front, Public, Recognised, Usual, fields};
use crate::call::{
    Attempt, Call, Direction, Reason, RecordId, Shape, Text, UnixMillis, UnreadField, UnreadTime,
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
    decoder: &|_| Box::new(Decoder::new(&device::UNKNOWN)),
    device: Some(Keys {
        decoder: |device| Box::new(Decoder::new(device)),
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
    #[inline(always)]
    fn of<'a>(cell: impl Fn(usize) -> Option<&'a [u8]>, count: usize) -> Option<Self> {
        let is = |place: usize, what: fn(&[u8]) -> bool| Some(what(cell(place)?.trim_ascii()));
        let is_disposition = |place: usize| is(place, |text| Disposition::of(text).is_some());
        if count == 19 && is_disposition(13)? && !is_disposition(14)? {
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
        let is_unique_id = has_one_more && is(16, is_unique_id)?;
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

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Disposition {
    is_answered: bool,
    /// What Asterisk makes it of.
    q850: Option<u8>,
}

impl Disposition {
    /// As a row says it.
    #[inline(always)]
    fn of(text: &[u8]) -> Option<Self> {
        let (is_answered, q850) = match text {
            b"ANSWERED" => (true, None),
            b"NO ANSWER" => (false, Some(19)),
            b"BUSY" => (false, Some(17)),
            b"CONGESTION" => (false, Some(34)),
            b"FAILED" => (false, None),
            _ => return None,
        };
        Some(Self { is_answered, q850 })
    }
}

/// No row has more columns.
const MOST: usize = 21;

#[derive(Debug)]
struct Decoder {
    device: &'static Device,
    /// In which a call ended.
    minute: LastMinute,
}

impl Decoder {
    fn new(device: &'static Device) -> Self {
        Self { device, minute: LastMinute::default() }
    }
}

impl Decode for Decoder {
    fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
        let decoded = with_row(record, |row| row.decoded(self.device, &mut self.minute).owned());
        decoded.unwrap_or_else(Decoded::Rejected)
    }

    fn decode_front<'t>(&mut self, text: &'t [u8], record_bytes: usize, front: &mut Front<'t>) {
        front.with_ends(text, record_bytes, |text, calls| {
            let (row, next) = Row::usual(text)?;
            Some((next, row.add(self.device, &mut self.minute, calls)?))
        });
    }

    /// Contexts alone: a peer may be somebody's phone.
    fn sides(&self, record: &[u8]) -> Option<Sides> {
        with_row(record, |row| self.device.sides([text(row.context)])).ok()
    }
}

/// Reads any row.
fn with_row<T>(record: &[u8], read: impl FnOnce(Row<'_>) -> T) -> Result<T, Reason> {
    let record = record.strip_suffix(b"\r").unwrap_or(record);
    let mut all = Vec::with_capacity(MOST);
    cells::for_each(record, b',', |cell| all.push(cell.bytes(record)))?;
    let mut row = Row::of(|place| all.get(place).map(|cell| &**cell), all.len())?;
    if row.id.is_empty() {
        // Known by all that it says.
        row.id_of_all = Some(RecordId(xxh3_128(&all.join(&b'\0'))));
    }
    Ok(read(row))
}

/// The cells of a row that are read, without blanks around them.
struct Row<'a> {
    context: &'a [u8],
    /// That of the channel that called, and of the one that was called.
    channels: [&'a [u8]; 2],
    /// Start, answer and end.
    times: [&'a [u8]; 3],
    duration: &'a [u8],
    ended: Disposition,
    user_field: &'a [u8],
    /// What its call is known by: `linkedid`, or else `uniqueid`.
    id: &'a [u8],
    /// Of a row that has neither.
    id_of_all: Option<RecordId>,
}

impl<'a> Row<'a> {
    /// A row of so many cells. One that cannot be read is `None`.
    #[inline(always)]
    fn of(cell: impl Fn(usize) -> Option<&'a [u8]>, count: usize) -> Result<Self, Reason> {
        let columns = Columns::of(&cell, count).ok_or(Reason::BadCsv)?;
        let get = |column| cell_at(&cell, column);
        let if_any = |column: Option<usize>| column.map_or(Ok(b"".as_slice()), get);
        let ended = Disposition::of(get(columns.disposition)?).ok_or(Reason::BadSuccess)?;
        let linked_id = if_any(columns.linked_id)?;
        let (channel, start) = (columns.channel, columns.start);
        Ok(Self {
            context: get(columns.context)?,
            channels: [get(channel)?, get(channel + 1)?],
            times: [get(start)?, get(start + 1)?, get(start + 2)?],
            duration: get(start + 3)?,
            ended,
            user_field: if_any(columns.user_field)?,
            id: if linked_id.is_empty() { if_any(columns.unique_id)? } else { linked_id },
            id_of_all: None,
        })
    }

    /// The row that a text begins with, and where the next one begins: one with an id, which is found without looking at names and
    /// numbers.
    #[inline(always)]
    fn usual(text: &'a [u8]) -> Option<(Self, usize)> {
        let mut places = columns::All::<32>::default();
        let first = columns::first_row(text, columns::COMMAS, &mut places)?;
        let row = Self::of(|place| first.cell(place), first.count()).ok()?;
        (!row.id.is_empty()).then_some((row, first.next))
    }

    fn decoded(&self, device: &Device, minute: &mut LastMinute) -> Decoded<'a> {
        match self.route(device) {
            None => Decoded::Ignored,
            Some(route) => Decoded::filled(|call| {
                self.fill(call, device, route, minute);
                Ok(())
            }),
        }
    }

    /// As [`Row::decoded`]; a call is put to the others.
    #[inline(always)]
    fn add(&self, device: &Device, minute: &mut LastMinute, calls: &mut Vec<Call<'a>>) -> Option<Usual> {
        match self.route(device) {
            None => Some(Usual::Ignored),
            Some(route) => Usual::filled(calls, |call| {
                self.fill(call, device, route, minute);
                Ok(())
            }),
        }
    }

    /// Direction and trunk of a call by way of Teams. Rows of a branch exchange are about phones, too: those are `None`. Without the
    /// names of Teams' side nobody can tell.
    fn route(&self, device: &Device) -> Option<(Direction, &'a str)> {
        let [mut ingress, egress] = self.channels.map(peer);
        let is_teams = |name: &[u8]| device.is_teams_bytes(name);
        let (mut is_from, is_to) = (is_teams(ingress), is_teams(egress));
        // The context is that of the calling channel, whichever way the call went on: it tells where no peer does. It is then the name of
        // Teams' side: that of the peer may be somebody's phone.
        if !is_from && !is_to && is_teams(self.context) {
            (ingress, is_from) = (self.context, true);
        }
        if device.are_known() && !is_from && !is_to {
            return None;
        }
        let direction = device::direction_where(is_from, is_to);
        // The name of Teams' side, or the peer of the other, and where it is not known which that is, none.
        let trunk = match direction {
            Direction::Outbound => device.trunk_where(true, ingress, egress),
            Direction::Inbound => device.trunk_where(false, ingress, egress),
            Direction::Unknown => b"",
        };
        Some((direction, text(trunk)))
    }

    /// Says in a call, of which nothing is known yet, what is known of it.
    #[inline(always)]
    fn fill(
        &self,
        call: &mut Call<'a>,
        device: &Device,
        (direction, trunk): (Direction, &'a str),
        minute: &mut LastMinute,
    ) {
        (call.record_id, call.attempt) = match self.id_of_all {
            Some(id) => (id, Attempt::Only),
            None => (RecordId(xxh3_128(self.id)), Attempt::Branch),
        };
        call.trunk = Text::from(trunk);
        call.direction = direction;
        call.succeeded = Some(self.ended.is_answered);
        call.codes.sip = self.sip_code();
        call.codes.q850 = self.ended.q850;
        call.codes.refused_by = device::refused_by(direction);
        let fields = [UnreadField::InviteTime, UnreadField::StartTime, UnreadField::EndTime];
        call.ended_at = self.times.into_iter().zip(fields).rev().find_map(|(text, field)| {
            let at = moment(text, device, minute);
            if at.is_none() && !text.is_empty() {
                call.unread.add_time(field, UnreadTime::Shape(Shape::of(text)));
            }
            at
        });
        let duration = fields::duration_seconds(fields::whole_number(self.duration));
        call.duration_seconds = call.unread.or(UnreadField::Duration, duration);
    }

    /// `SIP 480 Temporarily Unavailable`, where the dialplan writes it.
    fn sip_code(&self) -> Option<u16> {
        let code = self.user_field.strip_prefix(b"SIP ")?.get(..3)?;
        fields::sip_code(fields::whole_number(code)).ok().flatten()
    }
}

/// The cell in this column, without blanks around it.
#[inline(always)]
fn cell_at<'a>(cell: &impl Fn(usize) -> Option<&'a [u8]>, column: usize) -> Result<&'a [u8], Reason> {
    cell(column).map(bare).ok_or(Reason::BadCsv)
}

/// A cell without blanks around it. Most have none.
#[inline(always)]
fn bare(cell: &[u8]) -> &[u8] {
    match cell {
        [b'!'..=b'~', .., b'!'..=b'~'] | [] => cell,
        _ => cell.trim_ascii(),
    }
}

/// A name, where it is one.
fn text(name: &[u8]) -> &str {
    str::from_utf8(name).unwrap_or_default()
}

/// The peer in a channel's name: `teams` of `PJSIP/teams-0000012a`. Byte by byte, as names are short.
#[inline(always)]
fn peer(channel: &[u8]) -> &[u8] {
    let slash = channel.iter().position(|byte| *byte == b'/');
    let peer = slash.map_or(b"".as_slice(), |slash| &channel[slash + 1..]);
    let dash = peer.iter().rposition(|byte| *byte == b'-');
    dash.map_or(peer, |dash| &peer[..dash])
}

/// `2024-11-05 09:01:00`, in the time of the machine unless `usegmtime` is set.
fn moment(text: &[u8], device: &Device, minute: &mut LastMinute) -> Option<UnixMillis> {
    let usual =
        minute.of_one(text, || local_time::iso(text).and_then(|(date, clock)| device.at(date, clock)));
    usual.or_else(|| device.moment(str::from_utf8(text).ok()?.parse::<civil::DateTime>().ok()?))
}

#[cfg(test)]
mod tests;
