//! Opens files of records: regular files only, and never one that keeps the opener waiting, as a FIFO without a writer
//! or a log of the kernel does. What was looked at before may be something else by now, so the open file is asked.

use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use super::filesystem;

/// Opens the file for reading. Std opens with `O_CLOEXEC`. `O_NONBLOCK` changes nothing for regular files.
///
/// # Errors
/// As the system says it, and when it is no regular file.
pub fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(never_waits()).open(path)?;
    match not_regular(file.metadata()?.file_type()) {
        Some(kind) => Err(io::Error::other(NotRegular(kind))),
        None if filesystem::is_of_kernel(&file) => Err(io::Error::other(NotRegular(OF_KERNEL))),
        None => Ok(file),
    }
}

/// Flags with which to open what others may have put there.
pub fn never_waits() -> i32 {
    (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed()
}

/// What a file of `/proc` and the like is.
pub const OF_KERNEL: &str = "a file of the kernel";

/// What is in the place of a file of records.
#[derive(Debug, thiserror::Error)]
#[error("{0} is here, not a regular file")]
pub struct NotRegular(pub &'static str);

/// What a file is, if not a regular one.
pub fn not_regular(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some("a folder"),
        kind if kind.is_fifo() => Some("a FIFO"),
        kind if kind.is_socket() => Some("a socket"),
        _ => Some("a device"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    /// What opening it says, on a thread of its own: one that waits would wait for ever.
    fn opened(path: &Path) -> String {
        let (said, says) = mpsc::channel();
        let path = path.to_path_buf();
        thread::spawn(move || {
            said.send(open(&path).map_or_else(|error| error.to_string(), |_| "opened".into()))
        });
        says.recv_timeout(Duration::from_secs(60)).expect("it does not wait")
    }

    #[test]
    fn only_regular_files_are_opened_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "x").unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        mknodat(CWD, at("fifo"), FileType::Fifo, Mode::from(0o600), 0).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        for (link, target) in
            [("link", "file"), ("null", "/dev/null"), ("pipe", "fifo"), ("status", "/proc/self/status")]
        {
            symlink(target, at(link)).unwrap();
        }
        let cases = [
            ("file", "opened"),
            ("link", "opened"),
            ("folder", "a folder is here, not a regular file"),
            ("fifo", "a FIFO is here, not a regular file"),
            ("pipe", "a FIFO is here, not a regular file"),
            ("null", "a device is here, not a regular file"),
            ("status", "a file of the kernel is here, not a regular file"),
            ("socket", "No such device or address (os error 6)"),
            ("nothing", "No such file or directory (os error 2)"),
        ];
        for (name, expected) in cases {
            assert_eq!(opened(&at(name)), expected, "{name}");
        }
    }
}
