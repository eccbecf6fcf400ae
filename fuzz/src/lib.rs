//! What the targets share.

pub mod files;
pub mod rows;
