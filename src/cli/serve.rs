//! `cdr-exporter serve`: the daemon.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;
use tracing::warn;

use super::Exit;
use crate::app::{AppError, AutoReload, Daemon, HangUp};
use crate::clock;
use crate::config;
use crate::expose::access::Access;
use crate::expose::listen::Address;
use crate::expose::{self, Hosts, Limits, route_prefix, telemetry_path};
use crate::pipeline::{Options, Source, rejected};
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
    #[command(flatten)]
    auto_reload: AutoReloads,
    /// Folder that keeps what was counted and how far each file was read; made where it is missing
    #[arg(long = "storage.path", value_name = "FOLDER", default_value = config::STORAGE)]
    storage_path: PathBuf,
    /// Threads that read large files beside the one that counts; half of the cores if it is not said
    #[arg(long, value_name = "NUMBER", value_parser = super::threads)]
    threads: Option<usize>,
    #[command(flatten)]
    rejected: Rejected,
    #[command(flatten)]
    pub web: Web,
    #[command(flatten)]
    pub log: Log,
}

/// Whether the config is reloaded by itself.
#[derive(Debug, Clone, Args)]
struct AutoReloads {
    /// Reload the config when its file has changed, as SIGHUP does
    #[arg(long = "config.enable-auto-reload", requires = "config_file")]
    enable: bool,
    /// How often to look whether it has
    #[arg(long = "config.auto-reload-interval", value_name = "TIME", default_value = "30s", value_parser = look_interval)]
    interval: Duration,
}

fn look_interval(text: &str) -> Result<Duration, String> {
    let every = text.parse::<jiff::SignedDuration>().ok().and_then(|every| Duration::try_from(every).ok());
    let possible = Duration::from_millis(100)..=Duration::from_secs(24 * 60 * 60);
    every.filter(|every| possible.contains(every)).ok_or_else(|| "is no time from 100ms to 24h".to_owned())
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
    /// Address to listen on: HOST:PORT, :PORT for every interface, or unix:PATH; may be repeated
    #[arg(long = "web.listen-address", value_name = "ADDR", default_value = ":10410")]
    listen_address: Vec<Address>,
    /// Web config: TLS, passwords, headers, rate limit, in exporter-toolkit's format; read again when it changes
    #[arg(long = "web.config.file", value_name = "FILE")]
    web_config_file: Option<PathBuf>,
    /// Listen on the sockets that systemd hands over, and on no address
    #[arg(long = "web.systemd-socket")]
    systemd_socket: bool,
    /// Path of the metrics
    #[arg(long = "web.telemetry-path", value_name = "PATH", default_value = "/metrics", value_parser = telemetry_path)]
    telemetry_path: String,
    /// URL under which a reverse proxy offers this; its path is the default of --web.route-prefix
    #[arg(long = "web.external-url", value_name = "URL", value_parser = external_url)]
    external_url: Option<ExternalUrl>,
    /// Path that all paths begin with
    #[arg(long = "web.route-prefix", value_name = "PATH", value_parser = route_prefix)]
    route_prefix: Option<String>,
    /// Host that requests may be for, besides IP addresses; may be repeated. Without it, any
    #[arg(long = "web.allowed-hosts", value_name = "HOST", value_delimiter = ',', value_parser = allowed_host)]
    allowed_hosts: Vec<String>,
    /// How many scrapes may be under way at once; 0 for any number
    #[arg(long = "web.max-requests", value_name = "NUMBER", default_value = "40", value_parser = super::whole_number)]
    max_requests: usize,
    /// Let POST /-/reload reload the config, as SIGHUP always does
    #[arg(long = "web.enable-lifecycle")]
    enable_lifecycle: bool,
    /// Say in OpenMetrics when each series began; protobuf always says it
    #[arg(long = "web.enable-created-timestamps")]
    enable_created_timestamps: bool,
    /// Show no exemplars: the correlation id of the newest failed call of each series
    #[arg(long = "web.disable-exemplars")]
    disable_exemplars: bool,
    /// Leave out the metrics of the process (process_*)
    #[arg(long = "web.disable-exporter-metrics")]
    disable_exporter_metrics: bool,
}

impl Web {
    /// Where to listen; nowhere for the sockets of systemd.
    pub fn listen(&self) -> Vec<Address> {
        if self.systemd_socket { Vec::new() } else { self.listen_address.clone() }
    }

    /// Who may come in.
    ///
    /// # Errors
    /// What is wrong with the web config.
    pub fn access(&self) -> Result<Access, String> {
        match &self.web_config_file {
            Some(file) => Access::from_file(file),
            None => Access::open().map_err(|error| error.to_string()),
        }
    }

    /// What the server is told.
    pub fn options(self) -> expose::Options {
        let external = self.external_url;
        let mut allowed = self.allowed_hosts;
        if let Some(external) = external.as_ref().filter(|_| !allowed.is_empty()) {
            allowed.push(external.host.clone());
        }
        let prefix = self.route_prefix.or_else(|| external.as_ref().map(|external| external.prefix.clone()));
        expose::Options {
            telemetry_path: self.telemetry_path,
            route_prefix: prefix.unwrap_or_default(),
            max_requests: self.max_requests,
            lifecycle: self.enable_lifecycle,
            created_timestamps: self.enable_created_timestamps,
            without_exemplars: self.disable_exemplars,
            without_process: self.disable_exporter_metrics,
            hosts: Hosts { allowed, external: external.map(|external| external.authority) },
            limits: Limits::default(),
        }
    }
}

/// The parts of `--web.external-url` that are needed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ExternalUrl {
    authority: String,
    host: String,
    prefix: String,
}

fn external_url(text: &str) -> Result<ExternalUrl, String> {
    let wrong = || "is not a URL such as https://proxy.contoso.com/cdr".to_owned();
    let url: hyper::Uri = text.parse().map_err(|_| wrong())?;
    let (Some("http" | "https"), Some(authority)) = (url.scheme_str(), url.authority()) else {
        return Err(wrong());
    };
    let prefix = route_prefix(url.path())?;
    Ok(ExternalUrl { authority: authority.to_string(), host: authority.host().to_owned(), prefix })
}

fn allowed_host(text: &str) -> Result<String, String> {
    match text.parse::<hyper::http::uri::Authority>() {
        Ok(authority) if authority.port().is_none() && authority.as_str() == authority.host() => {
            Ok(text.to_owned())
        }
        _ => Err("is not a host without a port".to_owned()),
    }
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

/// What is wrong with a config file that is right and empty.
pub fn no_sources(config_file: &Path) -> String {
    let file = config_file.display();
    format!("{file}: there is nothing to watch: name files in `sources`, or give paths on the command line")
}

/// What to do when nothing was given.
const NOTHING_TO_WATCH: &str = "nothing to watch. Give it files, folders or globs, or a config:\n\
    \n  cdr-exporter serve /var/spool/cdr/teams\n  cdr-exporter serve --config.file /etc/cdr-exporter/cdr-exporter.yml\n\
    \nTo see it work without any files: cdr-exporter demo";

/// Runs the daemon until a signal ends it.
pub fn run(arguments: Arguments) -> Exit {
    let Arguments { paths, config_file, auto_reload, storage_path, threads, rejected, web, log } = arguments;
    if paths.is_empty() && config_file.is_none() {
        super::say("serve", NOTHING_TO_WATCH);
        return Exit::Usage;
    }
    let rejected = rejected.path.map(|path| rejected::Options {
        path,
        size: rejected.size,
        storage: storage_path.clone(),
    });
    let reloaded = config_file.clone().filter(|_| auto_reload.enable);
    let auto_reload = reloaded.map(|file| AutoReload::of(file, auto_reload.interval));
    let rejected_path = rejected.as_ref().map(|rejected| rejected.path.clone());
    let (storage, has_config) = (storage_path.clone(), config_file.is_some());
    let load = move || {
        let config = config::load_with(config_file.as_deref(), &paths, &storage);
        let mut config = config.map_err(|error| error.to_string())?;
        config.pipeline.threads = threads.unwrap_or(config.pipeline.threads);
        if let Some(file) = config_file.as_deref().filter(|_| config.pipeline.sources.is_empty()) {
            return Err(no_sources(file));
        }
        rejected_path.as_deref().map_or(Ok(()), |path| refuse_input(path, &config.pipeline))?;
        Ok(config)
    };
    let config = match load() {
        Ok(config) => config,
        Err(error) => return refuse(&error, if has_config { Exit::BadConfig } else { Exit::Usage }),
    };
    if let Some(rejected) = &rejected
        && let Err(error) = rejected.try_out()
    {
        let error = format!("--rejected.path {}: {error}", rejected.path.display());
        return refuse(&error, Exit::BadConfig);
    }
    telemetry::init(log.level, log.format);
    warn_of_paths_twice(&config);
    let reload = move || load().inspect(warn_of_paths_twice);
    let access = match web.access() {
        Ok(access) => access,
        Err(error) => return refuse(&error, Exit::BadConfig),
    };
    let daemon = Daemon {
        listen: web.listen(),
        web: web.options(),
        access,
        storage_path,
        rejected,
        listening: Box::new(|_| {}),
        load: Box::new(reload),
        hang_up: HangUp::Reloads,
        auto_reload,
        clock: clock::system(),
    };
    match daemon.run(config) {
        Ok(()) => Exit::Ok,
        Err(error) => refuse(&error.to_string(), exit_after(&error)),
    }
}

fn refuse(error: &str, exit: Exit) -> Exit {
    super::say("serve", error);
    exit
}

fn exit_after(error: &AppError) -> Exit {
    match error {
        AppError::Store(_) => Exit::Store,
        AppError::Listen(..)
        | AppError::Systemd(_)
        | AppError::Start(_)
        | AppError::Descriptors(_)
        | AppError::Pipeline
        | AppError::Server => Exit::Internal,
    }
}

fn warn_of_paths_twice(config: &config::Config) {
    for warning in config::counted_twice(&config.pipeline.sources) {
        warn!("{warning}");
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
fn refuse_input(path: &Path, options: &Options) -> Result<(), String> {
    let written = std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let generations = [rejected::older(&written), written];
    let reads = |source: &&Source| generations.iter().any(|file| source.discover.covers(file));
    match options.sources.iter().find(reads) {
        None => Ok(()),
        Some(source) => Err(format!(
            "--rejected.path {} is among the files of source `{}`; choose a folder that no source reads",
            path.display(),
            source.books.name
        )),
    }
}
