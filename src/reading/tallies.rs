//! Calls of a source by what a record tells beside trunk and cause: families of their own, so that the main ones do not
//! multiply.

use hashbrown::HashMap;

use crate::call::{Country, Detail, Kind, Outcome};

/// Calls in the order of [`Outcome::ALL`].
pub type ByOutcome = [u64; Outcome::ALL.len()];

/// Calls by kind and by country.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tallies {
    /// In the order of [`Kind::ALL`].
    pub kinds: [ByOutcome; Kind::ALL.len()],
    pub countries: HashMap<Country, ByOutcome>,
    /// Of countries for which there was no room.
    pub other_countries: ByOutcome,
}

impl Tallies {
    /// Counts a call, or those of a row of a report.
    pub fn count(&mut self, detail: &Detail, outcome: Outcome) {
        self.kinds[detail.kind as usize][outcome as usize] += detail.calls();
        if let Some(country) = detail.country {
            self.countries.entry(country).or_default()[outcome as usize] += detail.calls();
        }
    }

    /// Takes away calls that are among these.
    pub fn subtract(&mut self, other: &Self) {
        let subtract = |own: &mut ByOutcome, other: &ByOutcome| {
            own.iter_mut().zip(other).for_each(|(own, other)| *own -= other)
        };
        self.kinds.iter_mut().zip(&other.kinds).for_each(|(own, other)| subtract(own, other));
        for (country, counts) in &other.countries {
            self.countries.entry(*country).and_modify(|own| subtract(own, counts));
        }
        self.countries.retain(|_, counts| counts.iter().any(|count| *count > 0));
    }

    /// Adds those of another. Countries beyond so many are counted together.
    pub fn add(&mut self, other: &Self, most_countries: usize) {
        self.kinds.iter_mut().zip(&other.kinds).for_each(|(own, other)| add(own, other));
        add(&mut self.other_countries, &other.other_countries);
        for (country, counts) in &other.countries {
            let has_room = self.countries.len() < most_countries || self.countries.contains_key(country);
            let own = if has_room {
                self.countries.entry(*country).or_default()
            } else {
                &mut self.other_countries
            };
            add(own, counts);
        }
    }
}

fn add(own: &mut ByOutcome, other: &ByOutcome) {
    own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
}
