//! `cdr-exporter serve`: the daemon.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use clap::Args;

use super::Exit;
use crate::app::{AppError, Daemon};
use crate::config;
use crate::expose::telemetry_path;
use crate::pipeline::{Options, rejected};
use crate::telemetry::{self, LogFormat, LogLevel};

/// Watch files of call detail records and serve what they hold on /metrics
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cdr-exporter serve /var/spool/cdr/teams\n  cdr-exporter serve --config.file \
                  /etc/cdr-exporter/cdr-exporter.yml\n  curl http://localhost:10410/metrics"
)]
pub struct Arguments {
    /// Files, folders or globs to watch, as one source named `teams`
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Config file (YAML) with sources, limits and causes of your own
    #[arg(long = "config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,
    /// Folder that keeps what was counted and how far each file was read; made where it is missing
    #[arg(long = "storage.path", value_name = "FOLDER", default_value = "data/")]
    storage_path: PathBuf,
    #[command(flatten)]
    rejected: Rejected,
    #[command(flatten)]
    pub web: Web,
    #[command(flatten)]
    pub log: Log,
}

/// Where rejected records are written.
#[derive(Debug, Clone, Args)]
struct Rejected {
    /// File to which rejected records are written as JSON lines, everything personal masked; `replay` reads it. Not
    /// in the folder of the store, and not where a source reads
    #[arg(id = "rejected.path", long = "rejected.path", value_name = "FILE")]
    path: Option<PathBuf>,
    /// Size at which that file is renamed to FILE.1, in the place of the one before
    #[arg(id = "rejected.size", long = "rejected.size", value_name = "SIZE", default_value = "10MiB", value_parser = rejected_size,
          requires = "rejected.path")]
    size: u64,
}

/// Where and how the metrics are served.
#[derive(Debug, Clone, Args)]
pub struct Web {
    /// Address to listen on; without a host, on every interface
    #[arg(long = "web.listen-address", value_name = "ADDR", default_value = ":10410", value_parser = listen_address)]
    pub listen_address: SocketAddr,
    /// Path of the metrics
    #[arg(long = "web.telemetry-path", value_name = "PATH", default_value = "/metrics", value_parser = telemetry_path)]
    pub telemetry_path: String,
}

/// What is logged, and how.
#[derive(Debug, Clone, Args)]
pub struct Log {
    /// The least severe messages to log
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info")]
    pub level: LogLevel,
    /// How each message is written
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "logfmt")]
    pub format: LogFormat,
}

/// What is wrong with a config that is right and empty.
pub const NO_SOURCES: &str = "the config has no sources and no path was given: there is nothing to watch";

/// Runs the daemon until a signal ends it.
pub fn run(arguments: Arguments) -> Exit {
    let Arguments { paths, config_file, storage_path, rejected, web, log } = arguments;
    if paths.is_empty() && config_file.is_none() {
        eprintln!(
            "cdr-exporter serve: nothing to watch. Give it files, folders or globs, or a config:\n\
             \n  cdr-exporter serve /var/spool/cdr/teams\n  cdr-exporter serve --config.file /etc/cdr-exporter/cdr-exporter.yml\n\
             \nTo see it work without any files: cdr-exporter demo"
        );
        return Exit::Usage;
    }
    let rejected = rejected.path.map(|path| rejected::Options { path, size: rejected.size });
    let rejected_path = rejected.as_ref().map(|rejected| rejected.path.clone());
    let storage = storage_path.clone();
    let load = move || {
        let config = config::load_with(config_file.as_deref(), &paths, &storage);
        let config = config.map_err(|error| error.to_string())?;
        rejected_path.as_deref().map_or(Ok(()), |path| is_no_input(path, &config.pipeline))?;
        Ok(config)
    };
    let usable = load().and_then(|config| match &rejected {
        _ if config.pipeline.sources.is_empty() => Err(NO_SOURCES.to_owned()),
        None => Ok(config),
        Some(rejected) => {
            let named = |error| format!("--rejected.path {}: {error}", rejected.path.display());
            rejected.try_out(&storage_path).map(|()| config).map_err(named)
        }
    });
    let config = match usable {
        Ok(config) => config,
        Err(error) => {
            eprintln!("cdr-exporter serve: {error}");
            return Exit::BadConfig;
        }
    };
    telemetry::init(log.level, log.format);
    let daemon = Daemon {
        listen_address: web.listen_address,
        telemetry_path: web.telemetry_path,
        storage_path,
        rejected,
        listening: Box::new(|_| {}),
        load: Box::new(load),
    };
    match daemon.run(config) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            eprintln!("cdr-exporter serve: {error}");
            match error {
                AppError::Store(_) => Exit::Store,
                AppError::Listen(..) | AppError::Start(_) | AppError::Pipeline => Exit::Internal,
            }
        }
    }
}

fn rejected_size(text: &str) -> Result<u64, String> {
    match text.parse::<ByteSize>() {
        Ok(size) if size >= ByteSize::kib(64) => Ok(size.as_u64()),
        Ok(_) => Err("must be 64KiB or more".to_owned()),
        Err(_) => Err("is not a size such as 512KiB or 10MiB".to_owned()),
    }
}

/// A file of rejected records that a source reads would be rejected into itself.
fn is_no_input(path: &Path, options: &Options) -> Result<(), String> {
    let written = std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let generations = [rejected::older(&written), written];
    let mut sources = options.sources.iter();
    match sources.find(|source| generations.iter().any(|file| source.discover.covers(file))) {
        None => Ok(()),
        Some(source) => Err(format!(
            "--rejected.path {} is among the files of source `{}`; choose a folder that no source reads",
            path.display(),
            source.books.name
        )),
    }
}

/// `HOST:PORT`, or `:PORT` for every interface.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    if let Some(port) = text.strip_prefix(':') {
        let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
        // IPv6's any address takes IPv4 as well, where the system has IPv6 at all.
        let everywhere = SocketAddr::from(([0u16; 8], port));
        let has_ipv6 = std::net::UdpSocket::bind(SocketAddr::from(([0u16; 8], 0))).is_ok();
        return Ok(if has_ipv6 { everywhere } else { SocketAddr::from(([0u8; 4], port)) });
    }
    let mut addresses =
        text.to_socket_addrs().map_err(|error| format!("{error}; it is HOST:PORT or :PORT"))?;
    addresses.next().ok_or_else(|| "no such host".to_owned())
}
