//! What lies at a path: files, links to files, folders that are made.
//!
//! A symbolic link to a file counts as the file if that lies in the folder of the link, or below it. One that leads elsewhere
//! is refused: whoever may write to a folder of the server could otherwise have any file copied that our user may
//! read. Folders named by a configuration may be links: who wrote it chose them.

use russh_sftp::protocol::FileAttributes;

use super::{
    failure::Failure,
    session::{Session, is_file, is_folder, is_link},
};
use crate::{Checksums, ObjectMeta, ObjectPath};

/// Names of unfinished writes begin so. They are not listed.
pub(super) const STAGED: &str = ".tailerd-tmp-";

/// The regular file at a path; `None` when there is none.
pub(super) async fn file(session: &Session, path: &ObjectPath) -> Result<Option<FileAttributes>, Failure> {
    check_name(path)?;
    let full = session.full(path.as_str());
    let Some(entry) = session.entry(&full).await? else { return Ok(None) };
    if is_link(&entry) {
        return linked_file(session, &session.full(path.parent().as_str()), &full).await;
    }
    Ok(is_file(&entry).then_some(entry))
}

/// The file that a link in a folder leads to; `None` when it leads to none.
pub(super) async fn linked_file(
    session: &Session,
    folder: &str,
    link: &str,
) -> Result<Option<FileAttributes>, Failure> {
    let Some(target) = session.target(link).await? else { return Ok(None) };
    if !is_file(&target) {
        return Ok(None);
    }
    let (folder, end) = futures::join!(session.real_path(folder), session.real_path(link));
    let (folder, end) = (folder?, end?);
    let inside = end.strip_prefix(folder.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'));
    if inside { Ok(Some(target)) } else { Err(Failure::Refused("a symbolic link leads out of its folder".to_owned())) }
}

pub(super) fn check_name(path: &ObjectPath) -> Result<(), Failure> {
    if path.name().starts_with(STAGED) {
        return Err(Failure::Refused(format!("names that begin with {STAGED} are reserved for unfinished writes")));
    }
    Ok(())
}

/// Makes a folder and those above it.
///
/// # Errors
/// Something on the way is no folder, or may not be made.
pub(super) async fn make(session: &Session, full: &str) -> Result<(), Failure> {
    let mut missing = Vec::new();
    let mut at = full;
    while !at.is_empty() {
        match session.target(at).await? {
            Some(there) if is_folder(&there) => break,
            Some(_) => return Err(Failure::Refused(format!("{at} is a file, not a folder"))),
            None => missing.push(at),
        }
        at = at.rsplit_once('/').map_or("", |(above, _)| above);
    }
    for folder in missing.into_iter().rev() {
        let made = session.sftp.mkdir(folder, FileAttributes::empty()).await.map_err(Failure::from);
        if let Err(failure) = made
            && !session.target(folder).await?.is_some_and(|there| is_folder(&there))
        {
            return Err(match failure {
                Failure::Denied(message) => Failure::Denied(format!("cannot make the folder {folder}: {message}")),
                other => other,
            });
        }
    }
    Ok(())
}

/// Dates a file, so that its version is another one: the protocol knows whole seconds only, and a file that replaces one of
/// the same length within a second would have its version. Whether it was done: some servers let nobody set times.
pub(super) async fn date(session: &Session, full: &str, mtime: u32) -> Result<bool, Failure> {
    let times = FileAttributes { atime: Some(mtime), mtime: Some(mtime), ..FileAttributes::empty() };
    match session.sftp.setstat(full, times).await.map_err(Failure::from) {
        Ok(_) => Ok(true),
        Err(failure @ (Failure::Missing | Failure::Transient(_))) => Err(failure),
        Err(_) => Ok(false),
    }
}

/// Whole seconds are all that the protocol knows of time.
pub(super) fn describe(path: ObjectPath, attributes: &FileAttributes) -> ObjectMeta {
    let size = attributes.size.unwrap_or_default();
    let seconds = i64::from(attributes.mtime.unwrap_or_default());
    ObjectMeta {
        path,
        size,
        version: version(attributes),
        modified: jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH),
        checksums: Checksums::default(),
    }
}

/// What tells one content of a file from another.
pub(super) fn version(attributes: &FileAttributes) -> String {
    format!("{}-{}", attributes.size.unwrap_or_default(), attributes.mtime.unwrap_or_default())
}
