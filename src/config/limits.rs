//! `limits`: how much there may be of what others write.

use bytesize::ByteSize;
use serde_saphyr::Spanned;

use super::errors::{Checked, at};
use super::file;
use super::units::{bytes, duration, number};
use crate::ledger::{Families, Limits, history};
use crate::reading;

const TRUNKS_PER_SOURCE: std::ops::RangeInclusive<usize> = 1..=1_000_000;
const UNLISTED_PER_SOURCE: std::ops::RangeInclusive<usize> = 0..=10_000_000;
/// There are fewer countries than that.
const COUNTRIES_PER_SOURCE: std::ops::RangeInclusive<usize> = 0..=1000;
/// 8 bytes of memory each.
const HISTORY_CELLS: std::ops::RangeInclusive<usize> = 1000..=100_000_000;
/// A record is held in memory as a whole.
const RECORD_BYTES: std::ops::RangeInclusive<u64> = 1024..=1024 * 1024 * 1024;

/// Less than a window of zstd's levels up to 19, which is 8 MiB, leaves usual files unread.
const MEMORY_BYTES: std::ops::RangeInclusive<u64> = 16 * MIB..=64 * 1024 * MIB;
const MIB: u64 = 1024 * 1024;
/// Two of the largest windows that zstd's own tools take.
pub const DEFAULT_MEMORY_BYTES: u64 = 256 * MIB;

/// How much memory all files together may take to be read.
pub fn memory_bytes(written: &file::Limits) -> Checked<u64> {
    let written = written.memory_bytes.as_ref().map(|written| bytes(written, MEMORY_BYTES)).transpose()?;
    Ok(written.unwrap_or(DEFAULT_MEMORY_BYTES))
}

/// Names stand in labels and lines of tables.
const NAME_CHARACTERS: usize = 100;

/// Checks how long a name is.
pub fn name(written: &Spanned<String>) -> Checked<()> {
    match written.value.chars().count() {
        count if count > NAME_CHARACTERS => Err(at(
            written,
            format!("the name has {count} characters, more than the {NAME_CHARACTERS} allowed"),
        )),
        _ => Ok(()),
    }
}

/// How much there may be of what records bring as labels.
pub fn labels(written: &file::Limits, shown: &file::Families) -> Checked<Limits> {
    let default = Limits::default();
    let countries =
        written.countries_per_source.as_ref().map(|written| number(written, COUNTRIES_PER_SOURCE));
    let trunks = written.trunks_per_source.as_ref().map(|written| number(written, TRUNKS_PER_SOURCE));
    let unlisted = written.unlisted_per_source.as_ref().map(|written| number(written, UNLISTED_PER_SOURCE));
    Ok(Limits {
        trunks_per_source: trunks.transpose()?.unwrap_or(default.trunks_per_source),
        unlisted_per_source: unlisted.transpose()?.unwrap_or(default.unlisted_per_source),
        countries_per_source: countries.transpose()?.unwrap_or(default.countries_per_source),
        families: Families {
            setup: shown.setup.unwrap_or(default.families.setup),
            kinds: shown.kinds.unwrap_or(default.families.kinds),
            countries: shown.countries.unwrap_or(default.families.countries),
        },
    })
}

/// How much history is kept.
pub fn history(written: &file::History) -> Checked<history::Options> {
    let default = history::Options::default();
    let cells = written.cells.as_ref().map(|written| number(written, HISTORY_CELLS));
    Ok(history::Options {
        keep: written.keep.as_ref().map(duration).transpose()?.unwrap_or(default.keep),
        cells: cells.transpose()?.unwrap_or(default.cells),
    })
}

/// How long a record may be: no longer than there is memory for.
pub fn record_bytes(written: &file::Limits, memory_bytes: u64) -> Checked<usize> {
    let default = reading::Options::default().record_bytes;
    let Some(written) = &written.record_bytes else { return Ok(default) };
    let size = bytes(written, RECORD_BYTES)?;
    if size > memory_bytes {
        let memory = ByteSize(memory_bytes);
        return Err(at(
            written,
            format!(
                "a record is held in memory as a whole, and `memory_bytes` allows {memory} for all files: write a \
                 smaller value here or a larger one there"
            ),
        ));
    }
    Ok(usize::try_from(size).unwrap_or(default))
}
