//! table-to-storage: queries exported to files in a bucket (`spec/data-operations.md`, table-to-storage, versions 1 to 3).
//!
//! Version 3 has a list of `tasks` and defaults for them at the root; versions 1 and 2 are one export at the root.

mod describe;

use super::{
    Endurance, current_date_template,
    scheduling::{Node, read_graph, read_schedule, read_task_concurrency},
};
use crate::{
    Criticality, Schedule, TaskGraph, TaskId,
    configuration::FileKind,
    names::{self, TableNameRules},
    reader::Fields,
    secret::{self, Closed},
    template::DATE_NAMES,
    text::text_enum,
};

/// What a table-to-storage configuration does, whatever its version.
#[derive(Debug, Clone, PartialEq)]
pub struct TableToStorage {
    pub schedule: Schedule,
    pub task_concurrency: u32,
    pub exports: Vec<Export>,
    /// Same order as `exports`.
    pub graph: TaskGraph,
}

/// One export with every default applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    pub id: TaskId,
    pub short_description: Option<String>,
    pub criticality: Criticality,
    pub endurance: Endurance,
    pub bucket: String,
    /// May hold `{{FD_DATE}}`. Without leading or trailing slash; empty for the root.
    pub prefix: String,
    pub project: String,
    pub sql_file: String,
    /// May hold `{{FD_DATE}}` and `{{FD_TIME}}`.
    pub output_filename: String,
    pub format: DestinationFormat,
    pub print_header: bool,
    /// One character.
    pub field_delimiter: String,
    pub compression: Compression,
    pub current_date_template: bool,
    pub location: String,
    pub generate_top_file: bool,
    pub delete_destination_content: bool,
    pub copy_table: Option<CopyTable>,
    /// Who asks BigQuery, and writes to the bucket, in place of the server.
    pub credentials: Option<Closed>,
}

/// The table that keeps a copy of the exported rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyTable {
    pub project: String,
    pub dataset: String,
    pub table: String,
    /// `dest_gbq_table_suffix: "dag_execution_date"`.
    pub date_suffix: bool,
}

text_enum! {
    /// Format of the exported files.
    #[derive(Default)]
    pub enum DestinationFormat {
        #[default]
        Csv = "CSV",
        NewlineDelimitedJson = "NEWLINE_DELIMITED_JSON",
        Avro = "AVRO",
        Parquet = "PARQUET",
    }
}

text_enum! {
    /// Compression of the exported files.
    #[derive(Default)]
    pub enum Compression {
        #[default]
        None = "None",
        Gzip = "GZIP",
        Snappy = "SNAPPY",
    }
}

text_enum! {
    /// The one value of `dest_gbq_table_suffix`.
    enum TableSuffix {
        ExecutionDate = "dag_execution_date",
    }
}

/// What an entry of `tasks` takes from the root when it does not say itself.
const INHERITED: &[&str] = &[
    "gcs_dest_bucket",
    "gcs_dest_prefix",
    "gcp_project_id",
    "gcp_project",
    "sql_file",
    "output_filename",
    "destination_format",
    "print_header",
    "field_delimiter",
    "compression",
    "sql_query_template",
    "bq_data_location",
    "generate_top_file",
    "delete_dest_bucket_content",
    "copy_table",
    "dest_gcp_project_id",
    "dest_gbq_dataset",
    "dest_gbq_table",
    "dest_gbq_table_suffix",
    "criticality",
    secret::GOOGLE_KEY,
];

impl TableToStorage {
    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        fields.ignore(&["direct_execution"]);
        let schedule = read_schedule(fields);
        let task_concurrency = read_task_concurrency(fields);
        let third = fields.has("tasks") || fields.string("version").is_some_and(|v| v.trim() == "3");
        if !third {
            let id = "export".parse().ok()?;
            // What stands at the root is the operation's.
            let export = Export::read(fields, id, Endurance::default())?;
            let graph = TaskGraph::chain(vec![export.id.clone()]);
            return Some(Self { schedule, task_concurrency, exports: vec![export], graph });
        }
        let entries: Vec<Fields<'_>> = fields
            .required("tasks", Fields::objects)?
            .into_iter()
            .map(|entry| entry.with_defaults(fields, INHERITED))
            .collect();
        let exports: Vec<Option<Export>> =
            entries.iter().enumerate().map(|(i, entry)| Export::read_task(entry, i)).collect();
        let exports =
            exports.into_iter().collect::<Option<Vec<Export>>>().filter(|_| fields.holds_only_objects("tasks"));
        if exports.is_none() {
            fields.ignore(&["task_dependencies"]);
        }
        let exports = exports?;
        let node = |(entry, export): (&Fields<'_>, &Export)| Node {
            id: export.id.clone(),
            criticality: export.criticality,
            path: entry.path().to_owned(),
        };
        let nodes: Vec<Node> = entries.iter().zip(&exports).map(node).collect();
        let graph = read_graph(fields, &nodes)?;
        Some(Self { schedule, task_concurrency, exports, graph })
    }
}

impl Export {
    /// An entry of `tasks`.
    fn read_task(task: &Fields<'_>, position: usize) -> Option<Self> {
        let id = task_id(task, position);
        task.markdown("doc_md");
        let endurance = Endurance::read(task);
        let export = id.and_then(|id| Self::read(task, id, endurance));
        task.finish();
        export
    }

    fn read(fields: &Fields<'_>, id: TaskId, endurance: Endurance) -> Option<Self> {
        let short_description = fields.optional_text("short_description");
        let criticality = fields.choice("criticality");
        let bucket = fields.required("gcs_dest_bucket", |f, name| f.checked(name, names::bucket));
        let prefix = read_prefix(fields);
        let credentials = secret::google_key(fields);
        let copy_table = fields.boolean("copy_table").unwrap_or(false).then(|| CopyTable::read(fields));
        let project = read_project(fields);
        let sql_file = fields.required("sql_file", |f, name| f.file(name, FileKind::Sql));
        let output_filename = fields.required("output_filename", |f, name| f.checked(name, output_filename));
        let format = fields.choice("destination_format").unwrap_or_default();
        let compression = fields.choice("compression").unwrap_or_default();
        check_compression(fields, format, compression);
        let field_delimiter = if format == DestinationFormat::Csv {
            fields.checked_even_blank("field_delimiter", names::delimiter)
        } else {
            fields.ignore(&["field_delimiter"]);
            None
        };
        let print_header = fields.boolean("print_header").unwrap_or(true);
        let current_date_template = current_date_template(fields);
        let location = fields.text("bq_data_location").unwrap_or_else(|| "EU".to_owned());
        let generate_top_file = fields.boolean("generate_top_file").unwrap_or(false);
        let delete_destination_content = fields.boolean("delete_dest_bucket_content").unwrap_or(false);
        fields.ignore(&["dest_gcp_project_id", "dest_gbq_dataset", "dest_gbq_table", "dest_gbq_table_suffix"]);
        if delete_destination_content && prefix.as_ref().is_some_and(String::is_empty) {
            fields.reader.warn(
                fields.place("delete_dest_bucket_content"),
                "without a \"gcs_dest_prefix\" this empties the whole bucket before each export",
            );
        }
        Some(Self {
            id,
            short_description,
            criticality: criticality.unwrap_or_default(),
            endurance,
            bucket: bucket?,
            prefix: prefix?,
            project: project?,
            sql_file: sql_file?,
            output_filename: output_filename?,
            format,
            print_header,
            field_delimiter: field_delimiter.unwrap_or_else(|| "|".to_owned()),
            compression,
            current_date_template,
            location,
            generate_top_file,
            delete_destination_content,
            copy_table: match copy_table {
                None => None,
                Some(read) => Some(read?),
            },
            credentials,
        })
    }
}

/// `task_id` or `id`; made from what is written when that is no task id, `export_<n>` when nothing is.
fn task_id(task: &Fields<'_>, position: usize) -> Option<TaskId> {
    let name = if task.has("task_id") { "task_id" } else { "id" };
    task.ignore(&["task_id", "id"]);
    let Some(text) = task.optional_text(name) else { return format!("export_{}", position + 1).parse().ok() };
    if let Ok(id) = text.parse() {
        return Some(id);
    }
    let words: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let words = words.trim_matches('_');
    let id =
        if words.starts_with(|c: char| c.is_ascii_alphabetic()) { words.to_owned() } else { format!("export_{words}") };
    match id.trim_end_matches('_').parse::<TaskId>() {
        Ok(id) => {
            task.warn(name, format!("\"{text}\" is not a task id (letters, digits, underscores): used as \"{id}\""));
            Some(id)
        }
        Err(error) => {
            task.error(name, error.to_string());
            None
        }
    }
}

/// Where the query runs: `gcp_project_id` (`gcp_project` in version 1), else where the copy goes.
fn read_project(fields: &Fields<'_>) -> Option<String> {
    for name in ["gcp_project_id", "gcp_project", "dest_gcp_project_id"] {
        if fields.value(name).is_some() {
            return fields.checked(name, names::project);
        }
    }
    fields.required("gcp_project_id", |f, name| f.checked(name, names::project))
}

fn read_prefix(fields: &Fields<'_>) -> Option<String> {
    if fields.optional_text("gcs_dest_prefix").is_none() {
        return Some(String::new());
    }
    fields.checked("gcs_dest_prefix", |text| {
        names::known_placeholders(text, &file_names())?;
        names::folder(text)
    })
}

fn file_names() -> Vec<&'static str> {
    DATE_NAMES.into_iter().chain(["FD_TIME"]).collect()
}

fn output_filename(text: &str) -> Result<String, String> {
    let text = text.trim();
    names::known_placeholders(text, &file_names())?;
    if text.contains(['/', '\\']) || text.contains(char::is_control) || matches!(text, "." | "..") {
        return Err("expected the name of a file; folders go into \"gcs_dest_prefix\"".to_owned());
    }
    Ok(text.to_owned())
}

/// The pairs that BigQuery exports.
fn check_compression(fields: &Fields<'_>, format: DestinationFormat, compression: Compression) {
    let possible = match compression {
        Compression::None => true,
        Compression::Gzip => format != DestinationFormat::Avro,
        Compression::Snappy => matches!(format, DestinationFormat::Avro | DestinationFormat::Parquet),
    };
    if !possible {
        fields.reader.error(fields.place("compression"), format!("{compression} is not possible with {format}"));
    }
}

impl CopyTable {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let project = if fields.value("dest_gcp_project_id").is_some() {
            fields.checked("dest_gcp_project_id", names::project)
        } else {
            read_project(fields)
        };
        let rules = TableNameRules { decorator: true, dates: true, captured: false };
        let dataset = fields.required("dest_gbq_dataset", |f, name| f.checked(name, names::dataset));
        let table = fields.required("dest_gbq_table", |f, name| f.checked(name, |text| names::table(text, rules)));
        let date_suffix = fields.optional_text("dest_gbq_table_suffix").is_some()
            && fields.choice::<TableSuffix>("dest_gbq_table_suffix").is_some();
        Some(Self { project: project?, dataset: dataset?, table: table?, date_suffix })
    }
}
