//! Files of an export: written aside, numbered, moved into place when whole.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use flate2::write::GzEncoder;
use tailer_model::operation::table_to_storage::{Compression, DestinationFormat};

use super::super::{errors::invalid, instance::Instance};
use crate::{Export, ExportedFile, WarehouseError};

/// A written file that is not in its place yet.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) path: PathBuf,
    pub(crate) rows: u64,
}

/// A folder of one export, gone with it.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    pub(crate) fn new(instance: &Instance) -> Result<Self, WarehouseError> {
        let folder = instance.scratch().join(uuid::Uuid::new_v4().to_string());
        fs::create_dir_all(&folder).map_err(failed)?;
        Ok(Self { folder })
    }

    pub(crate) fn path(&self, number: usize) -> PathBuf {
        self.folder.join(number.to_string())
    }

    /// Moves the parts to the destination folder under their numbered names, in order.
    pub(crate) fn publish(&self, parts: Vec<Part>, export: &Export) -> Result<Vec<ExportedFile>, WarehouseError> {
        fs::create_dir_all(&export.folder).map_err(failed)?;
        let mut files = Vec::with_capacity(parts.len());
        for (number, part) in parts.into_iter().enumerate() {
            let path = export.folder.join(numbered(export, number));
            let bytes = fs::metadata(&part.path).map_err(failed)?.len();
            put(&part.path, &path).map_err(failed)?;
            files.push(ExportedFile { path, rows: part.rows, bytes });
        }
        Ok(files)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is removed at the next start.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// `sales.csv` becomes `sales-000000000000.csv`, with `.gz` behind when compressed (Parquet compresses inside).
fn numbered(export: &Export, number: usize) -> String {
    let (stem, extension) = match export.file_name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (export.file_name.as_str(), String::new()),
    };
    let gzipped = export.compression == Compression::Gzip && export.format != DestinationFormat::Parquet;
    let gz = if gzipped && extension != ".gz" { ".gz" } else { "" };
    format!("{stem}-{number:012}{extension}{gz}")
}

/// A rename, or a copy to a temporary name beside the target when that is on another disk.
fn put(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let beside = to.with_added_extension("partial");
            fs::copy(from, &beside)?;
            fs::rename(&beside, to)
        }
        result => result,
    }
}

pub(crate) fn failed(error: io::Error) -> WarehouseError {
    match error.kind() {
        io::ErrorKind::StorageFull => WarehouseError::Internal("no space left for the export's files".to_owned()),
        io::ErrorKind::InvalidFilename => invalid("the export's file name is too long"),
        _ => WarehouseError::Internal(format!("the export's files cannot be written: {error}")),
    }
}

/// Writes records into files of limited size, each with the same head. A record is never cut.
pub(crate) struct Splitter<'a> {
    scratch: &'a Scratch,
    head: Vec<u8>,
    limit: u64,
    gzip: bool,
    parts: Vec<Part>,
    output: Option<Output>,
    /// Bytes in the current file before compression.
    written: u64,
}

enum Output {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.write_all(bytes),
            Self::Gzip(file) => file.write_all(bytes),
        }
    }

    fn close(self) -> io::Result<()> {
        match self {
            Self::Plain(mut file) => file.flush(),
            Self::Gzip(file) => file.finish()?.flush(),
        }
    }
}

impl<'a> Splitter<'a> {
    /// The first file is made at once: an export of no rows has one.
    pub(crate) fn new(scratch: &'a Scratch, head: Vec<u8>, limit: u64, gzip: bool) -> Result<Self, WarehouseError> {
        let mut splitter = Self { scratch, head, limit, gzip, parts: Vec::new(), output: None, written: 0 };
        splitter.next_file().map_err(failed)?;
        Ok(splitter)
    }

    /// Writes one record with its line end.
    pub(crate) fn record(&mut self, bytes: &[u8]) -> Result<(), WarehouseError> {
        let full = self.written + bytes.len() as u64 > self.limit;
        let has_rows = self.parts.last().is_some_and(|part| part.rows > 0);
        if full && has_rows {
            self.next_file().map_err(failed)?;
        }
        self.write(bytes).map_err(failed)?;
        if let Some(part) = self.parts.last_mut() {
            part.rows += 1;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Vec<Part>, WarehouseError> {
        self.close().map_err(failed)?;
        Ok(self.parts)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.output.as_mut().map_or(Ok(()), |output| output.write(bytes))
    }

    fn close(&mut self) -> io::Result<()> {
        self.output.take().map_or(Ok(()), Output::close)
    }

    fn next_file(&mut self) -> io::Result<()> {
        self.close()?;
        // Numbers from one: the file that is split has number zero.
        let path = self.scratch.path(self.parts.len() + 1);
        let file = BufWriter::with_capacity(1 << 18, File::create(&path)?);
        self.output = Some(match self.gzip {
            true => Output::Gzip(Box::new(GzEncoder::new(file, flate2::Compression::default()))),
            false => Output::Plain(file),
        });
        self.parts.push(Part { path, rows: 0 });
        self.written = 0;
        let head = std::mem::take(&mut self.head);
        let result = self.write(&head);
        self.head = head;
        result
    }
}
