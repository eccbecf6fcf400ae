//! What is said of a config that cannot be used: where, and what was probably meant.

use std::fmt;
use std::path::PathBuf;

use serde_saphyr::Spanned;

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
    format!("`{value}` is no {what}; {}", meant(value, known))
}

/// The known word that was probably meant, or all of them.
fn meant(value: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|word| (strsim::damerau_levenshtein(value, word), *word)).min();
    match nearest {
        Some((distance, word)) if distance <= 2.max(word.len() / 3) => format!("did you mean `{word}`?"),
        _ => format!("there are {}", known.join(", ")),
    }
}

/// What the reader of YAML says, in plain words.
pub fn not_as_written(error: &serde_saphyr::Error) -> ConfigError {
    let error = error.without_snippet();
    let message = match error {
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => {
            format!("there is no key `{field}` here; {}", meant(field, expected))
        }
        serde_saphyr::Error::SerdeMissingField { field, .. } => format!("the key `{field}` is missing"),
        serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{key}` is there twice")
        }
        serde_saphyr::Error::MultipleDocuments { .. } => {
            "there is more than one YAML document; keep one, and no line `---` behind it".to_owned()
        }
        serde_saphyr::Error::Unexpected { expected: "mapping start", .. } => {
            "expected keys with their values, such as `name: teams`".to_owned()
        }
        serde_saphyr::Error::Unexpected { expected: "sequence start", .. } => {
            "expected a list: [a, b], or lines that begin with `- `".to_owned()
        }
        serde_saphyr::Error::InvalidScalar { ty: "u16", .. } => "not a whole number up to 65535".to_owned(),
        serde_saphyr::Error::InvalidScalar { .. } => "not a whole number from 0".to_owned(),
        serde_saphyr::Error::Unexpected { expected: "string scalar", .. }
        | serde_saphyr::Error::NullIntoString { .. } => "expected a text".to_owned(),
        serde_saphyr::Error::RecursiveReferencesRequireWeakTypes { .. } => {
            "the anchor holds itself; write out what is meant".to_owned()
        }
        error => {
            let text = error.to_string();
            // The place is said once, in front.
            text.split(" at line ").next().unwrap_or(&text).trim_end_matches(',').to_owned()
        }
    };
    ConfigError { file: None, place: error.location().map(|place| (place.line(), place.column())), message }
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
