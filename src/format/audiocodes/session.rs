//! Session detail records (7.40 and later): one to each session, with both of its legs.
//!
//! STOP and ATTEMPT are calls; ATTEMPT is one that nobody answered, whatever `IsSuccess` says of it. The egress leg tells what the
//! called side answered. In which unit the duration stands is not documented: it is taken from the times.

use xxhash_rust::xxh3::xxh3_128;

use super::fields::title;
use super::leg::{codes, named, was_connected_at};
use crate::call::{Attempt, Call, Detail, Reason, RecordId, Text, UnixMillis, Unread, UnreadField};
use crate::format::device::{self, Device, EndedBy, Sides};
use crate::format::{Decoded, fields, written_time};

/// The fields that are read.
#[derive(Debug, Clone, Copy)]
enum Field {
    RecordType,
    SessionId,
    GlobalSessionId,
    IsSuccess,
    SetupTime,
    ConnectTime,
    ReleaseTime,
    IngressGroup,
    EgressGroup,
    IngressInterface,
    EgressInterface,
    IngressReason,
    EgressReason,
    IngressDescription,
    EgressDescription,
}

/// Each field with its titles, as [`title`] has them.
const FIELDS: [(Field, &[&str]); 15] = [
    (Field::RecordType, &["recordtype"]),
    (Field::SessionId, &["sessionid"]),
    (Field::GlobalSessionId, &["globalsessionid"]),
    (Field::IsSuccess, &["issuccess"]),
    (Field::SetupTime, &["setuptime"]),
    (Field::ConnectTime, &["connecttime"]),
    (Field::ReleaseTime, &["releasetime"]),
    (Field::IngressGroup, &["ingressipgroup", "ingressipgroupname"]),
    (Field::EgressGroup, &["egressipgroup", "egressipgroupname"]),
    (Field::IngressInterface, &["ingresssipinterface", "ingresssipinterfacename", "ingresssipinterfaceid"]),
    (Field::EgressInterface, &["egresssipinterface", "egresssipinterfacename", "egresssipinterfaceid"]),
    (Field::IngressReason, &["ingresssiptrmreason", "ingresssiptermreason"]),
    (Field::EgressReason, &["egresssiptrmreason", "egresssiptermreason"]),
    (Field::IngressDescription, &["ingresssiptrmdescr", "ingresssiptrmdesc", "ingresssiptermdesc"]),
    (Field::EgressDescription, &["egresssiptrmdescr", "egresssiptrmdesc", "egresssiptermdesc"]),
];

/// The column of each field, where the table has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout([Option<u8>; FIELDS.len()]);

impl Layout {
    /// `None` where titles are not those of sessions.
    pub fn of_titles<'t>(titles: impl Iterator<Item = &'t [u8]>) -> Option<Self> {
        let mut columns = [None; FIELDS.len()];
        for (column, written) in titles.enumerate() {
            let title = title(written);
            if let Some(field) = FIELDS.iter().position(|(_, titles)| titles.contains(&&*title)) {
                columns[field] = u8::try_from(column).ok();
            }
        }
        let has = |field: Field| columns[field as usize].is_some();
        let tells = has(Field::EgressReason) || has(Field::IngressReason);
        (tells && has(Field::RecordType)).then_some(Self(columns))
    }

    /// The names of both sides of a session that is over.
    pub fn sides(&self, cells: &[String], device: &Device) -> Option<Sides> {
        let session = Session { cells, layout: self, device };
        let kind = session.get(Field::RecordType).to_ascii_uppercase();
        matches!(kind.as_str(), "STOP" | "ATTEMPT").then(|| device.sides(session.sides().concat()))
    }

    /// One session.
    pub fn decode(&self, cells: &[String], device: &Device) -> Decoded<'static> {
        let session = Session { cells, layout: self, device };
        let is_stop = match session.get(Field::RecordType).to_ascii_uppercase().as_str() {
            "STOP" => true,
            "ATTEMPT" => false,
            "START" | "INTERMEDIATE" => return Decoded::Ignored,
            _ => return Decoded::Rejected(Reason::BadLine),
        };
        match session.is_of_teams() {
            false => Decoded::Ignored,
            true => session.call(is_stop).map_or_else(Decoded::Rejected, Decoded::Call),
        }
    }
}

/// How long a call lasted; `None` where that cannot be, as where the clock was set in its midst.
pub fn seconds((from, to): (UnixMillis, UnixMillis)) -> Option<u32> {
    let seconds = u64::try_from(to.0.checked_sub(from.0)? / 1000).ok();
    fields::duration_seconds(Ok(seconds)).ok().flatten()
}

/// One session.
struct Session<'s> {
    cells: &'s [String],
    layout: &'s Layout,
    device: &'s Device,
}

impl<'s> Session<'s> {
    /// `""` for a field that the table does not have.
    fn get(&self, field: Field) -> &'s str {
        let column = self.layout.0[field as usize];
        column.and_then(|column| self.cells.get(usize::from(column))).map_or("", String::as_str)
    }

    /// The first of these that is there.
    fn first(&self, fields: [Field; 2]) -> &'s str {
        fields.map(|field| self.get(field)).into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// The names of the side that called, and of the one that was called.
    fn sides(&self) -> [Vec<&'s str>; 2] {
        let names =
            |fields: [Field; 2]| fields.into_iter().flat_map(|field| named(self.get(field))).collect();
        [
            names([Field::IngressGroup, Field::IngressInterface]),
            names([Field::EgressGroup, Field::EgressInterface]),
        ]
    }

    fn is_of_teams(&self) -> bool {
        !self.device.are_known() || self.device.is_teams(self.sides().concat().into_iter())
    }

    fn call(&self, is_stop: bool) -> Result<Call<'static>, Reason> {
        let [ingress, egress] = self.sides();
        let direction = self.device.direction(ingress.iter().copied(), egress.iter().copied());
        let group = |names: &[&'s str]| names.first().copied().unwrap_or_default();
        let answered = is_stop && self.was_connected()?;
        let [connected, released] = [Field::ConnectTime, Field::ReleaseTime].map(|field| self.time(field));
        let mut unread = Unread::default();
        let times = [
            (self.get(Field::ReleaseTime), UnreadField::EndTime),
            (self.get(Field::ConnectTime), UnreadField::StartTime),
            (self.get(Field::SetupTime), UnreadField::InviteTime),
        ];
        let lasted = connected.zip(released).filter(|_| answered);
        let refused_by = device::refused_by_end(direction, self.ended_by());
        let (sip, description) = (
            self.first([Field::EgressReason, Field::IngressReason]),
            self.first([Field::EgressDescription, Field::IngressDescription]),
        );
        let call = Call {
            record_id: self.record_id()?,
            trunk: Text::from(self.device.trunk(group(&ingress), group(&egress))),
            direction,
            succeeded: Some(answered),
            codes: codes(sip.as_bytes(), description, answered, refused_by)?,
            ended_at: written_time::first(times, self.device, &mut unread),
            duration_seconds: lasted.and_then(seconds),
            // Routes that were tried before have records of the same session.
            attempt: Attempt::Branch,
            unread,
            detail: Detail::default(),
        };
        Ok(call.owned())
    }

    /// Where the called side has a column for what it answered, and did not answer, the SBC did.
    fn ended_by(&self) -> Option<EndedBy> {
        let has_column = self.layout.0[Field::EgressReason as usize].is_some();
        (has_column && self.get(Field::EgressReason).is_empty()).then_some(EndedBy::Device)
    }

    /// Of a STOP record: by its time of answer, where the table has that column.
    fn was_connected(&self) -> Result<bool, Reason> {
        match self.layout.0[Field::ConnectTime as usize] {
            Some(_) => Ok(was_connected_at(self.get(Field::ConnectTime).as_bytes())),
            None => Ok(fields::flag(self.get(Field::IsSuccess).as_bytes())? != Some(false)),
        }
    }

    fn record_id(&self) -> Result<RecordId, Reason> {
        let ids = [Field::SessionId, Field::GlobalSessionId].map(|field| self.get(field));
        let id = ids.into_iter().find(|id| !matches!(*id, "" | "0")).ok_or(Reason::NoRecordId)?;
        Ok(RecordId(xxh3_128(id.as_bytes())))
    }

    fn time(&self, field: Field) -> Option<UnixMillis> {
        written_time::read(self.get(field), self.device)
    }
}
