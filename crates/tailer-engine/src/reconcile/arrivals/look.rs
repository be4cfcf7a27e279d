//! One look into a folder, or at some of its files: what rests and no ledger knows becomes a run.
//!
//! A folder is read page by page and each page is compared with the ledger, so a folder of any size is looked at in the memory of a
//! page. Only files directly in the folder count, so an archive below it is never watched.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use tailer_storage::{Depth, ObjectMeta, ObjectPath, Storage, StorageError};
use tailer_store::{Durability, files};

use super::{rest::Resting, watcher::Watched};
use crate::{
    EngineError,
    engine::Inner,
    files::{self as arrived, is_of_interest},
};

/// Files compared with the ledger, and taken, at once.
const PAGE: usize = 256;
/// A storage that answers nothing for so long is given up, and looked at again later.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a look needs to know.
pub(super) struct Look<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) watched: &'a Watched,
    pub(super) storage: &'a Arc<dyn Storage>,
    pub(super) folder: &'a ObjectPath,
    /// `None` where objects appear whole.
    pub(super) resting: Option<&'a mut Resting>,
}

impl Look<'_> {
    /// The whole folder.
    pub(super) async fn at_all(mut self) -> Result<(), String> {
        if let Some(resting) = &mut self.resting {
            resting.begin_look();
        }
        let storage = Arc::clone(self.storage);
        let mut listed = patient(storage.list(self.folder, Depth::Folder)).await?;
        let mut page = Vec::with_capacity(PAGE);
        loop {
            let next = tokio::time::timeout(PATIENCE, listed.next()).await.map_err(|_| silent())?;
            let Some(file) = next else { break };
            self.sort(file.map_err(|e| e.to_string())?, &mut page);
            if page.len() == PAGE {
                self.take(&mut page).await?;
            }
        }
        self.take(&mut page).await?;
        if let Some(resting) = &mut self.resting {
            resting.end_look();
        }
        Ok(())
    }

    /// Some files, which may be gone.
    pub(super) async fn at(mut self, paths: Vec<ObjectPath>) -> Result<(), String> {
        let mut page = Vec::new();
        for path in paths {
            match patient(self.storage.stat(&path)).await? {
                Some(file) => self.sort(file, &mut page),
                None => self.resting.iter_mut().for_each(|resting| resting.forget(&path)),
            }
            if page.len() == PAGE {
                self.take(&mut page).await?;
            }
        }
        self.take(&mut page).await
    }

    /// Puts a file on the page if it is one to handle, and rests.
    fn sort(&mut self, file: ObjectMeta, page: &mut Vec<ObjectMeta>) {
        if !is_of_interest(&self.watched.loaded.configuration, &file) {
            return;
        }
        let now = self.inner.now();
        if self.resting.as_mut().is_none_or(|resting| resting.rests(&file, now)) {
            page.push(file);
        }
    }

    /// Makes runs of the files of a page that no run was made of before. Most often there are none, which costs a read.
    async fn take(&self, page: &mut Vec<ObjectMeta>) -> Result<(), String> {
        let key = self.watched.row.key;
        let page = std::mem::take(page);
        if page.is_empty() {
            return Ok(());
        }
        let page: Vec<(ObjectMeta, String)> =
            page.into_iter().map(|file| (self.storage.location(&file.path), file)).map(|(l, f)| (f, l)).collect();
        let unknown = self.inner.parts.store.read(move |tx| {
            let mut unknown = Vec::new();
            for (file, location) in page {
                if files::seen(tx, key, &location, &file.version)?.is_none() {
                    unknown.push((file, location));
                }
            }
            Ok::<_, EngineError>(unknown)
        });
        let unknown = unknown.await.map_err(|e| e.to_string())?;
        if unknown.is_empty() {
            return Ok(());
        }
        let (inner, now) = (self.inner.clone(), self.inner.now());
        let taking = self.inner.parts.store.write(Durability::Relaxed, move |tx| {
            let mut runs = false;
            for (file, location) in &unknown {
                runs |= arrived::take(&inner, tx, key, file, location, now)?;
            }
            Ok::<_, EngineError>(runs)
        });
        if taking.await.map_err(|e| e.to_string())? {
            self.inner.runs_changed();
        }
        // Files that no template matches make runs that nobody has to start, but that somebody may want to hear of.
        self.inner.alerts_changed();
        Ok(())
    }
}

async fn patient<T>(asked: impl Future<Output = Result<T, StorageError>>) -> Result<T, String> {
    let answered = tokio::time::timeout(PATIENCE, asked).await.map_err(|_| silent())?;
    answered.map_err(|e| e.to_string())
}

fn silent() -> String {
    format!("the storage has not answered for {} seconds", PATIENCE.as_secs())
}
