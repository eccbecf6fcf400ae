//! What stands above the files: the daemon, its sources and what is wrong.

use std::fmt::Write;

use crate::expose::api::{SourceStatus, Status, Trouble};
use crate::findings::thousands;

/// Some lines, in 100 columns but for long names.
pub fn head(status: &Status) -> String {
    let ready = if status.ready { "ready" } else { "not ready" };
    let mut text = format!("cdr-exporter {}, since {}: {ready}\n", status.version, status.started_at);
    for source in &status.sources {
        let _ = writeln!(text, "{}", source_line(source));
    }
    for Trouble { level, what, advice } in &status.troubles {
        let _ = writeln!(text, "{level}: {what}\n    {advice}");
    }
    text.push('\n');
    text
}

fn source_line(source: &SourceStatus) -> String {
    let results = source.records.iter().filter(|(_, count)| **count > 0);
    let results: Vec<String> =
        results.map(|(result, count)| format!("{} {result}", thousands(*count))).collect();
    let newest = source.newest_call.as_deref().unwrap_or("none");
    let results = if results.is_empty() { "none".to_owned() } else { results.join(", ") };
    format!("{}: records: {results}; newest call: {newest}", source.name)
}
