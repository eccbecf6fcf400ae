//! A source's `format: csv`, `json` or `regex`, and where its `fields` stand.

use std::collections::BTreeMap;
use std::fmt;

use regex::Regex;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use super::errors::{Checked, at, unknown};
use super::file;
use crate::format::Format;
use crate::format::device::Device;
use crate::format::mapped::{FIELDS, Field, From, Mapping, Origin, Shape, TimeFormat, Where};

/// What stands behind a field's name: a place, or more about it.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a column or property, or about it `field` or `constant`, `values`, `time`, `divide_by`"
)]
pub enum FieldOrigin {
    Place(Scalar),
    Described(Described),
}

/// More about where a field comes from.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Described {
    field: Option<Scalar>,
    constant: Option<Scalar>,
    values: BTreeMap<Scalar, Scalar>,
    time: Option<String>,
    divide_by: Option<u32>,
}

/// A word of YAML, whatever it looks like.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(untagged, expecting = "expected a word, a whole number, true or false")]
pub enum Scalar {
    Flag(bool),
    Number(i64),
    Text(String),
}

/// `where`: what a field must be in a record that is a call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    field: Spanned<Scalar>,
    is: OneOrMore,
}

/// One condition, or several, all of which must hold.
#[derive(Debug)]
pub struct Conditions(pub Vec<Condition>);

impl<'de> Deserialize<'de> for Conditions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ConditionsVisitor)
    }
}

struct ConditionsVisitor;

impl<'de> Visitor<'de> for ConditionsVisitor {
    type Value = Conditions;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`where` as `{field: ..., is: ...}`, or a list of these, all of which must hold")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, conditions: A) -> Result<Conditions, A::Error> {
        let conditions = Vec::<Condition>::deserialize(SeqAccessDeserializer::new(conditions))?;
        if conditions.is_empty() {
            return Err(de::Error::custom(
                "`where` is an empty list: leave it out, or name what records must be",
            ));
        }
        Ok(Conditions(conditions))
    }

    fn visit_map<A: MapAccess<'de>>(self, keys: A) -> Result<Conditions, A::Error> {
        Ok(Conditions(vec![Condition::deserialize(MapAccessDeserializer::new(keys))?]))
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a word, or a list of words")]
enum OneOrMore {
    One(Scalar),
    More(Vec<Scalar>),
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// The format that a source's `fields` make.
pub fn format(written: &file::Source, name: &Spanned<String>, device: Device) -> Checked<&'static Format> {
    let Some(fields) = &written.fields else {
        return Err(at(
            name,
            format!("`format: {}` needs `fields`, which say where each field stands", name.value),
        ));
    };
    without_meaning(written, name)?;
    let shape = shape(written, name)?;
    let mut origins = Vec::new();
    for (field, origin) in fields {
        origins.push(read_origin(field, origin, &shape)?);
    }
    if origins.iter().any(|origin| origin.field == Field::Id && matches!(origin.from, From::Constant(_))) {
        let message = "`id` is the same for all records, so that one call would count: name the field that differs, or leave `id` out";
        return Err(at(name, message));
    }
    if !origins.iter().any(|origin| origin.field.is_ending()) {
        let message = "nothing in `fields` says how a call ended: give success, answered, microsoft_code, sip_code or q850";
        return Err(at(name, message));
    }
    let rejects_others = match &written.other_lines {
        None => false,
        Some(word) => match word.value.as_str() {
            "ignored" => false,
            "rejected" => true,
            other => return Err(at(word, unknown("result", other, &["ignored", "rejected"]))),
        },
    };
    let conditions = written.conditions.iter().flat_map(|written| &written.0);
    let conditions = conditions.map(|condition| read_condition(condition, &shape)).collect::<Checked<_>>()?;
    let quote = match written.quote.as_ref().map(|quote| (quote, quote.value.as_bytes())) {
        None => Some(b'"'),
        Some((_, b"none")) => None,
        Some((_, [quote])) => Some(*quote),
        Some((quote, _)) => return Err(at(quote, "a quote is one character such as ', or the word none")),
    };
    let delimiter = if let Shape::Csv { delimiter, .. } = shape { Some(delimiter) } else { None };
    if delimiter.is_some() && delimiter == quote {
        return Err(at(name, "the delimiter cannot be the quote of cells, too"));
    }
    let skip_lines = written.skip_lines.unwrap_or_default();
    let records_in = written.records_in.clone();
    Ok(Mapping { shape, origins, conditions, rejects_others, device, quote, skip_lines, records_in }.format())
}

/// A key that has no meaning in this format.
fn without_meaning(written: &file::Source, name: &Spanned<String>) -> Checked<()> {
    let keys = [
        ("delimiter", written.delimiter.is_some(), "csv"),
        ("quote", written.quote.is_some(), "csv"),
        ("skip_lines", written.skip_lines.is_some(), "csv"),
        ("header", written.header.is_some(), "csv"),
        ("records_in", written.records_in.is_some(), "json"),
        ("patterns", written.patterns.is_some(), "regex"),
        ("other_lines", written.other_lines.is_some(), "regex"),
    ];
    let of_device = [
        ("teams_side", written.teams_side.is_some()),
        ("trunk_from", written.trunk_from.is_some()),
        ("layout", written.layout.is_some()),
    ];
    let format = name.value.as_str();
    if let Some((key, _, of)) = keys.into_iter().find(|(_, is_there, of)| *is_there && *of != format) {
        return Err(at(name, format!("`{key}` goes with `format: {of}`")));
    }
    match of_device.into_iter().find(|(_, is_there)| *is_there) {
        Some((key, _)) => Err(at(
            name,
            format!(
                "`{key}` goes with the format of a device; here `fields` say which place is trunk and direction"
            ),
        )),
        None => Ok(()),
    }
}

fn shape(written: &file::Source, name: &Spanned<String>) -> Checked<Shape> {
    match name.value.as_str() {
        "csv" => {
            let delimiter = match &written.delimiter {
                None => b',',
                Some(text) => match text.value.as_bytes() {
                    [byte] => *byte,
                    _ if text.value == "tab" => b'\t',
                    _ => return Err(at(text, "a delimiter is one character such as ; or the word tab")),
                },
            };
            Ok(Shape::Csv { delimiter, has_header: written.header.unwrap_or(true) })
        }
        "json" => Ok(Shape::Json),
        _ => {
            let pattern = |pattern: &Spanned<String>| {
                Regex::new(&pattern.value)
                    .map_err(|error| at(pattern, format!("not a regular expression: {error}")))
            };
            let patterns: Vec<Regex> =
                written.patterns.iter().flatten().map(pattern).collect::<Checked<_>>()?;
            match patterns.is_empty() {
                true => Err(at(
                    name,
                    "`format: regex` needs `patterns`, with groups such as (?<sip_code>[0-9]{3})",
                )),
                false => Ok(Shape::Regex(patterns)),
            }
        }
    }
}

fn read_origin(name: &str, written: &Spanned<FieldOrigin>, shape: &Shape) -> Checked<Origin> {
    let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name) else {
        return Err(at(written, unknown("field", name, &FIELDS.map(|(name, _)| name))));
    };
    let nothing = Described::default();
    let (from, described) = match &written.value {
        FieldOrigin::Place(place) => (From::Place(place.text()), &nothing),
        FieldOrigin::Described(described) => match (&described.field, &described.constant) {
            (Some(place), None) => (From::Place(place.text()), described),
            (None, Some(constant)) => (From::Constant(constant.text()), described),
            _ => return Err(at(written, format!("`{name}` needs either `field` or `constant`"))),
        },
    };
    check_place(name, &from, shape).map_err(|message| at(written, message))?;
    if described.divide_by == Some(0) {
        return Err(at(written, format!("`{name}`: nothing can be divided by 0")));
    }
    if let From::Constant(text) = &from
        && let Some(right) = field.instead_of(text)
    {
        return Err(at(written, format!("`{name}` cannot be `{text}`: write {right}")));
    }
    let values: Vec<(String, String)> =
        described.values.iter().map(|(value, meant)| (value.text(), meant.text())).collect();
    for (value, meant) in &values {
        if let Some(right) = field.instead_of(meant) {
            let message = format!("`{name}`: `{value}` cannot mean `{meant}`: write {right}");
            return Err(at(written, message));
        }
    }
    let time = described.time.as_deref().map_or(Ok(TimeFormat::default()), time);
    let time = time.map_err(|message| at(written, message))?;
    Ok(Origin { field: *field, from, values, time, divide_by: described.divide_by.unwrap_or(1) })
}

/// The way to write a time that a word of the config names.
fn time(word: &str) -> Result<TimeFormat, String> {
    let Some(format) = TimeFormat::named(word) else {
        let known = ["rfc3339", "unix", "unix_ms", "%d.%m.%Y %H:%M:%S"];
        return Err(unknown("way to write a time", word, &known));
    };
    match format.can_be_read() {
        true => Ok(format),
        false => Err(format!(
            "no time can be read by `{word}`: write the day and the hour in the words of strptime, as in %d.%m.%Y %H:%M:%S"
        )),
    }
}

fn read_condition(Condition { field, is }: &Condition, shape: &Shape) -> Checked<Where> {
    let place = field.value.text();
    check_place("where", &From::Place(place.clone()), shape).map_err(|message| at(field, message))?;
    let is = match is {
        OneOrMore::One(value) => vec![value.text()],
        OneOrMore::More(values) => values.iter().map(Scalar::text).collect(),
    };
    match is.is_empty() {
        true => Err(at(field, format!("`where`: the list of what `{place}` may be is empty"))),
        false => Ok(Where { place, is }),
    }
}

/// Whether a JSON Pointer has a `~` that begins neither `~0` nor `~1` (RFC 6901).
fn has_bare_tilde(pointer: &str) -> bool {
    pointer.split('~').skip(1).any(|behind| !behind.starts_with(['0', '1']))
}

/// Fails where no record can have such a place.
fn check_place(name: &str, from: &From, shape: &Shape) -> Result<(), String> {
    let From::Place(place) = from else { return Ok(()) };
    match shape {
        Shape::Csv { has_header: false, .. } if !place.parse::<usize>().is_ok_and(|column| column > 0) => {
            Err(format!("`{name}`: without a header, columns are numbers from 1, and `{place}` is none"))
        }
        Shape::Regex(patterns)
            if !patterns.iter().any(|it| it.capture_names().flatten().any(|it| it == place)) =>
        {
            Err(format!("`{name}`: no pattern has a group named `{place}`"))
        }
        Shape::Json if place.starts_with('/') && has_bare_tilde(place) => {
            Err(format!("`{name}`: in the JSON Pointer `{place}`, write ~0 for the character ~ and ~1 for /"))
        }
        _ => Ok(()),
    }
}
