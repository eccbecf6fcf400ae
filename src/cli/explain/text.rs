//! The words of an explanation, wrapped to a width.

use std::fmt::Write;

use crate::call::Outcome;
use crate::classify::{Cause, Entry, sip};

/// More entries than this are listed by name only, unless the question named their pair.
const MOST_IN_FULL: usize = 3;
/// How many entries stand near a question that no entry answers.
const MOST_NEAREST: usize = 5;
/// Where the values of fields begin.
const VALUES: usize = 12;

/// Text for people, as it grows.
pub struct Text {
    written: String,
    width: usize,
}

impl Text {
    pub fn new(width: usize) -> Self {
        Self { written: String::new(), width }
    }

    pub fn into_string(self) -> String {
        self.written
    }

    pub fn paragraph(&mut self, text: &str) {
        self.wrapped("", text.split_whitespace(), 0);
    }

    pub fn field(&mut self, name: &str, value: &str) {
        self.wrapped(&format!("  {name:<10}"), value.split_whitespace(), VALUES);
    }

    pub fn blank(&mut self) {
        self.written.push('\n');
    }

    /// The label values of a failed call, with those that `cdr_cause_info` adds.
    pub fn labels(&mut self, cause: Cause<'_>, microsoft: u64, sip: u16) {
        let mut labels = vec![
            format!("cause=\"{}\"", cause.name()),
            format!("microsoft_code=\"{microsoft}\""),
            format!("sip_code=\"{sip}\""),
        ];
        if let Cause::Listed(entry) = cause {
            labels.push(format!("category=\"{}\"", entry.category));
            labels.push(format!("side=\"{}\"", entry.side.label()));
        }
        self.wrapped("  labels    ", labels.iter().map(String::as_str), VALUES);
    }

    /// Entries in full if they are few, else by name.
    pub fn entries(&mut self, entries: &[&Entry]) {
        if entries.len() <= MOST_IN_FULL {
            return self.in_full(entries.iter().copied());
        }
        entries.iter().for_each(|entry| self.name(entry));
        self.blank();
        if let Some(Entry { microsoft_code, sip_code, .. }) = entries.first() {
            self.paragraph(&format!(
                "For one of them in full: cdr-exporter explain {microsoft_code}/{sip_code}"
            ));
        }
    }

    pub fn in_full<'e>(&mut self, entries: impl IntoIterator<Item = &'e Entry>) {
        for (place, entry) in entries.into_iter().enumerate() {
            if place > 0 {
                self.blank();
            }
            self.entry(entry);
        }
    }

    fn entry(&mut self, entry: &Entry) {
        let Entry { microsoft_code, sip_code, cause, outcome, .. } = entry;
        self.paragraph(&format!("{microsoft_code}/{sip_code} {cause}"));
        match entry.phrase.as_str() {
            "" => self.field("phrase", "any other phrase of this pair"),
            phrase => self.field("phrase", phrase),
        }
        match (microsoft_code / 1000, sip::reason(*sip_code)) {
            (560, Some(reason)) => self.field("SIP code", &format!("{sip_code} {reason}, given by the SBC")),
            (_, Some(reason)) => self.field("SIP code", &format!("{sip_code} {reason}")),
            (_, None) => self.field("SIP code", &sip_code.to_string()),
        }
        self.field("outcome", &format!("{outcome}; NER: {}, {}", entry.ner.label(), entry.ner.explanation()));
        self.field("who", entry.side.explanation());
        self.field("remedy", &entry.remedy);
        match outcome {
            Outcome::Failed => self.labels(Cause::Listed(entry), *microsoft_code, *sip_code),
            _ => self.field("labels", &format!("outcome=\"{outcome}\" of cdr_calls_total; it is no failure")),
        }
    }

    pub fn nearest(&mut self, entries: &[&Entry]) {
        if entries.is_empty() {
            return;
        }
        self.blank();
        self.paragraph("Nearest in the catalogue:");
        entries.iter().take(MOST_NEAREST).for_each(|entry| self.name(entry));
    }

    fn name(&mut self, entry: &Entry) {
        let pair = format!("{}/{}", entry.microsoft_code, entry.sip_code);
        self.wrapped(&format!("  {pair:<12}"), entry.cause.split_whitespace(), 14);
    }

    /// Writes pieces, none of them broken, into lines of at most the width, later ones indented.
    fn wrapped<'p>(&mut self, lead: &str, pieces: impl Iterator<Item = &'p str>, indent: usize) {
        let mut line = lead.to_owned();
        let mut empty = true;
        for piece in pieces {
            if !empty && line.chars().count() + 1 + piece.chars().count() > self.width {
                let _ = writeln!(self.written, "{}", line.trim_end());
                line = " ".repeat(indent);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(piece);
            empty = false;
        }
        let _ = writeln!(self.written, "{}", line.trim_end());
    }
}
