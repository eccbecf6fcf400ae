//! What `check` says of files of devices that count nothing, or not as they seem, and what it does not say of those that are well.

use std::fs;

use tempfile::TempDir;

use super::tools::run_in;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

/// What `check` says of these files under these keys of the source, and whether all is well.
fn checked(files: &[(&str, &str)], keys: &str) -> (String, bool) {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("cdr")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join("cdr").join(name), text).unwrap();
    }
    let config = format!("sources:\n  - name: sbc\n    paths: [\"cdr/*\"]\n{keys}");
    fs::write(folder.path().join("c.yml"), config).unwrap();
    let checked = run_in(folder.path(), ["check", "--config.file", "c.yml"]);
    assert_eq!(checked.stderr, "", "{keys}");
    (checked.stdout, checked.code == Some(0))
}

fn sample(name: &str) -> String {
    fs::read_to_string(format!("{DATA}/{name}")).unwrap()
}

#[test]
fn a_layout_among_the_records_is_ignored() {
    let names =
        ["Acct-Status-Type", "NAS-IP-Address", "Acct-Session-Id", "h323-connect-time", "Acme-SIP-Status"];
    let layout = (1..).zip(names).map(|(place, name)| format!("{place},{name},nil\n")).collect::<String>();
    let records = "2,\"192.0.2.1\",\"a1@192.0.2.9\",\"\",404\n";
    let keys = format!("    format: oracle\n    layout: {:?}\n", names.join(","));
    let (said, is_well) = checked(&[("cdr1", &layout), ("cdr2", records)], &keys);
    assert!(is_well, "{said}");
    assert!(said.contains("records: 5 ignored\n") && said.contains("records: 1 counted\n"), "{said}");
    assert!(said.contains("a layout that lies among the records"), "{said}");
    assert!(!said.contains("rejected") && !said.contains("none counts"), "{said}");
}

#[test]
fn a_log_whose_lines_begin_with_a_bracket_and_a_date_is_recognised() {
    for (name, format) in [("kamailio/acc.log", "kamailio"), ("audiocodes/syslog.log", "audiocodes")] {
        let text: String =
            sample(name).lines().map(|line| format!("[2024-11-05 09:01:00] {line}\n")).collect();
        let (said, is_well) = checked(&[("a.log", &text)], "");
        assert!(is_well && said.contains(&format!("    {format}, UTF-8\n")), "{said}");
    }
}

#[test]
fn a_time_in_a_zone_in_letters_was_read_though_its_zone_is_not_known() {
    let line = sample("cube/cdr.router.11_05_2024_09_00_00.000").replace("UTC", "CET");
    let (said, _) = checked(&[("cdr", &line)], "    format: cube\n");
    assert!(said.contains("counted with end_time in a zone that is not known, or without it: "), "{said}");
    assert!(!said.contains("which could not be read"), "{said}");
    let (said, _) = checked(&[("cdr", &line)], "    format: cube\n    timezone: Europe/Berlin\n");
    assert!(!said.contains("counted with"), "{said}");
}

#[test]
fn a_table_without_a_header_needs_a_layout() {
    let keys = "    format: audiocodes\n    teams_side: [Teams]\n";
    let row = "STOP,a1,g1,09:00:10.000  UTC Tue Nov 05 2024,BYE,BYE,Teams,Carrier,5000\n";
    let (said, is_well) = checked(&[("CDR_1.csv", row)], keys);
    assert!(!is_well && said.contains("say in `layout` where fields stand"), "{said}");
    assert!(!said.contains("name the device"), "the config names it: {said}");
}

#[test]
fn a_file_of_another_format_than_the_config_names() {
    let text = sample("freeswitch_xml/refused_by_teams.cdr.xml");
    let (said, is_well) = checked(&[("a.cdr.xml", &text)], "    format: freeswitch\n");
    let other = "by its beginning it is of the format `freeswitch_xml`, and `format` names `freeswitch`";
    assert!(!is_well && said.contains(other), "{said}");
}
