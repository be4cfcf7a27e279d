//! What people look through: the datasets of an account, the tables of a dataset, one table.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{StreamExt, stream};
use tailer_model::{AccountId, Environment};
use tailer_warehouse::{TableDescription, TableName, WarehouseError};

use super::{Deadline, LastUpdate, Preview, TableDetails, TaskUse, index::Index, index::Sight, pattern, preview};
use crate::{Engine, EngineError};

/// Datasets whose tables are counted at once.
const AT_ONCE: usize = 8;

/// So many of the tables that a pattern stands for are shown.
const MATCHING: usize = 20;

/// Whose catalogue, and how long a warehouse may take.
#[derive(Debug, Clone)]
pub struct CatalogScope {
    pub account: AccountId,
    /// Only what operations of this environment read and write.
    pub environment: Option<Environment>,
    pub patience: Duration,
}

/// A dataset that the account's operations read or write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogDataset {
    pub project: String,
    pub dataset: String,
    /// Whether the account sees all of its tables, not only those that its operations name.
    pub is_own: bool,
    /// Data operations that write, and that read.
    pub writers: usize,
    pub readers: usize,
    pub tables: Tables,
}

/// How many tables of a dataset the account sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tables {
    Counted(usize),
    /// There is no such dataset (yet).
    NoDataset,
    /// The warehouse could not be asked.
    NotRead,
}

/// Which tables of a dataset.
#[derive(Debug, Clone)]
pub struct TablesQuery {
    pub project: String,
    pub dataset: String,
    /// Only those whose name contains this, whatever its case.
    pub search: String,
    pub skip: usize,
    pub limit: usize,
}

/// A table in a list.
#[derive(Debug, Clone)]
pub struct CatalogTable {
    pub name: String,
    /// As in [`TableDetails::is_pattern`].
    pub is_pattern: bool,
    pub described: Option<TableDescription>,
    pub last: Option<LastUpdate>,
    pub writers: Vec<TaskUse>,
    pub readers: usize,
}

/// A page of a dataset's tables.
#[derive(Debug, Clone)]
pub struct CatalogTables {
    pub tables: Vec<CatalogTable>,
    /// On all pages.
    pub total: usize,
    /// As in [`CatalogDataset::is_own`].
    pub is_own: bool,
    /// What could not be read, and why.
    pub trouble: Option<String>,
}

fn unknown(what: &str) -> EngineError {
    EngineError::not_found("unknown_table", format!("no data operation of the account reads or writes {what}"))
}

fn failed(error: WarehouseError) -> EngineError {
    EngineError::Internal(error.to_string())
}

/// Names of what the account sees: what the warehouse has, and what operations name and is not there yet.
fn names(sight: &Sight, there: &[String]) -> Vec<String> {
    let mut all: BTreeSet<&String> = BTreeSet::new();
    let (exact, patterns): (Vec<&String>, Vec<&String>) = sight.names.iter().partition(|name| pattern::is_exact(name));
    all.extend(exact);
    for name in there {
        if sight.is_own || patterns.iter().any(|pattern| pattern::matches(pattern, name)) {
            all.insert(name);
        }
    }
    // A pattern itself only where nothing stands for it.
    all.extend(patterns.iter().filter(|pattern| !there.iter().any(|name| pattern::matches(pattern, name))));
    all.into_iter().cloned().collect()
}

impl Engine {
    async fn existing(&self, project: &str) -> Result<Vec<String>, EngineError> {
        self.0.parts.warehouses.open(project)?.datasets(project).await.map_err(failed)
    }

    async fn listed(&self, project: &str, dataset: &str) -> Result<Vec<String>, EngineError> {
        let warehouse = self.0.parts.warehouses.open(project)?;
        let listed = warehouse.list(project, dataset).await.map_err(failed)?;
        Ok(listed.into_iter().map(|table| table.name).collect())
    }

    /// The datasets that the account sees, and what went wrong with whole projects.
    ///
    /// # Errors
    /// What the store says.
    pub async fn catalog(&self, scope: &CatalogScope) -> Result<(Vec<CatalogDataset>, Vec<String>), EngineError> {
        let index = self.index(&scope.account).await?;
        let deadline = Deadline::after(scope.patience);
        let sights = index.datasets(scope.environment);
        // A project that does not answer is asked once, not once for each of its datasets.
        let projects: BTreeSet<&String> = sights.iter().map(|sight| &sight.project).collect();
        let asked = projects
            .into_iter()
            .map(|project| async move { (project.clone(), deadline.wait(project, self.existing(project)).await) });
        let asked: Vec<_> = asked.collect();
        let existing: BTreeMap<String, Result<Vec<String>, String>> =
            stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
        let counted = sights.into_iter().map(|sight| {
            let existing = existing.get(&sight.project);
            async move {
                let tables = match existing {
                    Some(Ok(datasets)) if datasets.contains(&sight.dataset) => {
                        let listed = self.listed(&sight.project, &sight.dataset);
                        deadline.wait(&sight.project, listed).await.map(|there| Some(names(&sight, &there).len()))
                    }
                    Some(Err(trouble)) => Err(trouble.clone()),
                    _ => Ok(None),
                };
                let (tables, trouble) = match tables {
                    Ok(count) => (count.map_or(Tables::NoDataset, Tables::Counted), None),
                    Err(trouble) => (Tables::NotRead, Some(trouble)),
                };
                let Sight { project, dataset, is_own, writers, readers, .. } = sight;
                (CatalogDataset { project, dataset, is_own, writers, readers, tables }, trouble)
            }
        });
        let counted: Vec<_> = counted.collect();
        let found: Vec<_> = stream::iter(counted).buffered(AT_ONCE).collect().await;
        let (datasets, troubles): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        // Datasets of one project fail alike.
        let troubles: BTreeSet<String> = troubles.into_iter().flatten().collect();
        Ok((datasets, troubles.into_iter().collect()))
    }

    /// A page of a dataset's tables, by name.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for a dataset that the account does not see.
    pub async fn catalog_tables(
        &self,
        scope: &CatalogScope,
        query: &TablesQuery,
    ) -> Result<CatalogTables, EngineError> {
        let index = self.index(&scope.account).await?;
        let (project, dataset) = (query.project.as_str(), query.dataset.as_str());
        let sight = index.dataset(scope.environment, project, dataset);
        let sight = sight.ok_or_else(|| unknown(&format!("a table of dataset {project}.{dataset}")))?;
        let deadline = Deadline::after(scope.patience);
        let (there, mut trouble) = match deadline.wait(project, self.listed(project, dataset)).await {
            Ok(there) => (there, None),
            Err(trouble) => (Vec::new(), Some(trouble)),
        };
        let wanted = query.search.to_lowercase();
        let mut names = names(&sight, &there);
        names.retain(|name| name.to_lowercase().contains(&wanted));
        let total = names.len();
        let names: Vec<String> = names.into_iter().skip(query.skip).take(query.limit).collect();
        let mut described = Vec::new();
        if trouble.is_none() {
            let those = names.iter().filter(|name| there.binary_search(name).is_ok());
            let those = those.filter_map(|name| TableName::new(project, dataset, name).ok()).collect();
            match deadline.wait(project, self.described(project, those)).await {
                Ok(found) => described = found,
                Err(why) => trouble = Some(why),
            }
        }
        let last = self.last_updates(&scope.account, project, dataset, names.clone()).await?;
        let tables = names.into_iter().zip(last).map(|(name, last)| {
            let (writers, readers) = index.uses(scope.environment, project, dataset, &name);
            let position = described.iter().position(|table| table.name.table == name);
            CatalogTable {
                is_pattern: !pattern::is_exact(&name),
                described: position.map(|position| described.swap_remove(position)),
                last,
                writers: writers.into_iter().map(TaskUse::of).collect(),
                readers: readers.len(),
                name,
            }
        });
        Ok(CatalogTables { tables: tables.collect(), total, is_own: sight.is_own, trouble })
    }

    async fn described(&self, project: &str, tables: Vec<TableName>) -> Result<Vec<TableDescription>, EngineError> {
        self.0.parts.warehouses.open(project)?.describe(&tables).await.map_err(failed)
    }

    /// Everything about a table, with its first `rows` rows when any are asked for.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for a table that the account does not see, or that is neither there nor named.
    pub async fn catalog_table(
        &self,
        scope: &CatalogScope,
        (project, dataset, table): (&str, &str, &str),
        rows: Option<usize>,
    ) -> Result<TableDetails, EngineError> {
        let index = self.index(&scope.account).await?;
        let missing = || unknown(&format!("{project}.{dataset}.{table}"));
        let sight = index.dataset(scope.environment, project, dataset).ok_or_else(missing)?;
        let (writers, readers) = uses(&index, scope.environment, (project, dataset, table));
        let is_named = !writers.is_empty() || !readers.is_empty();
        if !is_named && !sight.is_own {
            return Err(missing());
        }
        let is_pattern = !pattern::is_exact(table);
        let (mut described, mut preview, mut matching) = (None, Preview::NotAsked, Vec::new());
        let mut trouble = None;
        let deadline = Deadline::after(scope.patience);
        if is_pattern {
            match deadline.wait(project, self.listed(project, dataset)).await {
                Ok(there) => {
                    let mut of_it = there.into_iter().filter(|name| pattern::matches(table, name)).collect::<Vec<_>>();
                    of_it.reverse();
                    of_it.truncate(MATCHING);
                    matching = of_it;
                }
                Err(why) => trouble = Some(why),
            }
        } else {
            // A name that could not be one is not there.
            let name = TableName::new(project, dataset, table).map_err(|_| missing())?;
            if name.decorator.is_some() {
                return Err(missing());
            }
            match deadline.wait(project, self.described(project, vec![name])).await {
                Ok(found) => described = found.into_iter().next(),
                Err(why) => trouble = Some(why),
            }
            if described.is_none() && trouble.is_none() && !is_named {
                return Err(missing());
            }
        }
        if let Some(rows) = rows {
            preview = Preview::NotRead;
            if let Some(described) = &described {
                match deadline.wait(project, self.preview(described, rows)).await {
                    Ok(found) => preview = found,
                    Err(why) => trouble = Some(why),
                }
            }
        }
        let last = self.last_updates(&scope.account, project, dataset, vec![table.to_owned()]).await?;
        let last = last.into_iter().next().flatten();
        Ok(TableDetails { is_pattern, matching, described, preview, last, writers, readers, trouble })
    }

    async fn preview(&self, table: &TableDescription, rows: usize) -> Result<Preview, EngineError> {
        let warehouse = self.0.parts.warehouses.open(&table.name.project)?;
        preview::read(warehouse.as_ref(), table, rows).await.map_err(failed)
    }
}

fn uses(
    index: &Index,
    environment: Option<Environment>,
    (project, dataset, table): (&str, &str, &str),
) -> (Vec<TaskUse>, Vec<TaskUse>) {
    let (writers, readers) = index.uses(environment, project, dataset, table);
    (writers.into_iter().map(TaskUse::of).collect(), readers.into_iter().map(TaskUse::of).collect())
}
