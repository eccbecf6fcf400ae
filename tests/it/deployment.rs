//! Holds the files under `deploy/` to what they promise.

use std::fs;
use std::path::Path;
use std::process::Command;

use cdr_exporter::config;
use regex::Regex;

use crate::tools;

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");

#[test]
fn the_example_config_is_right_with_and_without_its_examples() {
    let file = Path::new(DEPLOY).join("cdr-exporter.example.yml");
    config::load(Some(&file), &[]).map_err(|error| error.to_string()).expect("the example as it is");

    let folder = tempfile::tempdir().unwrap();
    let all = folder.path().join("all.yml");
    fs::write(&all, with_examples(&fs::read_to_string(&file).unwrap())).unwrap();
    config::load(Some(&all), &[]).map_err(|error| error.to_string()).expect("the example with its examples");
}

#[test]
fn the_example_config_shows_every_key() {
    let example =
        with_examples(&fs::read_to_string(Path::new(DEPLOY).join("cdr-exporter.example.yml")).unwrap());
    let keys = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/file.rs")).unwrap();
    let key = Regex::new(r#"(?m)^ +(?:#\[serde\(rename = "(\w+)"\)\]\s+pub \w+|pub (\w+)): "#).unwrap();
    let keys: Vec<&str> =
        key.captures_iter(&keys).map(|found| found.get(1).or(found.get(2)).unwrap().as_str()).collect();
    assert!(keys.contains(&"match") && keys.contains(&"remedy"), "read from the source: {keys:?}");
    for key in keys {
        let shown = Regex::new(&format!(r"(?m)^ *(- )?\{{?{key}: |^ *(- )?{key}:$|[{{,] *{key}: ")).unwrap();
        assert!(shown.is_match(&example), "the example config does not show `{key}`");
    }
}

/// Takes the # from the lines that are examples and no prose: those where no single space follows it.
fn with_examples(config: &str) -> String {
    Regex::new(r"(?m)^( *)#(\S|  )").unwrap().replace_all(config, "$1$2").into_owned()
}

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
