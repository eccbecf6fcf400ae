//! What the ledger's parts have in common as rows of the store: keys, histograms, JSON with the labels of the metrics.
//!
//! Keys, labels and the bounds of histograms are part of the layout of the store. Fields of a key stand in this order:
//! keys are compared as text.

use std::borrow::Cow;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::account::StoredFile;
use super::counts::stored::StoredFailure;
use super::history::{MinuteKey, SeriesKey, StoredMinute, StoredSeries};
use super::known::Holder;
use super::snapshot::Histogram;
use super::store::Table;
use crate::call::Direction;
use crate::source::identity::FileId;

pub const DIRECTIONS: [Direction; 3] = [Direction::Inbound, Direction::Outbound, Direction::Unknown];

/// Key of the table `routes`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteKey<'a> {
    pub source: Cow<'a, str>,
    pub trunk: Cow<'a, str>,
    pub direction: Cow<'a, str>,
}

/// Key of the table `failures`: the labels of the series.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureLabels<'a> {
    pub source: Cow<'a, str>,
    pub trunk: Cow<'a, str>,
    pub direction: Cow<'a, str>,
    pub cause: Cow<'a, str>,
    pub microsoft_code: Cow<'a, str>,
    pub sip_code: Cow<'a, str>,
    pub arrival: Cow<'a, str>,
}

/// Key of the table `files`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileKey<'a> {
    pub source: Cow<'a, str>,
    /// `None` where the file is gone; `inode` is then a number of its own.
    device: Option<u64>,
    inode: u64,
}

/// What stood in layouts 1 and 2 in place of a device where the file is gone.
const NO_DEVICE: u64 = u64::MAX;

impl<'a> FileKey<'a> {
    pub fn of(source: &'a str, holder: Holder) -> Self {
        let (device, inode) = match holder {
            Holder::File(id) => (Some(id.device), id.inode),
            Holder::Past(number) => (None, number),
        };
        Self { source: source.into(), device, inode }
    }

    /// Whose content it is.
    pub fn holder(&self) -> Holder {
        match self.device.filter(|device| *device != NO_DEVICE) {
            Some(device) => Holder::File(FileId { device, inode: self.inode }),
            None => Holder::Past(self.inode),
        }
    }
}

/// Key of the table `replayed`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayedKey<'a> {
    pub source: Cow<'a, str>,
    pub lineage: u64,
    pub position: u64,
}

impl Table {
    /// A row of any layout as the newest has it.
    ///
    /// In layouts 1 and 2 keys, decisions and spans were lists of their fields in the same order; serde reads a struct
    /// from a list as well. A failure's value repeated its codes.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub fn in_newest_layout(self, key: &str, value: &str) -> Result<(String, String), String> {
        let (key, value) = match self {
            Self::Sources | Self::Commits | Self::Attempts => (key.to_owned(), value.to_owned()),
            Self::Routes => (rewritten::<RouteKey<'_>>(key)?, value.to_owned()),
            Self::Failures => (rewritten::<FailureLabels<'_>>(key)?, rewritten::<StoredFailure>(value)?),
            Self::Files => {
                let key: FileKey<'_> = from_json(key)?;
                (to_json(&FileKey::of(&key.source, key.holder())), rewritten::<StoredFile<'_>>(value)?)
            }
            Self::Replayed => (rewritten::<ReplayedKey<'_>>(key)?, value.to_owned()),
            Self::HistorySeries => (rewritten::<SeriesKey>(key)?, rewritten::<StoredSeries<'_>>(value)?),
            Self::History => (rewritten::<MinuteKey>(key)?, rewritten::<StoredMinute>(value)?),
        };
        Ok((key, value))
    }
}

fn rewritten<T: Serialize + DeserializeOwned>(text: &str) -> Result<String, String> {
    from_json::<T>(text).map(|value| to_json(&value))
}

/// A histogram without its bounds.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredHistogram {
    buckets: Vec<u64>,
    sum: f64,
}

impl StoredHistogram {
    pub fn of(histogram: &Histogram) -> Self {
        Self { buckets: histogram.buckets.clone(), sum: histogram.sum }
    }

    /// The histogram over these bounds.
    pub fn over(self, bounds: &'static [f64]) -> Result<Histogram, String> {
        let Self { buckets, sum } = self;
        match buckets.len() == bounds.len() + 1 {
            true => Ok(Histogram { bounds, buckets, sum }),
            false => Err(format!("a histogram of {} buckets, not {}", buckets.len(), bounds.len() + 1)),
        }
    }
}

/// As JSON.
#[expect(clippy::expect_used, reason = "serde_json fails only for maps without text as keys; there are none")]
pub fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers, lists, and maps by text")
}

/// From JSON.
///
/// # Errors
/// What is wrong, and in which text. Neither keys nor values hold numbers or names of people.
pub fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("{error} in {text}"))
}

/// The value whose label this is.
///
/// # Errors
/// When there is none.
pub fn labelled<T: Copy + Debug>(
    label: &str,
    values: &[T],
    label_of: impl Fn(T) -> &'static str,
) -> Result<T, String> {
    let value = values.iter().copied().find(|value| label_of(*value) == label);
    value.ok_or_else(|| format!("there is no label `{label}`"))
}
