//! A mapped format tried on the head of a file: the first calls as `fields` reads them, what could not be read and why, and
//! what nobody asked for. Numbers and names of people are not shown: of values their shapes, but for trunks that have not the shape
//! of a person's name, and of places their names, where rows show that they are names.

mod calls;
mod head;

use std::path::Path;

use serde::de::IgnoredAny;

use self::head::Head;
use crate::classify::Catalogue;
use crate::cli::reader::FileRead;
use crate::cli::texts;
use crate::format::Format;
use crate::format::mapped::trial::{may_be_shown, shape};
use crate::framing::Framing;
use crate::pipeline::Source;
use crate::reading::stages::Stages;

/// So many places without a use are shown.
const PLACES_SHOWN: usize = 60;

/// Whether there are records, and none of them is a call as the mapping has it.
pub fn has_no_call(read: &FileRead) -> bool {
    let records = &read.summary.records;
    let is_mapped = read.reading.format().is_some_and(Format::is_mapped);
    is_mapped && records.counted + records.duplicate == 0 && records.ignored > 0
}

/// What this source's mapping makes of the head of a file; nothing for a built-in format.
pub fn report(path: &Path, read: &FileRead, source: &Source, catalogue: &Catalogue) -> String {
    let Some(format) = source.reading.format.filter(|format| format.is_mapped()) else {
        return String::new();
    };
    let Some(text) = texts::text_at(path, 0).filter(|text| !text.is_empty()) else { return String::new() };
    let finished = text.len() < texts::RECORD_BYTES;
    let (mut head, stages) = Head::of(format, source, &text, finished);
    // Rejected records behind the head.
    for rejected in read.summary.rejected.iter().filter(|it| it.position >= text.len() as u64) {
        let text = texts::text_at(path, rejected.position).unwrap_or_default();
        if let Some(trial) = stages.decoder.trial(first_line(&text)) {
            head.records = usize::try_from(rejected.number).unwrap_or(usize::MAX);
            head.add(None, trial);
        }
    }
    let mut said = calls::text(&head.calls, source, format, catalogue);
    said += &absent(&head, format);
    said += &around(&head, &stages, &text);
    for (fault, record, count) in head.faults() {
        let more = if *count > 1 { format!(", and {} more", count - 1) } else { String::new() };
        let place = fault.place.as_deref().map(|place| name(place, format)).unwrap_or_default();
        let value = if fault.shape.is_empty() { String::new() } else { format!(", `{}`,", fault.shape) };
        let what = format!("{place}{value} {}", fault.advice);
        said +=
            &format!("    {}: {} (record {record}{more})\n", fault.key, what.trim_start_matches([',', ' ']));
    }
    if head.ignored > 0 && head.ignored + head.headers == head.records {
        said += nothing_but_ignored(&head, format);
    }
    said + &unused(&head, format)
}

/// Places that the config names and no record has.
fn absent(head: &Head, format: &Format) -> String {
    if !head.is_named() && !head.wanted.is_empty() && format.framing == Framing::QuotedCsv {
        return no_header(head);
    }
    let kind = kind(format);
    let mut text = String::new();
    if let Some(holder) = head.holder.as_deref().filter(|holder| is_shown(holder, format)) {
        text += &format!(
            "    its records seem to stand in the property `{holder}`: say so with `records_in: [\"{holder}\"]`\n"
        );
    }
    for (key, place, _) in head.wanted.iter().filter(|(.., is_there)| !is_there) {
        let nearest = |known: &&String| strsim::damerau_levenshtein(&bare(known), &bare(place));
        let advice = match head.places.iter().filter(|known| is_shown(known, format)).min_by_key(nearest) {
            Some(near)
                if head.is_named() && head.are_above_rows() && nearest(&near) <= 2.max(place.len() / 3) =>
            {
                format!("did you mean `{near}`?")
            }
            _ => format!("name one that is there, or take `{key}` out"),
        };
        text += &format!("    {key}: no record has {kind} `{place}`: {advice}\n");
    }
    text
}

/// Places that no record has, and the object has that these records were taken out of: it may be the record itself.
fn around(head: &Head, stages: &Stages, text: &[u8]) -> String {
    let is_absent = |key: &str, place: &str| {
        head.wanted
            .iter()
            .any(|(other, known, is_there)| (*other, known.as_str()) == (key, place) && !is_there)
    };
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    let first = values.next().and_then(Result::ok).and_then(|_| text.get(..values.byte_offset()));
    let trial = first.and_then(|first| stages.decoder.trial(first));
    let wanted = trial.iter().flat_map(|trial| &trial.wanted);
    let found = wanted.filter(|(key, place, is_there)| *is_there && is_absent(key, place));
    let found: Vec<String> = found.map(|(_, place, _)| format!("`{place}`")).collect();
    if found.is_empty() {
        return String::new();
    }
    format!(
        "    the object around these records has {}: where it is the record, say `records_in: []`\n",
        found.join(", ")
    )
}

/// Why none of the columns is there.
fn no_header(head: &Head) -> String {
    let separators = [b',', b';', b'\t', b'|'];
    let count = |separator: &u8| head.first_line.iter().filter(|byte| *byte == separator).count();
    let most = separators.into_iter().max_by_key(count).filter(|separator| count(separator) > 0);
    let has_one = head.places.len() == 1;
    match most {
        Some(separator) if has_one => {
            let name = if separator == b'\t' { "tab".to_owned() } else { char::from(separator).to_string() };
            format!(
                "    the first line is one column only: with `delimiter: \"{name}\"` it has {}\n",
                count(&separator) + 1
            )
        }
        _ => format!(
            "    none of the columns that `fields` names is in the first line, `{}`: if it names no columns, say `header: \
             false` and count columns from 1\n",
            shape(&String::from_utf8_lossy(&head.first_line))
        ),
    }
}

fn nothing_but_ignored(head: &Head, format: &Format) -> &'static str {
    match format.framing {
        Framing::Lines if head.wanted.is_empty() => {
            "    no line matches one of `patterns`: try one on a line, from its beginning on\n"
        }
        _ => "    no record meets `where`\n",
    }
}

fn is_shown(place: &str, format: &Format) -> bool {
    may_be_shown(place, matches!(format.framing, Framing::Json(_)))
}

/// The places without a use.
fn unused(head: &Head, format: &Format) -> String {
    let unused: Vec<&String> = head.unused.iter().collect();
    if !head.is_named() || unused.is_empty() {
        return String::new();
    }
    let mut names: Vec<String> = unused
        .iter()
        .take(PLACES_SHOWN)
        .map(
            |place| if is_shown(place, format) && head.are_names() { (*place).clone() } else { shape(place) },
        )
        .collect();
    names.dedup();
    let more = if unused.len() > PLACES_SHOWN { ", ..." } else { "" };
    let count = format!("{} of {}", unused.len(), head.places.len());
    format!("    not used ({count}): {}{more}\n", crate::shown::text(&names.join(", ")))
}

/// A place with its kind, where that is no name by itself.
fn name(place: &str, format: &Format) -> String {
    match format.framing {
        Framing::QuotedCsv if place.bytes().all(|byte| byte.is_ascii_digit()) => format!("column {place}"),
        _ => place.to_owned(),
    }
}

fn kind(format: &Format) -> &'static str {
    match format.framing {
        Framing::QuotedCsv => "a column",
        Framing::Json(_) => "a property",
        Framing::Lines | Framing::Xml => "a group",
    }
}

fn bare(place: &str) -> String {
    place.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default()
}
