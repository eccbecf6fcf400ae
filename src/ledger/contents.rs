//! What is known of the text of a file, as the store holds it.
//!
//! The twins of `Mark`, `Head` and `Place` keep the layout of the store apart from the stages that these belong to.

use serde::{Deserialize, Serialize};

use crate::framing::{Nesting, Place};
use crate::reading::{Content, Hole, Records};
use crate::source::blocks::Blocks;
use crate::source::identity::{Head, Mark, Stamp};

/// A [`Content`] as part of a row of the store.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredContent {
    position: u64,
    #[serde(with = "StoredMark")]
    mark: Mark,
    #[serde(with = "StoredHead")]
    head: Head,
    place: StoredPlace,
    format: String,
    header: Option<String>,
    plain_text_at: Option<u64>,
    /// From layout 2 on.
    #[serde(default)]
    lineage: u64,
    #[serde(default)]
    records: Option<StoredRecords>,
    #[serde(default)]
    unfinished: Option<u64>,
    /// Since files are followed where blocks of them come late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    holes: Vec<StoredHole>,
    /// Eight hexadecimal digits for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blocks: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredHole {
    begin: u64,
    start: u64,
    end: u64,
    until: u64,
    place: StoredPlace,
    rejected: u64,
}

/// When a file was written, as part of its row.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredStamp(#[serde(with = "StampFields")] pub Stamp);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Stamp")]
struct StampFields {
    size: u64,
    modified: i64,
    changed: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Mark")]
struct StoredMark {
    end: u64,
    length: usize,
    hash: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Head")]
struct StoredHead {
    at: u64,
    hashes: Vec<u64>,
}

/// `Array`, `Value` and `AfterValue` are what earlier versions knew.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum StoredPlace {
    Top,
    Array,
    Value,
    AfterValue,
    WithinLine,
    Within(u64),
}

/// Among the elements of an array; of a `value` array; behind that.
const ARRAY: Nesting = Nesting(0b10);
const VALUE: Nesting = Nesting(0b110);
const AFTER_VALUE: Nesting = Nesting(0b11);

impl From<Place> for StoredPlace {
    fn from(place: Place) -> Self {
        match place {
            Place::Top => Self::Top,
            Place::WithinLine => Self::WithinLine,
            Place::Within(ARRAY) => Self::Array,
            Place::Within(VALUE) => Self::Value,
            Place::Within(AFTER_VALUE) => Self::AfterValue,
            Place::Within(Nesting(bits)) => Self::Within(bits),
        }
    }
}

impl From<StoredPlace> for Place {
    fn from(place: StoredPlace) -> Self {
        match place {
            StoredPlace::Top | StoredPlace::Within(0) => Self::Top,
            StoredPlace::WithinLine => Self::WithinLine,
            StoredPlace::Array => Self::Within(ARRAY),
            StoredPlace::Value => Self::Within(VALUE),
            StoredPlace::AfterValue => Self::Within(AFTER_VALUE),
            StoredPlace::Within(bits) => Self::Within(Nesting(bits)),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredRecords {
    calls: u64,
    header: u64,
    ignored: u64,
    rejected: u64,
}

impl StoredContent {
    /// As the store is to hold it.
    pub fn of(content: &Content) -> Self {
        let content = content.clone();
        let records = content.records.map(|Records { calls, header, ignored, rejected }| StoredRecords {
            calls,
            header,
            ignored,
            rejected,
        });
        Self {
            position: content.position,
            mark: content.mark,
            head: content.head,
            place: content.place.into(),
            format: content.format,
            header: content.header,
            plain_text_at: content.plain_text_at,
            lineage: content.lineage,
            records,
            unfinished: content.unfinished,
            holes: content.holes.into_iter().map(StoredHole::from).collect(),
            blocks: content
                .blocks
                .map(|blocks| blocks.sums().iter().map(|sum| format!("{sum:08x}")).collect()),
        }
    }
}

impl From<Hole> for StoredHole {
    fn from(Hole { begin, start, end, until, place, rejected }: Hole) -> Self {
        Self { begin, start, end, until, place: place.into(), rejected }
    }
}

impl From<StoredHole> for Hole {
    fn from(StoredHole { begin, start, end, until, place, rejected }: StoredHole) -> Self {
        Self { begin, start, end, until, place: place.into(), rejected }
    }
}

/// The hashes of a text that was read up to this position. What this version cannot have written is as if it was not there.
fn blocks(position: u64, sums: &str) -> Option<Blocks> {
    let sum = |digits: &[u8]| u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok();
    Blocks::restored(position, sums.as_bytes().chunks(8).map(sum).collect::<Option<_>>()?)
}

impl From<StoredContent> for Content {
    fn from(stored: StoredContent) -> Self {
        let records = stored.records.map(|StoredRecords { calls, header, ignored, rejected }| Records {
            calls,
            header,
            ignored,
            rejected,
        });
        Self {
            position: stored.position,
            mark: stored.mark,
            head: stored.head,
            place: stored.place.into(),
            format: stored.format,
            header: stored.header,
            plain_text_at: stored.plain_text_at,
            lineage: stored.lineage,
            records,
            unfinished: stored.unfinished,
            holes: stored.holes.into_iter().map(Hole::from).collect(),
            blocks: stored.blocks.and_then(|sums| blocks(stored.position, &sums)),
        }
    }
}
