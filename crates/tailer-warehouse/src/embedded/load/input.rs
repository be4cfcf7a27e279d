//! A data file as lines of text: gzip is recognised by its first bytes, a byte order mark is dropped, and text that is
//! not UTF-8 is an error that names the place.

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

/// Lines of one file.
pub(crate) struct Lines {
    input: Box<dyn BufRead + Send>,
    name: String,
    /// Number of the line read last, from one.
    pub(crate) number: u64,
    offset: u64,
}

impl Lines {
    pub(crate) fn open(path: &Path) -> Result<Self, WarehouseError> {
        let name = file_name(path);
        let open = || {
            let mut file = BufReader::with_capacity(BUFFER, File::open(path)?);
            let gzipped = file.fill_buf()?.starts_with(&GZIP_MAGIC);
            Ok::<Box<dyn BufRead + Send>, io::Error>(match gzipped {
                true => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file))),
                false => Box::new(file),
            })
        };
        let input = open().map_err(|error| unreadable(&name, &error))?;
        let mut lines = Self { input, name, number: 0, offset: 0 };
        lines.drop_byte_order_mark()?;
        Ok(lines)
    }

    pub(crate) fn file_name(&self) -> &str {
        &self.name
    }

    /// Appends the next line, its line end included; `false` at the end of the file.
    pub(crate) fn next(&mut self, text: &mut String) -> Result<bool, WarehouseError> {
        let start = text.len();
        let mut bytes = std::mem::take(text).into_bytes();
        let read = self.input.read_until(b'\n', &mut bytes).map_err(|error| unreadable(&self.name, &error))?;
        if read == 0 {
            *text = String::from_utf8(bytes).unwrap_or_default();
            return Ok(false);
        }
        self.number += 1;
        *text = String::from_utf8(bytes).map_err(|error| {
            let at = self.offset + (error.utf8_error().valid_up_to() - start) as u64;
            invalid(format!(
                "{} line {}: the text is not UTF-8 (byte {at} of the file): convert the file to UTF-8",
                self.name, self.number
            ))
        })?;
        self.offset += read as u64;
        Ok(true)
    }

    fn drop_byte_order_mark(&mut self) -> Result<(), WarehouseError> {
        let start = self.input.fill_buf().map_err(|error| unreadable(&self.name, &error))?;
        if start.starts_with(BYTE_ORDER_MARK) {
            self.input.consume(BYTE_ORDER_MARK.len());
            self.offset += BYTE_ORDER_MARK.len() as u64;
        }
        Ok(())
    }
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
