//! Bytes on disk to whole records.
pub mod split;
