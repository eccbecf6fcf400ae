//! cdr-exporter: exact per-cause counters from the call detail records of Microsoft Teams Direct Routing.
//!
//! ```text
//! collect: Graph -> files (one way in among others; files are the seam)
//! config -> source: discover, watch, tail -> a turn: framing (text -> records) -> format (record -> Call)
//!        -> classify (Call -> Verdict) -> Batch -> ledger: apply, commit -> snapshot -> expose: /metrics, page
//! ```
//!
//! The modules stand in the order of that flow. Which may import which is checked by `tests/it/architecture.rs`.

pub mod call;
pub mod clock;
pub mod shown;
pub mod small_file;
pub mod yaml;
pub mod reason_header;
pub mod source;
pub mod framing;
pub mod format;
pub mod classify;
pub mod reading;
pub mod ledger;
pub mod findings;
pub mod follow;
pub mod telemetry;
pub mod collect;
pub mod pipeline;
pub mod expose;
pub mod config;
pub mod app;
pub mod cli;
