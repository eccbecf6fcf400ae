//! Why the store cannot be used, and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::LAYOUT;

/// Why the store cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "{path}: a running cdr-exporter uses this store. Stop that one first, or choose another folder with \
         --storage.path. To stop it loses nothing: when it starts again, files are read on where it stopped",
        path = .0.display()
    )]
    InUse(PathBuf),
    #[error("{path}: there is no store; name its folder with --storage.path", path = .0.display())]
    Missing(PathBuf),
    #[error(
        "{path}: the store is damaged: {reason}. Nothing was changed. `cdr-exporter state verify {storage}` says \
         how to go on",
        path = .path.display(),
        storage = Storage(.path)
    )]
    Damaged { path: PathBuf, reason: String },
    #[error(
        "{path}: the store is empty: 0 bytes, as a full disk or a machine that went down leaves a file. Nothing can be \
         saved from it. Put a copy of it from a backup in its place, or begin anew with `cdr-exporter state reset \
         {storage}`: counters then begin at 0, which Prometheus takes for a restart, and the files that are still there \
         are counted again",
        path = .0.display(),
        storage = Storage(.0)
    )]
    Empty(PathBuf),
    #[error(
        "{path}: the store has layout {found}, and this version knows layouts up to {LAYOUT}: a newer cdr-exporter \
         wrote it. Run that version, or move the store aside with `cdr-exporter state reset {storage}`",
        path = .path.display(),
        storage = Storage(.path)
    )]
    Newer { path: PathBuf, found: u64 },
    #[error(
        "{path}: the store was removed, or another was put in its place, while it was in use. Put it back, or \
         start again to go on with what is there",
        path = .0.display()
    )]
    Gone(PathBuf),
    #[error("{path}: {what} is here, not a folder; --storage.path names the folder of the store", path = .path.display())]
    NoFolder { path: PathBuf, what: &'static str },
    #[error("{path}: {error}; {advice}", path = .path.display(), advice = advice(&**.error))]
    Refused { path: PathBuf, error: Box<dyn std::error::Error + Send + Sync> },
}

/// The option that names the folder of this file.
pub struct Storage<'p>(pub &'p Path);

impl fmt::Display for Storage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.0.parent().filter(|folder| !folder.as_os_str().is_empty());
        write!(f, "--storage.path {}", folder.unwrap_or(Path::new(".")).display())
    }
}

/// What to do when the system refuses.
fn advice(error: &(dyn std::error::Error + Send + Sync + 'static)) -> &'static str {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match error.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(StorageFull | QuotaExceeded) => "make room there: nothing is lost meanwhile",
        Some(PermissionDenied | ReadOnlyFilesystem) => {
            "let the user of cdr-exporter write there, or choose another folder with --storage.path"
        }
        _ => "the folder of the store is named with --storage.path",
    }
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
            redb::Error::Io(error) if !matches!(error.kind(), InvalidData | UnexpectedEof) => {
                Self::refused(path, error)
            }
            error => match damage(&error) {
                Some(reason) => {
                    tracing::debug!(path = %path.display(), %error, "the store cannot be read");
                    Self::damaged(path, reason)
                }
                None => Self::refused(path, error),
            },
        }
    }
}

/// What of a store is damaged, as far as redb can tell. Its own words help no operator.
fn damage(error: &redb::Error) -> Option<&'static str> {
    Some(match error {
        redb::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => "it ends too early",
        redb::Error::Io(_) => "it does not begin as a store does",
        redb::Error::Corrupted(_) | redb::Error::RepairAborted => "a part of it cannot be read",
        redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TableDoesNotExist(_)
        | redb::Error::TypeDefinitionChanged { .. } => "its tables are not those of a store",
        redb::Error::UpgradeRequired(_) => "its file has a form that this version does not know",
        _ => return None,
    })
}
