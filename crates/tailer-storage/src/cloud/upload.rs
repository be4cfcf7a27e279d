//! Writes content: what fits one part in one request, everything else in parts.
//!
//! Memory is bounded by the size of a part: one is gathered while at most [`Service::AT_ONCE`] are on their way, and large ones
//! (objects of hundreds of gigabytes) go one by one. When something fails, or the writer is dropped, the upload is aborted.

use std::{pin::pin, time::Duration};

use futures::{StreamExt as _, stream::FuturesOrdered};

use super::{
    fault::Fault,
    parts::{Part, Parts, Sizes},
    service::{Facts, Service},
};
use crate::{Content, StorageError, WriteOptions};

/// Parts above this many bytes are not sent while the next one is gathered.
const LARGE: u64 = 32 * 1024 * 1024;
/// Patience with an abort: who waits for it has an error to tell.
const ABORT: Duration = Duration::from_secs(20);

/// A writer's error: the content's own, or a fault to be told.
pub(super) enum Failure {
    Content(StorageError),
    Service(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Service(fault)
    }
}

/// Writes all of `content` under `key`. `location` names it in errors.
pub(super) async fn write<S: Service>(
    service: &S,
    key: &str,
    content: Content,
    options: WriteOptions,
    location: String,
) -> Result<Facts, Failure> {
    let sizes = Sizes::new(service.http().limits.part, S::MOST_PARTS, options.size);
    let mut parts = Parts::new(content, service.wanted(), options, location);
    let first = parts.next(sizes.of(0)).await.map_err(Failure::Content)?;
    if let Some(whole) = &first.whole {
        return Ok(service.put(key, &first, whole).await?);
    }
    let mut upload = Begun::new(service, service.begin(key).await?);
    let written = in_parts(service, upload.inner(), first, &mut parts, sizes).await;
    match written {
        Ok(_) => upload.forget(),
        Err(_) => upload.abort().await,
    }
    written
}

async fn in_parts<S: Service>(
    service: &S,
    upload: &S::Upload,
    first: Part,
    parts: &mut Parts,
    sizes: Sizes,
) -> Result<Facts, Failure> {
    let mut flight = FuturesOrdered::new();
    let mut receipts = Vec::new();
    let mut part = first;
    for number in 0..S::MOST_PARTS {
        while flight.len() >= S::AT_ONCE {
            receipts.extend(flight.next().await.transpose()?);
        }
        let (whole, large) = (part.whole, part.payload.len() > LARGE);
        flight.push_back(async move { service.put_part(upload, number, &part).await });
        while !flight.is_empty() && (large || whole.is_some()) {
            receipts.extend(flight.next().await.transpose()?);
        }
        if let Some(whole) = whole {
            return Ok(service.finish(upload, receipts, &whole).await?);
        }
        let mut gathering = pin!(parts.next(sizes.of(number + 1)));
        part = loop {
            tokio::select! {
                gathered = &mut gathering => break gathered.map_err(Failure::Content)?,
                Some(receipt) = flight.next(), if !flight.is_empty() => receipts.push(receipt?),
            }
        };
    }
    Err(Fault::Invalid(format!("the content does not fit the {} parts of an object", S::MOST_PARTS)).into())
}

/// An upload that is aborted unless it is finished.
pub(super) struct Begun<S: Service> {
    service: S,
    upload: Option<S::Upload>,
    inner: S::Upload,
}

impl<S: Service> Begun<S> {
    pub(super) fn new(service: &S, upload: S::Upload) -> Self {
        Self { service: service.clone(), upload: Some(upload.clone()), inner: upload }
    }

    pub(super) fn inner(&self) -> &S::Upload {
        &self.inner
    }

    pub(super) fn forget(&mut self) {
        self.upload = None;
    }

    pub(super) async fn abort(&mut self) {
        if let Some(upload) = self.upload.take() {
            abort(&self.service, &upload).await;
        }
    }
}

impl<S: Service> Drop for Begun<S> {
    fn drop(&mut self) {
        if let (Some(upload), Ok(runtime)) = (self.upload.take(), tokio::runtime::Handle::try_current()) {
            let service = self.service.clone();
            runtime.spawn(async move { abort(&service, &upload).await });
        }
    }
}

async fn abort<S: Service>(service: &S, upload: &S::Upload) {
    match tokio::time::timeout(ABORT, service.abort(upload)).await {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => tracing::warn!(?fault, "an upload could not be aborted: the service keeps its parts"),
        Err(_) => tracing::warn!("an upload could not be aborted in time: the service may keep its parts"),
    }
}
