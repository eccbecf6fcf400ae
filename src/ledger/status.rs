//! One file for people who ask how it fares: what the loop or the store knows of it. Never published, asked for.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::call::UnixMillis;

/// One file that belongs to a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileStatus {
    pub source: String,
    pub path: String,
    /// As in `cdr_exporter_files`; from the store `stopped`, or `gone`.
    pub state: Cow<'static, str>,
    /// Once it is recognised.
    pub format: Option<Cow<'static, str>>,
    /// How far it was read, in bytes of its text, which is UTF-8 and not compressed.
    pub position: u64,
    /// Bytes on the disk.
    pub size: u64,
    /// Bytes on the disk that are not counted; unknown where a store says how far a compressed file was read.
    pub bytes_behind: Option<u64>,
    /// Over the last ten to twenty seconds; a store does not know.
    pub bytes_per_second: Option<f64>,
    /// How many of its records were rejected and ignored, once it is known what its text holds.
    #[serde(default)]
    pub rejected: Option<u64>,
    #[serde(default)]
    pub ignored: Option<u64>,
    /// What keeps it from being read.
    pub error: Option<String>,
    /// What was last found out about it: a value of the label `event`, and when.
    pub decision: Option<Cow<'static, str>>,
    #[serde(with = "rfc3339")]
    pub decided_at: Option<UnixMillis>,
}

impl FileStatus {
    /// A folder that cannot be gone through, or something that is in the place of a file.
    pub fn of_unreadable(source: &str, path: &Path, error: &str) -> Self {
        Self {
            source: source.to_owned(),
            path: path.to_string_lossy().into_owned(),
            state: "unreadable".into(),
            format: None,
            position: 0,
            size: 0,
            bytes_behind: None,
            bytes_per_second: None,
            rejected: None,
            ignored: None,
            error: Some(error.to_owned()),
            decision: None,
            decided_at: None,
        }
    }
}

/// All of them: the answer of `/-/files`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Files {
    pub files: Vec<FileStatus>,
}

/// Times as RFC 3339, made where they are written: the loop has better things to do.
mod rfc3339 {
    use jiff::{Timestamp, Unit};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::call::UnixMillis;

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub fn serialize<S: Serializer>(at: &Option<UnixMillis>, serializer: S) -> Result<S::Ok, S::Error> {
        let at = at.and_then(|at| Timestamp::from_millisecond(at.0).ok());
        at.map(|at| at.round(Unit::Second).unwrap_or(at).to_string()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UnixMillis>, D::Error> {
        let at = Option::<String>::deserialize(deserializer)?;
        let at = at.map(|at| at.parse::<Timestamp>().map_err(serde::de::Error::custom)).transpose()?;
        Ok(at.map(|at| UnixMillis(at.as_millisecond())))
    }
}
