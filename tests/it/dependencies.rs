//! Holds what we build on to `deny.toml`, offline: licences, origins, crates that may not come or only once.
//!
//! `make deny` asks cargo-deny the same and more (advisories, other platforms), where it is installed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn every_dependency_has_its_line_of_why() {
    let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    let mut in_dependencies = false;
    let mut before = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        } else if in_dependencies && !line.is_empty() && !line.starts_with('#') {
            assert!(
                line.contains(" # ") || before.starts_with('#'),
                "Cargo.toml does not say why it has {line}"
            );
        }
        before = line;
    }
}

#[test]
fn licences_are_on_the_list() {
    let allowed = Policy::read().licences;
    for package in packages() {
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(
            permits(licence, &allowed),
            "{}: licence `{licence}` is not allowed by deny.toml",
            name(&package)
        );
    }
}

#[test]
fn crates_come_from_crates_io() {
    for package in packages() {
        let source = package["source"].as_str().unwrap_or("this repository");
        let expected = "registry+https://github.com/rust-lang/crates.io-index";
        assert!(
            source == expected
                || [env!("CARGO_PKG_NAME"), "xtask"].map(Some).contains(&package["name"].as_str()),
            "{}: {source}",
            name(&package)
        );
    }
}

#[test]
fn banned_crates_do_not_come() {
    let packages = packages();
    for (banned, only_a_second) in Policy::read().banned {
        let versions: BTreeSet<String> =
            packages.iter().filter(|package| package["name"] == *banned).map(name).collect();
        let most = usize::from(only_a_second);
        assert!(
            versions.len() <= most,
            "deny.toml allows {most} of {banned}: {versions:?} (see `cargo tree -i`)"
        );
    }
}

/// The parts of `deny.toml` that this test understands.
struct Policy {
    licences: BTreeSet<String>,
    /// Each banned crate, and whether only a second version of it is banned.
    banned: Vec<(String, bool)>,
}

impl Policy {
    fn read() -> Self {
        let text = fs::read_to_string(Path::new(ROOT).join("deny.toml")).unwrap();
        let list = Regex::new(r"(?ms)^\[licenses\].*?^allow = \[(.*?)^\]").unwrap();
        let quoted = Regex::new(r#""([^"]+)""#).unwrap();
        let licences = list.captures(&text).expect("[licenses] allow in deny.toml");
        let licences = quoted.captures_iter(&licences[1]).map(|found| found[1].to_owned()).collect();
        let ban = Regex::new(r#"\{ crate = "([^"]+)"(.*)\}"#).unwrap();
        let banned = ban
            .captures_iter(&text)
            .map(|found| (found[1].to_owned(), found[2].contains("deny-multiple-versions = true")))
            .collect();
        Self { licences, banned }
    }
}

/// Every package of the build on this platform, tests included.
fn packages() -> Vec<Value> {
    let host = Command::new("rustc").arg("-vV").output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version=1", "--filter-platform", host])
        .current_dir(ROOT)
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn name(package: &Value) -> String {
    format!("{} {}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap())
}

/// Whether an SPDX expression can be met with these licences. `/` is how old crates write OR.
fn permits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = expression.split_whitespace().collect();
    let mut at = 0;
    let permitted = any_of(&tokens, &mut at, allowed);
    permitted && at == tokens.len()
}

fn any_of(tokens: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut permitted = all_of(tokens, at, allowed);
    while tokens.get(*at) == Some(&"OR") {
        *at += 1;
        permitted |= all_of(tokens, at, allowed);
    }
    permitted
}

fn all_of(tokens: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut permitted = one(tokens, at, allowed);
    while tokens.get(*at) == Some(&"AND") {
        *at += 1;
        permitted &= one(tokens, at, allowed);
    }
    permitted
}

fn one(tokens: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    *at += 1;
    match tokens.get(*at - 1) {
        Some(&"(") => {
            let permitted = any_of(tokens, at, allowed);
            *at += 1;
            permitted
        }
        Some(licence) if tokens.get(*at) == Some(&"WITH") => {
            *at += 2;
            allowed.contains(&format!("{licence} WITH {}", tokens[*at - 1]))
        }
        Some(licence) => allowed.contains(*licence),
        None => false,
    }
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "Apache-2.0".to_owned(), "ISC".to_owned()]);
    let cases = [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("MIT OR GPL-3.0-only", true),
        ("GPL-3.0-only/MIT", true),
        ("MIT AND GPL-3.0-only", false),
        ("(MIT OR GPL-3.0-only) AND ISC", true),
        ("GPL-3.0-only OR MIT AND ISC", true),
        ("Apache-2.0 WITH LLVM-exception", false),
        ("Apache-2.0 WITH LLVM-exception OR MIT", true),
        ("MIT ISC", false),
        ("", false),
    ];
    for (expression, expected) in cases {
        assert_eq!(permits(expression, &allowed), expected, "{expression}");
    }
}
