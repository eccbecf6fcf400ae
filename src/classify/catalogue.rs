//! The catalogue of code pairs: `causes.csv`, compiled in, with the operator's own entries laid over it.

/// One row of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {}

/// All rows, and how to find one.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {}
