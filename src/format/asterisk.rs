//! Asterisk: `Master.csv`, which two modules write with different columns; one row to each step and dialled device of a call.
//!
//! `cdr-csv/Master.csv` (cdr_csv) has 16 to 21 columns and `accountcode` first; `cdr-custom/Master.csv` (cdr_custom, as its
//! sample config has it) has 19 and `clid` first. Neither has a header. Rows of one `linkedid`, or else of one `uniqueid`, which is
//! that of the channel that called, are one call, answered if one of them is; where there is neither, each row is a call. There are no SIP codes, unless the dialplan writes `${HANGUPCAUSE(…,tech)}`
//! (`SIP 480 Temporarily Unavailable`) into `userfield`.
//! Read from Asterisk's source: `cdr/cdr_csv.c`, `configs/samples/cdr_custom.conf.sample`, `main/cdr.c`.

use std::borrow::Cow;
use std::time::Duration;

use jiff::civil;
use xxhash_rust::xxh3::xxh3_128;

use super::device::{self, Device, Sides};
use super::names::Names;
use super::table::cells;
use super::{Decode, Decoded, Format, Public, Recognised, fields};
use crate::call::{
    Attempt, Call, Codes, Detail, Reason, RecordId, Shape, Text, UnixMillis, Unread, UnreadField, UnreadTime,
    Words,
};
use crate::framing::Framing;

/// `Master.csv` of either module.
pub static FORMAT: Format = Format {
    name: "asterisk",
    aliases: &[],
    framing: Framing::QuotedCsv,
    recognise,
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
    told: Some(|device| Box::new(Decoder(device))),
    layout: None,
    config: "",
};

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
    fn of(cells: &[Cow<'_, [u8]>]) -> Option<Self> {
        let at = |column: usize| cells.get(column).map(|cell| cell.trim_ascii()).unwrap_or_default();
        let count = cells.len();
        let is_custom = count == 19 && is_disposition(at(13)) && !is_disposition(at(14));
        if is_custom {
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
        let is_unique_id = has_one_more && is_unique_id(at(16));
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
        Some(line) if Row::read(line).is_ok() => Recognised::Yes,
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

#[derive(Debug)]
struct Decoder(&'static Device);

impl Decode for Decoder {
    fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
        let row = match Row::read(record.strip_suffix(b"\r").unwrap_or(record)) {
            Ok(row) => row,
            Err(reason) => return Decoded::Rejected(reason),
        };
        match row.is_of_teams(self.0) {
            false => Decoded::Ignored,
            true => row.call(self.0).map_or_else(Decoded::Rejected, Decoded::Call),
        }
    }

    /// Contexts alone: a peer may be somebody's phone.
    fn sides(&self, record: &[u8]) -> Option<Sides> {
        let row = Row::read(record.strip_suffix(b"\r").unwrap_or(record)).ok()?;
        let ([_, context], _) = row.sides();
        Some(self.0.sides([context]))
    }
}

/// The cells of a row.
struct Row<'a> {
    cells: Vec<Cow<'a, [u8]>>,
    columns: Columns,
    q850: Option<u8>,
}

impl<'a> Row<'a> {
    fn read(record: &'a [u8]) -> Result<Self, Reason> {
        let mut cells = Vec::with_capacity(21);
        cells::for_each(record, b',', |cell| {
            cells.push(cell.bytes(record));
        })?;
        let columns = Columns::of(&cells).ok_or(Reason::BadCsv)?;
        let disposition = cells[columns.disposition].trim_ascii();
        let known = DISPOSITIONS.iter().find(|(name, _)| *name == disposition);
        let q850 = known.ok_or(Reason::BadSuccess)?.1;
        Ok(Self { cells, columns, q850 })
    }

    fn get(&self, column: Option<usize>) -> &[u8] {
        column.map(|column| self.cells[column].trim_ascii()).unwrap_or_default()
    }

    /// The peer in a channel's name: `teams` of `PJSIP/teams-0000012a`.
    fn peer(&self, column: usize) -> &str {
        let channel = str::from_utf8(self.get(Some(column))).unwrap_or_default();
        let peer = channel.split_once('/').map_or("", |(_, peer)| peer);
        peer.rsplit_once('-').map_or(peer, |(peer, _)| peer)
    }

    /// The peer that called, with its context, and the one that was called.
    fn sides(&self) -> ([&str; 2], [&str; 1]) {
        let context = str::from_utf8(self.get(Some(self.columns.context))).unwrap_or_default();
        ([self.peer(self.columns.channel), context], [self.peer(self.columns.channel + 1)])
    }

    /// Rows of a branch exchange are about phones, too. Without the names of Teams' side nobody can tell.
    fn is_of_teams(&self, device: &Device) -> bool {
        let (ingress, egress) = self.sides();
        !device.are_known() || device.is_teams(ingress.into_iter().chain(egress))
    }

    fn trunk(&self, device: &Device) -> Text<'static> {
        let (ingress, egress) = (self.peer(self.columns.channel), self.peer(self.columns.channel + 1));
        Text::from(device.trunk(ingress, egress)).owned()
    }

    fn call(&self, device: &Device) -> Result<Call<'a>, Reason> {
        let answered = self.get(Some(self.columns.disposition)) == b"ANSWERED";
        let (ingress, egress) = self.sides();
        let direction = device.direction(ingress.into_iter(), egress.into_iter());
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
            trunk: self.trunk(device),
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
            (b"", b"") => Ok((RecordId(xxh3_128(&self.cells.join(&b'\0'))), Attempt::Only)),
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
    device.moment(str::from_utf8(text).ok()?.parse::<civil::DateTime>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Direction, RefusedBy};
    use crate::format::device::TrunkFrom;

    const ROW: &str = r#""","+14255550100","+14255550199","from-teams","""User One"" <+14255550100>","PJSIP/teams-0000000a","PJSIP/carrier-1-0000000b","Dial","PJSIP/x",2024-11-05 09:00:00,,"2024-11-05 09:00:20",20,0,"BUSY","DOCUMENTATION","1730797200.1","SIP 486 Busy Here","","1730797200.0",7"#;
    const CUSTOM: &str = r#""""User One"" <+14255550100>","+14255550100","+14255550199","from-teams","PJSIP/teams-0000000a","PJSIP/carrier-1-0000000b","Dial","PJSIP/x","2024-11-05 09:00:00","","2024-11-05 09:00:20","20","0","NO ANSWER","3","","mainserver-1730797200.1","",7"#;

    fn device() -> &'static Device {
        let berlin = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
        Box::leak(Box::new(Device::parse(&["teams*"], TrunkFrom::Carrier, berlin).unwrap()))
    }

    fn call(row: &str, device: &'static Device) -> Call<'static> {
        match Decoder(device).decode(row.as_bytes()) {
            Decoded::Call(call) => call.owned(),
            other => panic!("{row}: {other:?}"),
        }
    }

    #[test]
    fn reads_a_row_of_cdr_csv() {
        let expected = Call {
            record_id: RecordId(xxh3_128(b"1730797200.0")),
            trunk: "carrier-1".into(),
            direction: Direction::Outbound,
            succeeded: Some(false),
            codes: Codes {
                sip: Some(486),
                q850: Some(17),
                words: Words::Other,
                refused_by: RefusedBy::SbcSide,
                ..Codes::default()
            },
            ended_at: Some(UnixMillis(1_730_793_620_000)),
            duration_seconds: Some(20),
            attempt: Attempt::Branch,
            unread: Unread::default(),
            detail: Detail::default(),
        };
        assert_eq!(call(ROW, device()), expected);
        let unknown = call(ROW, &device::UNKNOWN);
        assert_eq!((unknown.trunk, unknown.direction), ("".into(), Direction::Unknown));
        assert_eq!(unknown.ended_at, Some(UnixMillis(1_730_797_220_000)));
        let epoch = call(&ROW.replace("\"2024-11-05 09:00:20\"", "1730797220"), &device::UNKNOWN);
        assert!(epoch.unread.has(UnreadField::EndTime) && epoch.ended_at.is_some());
    }

    #[test]
    fn reads_a_row_of_cdr_custom() {
        let call = call(CUSTOM, device());
        assert_eq!((call.codes.sip, call.codes.q850, call.attempt), (None, Some(19), Attempt::Branch));
        assert_eq!(call.record_id, RecordId(xxh3_128(b"mainserver-1730797200.1")));
    }

    #[test]
    fn columns_are_those_that_the_switches_make() {
        let head = r#"a,1,2,from-teams,c,PJSIP/teams-1,PJSIP/b-2,Dial,x,2024-11-05 09:00:00,,2024-11-05 09:00:20,20,0,BUSY,3"#;
        let [unique, linked] =
            ["1730797200.1", "1730797200.0"].map(|id| Some(RecordId(xxh3_128(id.as_bytes()))));
        for (more, id, sip) in [
            ("", None, None),
            (",1730797200.1", unique, None),
            (",SIP 486 Busy Here", None, Some(486)),
            (",1730797200.1,SIP 486 Busy Here", unique, Some(486)),
            (",peer,1730797200.0,7", linked, None),
            (",main-1730797200.1,peer,1730797200.0,7", linked, None),
            (",SIP 486 Busy Here,peer,1730797200.0,7", linked, Some(486)),
            (",1730797200.1,SIP 486 Busy Here,peer,1730797200.0,7", linked, Some(486)),
        ] {
            let call = call(&format!("{head}{more}"), &device::UNKNOWN);
            assert_eq!((call.codes.sip, call.codes.q850), (sip, Some(17)), "{more}");
            let is_by_itself = id.is_none();
            assert_eq!(call.attempt == Attempt::Only, is_by_itself, "{more}");
            assert!(is_by_itself || Some(call.record_id) == id, "{more}");
        }
    }

    #[test]
    fn disposition_decides() {
        for (disposition, answered, q850) in
            [("ANSWERED", true, None), ("FAILED", false, None), ("CONGESTION", false, Some(34))]
        {
            // NO ANSWER can have a time of answer: the dialplan answered.
            let row = ROW.replace("BUSY\"", &format!("{disposition}\""));
            let call = call(&row, &device::UNKNOWN);
            assert_eq!((call.succeeded, call.codes.q850), (Some(answered), q850), "{disposition}");
        }
    }

    #[test]
    fn what_is_no_call_of_teams() {
        let phones = ROW.replace("from-teams", "internal").replace("PJSIP/teams-", "PJSIP/phone-");
        assert_eq!(Decoder(device()).decode(phones.as_bytes()), Decoded::Ignored);
        for (row, reason) in [
            (ROW.replace("BUSY\"", "MAYBE\""), Reason::BadSuccess),
            (ROW.replace(",7", ",7,8"), Reason::BadCsv),
            (ROW.replace("\"Dial\"", "\"Dial"), Reason::BadCsv),
        ] {
            assert_eq!(Decoder(device()).decode(row.as_bytes()), Decoded::Rejected(reason), "{row}");
        }
    }

    #[test]
    fn recognises_its_rows() {
        use Recognised::{NeedMore, No, Yes};
        for (text, finished, expected) in [
            (ROW.to_owned(), false, NeedMore),
            (ROW.to_owned(), true, Yes),
            (format!("{CUSTOM}\r\n"), false, Yes),
            ("a,b,c\n".to_owned(), false, No),
            ("{\"a\":".to_owned(), false, No),
        ] {
            assert_eq!(recognise(text.as_bytes(), finished, Names::default()), expected, "{text}");
        }
    }
}
