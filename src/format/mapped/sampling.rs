//! The places of the first records of a text of unknown kind, and the values there: what a mapping is guessed from.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::guess::{self, Sample};
use super::record::{Cells, Columns, Record};
use super::{Shape, time::TimeFormat, trial};
use crate::format::device;
use crate::framing::{COMMAS, Framing, Holders, Marks, Split};

/// So many records are looked at.
const RECORDS: usize = 500;

/// A text that was looked at.
#[derive(Debug)]
pub struct Sampled {
    pub shape: Shape,
    pub samples: Vec<Sample>,
    /// Of JSON: what `records_in` has to say.
    pub records_in: Option<Vec<String>>,
    /// Of lines of names with values: what stands before the first of them.
    pub line: Option<Line>,
}

/// How a line begins whose values have their names beside them: `2024-11-05 09:00:00,END,NAP='x'`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub has_time: bool,
    /// The word for ends of calls, where there are others.
    pub end: Option<String>,
    pub separator: char,
    pub quote: Option<char>,
}

/// The place of the time that a line begins with.
pub const TIME_OF_LINE: &str = "line_time";

/// Words of lines that stand at the end of a call.
const END_WORDS: [&str; 4] = ["END", "STOP", "End", "Stop"];

static PAIR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"([A-Za-z][A-Za-z0-9_]*)=(?:'([^']*)'|"([^"]*)"|([^,;]*))"#).ok());

/// Looks at the beginning of a text, in each way in which its records may be found in it, the likeliest first. `finished` says that
/// this is all of it. Places whose name may be a person's are left out.
pub fn sampled(text: &[u8], finished: bool) -> Vec<Sampled> {
    let is_json = device::is_json(text.trim_ascii_start());
    let mut all = if is_json { of_json(text, finished) } else { vec![of_lines(text, finished)] };
    for sampled in &mut all {
        sampled.samples.retain(|sample| trial::may_be_shown(&sample.place, is_json));
    }
    all
}

/// Records as they usually stand, those in another property of an object, and objects as they are.
fn of_json(text: &[u8], finished: bool) -> Vec<Sampled> {
    let of = |records_in: Option<Vec<String>>| {
        let holders = records_in.clone().map_or(Holders::USUAL, |names| Holders::named(names.leak()));
        let samples = of_records(text, finished, &Shape::Json, holders);
        Sampled { shape: Shape::Json, samples, records_in, line: None }
    };
    let mut first = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
    let first = first.next().and_then(Result::ok).map(|value| Record::Object(value, text));
    let holder = first.as_ref().and_then(Record::holder_of_objects).map(str::to_owned);
    let named = holder
        .into_iter()
        .filter(|name| trial::may_be_shown(name, true))
        .flat_map(|holder| [vec![holder], Vec::new()]);
    std::iter::once(None).chain(named.map(Some)).map(of).collect()
}

fn of_lines(text: &[u8], finished: bool) -> Sampled {
    if let Some(sampled) = of_pairs(&String::from_utf8_lossy(text)) {
        return sampled;
    }
    let first = text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let count = |separator: &u8| first.iter().filter(|byte| *byte == separator).count();
    let delimiter = [b'|', b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',');
    let shape = Shape::Csv { delimiter, has_header: true };
    let samples = of_records(text, finished, &shape, Holders::USUAL);
    let names = Cells::delimited_by(delimiter).of(first);
    let unfilled: Vec<Sample> = names.into_iter().map(|name| Sample { name, ..Sample::default() }).collect();
    if guess::are_names(if samples.is_empty() { &unfilled } else { &samples }) {
        return Sampled { shape, samples, records_in: None, line: None };
    }
    let shape = Shape::Csv { delimiter, has_header: false };
    let samples = of_records(text, finished, &shape, Holders::USUAL);
    Sampled { shape, samples, records_in: None, line: None }
}

fn of_records(text: &[u8], finished: bool, shape: &Shape, holders: Holders) -> Vec<Sample> {
    let (framing, delimiter, has_header) = match shape {
        Shape::Json => (Framing::Json(holders), b',', false),
        Shape::Csv { delimiter, has_header } => (Framing::QuotedCsv, *delimiter, *has_header),
        Shape::Regex(_) => return Vec::new(),
    };
    let mut splitter = framing.splitter(text.len() + 1);
    splitter.take_apart_by(Marks { separator: delimiter, ..COMMAS });
    let mut cells = Cells::delimited_by(delimiter);
    let (mut samples, mut columns, mut rest, mut count) = (Vec::new(), None, text, 0);
    while count < RECORDS {
        let (record, next) = match splitter.next(rest, finished) {
            Split::Record { start, end, next } => (&rest[start..end], next),
            Split::Broken { next, .. } | Split::TooLong { next } | Split::Skip { next } => {
                rest = &rest[next..];
                continue;
            }
            Split::NeedMore => break,
        };
        rest = &rest[next..];
        count += 1;
        if has_header && columns.is_none() {
            columns = Some(Columns::read(record, &mut cells));
        } else if let Ok(Some(record)) = Record::read(record, shape, columns.as_ref(), &mut cells) {
            for place in record.places() {
                let value = record.get(&place).unwrap_or_default().into_owned();
                let is_named = has_header || matches!(shape, Shape::Json);
                add(&mut samples, &place, if is_named { &place } else { "" }, value);
            }
        }
    }
    samples
}

fn add(samples: &mut Vec<Sample>, place: &str, name: &str, value: String) {
    match samples.iter_mut().find(|sample| sample.place == place) {
        Some(sample) => sample.values.push(value),
        None => {
            samples.push(Sample { place: place.to_owned(), name: name.to_owned(), values: vec![value] });
        }
    }
}

/// Lines in which each value has its name beside it.
fn of_pairs(text: &str) -> Option<Sampled> {
    let pair = PAIR.as_ref()?;
    let mut samples = Vec::new();
    let mut line_is = Line::default();
    let is_end = |line: &str| line.split([',', ';', ' ']).any(|word| END_WORDS.contains(&word));
    let has_ends = text.lines().take(RECORDS).any(is_end);
    // Only ends of calls say how calls end.
    for line in text.lines().take(RECORDS).filter(|line| is_end(line) || !has_ends) {
        let pairs: Vec<regex::Captures<'_>> = pair.captures_iter(line).collect();
        let Some(first) = pairs.first().filter(|_| pairs.len() > 2) else { continue };
        let before = &line[..first.get(0)?.start()];
        let value = first.get(0)?.as_str();
        line_is.quote = value.chars().last().filter(|it| matches!(it, '\'' | '"'));
        line_is.separator =
            before.chars().last().or_else(|| line[value.len()..].chars().next()).unwrap_or(',');
        let mut parts = before.split(line_is.separator);
        let time = parts.next().unwrap_or_default().trim();
        line_is.has_time = TimeFormat::guessed(time).is_some();
        let kind = parts.next().unwrap_or_default();
        line_is.end = Some(kind.to_owned()).filter(|kind| line_is.has_time && END_WORDS.contains(&&**kind));
        if line_is.has_time {
            add(&mut samples, TIME_OF_LINE, "", time.to_owned());
        }
        for pair in pairs {
            let value = (2..5).find_map(|group| pair.get(group)).map_or("", |value| value.as_str());
            add(&mut samples, &pair[1], &pair[1], value.to_owned());
        }
    }
    (!samples.is_empty()).then(|| Sampled {
        shape: Shape::Regex(Vec::new()),
        samples,
        records_in: None,
        line: Some(line_is),
    })
}

impl Line {
    /// The pattern of a line with these names in this order, each a group of its name.
    pub fn pattern(&self, names: &[&str]) -> String {
        let separator = regex::escape(&self.separator.to_string());
        let mut pattern = "^".to_owned();
        if self.has_time {
            pattern += &format!("(?<{TIME_OF_LINE}>[^{separator}]+){separator}");
        }
        if let Some(end) = &self.end {
            pattern += &format!("{}{separator}", regex::escape(end));
        }
        for (place, name) in names.iter().enumerate() {
            let gap =
                if place == 0 && (self.has_time || self.end.is_some()) { "(?:.*?\\b)?" } else { ".*?\\b" };
            pattern += gap;
            pattern += &match self.quote {
                Some(quote) => format!("{name}={quote}(?<{name}>[^{quote}]*){quote}"),
                None => format!("{name}=(?<{name}>[^{separator}]*)"),
            };
        }
        pattern
    }
}
