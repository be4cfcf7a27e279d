//! What an object store's protocol has to offer: [`super::Cloud`] makes a storage of it.
//!
//! Keys are object names as the service has them; faults are told with a path only above. Every operation may be repeated:
//! an attempt whose answer was lost is made again.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    fault::Fault,
    parts::{Part, Wanted, Whole},
    transport::{Access, Http, Incoming},
};
use crate::{Checksums, Depth, ObjectMeta, ObjectPath};

/// What a service says of an object, apart from its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) size: u64,
    pub(super) version: String,
    pub(super) modified: Timestamp,
    pub(super) checksums: Checksums,
}

impl Facts {
    pub(super) fn at(self, path: ObjectPath) -> ObjectMeta {
        let Self { size, version, modified, checksums } = self;
        ObjectMeta { path, size, version, modified, checksums }
    }

    /// Whether it is this content, as far as size and checksums tell.
    pub(super) fn is_of(&self, whole: &Whole) -> bool {
        self.size == whole.size && self.checksums.agree(&whole.sums)
    }
}

/// One page of a listing.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Names as the service has them: folders' placeholders and names that are no paths among them.
    pub(super) objects: Vec<(String, Facts)>,
    pub(super) next: Option<String>,
}

/// An object being read.
pub(super) struct Opened {
    /// Bytes from where it was opened to its end; `None` when the service does not say.
    pub(super) left: Option<u64>,
    /// What names this very content when the rest is asked for.
    pub(super) version: String,
    /// Of the whole object.
    pub(super) checksums: Checksums,
    pub(super) body: Incoming,
}

/// Where to go on reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resume<'a> {
    pub(super) from: u64,
    pub(super) version: &'a str,
}

/// A protocol, its bucket and who asks. Clones are cheap and mean the same.
#[async_trait]
pub(super) trait Service: Access + Clone + fmt::Debug + 'static {
    /// An upload in parts that was begun.
    type Upload: Clone + Send + Sync + 'static;
    /// What the service says of a part that it has.
    type Receipt: Send + 'static;
    /// Parts of one upload, at most.
    const MOST_PARTS: u64;
    /// Parts on their way at the same time; one where the service wants them one after the other.
    const AT_ONCE: usize;

    fn http(&self) -> &Http;

    fn wanted(&self) -> Wanted;

    /// The bucket, where it is one of Google Cloud Storage.
    fn google_bucket(&self) -> Option<&str> {
        None
    }

    /// Whether this service can reach the other's objects with its own credentials.
    fn reaches(&self, other: &Self) -> bool;

    /// Asked when an object is missing. A service that does not let us know is taken to say yes.
    async fn bucket_exists(&self) -> Result<bool, Fault>;

    /// Objects whose name starts with `prefix`; with [`Depth::Folder`] only up to the next slash.
    async fn page(&self, prefix: &str, depth: Depth, token: Option<&str>) -> Result<Page, Fault>;

    async fn head(&self, key: &str) -> Result<Option<Facts>, Fault>;

    async fn get(&self, key: &str, resume: Option<Resume<'_>>) -> Result<Opened, Fault>;

    /// Writes an object in one request.
    async fn put(&self, key: &str, part: &Part, whole: &Whole) -> Result<Facts, Fault>;

    async fn begin(&self, key: &str) -> Result<Self::Upload, Fault>;

    /// `number` counts from 0.
    async fn put_part(&self, upload: &Self::Upload, number: u64, part: &Part) -> Result<Self::Receipt, Fault>;

    /// Makes the object appear; `receipts` in order.
    async fn finish(&self, upload: &Self::Upload, receipts: Vec<Self::Receipt>, whole: &Whole) -> Result<Facts, Fault>;

    /// Removes what was uploaded, as far as the service has a way.
    async fn abort(&self, upload: &Self::Upload) -> Result<(), Fault>;

    /// Copies an object of `source`, which this service reaches.
    async fn copy(&self, source: &Self, from: &str, to: &str) -> Result<Facts, Fault>;

    /// A missing object is no fault.
    async fn delete(&self, key: &str) -> Result<(), Fault>;
}
