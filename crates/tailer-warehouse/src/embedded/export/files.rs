//! Files of an export: written aside, numbered, moved into place when whole.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use flate2::write::GzEncoder;
use tailer_model::operation::table_to_storage::{Compression, DestinationFormat};

use super::{
    super::{errors::invalid, instance::Instance},
    pipeline::Encoded,
};
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
            let path = export.folder.join(numbered(export, &format!("{number:012}")));
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
pub(crate) fn numbered(export: &Export, number: &str) -> String {
    let (stem, extension) = match export.file_name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (export.file_name.as_str(), String::new()),
    };
    let gzipped = export.compression == Compression::Gzip && export.format != DestinationFormat::Parquet;
    let gz = if gzipped && extension != ".gz" { ".gz" } else { "" };
    format!("{stem}-{number}{extension}{gz}")
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

/// How records become the bytes of a file.
pub(super) trait Container {
    /// Of every file, before its records.
    fn head(&self) -> &[u8];

    /// Appends records.
    fn write(&mut self, records: &[u8], count: usize, file: &mut dyn Write) -> io::Result<()>;
}

/// Records one after the other, as CSV and JSON lines have them.
#[derive(Debug, Default)]
pub(super) struct Plain {
    pub(super) head: Vec<u8>,
}

impl Container for Plain {
    fn head(&self) -> &[u8] {
        &self.head
    }

    fn write(&mut self, records: &[u8], _: usize, file: &mut dyn Write) -> io::Result<()> {
        file.write_all(records)
    }
}

/// Writes records into files of limited size, each with the same head. A record is never cut.
pub(super) struct Splitter<'a, C> {
    scratch: &'a Scratch,
    container: C,
    limit: u64,
    gzip: bool,
    parts: Vec<Part>,
    output: Output,
    /// Bytes in the current file before compression.
    written: u64,
}

enum Output {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl Output {
    fn open(path: &Path, gzip: bool) -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 18, File::create(path)?);
        Ok(match gzip {
            true => Self::Gzip(Box::new(GzEncoder::new(file, flate2::Compression::default()))),
            false => Self::Plain(file),
        })
    }

    fn as_write(&mut self) -> &mut dyn Write {
        match self {
            Self::Plain(file) => file,
            Self::Gzip(file) => file,
        }
    }

    fn close(self) -> io::Result<()> {
        match self {
            Self::Plain(mut file) => file.flush(),
            Self::Gzip(file) => file.finish()?.flush(),
        }
    }
}

impl<'a, C: Container> Splitter<'a, C> {
    /// The first file is made at once: an export of no rows has one.
    pub(super) fn new(scratch: &'a Scratch, container: C, limit: u64, gzip: bool) -> Result<Self, WarehouseError> {
        let path = scratch.path(0);
        let output = Output::open(&path, gzip).map_err(failed)?;
        let parts = vec![Part { path, rows: 0 }];
        let mut splitter = Self { scratch, container, limit, gzip, parts, output, written: 0 };
        splitter.head().map_err(failed)?;
        Ok(splitter)
    }

    /// Writes records, as many into each file as fit.
    pub(super) fn write(&mut self, records: &Encoded) -> Result<(), WarehouseError> {
        let (mut start, mut first) = (0, 0);
        while first < records.ends.len() {
            let room = self.limit.saturating_sub(self.written);
            let ends = records.ends.get(first..).unwrap_or_default();
            let mut count = ends.partition_point(|end| (end - start) as u64 <= room);
            if count == 0 {
                if self.parts.last().is_some_and(|part| part.rows > 0) {
                    self.next_file().map_err(failed)?;
                    continue;
                }
                // Longer than any file: it gets one of its own.
                count = 1;
            }
            let end = ends.get(count - 1).copied().unwrap_or(start);
            self.append(records.bytes.get(start..end).unwrap_or_default(), count).map_err(failed)?;
            (start, first) = (end, first + count);
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Vec<Part>, WarehouseError> {
        self.output.close().map_err(failed)?;
        Ok(self.parts)
    }

    fn append(&mut self, records: &[u8], count: usize) -> io::Result<()> {
        self.container.write(records, count, self.output.as_write())?;
        self.written += records.len() as u64;
        if let Some(part) = self.parts.last_mut() {
            part.rows += count as u64;
        }
        Ok(())
    }

    fn head(&mut self) -> io::Result<()> {
        self.written = self.container.head().len() as u64;
        self.output.as_write().write_all(self.container.head())
    }

    fn next_file(&mut self) -> io::Result<()> {
        let path = self.scratch.path(self.parts.len());
        let full = std::mem::replace(&mut self.output, Output::open(&path, self.gzip)?);
        full.close()?;
        self.parts.push(Part { path, rows: 0 });
        self.head()
    }
}
