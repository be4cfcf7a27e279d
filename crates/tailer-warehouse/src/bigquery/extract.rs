//! Extract jobs: BigQuery writes a result to the bucket itself, split near 1 GB, in its own text forms and in no order.

use tailer_model::operation::table_to_storage::{Compression, DestinationFormat};

use super::{
    Inner, Submitted,
    jobs::Work,
    wire::{ExtractConfiguration, JobConfiguration, TableReference},
};
use crate::{Export, Outcome, WarehouseError, WarehouseJobId, embedded::export::files::numbered};

impl Inner {
    pub(super) async fn extract(
        &self,
        id: &WarehouseJobId,
        export: &Export,
        folder: &str,
        table: TableReference,
        submitted: &Submitted,
        mut outcome: Outcome,
    ) -> Result<Outcome, WarehouseError> {
        let configuration = JobConfiguration {
            extract: Some(configuration(export, folder, table)),
            labels: submitted.labels.clone(),
            ..JobConfiguration::default()
        };
        let done = self.run(&format!("{}_extract", id.0), &Work::plain(configuration), submitted).await?;
        let counts = &done.statistics.extract.destination_uri_file_counts;
        let files = counts.iter().filter_map(|count| count.parse::<u64>().ok()).sum::<u64>();
        outcome.objects = (0..files).map(|number| numbered(export, &format!("{number:012}"))).collect();
        Ok(outcome)
    }
}

fn configuration(export: &Export, folder: &str, source_table: TableReference) -> ExtractConfiguration {
    let is_csv = export.format == DestinationFormat::Csv;
    let compression = match export.compression {
        Compression::None => "NONE",
        Compression::Gzip => "GZIP",
        Compression::Snappy => "SNAPPY",
    };
    let delimiter = if export.field_delimiter == "\\t" { "\t" } else { &export.field_delimiter };
    ExtractConfiguration {
        source_table,
        destination_uris: vec![format!("{folder}/{}", numbered(export, "*"))],
        destination_format: export.format.as_str().to_owned(),
        compression: compression.to_owned(),
        field_delimiter: is_csv.then(|| delimiter.to_owned()),
        print_header: is_csv.then_some(export.print_header),
        use_avro_logical_types: (export.format == DestinationFormat::Avro).then_some(true),
    }
}
