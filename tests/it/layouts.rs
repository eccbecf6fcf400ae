//! A store of every layout that was ever shipped is read whole, and counted on from. See `tests/data/store/README.md`.

use std::fs;
use std::path::{Path, PathBuf};

use cdr_exporter::ledger::store::LAYOUT;
use serde_json::Value;
use tempfile::TempDir;

use super::tools::{Daemon, Metrics, run};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

/// A stored file of a layout, and what this version exports of it.
fn stored(layout: u64, ending: &str) -> PathBuf {
    Path::new(DATA).join(format!("store/layout-{layout}.{ending}"))
}

/// A folder with a copy of that file as its store.
fn copy_of(layout: u64) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("store")).unwrap();
    fs::copy(stored(layout, "redb"), folder.path().join("store/ledger.redb")).unwrap();
    folder
}

fn state(action: &str, folder: &TempDir) -> String {
    let store = folder.path().join("store");
    let ended = run(["state", action, "--storage.path", store.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{action}: {}", ended.stderr);
    ended.stdout + &ended.stderr
}

/// What an export holds, without its layout, as the newest has it.
fn rows(export: &str) -> Vec<Value> {
    let mut rows: Vec<Value> =
        export.lines().skip(1).filter_map(|line| serde_json::from_str(line).ok()).map(newest).collect();
    rows.sort_by_key(Value::to_string);
    rows
}

/// The row of an export of any layout as the newest has it.
fn newest(mut row: Value) -> Value {
    let fields: &[&str] = match row["table"].as_str() {
        Some("routes") => &["source", "trunk", "direction"],
        Some("failures") => {
            &["source", "trunk", "direction", "cause", "microsoft_code", "sip_code", "arrival"]
        }
        Some("files") => &["source", "device", "inode"],
        Some("replayed") => &["source", "lineage", "position"],
        _ => return row,
    };
    let value = &mut row["value"];
    match fields.last() {
        Some(&"arrival") => {
            name(&mut value["seen"], &["first", "last"]);
            let value = value.as_object_mut().unwrap();
            value.remove("microsoft");
            value.remove("sip");
        }
        Some(&"inode") => {
            name(&mut value["decision"], &["event", "at"]);
            for (field, before) in
                [("lineage", 0.into()), ("records", Value::Null), ("unfinished", Value::Null)]
            {
                value["content"].as_object_mut().unwrap().entry(field).or_insert(before);
            }
        }
        _ => {}
    }
    name(&mut row["key"], fields);
    if row["key"]["device"] == u64::MAX {
        row["key"]["device"] = Value::Null;
    }
    row
}

/// Makes a list of fields an object with these names.
fn name(value: &mut Value, names: &[&str]) {
    if let Value::Array(fields) = value {
        assert_eq!(fields.len(), names.len(), "{fields:?}");
        let named = names.iter().map(|name| (*name).to_owned()).zip(std::mem::take(fields));
        *value = named.collect::<serde_json::Map<_, _>>().into();
    }
}

/// A daemon on the store, with the sources that it knows.
fn serve(folder: &TempDir) -> Daemon {
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let teams = path("cdr/*");
    let config =
        format!("sources: [{{name: teams, paths: ['{teams}'], remember: 36500d}}]\nrescan_interval: 1s\n");
    fs::create_dir(path("cdr")).unwrap();
    fs::write(path("config.yml"), config).unwrap();
    let arguments = ["--config.file".to_owned(), path("config.yml"), "--storage.path".to_owned()];
    Daemon::serve(arguments.into_iter().chain([path("store")]))
}

/// Counted records of the source, and duplicates.
fn records(metrics: &Metrics) -> [f64; 2] {
    ["counted", "duplicate"]
        .map(|result| metrics.sum("cdr_exporter_records_total", &[("source", "teams"), ("result", result)]))
}

/// The same as they were stored.
fn stored_records(layout: u64, source: &str) -> [f64; 2] {
    let export = fs::read_to_string(stored(layout, "jsonl")).unwrap();
    let source = rows(&export).into_iter().find(|row| row["table"] == "sources" && row["key"] == source);
    let records = source.unwrap()["value"]["records"].clone();
    ["counted", "duplicate"].map(|result| records[result].as_f64().unwrap())
}

#[test]
fn every_layout_has_a_stored_file() {
    for layout in 1..=LAYOUT {
        assert!(stored(layout, "redb").exists(), "no stored file of layout {layout}");
    }
}

#[test]
fn a_store_of_every_layout_is_read_whole() {
    for layout in 1..=LAYOUT {
        let folder = copy_of(layout);
        let verified = state("verify", &folder);
        let whole = format!("ledger.redb: whole. Layout {layout}: ");
        assert!(verified.contains(&whole), "layout {layout}: {verified}");
        let expected = fs::read_to_string(stored(layout, "jsonl")).unwrap();
        let export = state("export", &folder);
        assert!(rows(&export) == rows(&expected), "layout {layout} is read as something else:\n{export}");
        assert!(
            layout < LAYOUT || export.starts_with(&expected),
            "the newest layout is written otherwise:\n{export}"
        );
    }
}

#[test]
fn an_export_of_every_layout_is_imported_whole() {
    for layout in 1..=LAYOUT {
        let folder = TempDir::new().unwrap();
        let (store, file) = (folder.path().join("store"), stored(layout, "jsonl"));
        let arguments =
            ["state", "import", "--storage.path", store.to_str().unwrap(), file.to_str().unwrap()];
        let ended = run(arguments);
        assert_eq!(ended.code, Some(0), "layout {layout}: {}", ended.stderr);
        let expected = fs::read_to_string(file).unwrap();
        assert!(
            rows(&state("export", &folder)) == rows(&expected),
            "layout {layout} is read as something else"
        );
    }
}

#[test]
fn the_first_commit_raises_a_store_and_loses_nothing() {
    for layout in 1..=LAYOUT {
        let folder = copy_of(layout);
        let before = rows(&state("export", &folder));
        let daemon = serve(&folder);
        fs::write(folder.path().join("cdr/none.ndjson"), "{}\n").unwrap();
        daemon.wait_for_metrics("a rejected record", |metrics| {
            metrics.sum("cdr_exporter_file_events_total", &[("event", "found")]) > 0.0
        });
        daemon.stop();
        assert!(state("verify", &folder).contains(&format!("whole. Layout {LAYOUT}: ")));
        let after = rows(&state("export", &folder));
        let counts = |row: &&Value| {
            row["table"] == "routes" || row["table"] == "failures" && row["value"]["count"] != 0
        };
        let counted = |rows: &[Value]| rows.iter().filter(counts).cloned().collect::<Vec<_>>();
        assert!(counted(&after) == counted(&before), "layout {layout}");
    }
}

#[test]
fn a_daemon_counts_on_from_a_store_of_every_layout() {
    for layout in 1..=LAYOUT {
        let folder = copy_of(layout);
        let daemon = serve(&folder);
        let sample = |name: &str| fs::read(Path::new(DATA).join("graph").join(name)).unwrap();
        let put = |name: &str, text: &[u8]| fs::write(folder.path().join("cdr").join(name), text).unwrap();
        let shown = daemon.wait_for_metrics("what is stored", |metrics| records(metrics)[0] > 0.0);
        let [counted, duplicate] = stored_records(layout, "teams");
        let [elsewhere, _] = stored_records(layout, "admin center");
        assert_eq!(records(&shown), [counted, duplicate]);
        let calls = |metrics: &Metrics| metrics.sum("cdr_calls_total", &[]);
        assert_eq!(calls(&shown), counted + elsewhere, "a source that is not configured any more is shown");

        // A text that the store knows is passed over; what stands behind it is new to the file, but not its ids.
        put("copied.ndjson", &[sample("rows.ndjson"), sample("overlapping.ndjson")].concat());
        let shown = daemon.wait_for_metrics("known ids", |metrics| records(metrics)[1] >= duplicate + 5.0);
        assert_eq!(records(&shown), [counted, duplicate + 5.0]);
        put("new.ndjson", &sample("unknown_properties.json"));
        let shown = daemon.wait_for_metrics("new rows", |metrics| records(metrics)[0] > counted);
        assert_eq!(calls(&shown), elsewhere + records(&shown)[0]);
        daemon.stop();
        state("verify", &folder);
    }
}
