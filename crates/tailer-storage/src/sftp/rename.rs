//! Moving a file inside the server in one step.

use std::sync::Arc;

use russh_sftp::protocol::FileAttributes;

use super::{
    failure::Failure,
    folder,
    pool::Lease,
    session::{is_file, is_folder},
};
use crate::{ObjectMeta, ObjectPath};

/// Renames `from` if it has this version; `None` for a link, whose file stays where it is.
///
/// Looking at a file and renaming it are two steps. A file that was rewritten between them is found out afterwards and put
/// back, so that nothing that nobody handled leaves its folder. Not tried again when the connection is lost: whoever
/// asked looks where the file is.
pub(super) async fn rename(
    lease: &Arc<Lease>,
    from: &ObjectPath,
    to: &ObjectPath,
    version: &str,
) -> Result<Option<ObjectMeta>, Failure> {
    folder::check_name(from)?;
    folder::check_name(to)?;
    let (full_from, full_to) = (lease.full(from.as_str()), lease.full(to.as_str()));
    let (entry, there) = futures::join!(lease.entry(&full_from), lease.entry(&full_to));
    let entry = entry?.filter(|entry| !is_folder(entry)).ok_or(Failure::Missing)?;
    if !is_file(&entry) {
        return Ok(None);
    }
    if folder::version(&entry) != version {
        return Err(rewritten());
    }
    let there = there?;
    if there.as_ref().is_some_and(is_folder) {
        return Err(Failure::Refused("the place to move it to is a folder".to_owned()));
    }
    match lease.rename(&full_from, &full_to).await {
        Err(Failure::Missing) => {
            folder::make(lease, &lease.full(to.parent().as_str())).await?;
            lease.rename(&full_from, &full_to).await?;
        }
        other => other?,
    }
    let moved = lease.entry(&full_to).await?.ok_or(Failure::Missing)?;
    if folder::version(&moved) != version {
        // The protocol's own rename does not replace: what took the name meanwhile is newer still.
        if lease.sftp.rename(full_to.as_str(), full_from.as_str()).await.is_err() {
            lease.sftp.remove(full_to.as_str()).await?;
        }
        return Err(rewritten());
    }
    // Later than both, so that a file that is brought back is a new one. A server that lets nobody set times: then not.
    let later = [moved.mtime, there.and_then(|there| there.mtime)].into_iter().flatten().max().unwrap_or_default();
    let later = later.saturating_add(1);
    let mtime = if folder::date(lease, &full_to, later).await? { Some(later) } else { moved.mtime };
    Ok(Some(folder::describe(to.clone(), &FileAttributes { mtime, ..moved })))
}

fn rewritten() -> Failure {
    Failure::Mismatch("was rewritten meanwhile".to_owned())
}
