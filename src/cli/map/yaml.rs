//! A proposed mapping as YAML for a config, with what is to be looked at as comments.

use std::path::Path;

use super::whole;
use crate::format::mapped::guess::{Guess, Proposal};
use crate::format::mapped::sampling::{Sampled, TIME_OF_LINE};
use crate::format::mapped::{FIELDS, Field, Shape};

/// The whole config of a file of a built-in format.
pub fn built_in(file: &Path, format: &str) -> String {
    let head = format!("# This file is of the format {format}, which is built in and needs no mapping.\n");
    head + &source(file) + &format!("    format: {format}\n")
}

/// The beginning of a source that has this file.
fn source(file: &Path) -> String {
    format!(
        "sources:\n  - name: sbc    # becomes the label `source`\n    paths: [{}]\n",
        quoted(&whole(file))
    )
}

/// The whole config of any other.
pub fn config(file: &Path, sampled: &Sampled, proposal: &Proposal) -> String {
    let mut text = "# Proposed from the names of columns and the form of values: all of it is a guess. Look at each line, and try it with\n\
             #   cdr-exporter check --config.file FILE\n"
        .to_owned();
    text += &source(file);
    text += &shape(sampled, proposal);
    if let Some((place, value)) = &proposal.condition {
        text += "    # guess: other records are not the end of a call\n";
        text += &format!("    where: {{field: {}, is: {}}}\n", word(place), word(value));
    }
    let is_time = |guess: &&Guess| matches!(guess.field, Field::Started | Field::Answered | Field::Ended);
    if proposal.guesses.iter().any(|guess| is_time(&guess)) {
        text += "    # of times that name no zone: where the device's clock is, such as Europe/Berlin\n    timezone: UTC\n";
    }
    text += "    fields:\n";
    for (name, field) in FIELDS {
        if let Some(guess) = proposal.guesses.iter().find(|guess| guess.field == field) {
            text += &line(name, guess);
        }
    }
    // Only reports have a count.
    let missing = |name: &&(&str, Field)| {
        name.1 != Field::Count && !proposal.guesses.iter().any(|guess| guess.field == name.1)
    };
    let missing: Vec<&str> = FIELDS.iter().filter(missing).map(|(name, _)| *name).collect();
    text += &format!("    # found nowhere: {}\n", missing.join(", "));
    text + &unused(proposal)
}

/// How records are cut and taken apart.
fn shape(sampled: &Sampled, proposal: &Proposal) -> String {
    match &sampled.shape {
        Shape::Csv { delimiter, has_header } => {
            let delimiter = match delimiter {
                b',' => String::new(),
                b'\t' => "    delimiter: tab\n".to_owned(),
                other => format!("    delimiter: {}\n", quoted(&char::from(*other).to_string())),
            };
            let header = if *has_header {
                ""
            } else {
                "    # the first line is not surely one of names, and is read as a record; columns are numbers, from 1\n    header: false\n"
            };
            format!("    format: csv\n{delimiter}{header}")
        }
        Shape::Json => match sampled.records_in.as_deref() {
            None => "    format: json\n".to_owned(),
            Some([]) => {
                "    format: json\n    # each object is a record, whatever lists are in it\n    records_in: []\n"
                    .to_owned()
            }
            Some(names) => {
                let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
                format!("    format: json\n    records_in: [{}]\n", names.join(", "))
            }
        },
        Shape::Regex(_) => {
            let is_used = |place: &&str| {
                *place != TIME_OF_LINE && proposal.guesses.iter().any(|guess| guess.place == **place)
            };
            let places = sampled.samples.iter().map(|sample| sample.place.as_str());
            let names: Vec<&str> = places.filter(is_used).collect();
            let pattern = sampled.line.as_ref().map(|line| line.pattern(&names)).unwrap_or_default();
            format!(
                "    format: regex\n    # a line without one of these names, in this order, is ignored\n    patterns: [{}]\n",
                quoted(&pattern)
            )
        }
    }
}

fn line(name: &str, guess: &Guess) -> String {
    let place = word(&guess.place);
    let origin = match guess.more.as_slice() {
        [] => place,
        more => format!("{{field: {place}, {}}}", more.join(", ")),
    };
    let doubt = if guess.doubt.is_empty() { String::new() } else { format!("    # guess: {}", guess.doubt) };
    format!("      {name}: {origin}{doubt}\n")
}

fn unused(proposal: &Proposal) -> String {
    if proposal.unused.is_empty() {
        return String::new();
    }
    let mut text = "    # not used:\n".to_owned();
    for (place, why) in &proposal.unused {
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        text += &format!("    #   {}{why}\n", crate::shown::text(place));
    }
    text
}

/// A text that YAML reads as this text.
fn word(text: &str) -> String {
    let is_plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    // What may be a flag or a number is quoted, but for the number of a column.
    let is_word = text.starts_with(|letter: char| letter.is_ascii_alphabetic()) && text.len() > 5;
    let is_column = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain && (is_word || is_column) { text.to_owned() } else { quoted(text) }
}

/// In quotes, as JSON has it, and so YAML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
