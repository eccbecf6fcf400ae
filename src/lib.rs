//! cdr-exporter: exact per-cause counters from the call detail records of Microsoft Teams Direct Routing.
//!
//! ```text
//! collect: Graph -> files (one way in among others; files are the seam)
//! config -> source: discover -> tail -> split -> decode -> classify -> ledger: count, commit -> expose: /metrics
//!                   (bytes on disk -> whole records)  (record -> Call -> Verdict)  (one commit)   (last snapshot)
//! ```
//!
//! The modules stand in the order of that flow. Which may import which is checked by `tests/it/architecture.rs`.

pub mod call;
pub mod source;
pub mod decode;
pub mod classify;
pub mod ledger;
pub mod telemetry;
pub mod collect;
pub mod pipeline;
pub mod expose;
pub mod config;
pub mod app;
pub mod cli;
