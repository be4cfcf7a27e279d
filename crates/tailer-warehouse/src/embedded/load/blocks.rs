//! Data files cut into blocks of whole records, in order, so that several threads can read one file. Knows where records
//! end and on which lines they begin, not what is in them.

use std::{collections::VecDeque, io::Read, path::PathBuf, sync::Arc};

use super::{
    csv::{self, Dialect, Ending},
    input::{self, Input},
};
use crate::{WarehouseError, embedded::errors::invalid};

/// What is read from the file at once.
const BLOCK: usize = 1 << 20;

/// A record longer than this is a quote that was never closed, or no text. BigQuery's limit.
const MAX_RECORD: usize = 100 << 20;

/// Where a record ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Framing {
    Lines,
    /// CSV with line ends inside quotes.
    Quoted(Dialect),
}

/// Whole records.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    pub(crate) at: Place,
}

/// Where something is.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Number of the file among those of the load.
    pub(crate) file: usize,
    pub(crate) name: Arc<str>,
    /// From one.
    pub(crate) line: u64,
    /// Bytes of the file before it, after unpacking.
    pub(crate) offset: u64,
}

/// Files still to be handed out.
pub(crate) struct Blocks {
    waiting: VecDeque<PathBuf>,
    current: Option<Open>,
    framing: Framing,
    /// Records left out at the beginning of every file.
    skip: u64,
    opened: usize,
}

struct Open {
    input: Input,
    at: Place,
    to_skip: u64,
    /// Read, but not handed out: the beginning of a record.
    rest: Vec<u8>,
    ended: bool,
}

impl Blocks {
    pub(crate) fn new(files: &[PathBuf], framing: Framing, skip: u64) -> Self {
        Self { waiting: files.iter().cloned().collect(), current: None, framing, skip, opened: 0 }
    }

    /// The next block; `None` when all files are read.
    ///
    /// # Errors
    ///
    /// With the place: the file cannot be read, its gzip data is damaged, or a record is longer than any can be.
    pub(crate) fn next(&mut self) -> Result<Option<Block>, (Place, WarehouseError)> {
        loop {
            let Some(mut open) = self.current.take() else {
                let Some(path) = self.waiting.pop_front() else { return Ok(None) };
                self.current = Some(self.open(&path)?);
                continue;
            };
            let block = open.block(self.framing);
            let at = open.at.clone();
            match block {
                Ok(None) => {}
                Ok(Some(block)) => {
                    self.current = Some(open);
                    if !block.bytes.is_empty() {
                        return Ok(Some(block));
                    }
                }
                Err(error) => return Err((at, error)),
            }
        }
    }

    fn open(&mut self, path: &std::path::Path) -> Result<Open, (Place, WarehouseError)> {
        let name: Arc<str> = input::file_name(path).into();
        let mut at = Place { file: self.opened, name, line: 1, offset: 0 };
        self.opened += 1;
        let (input, mark) = match input::open_text(path) {
            Ok(opened) => opened,
            Err(error) => return Err((at, error)),
        };
        at.offset = mark;
        Ok(Open { input, at, to_skip: self.skip, rest: Vec::new(), ended: false })
    }
}

impl Open {
    /// The next whole records, maybe none when all that was read is skipped; `None` at the end of the file.
    fn block(&mut self, framing: Framing) -> Result<Option<Block>, WarehouseError> {
        let mut bytes = std::mem::take(&mut self.rest);
        loop {
            if !self.ended {
                self.fill(&mut bytes)?;
            }
            if bytes.is_empty() && self.ended {
                return Ok(None);
            }
            let whole = if self.ended { bytes.len() } else { framing.whole(&bytes) };
            if whole > 0 {
                self.rest = bytes.split_off(whole);
                break;
            }
            if bytes.len() > MAX_RECORD {
                return Err(invalid(format!(
                    "{} line {}: a record is longer than 100 MB: is a quote not closed, or is this no text?",
                    self.at.name, self.at.line
                )));
            }
        }
        let skipped = self.skip(&bytes, framing);
        let mut at = self.at.clone();
        at.line += lines(bytes.get(..skipped).unwrap_or_default());
        at.offset += skipped as u64;
        self.at.line = at.line + lines(bytes.get(skipped..).unwrap_or_default());
        self.at.offset += bytes.len() as u64;
        bytes.drain(..skipped);
        Ok(Some(Block { bytes, at }))
    }

    fn fill(&mut self, bytes: &mut Vec<u8>) -> Result<(), WarehouseError> {
        let wanted = (BLOCK as u64).max(bytes.len() as u64);
        let read = (&mut self.input).take(wanted).read_to_end(bytes);
        let read = read.map_err(|error| input::unreadable(&self.at.name, &error))?;
        self.ended = (read as u64) < wanted;
        Ok(())
    }

    /// Length of the leading records that are left out.
    fn skip(&mut self, bytes: &[u8], framing: Framing) -> usize {
        let mut at = 0;
        while self.to_skip > 0 && at < bytes.len() {
            at = framing.end(bytes, at).unwrap_or(bytes.len());
            self.to_skip -= 1;
        }
        at
    }
}

fn lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

impl Framing {
    /// Length of the whole records that `bytes` begins with.
    fn whole(self, bytes: &[u8]) -> usize {
        match self {
            Self::Lines => memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1),
            Self::Quoted(_) => {
                let mut at = 0;
                while let Some(end) = self.end(bytes, at) {
                    at = end;
                }
                at
            }
        }
    }

    /// Where the record that begins at `at` ends, if it does.
    fn end(self, bytes: &[u8], at: usize) -> Option<usize> {
        let line = at + memchr::memchr(b'\n', bytes.get(at..)?)? + 1;
        match self {
            Self::Lines => Some(line),
            Self::Quoted(dialect) => {
                if !dialect.has_quote(bytes.get(at..line)?) {
                    return Some(line);
                }
                let (end, ending) = csv::read(bytes, at, dialect, &mut |_| ());
                (!matches!(ending, Ending::Cut | Ending::Open)).then_some(end)
            }
        }
    }
}
