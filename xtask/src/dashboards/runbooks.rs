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
    for section in &mut sections {
        section.body = section.body.trim().to_string();
    }
    sections
}
