//! Files of an export: made in a scratch folder by the warehouse, then brought to the bucket whole, the TOP file last.
//!
//! A warehouse that reaches buckets may write the files of a large export itself: straight into a bucket that it shares with this
//! server, or into its staging bucket, from where they are brought.
//!
//! Done again after a crash it makes the same names and replaces them. `delete_dest_bucket_content` removes what lay in the
//! folder before the run: exports of one run may share a folder, and none removes what another has just written.

use std::path::Path;

use bytes::Bytes;
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tailer_model::{
    operation::{storage_to_storage::StorageAddress, table_to_storage::Export},
    secret::{Closed, GOOGLE_KEY},
    template,
};
use tailer_storage::{Content, Depth, ObjectPath, Storage, StorageError, WriteOptions};
use tailer_warehouse::{Job, Query};
use tokio::io::AsyncReadExt;

use super::{
    TaskContext, TaskDone,
    buckets::{self, StagingFolder},
};
use crate::error::TaskError;

const CHUNK: usize = 1 << 20;

/// How far the clock of a storage may lag behind ours: file systems stamp with a coarse one.
const CLOCK_LAG: SignedDuration = SignedDuration::from_millis(100);

pub(super) async fn write(task: &TaskContext, export: &Export, query: Query) -> Result<TaskDone, TaskError> {
    let run = &task.run;
    let (date, at) = (run.execution_date().0, run.run.start);
    let file_name = template::render(&export.output_filename, date, Some(at), None);
    let folder = ObjectPath::parse(&template::render(&export.prefix, date, Some(at), None))?;
    // Refuses a name that would leave the folder before anything runs.
    let top = folder.join(&format!("{file_name}.top"))?;
    let storage = run.inner.parts.storages.open(&address(export))?;
    let warehouse = task.warehouse(&export.project)?;
    let shared = buckets::shared(warehouse.as_ref(), storage.as_ref(), &folder);
    let staging = if shared.is_some() { None } else { StagingFolder::of(task, warehouse.as_ref())? };
    if let Some(staging) = &staging {
        staging.clear().await?;
    }
    let bucket_folder = shared.or_else(|| staging.as_ref().map(|staging| staging.address.clone()));
    let scratch = run.inner.parts.settings.scratch.join(task.job_id().0);
    let made = async {
        remake(&scratch).await?;
        let job = tailer_warehouse::Export {
            query,
            folder: scratch.clone(),
            bucket_folder,
            file_name: file_name.clone(),
            format: export.format,
            compression: export.compression,
            print_header: export.print_header,
            field_delimiter: export.field_delimiter.clone(),
        };
        let outcome = task.job(&export.project, "", Job::Export(job)).await?;
        if export.delete_destination_content {
            empty(task, storage.as_ref(), &folder).await?;
        }
        let mut written = Vec::new();
        for file in &outcome.files {
            let name = file.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let to = folder.join(name)?;
            let options = WriteOptions { size: Some(file.bytes), ..WriteOptions::default() };
            storage.write(&to, content(&file.path, storage.location(&to)).await?, options).await?;
            task.info(format!("{} rows, {} bytes written to {}", file.rows, file.bytes, storage.location(&to)));
            written.push(storage.location(&to));
        }
        for name in &outcome.objects {
            let to = folder.join(name)?;
            if let Some(staging) = &staging {
                bring(staging, name, storage.as_ref(), &to).await?;
            }
            task.info(format!("written to {}", storage.location(&to)));
            written.push(storage.location(&to));
        }
        if export.generate_top_file {
            storage.write(&top, stream::iter([Ok(Bytes::new())]).boxed(), WriteOptions::default()).await?;
        }
        let mut done = TaskDone::of(&outcome);
        if let Value::Object(statistics) = &mut done.statistics {
            statistics.insert("files".into(), json!(written));
        }
        Ok(done)
    }
    .await;
    if let Some(staging) = &staging {
        staging.leave().await;
    }
    if let Err(error) = tokio::fs::remove_dir_all(&scratch).await {
        tracing::debug!(%error, "the scratch folder of an export was not removed");
    }
    made
}

/// The bucket, with the credentials that the configuration brings along.
fn address(export: &Export) -> StorageAddress {
    let mut address = buckets::address(&export.bucket);
    if let Some(Closed(key)) = &export.credentials {
        address.credentials.insert(GOOGLE_KEY.to_owned(), key.clone());
    }
    address
}

/// Brings a file from the staging bucket.
async fn bring(staging: &StagingFolder, name: &str, to: &dyn Storage, path: &ObjectPath) -> Result<(), TaskError> {
    let from = staging.folder.join(name)?;
    if to.copy_from(staging.storage.as_ref(), &from, path).await?.is_none() {
        let size = staging.storage.stat(&from).await?.map(|meta| meta.size);
        let content = staging.storage.read(&from).await?;
        to.write(path, content, WriteOptions { size, ..WriteOptions::default() }).await?;
    }
    Ok(())
}

async fn remake(folder: &Path) -> Result<(), TaskError> {
    let failed = |error: std::io::Error| TaskError::Failed(format!("cannot make a scratch folder: {error}"));
    match tokio::fs::remove_dir_all(folder).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    tokio::fs::create_dir_all(folder).await.map_err(failed)
}

/// Empties the destination folder of what was there before the run; folders beside it whose names begin alike are not
/// touched.
async fn empty(task: &TaskContext, storage: &dyn Storage, folder: &ObjectPath) -> Result<(), TaskError> {
    let before = task.run.run.start.checked_sub(CLOCK_LAG).unwrap_or_default();
    let mut listed = storage.list(folder, Depth::Below).await?;
    let mut paths = Vec::new();
    while let Some(object) = listed.next().await {
        let object = object?;
        if object.modified < before {
            paths.push(object.path);
        }
    }
    for path in &paths {
        storage.delete(path).await?;
    }
    task.info(format!("{} objects deleted from {}", paths.len(), storage.location(folder)));
    Ok(())
}

/// A file of this machine as a stream.
async fn content(path: &Path, location: String) -> Result<Content, TaskError> {
    let failed = |error: std::io::Error| TaskError::Failed(format!("cannot read what was exported: {error}"));
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    Ok(stream::try_unfold((file, location), |(mut file, location)| async move {
        let mut chunk = vec![0; CHUNK];
        match file.read(&mut chunk).await {
            Ok(0) => Ok(None),
            Ok(n) => {
                chunk.truncate(n);
                Ok(Some((Bytes::from(chunk), (file, location))))
            }
            Err(source) => Err(StorageError::Io { location, source }),
        }
    })
    .boxed())
}
