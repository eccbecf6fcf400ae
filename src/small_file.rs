//! Files that an operator names in a config: secrets, keys, certificates, layouts.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// A system's whole list of authorities is a quarter of this.
const LARGEST: u64 = 1024 * 1024;

/// All of a regular file. Does not wait for one that somebody may write to some day, as a pipe is.
///
/// # Errors
/// When it is no regular file, too large, or cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let without_waiting = OFlags::NONBLOCK.bits().cast_signed();
    let file: File = OpenOptions::new().read(true).custom_flags(without_waiting).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    all_of(file)
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

    use super::*;

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
