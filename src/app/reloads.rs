//! Reloads of the config: whoever asks for one, it is read, checked, and handed to the collectors and the loop.

use std::sync::mpsc::Sender;

use tokio::sync::{mpsc, oneshot};
use tracing::{error, info};

use super::{AutoReload, Load};
use crate::clock::Clock;
use crate::collect::Collectors;
use crate::config::Config;
use crate::expose::ReloadRequest;
use crate::pipeline::Event;
use crate::telemetry::Telemetry;

/// What a reload reaches.
pub struct Reloads {
    pub events: Sender<Event>,
    pub collectors: Collectors,
    pub telemetry: Telemetry,
    pub clock: Clock,
}

impl Reloads {
    /// From now on reloads what is asked for, and what changes by itself.
    pub fn begin(
        self,
        load: Load,
        auto_reload: Option<AutoReload>,
        reload: mpsc::Sender<ReloadRequest>,
        asked: mpsc::Receiver<ReloadRequest>,
    ) {
        let Some(auto_reload) = auto_reload else { return drop(tokio::spawn(self.when_asked(load, asked))) };
        drop(tokio::spawn(self.when_asked(auto_reload.noting(load), asked)));
        drop(tokio::spawn(auto_reload.run(reload)));
    }

    /// Reloads one after another, each answered once it is in force.
    async fn when_asked(mut self, mut load: Load, mut asked: mpsc::Receiver<ReloadRequest>) {
        while let Some(answer) = asked.recv().await {
            // The file may lie where reading takes its time.
            let read = tokio::task::spawn_blocking(move || {
                let config = load();
                (load, config)
            });
            let Ok((load_again, config)) = read.await else { return };
            load = load_again;
            let outcome = match config {
                Ok(config) => self.apply(config).await,
                Err(reason) => Err(reason),
            };
            match &outcome {
                Ok(()) => {
                    self.telemetry.reload_succeeded((self.clock)().wall);
                    info!("config reloaded");
                }
                Err(reason) => {
                    self.telemetry.reload_failed();
                    error!(reason, "config not reloaded; the one before stays in force");
                }
            }
            // Whoever asked may have gone, or be a signal.
            let _ = answer.send(outcome);
        }
    }

    /// Hands the config to the collectors and the loop, and waits until that goes by it: events are taken in order, so the
    /// answer to the next one says so. A loop that has ended drops both.
    async fn apply(&mut self, config: Config) -> Result<(), String> {
        self.collectors.apply(config.collect).map_err(|error| format!("cannot collect: {error}"))?;
        let (answer, answered) = oneshot::channel();
        let _ = self.events.send(Event::Reload(Box::new(config.pipeline)));
        let _ = self.events.send(Event::Files(answer));
        let _ = answered.await;
        Ok(())
    }
}
