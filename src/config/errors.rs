//! What is said of a config that cannot be used: where, and what was probably meant.

use std::fmt;
use std::path::PathBuf;

use serde_saphyr::Spanned;

use crate::yaml;

/// Why a configuration cannot be used: where, and what to do.
#[derive(Debug)]
pub struct ConfigError {
    pub file: Option<PathBuf>,
    /// Line and column, from 1.
    place: Option<(u64, u64)>,
    message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
        }
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        if self.file.is_some() || self.place.is_some() {
            f.write_str(" ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

/// What was checked, or why it cannot be used.
pub type Checked<T> = Result<T, ConfigError>;

/// There is no such word; which are there.
pub fn unknown(what: &str, value: &str, known: &[&str]) -> String {
    format!("`{value}` is no {what}; {}", yaml::meant(value, known))
}

/// What the reader of YAML says, in plain words.
pub fn not_as_written(error: &serde_saphyr::Error) -> ConfigError {
    let (place, message) = yaml::fault(error);
    ConfigError { file: None, place, message }
}

/// An error at the place of what was written.
pub fn at<T>(written: &Spanned<T>, message: impl Into<String>) -> ConfigError {
    let place = (written.referenced.line(), written.referenced.column());
    ConfigError { file: None, place: Some(place), message: message.into() }
}

/// An error without a place.
pub fn plain(message: String) -> ConfigError {
    ConfigError { file: None, place: None, message }
}
