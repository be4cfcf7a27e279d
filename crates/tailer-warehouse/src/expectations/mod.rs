//! Expectations: data quality checks written as `` CALL `<project>.expect.<procedure>`(…) `` (`spec/semantics.md`, Expectations).
//!
//! There are no stored procedures behind them: a call becomes one query in plain GoogleSQL that runs on every warehouse, with
//! names quoted and expressions as their author wrote them. This module makes the text and reads the answer; whoever runs it goes
//!
//! 1. [`Expectation::of`] a call, which knows procedures and arguments;
//! 2. [`Expectation::texts`]: the arguments that have to be known before there can be a query (datasets, tables, columns); literals
//!    are, others are to be evaluated;
//! 3. [`Expectation::check`], for some procedures with the table's columns: the [`Check`] with its query;
//! 4. [`Check::result`] of the query's only row.
//!
//! What NULLs count for: they are rejected by `not_null`, the keys (`primarykey…`) and, beyond the first, `unique`; all others leave
//! them to those. Days are UTC's.

mod column;
mod counts;
mod days;
mod keys;
mod parts;
mod result;
mod signature;
mod values;

pub use parts::Known;
pub use result::{Check, ExpectationResult};
pub use signature::{PROCEDURES, Procedure};

use self::{parts::Parts, signature::Argument};
use crate::{
    WarehouseError,
    googlesql::{
        Statement, TablePath,
        script::{self, Call, Kind},
    },
};

/// One call, its procedure known and its arguments counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    pub procedure: &'static Procedure,
    pub arguments: Vec<Statement>,
    /// The CALL as it stands in the file.
    pub statement: Statement,
}

/// The expectations of a file, in order; other statements are ignored, as are comments.
///
/// # Errors
/// [`WarehouseError::Invalid`] with its place: the file cannot be read, calls something else, or gives a procedure other arguments
/// than it takes.
pub fn of_file(text: &str) -> Result<Vec<Expectation>, WarehouseError> {
    let mut expectations = Vec::new();
    for node in script::parse(text)? {
        let Kind::Call(call) = &node.kind else { continue };
        match Expectation::of(call, &node.statement)? {
            Some(expectation) => expectations.push(expectation),
            None => {
                let message = format!("{} is no expectation: `<project>.expect.<procedure>` is", call.path.join("."));
                return Err(invalid(message, &node.statement));
            }
        }
    }
    Ok(expectations)
}

impl Expectation {
    /// What a CALL expects; `None` when it calls something else.
    ///
    /// # Errors
    /// [`WarehouseError::Invalid`]: there is no such expectation, or it takes other arguments.
    pub fn of(call: &Call, statement: &Statement) -> Result<Option<Self>, WarehouseError> {
        let ([_, dataset, name] | [dataset, name]) = call.path.as_slice() else { return Ok(None) };
        let dataset = dataset.to_ascii_lowercase();
        if dataset != "expect" && !dataset.starts_with("expect_") {
            return Ok(None);
        }
        let Some(procedure) = PROCEDURES.iter().find(|p| p.name.eq_ignore_ascii_case(name)) else {
            let near = tailer_model::suggest::nearest(name, PROCEDURES.iter().map(|p| p.name));
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            return Err(invalid(format!("there is no expectation {name}{near}"), statement));
        };
        let given = call.arguments.len();
        let wanted = 2 + procedure.arguments.len();
        if given > wanted || given < wanted - procedure.optional {
            let signature = procedure.signature();
            return Err(invalid(format!("{signature} does not take {given} arguments"), statement));
        }
        Ok(Some(Self { procedure, arguments: call.arguments.clone(), statement: statement.clone() }))
    }

    /// The arguments whose values have to be known as text before the query can be made; what they are when they are literals.
    #[must_use]
    pub fn texts(&self) -> Vec<(&Statement, Option<String>)> {
        self.roles().filter(|(role, _)| role.is_text()).map(|(_, a)| (a, parts::string_literal(&a.sql))).collect()
    }

    /// The call on one line, without its threshold: the same text for as long as the same is expected. Dataset and table are this
    /// call's; all else is taken from `written`, the call as it stands in its file before anything was filled in.
    #[must_use]
    pub fn text(&self, written: &Self) -> String {
        let both = self.arguments.iter().zip(written.roles());
        let arguments = both.filter(|(_, (role, _))| *role != Argument::Threshold).map(|(own, (role, written))| {
            let shown = if matches!(role, Argument::Dataset | Argument::Table) { own } else { written };
            shown.sql.split_whitespace().collect::<Vec<_>>().join(" ")
        });
        format!("{}({})", self.procedure.name, arguments.collect::<Vec<_>>().join(", "))
    }

    fn roles(&self) -> impl Iterator<Item = (Argument, &Statement)> {
        let roles = [Argument::Dataset, Argument::Table].into_iter().chain(self.procedure.arguments.iter().copied());
        roles.zip(&self.arguments)
    }

    /// The table that is checked, as project (when the dataset names one), dataset and name. `texts` are the values of
    /// [`Self::texts`], in that order.
    ///
    /// # Errors
    /// [`WarehouseError::Invalid`]: a name is missing or malformed.
    pub fn table(&self, project: &str, texts: &[String]) -> Result<crate::TableName, WarehouseError> {
        Ok(Parts::new(self, project, texts)?.table)
    }

    /// The tables that are looked at, unchecked; `None` when a name is no literal and only evaluating it would tell.
    #[must_use]
    pub fn tables(&self, project: &str) -> Option<Vec<TablePath>> {
        let text = |wanted: Argument| {
            let argument = self.roles().find(|(role, _)| *role == wanted).map(|(_, argument)| argument)?;
            parts::string_literal(&argument.sql)
        };
        let mut tables = Vec::new();
        for (dataset, table) in [(Argument::Dataset, Argument::Table), (Argument::TargetDataset, Argument::TargetTable)]
        {
            if !self.roles().any(|(role, _)| role == table) {
                continue;
            }
            let (dataset, table) = (text(dataset)?, text(table)?);
            let (project, dataset) = dataset.rsplit_once('.').unwrap_or((project, &dataset));
            tables.push(TablePath { project: project.to_owned(), dataset: dataset.to_owned(), table });
        }
        Some(tables)
    }

    /// Whether [`Self::check`] has to know the table's columns.
    #[must_use]
    pub fn wants_columns(&self) -> bool {
        matches!(self.procedure.name, "primarykey" | "primarykey_where" | "everyday_increasing_since")
    }

    /// The query of this call. `project` is where a dataset without one is; `known` is what is known of the table's columns, when
    /// that was wanted.
    ///
    /// # Errors
    /// [`WarehouseError::Invalid`]: a name is malformed, or no column is what the procedure looks for.
    pub fn check(&self, project: &str, texts: &[String], known: &[Known]) -> Result<Check, WarehouseError> {
        let parts = Parts::new(self, project, texts)?;
        let check = match self.procedure.name {
            "primarykey_named" | "primarykey" | "primarykey_where" => keys::primary(&parts, known),
            "foreignkey" | "foreignkey_where" => keys::foreign(&parts),
            "unique" => keys::unique(&parts),
            "everyday_since" => days::every(&parts, "DAY"),
            "everyweek_since" => days::every(&parts, "WEEK"),
            "everymonth_since" => days::every(&parts, "MONTH"),
            "everyday_increasing_since" => days::increasing(&parts, known),
            name if name.starts_with("table_count_") => counts::check(&parts),
            _ => values::check(&parts),
        };
        check.map_err(|error| placed(error, &self.statement))
    }
}

/// Gives an error without a place that of the call.
fn placed(error: WarehouseError, at: &Statement) -> WarehouseError {
    match error {
        WarehouseError::Invalid { message, line: None, .. } => invalid(message, at),
        error => error,
    }
}

fn invalid(message: impl Into<String>, at: &Statement) -> WarehouseError {
    WarehouseError::Invalid { message: message.into(), line: Some(at.line), column: Some(at.column) }
}
