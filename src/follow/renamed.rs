//! Files that were renamed to where no path leads while nobody had them open, if they stayed in their folder: their writer
//! may still have them open, and there may be more in them than was read.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::DirEntryExt;
use std::path::PathBuf;

use tracing::info;

use super::around::Around;
use super::file::File;
use super::look;
use super::set::Files;
use crate::ledger::FileEvent;
use crate::reading::Reading;
use crate::source::identity::FileId;

impl Files {
    /// Looks for files that are missing.
    pub(super) fn find_renamed(&mut self, around: &mut Around<'_>) {
        let mut folders: HashMap<PathBuf, HashMap<FileId, PathBuf>> = HashMap::new();
        for (id, path) in self.missing.drain(..) {
            let is_here = self.files.get(&id).is_some_and(|file| file.is_named || file.is_open());
            if let (false, Some(folder)) = (is_here, path.parent()) {
                folders.entry(folder.to_path_buf()).or_default().insert(id, path);
            }
        }
        for (folder, mut ids) in folders {
            match fs::read_dir(folder) {
                Ok(files) => {
                    let inodes: HashSet<u64> = ids.keys().map(|id| id.inode).collect();
                    for file in files.flatten().filter(|file| inodes.contains(&file.ino())) {
                        // Another device may be mounted there by now, and have the same inode.
                        let here = file.metadata().map(|metadata| FileId::of(&metadata));
                        if let Some((id, from)) = here.ok().and_then(|id| ids.remove_entry(&id)) {
                            self.find_at(id, from, file.path(), around);
                        }
                    }
                    for (id, path) in ids {
                        // One that was seen has a turn, and is let go after it.
                        if !self.files.contains_key(&id) && around.contents.of(id).is_some() {
                            around.contents.retire(id);
                            around.out.event(FileEvent::Removed, around.now.wall);
                            info!(source = around.source, path = %path.display(), "removed");
                        }
                    }
                }
                // It may come back.
                Err(_) => self.missing.extend(ids),
            }
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
            info!(source = around.source, to = %file.path.display(), "rotated");
        }
        self.enqueue(id);
    }
}
