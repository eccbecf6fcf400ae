//! `--config.enable-auto-reload`: asks for a reload once the config file says something else, as SIGHUP does.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::info;

use crate::expose::ReloadRequest;
use crate::small_file;

/// Which file is looked at, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoReload {
    file: PathBuf,
    every: Duration,
    /// What the file said before the config was read from it: a change from then on is one, however soon it comes.
    in_force: Option<Vec<u8>>,
}

impl AutoReload {
    /// To be made before the config is read from this file. What a pipe brings is left for that: it can be read once.
    pub fn of(file: PathBuf, every: Duration) -> Self {
        Self { in_force: small_file::read(&file).ok(), file, every }
    }

    /// Looks until nobody takes reloads any more. What is found twice alike is whole: editors write in pieces.
    pub async fn run(self, reload: mpsc::Sender<ReloadRequest>) {
        let Self { file, every, mut in_force } = self;
        let look = || {
            let file = file.clone();
            // The file may lie where reading takes its time.
            async { spawn_blocking(move || small_file::read(&file).ok()).await.ok().flatten() }
        };
        let mut last = None;
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

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_change_while_the_daemon_starts_is_seen() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let auto_reload = AutoReload::of(file.path().to_owned(), Duration::from_millis(1));
        fs::write(file.path(), "quiet: 3s\n").expect("room");
        let (reload, mut asked) = mpsc::channel(1);
        drop(tokio::spawn(auto_reload.run(reload)));
        assert!(timeout(Duration::from_secs(60), asked.recv()).await.is_ok_and(|asked| asked.is_some()));
    }
}
