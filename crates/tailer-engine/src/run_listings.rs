//! Runs as lists: complete ones for the API, and pages to look through (the Studio), each as cheap as any other however many
//! runs there are.

use tailer_store::{
    Tx,
    configurations::{self, ListFilter},
    notes,
    runs::{self, Position, RunFilter, RunPage},
};

use crate::{
    Engine, EngineError, RunQuery, RunView,
    configurations::resolve,
    runs::{job_of, view_of},
};

/// Most runs that one page looks at, where a filter asks for more than an index leads to.
const LOOKED_AT: u32 = 5_000;

/// One page of runs.
#[derive(Debug, Clone, Default)]
pub struct RunPageView {
    /// Newest start first.
    pub runs: Vec<RunView>,
    /// Where the page of newer runs ends: give it as `before`.
    pub newer: Option<Position>,
    /// Where the page of older runs begins: give it as `after`.
    pub older: Option<Position>,
    /// How far it was looked, where there may be more beyond: a filter may be too rare to be found at once.
    pub reached: Option<Position>,
}

impl Engine {
    /// Runs, newest start first: all that match, up to the limit. Ignores `search`.
    ///
    /// # Errors
    /// As [`Engine::run_status`] when the query names a configuration.
    pub async fn runs(&self, query: RunQuery) -> Result<Vec<RunView>, EngineError> {
        let now = self.0.now();
        self.0
            .parts
            .store
            .read(move |tx| {
                let filter = filter_of(tx, &query)?;
                runs::list(tx, &filter)?.into_iter().map(|run| view_of(tx, run, now)).collect()
            })
            .await
    }

    /// A page of runs.
    ///
    /// # Errors
    /// As [`Engine::runs`].
    pub async fn run_page(&self, query: RunQuery) -> Result<RunPageView, EngineError> {
        let now = self.0.now();
        self.0
            .parts
            .store
            .read(move |tx| {
                let mut filter = filter_of(tx, &query)?;
                if !query.search.is_empty() {
                    filter.configurations = Some(searched(tx, &query)?);
                }
                if filter.configurations.as_ref().is_some_and(Vec::is_empty) {
                    return Ok(RunPageView::default());
                }
                let mut page = runs::page(tx, &filter, LOOKED_AT)?;
                let full = u32::try_from(page.runs.len()).is_ok_and(|runs| runs == filter.limit);
                if filter.before.is_some() && !page.more && page.reached.is_none() && !full {
                    // Back at the beginning: a whole page rather than what is left of one.
                    (filter.before, filter.after) = (None, None);
                    page = runs::page(tx, &filter, LOOKED_AT)?;
                }
                let (newer, older) = ends(&filter, &page);
                let runs = page.runs.into_iter().map(|run| view_of(tx, run, now)).collect::<Result<Vec<_>, _>>()?;
                let runs = with_notes(tx, runs)?;
                Ok(RunPageView { runs, newer, older, reached: page.reached })
            })
            .await
    }
}

/// Says of each run how many notes there are about it.
fn with_notes(tx: &mut Tx<'_>, mut runs: Vec<RunView>) -> Result<Vec<RunView>, EngineError> {
    let ids: Vec<_> = runs.iter().map(|run| run.run_id.clone()).collect();
    let notes = notes::of_runs(tx, &ids)?;
    for run in &mut runs {
        run.notes = notes.get(&run.run_id).copied().unwrap_or_default();
    }
    Ok(runs)
}

fn filter_of(tx: &mut Tx<'_>, query: &RunQuery) -> Result<RunFilter, EngineError> {
    let day = query.execution_date.map(|day| runs::bounds(day.0));
    let mut filter = RunFilter {
        account: query.account.clone(),
        environment: query.environment,
        configuration_type: query.configuration_type,
        configuration: None,
        configurations: None,
        job_id: None,
        status: query.status,
        sub_status: query.sub_status,
        trigger: query.trigger,
        from: query.from.into_iter().chain(day.map(|day| day.0)).max(),
        until: query.until.into_iter().chain(day.map(|day| day.1)).min(),
        after: query.after,
        before: query.before,
        limit: query.limit,
    };
    if let Some(wanted) = &query.configuration {
        let row = resolve(tx, wanted)?;
        filter.job_id = job_of(&row.identity, query.job_id.as_deref())?;
        filter.configuration = Some(row.key);
    }
    Ok(filter)
}

/// The operations whose id contains what is searched for, archived ones too; the one whose id it is, if there is one.
fn searched(tx: &mut Tx<'_>, query: &RunQuery) -> Result<Vec<tailer_store::ConfigurationKey>, EngineError> {
    let Some(account) = query.account.clone() else { return Ok(Vec::new()) };
    let filter = ListFilter {
        account,
        environment: query.environment,
        configuration_type: query.configuration_type,
        archived: None,
    };
    let all = configurations::list(tx, &filter)?;
    let whole = |id: &str| id == query.search;
    let exact = all.iter().any(|row| whole(&row.identity.configuration_id));
    let wanted = query.search.to_lowercase();
    let matches = |id: &str| if exact { whole(id) } else { id.to_lowercase().contains(&wanted) };
    Ok(all.iter().filter(|row| matches(&row.identity.configuration_id)).map(|row| row.key).collect())
}

/// Where the pages beside this one begin, if there are any.
fn ends(filter: &RunFilter, page: &RunPage) -> (Option<Position>, Option<Position>) {
    let first = page.runs.first().map(runs::RunRow::position);
    let last = page.runs.last().map(runs::RunRow::position);
    // The run at a place that a page began after is not on it: it is the first to be seen on the way back.
    let beside = |place: Position, by: i64| Position { sequence: place.sequence.saturating_add(by), ..place };
    if let Some(before) = filter.before {
        let newer = if page.more { first } else { page.reached };
        return (newer, last.or(Some(beside(before, 1))));
    }
    let newer = filter.after.map(|after| first.unwrap_or_else(|| beside(after, -1)));
    (newer, if page.more { last } else { page.reached })
}
