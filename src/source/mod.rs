//! Bytes on disk to text: which files there are, which is which, what was added, and what it says unpacked, in UTF-8.

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
