//! table-to-table in readable form.

use super::{Action, TableToTable, Task};
use crate::{
    configuration::FileKind,
    operation::{
        Endurance, WriteDisposition,
        describe::{Description, Part, PartFile, Section, Written, endurance, yes_no},
        scheduling::describe_schedule,
    },
};

const DISPOSITION: [&[&str]; 2] = [&["write_disposition"], &["default_write_disposition"]];

impl TableToTable {
    pub(in crate::operation) fn describe(&self, top: &Written<'_>, above: &Endurance) -> Description {
        let mut defaults = Vec::new();
        for (names, label) in [
            (["default_gcp_project_id", "default_gbq_project"], "Project"),
            (["default_bq_dataset", "default_gbq_dataset"], "Dataset"),
        ] {
            if let Some(value) = names.iter().find_map(|name| top.text(name)) {
                defaults.push(top.row_of(&names, &[], label, value));
            }
        }
        let disposition =
            top.text("default_write_disposition").unwrap_or_else(|| WriteDisposition::default().to_string());
        defaults.push(top.row("default_write_disposition", "Write disposition", disposition));
        defaults.push(top.row("default_bq_data_location", "Location", &self.location));
        let tasks = self.tasks.iter().zip(top.entries("workflow"));
        Description {
            sections: vec![
                Section { title: "Schedule", rows: describe_schedule(&self.schedule, self.task_concurrency, top) },
                Section { title: "Defaults of the tasks", rows: defaults },
            ],
            parts: tasks.map(|(task, written)| task.describe(&written, above)).collect(),
        }
    }
}

impl Task {
    fn describe(&self, written: &Written<'_>, above: &Endurance) -> Part {
        let table = |name: &str| format!("{}.{}.{name}", self.project, self.dataset);
        let [own, inherited] = DISPOSITION;
        let disposed = |disposition: WriteDisposition| Some((disposition.to_string(), written.origin(own, inherited)));
        let mut rows = Vec::new();
        let mut files = Vec::new();
        let mut file = |name: &String, kind| files.push(PartFile { name: name.clone(), kind });
        let (destination, disposition) = match &self.action {
            Action::Sql {
                sql_file,
                table_name,
                write_disposition,
                temporary_table,
                current_date_template,
                use_query_cache,
            } => {
                file(sql_file, FileKind::Sql);
                let template = "{{TEMPLATE_CURRENT_DATE}} is the execution date";
                rows.push(written.row("sql_query_template", template, yes_no(*current_date_template)));
                let cached = use_query_cache.map_or("as the server's settings say", yes_no);
                rows.push(written.row("use_query_cache", "Uses cached results", cached));
                if table_name.is_some() {
                    rows.push(written.row("temporary_table", "Dropped when the run ends", yes_no(*temporary_table)));
                }
                (table_name.as_deref().map(table), table_name.as_ref().and_then(|_| disposed(*write_disposition)))
            }
            Action::CreateTable { table: name, ddl_file, force_delete, force_delete_partition } => {
                file(ddl_file, FileKind::CreateDdl);
                rows.push(written.row("force_delete", "Drops the table first", yes_no(*force_delete)));
                let label = "Empties the partition of the execution date";
                rows.push(written.row("force_delete_partition", label, yes_no(*force_delete_partition)));
                (Some(table(name)), None)
            }
            Action::CopyTable {
                source_project,
                source_dataset,
                source_table,
                table: name,
                date_suffix_format,
                write_disposition,
            } => {
                let source = format!("{source_project}.{source_dataset}.{source_table}");
                rows.push(written.row("source_bq_table", "Copies", source));
                let suffix = date_suffix_format.as_deref().unwrap_or("none");
                rows.push(written.row("destination_bq_table_date_suffix", "Date suffix", suffix));
                (Some(table(name)), disposed(*write_disposition))
            }
            Action::DeleteTable { table: name } => (Some(table(name)), None),
            Action::Expectation { sql_file } => {
                file(sql_file, FileKind::Sql);
                (None, None)
            }
        };
        if let Some(doc) = &self.doc_md {
            file(doc, FileKind::Markdown);
        }
        let project = ["default_gcp_project_id", "default_gbq_project"];
        rows.push(written.row_of(&["gcp_project_id"], &project, "Project", &self.project));
        if !self.dataset.is_empty() {
            let dataset = ["default_bq_dataset", "default_gbq_dataset"];
            rows.push(written.row_of(&["bq_dataset"], &dataset, "Dataset", &self.dataset));
        }
        rows.extend(endurance(&self.endurance, above, written));
        Part {
            id: self.id.to_string(),
            title: self.id.to_string(),
            kind: self.task_type.clone(),
            criticality: Some((self.criticality, written.origin_here(&["criticality"]))),
            destination,
            disposition,
            short_description: self.short_description.clone(),
            rows,
            files,
        }
    }
}
