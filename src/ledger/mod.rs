//! Counts, positions and remembered records, changed together.

pub mod snapshot;
