//! Ribbon SBC Core (5000, 7000, SWe): accounting files `*.ACT`, one line to each record, fields between commas.
//!
//! A STOP is an answered call, an ATTEMPT one that was not; of several attempts of a call the final one counts. START and other
//! kinds, and the file's first and last line, are ignored. The SIP code stands in a quoted field that holds a list of its own, the
//! protocol variant of a side. Positions are those of the "CDR field descriptions" of releases 8 to 12: later ones add behind them.

use std::time::Duration;

use jiff::civil;
use xxhash_rust::xxh3::xxh3_128;

use super::device::{self, Device, Sides};
use super::names::Names;
use super::table::cells;
use super::{Decode, Decoded, Format, Public, Recognised, correlation, fields};
use crate::call::{
    Attempt, Call, Codes, Detail, Guid, Reason, RecordId, Shape, Text, UnixMillis, Unread, UnreadField,
    UnreadTime, Words,
};
use crate::framing::Framing;
use crate::reason_header;

/// Accounting files of an SBC Core.
pub static FORMAT: Format = Format {
    name: "ribbon",
    aliases: &[],
    framing: Framing::Lines,
    recognise,
    live_within: Duration::from_mins(90),
    is_trunk: device::is_device_trunk,
    public: Public::of_words(&["START", "STOP", "ATTEMPT", "SIP", "BYE", "CANCEL"]),
    broken: Reason::BadLine,
    decoder: &|_| Box::new(Decoder(&device::UNKNOWN)),
    told: Some(|device| Box::new(Decoder(device))),
    layout: None,
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

/// Where the fields of a kind stand, counted from 1 as in the manuals.
struct Positions {
    /// Date and time of the end.
    ended: (usize, usize),
    /// In 10 ms; 0 where there is none.
    duration: usize,
    reason: usize,
    ingress: usize,
    ingress_variant: usize,
    egress: usize,
    egress_variant: usize,
    is_final: usize,
}

impl Positions {
    /// Of the kind that a record begins with, where that is one of calls.
    fn of(line: &[u8]) -> Option<&'static Self> {
        match line.split(|byte| *byte == b',').next() {
            Some(b"STOP") => Some(&STOP),
            Some(b"ATTEMPT") => Some(&ATTEMPT),
            _ => None,
        }
    }
}

const ATTEMPT: Positions = Positions {
    ended: (105, 10),
    duration: 0,
    reason: 12,
    ingress: 31,
    ingress_variant: 45,
    egress: 58,
    egress_variant: 59,
    is_final: 146,
};

const STOP: Positions = Positions {
    ended: (11, 12),
    duration: 14,
    reason: 15,
    ingress: 34,
    ingress_variant: 52,
    egress: 68,
    egress_variant: 69,
    is_final: 0,
};

/// Start date and time, of either kind.
const STARTED: (usize, usize) = (6, 7);

/// Within a protocol variant, counted from 0: what released the call, and the fields that a script of the SBC may fill.
const RELEASED_BY: usize = 18;
const SCRIPT_FIELDS: std::ops::RangeInclusive<usize> = 62..=66;

#[derive(Debug)]
struct Decoder(&'static Device);

impl Decode for Decoder {
    fn decode<'a>(&'a mut self, line: &'a [u8]) -> Decoded<'a> {
        // The first record may stand on the line of the file's header.
        let line = match line.starts_with(FILE_HEADER) {
            true => line.rsplit(|byte| *byte == b'\r').next().unwrap_or_default(),
            false => line,
        };
        let Some(positions) = Positions::of(line) else { return Decoded::Ignored };
        let row = match Row::read(line, positions) {
            Ok(row) => row,
            Err(reason) => return Decoded::Rejected(reason),
        };
        match row.counts(self.0) {
            false => Decoded::Ignored,
            true => row.call(self.0).map_or_else(Decoded::Rejected, Decoded::Call),
        }
    }

    fn correlation_id(&self, text: &[u8]) -> Option<Guid> {
        correlation::in_reason_of_line(text)
    }

    fn sides(&self, line: &[u8]) -> Option<Sides> {
        let row = Row::read(line, Positions::of(line)?).ok()?;
        row.is_final().then(|| self.0.sides(row.sides()))
    }
}

struct Row {
    fields: Vec<String>,
    positions: &'static Positions,
}

impl Row {
    fn read(line: &[u8], positions: &'static Positions) -> Result<Self, Reason> {
        let mut fields = Vec::with_capacity(320);
        cells::for_each(line, b',', |cell| {
            fields.push(String::from_utf8_lossy(&cell.bytes(line)).trim().to_owned());
        })
        .map_err(|_| Reason::BadLine)?;
        if fields.len() < positions.egress_variant {
            return Err(Reason::BadLine);
        }
        Ok(Self { fields, positions })
    }

    /// `""` for a position beyond the end, and for 0.
    fn get(&self, position: usize) -> &str {
        position.checked_sub(1).and_then(|place| self.fields.get(place)).map_or("", String::as_str)
    }

    /// The final attempt, or an answered call, that has a side of Teams. Records without the indicator are final.
    fn counts(&self, device: &Device) -> bool {
        self.is_final() && (!device.are_known() || device.is_teams(self.sides().into_iter()))
    }

    fn is_final(&self) -> bool {
        matches!(self.get(self.positions.is_final), "" | "1")
    }

    /// The trunk group that the call came from, and the one that it went to.
    fn sides(&self) -> [&str; 2] {
        [self.get(self.positions.ingress), self.get(self.positions.egress)]
    }

    fn call(&self, device: &Device) -> Result<Call<'static>, Reason> {
        let [ingress, egress] = self.sides();
        let direction = device.direction([ingress].into_iter(), [egress].into_iter());
        let trunk = device.trunk(ingress, egress);
        let answered = self.positions.duration > 0;
        // Hundredths of a second.
        let duration = fields::whole_number(self.get(self.positions.duration).as_bytes());
        let duration = duration.unwrap_or_default().map(|hundredths| hundredths / 100);
        let mut unread = Unread::default();
        Ok(Call {
            record_id: self.record_id()?,
            trunk: Text::from(trunk).owned(),
            direction,
            succeeded: Some(answered),
            codes: self.codes(answered, direction)?,
            ended_at: self.ended_at(device, &mut unread),
            duration_seconds: fields::duration_seconds(Ok(duration)).unwrap_or_default(),
            // Releases without the indicator do not tell which attempt is the last, and a STOP may follow one.
            attempt: if self.get(self.positions.is_final) == "1" { Attempt::Final } else { Attempt::Branch },
            unread,
            detail: Detail::default(),
        })
    }

    fn ended_at(&self, device: &Device, unread: &mut Unread) -> Option<UnixMillis> {
        let times = [(self.positions.ended, UnreadField::EndTime), (STARTED, UnreadField::StartTime)];
        times.into_iter().find_map(|(at, field)| {
            let moment = self.moment(at, device);
            let date = self.get(at.0);
            if moment.is_none() && !date.is_empty() {
                unread.add_time(field, UnreadTime::Shape(Shape::of(date.as_bytes())));
            }
            moment
        })
    }

    /// Gateway and accounting id.
    fn record_id(&self) -> Result<RecordId, Reason> {
        let (gateway, accounting) = (self.get(2), self.get(3));
        match accounting {
            "" => Err(Reason::NoRecordId),
            _ => Ok(RecordId(xxh3_128(format!("{gateway}\0{accounting}").as_bytes()))),
        }
    }

    /// What the called side answered; the calling side's where there was none.
    fn codes(&self, answered: bool, direction: crate::call::Direction) -> Result<Codes<'static>, Reason> {
        let Positions { ingress_variant, egress_variant, reason, .. } = *self.positions;
        let variants =
            [egress_variant, ingress_variant].map(|at| self.get(at).split(',').collect::<Vec<_>>());
        let in_variants =
            |place: usize| variants.iter().filter_map(move |variant| variant.get(place)).map(|it| it.trim());
        let released_by = in_variants(RELEASED_BY).find(|it| !it.is_empty()).unwrap_or_default();
        let sip = device::release_code(released_by.as_bytes(), answered)?;
        let header = SCRIPT_FIELDS
            .flat_map(|place| in_variants(place).collect::<Vec<_>>())
            .find(|it| it.contains("cause="));
        let header = header.unwrap_or_default();
        let said = reason_header::phrases(header).find(|said| !said.phrase.is_empty() && !answered);
        let cause = self.get(reason).parse().ok().filter(|cause| (1..128).contains(cause));
        Ok(Codes {
            microsoft: None,
            sip,
            q850: cause,
            text: Text::from(said.map_or("", |said| said.phrase)).owned(),
            words: said.map_or(Words::Other, reason_header::Said::words),
            refused_by: device::refused_by(direction),
        })
    }

    /// `11/05/2024` and `09:01:00.5`, in the time of the device.
    fn moment(&self, (date, time): (usize, usize), device: &Device) -> Option<UnixMillis> {
        let mut parts = self.get(date).split('/').map(|part| part.parse::<i16>().ok());
        let (month, day, year) = (parts.next()??, parts.next()??, parts.next()??);
        let date = civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        device.moment(date.to_datetime(self.get(time).parse().ok()?))
    }
}

#[cfg(test)]
mod tests;
