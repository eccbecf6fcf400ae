//! Files that were renamed to where no path leads while nobody had them open, if they stayed in their folder: their writer
//! may still have them open, and there may be more in them than was read.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::DirEntryExt;
use std::path::{Path, PathBuf};

use tracing::info;

use super::around::Around;
use super::file::File;
use super::look;
use super::set::Files;
use crate::ledger::FileEvent;
use crate::reading::Reading;
use crate::source::discover::is_absence;
use crate::source::identity::FileId;

impl Files {
    /// Looks for files that are missing; whether any turned out to be gone.
    pub(super) fn find_renamed(&mut self, around: &mut Around<'_>) -> bool {
        let mut folders: HashMap<PathBuf, HashMap<FileId, PathBuf>> = HashMap::new();
        for (id, path) in self.missing.drain(..) {
            let is_here = self.files.get(&id).is_some_and(|file| file.is_named || file.is_open());
            if let (false, Some(folder)) = (is_here, path.parent()) {
                folders.entry(folder.to_path_buf()).or_default().insert(id, path);
            }
        }
        let mut any = false;
        for (folder, mut ids) in folders {
            let place = match fs::read_dir(&folder) {
                Ok(files) => {
                    let inodes: HashSet<u64> = ids.keys().map(|id| id.inode).collect();
                    for file in files.flatten().filter(|file| inodes.contains(&file.ino())) {
                        // Another device may be mounted there by now, and have the same inode.
                        let here = file.metadata().map(|metadata| FileId::of(&metadata));
                        if let Some((id, from)) = here.ok().and_then(|id| ids.remove_entry(&id)) {
                            self.find_at(id, from, file.path(), around);
                        }
                    }
                    Some(folder.as_path())
                }
                Err(error) if is_absence(&error) => self.place_above(&folder),
                // It may come back.
                Err(_) => {
                    self.missing.extend(ids);
                    continue;
                }
            };
            let device = place.and_then(look::device_of);
            // One that was seen has a turn, and is let go after it.
            ids.retain(|id, _| !self.files.contains_key(id) && around.contents.of(*id).is_some());
            for (id, path) in ids {
                if is_gone(id, &path, device) {
                    self.retire_missing(id, &path, around);
                    any = true;
                } else {
                    self.missing.push((id, path));
                }
            }
        }
        any
    }

    /// What is left above a folder that is not there. Where that is above all that a path of the source names without a glob,
    /// nothing is told: it is where a drive or share is mounted, and the whole of it may come back.
    fn place_above<'f>(&self, folder: &'f Path) -> Option<&'f Path> {
        let above = look::nearest_above(folder)?;
        self.discover.patterns.iter().any(|pattern| above.starts_with(pattern.base())).then_some(above)
    }

    fn retire_missing(&self, id: FileId, path: &Path, around: &mut Around<'_>) {
        around.contents.retire(id);
        around.out.event(FileEvent::Removed, around.now.wall);
        if around.lines.may_tell(around.now) {
            info!(source = around.source, path = %path.display(), "removed");
        }
    }

    /// A file that was missing may be here.
    fn find_at(&mut self, id: FileId, from: PathBuf, path: PathBuf, around: &mut Around<'_>) {
        let Ok(found) = look::open(&path, id) else { return };
        if let Some(file) = self.files.get_mut(&id) {
            if !file.is_found_as(&found) {
                return;
            }
            file.rename_away(path, found);
        } else {
            // The inode of a file that is no more may be that of any other.
            let Some(content) = around.contents.of(id).filter(|content| content.position > 0) else { return };
            let resumed = Reading::resume(found, around.options, content, around.memory);
            let Ok(Some(reading)) = resumed else { return };
            self.files.insert(id, File::renamed(from, path, reading, around.now));
        }
        if let Some(file) = self.files.get_mut(&id) {
            file.note(FileEvent::Rotated, around);
            if around.lines.may_tell(around.now) {
                info!(source = around.source, to = %file.path.display(), "rotated");
            }
        }
        self.enqueue(id);
    }
}

/// Whether a file that is not in its folder is gone, where the folder, or what is left above it, is on this device, if that is
/// known. A drive or share that is not mounted leaves an empty folder, or none, and both stand on the device of the folder
/// above: another one than the file's. Then it may come back, and the file is kept. So it is where devices have other numbers
/// since a restart, as those of shares may: but what has another file by now under the very name of the first holds that one
/// no more. An empty folder where another of the same device was mounted cannot be told; what was read of a file that is gone
/// is still known for a copy of it.
fn is_gone(id: FileId, path: &Path, device: Option<u64>) -> bool {
    device == Some(id.device) || fs::symlink_metadata(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_on_another_device_is_away_and_not_gone() {
        let folder = tempfile::tempdir().unwrap();
        let id = FileId::of(&folder.path().metadata().unwrap());
        let other = FileId { device: id.device + 1, ..id };
        let share = folder.path().join("share");
        for (folder, case) in
            [(&share, "an empty mount point"), (&share.join("day/1"), "a folder of the share")]
        {
            for made in [false, true] {
                if made {
                    fs::create_dir_all(&share).unwrap();
                }
                let left = if folder.exists() { folder } else { look::nearest_above(folder).unwrap() };
                let (path, device) = (folder.join("a.json"), look::device_of(left));
                assert!(is_gone(id, &path, device), "{case}");
                assert!(!is_gone(other, &path, device), "{case}");
                assert!(!is_gone(id, &path, None), "{case}");
            }
            fs::remove_dir(&share).unwrap();
        }
        // Under its name is another one.
        assert!(is_gone(other, folder.path(), Some(id.device)));
    }
}
