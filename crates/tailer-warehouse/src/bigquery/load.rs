//! Load jobs: files of buckets by their address, a file of this machine uploaded with the job. One job where one is enough, so
//! that a load is all or nothing; the rest goes [through a table of its own](super::through).
//!
//! Options mean what they mean to the embedded warehouse (`docs/storage-to-tables.md`); where BigQuery has another default it is
//! told. Text is UTF-8.

use std::path::Path;

use serde_json::{Value, json};
use tailer_model::operation::{
    WriteDisposition,
    ddl::Field,
    storage_to_tables::{LoadOptions, SourceFormat},
};

use super::{
    Inner, Submitted,
    jobs::Work,
    outcome, tables,
    wire::{JobConfiguration, LoadConfiguration, ParquetOptions, Schema, Table, TableProperties},
};
use crate::{
    Load, LoadSchema, Outcome, TableInfo, TableName, WarehouseError, WarehouseJobId,
    embedded::load::{csv::Dialect, input, schema},
};

impl Inner {
    pub(super) async fn load(
        &self,
        id: &WarehouseJobId,
        load: &Load,
        submitted: &Submitted,
    ) -> Result<Outcome, WarehouseError> {
        let load = &with_header(load).await?;
        self.ensure_dataset(&load.table).await?;
        let existing = self.table(&load.table).await?;
        if existing.is_none() && !load.options.create_if_needed {
            return Err(WarehouseError::NotFound(format!("table {} (and the load may not create it)", load.table)));
        }
        let is_one_job = load.files.is_empty() || (load.files.len() == 1 && load.objects.is_empty());
        let loaded = if is_one_job && load.added_columns.is_empty() {
            self.load_directly(id, load, existing.as_ref(), submitted).await
        } else {
            self.load_through(id, load, existing.as_ref(), submitted).await
        };
        let outcome = loaded.map_err(|error| named(error, load))?;
        self.describe(load, existing.as_ref()).await?;
        Ok(outcome)
    }

    async fn load_directly(
        &self,
        id: &WarehouseJobId,
        load: &Load,
        existing: Option<&TableInfo>,
        submitted: &Submitted,
    ) -> Result<Outcome, WarehouseError> {
        let configuration = into_place(load, existing)?;
        let work = self.load_work(configuration, load.files.first().map(std::path::PathBuf::as_path), submitted);
        let done = self.run(&id.0, &work, submitted).await?;
        Ok(outcome::of(&self.settings, &done, None))
    }

    pub(super) fn load_work(
        &self,
        configuration: LoadConfiguration,
        file: Option<&Path>,
        submitted: &Submitted,
    ) -> Work {
        let labels = submitted.labels.clone();
        let configuration = JobConfiguration { load: Some(configuration), labels, ..JobConfiguration::default() };
        Work { upload: file.map(Path::to_owned), ..Work::plain(configuration) }
    }

    /// A replaced table takes the description that the load names; BigQuery does so only for a table that the job makes.
    async fn describe(&self, load: &Load, existing: Option<&TableInfo>) -> Result<(), WarehouseError> {
        let (Some(existing), Some(description)) = (existing, &load.description) else { return Ok(()) };
        let same = existing.definition.description.as_ref() == Some(description);
        if same || !replaces(load) {
            return Ok(());
        }
        let url = self.table_url(&load.table.without_decorator())?;
        self.client.patch::<Value>(url, &json!({ "description": description })).await?;
        Ok(())
    }
}

/// The same load with the columns that the first line names.
async fn with_header(load: &Load) -> Result<Load, WarehouseError> {
    if !matches!(load.schema, LoadSchema::Header) {
        return Ok(load.clone());
    }
    let wanted = load.clone();
    let read = tokio::task::spawn_blocking(move || {
        let options = &wanted.options;
        let quote = options.quote_character.as_deref();
        let dialect = Dialect::new(&options.field_delimiter, quote, options.allow_quoted_newlines)?;
        let fields = match (wanted.files.first(), wanted.objects.first()) {
            (None, Some(object)) => schema::of_head(&object.head, last_name(&object.location), dialect)?,
            (file, _) => {
                schema::of_csv(&LoadSchema::Header, file.map(std::path::PathBuf::as_path), dialect, options)?.fields
            }
        };
        let skip_leading_rows = options.skip_leading_rows.max(1);
        let options = LoadOptions { skip_leading_rows, ..wanted.options };
        Ok(Load { schema: LoadSchema::Given(fields), options, ..wanted })
    });
    read.await.map_err(|error| WarehouseError::Internal(format!("reading a file failed: {error}")))?
}

fn last_name(location: &str) -> &str {
    location.rsplit('/').next().unwrap_or(location)
}

/// Whether the table becomes what the load says.
pub(super) fn replaces(load: &Load) -> bool {
    load.options.write_disposition == WriteDisposition::Truncate && load.table.decorator.is_none()
}

/// Schema options that BigQuery takes only where rows are added or a partition is replaced.
pub(super) fn schema_updates(load: &Load) -> Vec<String> {
    let options = &load.options;
    let extends = options.write_disposition == WriteDisposition::Append
        || (options.write_disposition == WriteDisposition::Truncate && load.table.decorator.is_some());
    let wanted = [
        (options.allow_field_addition, "ALLOW_FIELD_ADDITION"),
        (options.allow_field_relaxation, "ALLOW_FIELD_RELAXATION"),
    ];
    wanted.iter().filter(|(allowed, _)| extends && *allowed).map(|(_, word)| (*word).to_owned()).collect()
}

/// The load of all objects, or of the file that comes with it, into its table.
fn into_place(load: &Load, existing: Option<&TableInfo>) -> Result<LoadConfiguration, WarehouseError> {
    let mut configuration = configuration(load, &load.table)?;
    configuration.source_uris = load.objects.iter().map(|object| object.location.clone()).collect();
    configuration.write_disposition = load.options.write_disposition.as_str().to_owned();
    configuration.schema_update_options = schema_updates(load);
    match existing {
        None => {
            let described = load.description.clone().map(|text| TableProperties { description: Some(text) });
            configuration.destination_table_properties = described;
        }
        Some(existing) => {
            if let Some(schema) = &mut configuration.schema {
                keep_descriptions(schema, &existing.definition.schema);
            }
            let columns = configuration.schema.as_ref().filter(|_| replaces(load));
            let kept = kept_layout(existing, columns);
            configuration.time_partitioning = kept.time_partitioning;
            configuration.range_partitioning = kept.range_partitioning;
            configuration.clustering = kept.clustering;
        }
    }
    Ok(configuration)
}

/// Partitioning and clustering of a table, as far as its new columns allow (`None`: it keeps the old ones). BigQuery wants them
/// said again.
pub(super) fn kept_layout(existing: &TableInfo, columns: Option<&Schema>) -> Table {
    let mut kept = tables::described(&existing.name, &existing.definition);
    let Some(columns) = columns else { return kept };
    let has = |name: &str| columns.fields.iter().any(|field| field.name.eq_ignore_ascii_case(name));
    kept.time_partitioning = kept.time_partitioning.filter(|time| time.field.as_deref().is_none_or(has));
    kept.range_partitioning = kept.range_partitioning.filter(|range| has(&range.field));
    kept.clustering = kept.clustering.filter(|clustering| clustering.fields.iter().all(|name| has(name)));
    kept
}

/// Columns that the load describes not keep the description that they have.
fn keep_descriptions(schema: &mut Schema, known: &[Field]) {
    for field in schema.fields.iter_mut().filter(|field| field.description.is_none()) {
        let same = known.iter().find(|known| known.name.eq_ignore_ascii_case(&field.name));
        field.description = same.and_then(|known| known.description.clone());
    }
}

/// Adds rows to a table; how the files are read.
pub(super) fn configuration(load: &Load, table: &TableName) -> Result<LoadConfiguration, WarehouseError> {
    load.table.check()?;
    let options = &load.options;
    let mut configuration = LoadConfiguration {
        destination_table: table.into(),
        create_disposition: if options.create_if_needed { "CREATE_IF_NEEDED" } else { "CREATE_NEVER" }.to_owned(),
        write_disposition: "WRITE_APPEND".to_owned(),
        ignore_unknown_values: options.ignore_unknown_values.then_some(true),
        ..LoadConfiguration::default()
    };
    match &load.schema {
        LoadSchema::Given(fields) => {
            configuration.schema = Some(Schema { fields: fields.iter().map(tables::column).collect() });
        }
        LoadSchema::Autodetect => configuration.autodetect = Some(true),
        LoadSchema::Header => {
            return Err(WarehouseError::Invalid {
                message: "only CSV files have a header line: give a schema, or `autodetect`".to_owned(),
                line: None,
                column: None,
            });
        }
    }
    let format = match options.source_format {
        SourceFormat::Csv => {
            read_as_csv(&mut configuration, options);
            "CSV"
        }
        SourceFormat::Json => {
            configuration.encoding = Some("UTF-8".to_owned());
            configuration.max_bad_records = count(options.max_bad_records);
            "NEWLINE_DELIMITED_JSON"
        }
        SourceFormat::Parquet => {
            configuration.parquet_options = Some(ParquetOptions { enum_as_string: true, enable_list_inference: true });
            configuration.decimal_target_types = decimals();
            "PARQUET"
        }
        SourceFormat::Avro => {
            configuration.use_avro_logical_types = Some(true);
            configuration.decimal_target_types = decimals();
            "AVRO"
        }
    };
    configuration.source_format = format.to_owned();
    Ok(configuration)
}

fn read_as_csv(configuration: &mut LoadConfiguration, options: &LoadOptions) {
    let delimiter = if options.field_delimiter == "\\t" { "\t" } else { &options.field_delimiter };
    configuration.encoding = Some("UTF-8".to_owned());
    configuration.field_delimiter = Some(delimiter.to_owned());
    configuration.quote.clone_from(&options.quote_character);
    configuration.null_marker.clone_from(&options.null_marker);
    configuration.skip_leading_rows = count(options.skip_leading_rows);
    configuration.max_bad_records = count(options.max_bad_records);
    configuration.allow_quoted_newlines = options.allow_quoted_newlines.then_some(true);
    configuration.allow_jagged_rows = options.allow_jagged_rows.then_some(true);
}

/// BigQuery counts to 2³¹: more than that is as much as there is. Zero is its default for bad lines, and for lines to skip it
/// has to be said, or BigQuery looks for a header.
fn count(number: u64) -> Option<u32> {
    Some(u32::try_from(number).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs()))
}

/// The narrower one that holds a file's decimals.
fn decimals() -> Vec<String> {
    ["NUMERIC", "BIGNUMERIC"].map(str::to_owned).to_vec()
}

/// Says which file is meant, where BigQuery cannot know.
fn named(error: WarehouseError, load: &Load) -> WarehouseError {
    match (error, load.files.as_slice()) {
        (WarehouseError::Invalid { message, line, column }, [file]) => {
            WarehouseError::Invalid { message: format!("{}: {message}", input::file_name(file)), line, column }
        }
        (error, _) => error,
    }
}

/// Why BigQuery cannot do what these options say, where the embedded warehouse can.
#[must_use]
pub fn refused(options: &LoadOptions) -> Option<String> {
    let one_byte = |text: &str| text.chars().all(|c| u32::from(c) < 256);
    if !one_byte(&options.field_delimiter) {
        return Some(format!(
            "BigQuery takes no {:?} as field delimiter: a character of ISO-8859-1",
            options.field_delimiter
        ));
    }
    match &options.quote_character {
        Some(quote) if !one_byte(quote) => {
            Some(format!("BigQuery takes no {quote:?} as quote character: a character of ISO-8859-1"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bigquery_cannot_read_is_refused() {
        let with = |delimiter: &str, quote: Option<&str>| {
            let options = LoadOptions {
                field_delimiter: delimiter.to_owned(),
                quote_character: quote.map(str::to_owned),
                ..LoadOptions::default()
            };
            refused(&options).is_some()
        };
        assert!(!with("|", None) && !with("\\t", Some("")) && !with("§", Some("'")));
        assert!(with("→", None) && with(",", Some("“")));
    }
}
