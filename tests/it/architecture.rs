//! Holds the import table: which module may use which, where `prometheus` may appear, which stages are pure.
//!
//! Reads the sources as text; unit tests inside them are exempt.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Each module with what it may import of ours. A module that is not here is an error.
const TABLE: &[(&str, &[&str])] = &[
    ("lib", &[]),
    ("call", &[]),
    ("clock", &["call"]),
    ("shown", &[]),
    ("small_file", &[]),
    ("yaml", &[]),
    ("reason_header", &["call"]),
    ("source", &[]),
    ("telemetry", &["call", "clock", "shown"]),
    ("collect", &["clock", "small_file", "telemetry"]),
    ("framing", &[]),
    ("format", &["call", "framing", "reason_header"]),
    ("classify", &["call"]),
    ("reading", &["call", "framing", "format", "classify", "source"]),
    // Of `reading`, what a batch and a content are.
    ("ledger", &["call", "classify", "framing", "reading", "source"]),
    ("findings", &["call", "classify"]),
    // Of `ledger`, what is known of files, and how it names events.
    ("follow", &["call", "clock", "shown", "reading", "ledger", "source"]),
    (
        "pipeline",
        &["call", "clock", "shown", "source", "classify", "reading", "ledger", "follow", "telemetry"],
    ),
    (
        "expose",
        &["call", "clock", "shown", "small_file", "yaml", "ledger", "classify", "findings", "telemetry"],
    ),
    // For the option types of every stage; no stage imports `config`.
    (
        "config",
        &[
            "call",
            "shown",
            "small_file",
            "yaml",
            "source",
            "format",
            "classify",
            "reading",
            "ledger",
            "pipeline",
            "expose",
            "telemetry",
            "collect",
        ],
    ),
    ("app", EVERYTHING),
    ("cli", EVERYTHING),
    ("main", &["cli"]),
];

const EVERYTHING: &[&str] = &[
    "call",
    "clock",
    "shown",
    "small_file",
    "reason_header",
    "source",
    "framing",
    "format",
    "classify",
    "reading",
    "ledger",
    "findings",
    "follow",
    "telemetry",
    "collect",
    "pipeline",
    "expose",
    "config",
    "app",
    "cli",
];

/// Counts live in the ledger; they become the types of `prometheus` at the edge only.
const MAY_USE_PROMETHEUS: &[&str] = &["expose", "telemetry"];

/// Files and folders that turn bytes into values and do nothing else.
const PURE: &[&str] = &["reason_header", "framing", "format", "classify", "findings", "follow/decide"];

/// What would give them I/O, a clock or a log.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::net::ToSocketAddrs",
    "std::env",
    "std::process",
    "SystemTime",
    "Instant",
    "Timestamp::now",
    "Zoned::now",
    "tracing",
];

#[test]
fn imports_follow_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let errors: Vec<String> = source_files(&root)
        .iter()
        .flat_map(|file| errors_in(file.strip_prefix(&root).unwrap(), &fs::read_to_string(file).unwrap()))
        .collect();
    assert!(errors.is_empty(), "against the import table of CONTRIBUTING.md:\n{}", errors.join("\n"));
}

/// What a reader has to take in at once. Clippy counts the lines of functions (`clippy.toml`).
#[test]
fn files_stay_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = source_files(&root);
    let lines = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        text.split("#[cfg(test)]\nmod tests {").next().unwrap().lines().count()
    };
    let mut counts: Vec<_> =
        files.iter().map(|file| (lines(file), file.strip_prefix(&root).unwrap())).collect();
    counts.sort();
    let long: Vec<_> = counts.iter().filter(|(lines, _)| *lines > 400).collect();
    assert!(long.is_empty(), "longer than 400 lines: make each a folder: {long:?}");
    let (median, _) = counts[counts.len() / 2];
    assert!(median < 150, "half of all files are longer than {median} lines");
}

/// Every source file but those that hold only unit tests.
fn source_files(root: &Path) -> Vec<PathBuf> {
    let files =
        walkdir::WalkDir::new(root).sort_by_file_name().into_iter().map(|entry| entry.unwrap().into_path());
    files
        .filter(|path| path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs"))
        .collect()
}

/// What is wrong with a file, given its path below `src`.
fn errors_in(file: &Path, text: &str) -> Vec<String> {
    let place = module_path(file);
    let module = place.first().map_or("lib", String::as_str);
    let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == module) else {
        return vec![format!("src/{}: module `{module}` is not in the table", file.display())];
    };
    let pure = PURE.iter().any(|pure| file.starts_with(pure) || file.with_extension("") == Path::new(pure));
    let faults = paths(text).into_iter().filter_map(|path| {
        let path = from_root(path, &place);
        let used = path.join("::");
        match path.as_slice() {
            [root, to, ..] if root == "crate" => {
                let known = to == "*" || TABLE.iter().any(|(name, _)| name == to);
                (known && to != module && !allowed.contains(&to.as_str()))
                    .then(|| format!("{module} -> {to} (`{used}`): `{module}` may import {}", list(allowed)))
            }
            [first, ..] if first == "prometheus" => (!MAY_USE_PROMETHEUS.contains(&module))
                .then(|| format!("`{used}`: `prometheus` may appear in {} only", list(MAY_USE_PROMETHEUS))),
            _ => (pure && IMPURE.iter().any(|impure| holds(&used, impure)))
                .then(|| format!("`{used}`: no I/O, clock or log here, bytes in and values out")),
        }
    });
    faults.map(|fault| format!("src/{}: {fault}", file.display())).collect()
}

fn list(modules: &[&str]) -> String {
    if modules.is_empty() { "nothing of ours".to_owned() } else { modules.join(", ") }
}

/// Whether a path has these segments, one after another.
fn holds(path: &str, segments: &str) -> bool {
    format!("::{path}::").contains(&format!("::{segments}::"))
}

/// `format/graph.rs` is `format::graph`, `format/mod.rs` is `format`, `lib.rs` is the root.
fn module_path(file: &Path) -> Vec<String> {
    let stem = file.with_extension("");
    let mut path: Vec<String> = stem.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    path.pop_if(|last| *last == "mod" || *last == "lib");
    path
}

/// Resolves `super::` and the crate's own name, so that every path of ours begins with `crate`.
fn from_root(mut path: Vec<String>, place: &[String]) -> Vec<String> {
    if path[0] == "cdr_exporter" {
        path[0] = "crate".to_owned();
    }
    let up = path.iter().take_while(|part| *part == "super").count();
    if up > 0 {
        let parent = &place[..place.len().saturating_sub(up)];
        path.splice(..up, [&["crate".to_owned()], parent].concat());
    }
    path
}

/// Every path of two segments or more in a source text, groups written out: `a::{b, c}` is `a::b`, `a::c`.
fn paths(text: &str) -> Vec<Vec<String>> {
    let text = without_tests(&without_comments_and_strings(text));
    let token = Regex::new(r"[A-Za-z_]\w*|::|\S").unwrap();
    let tokens: Vec<&str> = token.find_iter(&text).map(|found| found.as_str()).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let begins = is_name(tokens[at]) && tokens.get(at + 1) == Some(&"::");
        at = if begins { follow(&tokens, at, &[], &mut found) } else { at + 1 };
    }
    found
}

/// Follows one path from `at`, adds what it names to `found`, and returns where it ends.
fn follow(tokens: &[&str], mut at: usize, prefix: &[&str], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(at).filter(|token| is_name(token) || **token == "*") {
        path.push(token);
        at += 1;
        if tokens.get(at) != Some(&"::") {
            break;
        }
        at += 1;
    }
    if tokens.get(at) == Some(&"{") && tokens[at - 1] == "::" {
        return follow_group(tokens, at + 1, &path, found);
    }
    found.push(path.into_iter().map(str::to_owned).collect());
    at
}

/// Follows each path of a group, up to its closing brace.
fn follow_group(tokens: &[&str], mut at: usize, prefix: &[&str], found: &mut Vec<Vec<String>>) -> usize {
    while at < tokens.len() && tokens[at] != "}" {
        at = match tokens[at] {
            "as" => at + 2,
            "," => at + 1,
            _ => follow(tokens, at, prefix, found).max(at + 1),
        };
    }
    at + 1
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

fn without_comments_and_strings(text: &str) -> String {
    let literal = r###"(?xs)
        //[^\n]* | /\*.*?\*/
        | r"[^"]*" | r\#".*?"\# | r\#\#".*?"\#\#
        | "(?:\\.|[^"\\])*" | '(?:\\[^']+|\\'|[^'\\])'"###;
    Regex::new(literal).unwrap().replace_all(text, " ").into_owned()
}

/// Takes out each item behind `#[cfg(test)]`: up to the end of its block, or to its semicolon if it has none.
fn without_tests(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("#[cfg(test)]") {
        kept.push_str(before);
        rest = &after[end_of_item(after)..];
    }
    kept + rest
}

fn end_of_item(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[test]
fn paths_are_read_from_sources() {
    let cases = [
        ("use crate::call::Call;", "crate::call::Call"),
        (
            "use crate::{call, classify::{Cause, self as c}};",
            "crate::call crate::classify::Cause crate::classify::self",
        ),
        ("use crate::{\n    call::Call as C,\n    source,\n};", "crate::call::Call crate::source"),
        ("pub(crate) use crate::source::*;", "crate::source::*"),
        (
            "fn f(a: &crate::call::Call<'_>) -> Vec<crate::source::Id> {}",
            "crate::call::Call crate::source::Id",
        ),
        ("let x = crate::app::run::<crate::call::Call>();", "crate::app::run crate::call::Call"),
        ("// crate::app::a\n/* crate::app::b */ /// [`crate::app::c`]\n", ""),
        (r##"let s = ("crate::app", 'x', '"', r#"crate::app "quoted""#); a::b"##, "a::b"),
        ("#[cfg(test)]\nmod tests { mod m {} use crate::app::x; }\nuse a::b;", "a::b"),
        ("#[cfg(test)]\nuse crate::app::{x};\nuse a::b;", "a::b"),
        ("#[cfg(test)]\nmod tests;\nuse a::b;", "a::b"),
    ];
    for (text, expected) in cases {
        let found: Vec<String> = paths(text).iter().map(|path| path.join("::")).collect();
        assert_eq!(found.join(" "), expected, "in {text}");
    }
}

#[test]
fn other_arrows_are_refused() {
    let cases = [
        ("format/graph.rs", "use crate::call::Call; use super::Decoded; use self::x::y;", ""),
        (
            "format/graph.rs",
            "use crate::source::Id;",
            "format -> source (`crate::source::Id`): `format` may import call, framing",
        ),
        ("format/graph.rs", "use super::super::ledger;", "format -> ledger"),
        ("format/mod.rs", "use super::ledger::Ledger;", "format -> ledger"),
        ("source/tail.rs", "use crate::{call::Call};", "`source` may import nothing of ours"),
        ("ledger/mod.rs", "use crate::*;", "ledger -> *"),
        ("app.rs", "use crate::{config, cli};", ""),
        ("main.rs", "cdr_exporter::app::run()", "main -> app"),
        ("util.rs", "", "src/util.rs: module `util` is not in the table"),
        ("ledger/mod.rs", "use prometheus::Counter;", "`prometheus` may appear in expose, telemetry only"),
        ("expose/families.rs", "use prometheus::{Counter, core::Collector};", ""),
        ("classify/mod.rs", "use std::{fmt, time::{Duration, Instant}};", "`std::time::Instant`: no I/O"),
        ("framing.rs", "tracing::info!()", "`tracing::info`: no I/O"),
        ("framing/json.rs", "std::fs::read(x)", "`std::fs::read`: no I/O"),
        ("source/tail.rs", "std::fs::read(x)", ""),
    ];
    for (file, text, expected) in cases {
        let errors = errors_in(Path::new(file), text).join("\n");
        assert_eq!(errors.is_empty(), expected.is_empty(), "{file}, {text}: {errors}");
        assert!(errors.contains(expected), "{file}, {text}: {errors}");
    }
}
