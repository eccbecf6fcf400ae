//! Why the store cannot be used, and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::LAYOUT;

/// Why the store cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "{0}: another cdr-exporter is using this store; stop that one, or choose another folder with --storage.path"
    )]
    InUse(PathBuf),
    #[error("{0}: there is no store")]
    Missing(PathBuf),
    #[error(
        "{path}: the store is damaged: {reason}. Nothing was changed. `cdr-exporter state verify` checks it, \
         `state export` saves what can be read of it, `state import` makes a store of an export, and \
         `state reset` moves it aside, to count from nothing",
        path = .path.display()
    )]
    Damaged { path: PathBuf, reason: String },
    #[error(
        "{path}: the store has layout {found}, and this version knows layouts up to {LAYOUT}: a newer cdr-exporter \
         wrote it. Run that version, or move the store aside with `cdr-exporter state reset`",
        path = .path.display()
    )]
    Newer { path: PathBuf, found: u64 },
    #[error("{path}: {error}", path = .path.display())]
    Refused { path: PathBuf, error: Box<dyn std::error::Error + Send + Sync> },
}

impl StoreError {
    pub(super) fn damaged(path: &Path, reason: impl fmt::Display) -> Self {
        Self::Damaged { path: path.to_path_buf(), reason: reason.to_string() }
    }

    pub(super) fn refused(path: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Refused { path: path.to_path_buf(), error: error.into() }
    }

    pub(super) fn of_redb(path: &Path, error: impl Into<redb::Error>) -> Self {
        use io::ErrorKind::{InvalidData, UnexpectedEof};
        match error.into() {
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
                Self::InUse(path.to_path_buf())
            }
            redb::Error::Corrupted(reason) => Self::damaged(path, reason),
            // The file is none of redb's, or ends too early.
            redb::Error::Io(error) if matches!(error.kind(), InvalidData | UnexpectedEof) => {
                Self::damaged(path, error)
            }
            redb::Error::Io(error) => Self::refused(path, error),
            error @ (redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableIsMultimap(_)
            | redb::Error::TableDoesNotExist(_)
            | redb::Error::TypeDefinitionChanged { .. }
            | redb::Error::UpgradeRequired(_)
            | redb::Error::RepairAborted) => Self::damaged(path, error),
            error => Self::refused(path, error),
        }
    }
}
