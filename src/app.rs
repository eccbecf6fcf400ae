//! The daemon: built from its options, run until a signal, reloaded on another.

mod auto_reload;
mod descriptors;
mod reloads;
mod signals;
mod systemd;

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{mpsc as requests, oneshot};
use tokio::time::timeout;
use tracing::{info, warn};

pub use self::auto_reload::AutoReload;
use self::descriptors::{Descriptors, TooFew};
use self::reloads::Reloads;
pub use self::signals::HangUp;
use self::signals::{Received, Signals};
use self::systemd::Systemd;
use crate::clock::Clock;
use crate::collect::{Collectors, FilesRead};
use crate::config::Config;
use crate::expose::access::Access;
use crate::expose::listen::{Address, Listener};
use crate::expose::{self, FilesRequest, ReloadRequest};
use crate::ledger::snapshot::{Published, Snapshot};
use crate::ledger::store::{self, Before, FILE, Store, StoreError};
use crate::pipeline::{Event, Host, Options, Pipeline, rejected};
use crate::telemetry::Telemetry;

/// Hears on which addresses the daemon listens.
pub type Listening = Box<dyn FnOnce(&[Address])>;

/// Reads the config.
pub type Load = Box<dyn Fn() -> Result<Config, String> + Send>;

/// What the daemon needs beside the pipeline's options.
pub struct Daemon {
    /// Where to listen; with none, on the sockets that systemd hands over.
    pub listen: Vec<Address>,
    pub web: expose::Options,
    pub access: Access,
    /// The folder of the durable store.
    pub storage_path: PathBuf,
    /// Where rejected records are written, if anywhere.
    pub rejected: Option<rejected::Options>,
    /// Told the addresses once they are listened on, with the ports that the system chose for 0.
    pub listening: Listening,
    /// Reads the options again, for a reload.
    pub load: Load,
    pub hang_up: HangUp,
    /// Whether that is done by itself once the config file has changed.
    pub auto_reload: Option<AutoReload>,
    pub clock: Clock,
}

/// What to do where an address cannot be listened on.
fn listening_needs(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "is another one running? choose an address with --web.listen-address",
        io::ErrorKind::AddrNotAvailable => "no interface of this machine has it: see --web.listen-address",
        io::ErrorKind::PermissionDenied => {
            "choose a port above 1023, or a folder that may be written, with --web.listen-address"
        }
        _ => "see --web.listen-address",
    }
}

/// Why the daemon ended other than by a signal.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("cannot listen on {0}: {1}; {advice}", advice = listening_needs(.1))]
    Listen(Address, io::Error),
    #[error("--web.systemd-socket: {0}")]
    Systemd(io::Error),
    #[error("cannot start: {0}")]
    Start(io::Error),
    #[error(transparent)]
    Descriptors(#[from] TooFew),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the reading thread ended by itself; what it had not committed is read again at the next start")]
    Pipeline,
    #[error("the HTTP server ended by itself; nothing is lost, and counting goes on at the next start")]
    Server,
}

/// On stop, the loop and the server have so long together: service managers kill after 10 s or later, and what was not
/// committed is read again.
const STOP_LIMIT: Duration = Duration::from_millis(4500);

/// For what would keep other clients waiting: writing metrics, checking passwords, reading the config.
const BLOCKING_THREADS: usize = 16;

impl Daemon {
    /// Runs until SIGTERM or SIGINT. SIGHUP, where it does not end it, and POST `/-/reload` load the options again.
    ///
    /// # Errors
    /// What kept it from starting, or ended it.
    pub fn run(self, config: Config) -> Result<(), AppError> {
        // The runtime and the listeners take some already.
        let descriptors = Descriptors::of_process()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS)
            .build();
        let runtime = runtime.map_err(AppError::Start)?;
        let outcome = runtime.block_on(self.run_on(config, descriptors));
        // What still waits for a disk ends with the process.
        runtime.shutdown_background();
        outcome
    }

    async fn run_on(self, config: Config, descriptors: Descriptors) -> Result<(), AppError> {
        let mut running = self.start(config, descriptors).await?;
        let name = match running.until_stopped().await {
            // The loop says why, if it can.
            Err(AppError::Pipeline) => return ended(running.reading).and(Err(AppError::Pipeline)),
            outcome => outcome?,
        };
        info!(signal = name, "stopping");
        running.stop().await
    }

    /// Everything that runs.
    async fn start(self, config: Config, descriptors: Descriptors) -> Result<Running, AppError> {
        let options = config.pipeline;
        let signals = Signals::listen(self.hang_up).map_err(AppError::Start)?;
        let listeners = listen(&self.listen)?;
        let addresses: io::Result<Vec<_>> = listeners.iter().map(Listener::address).collect();
        let addresses = addresses.map_err(AppError::Start)?;
        info!(
            version = env!("CARGO_PKG_VERSION"),
            revision = env!("CDR_EXPORTER_REVISION"),
            rustversion = env!("CDR_EXPORTER_RUSTVERSION"),
            "starting cdr-exporter"
        );

        let telemetry = Telemetry::new(Arc::clone(&self.clock));
        telemetry.reload_succeeded((self.clock)().wall);
        let systemd = Systemd::new(telemetry.heartbeat.clone());
        let published = Published::new(Snapshot::loading(Arc::clone(&options.catalogue)));
        let (reload, reloads_asked) = requests::channel(1);
        let (files, files_asked) = requests::channel(1);
        let state = expose::State::new(
            descriptors.within(self.web),
            self.access,
            published.clone(),
            &telemetry,
            expose::Requests { reload: reload.clone(), files },
        );
        let state = state.map_err(|error| AppError::Start(io::Error::other(error)))?;

        let (events, inbox) = mpsc::channel();
        let read = files_read(events.clone(), published.clone());
        let loading = Loading {
            storage: self.storage_path,
            rejected: self.rejected,
            host: Host {
                wake: events.clone(),
                published,
                clock: Arc::clone(&self.clock),
                heartbeat: telemetry.heartbeat.clone(),
                open_files: descriptors.files,
            },
        };
        let pipeline = move || loading.pipeline(options);
        let (reading, reading_ended) = start_reading(pipeline, inbox).map_err(AppError::Start)?;
        let mut collectors = Collectors::new(telemetry.collection.clone(), read);
        collectors.apply(config.collect).map_err(AppError::Start)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(expose::serve(listeners, state, async {
            let _ = stopped.await;
        }));
        for address in &addresses {
            info!(%address, "listening");
        }
        (self.listening)(&addresses);
        systemd.ready();
        let reloads = Reloads { events: events.clone(), collectors, telemetry, clock: self.clock };
        reloads.begin(self.load, self.auto_reload, reload.clone(), reloads_asked);
        Ok(Running { signals, events, reload, files_asked, reading, reading_ended, server, stop, systemd })
    }
}

/// A daemon that runs.
struct Running {
    signals: Signals,
    events: Sender<Event>,
    reload: requests::Sender<ReloadRequest>,
    files_asked: requests::Receiver<FilesRequest>,
    reading: JoinHandle<Ended>,
    reading_ended: oneshot::Receiver<()>,
    server: tokio::task::JoinHandle<()>,
    /// Stops the server.
    stop: oneshot::Sender<()>,
    systemd: Systemd,
}

impl Running {
    /// Returns the signal that asks it to stop.
    ///
    /// # Errors
    /// What ended by itself.
    async fn until_stopped(&mut self) -> Result<&'static str, AppError> {
        let Self { signals, events, reload, files_asked, reading_ended, server, systemd, .. } = self;
        let mut watching = pin!(systemd.watch());
        loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    // One that is waiting already will read what is there now.
                    Received::Reload => drop(reload.try_send(oneshot::channel().0)),
                    Received::Stop(name) => return Ok(name),
                },
                Some(answer) = files_asked.recv() => {
                    // A loop that has ended drops the question, which answers it.
                    let _ = events.send(Event::Files(answer));
                }
                _ = &mut *reading_ended => return Err(AppError::Pipeline),
                _ = &mut *server => return Err(AppError::Server),
                () = &mut watching => {}
            }
        }
    }

    /// Stops the loop and the server, and waits for them as long as it may.
    async fn stop(self) -> Result<(), AppError> {
        self.systemd.stopping();
        // A loop that has ended cannot be told, and a server that has ended needs not be.
        let _ = self.events.send(Event::Stop);
        let _ = self.stop.send(());
        let both = async { tokio::join!(self.server, self.reading_ended) };
        if timeout(STOP_LIMIT, both).await.is_err() {
            warn!(
                "the loop that reads files did not end in time; what was not committed is read again at the next start"
            );
            return Ok(());
        }
        ended(self.reading)?;
        info!("stopped");
        Ok(())
    }
}

/// Why the loop ended, if not because it was told to.
fn ended(reading: JoinHandle<Ended>) -> Result<(), AppError> {
    reading.join().map_err(|_| AppError::Pipeline)?.map_err(AppError::Store)
}

/// The listeners at these addresses, or those of systemd.
fn listen(addresses: &[Address]) -> Result<Vec<Listener>, AppError> {
    if addresses.is_empty() {
        return Listener::of_systemd().map_err(AppError::Systemd);
    }
    let mut listeners = Vec::new();
    for address in addresses {
        let listener = Listener::bind(address);
        listeners.push(listener.map_err(|error| AppError::Listen(address.clone(), error))?);
    }
    Ok(listeners)
}

/// Says that counting begins at 0. Where there was a store before, it may have been moved by mistake.
fn say_new_store(storage: &Path) {
    match store::before(storage) {
        Before::SetAside(before) => info!(
            before = %before.display(),
            "the store was set aside: a new one is made, and counting begins at 0"
        ),
        Before::Used => warn!(
            path = %storage.display(),
            "the store that was here is gone: a new one is made, counting begins at 0, and what is still there is counted again. If it was moved, stop the daemon and put it back"
        ),
        Before::Nothing => info!("there is no store yet: one is made, and counting begins at 0"),
    }
}

/// What the loop is made of, beside its options.
struct Loading {
    storage: PathBuf,
    rejected: Option<rejected::Options>,
    host: Host,
}

impl Loading {
    /// The loop over what the store holds.
    fn pipeline(self, options: Options) -> Result<Pipeline, StoreError> {
        let Self { storage, rejected, host } = self;
        let begun = (host.clock)();
        info!(path = %storage.display(), "loading the store");
        if !storage.join(FILE).exists() {
            say_new_store(&storage);
        }
        let ledger = options.ledger_of(Store::open(&storage)?, begun.wall)?;
        info!(
            remembered_ids = ledger.remembered(),
            seconds = %format_args!("{:.3}", (host.clock)().since(begun.steady).as_secs_f64()),
            "the store is loaded"
        );
        Ok(Pipeline::new(options, ledger, rejected, host))
    }
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
