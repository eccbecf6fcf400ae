//! The page at `/`: is anything wrong now, which causes cost most calls, is every record accounted for.

use maud::{Markup, html};

use super::{Links, ago, chart, length, page, time, trunk};
use crate::call::{CodePair, Outcome};
use crate::expose::api::calls::{Calls, FailedCalls};
use crate::expose::api::findings::Told;
use crate::expose::api::{SourceStatus, Status, Trouble, size};
use crate::findings::{Shown, percent, thousands};
use crate::ledger::status::FileStatus;
use crate::shown;

/// No more files are shown: those that are furthest behind.
const MOST_FILES: usize = 50;

/// Nor more causes; the API has some more.
const MOST_CAUSES: usize = 10;

/// The page.
pub fn overview(status: &Status, findings: &Told, links: Links<'_>) -> String {
    let body = html! {
        (now(status, findings, links))
        (told(status, findings, links))
        (causes(status, findings.is_live, links))
        (outcomes(&status.calls, findings.is_live))
        (sources(status))
        (files(status.files.as_deref(), links))
        (balance(&status.sources))
        h2 { "This program" }
        dl {
            dt { "Version" } dd { (status.version) }
            dt { "Running for" } dd { (length(status.uptime_seconds)) ", since " (time(&status.started_at)) }
            dt { "Last commit" } dd {
                @match &status.commits.last { Some(at) => { (time(at)) ", " (ago(at, &status.at)) } None => { "none yet" } }
                "; " (thousands(status.commits.total)) " in all, " (thousands(status.commits.failures)) " refused by the store"
            }
            dt { "History" } dd {
                @match &status.history {
                    Some(span) => { "calls by minute from " (time(&span.from)) " to " (time(&span.to)) }
                    None => "no calls of the last days",
                }
            }
        }
    };
    page("Overview", links, &body)
}

/// How many records of calls were counted, ever.
fn counted(status: &Status) -> u64 {
    status.sources.iter().filter_map(|source| source.records.get("counted")).sum()
}

/// When the newest of them ended.
fn newest(status: &Status) -> Option<&String> {
    status.sources.iter().filter_map(|source| source.newest_call.as_ref()).max()
}

/// The answer to the first question.
fn now(status: &Status, findings: &Told, links: Links<'_>) -> Markup {
    let on: Vec<&Shown> = findings.findings.iter().filter(|finding| findings.is_on(finding)).collect();
    let is_error = |trouble: &Trouble| trouble.level == "error";
    let errors = status.troubles.iter().filter(|trouble| is_error(trouble)).count();
    html! {
        h1 {
            @match (errors, on.len()) {
                (0, 0) if counted(status) == 0 => "No calls yet",
                (0, 0) if status.history.is_none() => "No calls of the last days",
                (0, 0) if !findings.is_live => "Nothing was wrong at the newest call",
                (0, 0) if !status.troubles.is_empty() => "Calls do not fail more than usual; something is to be looked at",
                (0, 0) => "Nothing is wrong now",
                (0, _) => "Calls fail more than usual now",
                (_, 0) => "Records are not counted as they should be",
                _ => "Calls fail more than usual, and records are not counted as they should be",
            }
        }
        p class="soft" {
            "As of " (time(&status.at)) " UTC. "
            @match &status.history {
                Some(_) if findings.is_live => "Calls come in.",
                Some(span) => { "The newest call ended " (ago(&span.to, &status.at)) "." }
                None if counted(status) > 0 => {
                    (thousands(counted(status))) " calls were counted; they are older than what this page keeps"
                    @if let Some(newest) = newest(status) { ", the newest ended " (ago(newest, &status.at)) }
                    "."
                }
                None => "Calls appear here as soon as records of them are counted.",
            }
        }
        @for finding in on { (found(finding, true, links)) }
        @for Trouble { level, what, advice } in &status.troubles {
            div class={ "box " (level) } {
                p { span class="tag" { (level) } " " (what) }
                p { (advice) }
            }
        }
    }
}

fn told(status: &Status, findings: &Told, links: Links<'_>) -> Markup {
    html! {
        h2 { "Findings of " (hours(status.hours, findings.is_live)) }
        @if status.history.is_some() && !findings.is_live {
            p {
                "These are calls from " (time(&findings.span.from)) " to " (time(&findings.span.to)) ". The newest call ended "
                (ago(&findings.span.to, &status.at)) "."
            }
        }
        p {
            (findings.headline)
            @if let Some(quiet) = &findings.quiet { " " (quiet) }
        }
        p class="soft" {
            "Show "
            @for (at, choice) in [1_u32, 24, 168, 336].into_iter().enumerate() {
                @if at > 0 { ", " }
                @if choice == status.hours { strong { (hours(choice, true)) } }
                @else { a href={ "?hours=" (choice) } { (hours(choice, true)) } }
            }
            ", up to the newest call."
        }
        @for finding in findings.findings.iter().filter(|finding| !findings.is_on(finding)) {
            (found(finding, false, links))
        }
    }
}

fn found(finding: &Shown, is_on: bool, links: Links<'_>) -> Markup {
    let codes = CodePair { microsoft: finding.microsoft_code, sip: finding.sip_code };
    html! {
        div class={ "box" @if is_on { " error" } } {
            p { @if is_on { span class="tag" { "Now" } " " } (finding.sentence) }
            p {
                @if let Some(who) = finding.who { strong { "Who can fix it: " } (who) ". " }
                (finding.remedy) " "
                a href=(links.cause(codes)) { "About " (finding.cause) }
            }
        }
    }
}

/// So many hours up to the newest call; where that is not of now, this is said.
fn hours(hours: u32, is_live: bool) -> String {
    let (last, end) = if is_live { ("last ", "") } else { ("", " up to the newest call") };
    match hours {
        1 => format!("the {last}hour{end}"),
        hours if hours > 48 && hours.is_multiple_of(24) => format!("the {last}{} days{end}", hours / 24),
        hours => format!("the {last}{hours} hours{end}"),
    }
}

fn causes(status: &Status, is_live: bool, links: Links<'_>) -> Markup {
    html! {
        h2 { "Top causes of " (hours(status.hours, is_live)) }
        @if status.failed.is_empty() {
            p { "No failed calls in this time." }
        } @else {
            table {
                thead { tr {
                    th scope="col" { "Cause" } th scope="col" { "Trunk" } th scope="col" class="number" { "Calls" }
                    th scope="col" class="number" { "Of failed" } th scope="col" class="number" { "Of the trunk's calls" }
                    th scope="col" { "By hour" } th scope="col" { "Who can fix it, and how" }
                } }
                tbody { @for row in status.failed.iter().take(MOST_CAUSES) { (cause(row, links)) } }
            }
        }
    }
}

fn cause(row: &FailedCalls, links: Links<'_>) -> Markup {
    let of_trunk = if row.attempts == 0 { 0.0 } else { row.calls as f64 / row.attempts as f64 };
    let what = format!("{} on {} by hour", row.cause, trunk(&row.trunk));
    html! {
        tr {
            td data-of="Cause" { a href=(links.cause(row.codes())) { (row.cause) } " " span class="soft" { (row.codes().shown()) } }
            td data-of="Trunk" class="name" { (trunk(&row.trunk)) }
            td data-of="Calls" class="number" { (thousands(row.calls)) }
            td data-of="Of failed" class="number" { (percent(row.share)) }
            td data-of="Of the trunk's calls" class="number" { (percent(of_trunk)) }
            td { (chart::bars(last_hours(&row.by_hour), 24, &what)) }
            td {
                @if let Some(side) = &row.side { strong { (side) } ": " }
                (row.remedy)
            }
        }
    }
}

/// No more bars than fit a table.
fn last_hours(by_hour: &[u64]) -> &[u64] {
    &by_hour[by_hour.len().saturating_sub(24)..]
}

fn outcomes(calls: &[Calls], is_live: bool) -> Markup {
    let ratio = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), percent);
    html! {
        h2 { "Outcomes" }
        @if calls.is_empty() { p { "No calls of the last days." } }
        @else {
            table {
                thead { tr {
                    th scope="col" { "Time" } th scope="col" class="number" { "Calls" }
                    @for outcome in Outcome::ALL { th scope="col" class="number" { (outcome.label().replace('_', " ")) } }
                    th scope="col" class="number" { "ASR" } th scope="col" class="number" { "NER" }
                } }
                tbody { @for row in calls {
                    tr {
                        td data-of="Time" { (hours(row.hours, is_live)) span class="soft" { ", from " (time(&row.from)) " to " (time(&row.to)) } }
                        td data-of="Calls" class="number" { (thousands(row.calls)) }
                        @for outcome in Outcome::ALL {
                            td data-of=(outcome.label()) class="number" { (thousands(row.outcomes.get(outcome.label()).copied().unwrap_or_default())) }
                        }
                        td data-of="ASR" class="number" { (ratio(row.asr)) }
                        td data-of="NER" class="number" { (ratio(row.ner)) }
                    }
                } }
            }
            p class="soft" {
                "ASR = answered / (all - elsewhere). NER = (answered + busy + no answer + declined + cancelled) / (all - elsewhere): \
                 the calls for which the network did its part."
            }
        }
    }
}

fn sources(status: &Status) -> Markup {
    html! {
        h2 { "Sources" }
        table {
            thead { tr {
                th scope="col" { "Source" } th scope="col" { "Newest call" } th scope="col" { "Files" }
                th scope="col" class="number" { "Bytes behind" } th scope="col" { "Rejected records, and why" }
            } }
            tbody { @for source in &status.sources {
                tr {
                    td data-of="Source" { (source.name) }
                    td data-of="Newest call" {
                        @match &source.newest_call { Some(at) => { (time(at)) ", " (ago(at, &status.at)) } None => "none" }
                    }
                    td data-of="Files" { (listed(&source.files)) }
                    td data-of="Bytes behind" class="number" { (size(source.pending_bytes)) }
                    td data-of="Rejected" { (listed(&source.rejected)) }
                }
            } }
        }
    }
}

/// As in `2 reading, 1 waiting`, without what is 0.
fn listed(counts: &std::collections::BTreeMap<String, u64>) -> String {
    let some: Vec<String> = counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(label, count)| format!("{} {}", thousands(*count), label.replace('_', " ")))
        .collect();
    if some.is_empty() { "none".to_owned() } else { some.join(", ") }
}

fn files(files: Option<&[FileStatus]>, links: Links<'_>) -> Markup {
    let mut shown: Vec<&FileStatus> = files.unwrap_or_default().iter().collect();
    shown.sort_by_key(|file| (file.error.is_none(), std::cmp::Reverse(file.bytes_behind), &file.path));
    let more = shown.len().saturating_sub(MOST_FILES);
    shown.truncate(MOST_FILES);
    html! {
        h2 { "Files" }
        @if files.is_none() {
            p { "There are too many to show here, or the program is busy reading: see " a href={ (links.root) "-/files" } { "-/files" } "." }
        } @else {
            table {
                thead { tr {
                    th scope="col" { "File" } th scope="col" { "State" } th scope="col" class="number" { "Read up to" }
                    th scope="col" class="number" { "Behind" } th scope="col" { "Last error" }
                } }
                tbody { @for file in shown {
                    tr {
                        td data-of="File" { (shown::text(&file.path)) }
                        td data-of="State" { (file.state) @if let Some(format) = &file.format { ", " (format) } }
                        td data-of="Read up to" class="number" { (thousands(file.position)) " bytes" }
                        td data-of="Behind" class="number" { (file.bytes_behind.map_or_else(|| "unknown".to_owned(), size)) }
                        td data-of="Last error" { (file.error.as_deref().map_or_else(|| "none".to_owned(), shown::text)) }
                    }
                } }
            }
            @if more > 0 { p { "And " (more) " more: see " a href={ (links.root) "-/files" } { "-/files" } "." } }
        }
    }
}

fn balance(sources: &[SourceStatus]) -> Markup {
    const RESULTS: [&str; 5] = ["counted", "duplicate", "header", "ignored", "rejected"];
    html! {
        h2 { "Balance of records" }
        p class="soft" { "Every record that was read is in exactly one of these, since the counters began." }
        table {
            thead { tr {
                th scope="col" { "Source" } th scope="col" class="number" { "Read" }
                @for result in RESULTS { th scope="col" class="number" { (result) } }
                th scope="col" { "Balanced" }
            } }
            tbody { @for source in sources {
                tr {
                    td data-of="Source" { (source.name) }
                    td data-of="Read" class="number" { (thousands(source.read_records)) }
                    @for result in RESULTS {
                        td data-of=(result) class="number" { (thousands(source.records.get(result).copied().unwrap_or_default())) }
                    }
                    td data-of="Balanced" {
                        @if source.records.values().sum::<u64>() == source.read_records { "yes" }
                        @else { strong { "no: please report this" } }
                    }
                }
            } }
        }
    }
}
