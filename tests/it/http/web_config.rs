//! Good and bad web configs: what `check` says of each, and whether Prometheus's own tool agrees.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::super::tools::{run, under_both};
use super::certificates;
use super::scraped::is_of_version_3;

/// The files of `web_config/`, beside certificates, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let _ca = certificates::write(folder);
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/http/web_config");
    let mut files: Vec<_> = fs::read_dir(table)
        .unwrap()
        .map(|entry| {
            let from = entry.unwrap().path();
            let to = folder.join(from.file_name().unwrap());
            fs::copy(from, &to).unwrap();
            to
        })
        .collect();
    files.sort();
    files
}

fn name(file: &Path) -> &str {
    file.file_name().unwrap().to_str().unwrap()
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let folder = TempDir::new().unwrap();
    let mut said = String::new();
    for file in files(folder.path()) {
        let checked = run(["check", "--web.config.file", file.to_str().unwrap()]);
        let is_good = name(&file).ends_with(".good.yml");
        assert_eq!(checked.code, Some(if is_good { 0 } else { 64 }), "{}: {checked:?}", name(&file));
        assert_eq!(checked.stdout.is_empty(), !is_good, "{checked:?}");
        let words = checked.stderr.replace(&format!("{}/", folder.path().display()), "");
        said += &format!("{}\n", name(&file));
        said.extend(
            words.lines().map(|line| format!("    {}\n", line.trim_start_matches("cdr-exporter check: "))),
        );
    }
    insta::assert_snapshot!("web_configs", said);
}

under_both!(promtool_agrees("promtool" of "prometheus"));

/// Files whose name begins with `strict` are refused by us alone. An older promtool does not know every key.
fn promtool_agrees(promtool: &Path) {
    let folder = TempDir::new().unwrap();
    let files = files(folder.path());
    let mut compared = 0;
    for file in &files {
        let output = Command::new(promtool).args(["check", "web-config"]).arg(file).output().unwrap();
        let words =
            String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        let newer = ["cert", "client_allowed_sans", "rate_limit"];
        if newer.iter().any(|key| words.contains(&format!("field {key} not found"))) {
            continue;
        }
        compared += 1;
        let expected = name(file).ends_with(".good.yml") || name(file).starts_with("strict.");
        assert_eq!(output.status.success(), expected, "{}: {words}", name(file));
    }
    let all = if is_of_version_3(promtool) { files.len() } else { 31 };
    assert!(compared >= all, "{compared} of {} files", files.len());
}
