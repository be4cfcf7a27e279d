//! What an operation consists of: its tasks, tables, exports or destinations, each with its files as people read them.

use tailer_engine::FileView;
use tailer_model::{
    ConfigurationType,
    configuration::FileKind,
    operation::{
        ddl::{self, Field, Mode, Partitioning, TableDefinition},
        describe::{Part, PartFile},
    },
};

use crate::studio::{
    highlight,
    markdown::{self, Place, SafeHtml},
};

/// A part with its files.
pub(super) struct PartView {
    pub(super) of: Part,
    pub(super) files: Vec<FileShown>,
}

/// A file of a part.
pub(super) struct FileShown {
    pub(super) name: String,
    /// `SQL`, `DDL`, `Documentation`.
    pub(super) what: &'static str,
    /// None for one that is missing or no text.
    pub(super) content: Option<Content>,
}

pub(super) enum Content {
    /// HTML, a line each.
    Code(Vec<String>),
    /// The table of a DDL file, and its text as lines of HTML.
    Table(Schema, Vec<String>),
    Markdown(SafeHtml),
}

/// A DDL file as a table.
pub(super) struct Schema {
    pub(super) description: Option<String>,
    pub(super) columns: Vec<Column>,
    /// Partitions and clustering, in words.
    pub(super) layout: Vec<String>,
}

pub(super) struct Column {
    /// Inside how many RECORDs.
    pub(super) depth: usize,
    pub(super) name: String,
    pub(super) column_type: &'static str,
    pub(super) mode: &'static str,
    pub(super) description: String,
}

/// What the parts of a kind are called.
pub(super) fn name_of(kind: ConfigurationType) -> &'static str {
    match kind {
        ConfigurationType::StorageToTables => "Tables",
        ConfigurationType::StorageToStorage => "Destinations",
        _ => "Tasks",
    }
}

pub(super) fn text_of<'a>(files: &'a [FileView], name: &str) -> Option<&'a str> {
    files.iter().find(|file| file.name == name)?.text.as_deref()
}

/// What somebody wrote about the operation or a part of it, below headings of the level before `top`. The files that it may link to
/// are not served: such links are text.
pub(super) fn documentation(text: &str, top: u8, prefix: &str) -> SafeHtml {
    markdown::render_at(text, Place { top, prefix, relative: &|_| None }).0
}

pub(super) fn view(of: Part, files: &[FileView]) -> PartView {
    let shown = |file: &PartFile| FileShown {
        name: file.name.clone(),
        what: match file.kind {
            FileKind::Sql => "SQL",
            FileKind::CreateDdl | FileKind::LoadDdl => "DDL",
            FileKind::Markdown => "Documentation",
        },
        content: text_of(files, &file.name).map(|text| content(file.kind, text, &of.id)),
    };
    PartView { files: of.files.iter().map(shown).collect(), of }
}

fn content(kind: FileKind, text: &str, part: &str) -> Content {
    let schema = match kind {
        FileKind::Sql => return Content::Code(highlight::sql(text)),
        FileKind::Markdown => return Content::Markdown(documentation(text, 4, &format!("of-{part}-"))),
        FileKind::CreateDdl => ddl::parse_create(text).0,
        FileKind::LoadDdl => {
            ddl::parse_load(text).0.map(|schema| TableDefinition { schema, ..TableDefinition::default() })
        }
    };
    let code = highlight::plain(text);
    match schema {
        Some(definition) => Content::Table(schema_of(&definition), code),
        None => Content::Code(code),
    }
}

fn schema_of(definition: &TableDefinition) -> Schema {
    let mut columns = Vec::new();
    add_columns(&definition.schema, 0, &mut columns);
    let mut layout = Vec::new();
    match &definition.partitioning {
        Some(Partitioning::Time { field, unit, expiration_ms }) => {
            let by = field.as_deref().unwrap_or("time of arrival");
            let kept = expiration_ms.map(|ms| format!(", kept for {} h", ms / 3_600_000)).unwrap_or_default();
            layout.push(format!("partitioned by {} of {by}{kept}", unit.as_str().to_lowercase()));
        }
        Some(Partitioning::Range { field, start, end, interval }) => {
            layout.push(format!("partitioned by {field} from {start} to {end} in steps of {interval}"));
        }
        None => {}
    }
    if definition.require_partition_filter {
        layout.push("queries must filter by partition".to_owned());
    }
    if !definition.clustering.is_empty() {
        layout.push(format!("clustered by {}", definition.clustering.join(", ")));
    }
    Schema { description: definition.description.clone(), columns, layout }
}

fn add_columns(fields: &[Field], depth: usize, columns: &mut Vec<Column>) {
    for field in fields {
        columns.push(Column {
            depth,
            name: field.name.clone(),
            column_type: field.field_type.as_str(),
            mode: if field.mode == Mode::Nullable { "" } else { field.mode.as_str() },
            description: field.description.clone().unwrap_or_default(),
        });
        add_columns(&field.fields, depth + 1, columns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ddl_file_becomes_a_table_and_a_broken_one_stays_text() {
        let text = r#"{"bq_table_description": "d", "bq_table_timepartitioning_field": "day", "bq_table_clustering_fields": ["n"],
            "bq_table_schema": [{"name": "day", "type": "DATE"}, {"name": "n", "type": "INTEGER", "mode": "REQUIRED"},
            {"name": "r", "type": "RECORD", "mode": "REPEATED", "fields": [{"name": "x", "type": "STRING"}]}]}"#;
        let Content::Table(schema, code) = content(FileKind::CreateDdl, text, "a") else { panic!("a table") };
        let columns: Vec<_> =
            schema.columns.iter().map(|c| (c.depth, c.name.as_str(), c.column_type, c.mode)).collect();
        let expected = [
            (0, "day", "DATE", ""),
            (0, "n", "INT64", "REQUIRED"),
            (0, "r", "RECORD", "REPEATED"),
            (1, "x", "STRING", ""),
        ];
        assert_eq!(columns, expected);
        assert_eq!(schema.layout, ["partitioned by day of day", "clustered by n"]);
        assert_eq!(code.len(), 3);
        assert!(matches!(content(FileKind::LoadDdl, "{<", "a"), Content::Code(code) if code == ["{&lt;"]));
    }
}
