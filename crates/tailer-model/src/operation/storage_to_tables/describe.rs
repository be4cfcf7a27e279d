//! storage-to-tables in readable form.

use super::{DdlMode, LoadOptions, SourceFormat, StorageToTables, Table};
use crate::{
    configuration::FileKind,
    operation::{
        describe::{Description, Part, PartFile, Row, Section, Written, visible, yes_no},
        storage_to_storage::describe_source,
    },
};

impl StorageToTables {
    pub(in crate::operation) fn describe(&self, top: &Written<'_>) -> Description {
        let rows = describe_source(&self.source, self.archive_prefix.as_deref(), &top.below("source"));
        let destinations = top.entries("destinations");
        let entries = destinations.iter().flat_map(|destination| destination.entries("tables"));
        let tables = self.tables.iter().zip(entries).zip(1..);
        Description {
            sections: vec![Section { title: "Source", rows }],
            parts: tables.map(|((table, written), number)| table.describe(&written, number)).collect(),
        }
    }
}

impl Table {
    fn describe(&self, written: &Written<'_>, number: usize) -> Part {
        let schema = match &self.ddl {
            DdlMode::File { ddl_file } => format!("the file {ddl_file}"),
            DdlMode::FileTemplate => "a .ddl.json file beside each data file".to_owned(),
            DdlMode::Header => "names of the first line, all STRING".to_owned(),
            DdlMode::Autodetect => "as detected".to_owned(),
        };
        let mut rows = vec![
            written.row("filename_template", "Files", self.template.as_str()),
            written.row("ddl_mode", "Schema", schema),
        ];
        rows.extend(self.options.describe(written));
        let mut files = Vec::new();
        if let DdlMode::File { ddl_file } = &self.ddl {
            files.push(PartFile { name: ddl_file.clone(), kind: FileKind::LoadDdl });
        }
        if let Some(doc) = &self.doc_md {
            files.push(PartFile { name: doc.clone(), kind: FileKind::Markdown });
        }
        let disposition = written.origin(&["write_disposition"], &["write_disposition"]);
        Part {
            id: format!("table_{number}"),
            title: self.table_name.clone(),
            kind: self.options.source_format.to_string(),
            criticality: None,
            destination: Some(format!("{}.{}.{}", self.project, self.dataset, self.table_name)),
            disposition: Some((self.options.write_disposition.to_string(), disposition)),
            short_description: self.short_description.clone(),
            rows,
            files,
        }
    }
}

impl LoadOptions {
    fn describe(&self, written: &Written<'_>) -> Vec<Row> {
        let quote = ["quote_character", "bq_load_job_quote_character"];
        let null = ["null_marker", "bq_load_job_null_marker"];
        let create = if self.create_if_needed { "CREATE_IF_NEEDED" } else { "CREATE_NEVER" };
        let mut rows = vec![written.row("create_disposition", "A missing table", create)];
        if self.source_format == SourceFormat::Csv {
            let quoted = self.quote_character.as_deref().map_or_else(|| "\"".to_owned(), visible);
            let marker = self.null_marker.as_deref().map_or_else(|| "none".to_owned(), |text| format!("\"{text}\""));
            rows.extend([
                written.row("skip_leading_rows", "Lines skipped", self.skip_leading_rows),
                written.row("field_delimiter", "Delimiter", visible(&self.field_delimiter)),
                written.row_of(&quote, &quote, "Quotes", quoted),
                written.row_of(&null, &null, "Text of NULL", marker),
                written.row(
                    "bq_load_job_allow_quoted_newlines",
                    "Newlines inside quotes",
                    yes_no(self.allow_quoted_newlines),
                ),
                written.row(
                    "bq_load_job_allow_jagged_rows",
                    "Missing columns at the end",
                    yes_no(self.allow_jagged_rows),
                ),
            ]);
        }
        let updates: Vec<&str> = [
            (self.allow_field_addition, "ALLOW_FIELD_ADDITION"),
            (self.allow_field_relaxation, "ALLOW_FIELD_RELAXATION"),
        ]
        .into_iter()
        .filter_map(|(allowed, name)| allowed.then_some(name))
        .collect();
        let updates = if updates.is_empty() { "none".to_owned() } else { updates.join(", ") };
        rows.extend([
            written.row(
                "bq_load_job_ignore_unknown_values",
                "Unknown columns are ignored",
                yes_no(self.ignore_unknown_values),
            ),
            written.row("bq_load_job_max_bad_records", "Bad rows allowed", self.max_bad_records),
            written.row("bq_load_job_schema_update_options", "Changes of the schema", updates),
            written.row("add_tailer_metadata", "Columns about the file", yes_no(self.add_tailer_metadata)),
        ]);
        rows
    }
}
