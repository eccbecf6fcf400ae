//! An explanation for people, wrapped to a width.

use std::fmt::Write;

use super::answer::{Answer, Told, sip_meaning};
use crate::call::{CodePair, Outcome};
use crate::classify::{Cause, Entry, Side, range, sip};

/// More entries than this are listed by name only, unless the question named their pair.
const MOST_IN_FULL: usize = 3;
/// Where the values of fields begin.
const VALUES: usize = 12;

/// The explanation as text.
pub fn render(answer: &Answer<'_>, width: usize) -> String {
    let mut text = Text { written: String::new(), width };
    answer.lead.iter().for_each(|sentence| text.paragraph(sentence));
    let listed: Vec<&Entry> = answer.causes.iter().filter_map(Told::listed).collect();
    if !listed.is_empty() && !answer.lead.is_empty() {
        text.blank();
    }
    text.entries(&listed, answer.in_full);
    for told in &answer.causes {
        if let Told::Outside { heading, cause, outcome, codes } = told {
            if !heading.is_empty() {
                text.blank();
                text.paragraph(heading);
            }
            text.outside(*cause, *outcome, *codes);
        }
    }
    text.nearest(&answer.nearest);
    text.written
}

impl<'c> Told<'c> {
    fn listed(&self) -> Option<&'c Entry> {
        match self {
            Self::Listed(entry) => Some(entry),
            Self::Outside { .. } => None,
        }
    }
}

/// Who can fix it, if anybody needs to.
fn who(side: Option<Side>, outcome: Outcome) -> &'static str {
    match side {
        Some(Side::User) if outcome != Outcome::Failed => "nobody needs to: this is no failure",
        Some(side) => side.explanation(),
        None => "not known before the codes are looked up",
    }
}

/// Text as it grows.
struct Text {
    written: String,
    width: usize,
}

impl Text {
    fn paragraph(&mut self, text: &str) {
        let indent = text.len() - text.trim_start().len();
        self.wrapped(&text[..indent], text.split_whitespace(), 0);
    }

    fn field(&mut self, name: &str, value: &str) {
        self.wrapped(&format!("  {name:<10}"), value.split_whitespace(), VALUES);
    }

    fn blank(&mut self) {
        self.written.push('\n');
    }

    /// Entries in full if they are few, else by name.
    fn entries(&mut self, entries: &[&Entry], in_full: bool) {
        if in_full || entries.len() <= MOST_IN_FULL {
            for (place, entry) in entries.iter().enumerate() {
                if place > 0 {
                    self.blank();
                }
                self.entry(entry);
            }
            return;
        }
        entries.iter().for_each(|entry| self.name(entry));
        self.blank();
        if let Some(Entry { microsoft_code, sip_code, .. }) = entries.first() {
            self.paragraph(&format!(
                "For one of them in full: cdr-exporter explain {microsoft_code}/{sip_code}"
            ));
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
        self.field("who", who(Some(entry.side), *outcome));
        self.field("remedy", &entry.remedy);
        self.labels(Cause::Listed(entry), *outcome, entry.codes());
    }

    /// A cause that no row has.
    fn outside(&mut self, cause: Cause<'_>, outcome: Outcome, codes: CodePair) {
        if let CodePair { microsoft: Some(_), sip: Some(sip) } = codes {
            self.field("SIP code", &sip_meaning(sip));
        }
        if let Some(meaning) = codes.microsoft.and_then(range::meaning) {
            self.field("range", meaning);
        }
        match (cause, outcome) {
            (Cause::Standard(_), Outcome::NoAnswer) if codes.sip.is_some() => {
                self.field("outcome", "no_answer where the called side said so, else failed");
            }
            (Cause::Standard(_), _) => self.field("outcome", outcome.label()),
            _ => {}
        }
        if cause.side().is_some() || cause == Cause::Unlisted {
            // Of a SIP code alone it is not sure that nobody answered.
            let is_sure = !(codes.sip.is_some() && outcome == Outcome::NoAnswer);
            self.field("who", who(cause.side(), if is_sure { outcome } else { Outcome::Failed }));
        }
        self.field("remedy", cause.remedy());
        self.labels(cause, outcome, codes);
    }

    /// The label values of a failed call, with those that `cdr_cause_info` adds.
    fn labels(&mut self, cause: Cause<'_>, outcome: Outcome, codes: CodePair) {
        if outcome != Outcome::Failed {
            let labels = format!("outcome=\"{outcome}\" of cdr_calls_total; it is no failure");
            return self.field("labels", &labels);
        }
        let mut labels = vec![format!("cause=\"{}\"", cause.name())];
        labels.extend(codes.microsoft.map(|code| format!("microsoft_code=\"{code}\"")));
        labels.extend(codes.sip.map(|code| format!("sip_code=\"{code}\"")));
        labels.push(format!("category=\"{}\"", cause.category()));
        labels.extend(cause.side().map(Side::label).map(|side| format!("side=\"{side}\"")));
        self.wrapped("  labels    ", labels.iter().map(String::as_str), VALUES);
    }

    fn nearest(&mut self, entries: &[&Entry]) {
        if entries.is_empty() {
            return;
        }
        self.blank();
        self.paragraph("Nearest in the catalogue:");
        entries.iter().for_each(|entry| self.name(entry));
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
