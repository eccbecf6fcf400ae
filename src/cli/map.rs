//! `cdr-exporter map`: a config for records of any kind, proposed from the names that are in them.

mod yaml;

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, texts};
use crate::format::mapped::Shape;
use crate::format::mapped::guess::{self, Proposal};
use crate::format::mapped::sampling::{self, Sampled};
use crate::format::{Format, unknown};
use crate::source::open::open;

/// Propose a config for records of another kind, from the names of their columns or properties
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cdr-exporter map /var/spool/cdr/sbc.csv > sbc.yml\n  \
                        cdr-exporter check --config.file sbc.yml")]
pub struct Arguments {
    /// A file with such records
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Prints the config. The answer is no where nothing in the file seems to say how a call ended.
pub fn run(arguments: &Arguments) -> Exit {
    let file = &arguments.file;
    // For the message: what is read is the text, whatever it is packed in.
    if let Err(error) = open(file) {
        super::say("map", format_args!("{}: {error}", crate::shown::path(file)));
        return Exit::No;
    }
    let text = texts::text_at(file, 0).unwrap_or_default();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    if let Some(what) = unknown::no_text(text) {
        super::say("map", format_args!("{}: {what}", crate::shown::path(file)));
        return Exit::No;
    }
    let finished = text.len() < texts::RECORD_BYTES;
    if let Some(format) = Format::certain(text, finished) {
        return super::print("map", &yaml::built_in(file, format.name), Exit::Ok);
    }
    let (sampled, proposal) = likeliest(text, finished);
    if sampled.samples.is_empty() {
        super::say(
            "map",
            format_args!("{}: {}", crate::shown::path(file), without_records(text, &sampled.shape)),
        );
        return Exit::No;
    }
    let printed = super::print("map", &yaml::config(file, &sampled, &proposal), Exit::Ok);
    if !proposal.says_how_calls_end() {
        super::say(
            "map",
            "nothing in it seems to say how a call ended: name the place of success, answered, microsoft_code, sip_code or \
             q850 in `fields`",
        );
        return Exit::No;
    }
    printed
}

/// The first way to find records in which something says how a call ended; where none does, the first.
fn likeliest(text: &[u8], finished: bool) -> (Sampled, Proposal) {
    let of = |sampled: Sampled| {
        let proposal = guess::propose(&sampled.samples);
        (sampled, proposal)
    };
    let mut ways: Vec<_> = sampling::sampled(text, finished).into_iter().map(of).collect();
    let says = ways.iter().position(|(_, proposal)| proposal.says_how_calls_end());
    ways.swap_remove(says.unwrap_or_default())
}

/// Why there is nothing to guess from.
fn without_records(text: &[u8], shape: &Shape) -> &'static str {
    match shape {
        _ if text.trim_ascii().is_empty() => "it is empty: give a file with records",
        Shape::Json => "no record in it is whole: it is cut off, or no JSON",
        Shape::Csv { has_header: true, .. } => {
            "it has a header and no record below it: what columns hold is guessed from records, so give a file with some"
        }
        Shape::Csv { .. } | Shape::Regex(_) => "there is no record in it",
    }
}

/// The path as `paths` takes it: whole, and of no other file.
fn whole(file: &Path) -> String {
    let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    globset::escape(&path.to_string_lossy())
}
