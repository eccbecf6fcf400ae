//! A server of its own for each test, on a port that the system chooses.

use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use cdr_exporter::clock::{self, Clock};
use cdr_exporter::expose::access::Access;
use cdr_exporter::expose::listen::{Address, Listener};
use cdr_exporter::expose::{self, FilesRequest, Options, ReloadRequest, Requests, State};
use cdr_exporter::ledger::snapshot::{Published, Snapshot};
use cdr_exporter::telemetry::{Heartbeat, Telemetry};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

use super::client::{Client, Reply};

pub struct Server {
    pub address: SocketAddr,
    pub published: Published,
    pub heartbeat: Heartbeat,
    /// The reloads asked for, each of which waits for its answer.
    pub reloads: mpsc::Receiver<ReloadRequest>,
    /// Likewise, how each file fares.
    pub files: mpsc::Receiver<FilesRequest>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(snapshot: Snapshot, options: Options) -> Self {
        Self::start_with(snapshot, options, Access::open().unwrap())
    }

    pub fn start_with(snapshot: Snapshot, options: Options, access: Access) -> Self {
        Self::start_under(clock::system(), snapshot, options, access)
    }

    /// Under a clock of its own.
    pub fn start_under(clock: Clock, snapshot: Snapshot, options: Options, access: Access) -> Self {
        let telemetry = Telemetry::new(clock);
        let published = Published::new(snapshot);
        let (reload, reloads) = mpsc::channel(1);
        let (files, files_asked) = mpsc::channel(64);
        let (stop, stopped) = oneshot::channel();
        let state =
            State::new(options, access, published.clone(), &telemetry, Requests { reload, files }).unwrap();
        let (address, bound) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let listener = Listener::bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
                let Address::Tcp(bound) = listener.address().unwrap() else { panic!("it is TCP") };
                address.send(bound).unwrap();
                let shutdown = async { stopped.await.unwrap() };
                expose::serve(vec![listener], state, shutdown).await;
            });
        });
        let address = bound.recv().unwrap();
        let heartbeat = telemetry.heartbeat;
        Self {
            address,
            published,
            heartbeat,
            reloads,
            files: files_asked,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// Asks on a connection of its own.
    pub fn ask(&self, method: &str, path: &str, headers: &[&str]) -> Reply {
        self.client().ask(method, path, headers)
    }

    /// Begins to stop.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).unwrap();
        }
    }

    /// Waits until `serve` has returned.
    pub fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.stop();
            self.join();
        }
    }
}
