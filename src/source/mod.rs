//! Bytes on disk to whole records: which files there are, which is which, what was added, and where a record ends.

pub mod discover;
pub mod open;
pub mod filesystem;
pub mod watch;
pub mod identity;
pub mod blocks;
pub mod hole;
pub mod tail;
pub mod encoding;
pub mod archive;
pub mod companion;
pub mod memory;
