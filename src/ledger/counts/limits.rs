//! How much is counted by itself, and what of it is shown.

/// How much there may be of what records bring as labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub trunks_per_source: usize,
    /// Series of `cdr_call_failures_total` whose cause and codes are no row of the catalogue.
    pub unlisted_per_source: usize,
    pub countries_per_source: usize,
    pub families: Families,
}

/// Families beside the main ones: which are shown. Counted is what there is, so that one that is switched on is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Families {
    /// `cdr_call_setup_seconds`
    pub setup: bool,
    /// `cdr_calls_by_kind_total`
    pub kinds: bool,
    /// `cdr_calls_by_country_total`
    pub countries: bool,
}

impl Default for Families {
    fn default() -> Self {
        Self { setup: true, kinds: true, countries: true }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            trunks_per_source: 200,
            unlisted_per_source: 5_000,
            countries_per_source: 100,
            families: Families::default(),
        }
    }
}
