//! The files as a table of two lines each, in 100 columns but for long names.

use std::fmt::Write;

use crate::cli::counted;
use crate::cli::inspect::time;
use crate::ledger::status::FileStatus;
use crate::shown;

/// The table, with what it comes to in its last line.
pub fn table(files: &[FileStatus]) -> String {
    let mut text = format!(
        "{:>10}{:>10}{:>10}{:>12}{:>10}{:>9}  {:<14}Format\n",
        "Behind", "Position", "Size", "Rate", "Rejected", "Ignored", "State"
    );
    for file in files {
        let _ = writeln!(
            text,
            "{:>10}{:>10}{:>10}{:>12}{:>10}{:>9}  {:<14}{}",
            file.bytes_behind.map_or("?".to_owned(), bytes),
            bytes(file.position),
            bytes(file.size),
            file.bytes_per_second.map_or("-".to_owned(), rate),
            file.rejected.map_or("-".to_owned(), |records| records.to_string()),
            file.ignored.map_or("-".to_owned(), |records| records.to_string()),
            file.state,
            file.format.as_deref().unwrap_or("-"),
        );
        let _ = writeln!(
            text,
            "    {}: {}{}",
            shown::text(&file.source),
            shown::text(&file.path),
            decision(file)
        );
        if let Some(error) = &file.error {
            let _ = writeln!(text, "    {}", shown::text(error));
        }
    }
    let sum = |of: fn(&FileStatus) -> Option<u64>| files.iter().filter_map(of).sum::<u64>();
    let (rejected, ignored) = (sum(|file| file.rejected), sum(|file| file.ignored));
    let behind = files.iter().filter_map(|file| file.bytes_behind).sum();
    let (files, records) = (counted(files.len() as u64, "file"), counted(rejected, "record"));
    let _ = write!(text, "{files}, {} behind", bytes(behind));
    let _ = match rejected + ignored {
        0 => writeln!(text),
        _ => writeln!(text, "; {records} rejected, {ignored} ignored (`check` says why)"),
    };
    text
}

/// ` (copied 11-23 01:10 UTC)`
fn decision(file: &FileStatus) -> String {
    let Some(event) = file.decision.as_deref() else { return String::new() };
    let at = file.decided_at.map(time).unwrap_or_default();
    match at.get(5..16) {
        Some(at) => format!(" ({event} {} UTC)", at.replace('T', " ")),
        None => format!(" ({event})"),
    }
}

/// Four digits at the most, in powers of 1024.
fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1000.0 {
            return if unit == "B" { format!("{count} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is no fraction of what fits"
)]
fn rate(per_second: f64) -> String {
    bytes(per_second as u64) + "/s"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::UnixMillis;

    #[test]
    fn a_file_takes_two_lines_and_its_error_one_more() {
        let file = FileStatus {
            source: "teams".to_owned(),
            path: "/var/spool/cdr/DirectRouting.calls.2026-11-20.csv".to_owned(),
            state: "unrecognised".into(),
            format: Some("teams_admin_center".into()),
            position: 999,
            size: 1_234_567,
            bytes_behind: Some(1_233_568),
            bytes_per_second: Some(99.9 * 1024.0 * 1024.0),
            rejected: Some(12),
            ignored: Some(0),
            error: Some("an HTML page".to_owned()),
            decision: Some("truncated".into()),
            decided_at: Some(UnixMillis(1_795_396_203_000)),
        };
        let unknown = FileStatus {
            bytes_behind: None,
            bytes_per_second: None,
            rejected: None,
            ignored: None,
            format: None,
            error: None,
            decision: None,
            decided_at: None,
            state: "stopped".into(),
            position: 1 << 42,
            ..file.clone()
        };
        insta::assert_snapshot!(table(&[file, unknown]), @r"
    Behind  Position      Size        Rate  Rejected  Ignored  State         Format
   1.2 MiB     999 B   1.2 MiB  99.9 MiB/s        12        0  unrecognised  teams_admin_center
    teams: /var/spool/cdr/DirectRouting.calls.2026-11-20.csv (truncated 11-23 01:10 UTC)
    an HTML page
         ?   4.0 TiB   1.2 MiB           -         -        -  stopped       -
    teams: /var/spool/cdr/DirectRouting.calls.2026-11-20.csv
2 files, 1.2 MiB behind; 12 records rejected, 0 ignored (`check` says why)
");
    }
}
