//! Copies one file to all its destinations (`spec/data-operations.md`, storage-to-storage).
//!
//! Where source and destination are one service, the service copies; for all others the file is read once and written side
//! by side ([`fan_out`]). A copy counts when its size, and the checksums that both sides know, are the source's, and the source
//! is still the version that arrived. The TOP file follows its copy. A destination that fails keeps no other from
//! finishing; what was only a passing fault is tried again.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, future::join_all, stream};
use serde_json::json;
use tailer_model::operation::{
    StorageToStorage,
    storage_to_storage::{Destination, StorageAddress, TopFile},
};
use tailer_storage::{Checksummer, Content, ObjectMeta, ObjectPath, Storage, StorageError, WriteOptions};

use super::{
    TaskContext, TaskDone,
    fan_out::{Sink, fan_out},
    files::Source,
    meter::{self, Meter},
};
use crate::error::TaskError;

/// Times that passing faults are tried again.
const RETRIES: u32 = 3;
/// Before the first of them; then twice as long each time.
const PAUSE: Duration = Duration::from_millis(500);

/// One destination of one file.
struct Target {
    storage: Arc<dyn Storage>,
    to: ObjectPath,
    top: Option<ObjectPath>,
    folder_must_exist: bool,
}

impl Target {
    fn of(task: &TaskContext, name: &str, destination: &Destination) -> Result<Self, TaskError> {
        let folder = ObjectPath::parse(&destination.address.prefix)?;
        let to = folder.join(name)?;
        // Refused now rather than after the copy: a TOP file's name is longer than its file's.
        let top = destination.top_file.map(|kind| folder.join(&top_name(name, kind))).transpose()?;
        let storage = task.run.inner.parts.storages.open(&destination.address)?;
        Ok(Self { storage, to, top, folder_must_exist: !destination.create_directory })
    }

    fn location(&self) -> String {
        self.storage.location(&self.to)
    }
}

/// Copies the file of a run to every destination that has not got it yet.
pub(super) async fn copy(
    task: &TaskContext,
    source: &Source,
    definition: &StorageToStorage,
) -> Result<TaskDone, TaskError> {
    let found = source.find(definition.archive_prefix.as_deref()).await?;
    let (mut targets, mut failures) = (Vec::new(), Vec::new());
    for destination in &definition.destinations {
        match Target::of(task, source.path.name(), destination) {
            Ok(target) => targets.push(target),
            Err(error) => failures.push(format!("{}: {error}", address(&destination.address))),
        }
    }
    let locations: Vec<String> = targets.iter().map(Target::location).collect();
    let transfer = Transfer { task, source, found: &found, meter: Meter::new(task, found.size) };
    let mut pending = transfer.without_those_done(targets).await;
    for attempt in 0..=RETRIES {
        let results = transfer.run(&pending).await;
        let mut again = Vec::new();
        for (target, result) in pending.into_iter().zip(results) {
            match result {
                Ok(()) => {}
                Err(StorageError::Transient { message, .. }) if attempt < RETRIES => {
                    task.info(format!("{}: tried again: {message}", target.location()));
                    again.push(target);
                }
                Err(error) => failures.push(named(&target, &error)),
            }
        }
        pending = again;
        if pending.is_empty() {
            break;
        }
        tokio::time::sleep(PAUSE * 2_u32.pow(attempt)).await;
    }
    if !failures.is_empty() {
        let all = definition.destinations.len();
        let what = failures.join("; ");
        return Err(TaskError::Failed(match all {
            1 => what,
            _ => format!("{} of {all} destinations failed: {what}", failures.len()),
        }));
    }
    Ok(TaskDone::told(json!({"bytes": found.size, "destinations": locations})))
}

/// An error with its destination, unless it names it by itself.
fn named(target: &Target, error: &StorageError) -> String {
    let (location, text) = (target.location(), error.to_string());
    if text.starts_with(&location) { text } else { format!("{location}: {text}") }
}

struct Transfer<'a> {
    task: &'a TaskContext,
    source: &'a Source,
    /// The file as it is read.
    found: &'a ObjectMeta,
    meter: Meter,
}

impl Transfer<'_> {
    /// Leaves out the destinations that an interrupted run is known to have served, if they still have what it wrote.
    async fn without_those_done(&self, targets: Vec<Target>) -> Vec<Target> {
        let before = meter::noted(&self.task.run).destinations;
        let mut left = Vec::new();
        for target in targets {
            let location = target.location();
            if let Some(version) = before.get(&location)
                && let Ok(Some(there)) = target.storage.stat(&target.to).await
                && there.version == *version
                && self.verify(&target, &there).is_ok()
            {
                self.task.info(format!("{location} was complete before the interruption"));
                self.meter.arrived(location, there.version).await;
            } else {
                left.push(target);
            }
        }
        left
    }

    /// One try at all targets; each says what became of it, in their order.
    async fn run(&self, targets: &[Target]) -> Vec<Result<(), StorageError>> {
        let mut written = self.copy_inside(targets).await;
        let streamed: Vec<usize> = (0..targets.len()).filter(|i| matches!(written.get(*i), Some(None))).collect();
        let sinks: Vec<Sink<'_>> = streamed.iter().filter_map(|i| targets.get(*i)).map(|t| self.sink(t)).collect();
        if !sinks.is_empty() {
            for (position, result) in streamed.into_iter().zip(self.stream(&sinks).await) {
                if let Some(slot) = written.get_mut(position) {
                    *slot = Some(result);
                }
            }
        }
        let finished = targets.iter().zip(written).map(|(target, result)| async move {
            match result {
                Some(Ok(written)) => self.finish(target, &written).await,
                Some(Err(error)) => Err(error),
                None => Ok(()),
            }
        });
        join_all(finished).await
    }

    /// Lets services copy by themselves; `None` where the file must be streamed.
    async fn copy_inside(&self, targets: &[Target]) -> Vec<Option<Result<ObjectMeta, StorageError>>> {
        let copies = targets.iter().map(|target| async {
            let storage = &target.storage;
            storage.copy_from(self.source.storage.as_ref(), &self.found.path, &target.to).await.transpose()
        });
        let mut copied = join_all(copies).await;
        if copied.iter().flatten().any(Result::is_ok)
            && let Err(error) = still(self.source.storage.as_ref(), self.found).await
        {
            for result in copied.iter_mut().filter(|result| matches!(result, Some(Ok(_)))) {
                *result = Some(Err(passed_on(&error)));
            }
        }
        copied
    }

    fn sink<'t>(&self, target: &'t Target) -> Sink<'t> {
        let options = WriteOptions { size: Some(self.found.size), folder_must_exist: target.folder_must_exist };
        Sink { storage: &target.storage, path: &target.to, options }
    }

    async fn stream(&self, sinks: &[Sink<'_>]) -> Vec<Result<ObjectMeta, StorageError>> {
        self.meter.restart();
        let content = match self.source.storage.read(&self.found.path).await {
            Ok(content) => content,
            Err(error) => return sinks.iter().map(|_| Err(passed_on(&error))).collect(),
        };
        let watched = Watched {
            content,
            storage: Arc::clone(&self.source.storage),
            expected: self.found.clone(),
            sum: Checksummer::comparable_with(&self.found.checksums),
            meter: self.meter.clone(),
        };
        let done = fan_out(watched.into_content(), sinks).await;
        match done.source {
            Some(error) => done.written.into_iter().map(|_| Err(passed_on(&error))).collect(),
            None => done.written,
        }
    }

    /// Compares the copy with the source, then says that it is there.
    async fn finish(&self, target: &Target, written: &ObjectMeta) -> Result<(), StorageError> {
        self.verify(target, written)?;
        if let Some(top) = &target.top {
            let nothing = stream::iter([Ok(Bytes::new())]).boxed();
            target.storage.write(top, nothing, WriteOptions::default()).await?;
        }
        self.task.info(format!("{} bytes copied to {}", written.size, target.location()));
        self.meter.arrived(target.location(), written.version.clone()).await;
        Ok(())
    }

    fn verify(&self, target: &Target, written: &ObjectMeta) -> Result<(), StorageError> {
        let message = if written.size != self.found.size {
            format!("has {} bytes, its source {}", written.size, self.found.size)
        } else if !written.checksums.agree(&self.found.checksums) {
            "has another checksum than its source".to_owned()
        } else {
            return Ok(());
        };
        Err(StorageError::Mismatch { location: target.location(), message })
    }
}

/// An error of the source, told to each destination.
fn passed_on(error: &StorageError) -> StorageError {
    match error {
        StorageError::Transient { location, message } => {
            StorageError::Transient { location: location.clone(), message: message.clone() }
        }
        other => StorageError::Mismatch { location: "the source".into(), message: other.to_string() },
    }
}

/// Whether the source is what it was when its copy began.
async fn still(storage: &dyn Storage, expected: &ObjectMeta) -> Result<(), StorageError> {
    match storage.stat(&expected.path).await? {
        Some(now) if now.version == expected.version => Ok(()),
        _ => Err(StorageError::Mismatch {
            location: storage.location(&expected.path),
            message: "was rewritten while it was copied; the new content has a run of its own".into(),
        }),
    }
}

/// The source's content, counted and summed as it streams by. It ends well only if it is what was expected.
struct Watched {
    content: Content,
    storage: Arc<dyn Storage>,
    expected: ObjectMeta,
    sum: Checksummer,
    meter: Meter,
}

impl Watched {
    fn into_content(self) -> Content {
        stream::unfold(Some(self), |watched| async move {
            let mut watched = watched?;
            match watched.content.next().await {
                Some(Ok(chunk)) => {
                    watched.sum.update(&chunk);
                    watched.meter.add(chunk.len());
                    Some((Ok(chunk), Some(watched)))
                }
                Some(Err(error)) => Some((Err(error), None)),
                None => watched.end().await.err().map(|error| (Err(error), None)),
            }
        })
        .boxed()
    }

    async fn end(self) -> Result<(), StorageError> {
        still(self.storage.as_ref(), &self.expected).await?;
        if self.sum.finish().agree(&self.expected.checksums) {
            return Ok(());
        }
        Err(StorageError::Mismatch {
            location: self.storage.location(&self.expected.path),
            message: "what was read has another checksum than the storage says".into(),
        })
    }
}

/// An address for a message, when no storage could be opened for it.
fn address(address: &StorageAddress) -> String {
    format!("{}://{}/{}", address.kind, address.bucket, address.prefix)
}

/// Never the name of the file itself.
fn top_name(name: &str, kind: TopFile) -> String {
    let replaced = match (kind, name.rsplit_once('.')) {
        (TopFile::ReplaceExtension, Some((stem, _))) if !stem.is_empty() => Some(format!("{stem}.top")),
        _ => None,
    };
    replaced.filter(|top| top != name).unwrap_or_else(|| format!("{name}.top"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_files_are_named_after_their_file() {
        for (name, kind, expected) in [
            ("a.csv", TopFile::ReplaceExtension, "a.top"),
            ("a.csv.gz", TopFile::ReplaceExtension, "a.csv.top"),
            ("a", TopFile::ReplaceExtension, "a.top"),
            ("a.top", TopFile::ReplaceExtension, "a.top.top"),
            (".hidden", TopFile::ReplaceExtension, ".hidden.top"),
            ("a.csv", TopFile::AddExtension, "a.csv.top"),
        ] {
            assert_eq!(top_name(name, kind), expected);
        }
    }
}
