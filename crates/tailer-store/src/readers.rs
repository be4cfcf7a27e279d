//! A few threads with a reading connection each. A read sees one snapshot, never blocks the writer and is never blocked by
//! it; long listings on one thread leave the others to short look-ups.

use std::{iter, sync::mpsc::Receiver};

use parking_lot::Mutex;

use crate::{Tx, database::Database, writer::Decision};

/// How readers share the work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Readers {
    /// At least two, so that one long listing blocks nobody.
    pub(crate) count: usize,
    /// Reads that wait together share a transaction, at most so many: where beginning and ending one costs a trip each, the trips
    /// are shared too. All of them were asked for before it began, so none misses what was written before it asked.
    pub(crate) together: usize,
}

impl Readers {
    /// For a database in this process: a reader keeps a core busy, and a transaction costs nothing.
    pub(crate) fn near() -> Self {
        Self { count: cores().clamp(2, 8), together: 1 }
    }

    /// For a database on a server: a reader mostly waits for answers.
    pub(crate) fn far() -> Self {
        Self { count: (2 * cores()).clamp(4, 16), together: 8 }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// Serves reads until the last sender is gone. All readers share one queue; whoever is free takes what comes next.
pub(crate) fn run(database: &mut dyn Database, queue: &Mutex<Receiver<Box<dyn Decision>>>, together: usize) {
    loop {
        let reads: Vec<Box<dyn Decision>> = {
            let queue = queue.lock();
            let Ok(first) = queue.recv() else { return };
            iter::once(first).chain(queue.try_iter().take(together - 1)).collect()
        };
        let mut is_open = false;
        for mut read in reads {
            let begun = if is_open { Ok(()) } else { database.begin_read() };
            // A statement that failed may have ended the transaction for those after it.
            is_open = begun.is_ok() && read.decide(&mut Tx::new(database));
            if !is_open {
                database.rollback();
            }
            read.answer(begun);
        }
        database.rollback();
    }
}
