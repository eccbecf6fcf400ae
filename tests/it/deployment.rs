//! Holds the files under `deploy/` to what they promise.

use std::fs;
use std::path::Path;
use std::process::Command;

use cdr_exporter::config;
use regex::Regex;
use serde_json::Value;

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

#[test]
fn the_socket_unit_is_valid_and_of_the_usual_port() {
    let folder = tempfile::tempdir().unwrap();
    let deploy = Path::new(DEPLOY).join("systemd");
    let service = fs::read_to_string(deploy.join("cdr-exporter.service")).unwrap();
    let service = service.replace("/usr/bin/cdr-exporter", env!("CARGO_BIN_EXE_cdr-exporter"));
    fs::write(folder.path().join("cdr-exporter.service"), service).unwrap();
    let unit = folder.path().join("cdr-exporter.socket");
    fs::copy(deploy.join("cdr-exporter.socket"), &unit).unwrap();
    assert_eq!(systemd_analyze(&["verify", "--man=no"], &unit), "", "verify has nothing to say");
    assert!(fs::read_to_string(unit).unwrap().contains("\nListenStream=10410\n"));
}

#[test]
fn the_systemd_unit_bounds_what_the_daemon_may_take() {
    let text = fs::read_to_string(Path::new(DEPLOY).join("systemd/cdr-exporter.service")).unwrap();
    for bound in [
        "LimitNOFILE=65536",
        "MemoryMax=2G",
        "TasksMax=256",
        "WatchdogSec=5min",
        "TimeoutStopSec=15",
        "Type=notify",
    ] {
        let line = text.lines().position(|line| line == bound).unwrap_or_else(|| panic!("no {bound}"));
        assert!(text.lines().nth(line - 1).unwrap().starts_with("# "), "{bound} has no reason");
    }
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

fn yaml(file: &Path) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn what_compose_mounts_is_there_and_its_ports_are_of_this_machine_only() {
    let folder = Path::new(DEPLOY).join("compose");
    let compose = yaml(&folder.join("compose.yaml"));
    // A variable stands for what it is left at.
    let left_at = Regex::new(r"\$\{\w+:-(\w+)\}").unwrap();
    let list = |service: &Value, key: &str| service[key].as_array().cloned().unwrap_or_default();
    for (name, service) in compose["services"].as_object().unwrap() {
        for volume in list(service, "volumes") {
            let volume = left_at.replace(volume.as_str().unwrap(), "$1").into_owned();
            let from = volume.split(':').next().unwrap();
            let there = if from.starts_with('.') {
                folder.join(from).exists()
            } else {
                compose["volumes"].get(from).is_some()
            };
            assert!(there, "{name} mounts {from}");
        }
        for port in list(service, "ports") {
            assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{name}: {port}");
        }
        assert!(service.get("build").is_none() && service["image"].is_string(), "{name}");
    }
}

#[test]
fn the_prometheus_of_compose_is_configured_as_the_other_is() {
    let compose = yaml(&Path::new(DEPLOY).join("compose/compose.yaml"));
    let inline: Value =
        serde_saphyr::from_str(compose["configs"]["prometheus"]["content"].as_str().unwrap()).unwrap();
    let text = fs::read_to_string(Path::new(DEPLOY).join("prometheus/prometheus.yml")).unwrap();
    let text =
        text.replace("localhost:10410", "exporter:10410").replace("localhost:9093", "alertmanager:9093");
    assert_eq!(inline, serde_saphyr::from_str::<Value>(&text).unwrap());
    for file in inline["rule_files"].as_array().unwrap() {
        let target = format!("/etc/prometheus/{}:ro", file.as_str().unwrap());
        let mounts = compose["services"]["prometheus"]["volumes"].as_array().unwrap();
        assert!(mounts.iter().any(|mount| mount.as_str().unwrap().ends_with(&target)), "{target}");
    }
}
