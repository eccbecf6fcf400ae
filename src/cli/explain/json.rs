//! An explanation for programs.

use serde::Serialize;

use super::answer::{Answer, Told};
use crate::classify::{Entry, Side};

#[derive(Serialize)]
struct Explanation<'a> {
    question: &'a str,
    /// Whether anything is known about it.
    found: bool,
    /// Sentences that stand before the causes.
    about: Vec<&'a str>,
    causes: Vec<About<'a>>,
    /// What the catalogue has near it.
    nearest: Vec<About<'a>>,
}

/// A cause under the names that metrics and `inspect --output json` have.
#[derive(Serialize)]
struct About<'a> {
    cause: String,
    microsoft_code: Option<u64>,
    sip_code: Option<u16>,
    /// `""` stands for any other phrase of the pair; `null`, for a cause outside the catalogue.
    phrase: Option<&'a str>,
    outcome: &'static str,
    category: &'a str,
    side: Option<&'static str>,
    ner: Option<&'static str>,
    remedy: &'a str,
    documented_for: Option<&'a str>,
}

/// The explanation as one JSON object.
pub fn render(question: &str, answer: &Answer<'_>) -> String {
    let explanation = Explanation {
        question,
        found: answer.found,
        about: answer.lead.iter().map(|sentence| sentence.trim()).collect(),
        causes: answer.causes.iter().map(about).collect(),
        nearest: answer.nearest.iter().map(|entry| about_entry(entry)).collect(),
    };
    serde_json::to_string_pretty(&explanation).unwrap_or_default() + "\n"
}

fn about<'a>(told: &'a Told<'_>) -> About<'a> {
    match told {
        Told::Listed(entry) => about_entry(entry),
        Told::Outside { cause, outcome, codes, .. } => About {
            cause: cause.name().into_owned(),
            microsoft_code: codes.microsoft,
            sip_code: codes.sip,
            phrase: None,
            outcome: outcome.label(),
            category: cause.category(),
            side: cause.side().map(Side::label),
            ner: None,
            remedy: cause.remedy(),
            documented_for: None,
        },
    }
}

fn about_entry(entry: &Entry) -> About<'_> {
    About {
        cause: entry.cause.to_string(),
        microsoft_code: Some(entry.microsoft_code),
        sip_code: Some(entry.sip_code),
        phrase: Some(&entry.phrase),
        outcome: entry.outcome.label(),
        category: &entry.category,
        side: Some(entry.side.label()),
        ner: Some(entry.ner.label()),
        remedy: &entry.remedy,
        documented_for: Some(&entry.documented_for),
    }
}
