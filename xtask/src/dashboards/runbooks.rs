//! The runbooks as a dashboard: one panel for each section of docs/runbooks.md, so that an alert leads to its own.

use crate::dashboard::{DASHBOARD, Dashboard, Panel, Row};
use crate::repository;

pub fn dashboard() -> Dashboard {
    let panel = |section: &Section| {
        let lines = section.body.lines().map(|line| 1 + line.len() / 150).sum::<usize>();
        Panel::text(&section.title, &section.body, 24, 3 + lines as u32 * 2 / 3)
    };
    Dashboard {
        uid: "cdr-runbooks",
        title: "Direct Routing runbooks",
        description: "What to do when an alert rings, and for each category of causes: docs/runbooks.md.",
        rows: vec![Row { title: "", panels: sections().iter().map(panel).collect() }],
        ..DASHBOARD
    }
}

/// The titles of the sections, each with the number of its panel.
pub fn pages() -> Vec<(String, usize)> {
    sections().into_iter().enumerate().map(|(place, section)| (section.title, place + 1)).collect()
}

struct Section {
    title: String,
    body: String,
}

/// The sections of the runbooks: text under a heading of any depth, without headings that only hold others.
fn sections() -> Vec<Section> {
    let text = std::fs::read_to_string(repository().join("docs/runbooks.md")).unwrap_or_default();
    let mut sections: Vec<Section> = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        in_code ^= line.starts_with("```");
        match line.split_once("# ").filter(|(hashes, _)| !in_code && hashes.chars().all(|sign| sign == '#')) {
            Some((_, title)) => sections.push(Section { title: title.into(), body: String::new() }),
            None => sections
                .iter_mut()
                .last()
                .into_iter()
                .for_each(|section| section.body += &format!("{line}\n")),
        }
    }
    sections.retain(|section| !section.body.trim().is_empty());
    let pages: Vec<_> = text.lines().filter(|line| is_definition(line)).collect();
    let titles: Vec<_> = sections.iter().map(|section| section.title.clone()).collect();
    for section in &mut sections {
        section.body = stand_alone(section.body.trim(), &titles, &pages);
    }
    sections
}

/// Whether a line of Markdown says where a name in brackets leads to.
fn is_definition(line: &str) -> bool {
    line.starts_with('[') && line.contains("]: https://")
}

/// The text of a section for a panel of its own: with the addresses of the pages that it names, and links between sections
/// that lead from panel to panel.
fn stand_alone(body: &str, titles: &[String], pages: &[&str]) -> String {
    let mut body: String =
        body.lines().filter(|line| !is_definition(line)).map(|line| format!("{line}\n")).collect();
    for (place, title) in titles.iter().enumerate() {
        let anchor = format!("(#{})", title.to_lowercase().replace(' ', "-"));
        body = body.replace(&anchor, &format!("(/d/cdr-runbooks?viewPanel=panel-{})", place + 1));
    }
    let named = |page: &&&str| {
        let (name, _) = page.split_once(": ").unwrap_or_default();
        body.contains(name)
    };
    let named: String = pages.iter().filter(named).map(|page| format!("\n{page}")).collect();
    if named.is_empty() { body.trim().to_string() } else { format!("{}\n{named}", body.trim()) }
}
