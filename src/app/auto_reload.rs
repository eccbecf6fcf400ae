//! `--config.enable-auto-reload`: asks for a reload once the config file says something else, as SIGHUP does.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::info;

use super::Load;
use crate::expose::ReloadRequest;
use crate::small_file;

/// What a config file says, or why it cannot be read.
type Said = Result<Vec<u8>, String>;

/// Which file is looked at, and how often.
#[derive(Debug, Clone)]
pub struct AutoReload {
    file: PathBuf,
    every: Duration,
    /// What the file said before the config was last read from it, by whomever: a change from then on is one, however soon it
    /// comes.
    in_force: Arc<Mutex<Said>>,
}

impl AutoReload {
    /// To be made before the config is read from this file. What a pipe brings is left for that: it can be read once.
    pub fn of(file: PathBuf, every: Duration) -> Self {
        Self { in_force: Arc::new(Mutex::new(said_by(&file))), file, every }
    }

    /// The same way to read the config, which notes what the file says then: what SIGHUP or POST `/-/reload` has read is not
    /// read once more.
    pub fn noting(&self, load: Load) -> Load {
        let (file, in_force) = (self.file.clone(), Arc::clone(&self.in_force));
        Box::new(move || {
            *lock(&in_force) = said_by(&file);
            load()
        })
    }

    /// Looks until nobody takes reloads any more. What is found twice alike is whole: editors write in pieces. A file that
    /// cannot be read any more is reloaded too, once, so that the log and the metrics say why that fails.
    pub async fn run(self, reload: mpsc::Sender<ReloadRequest>) {
        let Self { file, every, in_force } = self;
        let look = || {
            let file = file.clone();
            // The file may lie where reading takes its time.
            async { spawn_blocking(move || said_by(&file)).await.ok() }
        };
        let mut last = None;
        loop {
            sleep(every).await;
            let now = look().await;
            let is_news = now.as_ref().is_some_and(|now| *now != *lock(&in_force));
            if is_news && now == last {
                if let Some(Ok(_)) = &now {
                    info!(path = %file.display(), "the config file has changed: reloading it");
                }
                let (request, outcome) = oneshot::channel();
                if reload.send(request).await.is_err() {
                    return;
                }
                let _ = outcome.await;
            }
            last = now;
        }
    }
}

fn said_by(file: &Path) -> Said {
    small_file::read(file).map_err(|error| error.to_string())
}

/// What is behind the lock is whole at every moment.
fn lock(said: &Mutex<Said>) -> MutexGuard<'_, Said> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
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
