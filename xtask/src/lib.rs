//! The generated files of the repository: each one's path and what should stand in it.
//!
//! `cargo xtask` writes them; `tests/it/` fails when one on the disk is out of step.

pub mod dashboard;
pub mod dashboards;
pub mod faults;
pub mod rules;
pub mod rules_cost;
pub mod scrapes;
pub mod siege;
pub mod traffic;

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Every generated file with its content, in the order in which they are written.
///
/// # Errors
/// jsonnet, which renders the rules, is missing or refuses the mixin.
pub fn generated() -> std::io::Result<Vec<(PathBuf, String)>> {
    let mut files: Vec<_> = dashboards::all()
        .into_iter()
        .map(|(name, dashboard)| (repository().join("dashboards").join(name), dashboard.to_json() + "\n"))
        .collect();
    let folder = repository().join("deploy/prometheus");
    let rendered = rules::render(repository(), "{}")?;
    files.push((folder.join("recording.rules.yml"), rendered.recording));
    files.push((folder.join("alerts.rules.yml"), rendered.alerts));
    files.push((folder.join("collect.rules.yml"), rendered.collect));
    files.push((folder.join("prometheusrule.yaml"), rendered.resource));
    Ok(files)
}
