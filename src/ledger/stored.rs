//! What the ledger's parts have in common as rows of the store: JSON, with the labels that the metrics have.
//!
//! Labels and the bounds of histograms are part of the layout of the store.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::snapshot::Histogram;

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
