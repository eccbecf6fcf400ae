//! What a mapping makes of one record, field by field, for the person who writes it: what was read, what could not be, and
//! which places nobody asked for. No text of a record is in it but names of places; of a value, its shape.

use std::slice;

use super::record::{Columns, Record};
use super::{FIELDS, Field, From, Mapped, Mapping, Shape, Where};
use crate::call::UnixMillis;

/// The key of a condition.
pub const WHERE: &str = "where";

/// So many digits may be a telephone number.
const NUMBER_DIGITS: usize = 5;

/// Of a value, so much of its shape is shown.
const SHAPE_SHOWN: usize = 32;

/// What a mapping makes of one record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trial {
    /// Each column, property or group with a value, in the order of the record.
    pub places: Vec<String>,
    /// What the config takes from places: its key, the place, and whether the record has one of that name.
    pub wanted: Vec<(&'static str, String, bool)>,
    /// Key and text of the fields that hold a time, a duration or a flag, as they were understood.
    pub read: Vec<(&'static str, String)>,
    pub faults: Vec<Fault>,
    /// Whether a column of a table holds its own name, and whether one that the config names holds what no name is: what
    /// stands above the rows may be a row itself.
    pub repeats_names: bool,
    pub differs_from_names: bool,
    /// Of an object without the places that the config names: the property that holds objects.
    pub holder: Option<String>,
}

/// A field that could not be read, or that means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The key in `fields`.
    pub key: &'static str,
    /// Where the value stands; `None`: nowhere, as it is a constant.
    pub place: Option<String>,
    /// The value, with letters as `x` and digits as `0`.
    pub shape: String,
    /// What is wrong with it, and what to do.
    pub advice: String,
}

impl Trial {
    /// Of a row that has another number of cells than the header has columns.
    pub(super) fn of_columns(row: &[u8], mapping: &Mapping, columns: &Columns) -> Option<Self> {
        let Shape::Csv { .. } = mapping.shape else { return None };
        let (cells, columns) = (mapping.cells().of(row).len(), columns.names());
        let has = |place: &str| columns.iter().any(|name| name.eq_ignore_ascii_case(place));
        let wanted = mapping.wanted().map(|(key, place)| (key, place.to_owned(), has(place))).collect();
        let look = match cells < columns.len() {
            true => {
                "its end is missing: look for a line that was cut, or for cells that the device leaves out where they are empty"
            }
            false => "look for a quote or a delimiter in the midst of a text",
        };
        let advice = format!(
            "a row has {cells} cells and the header names {} columns, so it is rejected: {look}",
            columns.len()
        );
        let fault = Fault { key: "header", place: None, shape: String::new(), advice };
        Some(Self { places: columns.to_vec(), wanted, faults: vec![fault], ..Self::default() })
    }

    /// The places that the config does not ask for.
    pub fn unused(&self) -> impl Iterator<Item = &str> {
        let is_wanted = |place: &str| self.wanted.iter().any(|(_, wanted, _)| same_place(wanted, place));
        self.places.iter().map(String::as_str).filter(move |place| !is_wanted(place))
    }
}

/// Whether two texts name one place: a property may be written as a JSON Pointer or not.
pub fn same_place(one: &str, other: &str) -> bool {
    let bare = |place: &str| place.strip_prefix('/').unwrap_or(place).to_ascii_lowercase();
    bare(one) == bare(other)
}

/// Whether the name of a place can be shown: in the place of one may stand somebody's name or number, and a property of JSON
/// may be called like the person whose it is.
pub fn may_be_shown(place: &str, is_property: bool) -> bool {
    let may_be_number = place.bytes().filter(u8::is_ascii_digit).count() >= NUMBER_DIGITS;
    !may_be_number && !place.contains('@') && (!is_property || is_of_identifiers(place))
}

/// Whether all parts of a place are words as programs write them.
fn is_of_identifiers(place: &str) -> bool {
    place
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.' | b'$' | b'@'))
}

/// A value of which nothing but its form is left.
pub fn shape(value: &str) -> String {
    let masked = |letter: char| match letter {
        '0'..='9' => '0',
        ' '..='~' if !letter.is_ascii_alphabetic() => letter,
        _ => 'x',
    };
    let more = if value.chars().nth(SHAPE_SHOWN).is_some() { "..." } else { "" };
    value.chars().take(SHAPE_SHOWN).map(masked).chain(more.chars()).collect()
}

impl Mapping {
    /// Keys of the config, and the places that they name.
    pub(super) fn wanted(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let fields = self.origins.iter().filter_map(|origin| match &origin.from {
            From::Place(place) => Some((key(origin.field), place.as_str())),
            From::Constant(_) => None,
        });
        fields.chain(self.conditions.iter().map(|condition| (WHERE, condition.place.as_str())))
    }
}

impl Mapped<'_, '_> {
    pub(super) fn trial(&self, record: &Record<'_>) -> Trial {
        let mut trial = Trial { places: record.places(), ..Trial::default() };
        for (key, place) in self.mapping.wanted() {
            trial.wanted.push((key, place.to_owned(), record.has(place)));
        }
        let wanted = self.mapping.wanted().map(|(_, place)| place);
        (trial.repeats_names, trial.differs_from_names) = record.speaks_of_names(wanted);
        if !trial.wanted.iter().any(|(.., is_there)| *is_there) {
            trial.holder = record.holder_of_objects().map(str::to_owned);
        }
        if !record.meets(&self.mapping.conditions) {
            let conditions = self.mapping.conditions.iter();
            let missed = conditions.filter(|condition| !record.meets(slice::from_ref(condition)));
            trial.faults = missed.map(|condition| not_met(record, condition)).collect();
            return trial;
        }
        for origin in &self.mapping.origins {
            trial.faults.extend(self.fault(origin.field).map(|advice| self.fault_of(origin.field, advice)));
            trial.read.extend(self.understood(origin.field).map(|text| (key(origin.field), text)));
        }
        trial
    }

    fn fault_of(&self, field: Field, advice: String) -> Fault {
        let origin = self.origin(field);
        let place = origin.and_then(|origin| match &origin.from {
            From::Place(place) => Some(place.clone()),
            From::Constant(_) => None,
        });
        Fault { key: key(field), place, shape: shape(self.get(field)), advice }
    }

    /// A field as it was understood, where it has a meaning beside the call's.
    fn understood(&self, field: Field) -> Option<String> {
        match field {
            Field::Started | Field::Answered | Field::Ended => {
                self.time(field).ok().flatten().map(|UnixMillis(at)| {
                    jiff::Timestamp::from_millisecond(at).map_or_else(|_| String::new(), |at| at.to_string())
                })
            }
            Field::Success => {
                self.succeeded().ok().flatten().map(|flag| if flag { "yes" } else { "no" }.into())
            }
            Field::Count => self.count().ok().flatten().map(|count| count.to_string()),
            Field::Duration => self.duration().ok().flatten().map(|seconds| format!("{seconds} s")),
            _ => None,
        }
    }
}

fn not_met(record: &Record<'_>, condition: &Where) -> Fault {
    let value = record.get(&condition.place).unwrap_or_default();
    Fault {
        key: WHERE,
        place: Some(condition.place.clone()),
        shape: shape(value.trim()),
        advice: "is none of what `is` says, so the record is ignored".to_owned(),
    }
}

/// The name of a field in the config.
fn key(field: Field) -> &'static str {
    FIELDS.iter().find(|(_, known)| *known == field).map_or("", |(name, _)| name)
}
