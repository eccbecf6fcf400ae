//! What is known of the text of a file, as the store holds it.
//!
//! The twins of `Mark`, `Head` and `Place` keep the layout of the store apart from the stages that these belong to.

use serde::{Deserialize, Serialize};

use crate::framing::Place;
use crate::reading::{Content, Records};
use crate::source::identity::{Head, Mark};

/// A [`Content`] as part of a row of the store.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredContent {
    position: u64,
    #[serde(with = "StoredMark")]
    mark: Mark,
    #[serde(with = "StoredHead")]
    head: Head,
    #[serde(with = "StoredPlace")]
    place: Place,
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

#[derive(Serialize, Deserialize)]
#[serde(remote = "Place")]
enum StoredPlace {
    Top,
    Array,
    Value,
    AfterValue,
    WithinLine,
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
            place: content.place,
            format: content.format,
            header: content.header,
            plain_text_at: content.plain_text_at,
            lineage: content.lineage,
            records,
            unfinished: content.unfinished,
        }
    }
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
            place: stored.place,
            format: stored.format,
            header: stored.header,
            plain_text_at: stored.plain_text_at,
            lineage: stored.lineage,
            records,
            unfinished: stored.unfinished,
        }
    }
}
