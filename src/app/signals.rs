//! The signals that the daemon acts on.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that the daemon acts on.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    hang_up_means: HangUp,
    /// Nobody waits for it: while it is listened for, a file that would grow beyond `ulimit -f` is refused as on a full disk.
    _file_size: Signal,
}

/// What SIGHUP asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HangUp {
    /// To read the config again, as of a service.
    Reloads,
    /// To end: of a program that someone looks at, it says that the terminal is closed.
    Stops,
}

/// What a signal asks for.
pub enum Received {
    Reload,
    Stop(&'static str),
}

impl Signals {
    /// From here on, none of them ends the process by itself.
    ///
    /// # Errors
    /// When the system does not let us listen for them.
    pub fn listen(hang_up_means: HangUp) -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            hang_up_means,
            _file_size: signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Received {
        tokio::select! {
            _ = self.terminate.recv() => Received::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Received::Stop("SIGINT"),
            _ = self.hang_up.recv() => match self.hang_up_means {
                HangUp::Reloads => Received::Reload,
                HangUp::Stops => Received::Stop("SIGHUP"),
            },
        }
    }
}
