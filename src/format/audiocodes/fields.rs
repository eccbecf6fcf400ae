//! Where the fields of a record stand: as the manuals say, or as a header line says.

use std::sync::LazyLock;

use crate::format::columns::{self, Marks, Wanted};

/// The fields that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    SipCallId,
    SessionId,
    Origin,
    SourceIp,
    DestinationIp,
    SourceUri,
    DestinationUri,
    Duration,
    /// Which end of the leg ended it.
    TerminationSide,
    TerminationCategory,
    SetupTime,
    ConnectTime,
    ReleaseTime,
    IpGroup,
    SipInterface,
    ProxySet,
    SipReason,
    SipDescription,
    /// `CALL_END` and others.
    Kind,
}

/// Each field with the titles that header lines give it, as [`title`] has them, and its place in the manuals.
/// Titles of customised records are those of the device's own table of fields, unless the operator gave others.
const FIELDS: [(Field, &[&str], u8); 19] = [
    (Field::SipCallId, &["sipcallid", "callid"], 2),
    (Field::SessionId, &["sessionid"], 3),
    (Field::Origin, &["orig", "origin", "callorig", "callorigin"], 4),
    (Field::SourceIp, &["sourceip", "sourceipaddress"], 5),
    (Field::DestinationIp, &["destip", "destinationip", "destinationipaddress"], 7),
    (Field::SourceUri, &["srcuri", "sourceuri"], 10),
    (Field::DestinationUri, &["dsturi", "desturi", "destinationuri"], 12),
    (Field::Duration, &["durat", "duration", "callduration"], 14),
    (Field::TerminationSide, &["trmsd", "termsd", "terminationside"], 15),
    (
        Field::TerminationCategory,
        &["trmreasoncategory", "termreasoncategory", "terminationreasoncategory"],
        17,
    ),
    (Field::SetupTime, &["setuptime", "callsetuptime"], 18),
    (Field::ConnectTime, &["connecttime", "callconnecttime"], 19),
    (Field::ReleaseTime, &["releasetime", "callreleasetime"], 20),
    (Field::IpGroup, &["ipgroup", "ipgroupname"], 25),
    (Field::SipInterface, &["sipinterfaceid", "sipinterface", "sipinterfacename"], 27),
    (Field::ProxySet, &["proxysetid", "proxyset", "proxysetname"], 28),
    (Field::SipReason, &["siptrmreason", "siptermreason", "sipterminationreason"], 32),
    (Field::SipDescription, &["siptermdesc", "siptrmdesc", "siptrmdescr", "sipterminationdescription"], 33),
    (Field::Kind, &["sbcreporttype", "reporttype", "cdrtype"], 0),
];

/// No record has so many fields.
const NOWHERE: u8 = u8::MAX;

/// The place of each field in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    places: [u8; FIELDS.len()],
    /// The places in their order, and the field of each.
    wanted: Wanted<{ FIELDS.len() }>,
    fields: [usize; FIELDS.len()],
}

/// The positions of the manuals, for a log without header lines.
pub static DOCUMENTED: LazyLock<Layout> = LazyLock::new(|| Layout::new(FIELDS.map(|(_, _, place)| place)));

/// Bars, and nothing that quotes.
const BARS: Marks = Marks { separator: b'|', quote: None, ..columns::COMMAS };

impl Layout {
    fn new(places: [u8; FIELDS.len()]) -> Self {
        let mut fields: [usize; FIELDS.len()] = std::array::from_fn(|field| field);
        fields.sort_by_key(|field| places[*field]);
        // Those that stand nowhere come last.
        let columns = fields
            .map(|field| places[field])
            .map(|place| if place == NOWHERE { u16::MAX } else { place.into() });
        Self { places, wanted: Wanted::few(&columns).unwrap_or_default(), fields }
    }

    /// What a header line says, from its first title on; `None` where it lacks what tells how a call ended.
    pub fn of_header(line: &[u8]) -> Option<Self> {
        Self::of_titles(line.split(|byte| *byte == b'|'))
    }

    /// As [`Layout::of_header`], of titles that were taken apart.
    pub fn of_titles<'t>(titles: impl Iterator<Item = &'t [u8]>) -> Option<Self> {
        let mut places = [NOWHERE; FIELDS.len()];
        for (place, written) in titles.enumerate() {
            let title = title(written);
            let known = FIELDS.iter().position(|(_, titles, _)| titles.contains(&&*title));
            if let (Some(field), Ok(place)) = (known, u8::try_from(place)) {
                places[field] = place;
            }
        }
        (places[Field::SipReason as usize] != NOWHERE).then(|| Self::new(places))
    }

    /// The same of records whose kind stands before what this says, if it does not say where that stands.
    #[must_use]
    pub fn behind_kind(&self) -> Self {
        let mut places = self.places;
        if places[Field::Kind as usize] == NOWHERE {
            places.iter_mut().filter(|place| **place != NOWHERE).for_each(|place| *place += 1);
            places[Field::Kind as usize] = 0;
        }
        Self::new(places)
    }

    /// The fields of a record.
    pub fn fields<'a>(&self, record: &'a [u8]) -> Fields<'a> {
        let (cells, count) = self.wanted.cells(record, BARS).unwrap_or(([b""; FIELDS.len()], 0));
        let mut fields = Fields([None; FIELDS.len()]);
        for (place, (field, cell)) in self.fields.into_iter().zip(cells).enumerate() {
            if self.wanted.is_in(place, count) {
                fields.0[field] = Some(cell.trim_ascii());
            }
        }
        fields
    }

    /// As [`Layout::fields`], of a record that was taken apart.
    pub fn fields_of<'a>(&self, cells: impl Iterator<Item = &'a [u8]>) -> Fields<'a> {
        let mut fields = Fields([None; FIELDS.len()]);
        for (place, cell) in cells.enumerate() {
            if let Some(at) = u16::try_from(place).ok().and_then(|place| self.wanted.place(place)) {
                fields.0[self.fields[at]] = Some(cell.trim_ascii());
            }
        }
        fields
    }
}

/// The fields of one record.
#[derive(Debug, PartialEq, Eq)]
pub struct Fields<'a>([Option<&'a [u8]>; FIELDS.len()]);

impl<'a> Fields<'a> {
    /// Empty where the record has none.
    pub fn get(&self, field: Field) -> &'a [u8] {
        self.0[field as usize].unwrap_or_default()
    }

    /// Whether the record goes that far.
    pub fn has(&self, field: Field) -> bool {
        self.0[field as usize].is_some()
    }
}

/// A title without case, blanks and what stands in parentheses: `IPGroup (name)` is `ipgroup`.
pub fn title(written: &[u8]) -> String {
    let written = written.split(|byte| *byte == b'(').next().unwrap_or_default();
    written
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn fields_are_those_between_bars(record in "[a| ]{0,150}|([a ]{0,9}[|]){0,60}", places in any::<[u8; FIELDS.len()]>()) {
            // Each stands in a place of its own, or nowhere.
            let mut used = Vec::new();
            let places = places.map(|place| {
                let is_new = !used.contains(&(place % 40));
                used.push(place % 40);
                if is_new { place % 40 } else { NOWHERE }
            });
            let layout = Layout::new(places);
            let expected = layout.fields_of(record.as_bytes().split(|byte| *byte == b'|'));
            prop_assert_eq!(layout.fields(record.as_bytes()), expected);
        }
    }
}
