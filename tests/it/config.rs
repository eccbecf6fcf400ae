//! Configs that are refused, each with its exact message: where, what is wrong, and what was meant.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::tools::{Daemon, run_in};

const BAD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/config/bad");

#[test]
fn what_is_wrong_with_a_config_is_said_with_its_place() {
    let mut configs: Vec<String> =
        fs::read_dir(BAD).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    configs.retain(|name| name.ends_with(".yml"));
    configs.sort();
    assert!(configs.len() > 20, "{configs:?}");
    for config in configs {
        let message = Path::new(BAD).join(&config).with_extension("message");
        let message = fs::read_to_string(message).unwrap_or_default();
        for command in ["check", "serve"] {
            let refused = run_in(Path::new(BAD), [command, "--config.file", &config]);
            assert_eq!(refused.stderr, format!("cdr-exporter {command}: {message}"), "{config}");
            assert_eq!(refused.code, Some(64), "{config}");
            assert_eq!(refused.stdout, "", "{config}");
        }
    }
}

#[test]
fn a_path_in_two_sources_is_warned_of() {
    let folder = TempDir::new().unwrap();
    let config = "sources:\n- {name: one, paths: [cdr/*, other/*]}\n- {name: two, paths: [cdr/*]}\n";
    let file = folder.path().join("config.yml");
    fs::write(&file, config).unwrap();
    let path = folder.path().join("cdr/*");
    let warning =
        format!("the path {} is in the sources `one` and `two`: its calls are counted twice", path.display());
    let checked = run_in(folder.path(), ["check", "--config.file", "config.yml"]);
    assert!(checked.stdout.contains(&format!("\nwarning: {warning}\n")), "{}", checked.stdout);
    assert_eq!(checked.code, Some(0), "a warning is no error");
    let daemon = Daemon::serve(["--config.file", file.to_str().unwrap()]);
    daemon.wait_for_log("is in the sources `one` and `two`: its calls are counted twice");
    daemon.stop();
}

#[test]
fn columns_of_any_name_are_mapped() {
    let folder = TempDir::new().unwrap();
    let header = "CorrelationId;Einladung;Erfolg;Endgültiger SIP-Code;Final Microsoft subcode;SBC FQDN";
    let row = "c0000001-05ec-4a1b-8c2d-000000000001;2024-11-05T09:00:00Z;Attempt;403;560403;sbc1.contoso.com";
    fs::write(folder.path().join("cdr.csv"), format!("{header}\r\n{row}\r\n")).unwrap();
    let config = "sources:\n- name: teams\n  paths: [cdr.csv]\n";
    fs::write(folder.path().join("without.yml"), config).unwrap();
    let columns = "  columns: {Erfolg: success, endgültiger sip code: sip_code, Einladung: invite_time}\n";
    fs::write(folder.path().join("with.yml"), format!("{config}{columns}")).unwrap();
    let checked = |file: &str| run_in(folder.path(), ["check", "--config.file", file]).stdout;
    assert!(checked("without.yml").contains("not recognised"), "{}", checked("without.yml"));
    assert!(checked("with.yml").contains("records: 1 counted, 1 header\n"), "{}", checked("with.yml"));
}
