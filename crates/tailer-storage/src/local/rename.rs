//! Moving an object inside a bucket: one rename, then both folders synced.

use std::{fs, io, path::Path, time::SystemTime};

use super::{describe, resolve, resolve::Root, stage::check_target};
use crate::{ObjectMeta, ObjectPath, StorageError};

/// Moves the file at `from` if it has this version; `None` for a symbolic link, whose file stays where it is.
///
/// Looking at a file and renaming it are two steps. A file that was rewritten between them is found out afterwards and put
/// back, so that nothing that nobody handled leaves its folder.
pub(super) fn rename(
    root: &Root,
    from: &ObjectPath,
    to: &ObjectPath,
    version: &str,
) -> Result<Option<ObjectMeta>, StorageError> {
    check_target(root, to)?;
    let Some(folder) = root.existing(&from.parent())? else { return Err(root.not_found(from)) };
    let entry = folder.join(from.name());
    let metadata = match fs::symlink_metadata(&entry) {
        Ok(metadata) if metadata.is_symlink() => return Ok(None),
        Ok(metadata) if metadata.is_file() => metadata,
        Err(error) if !resolve::is_missing(&error) => return Err(root.io(from, error)),
        _ => return Err(root.not_found(from)),
    };
    if describe(from, &metadata).version != version {
        return Err(rewritten(root, from));
    }
    let (target_folder, target) = {
        let target_folder = root.folder(&to.parent())?;
        let target = target_folder.join(to.name());
        (target_folder, target)
    };
    match fs::rename(&entry, &target) {
        Ok(()) => {}
        Err(error) if resolve::is_missing(&error) => return Err(root.not_found(from)),
        Err(error) => return Err(root.io(to, error)),
    }
    if moved_another(from, &target, version).map_err(|error| root.io(to, error))? {
        // A link does not replace: what took the name meanwhile is newer still.
        let _ = fs::hard_link(&target, &entry);
        fs::remove_file(&target).map_err(|error| root.io(to, error))?;
        return Err(rewritten(root, from));
    }
    let moved = || {
        let file = fs::File::open(&target)?;
        // A file that belongs to somebody else keeps its times, and its version with them.
        let _ = file.set_modified(SystemTime::now());
        root.sync_folder(&target_folder)?;
        root.sync_folder(&folder)?;
        Ok(Some(describe(to, &file.metadata()?)))
    };
    moved().map_err(|error: io::Error| root.io(to, error))
}

fn moved_another(from: &ObjectPath, target: &Path, version: &str) -> io::Result<bool> {
    Ok(describe(from, &fs::symlink_metadata(target)?).version != version)
}

fn rewritten(root: &Root, path: &ObjectPath) -> StorageError {
    StorageError::Mismatch { location: root.location(path), message: "was rewritten meanwhile".to_owned() }
}
