//! What makes two rows of Microsoft's the same call.

use xxhash_rust::xxh3::xxh3_128;

use super::fields;
use super::names::Field;
use super::row::Fields;
use super::times::When;
use crate::call::{Reason, RecordId};

/// What the row's own id is.
pub enum OwnId {
    None,
    /// One that no other row has.
    Guid(RecordId),
    /// It may be the number of the row in its file.
    Other(RecordId),
}

impl OwnId {
    /// What this text is as an id. The empty GUID is none, else all rows that carry it would be one.
    #[inline(always)]
    pub fn of(text: &[u8]) -> Self {
        let text = fields::trimmed(text);
        match fields::guid(text) {
            Some(0) => Self::None,
            Some(number) => Self::Guid(RecordId(number)),
            None if text.is_empty() => Self::None,
            None => Self::Other(RecordId(xxh3_128(text))),
        }
    }
}

/// What makes a row that has no id of its own the same as another.
const IDENTIFYING: [Field; 6] =
    [Field::CorrelationId, Field::Invite, Field::CallType, Field::Trunk, Field::Caller, Field::Callee];

/// Graph's rows have an id of their own. Those of the admin center have none, and several legs share a correlation id.
#[inline(always)]
pub fn of<'a>(row: &impl Fields<'a>) -> Result<RecordId, Reason> {
    let has_correlation_id = !row.bytes(Field::CorrelationId).is_empty();
    match row.own_id() {
        OwnId::Guid(id) => return Ok(id),
        OwnId::Other(id) if !has_correlation_id => return Ok(id),
        OwnId::Other(RecordId(id)) => {
            let hash = row.hash(Field::CorrelationId).to_le_bytes();
            return Ok(RecordId(xxh3_128(&[&id.to_le_bytes()[..], &hash].concat())));
        }
        OwnId::None if !has_correlation_id && row.when(Field::Invite) == When::None => {
            return Err(Reason::NoRecordId);
        }
        OwnId::None => {}
    }
    // Each by itself, so that ("ab", "c") is not ("a", "bc"). Ids are stored: a change here would count every remembered
    // call again.
    let hashes = IDENTIFYING.map(|field| row.hash(field).to_le_bytes());
    Ok(match row.when(Field::Invite) {
        When::Text(invite) if !has_seconds(invite) => coarse_id(row, hashes),
        When::None => coarse_id(row, hashes),
        _ => RecordId(xxh3_128(hashes.as_flattened())),
    })
}

/// Whether a time has more than hours and minutes, which is all that Excel shows and saves.
#[inline(always)]
fn has_seconds(time: &[u8]) -> bool {
    time.get(16) == Some(&b':') || memchr::memchr_iter(b':', time).count() != 1
}

/// The id of a row that does not say to the second when it began: another attempt of the same call differs in how it ended.
#[cold]
fn coarse_id<'a>(row: &impl Fields<'a>, hashes: [[u8; 8]; IDENTIFYING.len()]) -> RecordId {
    const ENDING: [Field; 6] =
        [Field::Start, Field::Failure, Field::End, Field::Duration, Field::SipCode, Field::MicrosoftCode];
    let ending = ENDING.map(|field| row.hash(field).to_le_bytes());
    RecordId(xxh3_128(&[hashes.as_flattened(), ending.as_flattened()].concat()))
}
