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
use crate::reading::native::Native;
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
    /// Stores of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    native: Option<StoredNative>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredNative {
    zero: u64,
    first: i32,
    counts: Vec<u64>,
}

impl StoredHistogram {
    pub fn of(histogram: &Histogram) -> Self {
        let Native { zero, first, counts } = histogram.native.clone();
        let native = (histogram.count() > 0).then_some(StoredNative { zero, first, counts });
        Self { buckets: histogram.buckets.clone(), sum: histogram.sum, native }
    }

    /// The histogram over these bounds.
    pub fn over(self, bounds: &'static [f64]) -> Result<Histogram, String> {
        let Self { buckets, sum, native } = self;
        if buckets.len() != bounds.len() + 1 {
            return Err(format!("a histogram of {} buckets, not {}", buckets.len(), bounds.len() + 1));
        }
        let native = match native {
            Some(StoredNative { zero, first, counts }) => Native { zero, first, counts },
            None => native_of(bounds, &buckets),
        };
        let histogram = Histogram { buckets, sum, native, ..Histogram::new(bounds) };
        match histogram.count() == histogram.native.count() {
            true => Ok(histogram),
            false => Err(format!(
                "a histogram of {} observations, {} in native buckets",
                histogram.count(),
                histogram.native.count()
            )),
        }
    }
}

/// What an earlier version counted, each observation at the upper bound of its bucket: how large it was is not known, only
/// that rates from now on see none of them.
fn native_of(bounds: &[f64], buckets: &[u64]) -> Native {
    let mut native = Native::default();
    let beyond = bounds.last().map(|bound| bound.next_up());
    let values = bounds.iter().copied().chain(beyond);
    values
        .zip(buckets)
        .filter(|(_, count)| **count > 0)
        .for_each(|(value, count)| native.observe(value, *count));
    native
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

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: &[f64] = &[1.0, 30.0];

    #[test]
    fn a_histogram_comes_back_as_it_was() {
        let mut histogram = Histogram::new(BOUNDS);
        for seconds in [0.0, 0.25, 29.5, 7000.0] {
            histogram.observe(seconds);
        }
        let stored: StoredHistogram = from_json(&to_json(&StoredHistogram::of(&histogram))).unwrap();
        assert_eq!(stored.over(BOUNDS).unwrap(), histogram);
    }

    #[test]
    fn what_was_counted_without_native_buckets_is_in_those_of_its_bounds() {
        let stored: StoredHistogram = from_json(r#"{"buckets":[2,0,3],"sum":100.5}"#).unwrap();
        let histogram = stored.over(BOUNDS).unwrap();
        let mut native = Native::default();
        native.observe(1.0, 2);
        native.observe(30.5, 3);
        assert_eq!((histogram.native.count(), histogram.native), (5, native));
    }

    #[test]
    fn buckets_that_contradict_each_other_are_no_histogram() {
        for (json, expected) in [
            (r#"{"buckets":[2,0],"sum":1}"#, "a histogram of 2 buckets, not 3"),
            (
                r#"{"buckets":[2,0,0],"sum":1,"native":{"zero":0,"first":0,"counts":[1]}}"#,
                "a histogram of 2 observations, 1 in native buckets",
            ),
        ] {
            let stored: StoredHistogram = from_json(json).unwrap();
            assert_eq!(stored.over(BOUNDS).unwrap_err(), expected);
        }
    }
}
