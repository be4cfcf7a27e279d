//! table-to-table: SQL, DDL, copies and deletions as a graph of tasks (`spec/data-operations.md`, table-to-table).

mod describe;

use jiff::civil::Date;

use super::{
    Endurance, WriteDisposition, current_date_template,
    scheduling::{Node, read_graph, read_schedule, read_task_concurrency},
};
use crate::{
    Criticality, Schedule, TaskGraph, TaskId,
    configuration::FileKind,
    names::{self, TableNameRules},
    reader::Fields,
    secret::{self, Closed},
    text::text_enum,
};

/// What a table-to-table configuration does.
#[derive(Debug, Clone, PartialEq)]
pub struct TableToTable {
    pub schedule: Schedule,
    pub task_concurrency: u32,
    pub location: String,
    /// Who asks BigQuery, in place of the server.
    pub credentials: Option<Closed>,
    pub tasks: Vec<Task>,
    /// Same order as `tasks`.
    pub graph: TaskGraph,
}

/// One task with every default applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub id: TaskId,
    pub short_description: Option<String>,
    pub doc_md: Option<String>,
    /// Resolved: the task's own or the configuration's default.
    pub project: String,
    /// Resolved like `project`; empty for a script or an expectation in a file that names no dataset.
    pub dataset: String,
    pub criticality: Criticality,
    pub endurance: Endurance,
    /// As written in the file (`sql` when absent).
    pub task_type: String,
    pub action: Action,
}

/// What a task does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// `sql` and `run_gbq_script`.
    Sql {
        sql_file: String,
        table_name: Option<String>,
        write_disposition: WriteDisposition,
        temporary_table: bool,
        /// `sql_query_template: "TEMPLATE_CURRENT_DATE"`.
        current_date_template: bool,
        /// `None`: as the server's settings say.
        use_query_cache: Option<bool>,
    },
    CreateTable {
        table: String,
        ddl_file: String,
        force_delete: bool,
        force_delete_partition: bool,
    },
    CopyTable {
        source_project: String,
        source_dataset: String,
        source_table: String,
        table: String,
        /// strftime format of the suffix, when asked for.
        date_suffix_format: Option<String>,
        write_disposition: WriteDisposition,
    },
    DeleteTable {
        table: String,
    },
    Expectation {
        sql_file: String,
    },
}

text_enum! {
    #[derive(Default)]
    enum TaskType {
        #[default]
        Sql = "sql",
        CreateTable = "create_gbq_table",
        CopyTable = "copy_gbq_table",
        DeleteTable = "delete_gbq_table",
        Expectation = "expectation",
        Script = "run_gbq_script",
    }
}

/// Every parameter that some type of task has; those that a task's own type lacks are ignored with a warning.
const OF_SOME_TYPE: &[&str] = &[
    "sql_file",
    "table_name",
    "write_disposition",
    "temporary_table",
    "sql_query_template",
    "use_query_cache",
    "bq_table",
    "ddl_file",
    "force_delete",
    "force_delete_partition",
    "source_gcp_project_id",
    "source_bq_dataset",
    "source_bq_table",
    "destination_bq_table",
    "destination_bq_table_date_suffix",
    "destination_bq_table_date_suffix_format",
];

const ANY_TABLE: TableNameRules = TableNameRules { decorator: true, dates: true, captured: false };
const WHOLE_TABLE: TableNameRules = TableNameRules { decorator: false, dates: true, captured: false };
const PLAIN_TABLE: TableNameRules = TableNameRules { decorator: true, dates: false, captured: false };

/// What tasks take when they do not say themselves.
struct Defaults {
    project: Option<String>,
    dataset: Option<String>,
    write_disposition: WriteDisposition,
}

impl TableToTable {
    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        // Older names, and a switch of the vendor's scheduler.
        fields.ignore(&["direct_execution", "gcp_project_id"]);
        let schedule = read_schedule(fields);
        let task_concurrency = read_task_concurrency(fields);
        let location = fields.text("default_bq_data_location").unwrap_or_else(|| "EU".to_owned());
        let credentials = secret::google_key(fields);
        let defaults = Defaults {
            project: fields
                .checked("default_gcp_project_id", names::project)
                .or_else(|| fields.checked("default_gbq_project", names::project)),
            dataset: fields
                .checked("default_bq_dataset", names::dataset)
                .or_else(|| fields.checked("default_gbq_dataset", names::dataset)),
            write_disposition: fields.choice("default_write_disposition").unwrap_or_default(),
        };
        let entries = fields.required("workflow", Fields::objects)?;
        let tasks: Vec<Option<Task>> = entries.iter().map(|entry| Task::read(entry, fields, &defaults)).collect();
        let nodes = entries.iter().zip(&tasks).filter_map(|(entry, task)| {
            let task = task.as_ref()?;
            Some(Node { id: task.id.clone(), criticality: task.criticality, path: entry.path().to_owned() })
        });
        let nodes: Vec<Node> = nodes.collect();
        // With a task unread, names of the graph would be called unknown that are not.
        let tasks = tasks.into_iter().collect::<Option<Vec<Task>>>().filter(|_| fields.holds_only_objects("workflow"));
        if tasks.is_none() {
            fields.ignore(&["task_dependencies"]);
        }
        let tasks = tasks?;
        let graph = read_graph(fields, &nodes)?;
        Some(Self { schedule, task_concurrency, location, credentials, tasks, graph })
    }
}

impl Task {
    fn read(task: &Fields<'_>, top: &Fields<'_>, defaults: &Defaults) -> Option<Self> {
        let id = task.required("id", Fields::parsed);
        let kind = if task.has("task_type") { task.choice("task_type") } else { Some(TaskType::default()) };
        let task_type = task.optional_text("task_type").unwrap_or_else(|| TaskType::default().to_string());
        let short_description = task.optional_text("short_description");
        let doc_md = task.markdown("doc_md");
        let criticality = task.choice("criticality");
        let endurance = Endurance::read(task);
        let own = (task.checked("gcp_project_id", names::project), task.checked("bq_dataset", names::dataset));
        // An unknown type leaves nothing to check the other parameters against.
        let Some(kind) = kind else {
            task.ignore(OF_SOME_TYPE);
            task.finish();
            return None;
        };
        let action = Action::read(kind, task, defaults);
        task.meaningless(OF_SOME_TYPE, &format!("for a {kind} task"));
        task.finish();
        let needs_dataset = match (kind, &action) {
            (TaskType::Expectation, _) => false,
            (TaskType::Sql | TaskType::Script, Some(Action::Sql { table_name, .. })) => table_name.is_some(),
            _ => true,
        };
        let project = own.0.or_else(|| defaults.project.clone());
        if project.is_none() && !task.has("gcp_project_id") && !top.has("default_gcp_project_id") {
            missing(task, top, "gcp_project_id", "default_gcp_project_id");
        }
        let mut dataset = own.1.or_else(|| defaults.dataset.clone());
        if dataset.is_none() && !needs_dataset {
            dataset = Some(String::new());
        }
        if dataset.is_none() && !task.has("bq_dataset") && !top.has("default_bq_dataset") {
            missing(task, top, "bq_dataset", "default_bq_dataset");
        }
        Some(Self {
            id: id?,
            short_description,
            doc_md,
            project: project?,
            dataset: dataset?,
            criticality: criticality.unwrap_or_default(),
            endurance,
            task_type,
            action: action?,
        })
    }
}

fn missing(task: &Fields<'_>, top: &Fields<'_>, own: &'static str, default: &'static str) {
    task.error(own, format!("give \"{own}\" here, or \"{default}\" for all tasks at {}", top.path_of(default)));
}

impl Action {
    fn read(kind: TaskType, task: &Fields<'_>, defaults: &Defaults) -> Option<Self> {
        match kind {
            TaskType::Sql | TaskType::Script => Self::read_sql(task, defaults),
            TaskType::CreateTable => {
                let table =
                    task.required("bq_table", |f, name| f.checked(name, |text| names::table(text, WHOLE_TABLE)));
                let ddl_file = task.required("ddl_file", |f, name| f.file(name, FileKind::CreateDdl));
                let force_delete = task.boolean("force_delete").unwrap_or(false);
                let force_delete_partition = task.boolean("force_delete_partition").unwrap_or(true);
                // The vendor's own example gives a create task a disposition.
                task.ignore(&["write_disposition"]);
                Some(Self::CreateTable { table: table?, ddl_file: ddl_file?, force_delete, force_delete_partition })
            }
            TaskType::CopyTable => Self::read_copy(task, defaults),
            TaskType::DeleteTable => {
                task.ignore(&["sql_query_template"]);
                let table = task.required("bq_table", |f, name| f.checked(name, |text| names::table(text, ANY_TABLE)));
                Some(Self::DeleteTable { table: table? })
            }
            TaskType::Expectation => {
                task.ignore(&["sql_query_template"]);
                let sql_file = task.required("sql_file", |f, name| f.file(name, FileKind::Sql));
                Some(Self::Expectation { sql_file: sql_file? })
            }
        }
    }

    fn read_sql(task: &Fields<'_>, defaults: &Defaults) -> Option<Self> {
        let sql_file = task.required("sql_file", |f, name| f.file(name, FileKind::Sql));
        let table_given = task.optional_text("table_name").is_some();
        let table_name = table_given.then(|| task.checked("table_name", |text| names::table(text, ANY_TABLE)));
        let write_disposition = task.choice("write_disposition").unwrap_or(defaults.write_disposition);
        let temporary_table = task.boolean("temporary_table").unwrap_or(false);
        let current_date_template = current_date_template(task);
        let use_query_cache = task.boolean("use_query_cache");
        if temporary_table && !table_given {
            task.error("temporary_table", "a temporary table needs a \"table_name\"");
        }
        if temporary_table && table_name.iter().flatten().any(|name| name.contains('$')) {
            task.error("table_name", "a partition cannot be a temporary table");
        }
        let table_name = match table_name {
            None => None,
            Some(read) => Some(read?),
        };
        Some(Self::Sql {
            sql_file: sql_file?,
            table_name,
            write_disposition,
            temporary_table,
            current_date_template,
            use_query_cache,
        })
    }

    fn read_copy(task: &Fields<'_>, defaults: &Defaults) -> Option<Self> {
        let source_project = task.required("source_gcp_project_id", |f, name| f.checked(name, names::project));
        let source_dataset = task.required("source_bq_dataset", |f, name| f.checked(name, names::dataset));
        let plain = |f: &Fields<'_>, name| f.checked(name, |text| names::table(text, PLAIN_TABLE));
        let source_table = task.required("source_bq_table", plain);
        let table = task.required("destination_bq_table", plain);
        let suffix = task.boolean("destination_bq_table_date_suffix").unwrap_or(false);
        let blank = task.optional_text("destination_bq_table_date_suffix_format").is_none();
        let format = if suffix && !blank {
            task.checked("destination_bq_table_date_suffix_format", date_suffix_format)
        } else {
            Some("%Y%m%d".to_owned())
        };
        let write_disposition = task.choice("write_disposition").unwrap_or(defaults.write_disposition);
        Some(Self::CopyTable {
            source_project: source_project?,
            source_dataset: source_dataset?,
            source_table: source_table?,
            table: table?,
            date_suffix_format: if suffix { Some(format?) } else { None },
            write_disposition,
        })
    }
}

/// A strftime format whose result can be part of a table's name.
fn date_suffix_format(format: &str) -> Result<String, String> {
    if format.len() > 32 {
        return Err("a date format has at most 32 characters".to_owned());
    }
    let sample = jiff::fmt::strtime::format(format, Date::constant(2024, 2, 23))
        .map_err(|e| format!("\"{format}\" is not a date format such as \"%Y%m%d\": {e}"))?;
    if sample.is_empty() || !sample.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!("\"{format}\" gives \"{sample}\", which cannot end a table name"));
    }
    Ok(format.to_owned())
}
