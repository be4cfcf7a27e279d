//! storage-to-storage in readable form.

use super::{ARCHIVE_PREFIXES, Destination, StorageAddress, StorageKind, StorageToStorage};
use crate::operation::describe::{Description, Origin, Part, Row, Section, Written, plain, yes_no};

impl StorageToStorage {
    pub(in crate::operation) fn describe(&self, top: &Written<'_>) -> Description {
        let template = |of: &super::FileTemplate| Row {
            name: "filename_templates".to_owned(),
            label: "Names".to_owned(),
            value: of.template.as_str().to_owned(),
            note: of.description.clone(),
            origin: Origin::Written,
        };
        let mut files: Vec<Row> = self.filename_templates.iter().map(template).collect();
        files.push(top.row("empty_file_policy", "Files of 0 bytes", self.empty_file_policy));
        let source = top.below("source");
        let mut rows = describe_source(&self.source, self.archive_prefix.as_deref(), &source);
        if let Some(only) = &self.source_filename {
            rows.push(source.row("sftp_source_filename", "Only files named", only.as_str()));
        }
        let destinations = self.destinations.iter().zip(top.entries("destinations")).zip(1..);
        Description {
            sections: vec![Section { title: "Source", rows }, Section { title: "Files", rows: files }],
            parts: destinations.map(|((to, written), number)| to.describe(&written, number)).collect(),
        }
    }
}

impl Destination {
    fn describe(&self, written: &Written<'_>, number: usize) -> Part {
        let mut rows = Vec::new();
        if self.address.kind == StorageKind::Sftp {
            rows.push(written.row(
                "sftp_destination_dir_create",
                "Makes a missing folder",
                yes_no(self.create_directory),
            ));
        }
        let top = self.top_file.map_or_else(|| "none".to_owned(), |kind| kind.to_string());
        rows.push(written.row("generate_top_file", "Top file when complete", top));
        rows.extend(credentials(&self.address, written));
        Part {
            id: format!("destination_{number}"),
            title: format!("Destination {number}"),
            kind: self.address.kind.to_string(),
            criticality: None,
            destination: Some(folder(&self.address)),
            disposition: None,
            short_description: None,
            rows,
            files: Vec::new(),
        }
    }
}

/// The folder that is watched, and the archive.
pub(in crate::operation) fn describe_source(
    address: &StorageAddress,
    archive: Option<&str>,
    written: &Written<'_>,
) -> Vec<Row> {
    let mut rows = vec![
        Row { origin: Origin::Written, ..written.row("source", "Folder", folder(address)) },
        written.row_of(ARCHIVE_PREFIXES, &[], "Archive", archive.unwrap_or("none: a handled file is removed")),
    ];
    rows.extend(credentials(address, written));
    rows
}

fn folder(address: &StorageAddress) -> String {
    let root = if address.absolute && address.kind == StorageKind::Sftp { "/" } else { "" };
    format!("{}://{}/{root}{}", address.kind, address.bucket, address.prefix)
}

/// What is given of them, read from the redacted document.
fn credentials(address: &StorageAddress, written: &Written<'_>) -> Vec<Row> {
    let shown = |name: &String| {
        let value = written.own.get(name)?;
        let value = if *value == crate::secret::HIDDEN { "hidden".to_owned() } else { plain(value) };
        Some(written.row(name, &name.replace('_', " "), value))
    };
    address.credentials.keys().filter_map(shown).collect()
}
