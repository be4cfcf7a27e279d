//! From a query's rows to the bytes of files: DuckDB's batches are encoded by several threads at once and written in their
//! order by one more. Nothing is held but the few batches on their way.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use duckdb::arrow::array::StructArray;
use parking_lot::Mutex;

use crate::{WarehouseError, embedded::session::Session};

/// Batches that wait for a thread, or for their turn, for each thread.
const WAITING: usize = 4;

/// Records as bytes.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    /// Where each record ends.
    pub(super) ends: Vec<usize>,
}

/// Makes records of rows.
pub(super) trait Encode: Sync {
    fn encode(&self, batch: &StructArray, out: &mut Encoded) -> Result<(), WarehouseError>;
}

type Outcome = (u64, Result<Encoded, WarehouseError>);

/// Runs a query whose columns are in their readable form, and gives `write` its records in order.
pub(super) fn run(
    session: &Session<'_>,
    sql: &str,
    encoder: &impl Encode,
    threads: usize,
    mut write: impl FnMut(&Encoded) -> Result<(), WarehouseError> + Send,
) -> Result<(), WarehouseError> {
    let (to_encode, waiting) = sync_channel::<(u64, StructArray)>(threads * WAITING);
    let (encoded, to_write) = sync_channel::<Outcome>(threads * WAITING);
    let (waiting, spare, failed) = (Mutex::new(waiting), Mutex::new(Vec::new()), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..threads {
            let encoded = encoded.clone();
            scope.spawn(|| encode_all(&waiting, encoder, &spare, encoded));
        }
        drop(encoded);
        let writer = scope.spawn(|| write_all(to_write, &spare, &failed, &mut write));
        let mut number = 0;
        let streamed = session.stream(sql, |batch| {
            number += 1;
            Ok(to_encode.send((number, batch.clone())).is_ok() && !failed.load(Ordering::Relaxed))
        });
        drop(to_encode);
        let written =
            writer.join().unwrap_or_else(|_| Err(WarehouseError::Internal("an export's thread failed".into())));
        streamed.and(written)
    })
}

fn encode_all(
    waiting: &Mutex<Receiver<(u64, StructArray)>>,
    encoder: &impl Encode,
    spare: &Mutex<Vec<Encoded>>,
    encoded: SyncSender<Outcome>,
) {
    loop {
        let next = waiting.lock().recv();
        let Ok((number, batch)) = next else { return };
        let mut out = spare.lock().pop().unwrap_or_default();
        let result = encoder.encode(&batch, &mut out).map(|()| out);
        if encoded.send((number, result)).is_err() {
            return;
        }
    }
}

/// Takes everything to the end even after a failure: who waits to hand over a batch must not wait for ever.
fn write_all(
    encoded: Receiver<Outcome>,
    spare: &Mutex<Vec<Encoded>>,
    failed: &AtomicBool,
    write: &mut impl FnMut(&Encoded) -> Result<(), WarehouseError>,
) -> Result<(), WarehouseError> {
    let mut early = BTreeMap::new();
    let mut turn = 1;
    let mut result = Ok(());
    for (number, records) in encoded {
        early.insert(number, records);
        while let Some(records) = early.remove(&turn) {
            turn += 1;
            match records {
                Ok(mut records) => {
                    result = result.and_then(|()| write(&records));
                    records.bytes.clear();
                    records.ends.clear();
                    spare.lock().push(records);
                }
                Err(error) => result = result.and(Err(error)),
            }
        }
        if result.is_err() {
            failed.store(true, Ordering::Relaxed);
        }
    }
    result
}
