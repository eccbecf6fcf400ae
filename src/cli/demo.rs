//! `cdr-exporter demo`: made-up calls, served as `serve` would, for those who have no files yet.

mod day;
mod endings;
mod rows;
pub mod traffic;
pub mod truth;
mod writer;

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::Args;
use tempfile::TempDir;

pub use self::rows::ADMIN_CENTER_HEADER;
use self::traffic::{FIRST_SPIKE_AFTER, SPIKE_EVERY, SPIKE_LASTS, SPIKE_TRUNK, TRUNKS};
use self::writer::Writer;
use super::Exit;
use super::serve::{Log, Web};
use crate::app::{Daemon, HangUp};
use crate::call::UnixMillis;
use crate::clock;
use crate::expose::listen::Address;
use crate::{config, pipeline, shown, telemetry};

/// Make calls up and serve them, with a spike of failures every few minutes
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cdr-exporter demo --rate 100\n  xdg-open http://localhost:10410/\n\n  \
                        cdr-exporter demo --export DirectRouting.calls.2026-11-20.csv\n  \
                        cdr-exporter inspect DirectRouting.calls.2026-11-20.csv")]
pub struct Arguments {
    /// How many calls to make up each second, on average
    #[arg(long, value_name = "CALLS_PER_SECOND", default_value = "20", value_parser = rate)]
    rate: f64,
    /// Write an export of a made-up day with an outage in it to FILE, for `inspect`, and serve nothing
    #[arg(long, value_name = "FILE", exclusive = true)]
    export: Option<PathBuf>,
    /// Make the same calls up again
    #[arg(long, value_name = "NUMBER", hide = true)]
    seed: Option<u64>,
    #[command(flatten)]
    web: Web,
    #[command(flatten)]
    log: Log,
}

/// The most calls a second that are worth making up: a large carrier has a tenth of it.
const HIGHEST_RATE: f64 = 100_000.0;

/// Runs until a signal ends it, and takes its folder away.
pub fn run(arguments: Arguments) -> Exit {
    telemetry::init(arguments.log.level, arguments.log.format);
    if let Some(file) = &arguments.export {
        return export(file);
    }
    match serve(arguments) {
        Ok(()) => Exit::Ok,
        Err(reason) => {
            super::say("demo", reason);
            Exit::Internal
        }
    }
}

/// Writes the day to a file that is not there yet.
fn export(file: &Path) -> Exit {
    let (text, shown) = (day::export(), shown::path(file));
    let written = File::create_new(file).and_then(|mut made| {
        // A part of a day would be taken for all of it.
        made.write_all(text.as_bytes()).inspect_err(|_| drop(fs::remove_file(file)))
    });
    match written {
        Ok(()) => {
            super::say("demo", format_args!("{shown} is written; now: cdr-exporter inspect {shown}"));
            Exit::Ok
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            super::say("demo", format_args!("{shown} is there already: remove it, or choose another name"));
            Exit::Usage
        }
        Err(error) => {
            let reason = crate::shown::refusal(&error);
            let advice = match error.kind() {
                io::ErrorKind::NotFound => "; name a file in a folder that is there",
                _ => "",
            };
            super::say("demo", format_args!("cannot write {shown}: {reason}{advice}"));
            Exit::Internal
        }
    }
}

fn serve(Arguments { rate, seed, web, .. }: Arguments) -> Result<(), String> {
    let folder = folder().map_err(|error| format!("cannot make a temporary folder: {error}"))?;
    let path = folder.path().to_path_buf();
    let (seed, start) = (seed.unwrap_or_else(|| fastrand::u64(..)), clock::now());
    let writer = Writer::new(path.clone(), seed, start, rate);
    let writer = writer.map_err(|error| format!("cannot write to {}: {error}", path.display()))?;
    let options = options(&path)?;

    let (stop, stopped) = mpsc::channel();
    let writing = thread::Builder::new().name("writing".to_owned()).spawn(move || writer.run(&stopped));
    let writing = writing.map_err(|error| format!("cannot start: {error}"))?;
    let (listen, access) = (web.listen(), web.access()?);
    let web = web.options();
    let (page, metrics) =
        (format!("{}/", web.route_prefix), format!("{}{}", web.route_prefix, web.telemetry_path));
    let daemon = Daemon {
        listen,
        web,
        access,
        storage_path: path.join("data"),
        rejected: None,
        listening: Box::new({
            let path = path.clone();
            move |addresses| {
                introduce(&introduction(
                    rate,
                    &path,
                    start,
                    &url(addresses, &page),
                    &url(addresses, &metrics),
                ))
            }
        }),
        load: Box::new(move || self::options(&path).map(Into::into)),
        hang_up: HangUp::Stops,
        auto_reload: None,
        clock: clock::system(),
    };
    let ended = daemon.run(options.into()).map_err(|error| error.to_string());
    drop(stop);
    // A writer that has panicked has said so, and leaves nothing behind but its files.
    let _ = writing.join();
    let removed = folder.close().map_err(|error| format!("cannot take its folder away: {error}"));
    ended.and(removed)
}

fn folder() -> io::Result<TempDir> {
    let owner_only = Permissions::from_mode(0o700);
    tempfile::Builder::new().prefix("cdr-exporter-demo-").permissions(owner_only).tempdir()
}

/// The options that `serve FOLDER` would have, but for the ids of records: what is written here comes once.
fn options(folder: &Path) -> Result<pipeline::Options, String> {
    let rows = format!("{}/*.ndjson", globset::escape(&folder.to_string_lossy()));
    let mut options = config::load(None, &[rows]).map_err(|error| error.to_string())?;
    for source in &mut options.sources {
        source.books.remember = Duration::ZERO;
    }
    Ok(options)
}

/// The URL of this path at the first address that has one.
fn url(addresses: &[Address], path: &str) -> String {
    let tcp = addresses.iter().find_map(|address| match address {
        Address::Tcp(address) => Some(address),
        Address::Unix(_) => None,
    });
    match tcp {
        Some(address) if address.ip().is_unspecified() => {
            format!("http://localhost:{}{path}", address.port())
        }
        Some(address) => format!("http://{address}{path}"),
        None => format!("http://localhost{path}"),
    }
}

fn introduction(rate: f64, folder: &Path, start: UnixMillis, page: &str, metrics: &str) -> String {
    let trunk = TRUNKS[SPIKE_TRUNK].fqdn;
    let spike = super::inspect::time(UnixMillis(start.0 + FIRST_SPIKE_AFTER));
    format!(
        "Made-up calls over {trunks} trunks, about {rate} a second, are written to\n\
         {folder} and served as `serve` would serve real ones. Open this page:\n\
         \n  {page}\n\
         \nIt says what is wrong now, which causes cost most calls, and what to do. A spike comes at\n\
         {spike} and every {every} minutes after that: for {lasts} seconds, most calls over\n\
         {trunk} fail with IceConnectivityChecksFailed (531004/410). Load the page again then, and it\n\
         says so. The same in the metrics that Prometheus scrapes:\n\
         \n  curl -s {metrics} | grep {trunk} | grep IceConnectivityChecksFailed\n\
         \nWhat the codes mean: {page}causes/531004-410, or cdr-exporter explain 531004 410\n\
         With Prometheus, alerts and dashboards: make demo-stack\n\
         Ctrl-C ends this and takes the folder away.\n\n",
        trunks = TRUNKS.len(),
        folder = folder.display(),
        every = SPIKE_EVERY / 60_000,
        lasts = SPIKE_LASTS / 1000,
    )
}

/// Without anyone to read it, it need not be said.
fn introduce(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "it is a number such as 20 or 0.5".to_owned())?;
    match rate > 0.0 && rate <= HIGHEST_RATE {
        true => Ok(rate),
        false => Err(format!("it is more than 0 and at most {HIGHEST_RATE}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        for (text, expected) in [
            ("20", Some(20.0)),
            ("0.5", Some(0.5)),
            ("100000", Some(100_000.0)),
            ("0", None),
            ("-1", None),
            ("100001", None),
            ("NaN", None),
            ("inf", None),
            ("many", None),
        ] {
            assert_eq!(rate(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn urls_can_be_opened() {
        for (address, expected) in [
            ("[::]:10410", "http://localhost:10410/metrics"),
            ("0.0.0.0:80", "http://localhost:80/metrics"),
            ("127.0.0.1:9", "http://127.0.0.1:9/metrics"),
            ("[::1]:9", "http://[::1]:9/metrics"),
        ] {
            assert_eq!(url(&[address.parse().expect(address)], "/metrics"), expected);
        }
    }

    #[test]
    fn the_advice_does_not_depend_on_the_order_of_labels() {
        let text = introduction(
            20.0,
            Path::new("/tmp/demo"),
            UnixMillis(0),
            "http://localhost:10410/",
            "http://localhost:10410/metrics",
        );
        let line = text.lines().find(|line| line.contains("curl")).expect("a command");
        let words: Vec<&str> = line.split(" | grep ").skip(1).collect();
        assert_eq!(words, ["sbc2.contoso.com", "IceConnectivityChecksFailed"]);
    }

    #[test]
    fn the_folder_is_the_owners() {
        let folder = folder().expect("a folder");
        let mode = folder.path().metadata().expect("its metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
