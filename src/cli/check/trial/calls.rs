//! The first calls of a file side by side, as they will count: a line for each field, with the place it comes from.

use super::name;
use crate::call::{Arrival, Call, Outcome};
use crate::classify::{Catalogue, Verdict};
use crate::format::Format;
use crate::format::mapped::trial::{Trial, shape};
use crate::format::trunk::may_be_person;
use crate::pipeline::Source;
use crate::reading::labels::{label_set, labelled};

/// The first calls side by side.
pub fn text(
    calls: &[(Call<'static>, Trial)],
    source: &Source,
    format: &Format,
    catalogue: &Catalogue,
) -> String {
    if calls.is_empty() {
        return String::new();
    }
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    let columns: Vec<Vec<(&str, String)>> =
        calls.iter().map(|(call, trial)| decoded(call, trial, source, format, catalogue)).collect();
    let origin = |key: &str| {
        let wanted = calls.iter().flat_map(|(_, trial)| &trial.wanted).find(|(known, ..)| *known == key);
        wanted.map_or_else(|| key.to_owned(), |(_, place, _)| format!("{key} ({})", name(place, format)))
    };
    for (row, (key, _)) in columns[0].iter().enumerate() {
        let values: Vec<String> = columns.iter().map(|column| column[row].1.clone()).collect();
        if values.iter().any(|value| value != "-") || origin(key) != *key {
            lines.push((origin(key), values));
        }
    }
    let width =
        |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| text.chars().count()).max().unwrap_or(0);
    let first = width(&mut lines.iter().map(|(key, _)| key));
    let widths: Vec<usize> =
        (0..calls.len()).map(|at| width(&mut lines.iter().map(|(_, values)| &values[at]))).collect();
    let numbers = if calls.len() == 1 { "call".to_owned() } else { format!("{} calls", calls.len()) };
    let mut text = format!("    the first {numbers}, as `fields` reads them:\n");
    for (key, values) in lines {
        let mut line = format!("      {key:first$}");
        for (value, width) in values.iter().zip(&widths) {
            line += &format!("  {value:width$}");
        }
        text += line.trim_end();
        text += "\n";
    }
    text
}

/// One call, as it is counted.
fn decoded(
    call: &Call<'static>,
    trial: &Trial,
    source: &Source,
    format: &Format,
    catalogue: &Catalogue,
) -> Vec<(&'static str, String)> {
    let verdict: Verdict<'_> = catalogue.classify(call);
    let (cause, codes) = labelled(&verdict);
    let only = source.books.trunks.as_deref();
    let labels = label_set(call, &verdict, Arrival::Late, format, only, (&*cause).into(), codes);
    let or_none = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    // Nobody but the operator knows whether such a place names trunks.
    let trunk = match only {
        None if may_be_person(&labels.trunk) => shape(&labels.trunk),
        _ => labels.trunk.to_string(),
    };
    let read = |key: &str| {
        let found = trial.read.iter().find(|(known, _)| *known == key);
        or_none(found.map(|(_, text)| text.clone()).unwrap_or_default())
    };
    let own = call.codes.pair().without_numbers();
    let microsoft = match (own.microsoft, verdict.codes.microsoft) {
        (None, Some(inferred)) if verdict.outcome != Outcome::Answered => format!("{inferred}, inferred"),
        _ => own.microsoft_label(),
    };
    let number = |number: Option<u16>| or_none(number.map(|it| it.to_string()).unwrap_or_default());
    vec![
        ("trunk", or_none(trunk)),
        ("direction", or_none(call.direction.label().to_owned())),
        ("success", read("success")),
        ("microsoft_code", or_none(microsoft)),
        ("sip_code", number(own.sip)),
        ("q850", number(call.codes.q850.map(u16::from))),
        ("started", read("started")),
        ("answered", read("answered")),
        ("ended", or_none(call.ended_at.map(crate::cli::inspect::time).unwrap_or_default())),
        ("duration", read("duration")),
        ("count", read("count")),
        ("outcome", verdict.outcome.label().to_owned()),
        ("cause", or_none(cause.into_owned())),
    ]
}
