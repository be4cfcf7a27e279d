//! table-to-storage in readable form.

use super::{DestinationFormat, Export, TableToStorage};
use crate::{
    configuration::FileKind,
    operation::{
        Endurance,
        describe::{Description, Part, PartFile, Section, Written, endurance, visible, yes_no},
        scheduling::describe_schedule,
    },
};

impl TableToStorage {
    pub(in crate::operation) fn describe(&self, top: &Written<'_>, above: &Endurance) -> Description {
        let mut entries = top.entries("tasks");
        // Versions 1 and 2 are one export at the root.
        if entries.is_empty() {
            entries.push(*top);
        }
        Description {
            sections: vec![Section {
                title: "Schedule",
                rows: describe_schedule(&self.schedule, self.task_concurrency, top),
            }],
            parts: self.exports.iter().zip(entries).map(|(export, written)| export.describe(&written, above)).collect(),
        }
    }
}

impl Export {
    fn describe(&self, written: &Written<'_>, above: &Endurance) -> Part {
        let mut rows = vec![written.row("print_header", "Line of names first", yes_no(self.print_header))];
        if self.format == DestinationFormat::Csv {
            rows.push(written.row("field_delimiter", "Delimiter", visible(&self.field_delimiter)));
        }
        let template = "{{TEMPLATE_CURRENT_DATE}} is the execution date";
        let project = ["gcp_project_id", "gcp_project", "dest_gcp_project_id"];
        rows.extend([
            written.row("compression", "Compression", self.compression),
            written.row("generate_top_file", "Top file when complete", yes_no(self.generate_top_file)),
            written.row(
                "delete_dest_bucket_content",
                "Empties the folder first",
                yes_no(self.delete_destination_content),
            ),
            written.row("sql_query_template", template, yes_no(self.current_date_template)),
            written.row_of(&project, &project, "Project of the query", &self.project),
            written.row("bq_data_location", "Location", &self.location),
        ]);
        let copy = self.copy_table.as_ref().map_or_else(
            || "none".to_owned(),
            |copy| {
                let suffix = if copy.date_suffix { "_YYYYMMDD" } else { "" };
                format!("{}.{}.{}{suffix}", copy.project, copy.dataset, copy.table)
            },
        );
        rows.push(written.row("copy_table", "Table with a copy of the rows", copy));
        rows.extend(endurance(&self.endurance, above, written));
        let folder = if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) };
        let mut files = vec![PartFile { name: self.sql_file.clone(), kind: FileKind::Sql }];
        if let Some(name) = written.text("doc_md").filter(|_| written.text("task_id").or(written.text("id")).is_some())
        {
            files.push(PartFile { name, kind: FileKind::Markdown });
        }
        Part {
            id: self.id.to_string(),
            title: self.id.to_string(),
            kind: self.format.to_string(),
            criticality: Some((self.criticality, written.origin(&["criticality"], &["criticality"]))),
            destination: Some(format!("gcs://{}/{folder}{}", self.bucket, self.output_filename)),
            disposition: None,
            short_description: self.short_description.clone(),
            rows,
            files,
        }
    }
}
