//! storage-to-tables: files loaded into tables (`spec/data-operations.md`, storage-to-tables).

mod describe;

use super::{
    WriteDisposition,
    storage_address::Side,
    storage_to_storage::{StorageAddress, StorageKind, read_archive, warn_of_repeats},
};
use crate::{
    configuration::FileKind,
    names::{self, TableNameRules},
    reader::Fields,
    secret::{self, Closed},
    template::FilenameTemplate,
    text::{Choice, text_enum},
};

/// What a storage-to-tables configuration does.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageToTables {
    pub source: StorageAddress,
    pub archive_prefix: Option<String>,
    /// Every table of every destination, in file order, defaults applied.
    pub tables: Vec<Table>,
}

/// A table, the files that are loaded into it and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub project: String,
    pub dataset: String,
    /// May hold `{{FD_TABLE_NAME}}` and date names.
    pub table_name: String,
    pub short_description: Option<String>,
    pub doc_md: Option<String>,
    pub template: FilenameTemplate,
    pub ddl: DdlMode,
    pub options: LoadOptions,
    /// Who asks BigQuery, in place of the server.
    pub credentials: Option<Closed>,
}

/// Where a table's schema comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DdlMode {
    File {
        ddl_file: String,
    },
    /// `<source file>.ddl.json` beside the data file.
    FileTemplate,
    /// Names from the first line, all STRING.
    Header,
    Autodetect,
}

text_enum! {
    /// Format of the loaded files; gzip is recognised whatever the format.
    #[derive(Default)]
    pub enum SourceFormat {
        #[default]
        Csv = "CSV",
        Json = "JSON",
        Parquet = "PARQUET",
        Avro = "AVRO",
    }
}

/// How files are loaded. The default is that of a configuration that says nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadOptions {
    pub source_format: SourceFormat,
    /// `CREATE_IF_NEEDED` (true) or `CREATE_NEVER`.
    pub create_if_needed: bool,
    pub write_disposition: WriteDisposition,
    pub skip_leading_rows: u64,
    /// One character.
    pub field_delimiter: String,
    /// One character, or empty for no quoting; `None` is the double quote of CSV.
    pub quote_character: Option<String>,
    pub null_marker: Option<String>,
    pub ignore_unknown_values: bool,
    pub max_bad_records: u64,
    pub allow_field_addition: bool,
    pub allow_field_relaxation: bool,
    pub allow_quoted_newlines: bool,
    pub allow_jagged_rows: bool,
    pub add_tailer_metadata: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            source_format: SourceFormat::Csv,
            create_if_needed: true,
            write_disposition: WriteDisposition::Truncate,
            skip_leading_rows: 1,
            field_delimiter: "|".to_owned(),
            quote_character: None,
            null_marker: None,
            ignore_unknown_values: false,
            max_bad_records: 0,
            allow_field_addition: false,
            allow_field_relaxation: false,
            allow_quoted_newlines: false,
            allow_jagged_rows: false,
            add_tailer_metadata: false,
        }
    }
}

text_enum! {
    enum CreateDisposition {
        IfNeeded = "CREATE_IF_NEEDED",
        Never = "CREATE_NEVER",
    }
}

text_enum! {
    enum DdlModeName {
        File = "file",
        FileTemplate = "file_template",
        Header = "header",
        Autodetect = "autodetect",
    }
}

text_enum! {
    enum SchemaUpdate {
        FieldAddition = "ALLOW_FIELD_ADDITION",
        FieldRelaxation = "ALLOW_FIELD_RELAXATION",
    }
}

text_enum! {
    enum DestinationType {
        BigQuery = "bigquery",
    }
}

/// `source_format` with the name that exports give to the same thing.
#[derive(Debug, Clone, Copy)]
struct FormatName(SourceFormat);

impl Choice for FormatName {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("CSV", Self(SourceFormat::Csv)),
        ("JSON", Self(SourceFormat::Json)),
        ("PARQUET", Self(SourceFormat::Parquet)),
        ("AVRO", Self(SourceFormat::Avro)),
        ("NEWLINE_DELIMITED_JSON", Self(SourceFormat::Json)),
    ];
}

/// What an entry of `tables` takes from its destination when it does not say itself.
const INHERITED: &[&str] = &[
    "source_format",
    "create_disposition",
    "write_disposition",
    "skip_leading_rows",
    "field_delimiter",
    "quote_character",
    "bq_load_job_quote_character",
    "null_marker",
    "bq_load_job_null_marker",
    "bq_load_job_ignore_unknown_values",
    "bq_load_job_max_bad_records",
    "bq_load_job_schema_update_options",
    "bq_load_job_allow_quoted_newlines",
    "bq_load_job_allow_jagged_rows",
    "add_tailer_metadata",
    "ddl_mode",
];

impl StorageToTables {
    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        let source = fields.required("source", Fields::object).and_then(|source| {
            let kind = source.required("type", Fields::choice::<StorageKind>)?;
            if kind != StorageKind::Gcs {
                source
                    .error("type", format!("expected \"gcs\": files of {kind} come here through a storage-to-storage"));
                return None;
            }
            let address = StorageAddress::read(&source, kind, Side::Source);
            let archive = read_archive(&source, address.as_ref());
            source.finish();
            Some((address?, archive?))
        });
        let destinations = fields.required("destinations", Fields::objects);
        let tables: Option<Vec<Option<Vec<Table>>>> =
            destinations.map(|all| all.iter().map(|destination| read_destination(destination)).collect());
        let (source, archive_prefix) = source?;
        let tables = tables?.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
        Some(Self { source, archive_prefix, tables })
    }
}

fn read_destination(destination: &Fields<'_>) -> Option<Vec<Table>> {
    destination.choice::<DestinationType>("type");
    let project = destination.required("gcp_project_id", |f, name| f.checked(name, names::project));
    let dataset = destination.required("gbq_dataset", |f, name| f.checked(name, names::dataset));
    let credentials = secret::google_key(destination);
    let entries = destination.required("tables", Fields::objects);
    destination.ignore(INHERITED);
    destination.finish();
    let place = (project?, dataset?);
    let read = |entry: Fields<'_>| {
        let entry = entry.with_defaults(destination, INHERITED);
        let table = Table::read(&entry, &place);
        entry.finish();
        table.map(|table| Table { credentials: credentials.clone(), ..table })
    };
    let tables: Vec<Option<Table>> = entries?.into_iter().map(read).collect();
    let tables = tables.into_iter().collect::<Option<Vec<_>>>()?;
    warn_of_repeats(destination, "tables", tables.iter().map(|table| table.template.as_str()));
    Some(tables)
}

impl Table {
    fn read(fields: &Fields<'_>, (project, dataset): &(String, String)) -> Option<Self> {
        let rules = TableNameRules { decorator: true, dates: true, captured: true };
        let table_name = fields.required("table_name", |f, name| f.checked(name, |text| names::table(text, rules)));
        let short_description = fields.optional_text("short_description");
        let doc_md = fields.markdown("doc_md");
        let template = fields.required("filename_template", |f, name| f.checked(name, FilenameTemplate::parse));
        let options = LoadOptions::read(fields);
        let ddl = DdlMode::read(fields, options.as_ref());
        let (table_name, template) = (table_name?, template?);
        match (table_name.contains("{{FD_TABLE_NAME}}"), template.captures_table_name()) {
            (true, false) => {
                fields
                    .error("table_name", "{{FD_TABLE_NAME}} needs one in \"filename_template\" to take its value from");
                return None;
            }
            (false, true) => {
                fields.warn("filename_template", "the captured {{FD_TABLE_NAME}} is not used in \"table_name\"")
            }
            _ => {}
        }
        Some(Self {
            project: project.clone(),
            dataset: dataset.clone(),
            table_name,
            short_description,
            doc_md,
            template,
            ddl: ddl?,
            options: options?,
            credentials: None,
        })
    }
}

impl DdlMode {
    fn read(fields: &Fields<'_>, options: Option<&LoadOptions>) -> Option<Self> {
        let mode = if fields.value("ddl_mode").is_some() { fields.choice("ddl_mode")? } else { DdlModeName::File };
        if mode != DdlModeName::File {
            fields.meaningless(&["ddl_file"], &format!("with \"ddl_mode\": \"{mode}\""));
        }
        match mode {
            DdlModeName::File => {
                let ddl_file = fields.required("ddl_file", |f, name| f.file(name, FileKind::LoadDdl))?;
                Some(Self::File { ddl_file })
            }
            DdlModeName::FileTemplate => Some(Self::FileTemplate),
            DdlModeName::Header => {
                if let Some(options) = options
                    && options.source_format != SourceFormat::Csv
                {
                    let message =
                        format!("\"header\" reads the first line of CSV files, not {}", options.source_format);
                    fields.reader.error(fields.place("ddl_mode"), message);
                    return None;
                }
                Some(Self::Header)
            }
            DdlModeName::Autodetect => Some(Self::Autodetect),
        }
    }
}

impl LoadOptions {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let default = Self::default();
        let flag = |name| fields.boolean(name).unwrap_or(false);
        let count = |name| fields.integer(name, 0, i64::MAX).and_then(|n| u64::try_from(n).ok());
        let delimiter = if fields.value("field_delimiter").is_some() {
            fields.checked_even_blank("field_delimiter", names::delimiter)
        } else {
            Some(default.field_delimiter)
        };
        let older = |name: &'static str, older: &'static str| {
            let found = fields.value(name).is_some();
            fields.ignore(&[older]);
            if found { name } else { older }
        };
        let quote = older("quote_character", "bq_load_job_quote_character");
        let quoted = fields.value(quote).map(|_| fields.checked_even_blank(quote, quote_character));
        let null_marker = fields.string(older("null_marker", "bq_load_job_null_marker"));
        let updates = schema_updates(fields);
        let source_format = fields.choice::<FormatName>("source_format").map(|name| name.0).unwrap_or_default();
        let create_if_needed = fields.choice("create_disposition") != Some(CreateDisposition::Never);
        let write_disposition = fields.choice("write_disposition").unwrap_or_default();
        let skip_leading_rows = count("skip_leading_rows").unwrap_or(default.skip_leading_rows);
        let ignore_unknown_values = flag("bq_load_job_ignore_unknown_values");
        let max_bad_records = count("bq_load_job_max_bad_records").unwrap_or(default.max_bad_records);
        let allow_quoted_newlines = flag("bq_load_job_allow_quoted_newlines");
        let allow_jagged_rows = flag("bq_load_job_allow_jagged_rows");
        let add_tailer_metadata = flag("add_tailer_metadata");
        // Everything is read: only now may what is wrong end it.
        let (updates, field_delimiter) = (updates?, delimiter?);
        Some(Self {
            source_format,
            create_if_needed,
            write_disposition,
            skip_leading_rows,
            field_delimiter,
            quote_character: match quoted {
                Some(read) => Some(read?),
                None => None,
            },
            null_marker,
            ignore_unknown_values,
            max_bad_records,
            allow_field_addition: updates.contains(&SchemaUpdate::FieldAddition),
            allow_field_relaxation: updates.contains(&SchemaUpdate::FieldRelaxation),
            allow_quoted_newlines,
            allow_jagged_rows,
            add_tailer_metadata,
        })
    }
}

fn quote_character(text: &str) -> Result<String, String> {
    if text.chars().count() <= 1 {
        Ok(text.to_owned())
    } else {
        Err(format!("expected one character, or nothing for no quoting, found \"{text}\""))
    }
}

fn schema_updates(fields: &Fields<'_>) -> Option<Vec<SchemaUpdate>> {
    const NAME: &str = "bq_load_job_schema_update_options";
    if fields.value(NAME).is_none() {
        return Some(Vec::new());
    }
    let words = fields.strings(NAME)?;
    let path = fields.place(NAME);
    let read = words.iter().enumerate().map(|(i, word)| match word.trim().to_uppercase().parse::<SchemaUpdate>() {
        Ok(update) => Some(update),
        Err(expected) => {
            fields.reader.error(format!("{path}[{i}]"), format!("{expected}, found \"{word}\""));
            None
        }
    });
    read.collect::<Vec<_>>().into_iter().collect()
}
