//! What is said of a config that cannot be used: where, and what was probably meant.

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde_saphyr::Spanned;

use crate::shown;

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
        serde_saphyr::Error::InvalidScalar { ty: "boolean", .. } => "expected true or false".to_owned(),
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
            no_yaml(text.split(" at line ").next().unwrap_or(&text).trim_end_matches(','))
        }
    };
    ConfigError { file: None, place: error.location().map(|place| (place.line(), place.column())), message }
}

/// Why a file cannot be read, and what to do.
pub fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::IsADirectory => "a folder is here, not a file".to_owned(),
        io::ErrorKind::InvalidData => "it is no text in UTF-8: save it as UTF-8".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "it may not be read by this user: run this as the user of the daemon, or let this one read it"
                .to_owned()
        }
        _ => format!("it cannot be read: {}", shown::refusal(error)),
    }
}

/// What is wrong with the YAML itself, in plain words, from those of its reader.
fn no_yaml(text: &str) -> String {
    let begins = |sign: char| format!("a text that begins with `{sign}` stands in quotes");
    match text {
        "mapping values are not allowed in this context" => {
            "a `:` with a blank behind it cannot stand here: indent keys of one list or level alike, and put a text that has one in \
             quotes"
                .to_owned()
        }
        "unclosed quote" => "the quote that begins here has no end".to_owned(),
        "alias references unknown anchor" => begins('*'),
        _ if text.starts_with("tabs disallowed") => "a tab stands here: YAML is indented with blanks".to_owned(),
        _ => match (text.strip_prefix("unclosed bracket "), text.strip_prefix("unexpected character: `")) {
            (Some(bracket), _) => format!("the bracket {bracket} that begins here has no end"),
            (_, Some(sign)) if sign.starts_with(['@', '`', '%']) => begins(sign.chars().next().unwrap_or('@')),
            _ => text.to_owned(),
        },
    }
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
