//! Calls by kind and country: in the balance of a source, and as they are published.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Families, OTHER};
use crate::call::{Country, Kind, Outcome};
use crate::reading::tallies::{ByOutcome, Tallies};

/// Calls by outcome; outcomes that never came are left out.
type Stored = BTreeMap<String, u64>;

/// [`Tallies`] in the store, by label.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct StoredTallies {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    kinds: BTreeMap<String, Stored>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    countries: BTreeMap<String, Stored>,
}

impl StoredTallies {
    pub fn of(tallies: &Tallies) -> Self {
        let kinds = Kind::ALL.into_iter().map(|kind| (kind.label(), &tallies.kinds[kind as usize]));
        let countries = tallies.countries.iter().map(|(country, counts)| (country.label(), counts));
        let countries = countries.chain([(OTHER, &tallies.other_countries)]);
        let stored = |(label, counts): (&str, &ByOutcome)| Some((label.to_owned(), stored(counts)?));
        Self { kinds: kinds.filter_map(stored).collect(), countries: countries.filter_map(stored).collect() }
    }

    /// The tallies.
    ///
    /// # Errors
    /// A label that is none.
    pub fn read(self) -> Result<Tallies, String> {
        let mut tallies = Tallies::default();
        for (label, counts) in self.kinds {
            let kind = Kind::from_label(&label).ok_or_else(|| format!("no kind `{label}`"))?;
            tallies.kinds[kind as usize] = read(counts)?;
        }
        for (label, counts) in self.countries {
            let counts = read(counts)?;
            match Country::of_code(label.as_bytes()) {
                _ if label == OTHER => tallies.other_countries = counts,
                Some(country) => drop(tallies.countries.insert(country, counts)),
                None => return Err(format!("no country `{label}`")),
            }
        }
        Ok(tallies)
    }
}

fn stored(counts: &ByOutcome) -> Option<Stored> {
    let counts =
        Outcome::ALL.into_iter().map(|outcome| (outcome.label().to_owned(), counts[outcome as usize]));
    let counts: Stored = counts.filter(|(_, count)| *count > 0).collect();
    (!counts.is_empty()).then_some(counts)
}

fn read(stored: Stored) -> Result<ByOutcome, String> {
    let mut counts = ByOutcome::default();
    for (label, count) in stored {
        let outcome = Outcome::from_label(&label).ok_or_else(|| format!("no outcome `{label}`"))?;
        counts[outcome as usize] = count;
    }
    Ok(counts)
}

/// Every kind, once records tell of any: a first call is then seen as an increase.
pub fn kinds(tallies: &Tallies, families: Families) -> Vec<(&'static str, ByOutcome)> {
    let is_told =
        |kind: Kind| kind != Kind::Unknown && tallies.kinds[kind as usize].iter().any(|count| *count > 0);
    if !families.kinds || !Kind::ALL.into_iter().any(is_told) {
        return Vec::new();
    }
    Kind::ALL.map(|kind| (kind.label(), tallies.kinds[kind as usize])).to_vec()
}

/// The countries that were called.
pub fn countries(tallies: &Tallies, families: Families) -> Vec<(String, ByOutcome)> {
    if !families.countries {
        return Vec::new();
    }
    let mut all: Vec<_> =
        tallies.countries.iter().map(|(country, counts)| (country.label().to_owned(), *counts)).collect();
    if tallies.other_countries.iter().any(|count| *count > 0) {
        all.push((OTHER.to_owned(), tallies.other_countries));
    }
    all
}
