//! Holds the files under `deploy/` to what they promise.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::tools;

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");

/// `systemd-analyze` gives 0 (locked in) to 10 (free); its tool counts in tenths.
const HIGHEST_EXPOSURE: &str = "12";

#[test]
fn the_systemd_unit_is_valid_and_locked_in() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("cdr-exporter.service");
    let text = fs::read_to_string(Path::new(DEPLOY).join("systemd/cdr-exporter.service")).unwrap();
    // `verify` wants the program to be there.
    fs::write(&unit, text.replace("/usr/bin/cdr-exporter", env!("CARGO_BIN_EXE_cdr-exporter"))).unwrap();

    assert_eq!(systemd_analyze(&["verify", "--man=no"], &unit), "", "verify has nothing to say");
    systemd_analyze(&["security", "--offline=true", "--threshold", HIGHEST_EXPOSURE], &unit);
}

/// Runs `systemd-analyze` on a unit; returns what it complains of, and panics if it fails.
fn systemd_analyze(arguments: &[&str], unit: &Path) -> String {
    let program = tools::find("systemd-analyze", "systemd");
    let output = Command::new(program).args(arguments).arg(unit).output().unwrap();
    let (report, complaints) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "systemd-analyze {arguments:?}:\n{report}{complaints}");
    complaints.into_owned()
}
