//! The calls themselves, newest first: what a ticket to Microsoft or to the vendor of the SBC needs, and nothing of a
//! person.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use comfy_table::{Cell, ContentArrangement, Table, presets};
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;

use super::select::Choice;
use crate::call::{CodePair, Outcome, UnixMillis};
use crate::classify::Catalogue;
use crate::cli::reader::{FileRead, ListedIn, STANDARD_INPUT, shown};
use crate::cli::texts::texts_at;
use crate::format::correlation;
use crate::format::names::{Field, Names};
use crate::format::times::Dates;
use crate::framing::Framing;
use crate::ledger::TrunkName;
use crate::reading::labels::LabelSet;
use crate::reading::listing::Listing;

/// One call, for people and programs.
#[derive(Debug, Serialize)]
pub struct Call {
    pub ended: Option<String>,
    pub trunk: String,
    pub direction: &'static str,
    pub outcome: &'static str,
    pub cause: String,
    #[serde(with = "crate::findings::microsoft_code")]
    pub microsoft_code: Option<u64>,
    pub sip_code: Option<u16>,
    pub seconds: Option<u32>,
    /// How many calls the record stands for; more than one in rows of a report.
    pub calls: u64,
    /// A GUID; `None` where the record has none, or it cannot be read again.
    pub correlation_id: Option<String>,
    pub file: String,
    /// Offset of the record in the file's text.
    pub position: u64,
}

/// Lists the calls that are meant, or the failed ones of them unless others were asked for, under the operator's names for trunks.
pub fn listing(
    choice: &Choice,
    catalogue: &Arc<Catalogue>,
    names: &[TrunkName],
    (limit, failed_only): (usize, bool),
) -> Listing {
    let (choice, names, catalogue) = (choice.clone(), names.to_vec(), Arc::clone(catalogue));
    // Where the time begins is known when all is read: newer calls keep none of these out.
    let end = choice.fixed_end();
    let is_meant = move |labels: &LabelSet, ended_at: Option<UnixMillis>| {
        let is_in_time = end.is_none_or(|end| ended_at.is_some_and(|at| at.0.div_euclid(60_000) < end));
        is_in_time
            && choice.has_outcome(labels.outcome)
            && (!failed_only || choice.is_by_outcome() || labels.outcome == Outcome::Failed)
            && choice.has_route(&TrunkName::label(&names, &labels.trunk), labels.direction)
            && (!choice.has_only_some_failures()
                || labels.outcome == Outcome::Failed
                    && choice.has_cause(&labels.cause, labels.codes, &catalogue))
    };
    Listing { limit, is_meant: Box::new(is_meant) }
}

/// The calls that were listed, with what is read again of their records.
pub fn of(
    listed: Vec<ListedIn>,
    paths: &[PathBuf],
    reads: &[Option<FileRead>],
    names: &[TrunkName],
    zone: &TimeZone,
) -> Vec<Call> {
    let ids = correlation_ids(&listed, paths, reads);
    let call = |ListedIn { place, call }: ListedIn| {
        let path = &paths[place];
        let CodePair { microsoft, sip } = call.codes;
        Call {
            ended: call.ended_at.map(|at| second(at, zone)),
            trunk: TrunkName::label(names, &call.labels.trunk),
            direction: call.labels.direction.label(),
            outcome: call.labels.outcome.label(),
            cause: call.labels.cause.to_string(),
            microsoft_code: microsoft,
            sip_code: sip,
            seconds: call.duration_seconds,
            calls: call.calls,
            correlation_id: ids.get(&(place, call.position)).cloned(),
            file: shown(path),
            position: call.position,
        }
    };
    listed.into_iter().map(call).collect()
}

impl Call {
    /// What became of it, in words.
    pub fn what(&self) -> String {
        let what = if self.cause.is_empty() { self.outcome } else { &self.cause };
        if self.calls == 1 { what.to_owned() } else { format!("{what} ({} calls)", self.calls) }
    }
}

/// As a table, two lines for each call: what is to be copied into a ticket is not broken, however wide the terminal is.
pub fn table(calls: &[Call]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["Ended", "Trunk", "Direction", "Codes", "Seconds", "Correlation id"]);
    for call in calls {
        let codes = CodePair { microsoft: call.microsoft_code, sip: call.sip_code };
        table.add_row([
            Cell::new(call.ended.as_deref().unwrap_or("-")),
            Cell::new(&call.trunk),
            Cell::new(call.direction),
            Cell::new(codes.shown()),
            Cell::new(call.seconds.map_or("-".to_owned(), |seconds| seconds.to_string())),
            Cell::new(call.correlation_id.as_deref().unwrap_or("-")),
        ]);
    }
    if calls.is_empty() {
        return "No such call.\n".to_owned();
    }
    let mut text = String::new();
    let mut lines = table.lines();
    text.extend(lines.next().map(|header| header.trim_end().to_owned() + "\n"));
    for (line, call) in lines.zip(calls) {
        let _ = writeln!(text, "{}", line.trim_end());
        let _ = writeln!(text, "     {}; {}:{}", call.what(), call.file, call.position);
    }
    text
}

fn second(at: UnixMillis, zone: &TimeZone) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().to_zoned(zone.clone());
    at.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// The correlation ids of these calls that can be read again, by the place of their file and their position in its text. Each file
/// is read once, however many calls it has.
fn correlation_ids(
    listed: &[ListedIn],
    paths: &[PathBuf],
    reads: &[Option<FileRead>],
) -> HashMap<(usize, u64), String> {
    let mut places: Vec<(usize, u64)> = listed.iter().map(|it| (it.place, it.call.position)).collect();
    places.sort_unstable();
    places.dedup();
    let mut ids = HashMap::new();
    for of_file in places.chunk_by(|(one, _), (other, _)| one == other) {
        let Some((place, _)) = of_file.first() else { continue };
        let Some(read) = reads.get(*place).and_then(Option::as_ref) else { continue };
        if paths[*place] == Path::new(STANDARD_INPUT) {
            continue;
        }
        let positions: Vec<u64> = of_file.iter().map(|(_, position)| *position).collect();
        // What cannot be read any more has no id.
        texts_at(&paths[*place], read.reading.tail.plain_text_at(), &positions, |position, text| {
            ids.extend(correlation_id(read, text).map(|id| ((*place, position), id)));
        });
    }
    ids
}

/// The correlation id of the record that a text begins with.
fn correlation_id(read: &FileRead, text: &[u8]) -> Option<String> {
    let format = read.reading.format()?;
    let names = read.reading.options().names;
    if format.is_of_device() {
        let decoder = (format.decoder)(names);
        return decoder.correlation_id(text).map(|id| id.to_string());
    }
    let id = match format.framing {
        Framing::Json(_) => {
            let record = serde_json::Deserializer::from_slice(text).into_iter::<Value>().next()?.ok()?;
            property(&record, &squeezed(format.public.correlation_id), names)
        }
        // Under another header the column may be another.
        Framing::QuotedCsv if read.summary.records.header == 1 => {
            let kept = read.reading.content()?.header?;
            let (_, header) = Dates::of_kept(kept.as_bytes());
            cell(str::from_utf8(header).ok()?, text, names)
        }
        Framing::QuotedCsv | Framing::Lines | Framing::Xml => None,
    };
    id.filter(|id| is_guid(id))
}

/// The value of the property of a call's correlation id, wherever in a record it stands.
fn property(record: &Value, name: &str, names: Names) -> Option<String> {
    match record {
        Value::Object(properties) => {
            let is_it = |key: &str| squeezed(key) == name || is_correlation_id(key.as_bytes(), names);
            let here = properties.iter().find(|(key, _)| is_it(key));
            let here = here.and_then(|(_, value)| value.as_str()).map(str::to_owned);
            here.or_else(|| properties.values().find_map(|value| property(value, name, names)))
        }
        Value::Array(values) => values.iter().find_map(|value| property(value, name, names)),
        _ => None,
    }
}

/// The cell of the correlation id.
fn cell(header: &str, text: &[u8], columns: Names) -> Option<String> {
    let separator =
        [b',', b';', b'\t'].into_iter().max_by_key(|it| header.bytes().filter(|byte| byte == it).count())?;
    let rows = |text: &[u8]| {
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader.has_headers(false).flexible(true).delimiter(separator).from_reader(text);
        reader.into_byte_records().next()?.ok()
    };
    let (names, cells) = (rows(header.as_bytes())?, rows(text)?);
    let place = names.iter().position(|name| is_correlation_id(name, columns))?;
    Some(String::from_utf8_lossy(cells.get(place)?).trim().to_owned())
}

/// Whether a property or column has this name, by Microsoft or by the operator.
fn is_correlation_id(name: &[u8], names: Names) -> bool {
    names.field(name) == Some(Field::CorrelationId)
}

fn squeezed(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Whether a text is a GUID: what is none may be a number or a name.
fn is_guid(text: &str) -> bool {
    correlation::of(text.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_guids_are_shown() {
        for (text, expected) in [
            ("c98e1515-a937-4b81-b8a8-3992afde64e0", true),
            ("+14255550123", false),
            ("jane.secret@contoso.com", false),
            ("c98e1515a9374b81b8a83992afde64e0", false),
            ("", false),
        ] {
            assert_eq!(is_guid(text), expected, "{text}");
        }
    }

    #[test]
    fn the_id_is_found_by_its_name() {
        let id = "c98e1515-a937-4b81-b8a8-3992afde64e0";
        assert_eq!(
            cell("User,\"Correlation ID\",X", format!("a,{id},b\n").as_bytes(), Names::default()).as_deref(),
            Some(id)
        );
        let record = serde_json::json!({"id": "x", "properties": {"correlation_id": id}});
        assert_eq!(property(&record, "callid", Names::default()).as_deref(), Some(id));
    }
}
