//! What the causes mean: the searchable catalogue, and a page for each pair with its hours and trunks here.

use maud::{Markup, html};

use super::{Links, chart, page, runbook, trunk};
use crate::call::CodePair;
use crate::classify::{Catalogue, Cause, Entry, Side, words};
use crate::expose::api::calls::{OfPair, about};
use crate::findings::{percent_of, thousands};

/// The catalogue, or what of it has all these words.
pub fn catalogue(catalogue: &Catalogue, query: &str, side: Option<Side>, links: Links<'_>) -> String {
    let wanted: Vec<&str> = query.split_whitespace().collect();
    let is_wanted = |entry: &&Entry| {
        side.is_none_or(|side| entry.side == side) && {
            let text = searched(entry);
            wanted.iter().all(|word| words::stand_in(&text, word))
        }
    };
    let found: Vec<&Entry> = catalogue.entries().iter().filter(is_wanted).collect();
    let body = html! {
        h1 { "Causes" }
        p { "What each pair of codes in a call record means: Microsoft response code (CallEndSubReason) and SIP response code (CallEndReason)." }
        form method="get" {
            div { label for="q" { "Code, cause, phrase or remedy" } input id="q" name="q" type="search" size="30" value=(query); }
            div {
                label for="side" { "Who can fix it" }
                select id="side" name="side" {
                    option value="" selected[side.is_none()] { "anyone" }
                    @for one in Side::ALL { option value=(one.label()) selected[side == Some(one)] { (one.label()) } }
                }
            }
            button type="submit" { "Search" }
        }
        p class="soft" { (found.len()) " of " (catalogue.entries().len()) " rows." }
        table {
            thead { tr {
                th scope="col" { "Pair" } th scope="col" { "Cause" } th scope="col" { "Outcome" }
                th scope="col" { "Who can fix it" } th scope="col" { "Remedy" }
            } }
            tbody { @for entry in found {
                tr {
                    td data-of="Pair" { a href=(links.cause(entry.codes())) { (entry.codes().shown()) } }
                    td data-of="Cause" { (entry.cause) }
                    td data-of="Outcome" { (entry.outcome) }
                    td data-of="Who can fix it" { (entry.side.label()) }
                    td data-of="Remedy" { (entry.remedy) }
                }
            } }
        }
    };
    page("Causes", links, &body)
}

fn searched(entry: &Entry) -> String {
    let Entry { microsoft_code, sip_code, phrase, cause, category, remedy, .. } = entry;
    format!("{microsoft_code}/{sip_code} {cause} {phrase} {category} {remedy}")
}

/// What is known of a code pair, and its failed calls here in so many hours.
pub fn cause(catalogue: &Catalogue, codes: CodePair, here: &OfPair, links: Links<'_>) -> String {
    let rows = match (codes.microsoft, codes.sip) {
        (Some(microsoft), Some(sip)) => catalogue.pair(microsoft, sip),
        _ => &[],
    };
    let counted = here.causes.keys().filter(|cause| rows.iter().all(|row| row.cause != **cause));
    let would_be = Some(catalogue.of_failed(codes).cause)
        .filter(|cause| *cause != Cause::Unlisted)
        .map(|cause| cause.name());
    let body = html! {
        h1 { (codes.shown()) @if let [only] = rows { ": " (only.cause) } }
        @for row in rows { (listed(row, rows.len() > 1)) }
        @for cause in counted.clone() {
            (unlisted(cause, codes, catalogue))
        }
        @if rows.is_empty() && counted.count() == 0 {
            p { "This pair is not in the catalogue, and no call of the history failed with it. Try the "
                a href={ (links.root) "causes" } { "search" } "." @if would_be.is_some() { " A call that fails with it counts as:" } }
            @if let Some(cause) = &would_be { (unlisted(cause, codes, catalogue)) }
        }
        (hours(here))
        (trunks(here))
    };
    page(&format!("Cause {}", codes.shown()), links, &body)
}

fn listed(entry: &Entry, with_name: bool) -> Markup {
    let meaning = if entry.phrase.is_empty() { "any other phrase of this pair" } else { &entry.phrase };
    html! {
        @if with_name { h2 { (entry.cause) } }
        dl {
            dt { "Meaning" } dd { (meaning) }
            dt { "Outcome" } dd { (entry.outcome) }
            dt { "Who can fix it" } dd { (entry.side.explanation()) }
            dt { "What to do" } dd { (entry.remedy) }
            dt { "Runbook: " (entry.category) } dd { (runbook::section(&entry.category).unwrap_or_else(|| html! { "none" })) }
            dt { "For NER" } dd { (entry.ner.label()) ": " (entry.ner.explanation()) }
            dt { "Documented for" } dd { (entry.documented_for) }
        }
    }
}

fn unlisted(cause: &str, codes: CodePair, catalogue: &Catalogue) -> Markup {
    let about = about(cause, codes, catalogue);
    html! {
        h2 { (cause) }
        dl {
            @if let Some(who) = &about.who { dt { "Who can fix it" } dd { (who) } }
            dt { "What to do" } dd { (about.remedy) }
            dt { "Runbook: " (about.category) } dd { (runbook::section(&about.category).unwrap_or_else(|| html! { "none" })) }
        }
    }
}

fn counted(hours: usize) -> String {
    if hours == 1 { "1 hour".to_owned() } else { format!("{} hours", thousands(hours as u64)) }
}

fn hours(here: &OfPair) -> Markup {
    let calls: u64 = here.by_hour.iter().sum();
    let days: Vec<u64> = here.by_hour.rchunks(24).rev().map(|day| day.iter().sum()).collect();
    html! {
        h2 { "Here" }
        @if calls == 0 {
            p { "No call failed so in " (counted(here.by_hour.len())) " up to the newest call." }
        }
        @else {
            p { (thousands(calls)) " failed calls in " (counted(here.by_hour.len())) " up to the newest call." }
            p class="soft" { "By hour, the last " (here.by_hour.len().min(48)) ":" }
            (chart::bars(&here.by_hour[here.by_hour.len().saturating_sub(48)..], 60, "failed calls by hour"))
            @if days.len() > 2 {
                p class="soft" { "By day, the last " (days.len()) ":" }
                (chart::bars(&days, 60, "failed calls by day"))
            }
        }
    }
}

fn trunks(here: &OfPair) -> Markup {
    let mut trunks: Vec<_> = here.trunks.iter().collect();
    trunks.sort_by_key(|(_, [failed, _])| std::cmp::Reverse(*failed));
    html! {
        @if !trunks.is_empty() {
            table {
                thead { tr {
                    th scope="col" { "Trunk" } th scope="col" { "Direction" } th scope="col" class="number" { "Failed so" }
                    th scope="col" class="number" { "Of its calls" } th scope="col" class="number" { "Share" }
                } }
                tbody { @for ((name, direction), [failed, attempts]) in trunks {
                    tr {
                        td data-of="Trunk" class="name" { (trunk(name)) }
                        td data-of="Direction" { (direction.label()) }
                        td data-of="Failed so" class="number" { (thousands(*failed)) }
                        td data-of="Of its calls" class="number" { (thousands(*attempts)) }
                        td data-of="Share" class="number" { (percent_of(*failed, *attempts)) }
                    }
                } }
            }
        }
    }
}
