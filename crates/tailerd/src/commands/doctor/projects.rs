//! Each project that the settings put on BigQuery: one dry run of `SELECT 1` there, which needs what every job needs (an answer,
//! credentials that are let in, the right to make jobs) and costs nothing.

use std::time::Duration;

use tailer_warehouse::{Query, WarehouseError, rehearsal::Overlay};

use super::findings::Findings;
use crate::{
    data_folder::DataFolder,
    secrets::SecretOpener,
    settings::{Settings, projects::ANY},
    wiring::open_bigquery,
};

/// For one project. What fails in passing is tried again until then.
const PATIENCE: Duration = Duration::from_secs(20);

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
        let warehouse = match open_bigquery(project, wanted, &secrets) {
            Ok(warehouse) => warehouse,
            Err(error) => {
                findings.error(&check, error.to_string(), "mend `credentials` in its table of the settings");
                continue;
            }
        };
        let query = Query { sql: "SELECT 1".into(), project: project.to_owned(), dataset: None, destination: None };
        match tokio::time::timeout(PATIENCE, warehouse.rehearse(query, Overlay::default())).await {
            Ok(Ok(answer)) => match answer.problems.first() {
                None => findings.ok(&check, "BigQuery answers, and takes jobs"),
                Some(problem) => refused(&check, problem, findings),
            },
            Ok(Err(problem)) => refused(&check, &problem, findings),
            Err(_) => findings.error(
                &check,
                format!("no answer within {} seconds", PATIENCE.as_secs()),
                "is BigQuery reachable from this machine, and is `endpoint` right?",
            ),
        }
    }
}

fn refused(check: &str, problem: &WarehouseError, findings: &mut Findings) {
    let hint = match problem {
        WarehouseError::NotFound(_) => "is the project's name right? `project` in its table says where jobs run",
        WarehouseError::Transient(_) => "is BigQuery reachable from this machine, and is `endpoint` right?",
        _ => "its credentials need the roles \"BigQuery Job User\" there and \"BigQuery Data Editor\" on its datasets",
    };
    findings.error(check, problem.to_string(), hint);
}
