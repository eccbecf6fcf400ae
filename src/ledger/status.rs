//! One file for people who ask how it fares: what the loop or the store knows of it. Never published, asked for.

use serde::{Deserialize, Serialize};

/// One file that belongs to a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileStatus {
    pub source: String,
    pub path: String,
    /// As in `cdr_exporter_files`; from the store `stopped`, or `gone`.
    pub state: String,
    /// Once it is recognised.
    pub format: Option<String>,
    /// How far it was read, in bytes of its text, which is UTF-8 and not compressed.
    pub position: u64,
    /// Bytes on the disk.
    pub size: u64,
    /// Bytes on the disk that are not counted; unknown where a store says how far a compressed file was read.
    pub bytes_behind: Option<u64>,
    /// Over the last ten to twenty seconds; a store does not know.
    pub bytes_per_second: Option<f64>,
    /// What keeps it from being read.
    pub error: Option<String>,
    /// What was last found out about it: a value of the label `event`, and when, in RFC 3339.
    pub decision: Option<String>,
    pub decided_at: Option<String>,
}

/// All of them: the answer of `/-/files`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Files {
    pub files: Vec<FileStatus>,
}
