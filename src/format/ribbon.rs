//! Ribbon SBC Core (5000, 7000, SWe): accounting files `*.ACT`, one line to each record, fields between commas.
//!
//! A STOP is an answered call, an ATTEMPT one that was not; of several attempts of a call the final one counts. START and other
//! kinds, and the file's first and last line, are ignored. The SIP code stands in a quoted field that holds a list of its own, the
//! protocol variant of a side. Positions are those of the "CDR field descriptions" of releases 8 to 12: later ones add behind them.

mod kind;

use std::sync::LazyLock;
use std::time::Duration;

use jiff::civil;
use memchr::memmem::Finder;

use self::kind::Kind;
use super::columns::{self, Marks, Wanted};
use super::device::{self, Device, EndedBy, Keys, Sides};
use super::last_minute::LastMinute;
use super::local_time;
use super::names::Names;
use super::{Decode, Decoded, Format, Front, Public, Recognised, Usual, correlation, fields, front};
use crate::call::{
    Attempt, Call, Codes, Direction, Guid, Reason, RecordId, Shape, Text, UnixMillis, Unread, UnreadField,
    UnreadTime,
};
use crate::framing::Framing;
use crate::reason_header::{self, Said};

/// Accounting files of an SBC Core.
pub static FORMAT: Format = Format {
    name: "ribbon",
    aliases: &[],
    framing: Framing::Lines,
    recognise,
    is_log: false,
    live_within: Duration::from_mins(90),
    is_trunk: device::is_device_trunk,
    public: Public::of_words(&["START", "STOP", "ATTEMPT", "SIP", "BYE", "CANCEL"]),
    broken: Reason::BadLine,
    decoder: &|_| Box::new(Decoder::new(&device::UNKNOWN)),
    device: Some(Keys {
        decoder: |device| Box::new(Decoder::new(device)),
        teams_side: true,
        carrier_trunk: Some(|_| Ok(())),
        layout: None,
    }),
    twin: None,
    config: "",
};

/// What the first line of a file begins with. It ends in a carriage return, and may have no line end.
const FILE_HEADER: &[u8] = b"Sonus Networks, Inc.";

/// A record has more fields than this, of every kind and release.
const LEAST_FIELDS: usize = 50;

fn recognise(text: &[u8], finished: bool, _: Names) -> Recognised {
    const BEGINNINGS: [&[u8]; 4] = [FILE_HEADER, b"START,", b"STOP,", b"ATTEMPT,"];
    if text.starts_with(FILE_HEADER) {
        return Recognised::Yes;
    }
    let unsure = if finished { Recognised::No } else { Recognised::NeedMore };
    match BEGINNINGS.into_iter().find(|word| text.starts_with(word)) {
        // Any table may begin with such a word.
        Some(_) => {
            let line = memchr::memchr(b'\n', text).map(|newline| &text[..newline]);
            let has_fields = |line: &[u8]| memchr::memchr_iter(b',', line).count() >= LEAST_FIELDS;
            match line.or((finished || text.len() > device::MAXIMUM_LINE).then_some(text)) {
                _ if has_fields(line.unwrap_or(text)) => Recognised::Yes,
                Some(_) => Recognised::No,
                None => unsure,
            }
        }
        None if BEGINNINGS.into_iter().any(|word| word.starts_with(text)) => unsure,
        None => Recognised::No,
    }
}

/// Within a protocol variant, counted from 0: what released the call.
static RELEASED_BY: Wanted<1> = Wanted::rising([18]);

/// And the first of the fields that a script of the SBC may fill, and how many there are.
const OF_SCRIPTS: (usize, usize) = (62, 5);

/// Commas, and nothing that quotes.
const WITHIN_VARIANT: Marks = Marks { quote: None, ..columns::COMMAS };

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

    /// The record that a text begins with, where it is a usual one, and where the next one begins: its fields as they stand there.
    /// Without a cell in which quotes are doubled, and of UTF-8.
    #[inline(always)]
    fn usual<'a>(&mut self, text: &'a [u8], calls: &mut Vec<Call<'a>>) -> Option<(usize, Usual)> {
        let Some(kind) = Kind::of(text) else {
            let (line, next) = front::line(text)?;
            let is_ignored = Kind::of(line).is_none() && !line.starts_with(FILE_HEADER);
            return is_ignored.then_some((next, Usual::Ignored));
        };
        let mut places = kind.wanted.places();
        let first = columns::first_row(text, columns::COMMAS, &mut places)?;
        if first.count() < kind.least {
            return None;
        }
        let whole = first.text();
        let row = kind.row(|place| first.text_of(place, whole).map(device::trimmed))?;
        Some((first.next, row.add(self.device, &mut self.minute, calls)?))
    }
}

impl Decode for Decoder {
    fn decode<'a>(&'a mut self, line: &'a [u8]) -> Decoded<'a> {
        // The first record may stand on the line of the file's header.
        let line = match line.starts_with(FILE_HEADER) {
            true => line.rsplit(|byte| *byte == b'\r').next().unwrap_or_default(),
            false => line,
        };
        let Some(kind) = Kind::of(line) else { return Decoded::Ignored };
        let decoded = kind.with_fields(line, |row| row.decoded(self.device, &mut self.minute).owned());
        decoded.unwrap_or_else(Decoded::Rejected)
    }

    fn decode_front<'t>(&mut self, text: &'t [u8], record_bytes: usize, front: &mut Front<'t>) {
        front.with_ends(text, record_bytes, |text, calls| self.usual(text, calls));
    }

    fn correlation_id(&self, text: &[u8]) -> Option<Guid> {
        correlation::in_reason_of_line(text)
    }

    fn sides(&self, line: &[u8]) -> Option<Sides> {
        let sides = |row: Row<'_>| row.is_final().then(|| self.device.sides(row.sides));
        Kind::of(line)?.with_fields(line, sides).ok()?
    }
}

/// The fields of one record that are read.
struct Row<'r> {
    is_stop: bool,
    gateway: &'r str,
    accounting: &'r str,
    /// Date and time.
    started: (&'r str, &'r str),
    ended: (&'r str, &'r str),
    /// In 10 ms.
    duration: &'r str,
    reason: &'r str,
    /// The trunk group that the call came from, and the one that it went to.
    sides: [&'r str; 2],
    /// Of the called side, and of the calling one.
    variants: [&'r str; 2],
    /// Who ended it: 0 the SBC, 1 the calling side, 2 the called one.
    initiator: &'r str,
    is_final: &'r str,
}

impl<'r> Row<'r> {
    fn decoded(&self, device: &Device, minute: &mut LastMinute) -> Decoded<'r> {
        match self.route(device) {
            None => Decoded::Ignored,
            Some(route) => Decoded::filled(|call| self.fill(call, device, route, minute)),
        }
    }

    /// As [`Row::decoded`]; a call is put to the others.
    #[inline(always)]
    fn add(&self, device: &Device, minute: &mut LastMinute, calls: &mut Vec<Call<'r>>) -> Option<Usual> {
        match self.route(device) {
            None => Some(Usual::Ignored),
            Some(route) => Usual::filled(calls, |call| self.fill(call, device, route, minute)),
        }
    }

    /// Direction and trunk of a record that counts: the final attempt, or an answered call, that has a side of Teams. Records
    /// without the indicator are final.
    fn route(&self, device: &Device) -> Option<(Direction, &'r str)> {
        let [ingress, egress] = self.sides;
        let [is_from, is_to] = self.sides.map(|name| device.is_teams_name(name));
        let counts = self.is_final() && (!device.are_known() || is_from || is_to);
        let trunk = device.trunk_where(is_from, ingress, egress);
        counts.then_some((device::direction_where(is_from, is_to), trunk))
    }

    fn is_final(&self) -> bool {
        matches!(self.is_final, "" | "1")
    }

    /// Says in a call, of which nothing is known yet, what is known of it.
    #[inline(always)]
    fn fill(
        &self,
        call: &mut Call<'r>,
        device: &Device,
        (direction, trunk): (Direction, &'r str),
        minute: &mut LastMinute,
    ) -> Result<(), Reason> {
        call.record_id = self.record_id()?;
        call.trunk = Text::from(trunk);
        call.direction = direction;
        call.succeeded = Some(self.is_stop);
        self.fill_codes(&mut call.codes, direction)?;
        call.ended_at = self.ended_at(device, minute, &mut call.unread);
        // Hundredths of a second.
        let duration = fields::whole_number(self.duration.as_bytes());
        let duration = duration.unwrap_or_default().map(|hundredths| hundredths / 100);
        call.duration_seconds = fields::duration_seconds(Ok(duration)).unwrap_or_default();
        // Releases without the indicator do not tell which attempt is the last, and a STOP may follow one.
        call.attempt = if self.is_final == "1" { Attempt::Final } else { Attempt::Branch };
        Ok(())
    }

    fn ended_at(&self, device: &Device, minute: &mut LastMinute, unread: &mut Unread) -> Option<UnixMillis> {
        let times = [(self.ended, UnreadField::EndTime), (self.started, UnreadField::StartTime)];
        times.into_iter().find_map(|((date, time), field)| {
            let moment = moment(date, time, device, minute);
            if moment.is_none() && !date.is_empty() {
                unread.add_time(field, UnreadTime::Shape(Shape::of(date.as_bytes())));
            }
            moment
        })
    }

    /// Gateway and accounting id.
    fn record_id(&self) -> Result<RecordId, Reason> {
        match self.accounting {
            "" => Err(Reason::NoRecordId),
            _ => Ok(RecordId(device::hash_of_two(self.gateway.as_bytes(), self.accounting.as_bytes()))),
        }
    }

    /// What the called side answered; the calling side's where there was none.
    fn fill_codes(&self, codes: &mut Codes<'r>, direction: Direction) -> Result<(), Reason> {
        let answered = self.is_stop;
        let mut released_by = self.variants.into_iter().map(|variant| parts(variant, &RELEASED_BY)[0]);
        let released_by = released_by.find(|it| !it.is_empty()).unwrap_or_default();
        codes.sip = device::release_code(released_by.as_bytes(), answered)?;
        codes.q850 = self.reason.parse().ok().filter(|cause| (1..128).contains(cause));
        codes.refused_by = device::refused_by_end(direction, self.ended_by());
        if let Some(said) = self.said().filter(|_| !answered) {
            (codes.text, codes.words) = (Text::from(said.phrase), said.words());
        }
        Ok(())
    }

    fn ended_by(&self) -> Option<EndedBy> {
        match self.initiator {
            "0" => Some(EndedBy::Device),
            "1" => Some(EndedBy::Caller),
            "2" => Some(EndedBy::Called),
            _ => None,
        }
    }

    /// The first that a Reason header says in a field of a script, of either side. A header of several values stands in several fields:
    /// there are commas between them.
    fn said(&self) -> Option<Said<'r>> {
        static CAUSE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("cause="));
        let has_cause = |text: &str| CAUSE.find(text.as_bytes()).is_some();
        if !self.variants.into_iter().any(has_cause) {
            return None;
        }
        let mut scripts = self.variants.map(scripts);
        let fields = (0..OF_SCRIPTS.1).flat_map(|_| scripts.each_mut().map(Iterator::next)).flatten();
        fields.filter(|it| has_cause(it)).find_map(|header| reason_header::read(header).said)
    }
}

/// The fields of a protocol variant that a script may fill, and all behind them. A comma between quotes parts none.
fn scripts(variant: &str) -> impl Iterator<Item = &str> {
    let before = memchr::memchr_iter(b',', variant.as_bytes()).nth(OF_SCRIPTS.0 - 1);
    let mut rest = before.map(|at| &variant[at + 1..]);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut is_within = false;
        let end = text.bytes().position(|byte| {
            is_within ^= byte == b'"';
            byte == b',' && !is_within
        });
        // A quote that is never closed holds no more than its field.
        let end = end.or_else(|| memchr::memchr(b',', text.as_bytes()).filter(|_| is_within));
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

/// Parts of a protocol variant.
fn parts<'r, const N: usize>(variant: &'r str, wanted: &Wanted<N>) -> [&'r str; N] {
    // Commas part text between letters, so that the parts are text.
    let cells = wanted.cells(variant.as_bytes(), WITHIN_VARIANT);
    let cells = cells.map_or([b"".as_slice(); N], |(cells, _)| cells);
    cells.map(|cell| device::trimmed(str::from_utf8(cell).unwrap_or_default()))
}

/// `11/05/2024` and `09:01:00.5`, in the time of the device.
fn moment(date: &str, time: &str, device: &Device, minute: &mut LastMinute) -> Option<UnixMillis> {
    if let Some(moment) = usual_moment(date.as_bytes(), time.as_bytes(), device, minute) {
        return Some(moment);
    }
    let mut parts = date.split('/').map(|part| part.parse::<i16>().ok());
    let (month, day, year) = (parts.next()??, parts.next()??, parts.next()??);
    let date = civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    device.moment(date.to_datetime(time.parse().ok()?))
}

/// As [`moment`], of numbers of all their digits.
#[inline(always)]
fn usual_moment(date: &[u8], time: &[u8], device: &Device, minute: &mut LastMinute) -> Option<UnixMillis> {
    let ([m0, m1, b'/', d0, d1, b'/', y0, y1, y2, y3], [h0, h1, b':', n0, n1, seconds @ ..]) = (date, time)
    else {
        return None;
    };
    let written =
        [m0, m1, &b'/', d0, d1, &b'/', y0, y1, y2, y3, &b' ', h0, h1, &b':', n0, n1].map(|byte| *byte);
    minute.moment(written, seconds, || {
        let date = local_time::date([*y0, *y1, *y2, *y3], [*m0, *m1], [*d0, *d1]);
        device.at(date?, local_time::clock(time)?)
    })
}

#[cfg(test)]
mod tests;
