//! docs/causes.md as text: the catalogue for people, one section for each pair.

use std::fmt::Write;

use super::entry::{Entry, NetworkEffectiveness};
use super::{Catalogue, Cause, Standard, q850, range, sip};

/// The anchor of a pair's section, for example `531004-410`.
pub fn anchor(entry: &Entry) -> String {
    format!("{}-{}", entry.microsoft_code, entry.sip_code)
}

/// The whole page.
pub fn markdown(catalogue: &Catalogue) -> String {
    let mut page = String::from(INTRODUCTION);
    for class in NetworkEffectiveness::ALL {
        line(&mut page, format_args!("- *{}*: {}.", class.label(), class.explanation()));
    }
    page.push_str("\n## All pairs\n\n| pair | cause | outcome | who can fix it |\n|---|---|---|---|\n");
    for entry in catalogue.info_rows() {
        let Entry { microsoft_code, sip_code, cause, outcome, side, .. } = entry;
        let anchor = anchor(entry);
        line(
            &mut page,
            format_args!(
                "| [{microsoft_code}/{sip_code}](#{anchor}) | {cause} | {outcome} | {} |",
                side.label()
            ),
        );
    }
    outside(&mut page);
    for rows in catalogue.pairs() {
        section(&mut page, rows);
    }
    page
}

const INTRODUCTION: &str = "\
# Causes

What each pair of codes in a Teams Direct Routing call record means, who can fix it, and how. This page is
made from the tables in `src/classify`; `cdr-exporter explain 531004 410` prints the same on the command line.

A pair is the Microsoft response code (`CallEndSubReason`, label `microsoft_code`) and the SIP response code
(`CallEndReason`, label `sip_code`). Neither half is enough: 531000 means one thing with 410 and another
with 488. Where a pair comes with several phrases, each has its own cause, and one cause stands for any
other phrase.

**NER class** says how the pair counts for the network effectiveness ratio, seen by its codes alone; the
shipped rules go by the outcome, and count `failed` against the network.

";

fn outside(page: &mut String) {
    outside_cause(page, "sbc-refused", Cause::SbcRefused(488), SBC_REFUSED);
    ranges(page);
    outside_cause(page, "unlisted", Cause::Unlisted, UNLISTED);
    for (anchor, title, codes) in [("sip", "SIP codes", sip::all()), ("q850", "causes of Q.850", q850::all())]
    {
        standards(page, anchor, title, codes);
    }
}

fn outside_cause(page: &mut String, anchor: &str, cause: Cause<'_>, meaning: &str) {
    let title = cause.name();
    let title = title.split(':').next().unwrap_or_default();
    line(page, format_args!("\n<a id=\"{anchor}\"></a>\n## Outside the list: {title}\n\n{meaning}\n"));
    if let Some(side) = cause.side() {
        line(page, format_args!("- Who can fix it: {}", side.explanation()));
    }
    line(page, format_args!("- Category: `{}`", cause.category()));
    line(page, format_args!("- Remedy: {}", cause.remedy()));
}

fn ranges(page: &mut String) {
    line(page, format_args!("\n<a id=\"ranges\"></a>\n## Outside the list: ranges\n\n{RANGES}"));
    for range in &range::ALL {
        line(page, format_args!("\n### {}\n\n- Meaning: {}", range.cause, range.meaning));
        if let Some(side) = range.side {
            line(page, format_args!("- Who can fix it: {}", side.explanation()));
        }
        line(page, format_args!("- Category: `{}`", range.category));
        line(page, format_args!("- Remedy: {}", range.remedy));
    }
}

/// A table of one standard, for records without a Microsoft code.
fn standards(page: &mut String, anchor: &str, title: &str, codes: &[Standard]) {
    line(
        page,
        format_args!("\n<a id=\"{anchor}\"></a>\n## Without a Microsoft code: {title}\n\n{WITHOUT}\n"),
    );
    page.push_str(
        "| code | cause | outcome | who can fix it | category | remedy | source |\n|---|---|---|---|---|---|---|\n",
    );
    for Standard { code, cause, outcome, side, category, source, remedy } in codes {
        let side = side.map_or("", |side| side.label());
        line(
            page,
            format_args!("| {code} | {cause} | {outcome} | {side} | `{category}` | {remedy} | {source} |"),
        );
    }
}

const SBC_REFUSED: &str = "\
Microsoft code 560xxx says that the SBC gave SIP code xxx as its final answer. Such a pair outside the list
gets the cause `SBC refused: ` with the reason phrase of that SIP code, for example
`SBC refused: Not Acceptable Here` for 560488.";

const UNLISTED: &str = "\
A failed call whose codes nothing names gets the cause `Unlisted`, with its codes in the labels.";

const RANGES: &str = "\
Of a Microsoft code that is not in the list, the first digits still tell something. Such a failed call gets the cause
of its range, with its codes in the labels. Microsoft documents 560xxx and 540xxx as ranges; of the others this is
what their listed codes have in common.";

const WITHOUT: &str = "\
The SBC's own records have no Microsoft code. Where it does not follow from Microsoft's phrase, or from an SBC that
refused (560000 and the SIP code), the cause is the standard's name. Of 408 and 480 the outcome is `no_answer` only
where the record tells that the called side said so, or has Q.850 cause 19. A SIP code comes before a Q.850 cause:
by reports of people who traced it, and not by a page of Microsoft, a user who is busy in Teams is told as 486 with cause 34
or 63, where 34 by itself means that the carrier had no channel.";

fn section(page: &mut String, rows: &[Entry]) {
    let Some(first) = rows.first() else { return };
    let Entry { microsoft_code, sip_code, cause, .. } = first;
    line(page, format_args!("\n<a id=\"{}\"></a>\n## {microsoft_code}/{sip_code}: {cause}\n", anchor(first)));
    if let Some(reason) = sip::reason(*sip_code) {
        line(page, format_args!("SIP {sip_code} {reason}.\n"));
    }
    match rows {
        [only] => details(page, only),
        _ => {
            for row in rows {
                line(page, format_args!("### {}\n", row.cause));
                details(page, row);
                page.push('\n');
            }
            page.pop();
        }
    }
}

fn details(page: &mut String, entry: &Entry) {
    let meaning = match entry.phrase.as_str() {
        "" => "any other phrase of this pair".to_owned(),
        phrase => format!("`{phrase}`"),
    };
    line(page, format_args!("- Cause: `{}`", entry.cause));
    line(page, format_args!("- Meaning: {meaning}"));
    line(page, format_args!("- Outcome: {}", entry.outcome));
    line(page, format_args!("- Who can fix it: {}", entry.side.explanation()));
    line(page, format_args!("- Category: `{}`", entry.category));
    line(page, format_args!("- NER class: {}, {}", entry.ner.label(), entry.ner.explanation()));
    line(page, format_args!("- Remedy: {}", entry.remedy));
    if !entry.phrase.is_empty() {
        let sources = entry.documented_for.split("; ").map(|source| match url(source, entry.sip_code) {
            Some(url) => format!("[{source}]({url})"),
            None => source.to_owned(),
        });
        line(page, format_args!("- Documented in: {}", sources.collect::<Vec<_>>().join(", ")));
    }
}

/// The page behind a source that the catalogue names.
pub fn url(source: &str, sip_code: u16) -> Option<String> {
    Some(match source {
        "Teams Direct Routing" => format!(
            "{TEAMS}/troubleshoot/phone-system/direct-routing/microsoft-sip-response-codes-{sip_code}"
        ),
        "Teams call notifications" => format!("{TEAMS}/direct-routing-call-notification"),
        "Graph call-delete" => format!("{GRAPH}/call-delete#call-end-reason-codes"),
        "Graph getDirectRoutingCalls" => format!("{GRAPH}/callrecords-callrecord-getdirectroutingcalls"),
        "ACS call end" | "ACS PSTN" | "ACS Call Automation" => ACS.to_owned(),
        _ => return None,
    })
}

const TEAMS: &str = "https://learn.microsoft.com/microsoftteams";
const GRAPH: &str = "https://learn.microsoft.com/graph/api";
/// Azure Communication Services: one page with a table for each of its parts.
const ACS: &str = "https://learn.microsoft.com/azure/communication-services/resources/troubleshooting/voice-video-calling/troubleshooting-codes";

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(page, "{text}"); // a String takes everything
}
