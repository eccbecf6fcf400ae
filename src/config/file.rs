//! The config file as it is written: YAML, every key optional where a default will do, unknown keys refused.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use super::mapping::{Conditions, FieldOrigin};

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    pub sources: Vec<Source>,
    pub collect: Vec<super::collect::Collect>,
    pub limits: Limits,
    pub families: Families,
    pub history: History,
    pub rescan_interval: Option<Spanned<String>>,
    pub quiet: Option<Spanned<String>>,
    pub unfinished_after: Option<Spanned<String>>,
    pub causes: Vec<Spanned<Cause>>,
}

/// One entry of `sources`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub name: Spanned<String>,
    /// May be left out where `collect` has an entry of this name.
    pub paths: Option<Vec<Spanned<String>>>,
    pub exclude: Option<Vec<Spanned<String>>>,
    pub format: Option<Spanned<String>>,
    pub live_within: Option<Spanned<String>>,
    pub remember: Option<Spanned<String>>,
    pub attempts_within: Option<Spanned<String>>,
    pub prefer: Option<Spanned<String>>,
    pub teams_side: Option<Vec<Spanned<String>>>,
    pub trunk_from: Option<Spanned<String>>,
    pub timezone: Option<Spanned<String>>,
    pub layout: Option<Spanned<String>>,
    pub delimiter: Option<Spanned<String>>,
    pub quote: Option<Spanned<String>>,
    pub skip_lines: Option<usize>,
    pub header: Option<bool>,
    pub patterns: Option<Vec<Spanned<String>>>,
    pub other_lines: Option<Spanned<String>>,
    pub records_in: Option<Vec<String>>,
    pub fields: Option<BTreeMap<String, Spanned<FieldOrigin>>>,
    #[serde(rename = "where")]
    pub conditions: Option<Conditions>,
    #[serde(default)]
    pub trunks: Trunks,
    /// Names of properties and columns, each with the field that it holds.
    #[serde(default)]
    pub columns: BTreeMap<String, Spanned<String>>,
}

impl Source {
    /// One of which nothing is said but its name.
    pub fn named(name: Spanned<String>) -> Self {
        Self {
            name,
            paths: None,
            exclude: None,
            format: None,
            live_within: None,
            remember: None,
            attempts_within: None,
            prefer: None,
            teams_side: None,
            trunk_from: None,
            timezone: None,
            layout: None,
            delimiter: None,
            quote: None,
            skip_lines: None,
            header: None,
            patterns: None,
            other_lines: None,
            records_in: None,
            fields: None,
            conditions: None,
            trunks: Trunks::default(),
            columns: BTreeMap::new(),
        }
    }
}

/// A source's `trunks`: a list of names, or `only` and `names`.
#[derive(Debug, Default)]
pub struct Trunks {
    pub only: Option<Spanned<Vec<Spanned<String>>>>,
    pub names: Vec<Trunk>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TrunksByKey {
    only: Option<Spanned<Vec<Spanned<String>>>>,
    names: Vec<Trunk>,
}

impl<'de> Deserialize<'de> for Trunks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TrunksVisitor)
    }
}

struct TrunksVisitor;

impl<'de> Visitor<'de> for TrunksVisitor {
    type Value = Trunks;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of `match` and `name`, or the keys `only` and `names`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Trunks, A::Error> {
        let names = Vec::deserialize(SeqAccessDeserializer::new(names))?;
        Ok(Trunks { only: None, names })
    }

    fn visit_map<A: MapAccess<'de>>(self, keys: A) -> Result<Trunks, A::Error> {
        let TrunksByKey { only, names } = TrunksByKey::deserialize(MapAccessDeserializer::new(keys))?;
        Ok(Trunks { only, names })
    }
}

/// One entry of a source's `trunks`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trunk {
    #[serde(rename = "match")]
    pub matches: Spanned<String>,
    pub name: Spanned<String>,
}

/// `limits`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub trunks_per_source: Option<Spanned<usize>>,
    pub unlisted_per_source: Option<Spanned<usize>>,
    pub countries_per_source: Option<Spanned<usize>>,
    pub record_bytes: Option<Spanned<String>>,
    pub memory_bytes: Option<Spanned<String>>,
}

/// `families`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Families {
    pub setup: Option<bool>,
    pub kinds: Option<bool>,
    pub countries: Option<bool>,
}

/// `history`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct History {
    pub keep: Option<Spanned<String>>,
    pub cells: Option<Spanned<usize>>,
}

/// One entry of `causes`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    pub microsoft_code: u64,
    pub sip_code: u16,
    #[serde(default)]
    pub phrase: String,
    pub cause: String,
    pub outcome: Spanned<String>,
    pub side: Spanned<String>,
    #[serde(default)]
    pub category: String,
    #[serde(default)]
    pub remedy: String,
}
