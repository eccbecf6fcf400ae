//! `state import`: makes a store of an export. Until that is whole nothing is changed, and nothing is left of what failed.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::lines::{self, LineError};
use super::{StateError, load, move_aside, name_aside};
use crate::ledger::store::{self, FILE, Store, StoreError};

/// Makes a store of the export in this file, or on standard input.
pub fn import(folder: &Path, file: Option<&Path>, force: bool) -> Result<String, StateError> {
    let store = folder.join(FILE);
    if store.exists() && !force {
        return Err(StateError::There(store));
    }
    let mut input = BufReader::new(open(file)?);
    // Nothing is made of nothing, not even a folder.
    if input.fill_buf().is_ok_and(<[u8]>::is_empty) {
        return Err(StateError::Line { file: None, line: 1, error: LineError::Empty }.of(file));
    }
    let made = store::make_folder(folder)?;
    let imported = store::lock(folder).map_err(StateError::from).and_then(|lock| {
        let imported = take_in(folder, &lock, input, file);
        if imported.is_err() {
            store::remove_if_unused(folder, &lock);
        }
        imported
    });
    if imported.is_err() {
        // Those that others put something into meanwhile stay.
        made.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
    imported
}

fn open(file: Option<&Path>) -> Result<Box<dyn Read>, StateError> {
    let Some(file) = file else { return Ok(Box::new(io::stdin())) };
    let refused = |error| StateError::Io(file.display().to_string(), error);
    let opened = File::open(file).map_err(refused)?;
    if opened.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(refused(io::Error::other("a folder is here, not a file that `state export` wrote")));
    }
    Ok(Box::new(opened))
}

/// The new store takes its place when it is whole, read and found right.
fn take_in(
    folder: &Path,
    lock: &File,
    input: impl BufRead,
    file: Option<&Path>,
) -> Result<String, StateError> {
    let refused = |error| StateError::Io(folder.display().to_string(), error);
    let store = folder.join(FILE);
    let making = tempfile::tempdir_in(folder).map_err(refused)?;
    let mut new = Store::open(making.path())?;
    lines::read(input, &mut new).map_err(|error| error.of(file))?;
    let tally = load(new).map_err(|error| match error {
        StoreError::Damaged { reason, .. } => StateError::Export(reason),
        error => error.into(),
    })?;
    let aside = match store.exists() {
        true => {
            let aside = move_aside(&store, &name_aside("replaced"))?;
            format!("; the store that was there is {}", aside.display())
        }
        false => String::new(),
    };
    fs::rename(making.path().join(FILE), &store).map_err(refused)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(refused)?;
    // Without room for it, the next start sees to it.
    let _ = store::mark_used(lock);
    Ok(format!("imported {tally}{aside}"))
}
