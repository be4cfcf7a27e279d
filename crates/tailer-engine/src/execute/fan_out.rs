//! One stream to many writers: read once, written side by side, whatever the size, in bounded memory.
//!
//! Each writer has a short queue. The reader hands each piece to every queue before it reads on, so the slowest writer sets
//! the pace. A writer that fails leaves; the others go on. When all have left, the reader stops.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, future::join_all, stream};
use tailer_storage::{Content, ObjectMeta, ObjectPath, Storage, StorageError, WriteOptions};
use tokio::sync::mpsc;

/// Pieces that a writer may be behind the reader.
const QUEUE: usize = 8;
/// Longest piece, in bytes: storages may read in larger chunks.
const PIECE: usize = 512 << 10;

/// Where a writer writes.
pub(super) struct Sink<'a> {
    pub(super) storage: &'a Arc<dyn Storage>,
    pub(super) path: &'a ObjectPath,
    pub(super) options: WriteOptions,
}

/// What became of a fan-out.
pub(super) struct FanOut {
    /// What each sink says, in their order. When the source failed, they all say so in their way.
    pub(super) written: Vec<Result<ObjectMeta, StorageError>>,
    /// The source's own error.
    pub(super) source: Option<StorageError>,
}

/// Writes `content` to every sink. Dropped, it leaves nothing behind, as [`Storage::write`] promises.
pub(super) async fn fan_out(content: Content, sinks: &[Sink<'_>]) -> FanOut {
    let (senders, receivers): (Vec<_>, Vec<_>) = sinks.iter().map(|_| mpsc::channel(QUEUE)).unzip();
    let writers = join_all(sinks.iter().zip(receivers).map(|(sink, mut pieces)| {
        let pieces = stream::poll_fn(move |context| pieces.poll_recv(context)).boxed();
        sink.storage.write(sink.path, pieces, sink.options)
    }));
    let (source, written) = futures::join!(pump(content, senders), writers);
    FanOut { written, source }
}

type Queue = mpsc::Sender<Result<Bytes, StorageError>>;

async fn pump(mut content: Content, queues: Vec<Queue>) -> Option<StorageError> {
    while let Some(chunk) = content.next().await {
        match chunk {
            Ok(mut chunk) => {
                while !chunk.is_empty() {
                    let piece = chunk.split_to(chunk.len().min(PIECE));
                    if !hand_out(&piece, &queues).await {
                        return None;
                    }
                }
            }
            Err(error) => {
                // Without it a writer would take what came for the whole.
                for queue in &queues {
                    let _left = queue.send(Err(echo(&error))).await;
                }
                return Some(error);
            }
        }
    }
    None
}

/// Whether anybody still writes.
async fn hand_out(piece: &Bytes, queues: &[Queue]) -> bool {
    let mut anybody = false;
    for queue in queues {
        anybody |= queue.send(Ok(piece.clone())).await.is_ok();
    }
    anybody
}

/// The error again, for another reader.
fn echo(error: &StorageError) -> StorageError {
    let (location, message) = (String::from("the source"), error.to_string());
    match error {
        StorageError::Transient { .. } => StorageError::Transient { location, message },
        _ => StorageError::Mismatch { location, message },
    }
}

#[cfg(test)]
mod tests {
    use std::{
        any::Any,
        path::PathBuf,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use async_trait::async_trait;
    use tailer_storage::{Depth, Listing, LocalStorage, WatchGuard};

    use super::*;

    /// Takes so many bytes, then fails or waits for ever.
    #[derive(Debug)]
    struct Limited {
        bytes: usize,
        fails: bool,
    }

    #[async_trait]
    impl Storage for Limited {
        fn location(&self, path: &ObjectPath) -> String {
            format!("limited://{path}")
        }
        fn as_any(&self) -> &dyn Any {
            self
        }
        fn appears_whole(&self) -> bool {
            true
        }
        async fn list(&self, _: &ObjectPath, _: Depth) -> Result<Listing, StorageError> {
            Ok(stream::empty().boxed())
        }
        async fn stat(&self, _: &ObjectPath) -> Result<Option<ObjectMeta>, StorageError> {
            Ok(None)
        }
        async fn read(&self, _: &ObjectPath) -> Result<Content, StorageError> {
            Ok(stream::empty().boxed())
        }
        async fn write(
            &self,
            path: &ObjectPath,
            mut content: Content,
            _: WriteOptions,
        ) -> Result<ObjectMeta, StorageError> {
            let mut taken = 0;
            while taken < self.bytes {
                match content.next().await {
                    Some(Ok(piece)) => taken += piece.len(),
                    Some(Err(error)) => return Err(error),
                    None => break,
                }
            }
            if !self.fails {
                futures::future::pending::<()>().await;
            }
            Err(StorageError::Denied { location: self.location(path), message: "full".into() })
        }
        async fn copy(&self, path: &ObjectPath, _: &ObjectPath) -> Result<ObjectMeta, StorageError> {
            Err(StorageError::NotFound { location: self.location(path) })
        }
        async fn copy_from(
            &self,
            _: &dyn Storage,
            _: &ObjectPath,
            _: &ObjectPath,
        ) -> Result<Option<ObjectMeta>, StorageError> {
            Ok(None)
        }
        async fn delete(&self, _: &ObjectPath) -> Result<(), StorageError> {
            Ok(())
        }
        fn local_path(&self, _: &ObjectPath) -> Option<PathBuf> {
            None
        }
        fn watch(&self, _: &ObjectPath, _: Arc<dyn Fn() + Send + Sync>) -> Result<Option<WatchGuard>, StorageError> {
            Ok(None)
        }
    }

    /// `chunks` chunks of 1 MB, counted as they are read; then an error if asked for.
    fn content(chunks: usize, error: Option<StorageError>, read: &Arc<AtomicUsize>) -> Content {
        let read = Arc::clone(read);
        let count = move |_| {
            read.fetch_add(1, Ordering::SeqCst);
            Ok(Bytes::from_static(&[7; 1_000_000]))
        };
        stream::iter(0..chunks).map(count).chain(stream::iter(error.map(Err))).boxed()
    }

    fn sinks<'a>(storages: &'a [Arc<dyn Storage>], path: &'a ObjectPath) -> Vec<Sink<'a>> {
        storages.iter().map(|storage| Sink { storage, path, options: WriteOptions::default() }).collect()
    }

    fn local(folder: &tempfile::TempDir) -> Arc<dyn Storage> {
        Arc::new(LocalStorage::open(folder.path().join("bucket"), "gs://bucket".into()).unwrap())
    }

    #[tokio::test]
    async fn one_that_fails_leaves_and_the_others_finish() {
        let folder = tempfile::tempdir().unwrap();
        let storages = [local(&folder), Arc::new(Limited { bytes: 3_000_000, fails: true }) as _];
        let (path, read) = (ObjectPath::parse("x").unwrap(), Arc::default());
        let done = fan_out(content(20, None, &read), &sinks(&storages, &path)).await;
        assert!(done.source.is_none());
        assert_eq!(done.written[0].as_ref().unwrap().size, 20_000_000);
        assert!(matches!(done.written[1], Err(StorageError::Denied { .. })));
    }

    #[tokio::test]
    async fn when_all_have_left_nothing_more_is_read() {
        let storages: [Arc<dyn Storage>; 2] = [1, 2].map(|n| Arc::new(Limited { bytes: n, fails: true }) as _);
        let (path, read) = (ObjectPath::parse("x").unwrap(), Arc::default());
        let done = fan_out(content(1000, None, &read), &sinks(&storages, &path)).await;
        assert!(done.written.iter().all(Result::is_err));
        assert!(read.load(Ordering::SeqCst) < 20, "{read:?}");
    }

    #[tokio::test]
    async fn a_source_that_fails_leaves_nothing_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        let (storages, path, read) = ([local(&folder)], ObjectPath::parse("x").unwrap(), Arc::default());
        let error = StorageError::Denied { location: "s3://there/x".into(), message: "no".into() };
        let done = fan_out(content(3, Some(error), &read), &sinks(&storages, &path)).await;
        assert!(matches!(done.source, Some(StorageError::Denied { .. })));
        assert!(done.written[0].is_err());
        assert_eq!(storages[0].stat(&path).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_slowest_sets_the_pace() {
        let folder = tempfile::tempdir().unwrap();
        let storages = [local(&folder), Arc::new(Limited { bytes: 2_000_000, fails: false }) as _];
        let (path, read) = (ObjectPath::parse("x").unwrap(), Arc::<AtomicUsize>::default());
        let sinks = sinks(&storages, &path);
        let endless = fan_out(content(1000, None, &read), &sinks);
        let _stuck = tokio::time::timeout(std::time::Duration::from_millis(300), endless).await;
        assert!(read.load(Ordering::SeqCst) <= 2 + QUEUE + 2, "{read:?}");
        assert_eq!(storages[0].stat(&path).await.unwrap(), None, "dropped, nothing appears");
    }
}
