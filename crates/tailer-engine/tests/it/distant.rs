//! Loads from buckets elsewhere ([`Remote`]): nothing of them is a file of this machine, so they go through the scratch folder.

use std::{path::PathBuf, sync::Arc};

use serde_json::json;
use tailer_engine::{EngineError, Storages};
use tailer_model::operation::storage_to_storage::StorageAddress;
use tailer_storage::{LocalStorage, Storage};

use crate::{
    remote::Remote,
    support::{House, reference},
};

#[derive(Debug)]
pub(crate) struct Buckets(pub(crate) PathBuf);

impl Storages for Buckets {
    fn open(&self, address: &StorageAddress) -> Result<Arc<dyn Storage>, EngineError> {
        let opened = LocalStorage::open(self.0.join(&address.bucket), format!("gs://{}", address.bucket));
        opened.map(|storage| Arc::new(Remote::new(storage)) as _).map_err(|e| EngineError::Internal(e.to_string()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_from_afar_leaves_nothing_in_the_scratch_folder() {
    let house = House::distant().await;
    let load = json!({
        "configuration_type": "storage-to-tables", "configuration_id": "load", "environment": "DEV", "account": "000099",
        "version": "2",
        "source": {"type": "gcs", "gcs_source_bucket": "lake", "gcs_source_prefix": "incoming", "gcs_archive_prefix": "done"},
        "destinations": [{
            "type": "bigquery", "gcp_project_id": "p", "gbq_dataset": "d", "source_format": "CSV", "field_delimiter": ",",
            "write_disposition": "WRITE_APPEND",
            "tables": [{"table_name": "{{FD_TABLE_NAME}}", "filename_template": "{{FD_TABLE_NAME}}_{{FD_DATE}}.csv",
                        "ddl_mode": "file_template"}]
        }]
    });
    house.deploy(load, &[]).await;
    let ddl = r#"{"schema": [{"name": "shop", "type": "STRING"}, {"name": "n", "type": "INT64"}]}"#;
    for (name, content) in [("sales_20240229.csv", "shop,n\na,1\n"), ("stock_20240229.csv", "shop,n\na,many\n")] {
        house.drop_file(&format!("lake/incoming/{name}.ddl.json"), ddl);
        house.drop_file(&format!("lake/incoming/{name}"), content);
    }
    let runs = house.runs_ended(reference("storage-to-tables", "load"), 2).await;
    let failed = runs.iter().find(|run| run.status == "FAILED").expect("one load fails");
    let error = failed.error.as_deref().unwrap();
    assert!(error.contains("stock_20240229.csv line 2, column `n`: 'many' is not an INT64"), "{error}");
    assert_eq!(house.value("SELECT SUM(n) FROM sales_20240229").await, json!(1));
    for there in ["lake/done/20240229/sales_20240229.csv.ddl.json", "lake/incoming/stock_20240229.csv.ddl.json"] {
        assert!(house.bucket(there).exists(), "{there}");
    }
    let left: Vec<_> = std::fs::read_dir(house.folder.path().join("scratch")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
