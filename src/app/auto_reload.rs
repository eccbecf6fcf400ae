//! `--config.enable-auto-reload`: asks for a reload once the config file says something else, as SIGHUP does.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::info;

use crate::expose::ReloadRequest;

/// Which file is looked at, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoReload {
    pub file: PathBuf,
    pub every: Duration,
}

impl AutoReload {
    /// Looks until nobody takes reloads any more. What is found twice alike is whole: editors write in pieces.
    pub async fn run(self, reload: mpsc::Sender<ReloadRequest>) {
        let Self { file, every } = self;
        let look = || {
            let file = file.clone();
            // The file may lie where reading takes its time.
            async { spawn_blocking(|| fs::read(file).ok()).await.ok().flatten() }
        };
        let (mut in_force, mut last) = (look().await, None);
        loop {
            sleep(every).await;
            let now = look().await;
            if now.is_some() && now != in_force && now == last {
                info!(path = %file.display(), "the config file has changed: reloading it");
                let (request, outcome) = oneshot::channel();
                if reload.send(request).await.is_err() {
                    return;
                }
                let _ = outcome.await;
                in_force.clone_from(&now);
            }
            last = now;
        }
    }
}
