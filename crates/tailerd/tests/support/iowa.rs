//! The Iowa liquor files: where they are, and configurations for them.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{ACCOUNT, table_to_table, write_json};

/// The folder of the files, or `None` where it is not beside the checkout.
pub fn files() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/iowa");
    let missing = !folder.is_dir();
    if missing {
        eprintln!("skipped: the Iowa files are not beside the checkout");
    }
    (!missing).then_some(folder)
}

/// Loads them into the dataset `d` of a project, and sums up sales by county and day.
pub fn configurations(files: &Path, project: &str) {
    let table = |name: &str, template: &str, disposition: &str| {
        json!({ "table_name": name, "short_description": name, "filename_template": template, "ddl_mode": "header",
                "write_disposition": disposition, "field_delimiter": "," })
    };
    let load = json!({
        "configuration_type": "storage-to-tables", "configuration_id": "iowa", "environment": "DEV", "account": ACCOUNT,
        "short_description": "Iowa liquor files",
        "source": { "type": "gcs", "gcs_source_bucket": "iowa", "gcs_source_prefix": "incoming",
                    "gcs_archive_prefix": "archive" },
        "destinations": [{ "type": "bigquery", "gcp_project_id": project, "gbq_dataset": "d", "tables": [
            table("products", "products-{{FD_DATE}}-{{FD_TIME}}.csv", "WRITE_TRUNCATE"),
            table("stores", "stores-{{FD_DATE}}-{{FD_TIME}}.csv", "WRITE_TRUNCATE"),
            table("sales", "sales_{{FD_DATE}}-{{FD_BLOB_8}}.csv", "WRITE_APPEND"),
        ] }],
    });
    write_json(&files.join("iowa.json"), &load);
    let sql = format!(
        "SELECT stores.county, CAST(sales.date AS DATE) AS day, COUNT(*) AS invoices,\n  \
               SUM(CAST(bottles_sold AS INT64)) AS bottles,\n  \
               SUM(CAST(ROUND(CAST(sale_dollars AS NUMERIC) * 100) AS INT64)) AS cents\n\
               FROM `{project}.d.sales` AS sales JOIN `{project}.d.stores` AS stores USING (store_number)\n\
               GROUP BY county, day"
    );
    table_to_table(
        files,
        "iowa_by_county",
        &[("by_county", &sql, json!({ "table_name": "by_county" }))],
        json!({ "default_gcp_project_id": project }),
    );
}
