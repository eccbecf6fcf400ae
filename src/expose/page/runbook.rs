//! The runbook's sections about categories of causes, as `docs/runbooks.md` has them.

use maud::{Markup, html};

const RUNBOOKS: &str = include_str!("../../../docs/runbooks.md");

/// The section of a category, if there is one.
pub fn section(category: &str) -> Option<Markup> {
    let (_, section) = RUNBOOKS.split_once(&format!("\n### {category}\n"))?;
    let text = without_links(section.split("\n#").next()?.trim());
    Some(html! {
        @for (at, part) in text.split("```").enumerate() {
            // The first line says in which language the block is.
            @if at % 2 == 1 { pre { code { (part.split_once('\n').map_or("", |(_, code)| code)) } } }
            @else if !part.trim().is_empty() {
                @for paragraph in part.trim().split("\n\n") { p { (marked(paragraph)) } }
            }
        }
    })
}

/// Markdown's `**strong**` and code; with blocks of code, the sections about categories have no other.
fn marked(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split("**").enumerate() {
            @if at % 2 == 1 { strong { (part) } }
            @else {
                @for (at, part) in part.split('`').enumerate() {
                    @if at % 2 == 1 { code { (part) } } @else { (part) }
                }
            }
        }
    }
}

/// Links lead to other sections, which are not on this page: their text stays.
fn without_links(text: &str) -> String {
    let mut kept = String::new();
    for part in text.split_inclusive("](#") {
        // Behind a link's text stands where it leads, up to the next parenthesis.
        let part = if kept.is_empty() { part } else { part.split_once(')').map_or(part, |(_, rest)| rest) };
        kept.push_str(part.trim_end_matches("](#"));
    }
    if kept.len() == text.len() { kept } else { kept.replace('[', "") }
}
