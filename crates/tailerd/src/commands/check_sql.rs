//! `tailerd check --sql`: beside the files themselves, the SQL in them, bound against the tables that the tasks before would make.
//!
//! What is there already is asked of the data folder's warehouse, when there is one; without it only what the configurations make
//! themselves is known.

use std::sync::Arc;

use tailer_engine::{Rehearsal, Warehouses, rehearse};
use tailer_model::{ConfigurationType, ExecutionDate};
use tailer_warehouse::rehearsal::Overlay;
use tempfile::TempDir;

use crate::{
    cli::CheckArgs,
    configurations::Candidate,
    data_folder::{DataFolder, Lock},
    failure::{Context as _, Failure},
    settings,
    wiring::{EmbeddedProjects, open_warehouse},
};

/// A warehouse to ask, and what keeps it there.
struct Asked {
    warehouses: EmbeddedProjects,
    _lock: Option<Lock>,
    _empty: Option<TempDir>,
}

/// Adds the problems of their SQL to the candidates that have none so far. Loads go first: the others read what they load.
pub(crate) async fn run(candidates: &mut [Candidate], args: &CheckArgs) -> Result<(), Failure> {
    let asked = open(args)?;
    let today = ExecutionDate::of(jiff::Timestamp::now());
    let mut world = Overlay::default();
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|index| candidates.get(*index).map(rank));
    for index in order {
        let Some(candidate) = candidates.get_mut(index).filter(|candidate| candidate.is_good()) else { continue };
        let Some(configuration) = &candidate.configuration else { continue };
        let rehearsal = Rehearsal {
            configuration,
            files: &candidate.files,
            execution_date: args.execution_date.unwrap_or(today),
            parameters: None,
            tasks: None,
        };
        let warehouses: &dyn Warehouses = &asked.warehouses;
        let problems = rehearse(&rehearsal, warehouses, &mut world).await.context("the SQL cannot be checked")?;
        candidate.problems.errors.extend(problems);
    }
    Ok(())
}

fn rank(candidate: &Candidate) -> u8 {
    match candidate.configuration.as_ref().map(|configuration| configuration.header.configuration_type) {
        Some(ConfigurationType::StorageToTables) => 0,
        Some(ConfigurationType::TableToTable) => 1,
        _ => 2,
    }
}

fn open(args: &CheckArgs) -> Result<Asked, Failure> {
    let settings = settings::load(&args.data)?;
    if settings.data.join("warehouse").is_dir() {
        let folder = DataFolder::open(&settings.data)?;
        let lock = folder.lock("tailerd check").map_err(|held| {
            held.hint("while a server runs there, `tailerd launch --dry-run` asks it, or give another --data")
        })?;
        let warehouse = open_warehouse(folder.warehouse(), settings.warehouse.clone())?;
        return Ok(Asked { warehouses: EmbeddedProjects::new(warehouse), _lock: Some(lock), _empty: None });
    }
    let empty = tempfile::tempdir().context("cannot make a scratch folder")?;
    let warehouse = open_warehouse(empty.path().join("warehouse"), settings.warehouse.clone())?;
    Ok(Asked { warehouses: EmbeddedProjects::new(Arc::clone(&warehouse)), _lock: None, _empty: Some(empty) })
}
