//! Each project that the settings put on BigQuery: one dry run of `SELECT 1` there, which needs what every job needs (an answer,
//! credentials that are let in, the right to make jobs) and costs nothing; its clock; and the staging bucket.

use std::time::Duration;

use tailer_model::operation::storage_to_storage::StorageKind;
use tailer_warehouse::{
    Query, Warehouse, WarehouseError,
    bigquery::{BigQuerySettings, Retries},
    rehearsal::Overlay,
};

use super::{clock, findings::Findings, storages};
use crate::{
    data_folder::DataFolder,
    secrets::SecretOpener,
    settings::{
        Settings,
        projects::{ANY, BigQueryProject},
        storage::Place,
    },
    wiring::{Buckets, bigquery_settings, open_bigquery},
};

/// For one project.
const PATIENCE: Duration = Duration::from_secs(20);
const GOOGLE: &str = "https://bigquery.googleapis.com";

pub(super) async fn all(settings: &Settings, folder: &DataFolder, findings: &mut Findings) {
    let secrets = SecretOpener::of(folder, settings);
    for (project, wanted) in settings.projects.on_bigquery() {
        let check = format!("project {project:?}");
        if project == ANY {
            findings.warning(
                &check,
                "stands for every project without a table of its own: not tried",
                "name a project in a table of its own to have it tried",
            );
            continue;
        }
        clock::check_address(&check, wanted.endpoint.as_deref().unwrap_or(GOOGLE), findings).await;
        // A passing failure is tried again, but somebody is waiting: what it was is worth more than a success in two minutes.
        let retries = Retries::new(2, Duration::from_millis(500), Duration::from_secs(1), || 1.0);
        let opened = bigquery_settings(project, wanted, &secrets)
            .and_then(|settings| open_bigquery(project, BigQuerySettings { retries, ..settings }));
        match opened {
            Ok(warehouse) => tried(&check, project, warehouse.as_ref(), findings).await,
            Err(error) => findings.error(&check, error.to_string(), "mend `credentials` in its table of the settings"),
        }
        staging(settings, folder, project, wanted, findings).await;
    }
}

async fn tried(check: &str, project: &str, warehouse: &dyn Warehouse, findings: &mut Findings) {
    let query = Query {
        sql: "SELECT 1".into(),
        project: project.to_owned(),
        dataset: None,
        destination: None,
        use_cache: None,
    };
    match tokio::time::timeout(PATIENCE, warehouse.rehearse(query, Overlay::default())).await {
        Ok(Ok(answer)) => match answer.problems.first() {
            None => findings.ok(check, "BigQuery answers, and takes jobs"),
            Some(problem) => refused(check, problem, findings),
        },
        Ok(Err(problem)) => refused(check, &problem, findings),
        Err(_) => findings.error(check, format!("no answer within {} seconds", PATIENCE.as_secs()), UNREACHABLE),
    }
}

const UNREACHABLE: &str =
    "is BigQuery reachable from this machine (name resolution, firewall, proxy), and is `endpoint` right?";

fn refused(check: &str, problem: &WarehouseError, findings: &mut Findings) {
    let message = problem.to_string();
    let hint = match problem {
        WarehouseError::NotFound(_) => {
            "is the project's name right? `project` in its table says where jobs run, `location` in which place"
        }
        WarehouseError::Transient(_) => UNREACHABLE,
        WarehouseError::Denied(said) if said.starts_with("access denied") => {
            "give these credentials the roles \"BigQuery Job User\" in the project where jobs run and \"BigQuery Data Editor\" on \
             its datasets"
        }
        WarehouseError::Denied(_) => {
            "is the key still listed for its service account in the console? Make a new one if not, and name it by `credentials`; \
             is the clock of this machine right?"
        }
        _ => "see what it says; the table of the project in the settings says what is asked",
    };
    findings.error(check, message, hint);
}

/// Where files wait on their way, which this server writes to and BigQuery too.
async fn staging(
    settings: &Settings,
    folder: &DataFolder,
    project: &str,
    wanted: &BigQueryProject,
    findings: &mut Findings,
) {
    let Some(place) = &wanted.staging else { return };
    let bucket = place.split('/').next().unwrap_or_default();
    let check = format!("staging bucket {bucket:?} of project {project:?}");
    if !matches!(settings.storage.of(StorageKind::Gcs, bucket), Some((Place::Service(_), _))) {
        findings.error(
            &check,
            "is no bucket of Google Cloud Storage, where BigQuery would find something",
            "give it a table [storage.gcs.\"<bucket>\"] with service = \"gcs\"",
        );
        return;
    }
    storages::one(&check, &Buckets::new(folder, settings), StorageKind::Gcs, bucket, findings).await;
}
