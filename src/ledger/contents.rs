//! What is known of the text of a file, as the store holds it.

use serde::{Deserialize, Serialize};

use crate::framing::Place;
use crate::reading::{Content, Records};
use crate::source::identity::{Head, Mark};

/// A [`Content`] as part of a row of the store.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredContent {
    position: u64,
    mark: Mark,
    head: Head,
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
