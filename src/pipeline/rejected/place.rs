//! Where rejected records are written: opened so that nobody can have us write elsewhere, or wait. What stands under the name
//! is looked at once it is open, each time; the folder is held meanwhile, so that no other takes its place.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, renameat, statat};
use rustix::process::geteuid;

use super::{Options, older};
use crate::source::identity::FileId;
use crate::source::open::not_regular;

/// The folder of the file, and the names there.
pub struct Place<'o> {
    options: &'o Options,
    folder: OwnedFd,
}

impl<'o> Place<'o> {
    /// Holds the folder.
    ///
    /// # Errors
    /// As the system says it, and when it is the folder of the store or lies below it, by whatever name.
    pub fn of(options: &'o Options) -> io::Result<Self> {
        let folder = options.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder_at(CWD, folder.unwrap_or(Path::new(".")).as_os_str())?;
        if let Ok(storage) = options.storage.metadata()
            && is_within(&folder, FileId::of(&storage))?
        {
            return Err(io::Error::other("its folder is that of the store"));
        }
        Ok(Self { options, folder })
    }

    /// Opens the file for more lines, and makes it where it is missing; only its owner may look inside.
    ///
    /// # Errors
    /// As the system says it, and when it is no regular file of our own with one name, to which nobody else may write.
    pub fn open(&self) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE;
        let safely = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = openat(&self.folder, self.name()?, flags | safely, Mode::RUSR | Mode::WUSR);
        let file = File::from(file.map_err(|error| match error {
            rustix::io::Errno::LOOP => io::Error::other("it is a symbolic link"),
            error => error.into(),
        })?);
        match fault(&file.metadata()?) {
            Some(fault) => Err(io::Error::other(fault)),
            None => Ok(file),
        }
    }

    /// Renames the file to the older generation, and opens the next one.
    ///
    /// # Errors
    /// As [`Place::open`].
    pub fn next_generation(&self) -> io::Result<File> {
        let older = older(Path::new(self.name()?));
        renameat(&self.folder, self.name()?, &self.folder, older)?;
        self.open()
    }

    fn name(&self) -> io::Result<&OsStr> {
        self.options.path.file_name().ok_or_else(|| io::Error::other("it is a folder"))
    }
}

/// Why nothing is written to this file.
fn fault(file: &Metadata) -> Option<String> {
    if let Some(kind) = not_regular(file.file_type()) {
        return Some(format!("it is {kind}, not a regular file"));
    }
    if file.uid() != geteuid().as_raw() {
        return Some(format!("it belongs to another user (uid {})", file.uid()));
    }
    if file.mode() & 0o022 != 0 {
        return Some(format!("others may write to it (mode {:o}); chmod 600", file.mode() & 0o777));
    }
    // A second name may be that of the store, or of a file of records.
    (file.nlink() > 1).then(|| "it has another name too, a hard link".to_owned())
}

fn folder_at(at: impl std::os::fd::AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(at, name, flags, Mode::empty())?)
}

/// Whether a folder is this one, or lies below it.
fn is_within(folder: &OwnedFd, other: FileId) -> io::Result<bool> {
    let mut above = folder.try_clone()?;
    loop {
        let at = statat(&above, "", AtFlags::EMPTY_PATH)?;
        let id = FileId { device: at.st_dev, inode: at.st_ino };
        if id == other {
            return Ok(true);
        }
        above = folder_at(&above, OsStr::new(".."))?;
        let next = statat(&above, "", AtFlags::EMPTY_PATH)?;
        if (FileId { device: next.st_dev, inode: next.st_ino }) == id {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    use rustix::fs::{FileType, mknodat};

    use super::*;

    fn refusal(path: PathBuf, storage: PathBuf) -> String {
        let options = Options { path, size: 1000, storage };
        let opened = Place::of(&options).and_then(|place| place.open().map(drop));
        opened.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn nothing_but_a_file_of_our_own_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("store/below")).unwrap();
        fs::write(at("store/ledger.redb"), "store").unwrap();
        fs::write(at("own"), "").unwrap();
        fs::set_permissions(at("own"), Permissions::from_mode(0o644)).unwrap();
        fs::write(at("open"), "").unwrap();
        fs::set_permissions(at("open"), Permissions::from_mode(0o666)).unwrap();
        fs::hard_link(at("store/ledger.redb"), at("hard")).unwrap();
        symlink(at("store/ledger.redb"), at("link")).unwrap();
        symlink(at("nowhere"), at("dangling")).unwrap();
        symlink(at("store"), at("linked")).unwrap();
        mknodat(CWD, at("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let cases = [
            ("own", ""),
            ("new", ""),
            ("open", "others may write to it (mode 666); chmod 600"),
            ("hard", "it has another name too, a hard link"),
            ("link", "it is a symbolic link"),
            ("dangling", "it is a symbolic link"),
            ("fifo", "it is a FIFO, not a regular file"),
            ("store", "Is a directory (os error 21)"),
            ("store/x", "its folder is that of the store"),
            ("store/below/x", "its folder is that of the store"),
            ("linked/x", "its folder is that of the store"),
            ("linked/../store/below/../x", "its folder is that of the store"),
        ];
        for (name, expected) in cases {
            assert_eq!(refusal(at(name), at("store")), expected, "{name}");
        }
        assert_eq!(fs::read(at("store/ledger.redb")).unwrap(), b"store");
    }

    #[test]
    fn what_takes_the_place_of_the_file_later_is_refused_and_a_rotation_looks_again() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("log")).unwrap();
        fs::create_dir(at("store")).unwrap();
        let options = Options { path: at("log/rejected"), size: 1000, storage: at("store") };
        let place = Place::of(&options).unwrap();
        place.open().unwrap();
        // The folder is swapped for the store's while it is held: the next generation is made where the first one was.
        fs::rename(at("log"), at("held")).unwrap();
        symlink(at("store"), at("log")).unwrap();
        place.next_generation().unwrap();
        assert!(at("held/rejected.1").exists() && at("held/rejected").exists());
        assert_eq!(fs::read_dir(at("store")).unwrap().count(), 0);
        assert_eq!(refusal(at("log/rejected"), at("store")), "its folder is that of the store");
    }
}
