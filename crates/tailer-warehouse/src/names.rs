//! Table names with partition decorators, validated once: a [`TableName`] made by [`TableName::new`] is safe to become
//! a file name (its project) and identifiers (the rest). It says nothing about whether the table exists.

use std::fmt;

use crate::WarehouseError;

/// `project.dataset.table`, maybe `$decorator`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    pub project: String,
    pub dataset: String,
    pub table: String,
    pub decorator: Option<Decorator>,
}

/// `20240223` (day), `2024022307` (hour), `202402` (month), `2024` (year), `27` (range), as written.
pub type Decorator = String;

impl TableName {
    /// Checks every part by BigQuery's naming rules. `table` may carry a decorator: `sales$20240223`.
    ///
    /// # Errors
    ///
    /// [`WarehouseError::Invalid`], naming the part and the rule.
    pub fn new(project: &str, dataset: &str, table: &str) -> Result<Self, WarehouseError> {
        check_project(project)?;
        check_dataset(dataset)?;
        let (table, decorator) = match table.split_once('$') {
            Some((table, decorator)) => (table, Some(decorator)),
            None => (table, None),
        };
        check_table(table)?;
        if let Some(decorator) = decorator {
            check_decorator(table, decorator)?;
        }
        Ok(Self {
            project: project.to_owned(),
            dataset: dataset.to_owned(),
            table: table.to_owned(),
            decorator: decorator.map(str::to_owned),
        })
    }

    /// The table itself, whatever partition was meant.
    #[must_use]
    pub fn without_decorator(&self) -> Self {
        Self { decorator: None, ..self.clone() }
    }

    /// Checks a name whose parts were filled in directly.
    ///
    /// # Errors
    ///
    /// As [`TableName::new`].
    pub fn check(&self) -> Result<(), WarehouseError> {
        check_project(&self.project)?;
        check_dataset(&self.dataset)?;
        check_table(&self.table)?;
        self.decorator.as_deref().map_or(Ok(()), |decorator| check_decorator(&self.table, decorator))
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.project, self.dataset, self.table)?;
        if let Some(d) = &self.decorator {
            write!(f, "${d}")?;
        }
        Ok(())
    }
}

/// A project id: letters, digits, `-`, `_`, `.` and `:` (domain projects), starting with a letter or digit, at most 63.
///
/// # Errors
///
/// [`WarehouseError::Invalid`].
pub fn check_project(project: &str) -> Result<(), WarehouseError> {
    let good = project.starts_with(|c: char| c.is_ascii_alphanumeric())
        && project.len() <= 63
        && project.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'));
    good.then_some(()).ok_or_else(|| {
        invalid(format!(
            "`{project}` is not a project id: letters, digits and hyphens, starting with a letter, at most 63 characters"
        ))
    })
}

/// A dataset name: letters, digits and underscores, at most 1,024.
///
/// # Errors
///
/// [`WarehouseError::Invalid`].
pub fn check_dataset(dataset: &str) -> Result<(), WarehouseError> {
    let good = (1..=1024).contains(&dataset.len()) && dataset.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    good.then_some(()).ok_or_else(|| {
        invalid(format!("`{dataset}` is not a dataset name: letters, digits and underscores, at most 1,024 characters"))
    })
}

fn check_table(table: &str) -> Result<(), WarehouseError> {
    let good = (1..=1024).contains(&table.len())
        && table.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '))
        && !table.trim().is_empty();
    good.then_some(()).ok_or_else(|| {
        invalid(format!(
            "`{table}` is not a table name: letters, digits, underscores, hyphens and spaces, at most 1,024 bytes"
        ))
    })
}

fn check_decorator(table: &str, decorator: &str) -> Result<(), WarehouseError> {
    let digits = decorator.strip_prefix('-').unwrap_or(decorator);
    let number = (1..=19).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let special = matches!(decorator, "__NULL__" | "__UNPARTITIONED__");
    (number || special).then_some(()).ok_or_else(|| {
        invalid(format!(
            "`${decorator}` of table `{table}` is not a partition: write digits, such as `$20240223` for a day"
        ))
    })
}

fn invalid(message: String) -> WarehouseError {
    WarehouseError::Invalid { message, line: None, column: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(project: &str, dataset: &str, table: &str, expect: Result<&str, &str>) {
        match (TableName::new(project, dataset, table), expect) {
            (Ok(name), Ok(text)) => assert_eq!(name.to_string(), text),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (got, _) => panic!("{project}.{dataset}.{table}: {got:?}"),
        }
    }

    #[test]
    fn names_are_validated_part_by_part() {
        check("my-project-1", "sales_2024", "by day", Ok("my-project-1.sales_2024.by day"));
        check("p", "d", "t$20240223", Ok("p.d.t$20240223"));
        check("p", "d", "t$27", Ok("p.d.t$27"));
        check("example.com:shop", "d", "t", Ok("example.com:shop.d.t"));
        check("p", "d", "préfixe", Ok("p.d.préfixe"));
        check("../etc", "d", "t", Err("project id"));
        check("", "d", "t", Err("project id"));
        check("p", "d-e", "t", Err("dataset name"));
        check("p", "d", "", Err("table name"));
        check("p", "d", "a\"b", Err("table name"));
        check("p", "d", "t$tomorrow", Err("`$tomorrow` of table `t` is not a partition"));
        check("p", "d", "t$", Err("not a partition"));
    }
}
