//! `cdr-exporter check`: whether the config is right, and what lies under its paths.

mod described;
mod trial;

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use self::described::{describe, is_well};
use super::Exit;
use super::reader::{self, Reader};
use super::uncounted;
use crate::config;
use crate::expose::access;
use crate::format::mapped::trial::shape as masked;
use crate::format::{Format, trunk};
use crate::pipeline::Options;
use crate::reading::overlap::Twice;
use crate::shown;
use crate::source::companion;
use crate::source::discover::{self, Exclude, Found};

/// Check the config, and say of each file what was recognised in it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cdr-exporter check --config.file /etc/cdr-exporter/cdr-exporter.yml\n  \
                        cdr-exporter check /var/spool/cdr/teams\n  cdr-exporter check --web.config.file /etc/cdr-exporter/web.yml"
)]
pub struct Arguments {
    /// Config file to check
    #[arg(long = "config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,
    /// Web config to check: TLS, passwords, headers, rate limit
    #[arg(long = "web.config.file", value_name = "FILE")]
    web_config_file: Option<PathBuf>,
    /// Folder under which the daemon keeps what it collects
    #[arg(long = "storage.path", value_name = "FOLDER", default_value = config::STORAGE)]
    storage_path: PathBuf,
    /// Also sign in at Microsoft and ask for one page of records, for each entry of `collect`
    #[arg(long, requires = "config_file")]
    collect: bool,
    /// Files, folders or globs to look into
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
}

/// Checks and prints. The answer is no when a file could not be read, or holds nothing that is known or nothing but records
/// that do not count, or when paths given on the command line lead to no file: those of a config may get theirs later.
pub fn run(arguments: &Arguments) -> Exit {
    if let Some(exit) =
        arguments.web_config_file.as_deref().and_then(|file| check_web_config(file, arguments))
    {
        return exit;
    }
    if arguments.paths.is_empty() && arguments.config_file.is_none() {
        super::say(
            "check",
            "nothing to check. Give it files, folders or globs, or a config:\n\
             \n  cdr-exporter check /var/spool/cdr/teams\n  cdr-exporter check --config.file /etc/cdr-exporter/cdr-exporter.yml",
        );
        return Exit::Usage;
    }
    let config =
        config::load_with(arguments.config_file.as_deref(), &arguments.paths, &arguments.storage_path);
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            super::say("check", error);
            return if arguments.config_file.is_some() { Exit::BadConfig } else { Exit::Usage };
        }
    };
    if let Some(file) = arguments.config_file.as_deref().filter(|_| config.pipeline.sources.is_empty()) {
        super::say("check", super::serve::no_sources(file));
        return Exit::BadConfig;
    }
    if !config.unreadable.is_empty() {
        config.unreadable.iter().for_each(|error| super::say("check", error));
        return Exit::BadConfig;
    }
    let mut out = io::stdout();
    let looked = look(&config.pipeline, arguments.config_file.as_deref(), &mut out);
    let tried = looked.and_then(|all_well| {
        Ok(super::collect::try_out(&config.collect, arguments.collect, &mut out)? && all_well)
    });
    match tried {
        Ok(true) => Exit::Ok,
        Ok(false) => Exit::No,
        // Whoever reads the report has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
        Err(error) => {
            super::say("check", error);
            Exit::Internal
        }
    }
}

/// Says what is wrong with a web config, or that nothing is; how the program ends, if that is all there is to do.
fn check_web_config(file: &Path, arguments: &Arguments) -> Option<Exit> {
    match access::load(file) {
        Ok(web) => {
            for warning in &web.warnings {
                super::say("check", format_args!("warning: {warning}"));
            }
            let said = writeln!(io::stdout(), "{}: the web config is right", shown::path(file));
            let is_all = arguments.paths.is_empty() && arguments.config_file.is_none();
            // Whoever reads the report has seen enough.
            (is_all || said.is_err()).then_some(Exit::Ok)
        }
        Err(fault) => {
            super::say("check", fault);
            Some(Exit::BadConfig)
        }
    }
}

/// Writes what was found; whether all of it is well.
fn look(options: &Options, config_file: Option<&Path>, out: &mut impl Write) -> io::Result<bool> {
    if let Some(file) = config_file {
        writeln!(out, "{}: the config is right", shown::path(file))?;
    }
    for warning in config::counted_twice(&options.sources) {
        writeln!(out, "warning: {warning}")?;
    }
    let mut all_well = true;
    let mut sources_of: HashMap<PathBuf, &str> = HashMap::new();
    for source in &options.sources {
        let found = source.discover.scan();
        let files = if found.files.len() == 1 { "file" } else { "files" };
        writeln!(out, "\nsource {}: {} {files}", source.books.name, found.files.len())?;
        all_well &= (!found.files.is_empty() || config_file.is_some()) && found.unreadable.is_empty();
        all_well &= found.left_out_count == 0;
        out.write_all(passed_over(&source.discover, &found).as_bytes())?;
        out.write_all(not_found(&found).as_bytes())?;
        let paths = found.files.iter().map(|(path, _)| path.clone());
        let (ignored, paths): (Vec<PathBuf>, Vec<PathBuf>) =
            paths.partition(|path| companion::explanation_at(path).is_some());
        all_well &= ignored.is_empty() || !paths.is_empty();
        out.write_all(companions(&ignored).as_bytes())?;
        // One after another: which of two files a call is counted in does not depend on luck.
        let alone = options.of_source(source);
        let (mut reader, books) = Reader::new(&alone, reader::total_bytes(&paths), 1);
        let results = reader.read(&paths, books[0], source.reading);
        let (proposed, twice) = (reader.proposed_trunks(books[0]), reader.twice());
        let is_all_hidden = source.books.trunks.is_some() && reader.trunks_seen(books[0]).is_empty();
        let mut tried_before = String::new();
        let layout = uncounted::layout(&results.iter().flatten().collect::<Vec<_>>());
        let counts = results.iter().flatten().any(|read| read.summary.records.counted > 0);
        for (path, result) in paths.iter().zip(results) {
            let read = result.as_ref().ok();
            let is_expected = read.is_some_and(|read| uncounted::is_expected(read, counts));
            all_well &= read.is_some_and(|read| is_well(read, is_expected));
            out.write_all(describe(path, &result, source.reading.names, is_expected).as_bytes())?;
            if let Some((said, counts_nothing)) = read.map(|read| uncounted::lines(path, read, is_expected)) {
                out.write_all(said.as_bytes())?;
                all_well &= counts || !counts_nothing;
            }
            let tried = read.map(|read| trial::report(path, read, source, &options.catalogue));
            let tried = tried.unwrap_or_default();
            if tried != tried_before {
                out.write_all(tried.as_bytes())?;
                tried_before = tried;
            }
            if let Some(other) = sources_of.insert(path.clone(), &source.books.name) {
                writeln!(
                    out,
                    "    warning: the source {other} reads this file too; its calls are counted by both"
                )?;
            }
        }
        out.write_all(layout.unwrap_or_default().as_bytes())?;
        out.write_all(of_source(twice, proposed, source.reading.format).as_bytes())?;
        if is_all_hidden && let Some(said) = hidden(&alone, &paths) {
            writeln!(out, "  warning: {said}")?;
        }
    }
    Ok(all_well)
}

/// Files that are known by name to hold no records, and what they are.
fn companions(paths: &[PathBuf]) -> String {
    let line = |path: &PathBuf| {
        let explanation = companion::explanation_at(path).unwrap_or_default();
        format!("  {}\n    ignored: {explanation}\n", shown::path(path))
    };
    paths.iter().map(line).collect()
}

/// What could not be looked into.
fn not_found(found: &Found) -> String {
    let left_out = found.left_out_said().map(|said| format!("  {}\n", shown::text(&said)));
    let unreadable = found.unreadable.iter();
    let unreadable = unreadable.map(|(path, error)| format!("  {}: {error}\n", shown::path(path)));
    left_out.into_iter().chain(unreadable).collect()
}

/// What is to be said of a source whose config shows none of its trunks: they are looked for again, without it.
fn hidden(alone: &Options, paths: &[PathBuf]) -> Option<String> {
    let source = alone.sources.first()?;
    let only = source.books.trunks.clone()?;
    let mut open = alone.of_source(source);
    open.sources[0].books.trunks = None;
    let (mut reader, books) = Reader::new(&open, reader::total_bytes(paths), 1);
    reader.read(paths, books[0], source.reading);
    only.said_of_hidden(&reader.trunks_seen(books[0]))
}

/// What is to be said of all files of a source together.
fn of_source(twice: Option<Twice>, trunks: BTreeSet<String>, format: Option<&Format>) -> String {
    let (doubtful, proposed): (BTreeSet<String>, BTreeSet<String>) =
        trunks.into_iter().partition(|trunk| format.is_some_and(|format| format.may_name_person(trunk)));
    let mut text = String::new();
    if let Some(twice) = twice {
        text += &format!("  warning: {}\n", twice.sentence());
    }
    if !proposed.is_empty() {
        text += &format!(
            "  every trunk that records name is shown; with this in the config, only these are:\n    {}\n",
            trunk::proposal(&proposed)
        );
    }
    if let Some(first) = doubtful.first() {
        text += &format!(
            "  warning: {} of the trunks may be people's names, such as `{}`, and would become labels: name another place in `trunk`, or \
             in `trunks: {{only: [...]}}` those that may be shown\n",
            doubtful.len(),
            masked(first)
        );
    }
    text
}

/// Paths that lead to no file, and files that `exclude` keeps out: what people miss when a call is not counted.
fn passed_over(discover: &discover::Options, found: &Found) -> String {
    let mut text = String::new();
    let mut excluded = BTreeSet::new();
    for pattern in &discover.patterns {
        let all = discover::Options { patterns: vec![pattern.clone()], exclude: Exclude::nothing() }.scan();
        if all.files.is_empty() && all.unreadable.is_empty() {
            text += &format!("  {pattern}\n    no file is there\n");
        }
        let is_found = |path: &PathBuf| found.files.binary_search_by(|(other, _)| other.cmp(path)).is_ok();
        excluded.extend(all.files.into_iter().map(|(path, _)| path).filter(|path| !is_found(path)));
    }
    for path in excluded {
        text += &format!("  {}\n    left alone: `exclude` matches its name\n", shown::path(&path));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_why_a_file_is_not_among_those_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().display();
        for name in ["a.json", "b.json.part"] {
            std::fs::write(folder.path().join(name), "{}").expect("a file");
        }
        let absent = format!("  {root}/*.csv\n    no file is there\n");
        let excluded = format!("  {root}/b.json.part\n    left alone: `exclude` matches its name\n");
        for (paths, expected) in [
            (vec![format!("{root}/a.json")], String::new()),
            (vec![format!("{root}/*.csv")], absent.clone()),
            (vec![format!("{root}"), format!("{root}/*.csv"), format!("{root}/*.part")], absent + &excluded),
        ] {
            let options = config::load(None, &paths).expect("paths that can be used");
            let discover = &options.sources[0].discover;
            assert_eq!(passed_over(discover, &discover.scan()), expected, "{paths:?}");
        }
    }

    #[test]
    fn warns_of_what_may_be_meant_and_is_no_fault() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().display();
        let row = "{\"id\":\"1\",\"successfulCall\":true,\"callEndSubReason\":0,\"finalSipCode\":0}\n";
        std::fs::write(folder.path().join("a.json"), row).expect("a file");
        let file = folder.path().join("config.yml");
        let config = format!(
            "sources:\n- {{name: one, paths: ['{root}/*.json']}}\n- {{name: two, paths: ['{root}/a*']}}\n\
             - {{name: three, paths: ['{root}/later/*']}}\n"
        );
        std::fs::write(&file, config).expect("a config");
        let options = config::load(Some(&file), &[]).expect("a right config");
        let mut report = Vec::new();
        assert!(look(&options, Some(&file), &mut report).expect("writing to memory"));
        let report = String::from_utf8(report).expect("text");
        let twice = "    warning: the source one reads this file too; its calls are counted by both\n";
        let absent = format!("source three: 0 files\n  {root}/later/*\n    no file is there\n");
        assert!(report.contains(twice) && report.contains(&absent), "{report}");
        let options = config::load(None, &[format!("{root}/later/*")]).expect("a path");
        assert!(!look(&options, None, &mut Vec::new()).expect("writing to memory"), "asked for by name");
    }
}
