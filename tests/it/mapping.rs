//! Records of any kind by config: what `check` says of a mapping, and the mapping that `map` proposes.

use std::fs;
use std::path::{Path, PathBuf};

use super::tools::{Daemon, Metrics, run_in};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mapped");

/// What the samples hold that is nobody's business.
const PERSONAL: [&str; 4] = ["4255550", "555501", "Jane", "Secret"];

/// The files of samples that end so.
fn files(ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(DATA)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    files.sort();
    files
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// `<config>.yml` has `<config>.yml.said` beside it.
#[test]
fn check_says_how_a_mapping_reads_a_file_and_what_is_wrong_with_it() {
    let configs = files(".yml");
    assert!(configs.len() >= 8, "{configs:?}");
    for config in configs {
        let checked = run_in(Path::new(DATA), ["check", "--config.file", name(&config)]);
        let said = checked.stdout.replace(&format!("{DATA}/"), "");
        let expected = fs::read_to_string(format!("{}.said", config.display())).unwrap_or_default();
        assert_eq!(format!("{said}exit code {}\n", checked.code.unwrap()), expected, "{}", config.display());
        assert_eq!(checked.stderr, "", "{}", config.display());
        for personal in PERSONAL {
            assert!(!said.contains(personal), "{personal} in:\n{said}");
        }
    }
}

/// `<file>.proposed` is what `map` prints of `<file>`. What it proposes is a config that `check` accepts, with calls.
#[test]
fn map_proposes_what_check_accepts() {
    let proposals = files(".proposed");
    assert!(proposals.len() >= 7, "{proposals:?}");
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("proposed.yml");
    for proposal in proposals {
        let file = proposal.with_extension("");
        let mapped = run_in(Path::new(DATA), ["map", name(&file)]);
        let printed = mapped.stdout.replace(&format!("{DATA}/"), "");
        let expected = fs::read_to_string(&proposal).unwrap();
        assert_eq!(format!("{printed}exit code {}\n", mapped.code.unwrap()), expected, "{}", file.display());
        for personal in PERSONAL {
            assert!(!printed.contains(personal), "{personal} in:\n{printed}");
        }
        fs::write(&config, &mapped.stdout).unwrap();
        let checked = run_in(Path::new(DATA), ["check", "--config.file", config.to_str().unwrap()]);
        // Where nothing says how a call ended, `map` says so.
        assert_eq!(checked.code == Some(0), mapped.code == Some(0), "{}{}", checked.stdout, checked.stderr);
        assert_eq!(checked.stdout.contains("calls, as `fields` reads them"), mapped.code == Some(0));
    }
}

/// Of a file that needs no mapping, `map` gives the config that counts it; the leg for itself beside it needs no words.
#[test]
fn map_names_a_built_in_format() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["answered.cdr.json", "b_leg.cdr.json"] {
        let data = Path::new(DATA).with_file_name("freeswitch").join(name);
        fs::copy(data, folder.path().join(name)).unwrap();
    }
    let mapped = run_in(folder.path(), ["map", "answered.cdr.json"]);
    assert!(mapped.stdout.contains("format: freeswitch\n"), "{}", mapped.stdout);
    assert!(!mapped.stdout.contains("fields"), "{}", mapped.stdout);
    let config = folder.path().join("config.yml");
    fs::write(&config, mapped.stdout.replace("answered", "*")).unwrap();
    let checked = run_in(folder.path(), ["check", "--config.file", "config.yml"]);
    assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
    assert!(!checked.stdout.contains("none of its records"), "{}", checked.stdout);
    let inspect = ["inspect", "--config.file", "config.yml", "--output", "prometheus", "answered.cdr.json"];
    let page = run_in(folder.path(), inspect).stdout;
    assert!(page.contains(r#"cdr_calls_total{source="sbc""#), "{page}");
}

/// The blocks of a document that are configs, each with this file as what it reads.
fn examples(document: &str, file: &Path) -> Vec<String> {
    let text = fs::read_to_string(format!("{}/docs/{document}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let configs = blocks.filter(|block| block.starts_with("sources:"));
    let reads_it = |line: &str| match line.trim_start().starts_with("paths:") {
        true => format!("    paths: [{}]\n", file.display()),
        false => format!("{line}\n"),
    };
    configs.map(|block| block.lines().map(reads_it).collect()).collect()
}

#[test]
fn what_the_documents_show_reads_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let table = "Calls\nRecordType;SessionId;NAP;Direction;Result;TerminationCause;EndTime;DurationMs\n\
        STOP;1;'ms;teams';in;KO;486;05.11.2024 09:01:00;0\nSTART;2;ms-teams;in;;;;\n\
        STOP;3;ms-teams;out;OK;200;05.11.2024 09:02:00;2000\n";
    let lines = fs::read_to_string(Path::new(DATA).join("prosbc.log")).unwrap();
    for (word, text, counted) in [
        ("format: csv", table, "2 counted, 2 header, 1 ignored"),
        ("format: regex", &lines, "2 counted, 1 ignored"),
    ] {
        let file = folder.path().join("file");
        fs::write(&file, text).unwrap();
        let examples = examples("devices.md", &file);
        let example = examples.iter().find(|example| example.contains(word)).expect(word);
        fs::write(folder.path().join("c.yml"), example).unwrap();
        let checked = run_in(folder.path(), ["check", "--config.file", "c.yml"]);
        assert!(checked.code == Some(0) && checked.stdout.contains(counted), "{checked:?}");
        assert!(!checked.stdout.contains("counted without"), "{checked:?}");
        assert!(checked.stdout.contains("ended (") && checked.stdout.contains("busy"), "{checked:?}");
    }
}

/// A row of a report stands for many calls; it is one record, known by all that it says.
#[test]
fn rows_that_stand_for_many_calls_count_as_many() {
    let folder = tempfile::tempdir().unwrap();
    let config = fs::read_to_string(Path::new(DATA).join("report.yml")).unwrap();
    let config = config.replace("report.csv", &folder.path().join("*.csv").display().to_string());
    let (file, store) = (folder.path().join("config.yml"), folder.path().join("store"));
    fs::write(&file, config).unwrap();
    fs::copy(Path::new(DATA).join("report.csv"), folder.path().join("one.csv")).unwrap();
    let serve = || {
        let daemon = Daemon::serve([
            "--config.file",
            file.to_str().unwrap(),
            "--storage.path",
            store.to_str().unwrap(),
        ]);
        daemon.wait_until_ready();
        daemon
    };
    let is_counted = |metrics: &Metrics, duplicates: f64| {
        let records = |result| metrics.sum("cdr_exporter_records_total", &[("result", result)]);
        let calls = |outcome| metrics.sum("cdr_calls_total", &[("outcome", outcome)]);
        assert_eq!([calls("answered"), calls("failed"), calls("busy")], [1200.0, 12.0, 1.0]);
        let cause = [("cause", "No callee endpoints were found"), ("microsoft_code", "10037")];
        assert_eq!(metrics.sum("cdr_call_failures_total", &cause), 12.0);
        assert_eq!([records("counted"), records("duplicate")], [3.0, duplicates]);
        assert_eq!(metrics.sum("cdr_exporter_further_calls_total", &[]), 1210.0);
        assert_eq!(metrics.sum("cdr_exporter_rejected_records_total", &[("reason", "bad_count")]) % 3.0, 0.0);
        let read = metrics.sum("cdr_exporter_read_records_total", &[]);
        assert_eq!(metrics.sum("cdr_exporter_records_total", &[]), read, "each record is in one bucket");
        assert_eq!(metrics.sum("cdr_call_age_seconds_count", &[]), 1213.0);
        assert_eq!(metrics.sum("cdr_call_duration_seconds_count", &[]), 0.0, "a mean is no duration");
    };
    let daemon = serve();
    is_counted(&daemon.metrics(), 1.0);
    daemon.stop();
    // The same rows in another order: all of them came before.
    let text = fs::read_to_string(folder.path().join("one.csv")).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().rev().collect();
    fs::write(folder.path().join("two.csv"), format!("{header}\n{}\n", rows.join("\n"))).unwrap();
    let daemon = serve();
    daemon.wait_for_metrics("the second file", |metrics| {
        metrics.sum("cdr_exporter_records_total", &[("result", "header")]) == 2.0
    });
    is_counted(&daemon.metrics(), 5.0);
    daemon.stop();
}

#[test]
fn inspect_says_how_many_calls_a_row_stands_for() {
    let inspect = |arguments: &[&str]| {
        let all = ["inspect", "report.csv", "--config.file", "report.yml"].iter().chain(arguments);
        run_in(Path::new(DATA), all).stdout
    };
    let report: serde_json::Value = serde_json::from_str(&inspect(&["--calls", "--output", "json"])).unwrap();
    assert_eq!([&report["calls"], &report["failed"], &report["records"]["counted"]], [1213, 12, 3]);
    let listed = report["listed_calls"].as_array().unwrap();
    assert_eq!(listed.iter().map(|call| &call["calls"]).collect::<Vec<_>>(), [12, 1, 1200]);
    assert!(inspect(&[]).starts_with("12 of 1,213 calls failed"), "{}", inspect(&[]));
}

/// Whether Microsoft's number was in the record, follows from it, or is absent, in every way in which `inspect` says it.
#[test]
fn inspect_says_where_microsofts_number_comes_from() {
    let origins = |arguments: &[&str]| {
        let all = ["inspect", "--output", "json"].iter().chain(arguments);
        let report: serde_json::Value = serde_json::from_str(&run_in(Path::new(DATA), all).stdout).unwrap();
        let failures = report["failures"].as_array().unwrap().clone();
        let of =
            |failure: &serde_json::Value| format!("{} {}", failure["sip_code"], failure["microsoft_code_is"]);
        failures.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(origins(&["nested.json", "--config.file", "nested.yml"]), ["480 \"inferred\""]);
    assert_eq!(origins(&["report.csv", "--config.file", "report.yml"]), ["480 \"reported\""]);
    let absent = origins(&["sansay.csv", "--config.file", "sansay.yml"]);
    assert_eq!(absent, ["404 \"absent\"", "503 \"absent\""]);
    // Calls of which several records tell are decided late; they have it too.
    assert_eq!(origins(&["../audiocodes/syslog.log"]), ["403 \"inferred\"", "480 \"inferred\""]);
    let text = |arguments: &[&str]| run_in(Path::new(DATA), ["inspect"].iter().chain(arguments)).stdout;
    let (table, page) =
        (text(&["../audiocodes/syslog.log"]), text(&["../audiocodes/syslog.log", "--output", "html"]));
    assert!(table.contains("Microsoft's number") && table.contains("inferred"), "{table}");
    assert!(page.contains("<th>Microsoft's number</th>") && page.contains("<td>inferred</td>"), "{page}");
    let own = text(&["report.csv", "--config.file", "report.yml"]);
    assert!(!own.contains("Microsoft's number"), "where all have it, nothing is said: {own}");
}

/// Words of devices that YAML takes for something else.
#[test]
fn words_of_the_config_are_as_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let table = "Id,n,Code,Done\n1,No,0503,Yes\n2,No,0200,No\n3,Yes,0503,Yes\n";
    fs::write(folder.path().join("a.csv"), table).unwrap();
    for (keys, counted) in [
        ("fields: {id: Id, success: {field: Done, values: {Yes: true, No: false}}}", "3 counted"),
        ("fields: {id: Id, success: {field: Done, values: {yes: true, 0: false}}}", "3 counted"),
        ("fields: {id: Id, success: {field: n, values: {Yes: true, No: false}}}", "3 counted"),
        ("fields: {id: Id, success: Done}\n    where: {field: n, is: No}", "2 counted, 1 header, 1 ignored"),
        (
            "fields: {id: Id, success: Done}\n    where: {field: Code, is: 0503}",
            "2 counted, 1 header, 1 ignored",
        ),
        (
            "fields: {id: Id, success: Done}\n    where: [{field: Code, is: 0503}, {field: n, is: [Yes, x]}]",
            "1 counted, 1 header, 2 ignored",
        ),
    ] {
        let config = format!("sources:\n  - name: s\n    paths: ['*.csv']\n    format: csv\n    {keys}\n");
        fs::write(folder.path().join("c.yml"), config).unwrap();
        let checked = run_in(folder.path(), ["check", "--config.file", "c.yml"]);
        assert!(checked.code == Some(0) && checked.stdout.contains(counted), "{keys}: {checked:?}");
    }
    for (keys, said) in [
        (
            "fields: {sip_code: Code, direction: {constant: inbond}}",
            "`direction` cannot be `inbond`: write inbound or outbound",
        ),
        ("fields: {success: {constant: perhaps}}", "`success` cannot be `perhaps`: write true or false"),
        ("fields: {sip_code: Code}\n    where: []", "`where` is an empty list"),
        ("fields: {sip_code: Code}\n    where: [{field: n}]", "`is`"),
        ("fields: {sip_code: Code}\n    where: {field: n, is: []}", "the list of what `n` may be is empty"),
        (
            "fields: {sip_code: Code}\n    where: n",
            "expected `where` as `{field: ..., is: ...}`, or a list of these",
        ),
        (
            "header: false\n    fields: {sip_code: 3}\n    where: {field: n, is: a}",
            "`where`: without a header",
        ),
        ("fields: {sip_code: Code, duration: {field: n, divide_by: 0}}", "nothing can be divided by 0"),
    ] {
        let config = format!("sources:\n  - name: s\n    paths: ['*.csv']\n    format: csv\n    {keys}\n");
        fs::write(folder.path().join("c.yml"), config).unwrap();
        let checked = run_in(folder.path(), ["check", "--config.file", "c.yml"]);
        assert!(checked.code == Some(64) && checked.stderr.contains(said), "{keys}: {checked:?}");
    }
}

/// What stands around the records of files from all over, and how many calls each trunk has then.
#[test]
fn files_as_they_come_count_by_their_right_columns() {
    let csv = |more: &str| format!("format: csv, fields: {{id: id, trunk: Münze, sip_code: code}}{more}");
    let above = "format: csv, header: false, skip_lines: 2, fields: {id: '1', trunk: '2', sip_code: '3'}";
    let regex = "format: regex, patterns: ['^(?P<id>\\S+) (?P<trunk>\\S+) (?P<code>\\d+)$'], \
                 fields: {id: id, trunk: trunk, sip_code: code}";
    let freeswitch = |codes: &str| {
        format!(
            "{{\"variables\":{{\"direction\":\"inbound\",\"call_uuid\":\"u\",\"hangup_cause\":\"ORIGINATOR_CANCEL\"{codes},\
             \"end_epoch\":\"1730797940\"}}}}"
        )
    };
    let cases: [(&str, Vec<u8>, &str, f64); 10] = [
        (
            &csv(", quote: none"),
            "id,Münze,code,name\n1,sbc1,486,\"Jane\n2,sbc1,486,\"Bob\n".into(),
            "sbc1",
            2.0,
        ),
        (above, b"Calls of a day\n\n1,sbc1,486\n2,sbc1,486\n".to_vec(), "sbc1", 2.0),
        (above, b"\"Calls\nof a day\"\n\n1,sbc1,486\n2,sbc1,486\n".to_vec(), "sbc1", 2.0),
        (&above.replace("lines: 2", "lines: 1"), b"Title\n1,sbc1,486\n\n2,sbc1,486\n".to_vec(), "sbc1", 2.0),
        (&csv(""), "id,Münze,code\n1,sbc1,486\n".into(), "sbc1", 1.0),
        (&csv(""), b"id,M\xfcnze,code\n1,sbc1,486\n".to_vec(), "sbc1", 1.0),
        (&csv(""), "id,Münze,code\n1,sbc1,486\nCODE,ID,Münze\n486,2,sbc1\n".into(), "sbc1", 2.0),
        (regex, b"1 sbc1 486#015\n2 sbc1 486\n".to_vec(), "sbc1", 2.0),
        ("format: freeswitch", freeswitch(",\"hangup_cause_q850\":\"487\"").into(), "", 1.0),
        ("format: freeswitch", freeswitch("").into(), "", 1.0),
    ];
    for (place, (keys, text, trunk, calls)) in cases.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("calls"), &text).unwrap();
        let config = format!("sources: [{{name: s, paths: [calls], {keys}}}]\n");
        fs::write(folder.path().join("config.yml"), config).unwrap();
        let options =
            ["inspect", "--config.file", "config.yml", "--source", "s", "--output", "prometheus", "calls"];
        let read = run_in(folder.path(), options);
        let counted = Metrics::parse(&read.stdout);
        assert_eq!(
            counted.sum("cdr_calls_total", &[("trunk", trunk)]),
            calls,
            "{place}: {keys}: {}",
            read.stderr
        );
        assert_eq!(counted.sum("cdr_calls_total", &[]), calls, "{place}: {keys}");
        assert_eq!(counted.sum("cdr_exporter_rejected_records_total", &[]), 0.0, "{place}: {keys}");
        if keys == "format: freeswitch" {
            assert_eq!(counted.sum("cdr_calls_total", &[("outcome", "cancelled")]), 1.0, "{place}");
        }
    }
}

#[test]
fn an_id_that_all_records_share_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let fields = "{id: {constant: x}, sip_code: code}";
    let config = format!("sources: [{{name: s, paths: [calls], format: json, fields: {fields}}}]\n");
    fs::write(folder.path().join("config.yml"), config).unwrap();
    let checked = run_in(folder.path(), ["check", "--config.file", "config.yml"]);
    assert_eq!(checked.code, Some(64), "{}", checked.stderr);
    assert!(
        checked.stderr.contains("`id` is the same for all records"),
        "{}{}",
        checked.stdout,
        checked.stderr
    );
}
