//! Files that an operator names in a config: secrets, keys, certificates, layouts.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

/// A system's whole list of authorities is a quarter of this.
const LARGEST: u64 = 1024 * 1024;

/// All of a regular file. Does not wait for one that somebody may write to some day, as a pipe is.
///
/// # Errors
/// When it is no regular file, too large, or cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    all_of(file)
}

/// To open a pipe does not wait for its writer.
fn open(path: &Path) -> io::Result<File> {
    let without_waiting = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(without_waiting).open(path)
}

/// A writer has so long to write all that it has, and to close its pipe.
const WRITER: Duration = Duration::from_secs(60);

/// All of a regular file, or of what the writer of a pipe brings, as of `/dev/stdin` or `<(...)`. One that has it open is
/// waited for.
///
/// # Errors
/// As [`all_of`], and when nobody writes to the pipe, or a writer does not come to an end.
pub fn read_or_await(path: &Path) -> io::Result<Vec<u8>> {
    read_within(path, WRITER)
}

fn read_within(path: &Path, patience: Duration) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        return all_of(file);
    }
    let deadline = Instant::now() + patience;
    let (mut content, mut file) = (Vec::new(), file.take(LARGEST + 1));
    loop {
        match file.read_to_end(&mut content) {
            // What is there so far is in `content`.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => await_more(file.get_ref(), deadline)?,
            Err(error) => return Err(error),
            Ok(_) if content.is_empty() && kind.is_fifo() => {
                return Err(io::Error::other("it is a pipe that nobody writes to"));
            }
            Ok(_) => return not_too_large(content),
        }
    }
}

/// Waits until there is more to read, or the last writer has gone.
fn await_more(file: &File, deadline: Instant) -> io::Result<()> {
    let late = || io::Error::other("it is a pipe, and its writer does not come to an end");
    let left = deadline.checked_duration_since(Instant::now()).ok_or_else(late)?;
    let left = Timespec::try_from(left).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&left)) {
        Ok(0) => Err(late()),
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Why a file cannot be read, and what to do.
pub fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::IsADirectory => "a folder is here, not a file".to_owned(),
        io::ErrorKind::InvalidData => "it is no text in UTF-8: save it as UTF-8".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "it may not be read by this user: run this as the user of the daemon, or let this one read it"
                .to_owned()
        }
        _ => format!(
            "it cannot be read: {}",
            error.to_string().split(" (os error ").next().unwrap_or_default()
        ),
    }
}

/// All that is in an open file.
///
/// # Errors
/// When it is too large, or cannot be read.
pub fn all_of(file: File) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut content)?;
    not_too_large(content)
}

fn not_too_large(content: Vec<u8>) -> io::Result<Vec<u8>> {
    match u64::try_from(content.len()).unwrap_or(u64::MAX) {
        ..=LARGEST => Ok(content),
        _ => Err(io::Error::other("it is larger than a megabyte")),
    }
}

/// The text of such a file, without the byte order mark and the line end that editors add.
///
/// # Errors
/// As [`read`], and when it is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let text = String::from_utf8(read(path)?)
        .map_err(|_| io::Error::other("it is not UTF-8: save it as plain text"))?;
    Ok(text.trim_start_matches('\u{feff}').trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::path::PathBuf;
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// What comes of reading it, on a thread of its own: one that waits would wait for ever.
    fn read_soon(path: &Path, patience: Duration) -> Result<String, String> {
        let (said, says) = mpsc::channel();
        let path = path.to_path_buf();
        thread::spawn(move || {
            let read = read_within(&path, patience).map_err(|error| error.to_string());
            said.send(read.map(|content| String::from_utf8(content).unwrap()))
        });
        says.recv_timeout(WRITER).expect("it comes to an end")
    }

    #[test]
    fn a_pipe_is_read_as_long_as_somebody_writes_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let pipe: PathBuf = folder.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let nobody = Err("it is a pipe that nobody writes to".to_owned());
        assert_eq!(read_soon(&pipe, WRITER), nobody);
        // Both ways, as to open it for writing alone waits for a reader.
        let mut writer = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        let late = Err("it is a pipe, and its writer does not come to an end".to_owned());
        assert_eq!(read_soon(&pipe, Duration::from_millis(1)), late);
        let reads = thread::spawn({
            let pipe = pipe.clone();
            move || read_soon(&pipe, WRITER)
        });
        writer.write_all(b"quiet: 3s\n").unwrap();
        while rustix::io::ioctl_fionread(&writer).unwrap() > 0 {
            thread::yield_now();
        }
        drop(writer);
        assert_eq!(reads.join().unwrap(), Ok("quiet: 3s\n".to_owned()));
        assert_eq!(read_soon(Path::new("/dev/null"), WRITER), Ok(String::new()));
        let large = Err("it is larger than a megabyte".to_owned());
        assert_eq!(read_soon(Path::new("/dev/zero"), WRITER), large);
    }

    #[test]
    fn only_a_small_regular_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let cases: [(&str, &[u8], Result<&str, &str>); 6] = [
            ("plain", b"secret", Ok("secret")),
            ("line", b"secret\r\n", Ok("secret")),
            ("mark", "\u{feff}secret\n".as_bytes(), Ok("secret")),
            ("empty", b"\n", Ok("")),
            ("utf16", b"\xff\xfes\0", Err("it is not UTF-8: save it as plain text")),
            ("large", &[b'x'; 1024 * 1024 + 1], Err("it is larger than a megabyte")),
        ];
        for (name, content, expected) in cases {
            fs::write(path(name), content).unwrap();
            let read = read_text(&path(name)).map_err(|error| error.to_string());
            assert_eq!(read.as_deref().map_err(String::as_str), expected, "{name}");
        }
        let pipe = path("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for other in [&pipe, folder.path(), Path::new("/dev/zero")] {
            assert_eq!(
                read(other).unwrap_err().to_string(),
                "it is not a regular file",
                "{}",
                other.display()
            );
        }
    }
}
