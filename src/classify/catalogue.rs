//! The catalogue of code pairs: `causes.csv`, compiled in, with the operator's own entries laid over it.

use std::collections::HashSet;
use std::sync::Arc;

/// One row of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub microsoft_code: u64,
    pub sip_code: u16,
    pub cause: Arc<str>,
    pub category: Arc<str>,
    pub side: Arc<str>,
    pub remedy: Arc<str>,
}

/// All rows, and how to find one.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    entries: Vec<Entry>,
}

impl Catalogue {
    /// The rows compiled in.
    pub fn built_in() -> Self {
        let mut reader = csv::Reader::from_reader(include_bytes!("causes.csv").as_slice());
        let entries = reader.records().filter_map(|row| entry(&row.ok()?)).collect();
        Self { entries }
    }

    /// The rows, one for each cause and code pair.
    pub fn info_rows(&self) -> impl Iterator<Item = &Entry> {
        let mut seen = HashSet::new();
        self.entries
            .iter()
            .filter(move |entry| seen.insert((entry.cause.clone(), entry.microsoft_code, entry.sip_code)))
    }
}

fn entry(row: &csv::StringRecord) -> Option<Entry> {
    Some(Entry {
        microsoft_code: row.get(0)?.parse().ok()?,
        sip_code: row.get(1)?.parse().ok()?,
        cause: row.get(3)?.into(),
        category: row.get(6)?.into(),
        side: row.get(5)?.into(),
        remedy: row.get(9)?.into(),
    })
}
