//! docs/causes.md as text: the catalogue for people, one section for each pair.

use std::fmt::Write;

use super::entry::{Entry, NetworkEffectiveness};
use super::{Catalogue, Cause, sip};

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
made from `src/classify/causes.csv`; `cdr-exporter explain 531004 410` prints the same on the command line.

A pair is the Microsoft response code (`CallEndSubReason`, label `microsoft_code`) and the SIP response code
(`CallEndReason`, label `sip_code`). Neither half is enough: 531000 means one thing with 410 and another
with 488. Where a pair comes with several phrases, each has its own cause, and one cause stands for any
other phrase.

**NER class** says how the pair counts for the network effectiveness ratio, seen by its codes alone; the
shipped rules go by the outcome, and count `failed` against the network.

";

fn outside(page: &mut String) {
    for (anchor, cause, meaning) in
        [("sbc-refused", Cause::SbcRefused(488), SBC_REFUSED), ("unlisted", Cause::Unlisted, UNLISTED)]
    {
        let title = cause.name();
        let title = title.split(':').next().unwrap_or_default();
        line(page, format_args!("\n<a id=\"{anchor}\"></a>\n## Outside the list: {title}\n\n{meaning}\n"));
        if let Some(side) = cause.side() {
            line(page, format_args!("- Who can fix it: {}", side.explanation()));
        }
        line(page, format_args!("- Category: `{}`", cause.category()));
        line(page, format_args!("- Remedy: {}", cause.remedy()));
    }
}

const SBC_REFUSED: &str = "\
Microsoft code 560xxx says that the SBC gave SIP code xxx as its final answer. Such a pair outside the list
gets the cause `SBC refused: ` with the reason phrase of that SIP code, for example
`SBC refused: Not Acceptable Here` for 560488.";

const UNLISTED: &str = "\
A failed call whose codes nothing names gets the cause `Unlisted`, with its codes in the labels.";

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
        line(page, format_args!("- Documented for: {}", entry.documented_for));
    }
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(page, "{text}"); // a String takes everything
}
