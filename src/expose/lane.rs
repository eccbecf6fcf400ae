//! A thread of its own for connections that ask for more than the health: however many answers are written there, a
//! health check, like accepting, signals and the watchdog, waits for none of them.

use std::io;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Ends when it is dropped, with what still runs on it.
#[derive(Debug)]
pub struct Lane {
    handle: Handle,
    _open: oneshot::Sender<()>,
}

impl Lane {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn open(blocking_threads: usize) -> io::Result<Self> {
        let runtime =
            Builder::new_current_thread().enable_all().max_blocking_threads(blocking_threads).build()?;
        let handle = runtime.handle().clone();
        let (open, closed) = oneshot::channel::<()>();
        thread::Builder::new().name("http-answers".to_owned()).spawn(move || {
            // The sender is dropped, never used.
            let _ = runtime.block_on(closed);
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, _open: open })
    }

    /// Where to spawn what is to run on it.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}
