//! Files that are known by name to lie beside records and not to be read: what comes with an export, what systems leave in
//! folders, what a device still writes under a name for the time being, and our own store.

use std::path::Path;

/// As [`explanation`], of the file at this path.
pub fn explanation_at(path: &Path) -> Option<&'static str> {
    explanation(&path.file_name()?.to_string_lossy())
}

/// Why a file of this name is left alone, if it is.
pub fn explanation(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let is = |other: &str| name == other;
    if name.starts_with("pstn.calls.") && name.ends_with(".csv") {
        Some("Calling Plan calls, which come with the export and have no codes")
    } else if is("parameters.json") {
        Some("the parameters of an export, which come with it")
    } else if is("desktop.ini") || is("thumbs.db") || is(".ds_store") {
        Some("how a folder is shown")
    } else if is("zone.identifier") || name.ends_with(":zone.identifier") {
        Some("where Windows had a file from")
    } else if name.starts_with("temp-cdr") {
        Some("a file that an Oracle SBC still writes; it is renamed when it is whole")
    } else if name.starts_with("~$") {
        Some("what Office leaves beside a file that somebody has open")
    } else if name.starts_with("._") {
        Some("what macOS adds to a file")
    } else if is("ledger.lock") || is("ledger.redb") || name.starts_with("ledger.redb.") {
        // It changes with each commit: read, it would be committed again, and so on without end.
        Some("the store of cdr-exporter")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companions_are_known_by_name() {
        let known = [
            "PSTN.calls.2024-11-05.csv",
            "parameters.json",
            "desktop.ini",
            "Thumbs.db",
            "Zone.Identifier",
            "DirectRouting.calls.2024-11-05.csv:Zone.Identifier",
            "temp-cdr202411050900a",
            "~$DirectRouting.xlsx",
            "._DirectRouting.calls.2024-11-05.csv",
            "ledger.lock",
            "ledger.redb",
            "ledger.redb.reset-20261129T193801216Z",
        ];
        assert!(known.iter().all(|name| explanation(name).is_some()));
        let others = [
            "DirectRouting.calls.2024-11-05.csv",
            "PSTN.calls.json",
            "cdr202411050900a",
            "my-parameters.json",
            "_.csv",
            "rows.json",
            "ledger.json",
        ];
        assert!(others.iter().all(|name| explanation(name).is_none()));
    }
}
