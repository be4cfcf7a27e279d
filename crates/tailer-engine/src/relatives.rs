//! What stands beside a run: other runs of its operation, what triggered it, what it triggered.

use tailer_model::RunId;
use tailer_store::runs::{self, RunFilter};

use crate::{
    Engine, EngineError, RunView,
    runs::{unknown_run, view_of},
};

/// Neighbours on each side.
const NEIGHBOURS: u32 = 12;
/// Runs that triggered it, or that it triggered, which are shown as such; of more only the first.
const SHOWN: u32 = 20;

/// The relatives of a run.
#[derive(Debug, Clone)]
pub struct RelativesView {
    /// Runs of the same operation that started before it, the nearest first.
    pub earlier: Vec<RunView>,
    /// Those that started after it, the nearest first.
    pub later: Vec<RunView>,
    /// The runs that triggered it and are still known.
    pub triggered_by: Vec<RunView>,
    /// The runs that it triggered, the newest first.
    pub triggered: Vec<RunView>,
}

impl Engine {
    /// What stands beside a run. The caller checks the account; what triggers a run is always of the same.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn run_relatives(&self, run: &RunId) -> Result<RelativesView, EngineError> {
        let (run, now) = (run.clone(), self.0.now());
        self.0
            .parts
            .store
            .read(move |tx| {
                let of = runs::get(tx, &run)?.ok_or_else(|| unknown_run(&run))?;
                let beside =
                    RunFilter { configuration: Some(of.configuration), limit: NEIGHBOURS, ..RunFilter::default() };
                let earlier = runs::list(tx, &RunFilter { after: Some(of.position()), ..beside.clone() })?;
                let mut later = runs::list(tx, &RunFilter { before: Some(of.position()), ..beside })?;
                later.reverse();
                let mut causes = Vec::new();
                let ids =
                    of.trigger["run_ids"].as_array().into_iter().flatten().filter_map(|id| id.as_str()?.parse().ok());
                for id in ids.take(usize::try_from(SHOWN).unwrap_or(usize::MAX)) {
                    causes.extend(runs::get(tx, &id)?);
                }
                let triggered = runs::triggered_by(tx, &run, SHOWN)?;
                let mut views = |runs: Vec<runs::RunRow>| {
                    runs.into_iter().map(|run| view_of(tx, run, now)).collect::<Result<Vec<_>, _>>()
                };
                Ok(RelativesView {
                    earlier: views(earlier)?,
                    later: views(later)?,
                    triggered_by: views(causes)?,
                    triggered: views(triggered)?,
                })
            })
            .await
    }
}
