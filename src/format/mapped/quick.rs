//! Usual records by a mapping, read where they stand: no text is copied, and nothing is read that nobody asks for.
//!
//! Whatever is unusual is left to [`Record`](super::record::Record), which makes the same of usual ones.

use regex::{CaptureLocations, Regex};

use super::call::Mapped;
use super::object::{Outlines, Tree, unescape};
use super::pattern;
use super::record::{Columns, column_of};
use super::time::Minutes;
use super::{Field, From, Mapping, Origin, Shape};
use crate::call::Call;
use crate::format::columns::{self, Marks, Wanted};
use crate::format::{Usual, device};
use crate::framing::Holders;

/// More places are not asked for.
pub const MOST: usize = 16;

/// The values at places, by their slots.
pub type Values<'t> = [Option<&'t str>; MOST];

/// What the config says, and the minutes that were last read.
pub type Known<'m> = (&'static Mapping, &'m Minutes);

/// A fast way to the places that a mapping names.
#[derive(Debug)]
pub struct Quick {
    way: Way,
    /// The slot of each origin and of each condition; `None` where the record has no such place, or it is a constant.
    origins: Vec<Option<usize>>,
    conditions: Vec<Option<usize>>,
    /// That of the Reason header, where nothing else is read from its place: it is the one text that has quotes of its own, which a
    /// table doubles and JSON escapes.
    header: Option<usize>,
    /// What the header is without that.
    plain: String,
}

#[derive(Debug)]
enum Way {
    Table {
        wanted: Wanted<MOST>,
        marks: Marks,
        columns: Option<usize>,
    },
    /// And what makes an object one that holds others.
    Object(Tree, Holders, Outlines),
    Groups(Vec<Pattern>),
}

/// A pattern, and the group of each slot.
#[derive(Debug)]
struct Pattern {
    regex: Regex,
    found: CaptureLocations,
    simple: Option<pattern::Pattern>,
    marks: pattern::Marks,
    groups: Vec<Option<usize>>,
}

impl Quick {
    /// `None` where there is none: for more places than [`MOST`], and before the header of a table.
    pub fn of(mapping: &Mapping, holders: Holders, columns: Option<&Columns>) -> Option<Self> {
        let of_origins = mapping.origins.iter().map(|origin| match &origin.from {
            From::Place(place) => Some(place.as_str()),
            From::Constant(_) => None,
        });
        let of_origins: Vec<Option<&str>> = of_origins.collect();
        let of_conditions = mapping.conditions.iter().map(|condition| Some(condition.place.as_str()));
        let mut places: Vec<&str> =
            of_origins.iter().copied().chain(of_conditions.clone()).flatten().collect();
        places.sort_unstable();
        places.dedup();
        if places.len() > MOST || mapping.has_header() && columns.is_none() {
            return None;
        }
        let (way, slots) = match &mapping.shape {
            Shape::Csv { .. } => {
                let columns_of = |place: &&str| u16::try_from(column_of(place, columns)?).ok();
                let found: Vec<Option<u16>> = places.iter().map(columns_of).collect();
                let mut wanted: Vec<u16> = found.iter().copied().flatten().collect();
                wanted.sort_unstable();
                wanted.dedup();
                let slots = found.into_iter().map(|column| wanted.binary_search(&column?).ok()).collect();
                let columns = columns.map(|columns| columns.names().len());
                (Way::Table { wanted: Wanted::few(&wanted)?, marks: mapping.marks(), columns }, slots)
            }
            Shape::Json => (
                Way::Object(Tree::of(&places)?, holders, Outlines::default()),
                (0..places.len()).map(Some).collect(),
            ),
            Shape::Regex(patterns) => {
                let patterns = patterns.iter().map(|regex| Pattern::of(regex, &places)).collect();
                (Way::Groups(patterns), (0..places.len()).map(Some).collect::<Vec<_>>())
            }
        };
        let slot = |place: Option<&str>| slots[places.binary_search(&place?).ok()?];
        let (origins, conditions): (Vec<_>, Vec<_>) =
            (of_origins.into_iter().map(slot).collect(), of_conditions.map(slot).collect());
        let is_header = |origin: &Origin| origin.field == Field::ReasonHeader && origin.values.is_empty();
        let header = mapping.origins.iter().position(is_header).and_then(|place| origins[place]);
        let readers = origins.iter().chain(&conditions).filter(|slot| **slot == header).count();
        Some(Self { way, origins, conditions, header: header.filter(|_| readers == 1), plain: String::new() })
    }

    /// The row of a table that a text begins with, which is not the header again, and where the next one begins.
    #[inline(always)]
    pub fn row<'t>(
        &mut self,
        text: &'t [u8],
        (mapping, minutes): Known<'_>,
        is_header: impl Fn(&[u8]) -> bool,
        calls: &mut Vec<Call<'t>>,
    ) -> Option<(usize, Usual)> {
        let Way::Table { wanted, marks, columns: expected } = &self.way else { return None };
        let mut places = wanted.places();
        let first = columns::first_row(text, *marks, &mut places)?;
        let (row, count, whole) = (first.row, first.count(), first.text());
        let mut is_plain = true;
        let surplus = expected.map_or(0, |columns| count.wrapping_sub(columns));
        if is_header(row) || surplus != 0 && !ends_with(row, marks.separator, surplus) {
            return None;
        }
        let mut values = [None; MOST];
        for (place, value) in values.iter_mut().enumerate() {
            if !wanted.is_in(place, count) {
                break;
            }
            *value = Some(match first.text_of(place, whole) {
                Some(text) => text,
                None if self.header == Some(place) => {
                    let text = first.text_as_written(place, whole)?;
                    undouble(text, char::from(marks.quote?), &mut self.plain);
                    is_plain = false;
                    text
                }
                None => return None,
            });
        }
        Some((first.next, self.add(&values, is_plain, row, (mapping, minutes), calls)?))
    }

    /// The JSON object that a text begins with, and how long it is.
    pub fn object<'t>(
        &mut self,
        text: &'t [u8],
        (mapping, minutes): Known<'_>,
        calls: &mut Vec<Call<'t>>,
    ) -> Option<(usize, Usual)> {
        let Way::Object(tree, holders, outlines) = &mut self.way else { return None };
        let mut values = [None; MOST];
        let end = tree.read(text, *holders, self.header, outlines, &mut values)?;
        let is_escaped = |header: &&str| memchr::memchr(b'\\', header.as_bytes()).is_some();
        let header = self.header.and_then(|slot| values[slot]).filter(is_escaped);
        if let Some(header) = header {
            unescape(header, &mut self.plain)?;
        }
        Some((end, self.add(&values, header.is_none(), &text[..end], (mapping, minutes), calls)?))
    }

    /// A line of a log.
    pub fn line<'t>(
        &mut self,
        line: &'t [u8],
        (mapping, minutes): Known<'_>,
        calls: &mut Vec<Call<'t>>,
    ) -> Option<Usual> {
        let Way::Groups(patterns) = &mut self.way else { return None };
        let text = str::from_utf8(device::without_escaped_end(line)).ok()?;
        let mut values = [None; MOST];
        match patterns.iter_mut().any(|pattern| pattern.read(text, &mut values)) {
            true => self.add(&values, true, line, (mapping, minutes), calls),
            false if mapping.rejects_others => None,
            false => Some(Usual::Ignored),
        }
    }

    /// `is_plain` says that the header stands in the record as it is meant.
    #[inline(always)]
    fn add<'t>(
        &self,
        values: &Values<'t>,
        is_plain: bool,
        record: &'t [u8],
        (mapping, minutes): Known<'_>,
        calls: &mut Vec<Call<'t>>,
    ) -> Option<Usual> {
        let mut conditions = mapping.conditions.iter().zip(&self.conditions);
        let at = |slot: &Option<usize>| slot.and_then(|slot| values[slot]);
        if !conditions.all(|(condition, slot)| condition.is_met_by(at(slot).unwrap_or_default())) {
            return Some(Usual::Ignored);
        }
        let text_at = |origin: usize| at(&self.origins[origin]).unwrap_or_default();
        let fields = Mapped::new(mapping, minutes, record, text_at);
        match is_plain {
            true => fields.add(calls),
            false => fields.with_header(&self.plain).add(calls),
        }
    }
}

/// Puts the text of a cell in whose middle quotes are doubled into `plain`, in the place of what was there.
fn undouble(cell: &str, quote: char, plain: &mut String) {
    plain.clear();
    let mut rest = cell;
    while let Some((before, behind)) = rest.split_once(quote) {
        plain.push_str(before);
        plain.push(quote);
        rest = behind.strip_prefix(quote).unwrap_or(behind);
    }
    plain.push_str(rest);
}

/// Whether so many cells that are too many are nothing but what separates them; never where there are too few.
#[cold]
fn ends_with(row: &[u8], separator: u8, surplus: usize) -> bool {
    let begin = row.len().checked_sub(surplus);
    begin.is_some_and(|begin| row[begin..].iter().all(|byte| *byte == separator))
}

impl Pattern {
    fn of(regex: &Regex, places: &[&str]) -> Self {
        let group = |place: &&str| regex.capture_names().position(|name| name == Some(place));
        let groups = places.iter().map(group).collect();
        let (simple, marks) = (pattern::Pattern::of(regex.as_str()), vec![0; 2 * regex.captures_len()]);
        Self { regex: regex.clone(), found: regex.capture_locations(), simple, marks, groups }
    }

    /// Whether the line matches.
    fn read<'t>(&mut self, line: &'t str, values: &mut Values<'t>) -> bool {
        let simply = self.simple.as_ref().and_then(|simple| simple.matches(line.as_bytes(), &mut self.marks));
        if let Some(is_match) = simply {
            for (value, group) in values.iter_mut().zip(&self.groups).filter(|_| is_match) {
                *value = group.and_then(|group| line.get(self.marks[2 * group]..self.marks[2 * group + 1]));
            }
            return is_match;
        }
        let is_match = self.regex.captures_read(&mut self.found, line).is_some();
        if is_match {
            for (value, group) in values.iter_mut().zip(&self.groups) {
                let place = group.and_then(|group| self.found.get(group));
                *value = place.and_then(|(begin, end)| line.get(begin..end));
            }
        }
        is_match
    }
}
