//! `sources`: what is read, under which name, and how.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use serde_saphyr::Spanned;

use super::device::{check_layout, check_trunk_from, device, device_key, of_no_device};
use super::errors::{Checked, at, plain, unknown};
use super::file;
use super::limits;
use super::units::duration;
use crate::format::device::Keys;
use crate::format::names::{ALL as ALL_FIELDS, Field, Names};
use crate::format::{ALL, Format, mapped};
use crate::ledger::{SourceOptions, TrunkName};
use crate::pipeline::Source;
use crate::reading;
use crate::reading::trunk::Only;
use crate::shown;
use crate::source::discover::{Exclude, Options, Pattern};

/// The name of the source that paths on the command line make.
pub const SOURCE_OF_PATHS: &str = "teams";
/// Overlapping exports are a matter of days; a week is what a forgotten download folder needs.
const REMEMBER: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// A device writes the attempts of a call when the call ends, within a second; a log may come through a relay.
const ATTEMPTS_WITHIN: Duration = Duration::from_secs(10);

/// The source that paths on the command line make.
pub fn source_of_paths(paths: &[String]) -> Checked<Source> {
    let pattern = |path: &String| Pattern::parse(path).map_err(|error| plain(error.to_string()));
    Ok(Source {
        books: SourceOptions {
            attempts_within: ATTEMPTS_WITHIN,
            ..SourceOptions::named(SOURCE_OF_PATHS, REMEMBER)
        },
        discover: Options {
            patterns: paths.iter().map(pattern).collect::<Checked<_>>()?,
            exclude: Exclude::parse(Exclude::DEFAULT).map_err(|error| plain(error.to_string()))?,
        },
        reading: reading::Options::default(),
    })
}

/// The sources of a config file.
///
/// `spool` gives the folder that is collected into for a source, if one is.
pub fn sources<'s>(
    written: &[file::Source],
    spool: impl Fn(&str) -> Option<&'s Path>,
    record_bytes: usize,
) -> Checked<Vec<Source>> {
    let mut names = HashSet::new();
    for source in written {
        let name = &source.name;
        if name.value.trim().is_empty() {
            return Err(at(name, "a source needs a name; it becomes the label `source`"));
        }
        printable(&name.value, name)?;
        limits::name(name)?;
        if !names.insert(&name.value) {
            return Err(at(name, format!("there are two sources named `{}`", name.value)));
        }
    }
    for source in written {
        if let Some(prefer) = &source.prefer {
            check_preferred(source, prefer, written)?;
        }
    }
    written.iter().map(|written| source(written, spool(&written.name.value), record_bytes)).collect()
}

/// Another source, and one that prefers none itself: alerts look at the last of a chain, and a ring has none.
fn check_preferred(of: &file::Source, prefer: &Spanned<String>, all: &[file::Source]) -> Checked<()> {
    let name = &prefer.value;
    if *name == of.name.value {
        return Err(at(
            prefer,
            "a source cannot be preferred to itself: `prefer` names the one to listen to",
        ));
    }
    let Some(preferred) = all.iter().find(|source| source.name.value == *name) else {
        let names: Vec<&str> =
            all.iter().map(|source| &*source.name.value).filter(|other| *other != of.name.value).collect();
        return Err(at(prefer, unknown("source", name, &names)));
    };
    match &preferred.prefer {
        None => Ok(()),
        Some(_) => Err(at(
            prefer,
            format!(
                "the source `{name}` prefers another one itself: name the one that alerts are to look at"
            ),
        )),
    }
}

/// Warnings about paths that are in more than one source, or in a folder of another one.
pub fn counted_twice(sources: &[Source]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (place, source) in sources.iter().enumerate() {
        for pattern in &source.discover.patterns {
            let is_here =
                |other: &&Source| other.discover.patterns.iter().any(|other| pattern.overlaps(other));
            let (before, after) = (&sources[..place], &sources[place + 1..]);
            // Where both are written alike, the second one is warned of.
            let other = before.iter().find(is_here).or_else(|| {
                after.iter().find(|other| other.discover.patterns.iter().any(|other| pattern.lies_in(other)))
            });
            if let Some(other) = other {
                warnings.push(format!(
                    "the path {} is in the sources `{}` and `{}`: its calls are counted twice",
                    shown::text(&pattern.to_string()),
                    other.books.name,
                    source.books.name
                ));
            }
        }
    }
    warnings
}

/// Whether a text can be shown as it is: in a label, in a log, on a terminal.
pub fn printable<T>(text: &str, written: &Spanned<T>) -> Checked<()> {
    match text.chars().find(|character| shown::is_unsafe(*character)) {
        None => Ok(()),
        Some(control) => {
            let (text, code) = (text.escape_debug(), u32::from(control));
            Err(at(
                written,
                format!("`{text}` has a control character, U+{code:04X}; names are one line of text"),
            ))
        }
    }
}

fn source(written: &file::Source, spool: Option<&Path>, record_bytes: usize) -> Checked<Source> {
    if written.paths.is_none() && spool.is_none() {
        let message = "the key `paths` is missing; only a source that `collect` feeds needs none";
        return Err(at(&written.name, message));
    }
    let paths = written.paths.as_deref().unwrap_or_default();
    if paths.is_empty() && spool.is_none() {
        return Err(at(&written.name, format!("the source `{}` has no paths", written.name.value)));
    }
    let pattern =
        |path: &Spanned<String>| Pattern::parse(&path.value).map_err(|error| at(path, error.to_string()));
    let collected = spool.map(|folder| {
        let folder = globset::escape(&folder.to_string_lossy());
        let calls = format!("{folder}/{}", crate::collect::CALLS);
        Pattern::parse(&calls)
            .map(Pattern::without_expecting_files)
            .map_err(|error| at(&written.name, error.to_string()))
    });
    let exclude = match &written.exclude {
        Some(globs) => {
            for glob in globs {
                Exclude::parse([glob.value.as_str()]).map_err(|error| at(glob, error.to_string()))?;
            }
            Exclude::parse(globs.iter().map(|glob| glob.value.as_str()))
        }
        None => Exclude::parse(Exclude::DEFAULT),
    };
    let format = format(written)?;
    let remember = written.remember.as_ref().map_or(Ok(REMEMBER), duration)?;
    let attempts_within = written.attempts_within.as_ref().map_or(Ok(ATTEMPTS_WITHIN), duration)?;
    if let (Some(key), Some(format)) = (&written.remember, format.filter(|format| format.device.is_some()))
        && remember < attempts_within
    {
        let message = format!(
            "a call of `{}` may have several records, which are known by its id: `remember` must be no less than `attempts_within`",
            format.name
        );
        return Err(at(key, message));
    }
    Ok(Source {
        books: SourceOptions {
            name: written.name.value.as_str().into(),
            remember,
            trunk_names: written.trunks.names.iter().map(trunk_name).collect::<Checked<_>>()?,
            trunks: written.trunks.only.as_ref().map(only).transpose()?.map(Arc::new),
            attempts_within,
            prefer: written.prefer.as_ref().map(|name| name.value.as_str().into()),
        },
        discover: Options {
            patterns: paths.iter().map(pattern).chain(collected).collect::<Checked<_>>()?,
            exclude: exclude.map_err(|error| at(&written.name, error.to_string()))?,
        },
        reading: reading::Options {
            format,
            live_within: written.live_within.as_ref().map(duration).transpose()?,
            record_bytes,
            names: names(&written.columns)?,
            keeps_detail: true,
        },
    })
}

/// The operator's names of properties and columns.
fn names(columns: &BTreeMap<String, Spanned<String>>) -> Checked<Names> {
    let fields = ALL_FIELDS.iter().filter(|named| named.field != Field::Kind);
    let known: Vec<&str> = fields.map(|named| named.in_config).collect();
    let field = |(name, written): (&String, &Spanned<String>)| {
        let named = ALL_FIELDS.iter().find(|named| named.in_config == written.value);
        match named.filter(|named| known.contains(&named.in_config)) {
            Some(named) => Ok((name.clone(), named.field)),
            None => Err(at(written, unknown("field", &written.value, &known))),
        }
    };
    columns.iter().map(field).collect::<Checked<Vec<_>>>().map(Names::with)
}

/// The format, told what the operator says of the device, or made of what the config says of its fields.
fn format(written: &file::Source) -> Checked<Option<&'static Format>> {
    let name = written.format.as_ref();
    check_columns(written)?;
    if let Some(name) = name.filter(|name| mapped::NAMES.contains(&name.value.as_str())) {
        return super::mapping::format(written, name, device(written)?).map(Some);
    }
    let format = name.map_or(Ok(None), named)?;
    if let Some(field) = written.fields.as_ref().and_then(|fields| fields.values().next()) {
        let message = format!("`fields` goes with one of the formats {}", mapped::NAMES.join(", "));
        return Err(at(field, message));
    }
    if let Some(key) = written.layout.as_ref() {
        check_layout(written, key, format)?;
    }
    if let (Some(key), Some(format)) = (written.trunk_from.as_ref(), format) {
        check_trunk_from(written, key, format)?;
    }
    let keys = format.and_then(|format| format.device);
    if let (Some(side), Some(Keys { teams_side: false, .. }), Some(format)) =
        (written.teams_side.iter().flatten().next(), keys, format)
    {
        let message =
            format!("records of `{}` name no sides, so `teams_side` can tell none apart", format.name);
        return Err(at(side, message));
    }
    let Some(key) = device_key(written) else { return Ok(format) };
    match format.map(|format| device(written).map(|device| format.for_device(device))).transpose()?.flatten()
    {
        Some(format) => Ok(Some(format)),
        None => Err(of_no_device(written, key)),
    }
}

/// Fails where no column of the operator's names is asked for.
fn check_columns(written: &file::Source) -> Checked<()> {
    let (Some(name), Some(column)) = (&written.format, written.columns.values().next()) else {
        return Ok(());
    };
    let of_device = Format::named(&name.value).is_some_and(Format::is_of_device);
    if !of_device && !mapped::NAMES.contains(&name.value.as_str()) {
        return Ok(());
    }
    let instead =
        if of_device { "its records have none" } else { "here `fields` say where each field stands" };
    let message =
        format!("`columns` names columns of Microsoft's records; with `format: {}` {instead}", name.value);
    Err(at(column, message))
}

fn named(written: &Spanned<String>) -> Checked<Option<&'static Format>> {
    match written.value.as_str() {
        "auto" => Ok(None),
        name => match Format::named(name) {
            Some(format) => Ok(Some(format)),
            None => {
                let built_in = ALL.into_iter().flat_map(|format| [&[format.name], format.aliases].concat());
                let known: Vec<&str> = ["auto"].into_iter().chain(built_in).chain(mapped::NAMES).collect();
                Err(at(written, unknown("format", name, &known)))
            }
        },
    }
}

/// The trunks that may be shown.
fn only(written: &Spanned<Vec<Spanned<String>>>) -> Checked<Only> {
    if written.value.is_empty() {
        return Err(at(
            written,
            "`only` is empty: no trunk would be shown; name your domains, such as `*.contoso.com`",
        ));
    }
    for pattern in &written.value {
        Only::of([pattern.value.as_str()]).map_err(|reason| at(pattern, reason))?;
    }
    Only::of(written.value.iter().map(|pattern| pattern.value.as_str())).map_err(|reason| at(written, reason))
}

/// A name for the FQDNs that match from their beginning to their end.
fn trunk_name(written: &file::Trunk) -> Checked<TrunkName> {
    printable(&written.name.value, &written.name)?;
    limits::name(&written.name)?;
    let whole = format!("^(?i:{})$", written.matches.value);
    // Compiled alone first, so that the message shows the text that was written.
    let matches = Regex::new(&written.matches.value).and_then(|_| Regex::new(&whole));
    let matches =
        matches.map_err(|error| at(&written.matches, format!("not a regular expression: {error}")))?;
    TrunkName::new(matches, written.name.value.clone()).map_err(|reason| at(&written.name, reason))
}
