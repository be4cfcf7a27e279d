//! What a query's text is, and the job that it becomes.
//!
//! `WRITE_TRUNCATE` is asked for as `WRITE_TRUNCATE_DATA`: the rows are replaced in one atomic step and the table keeps its schema,
//! with types, modes and descriptions (`spec/data-operations.md`, table-to-table). BigQuery takes a destination for a single
//! query only: a script's last result is brought there by a job of its own.

use tailer_model::operation::WriteDisposition;

use super::{
    Inner, Submitted, outcome,
    wire::{DatasetReference, JobList, JobResource, QueryConfiguration, TableReference},
};
use crate::{Destination, Outcome, Query, StatementOutcome, WarehouseError, WarehouseJobId, googlesql};

/// What a text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One query, which gives rows.
    Rows,
    /// One statement that gives none.
    Effect,
    /// Several statements, or procedural ones.
    Script,
}

impl Form {
    /// What cannot be read goes as a query: BigQuery says what is wrong with it.
    pub(super) fn of(sql: &str) -> Self {
        let statements = match googlesql::split(sql) {
            Ok(statements) => statements,
            Err(WarehouseError::Unsupported { .. }) => return Self::Script,
            Err(_) => return Self::Rows,
        };
        let [only] = statements.as_slice() else { return Self::Script };
        let first: String = only.sql.chars().take_while(|c| c.is_ascii_alphabetic() || *c == '(').collect();
        let first = first.to_ascii_uppercase();
        let gives_rows = first.starts_with('(') || ["SELECT", "WITH", "FROM"].contains(&first.trim_end_matches('('));
        if gives_rows { Self::Rows } else { Self::Effect }
    }
}

/// What BigQuery is asked to do with the rows that are there.
fn disposition(destination: &Destination) -> &'static str {
    match destination.write_disposition {
        // Of a partition, whose table keeps its schema in any case: how BigQuery documents that.
        WriteDisposition::Truncate if destination.replace_schema || destination.table.decorator.is_some() => {
            "WRITE_TRUNCATE"
        }
        WriteDisposition::Truncate => "WRITE_TRUNCATE_DATA",
        other => other.as_str(),
    }
}

impl Inner {
    pub(super) fn query_configuration(&self, query: &Query) -> Result<QueryConfiguration, WarehouseError> {
        let mut configuration = QueryConfiguration {
            query: query.sql.clone(),
            use_legacy_sql: false,
            default_dataset: query
                .dataset
                .as_ref()
                .map(|dataset| DatasetReference { project_id: query.project.clone(), dataset_id: dataset.clone() }),
            use_query_cache: query.use_cache.or(self.settings.query_cache),
            maximum_bytes_billed: self.settings.maximum_bytes_billed.and_then(|bytes| i64::try_from(bytes).ok()),
            ..QueryConfiguration::default()
        };
        if let Some(destination) = query.destination.as_ref().filter(|_| Form::of(&query.sql) == Form::Rows) {
            destination.table.check()?;
            configuration.destination_table = Some((&destination.table).into());
            configuration.create_disposition = Some("CREATE_IF_NEEDED".to_owned());
            configuration.write_disposition = Some(disposition(destination).to_owned());
        }
        Ok(configuration)
    }

    /// The statements that a script ran, and its last result where it is wanted.
    pub(super) async fn finish_script(
        &self,
        id: &WarehouseJobId,
        query: &Query,
        submitted: &Submitted,
        outcome: &mut Outcome,
    ) -> Result<(), WarehouseError> {
        let children = self.children(&id.0).await?;
        outcome.statements = children.iter().map(statement).collect();
        let Some(destination) = &query.destination else { return Ok(()) };
        let last = children.iter().rev().find_map(rows_of).ok_or_else(|| WarehouseError::Invalid {
            message: format!("no statement of the script gives rows for {}", destination.table),
            line: None,
            column: None,
        })?;
        let TableReference { project_id, dataset_id, table_id } = last;
        let bring = Query {
            sql: format!("SELECT * FROM `{project_id}`.`{dataset_id}`.`{table_id}`"),
            dataset: None,
            ..query.clone()
        };
        let id = format!("{}_result", id.0);
        let work = self.query_work(&bring, submitted.labels.clone())?;
        self.start(&id, &work, submitted).await?;
        let (done, rows) = self.ended(&id, submitted, &work).await?;
        outcome::add_cost(outcome, &self.settings, &done);
        outcome.statistics.rows = rows.and_then(|rows| u64::try_from(rows).ok());
        Ok(())
    }

    /// What a script started, in order.
    pub(super) async fn children(&self, id: &str) -> Result<Vec<JobResource>, WarehouseError> {
        let (mut all, mut page) = (Vec::new(), None::<String>);
        loop {
            let mut url = self.client.url(&self.settings.project, &["jobs"]);
            url.query_pairs_mut().append_pair("parentJobId", id).append_pair("projection", "full");
            if let Some(token) = &page {
                url.query_pairs_mut().append_pair("pageToken", token);
            }
            let list: JobList = self.client.get(url).await?;
            all.extend(list.jobs);
            page = list.next_page_token.filter(|token| !token.is_empty());
            if page.is_none() {
                // The newest comes first.
                all.reverse();
                return Ok(all);
            }
        }
    }
}

/// Where a statement's rows are.
pub(super) fn rows_of(child: &JobResource) -> Option<TableReference> {
    let is_query = child.statistics.query.statement_type.as_deref() == Some("SELECT");
    // Expressions of the script itself are evaluated by jobs without a frame of their own.
    child.configuration.query.as_ref().filter(|_| is_query)?.destination_table.clone()
}

fn statement(child: &JobResource) -> StatementOutcome {
    let statistics = &child.statistics;
    let frame = statistics.script_statistics.as_ref().and_then(|script| script.stack_frames.first());
    let written = child.configuration.query.as_ref().map(|query| query.query.clone()).unwrap_or_default();
    let milliseconds = statistics.end_time.unwrap_or_default() - statistics.start_time.unwrap_or_default();
    StatementOutcome {
        sql: frame.map(|frame| frame.text.clone()).filter(|text| !text.is_empty()).unwrap_or(written),
        line: frame.map_or(1, |frame| frame.start_line),
        rows: statistics.query.num_dml_affected_rows.and_then(|rows| u64::try_from(rows).ok()),
        milliseconds: std::time::Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default()).as_secs_f64()
            * 1e3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart() {
        let check = |sql: &str, expect: Form| assert_eq!(Form::of(sql), expect, "{sql}");
        check("SELECT 1", Form::Rows);
        check("-- why\nwith a as (select 1) select * from a;", Form::Rows);
        check("(SELECT 1) UNION ALL (SELECT 2)", Form::Rows);
        check("SELECT(1)", Form::Rows);
        check("FROM d.t |> LIMIT 1", Form::Rows);
        check("INSERT d.t SELECT 1", Form::Effect);
        check("CREATE TABLE d.t AS SELECT 1", Form::Effect);
        check("SELECT 1; SELECT 2", Form::Script);
        check("DECLARE x INT64; SELECT x", Form::Script);
        check("BEGIN SELECT 1; END", Form::Script);
        check("SELECT 'open", Form::Rows);
    }
}
