//! A few threads with a reading connection each. A read sees one snapshot, never blocks the writer and is never blocked by
//! it; long listings on one thread leave the others to short look-ups.

use std::sync::mpsc::Receiver;

use parking_lot::Mutex;

use crate::{Tx, database::Database, writer::Decision};

/// How many readers there are: one per core, at least two so that one long listing blocks nobody, at most eight.
pub(crate) fn count() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 8))
}

/// Serves reads until the last sender is gone. All readers share one queue; whoever is free takes the next.
pub(crate) fn run(database: &mut dyn Database, queue: &Mutex<Receiver<Box<dyn Decision>>>) {
    loop {
        let next = queue.lock().recv();
        let Ok(mut read) = next else { return };
        let begun = database.begin_read();
        if begun.is_ok() {
            read.decide(&mut Tx::new(database));
        }
        database.rollback();
        read.answer(begun);
    }
}
