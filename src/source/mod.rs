//! Bytes on disk to whole records.
