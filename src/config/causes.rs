//! `causes`: the operator's rows of the catalogue.

use serde_saphyr::Spanned;

use super::errors::{Checked, at, unknown};
use super::file;
use super::sources::printable;
use crate::call::Outcome;
use crate::classify::{Catalogue, Entry, Side};

/// The catalogue with these rows over its own.
pub fn catalogue(causes: &[Spanned<file::Cause>]) -> Checked<Catalogue> {
    let entries = causes.iter().map(entry).collect::<Checked<_>>()?;
    Catalogue::with_operator_entries(entries).map_err(|refused| at(&causes[refused.at], refused.to_string()))
}

fn entry(cause: &Spanned<file::Cause>) -> Checked<Entry> {
    let written = &cause.value;
    for text in [&written.cause, &written.category, &written.remedy] {
        printable(text, cause)?;
    }
    let outcome = Outcome::from_label(&written.outcome.value).ok_or_else(|| {
        at(&written.outcome, unknown("outcome", &written.outcome.value, &Outcome::ALL.map(Outcome::label)))
    })?;
    let side = Side::from_label(&written.side.value).ok_or_else(|| {
        at(&written.side, unknown("side", &written.side.value, &Side::ALL.map(Side::label)))
    })?;
    Ok(Entry {
        microsoft_code: written.microsoft_code,
        sip_code: written.sip_code,
        phrase: written.phrase.clone(),
        cause: written.cause.as_str().into(),
        outcome,
        side,
        category: written.category.clone(),
        ner: outcome.into(),
        documented_for: "config".to_owned(),
        remedy: written.remedy.clone(),
    })
}
