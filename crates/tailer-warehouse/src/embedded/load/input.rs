//! Opening a data file: gzip is recognised by its first bytes whatever the file is called, a byte order mark is dropped.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use flate2::read::MultiGzDecoder;

use crate::{WarehouseError, embedded::errors::invalid};

const BUFFER: usize = 1 << 18;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The bytes of a file, unpacked.
pub(crate) type Input = Box<dyn BufRead + Send>;

/// Opens a file of text; with the length of the byte order mark that was dropped.
pub(crate) fn open_text(path: &Path) -> Result<(Input, u64), WarehouseError> {
    let open = || {
        let mut file = BufReader::with_capacity(BUFFER, File::open(path)?);
        let mut input: Input = match file.fill_buf()?.starts_with(&GZIP_MAGIC) {
            true => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file))),
            false => Box::new(file),
        };
        let marked = input.fill_buf()?.starts_with(BYTE_ORDER_MARK);
        let mark = if marked { BYTE_ORDER_MARK.len() } else { 0 };
        input.consume(mark);
        Ok((input, mark as u64))
    };
    open().map_err(|error| unreadable(&file_name(path), &error))
}

/// The text that a file begins with, given its first bytes: as much as they tell.
pub(crate) fn unpacked(head: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    if head.starts_with(&GZIP_MAGIC) {
        // It ends in the middle: what was read until then is in `text`.
        let _ = MultiGzDecoder::new(head).read_to_end(&mut text);
    } else {
        text.extend_from_slice(head);
    }
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len());
    }
    text
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "the file".to_owned(), |name| name.to_string_lossy().into_owned())
}

pub(crate) fn unreadable(name: &str, error: &io::Error) -> WarehouseError {
    match error.kind() {
        io::ErrorKind::NotFound => WarehouseError::NotFound(format!("file {name}")),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            invalid(format!("{name}: the gzip data is damaged: {error}"))
        }
        _ => WarehouseError::Internal(format!("{name} cannot be read: {error}")),
    }
}

/// Whether the file's content is gzip, whatever it is called.
pub(crate) fn is_gzip(path: &Path) -> io::Result<bool> {
    let mut start = Vec::with_capacity(2);
    File::open(path)?.take(2).read_to_end(&mut start)?;
    Ok(start == GZIP_MAGIC)
}
