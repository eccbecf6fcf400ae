//! The daemon: built from its options, run until a signal, reloaded on another.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Instant, SystemTime};

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc as requests, oneshot};
use tracing::{error, info};

use crate::call::UnixMillis;
use crate::collect::{Collectors, FilesRead};
use crate::config::Config;
use crate::expose;
use crate::ledger::snapshot::{Published, Snapshot};
use crate::ledger::store::{FILE, Store, StoreError};
use crate::pipeline::{Event, Options, Pipeline, rejected};
use crate::telemetry::Telemetry;

/// What the daemon needs beside the pipeline's options.
pub struct Daemon {
    pub listen_address: SocketAddr,
    pub telemetry_path: String,
    /// The folder of the durable store.
    pub storage_path: PathBuf,
    /// Where rejected records are written, if anywhere.
    pub rejected: Option<rejected::Options>,
    /// Told the address once it is listened on, with the port that the system chose for 0.
    pub listening: Box<dyn FnOnce(SocketAddr)>,
    /// Reads the config again, for a reload.
    pub load: Box<dyn Fn() -> Result<Config, String> + Send>,
}

/// Why the daemon ended other than by a signal.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("cannot listen on {0}: {1}; is another one running? choose an address with --web.listen-address")]
    Listen(SocketAddr, io::Error),
    #[error("cannot start: {0}")]
    Start(io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the reading thread ended by itself; what it had not committed is read again at the next start")]
    Pipeline,
}

impl Daemon {
    /// Runs until SIGTERM or SIGINT. SIGHUP and POST `/-/reload` load the options again.
    ///
    /// # Errors
    /// What kept it from starting, or ended it.
    pub fn run(self, config: Config) -> Result<(), AppError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(AppError::Start)?;
        runtime.block_on(self.run_on(config))
    }

    async fn run_on(self, config: Config) -> Result<(), AppError> {
        let options = config.pipeline;
        let mut signals = Signals::listen().map_err(AppError::Start)?;
        let (listener, address) = listen(self.listen_address).await?;
        info!(version = env!("CARGO_PKG_VERSION"), "starting cdr-exporter");

        let telemetry = Telemetry::new();
        telemetry.reload_succeeded(SystemTime::now());
        let published = Published::new(Snapshot::loading(Arc::clone(&options.catalogue)));
        let (reload, mut reloads_asked) = requests::channel(1);
        let (files, mut files_asked) = requests::channel(1);
        let state = expose::State::new(
            expose::Options { telemetry_path: self.telemetry_path },
            published.clone(),
            &telemetry,
            expose::Requests { reload, files },
        );
        let state = state.map_err(|error| AppError::Start(io::Error::other(error)))?;

        let (events, inbox) = mpsc::channel();
        let read = files_read(events.clone(), published.clone());
        let (wake, storage) = (events.clone(), self.storage_path);
        let pipeline = move || load_pipeline(options, &storage, self.rejected, wake, published);
        let (reading, mut reading_ended) = start_reading(pipeline, inbox).map_err(AppError::Start)?;
        let mut collectors = Collectors::new(telemetry.collection.clone(), read);
        collectors.apply(config.collect).map_err(AppError::Start)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(expose::serve(listener, state, async {
            let _ = stopped.await;
        }));
        info!(%address, "listening");
        (self.listening)(address);

        let mut load = || reload_config(&*self.load, &events, &mut collectors, &telemetry);
        let ended_by_itself = loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    Received::Reload => {
                        let _ = load();
                    }
                    Received::Stop(name) => {
                        info!(signal = name, "stopping");
                        break false;
                    }
                },
                Some(answer) = files_asked.recv() => {
                    // A loop that has ended drops the question, which answers it.
                    let _ = events.send(Event::Files(answer));
                }
                Some(answer) = reloads_asked.recv() => {
                    let answer: expose::ReloadRequest = answer;
                    let _ = answer.send(load());
                }
                _ = &mut reading_ended => break true,
            }
        };
        // A loop that has ended cannot be told, and a server that has ended needs not be.
        let _ = events.send(Event::Stop);
        let _ = stop.send(());
        let _ = server.await;
        end(reading, ended_by_itself)
    }
}

/// How the daemon ended, by how its loop did.
fn end(reading: JoinHandle<Ended>, by_itself: bool) -> Result<(), AppError> {
    match (reading.join(), by_itself) {
        (Ok(Ok(())), false) => {
            info!("stopped");
            Ok(())
        }
        (Ok(Err(error)), _) => Err(AppError::Store(error)),
        (Ok(Ok(())), true) | (Err(_), _) => Err(AppError::Pipeline),
    }
}

/// A listener, and the address with the port that the system chose for 0.
async fn listen(wanted: SocketAddr) -> Result<(TcpListener, SocketAddr), AppError> {
    let listener = TcpListener::bind(wanted).await.map_err(|error| AppError::Listen(wanted, error))?;
    let address = listener.local_addr().map_err(AppError::Start)?;
    Ok((listener, address))
}

/// The loop over what the store holds.
fn load_pipeline(
    options: Options,
    storage: &Path,
    rejected: Option<rejected::Options>,
    wake: Sender<Event>,
    published: Published,
) -> Result<Pipeline, StoreError> {
    let begun = Instant::now();
    info!(path = %storage.display(), "loading the store");
    if !storage.join(FILE).exists() {
        info!("there is no store yet: one is made, and counting begins at 0");
    }
    let ledger = options.ledger_of(Store::open(storage)?, now())?;
    info!(
        remembered_ids = ledger.remembered(),
        seconds = %format_args!("{:.3}", begun.elapsed().as_secs_f64()),
        "the store is loaded"
    );
    Ok(Pipeline::new(options, ledger, rejected, wake, published, now))
}

/// How the reading thread ended.
type Ended = Result<(), StoreError>;

/// Makes the loop and runs it, on a thread of its own: to load the store takes a while. The receiver is done when it
/// ends, in whatever way.
fn start_reading(
    pipeline: impl FnOnce() -> Result<Pipeline, StoreError> + Send + 'static,
    inbox: Receiver<Event>,
) -> io::Result<(JoinHandle<Ended>, oneshot::Receiver<()>)> {
    let (ended, has_ended) = oneshot::channel();
    let thread = thread::Builder::new().name("reading".to_owned()).spawn(move || {
        let _ended_when_dropped = ended;
        pipeline()?.run(&inbox);
        Ok(())
    })?;
    Ok((thread, has_ended))
}

/// Which files the loop has read to their end, for collectors that clear theirs away. While nothing can be committed,
/// what was read may be read again.
fn files_read(events: Sender<Event>, published: Published) -> Arc<FilesRead> {
    Arc::new(move || {
        if published.current().commits.failing.is_some() {
            return None;
        }
        let (question, answer) = oneshot::channel();
        events.send(Event::Files(question)).ok()?;
        let files = answer.blocking_recv().ok()?.into_iter();
        Some(files.filter(|file| file.bytes_behind == Some(0)).map(|file| file.path.into()).collect())
    })
}

/// Loads the config and hands it to the loop and the collectors; what is wrong with it leaves the old one in force.
fn reload_config(
    load: &dyn Fn() -> Result<Config, String>,
    events: &Sender<Event>,
    collectors: &mut Collectors,
    telemetry: &Telemetry,
) -> Result<(), String> {
    let applied = load().and_then(|config| {
        collectors.apply(config.collect).map_err(|error| format!("cannot collect: {error}"))?;
        Ok(config.pipeline)
    });
    match applied {
        Ok(options) => {
            // Only a daemon on its way out has no loop; it needs no new options.
            let _ = events.send(Event::Reload(Box::new(options)));
            telemetry.reload_succeeded(SystemTime::now());
            info!("config reloaded");
            Ok(())
        }
        Err(reason) => {
            telemetry.reload_failed();
            error!(reason, "config not reloaded; the one before stays in force");
            Err(reason)
        }
    }
}

/// The signals that the daemon acts on.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

enum Received {
    Reload,
    Stop(&'static str),
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Received {
        tokio::select! {
            _ = self.terminate.recv() => Received::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Received::Stop("SIGINT"),
            _ = self.hang_up.recv() => Received::Reload,
        }
    }
}

/// The time, for those who are not to ask for it themselves.
pub fn now() -> UnixMillis {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}
