//! Tables that stand for many: wildcard tables (`t_*` with `_TABLE_SUFFIX`), `INFORMATION_SCHEMA` views and `__TABLES__`.
//!
//! The views are written out as rows when the statement is translated, from what the catalogue knows then.

use sqlparser::ast::{Ident, ObjectName, Spanned};

use super::{
    TableFacts,
    error::{At, Result, hint, invalid, unsupported},
    from::{Item, names_of},
    paths, quote, quote_table,
    scope::{Col, Ex, Literal, text},
    translator::{Output, OutputColumn, Translator},
    types::{Type, coerces},
};
use crate::{Column, TableName};

/// A cell of a view.
enum Cell {
    Text(String),
    Number(u64),
    Null,
}

/// Names and types of a view's columns, then its rows.
type View = (&'static [(&'static str, Type)], Vec<Vec<Cell>>);

const TABLES: &[(&str, Type)] = &[
    ("table_catalog", Type::String),
    ("table_schema", Type::String),
    ("table_name", Type::String),
    ("table_type", Type::String),
    ("is_insertable_into", Type::String),
    ("is_typed", Type::String),
];
const COLUMNS: &[(&str, Type)] = &[
    ("table_catalog", Type::String),
    ("table_schema", Type::String),
    ("table_name", Type::String),
    ("column_name", Type::String),
    ("ordinal_position", Type::Int64),
    ("is_nullable", Type::String),
    ("data_type", Type::String),
    ("is_hidden", Type::String),
    ("is_system_defined", Type::String),
    ("is_partitioning_column", Type::String),
    ("clustering_ordinal_position", Type::Int64),
];
const PARTITIONS: &[(&str, Type)] = &[
    ("table_catalog", Type::String),
    ("table_schema", Type::String),
    ("table_name", Type::String),
    ("partition_id", Type::String),
    ("total_rows", Type::Int64),
];
const SCHEMATA: &[(&str, Type)] = &[("catalog_name", Type::String), ("schema_name", Type::String)];
const VIEWS: &[(&str, Type)] =
    &[("table_catalog", Type::String), ("table_schema", Type::String), ("table_name", Type::String)];
/// Of `__TABLES__`.
const SIZES: &[(&str, Type)] = &[
    ("project_id", Type::String),
    ("dataset_id", Type::String),
    ("table_id", Type::String),
    ("row_count", Type::Int64),
    ("type", Type::Int64),
];

impl Translator<'_> {
    /// The FROM item, when the name stands for many tables.
    pub(super) fn listing(&mut self, name: &ObjectName, alias: Option<&Ident>) -> Result<Option<Item>> {
        let at = name.span().start;
        let parts = paths::parts(name)?;
        let is = |part: &String, word: &str| part.eq_ignore_ascii_case(word);
        if let Some(place) = parts.iter().position(|part| is(part, "INFORMATION_SCHEMA")) {
            let (before, view) = (parts.get(..place).unwrap_or_default(), parts.get(place + 1));
            let Some(view) = view.filter(|_| parts.len() == place + 2) else {
                return Err(invalid("INFORMATION_SCHEMA wants the name of a view", at));
            };
            let (columns, rows) = self.information(before, &view.to_ascii_uppercase(), at)?;
            return self.written_out(columns, &rows, alias.map_or(view, |a| &a.value), at).map(Some);
        }
        match parts.split_last() {
            Some((last, before)) if is(last, "__TABLES__") => {
                let (project, dataset) = self.dataset_of(before, at)?;
                let rows = self.each_table(&project, &dataset, |table, facts| {
                    let kind = if facts.is_view { 2 } else { 1 };
                    vec![vec![
                        Cell::Text(project.clone()),
                        Cell::Text(dataset.clone()),
                        Cell::Text(table.table.clone()),
                        Cell::Number(facts.rows),
                        Cell::Number(kind),
                    ]]
                });
                self.written_out(SIZES, &rows, alias.map_or(last, |a| &a.value), at).map(Some)
            }
            Some((last, before)) if last.ends_with('*') => self.wildcard(last, before, alias, at).map(Some),
            _ => Ok(None),
        }
    }

    fn dataset_of(&self, parts: &[String], at: At) -> Result<(String, String)> {
        match (parts, self.scope.dataset) {
            ([project, dataset], _) => Ok((project.clone(), dataset.clone())),
            ([dataset], _) => Ok((self.scope.project.to_string(), dataset.clone())),
            ([], Some(dataset)) => Ok((self.scope.project.to_string(), dataset.to_string())),
            _ => Err(invalid("a dataset is missing before this name", at)),
        }
    }

    fn each_table(
        &self,
        project: &str,
        dataset: &str,
        rows: impl Fn(&TableName, &TableFacts) -> Vec<Vec<Cell>>,
    ) -> Vec<Vec<Cell>> {
        let mut all = Vec::new();
        let mut names = self.catalog.tables(project, dataset);
        names.sort();
        for table in names {
            let table = TableName { project: project.into(), dataset: dataset.into(), table, decorator: None };
            let facts = self.catalog.facts(&table).unwrap_or_default();
            all.extend(rows(&table, &facts));
        }
        all
    }

    fn information(&self, before: &[String], view: &str, at: At) -> Result<View> {
        if view == "SCHEMATA" {
            let project = before.first().map_or(self.scope.project, String::as_str);
            let row = |dataset| vec![Cell::Text(project.to_string()), Cell::Text(dataset)];
            return Ok((SCHEMATA, self.catalog.datasets(project).into_iter().map(row).collect()));
        }
        let known = ["TABLES", "COLUMNS", "PARTITIONS", "VIEWS", "SCHEMATA"];
        if !known.contains(&view) {
            return Err(unsupported(format!("INFORMATION_SCHEMA.{view}{}", hint(view, known)), at));
        }
        let (project, dataset) = self.dataset_of(before, at)?;
        let of = |table: &TableName| {
            vec![Cell::Text(project.clone()), Cell::Text(dataset.clone()), Cell::Text(table.table.clone())]
        };
        let yes = |yes: bool| Cell::Text(if yes { "YES" } else { "NO" }.into());
        Ok(match view {
            "TABLES" => (
                TABLES,
                self.each_table(&project, &dataset, |table, facts| {
                    let kind = if facts.is_view { "VIEW" } else { "BASE TABLE" };
                    let more = vec![Cell::Text(kind.into()), yes(!facts.is_view), yes(false)];
                    vec![of(table).into_iter().chain(more).collect()]
                }),
            ),
            "COLUMNS" => (
                COLUMNS,
                self.each_table(&project, &dataset, |table, facts| {
                    let columns = self.catalog.columns(table).unwrap_or_default();
                    let rows = columns.iter().zip(1..).map(|(column, position)| {
                        let more = column_cells(column, position, facts);
                        of(table).into_iter().chain(more).collect()
                    });
                    rows.collect()
                }),
            ),
            "PARTITIONS" => (
                PARTITIONS,
                self.each_table(&project, &dataset, |table, facts| {
                    let rows = facts.partitions.iter().map(|(id, rows)| {
                        let id = if id.is_empty() { Cell::Null } else { Cell::Text(id.clone()) };
                        of(table).into_iter().chain([id, Cell::Number(*rows)]).collect()
                    });
                    rows.collect()
                }),
            ),
            _ => (
                VIEWS,
                self.each_table(
                    &project,
                    &dataset,
                    |table, facts| if facts.is_view { vec![of(table)] } else { Vec::new() },
                ),
            ),
        })
    }

    fn written_out(&mut self, columns: &[(&str, Type)], rows: &[Vec<Cell>], name: &str, at: At) -> Result<Item> {
        let own = self.alias();
        let mut list = Vec::with_capacity(columns.len());
        let mut outputs = Vec::with_capacity(columns.len());
        for (i, (name, ty)) in columns.iter().enumerate() {
            list.push(format!("CAST(v.c{i} AS {}) AS {}", ty.duckdb(), quote(name)));
            let name = (*name).to_string();
            outputs.push(OutputColumn { alias: name.clone(), name, ty: ty.clone(), literal: Literal::No });
        }
        let cell = |cell: &Cell| match cell {
            Cell::Text(value) => text(value),
            Cell::Number(number) => number.to_string(),
            Cell::Null => "NULL".into(),
        };
        // A row that is filtered away gives an empty list its columns.
        let nothing: Vec<&str> = columns.iter().map(|_| "NULL").collect();
        let mut values = vec![format!("(false, {})", nothing.join(", "))];
        values
            .extend(rows.iter().map(|row| format!("(true, {})", row.iter().map(cell).collect::<Vec<_>>().join(", "))));
        let names: Vec<String> = (0..columns.len()).map(|i| format!("c{i}")).collect();
        let sql = format!(
            "(SELECT {} FROM (VALUES {}) AS v(there, {}) WHERE v.there) AS {}",
            list.join(", "),
            values.join(", "),
            names.join(", "),
            quote(&own)
        );
        let output = Output { sql: String::new(), columns: outputs, is_value: false };
        let names = names_of(&output, &own, name.to_string(), at);
        Ok(Item { sql, names, is_array: false, lateral: false, alias: Some(own) })
    }

    /// All tables of a prefix, with the columns of the last of them by name; what another lacks is NULL there.
    fn wildcard(&mut self, last: &str, before: &[String], alias: Option<&Ident>, at: At) -> Result<Item> {
        let (project, dataset) = self.dataset_of(before, at)?;
        let prefix = last.trim_end_matches('*');
        if prefix.contains('*') {
            return Err(invalid("the * of a wildcard table stands at its end", at));
        }
        let mut found = Vec::new();
        let mut names = self.catalog.tables(&project, &dataset);
        names.sort();
        for name in names.into_iter().filter(|name| name.starts_with(prefix)) {
            let table = TableName { project: project.clone(), dataset: dataset.clone(), table: name, decorator: None };
            let is_view = self.catalog.facts(&table).is_some_and(|facts| facts.is_view);
            if !is_view && let Some(columns) = self.catalog.columns(&table) {
                found.push((table, columns));
            }
        }
        let Some((_, columns)) = found.last() else {
            return Err(invalid(format!("not found: no table matches {project}.{dataset}.{last}"), at));
        };
        let columns: Vec<(String, Type)> =
            columns.iter().map(|c| (c.name.clone(), Type::parse(&c.column_type))).collect();
        let mut parts = Vec::with_capacity(found.len());
        for (table, own) in &found {
            parts.push(one_of_many(table, own, &columns, prefix, at)?);
            self.read(table.clone());
        }
        let own = self.alias();
        let output = |(name, ty): &(String, Type)| OutputColumn {
            name: name.clone(),
            alias: name.clone(),
            ty: ty.clone(),
            literal: Literal::No,
        };
        let output = Output { sql: String::new(), columns: columns.iter().map(output).collect(), is_value: false };
        let variable = alias.map_or(last, |a| &a.value).to_string();
        let mut names = names_of(&output, &own, variable.clone(), at);
        let suffix = Ex::new(format!("{}.\"_TABLE_SUFFIX\"", quote(&own)), Type::String);
        names.hidden.push((variable, Col { name: "_TABLE_SUFFIX".into(), ex: suffix }));
        let sql = format!("({}) AS {}", parts.join(" UNION ALL "), quote(&own));
        Ok(Item { sql, names, is_array: false, lateral: false, alias: Some(own) })
    }
}

/// One table of a wildcard, with the columns of all.
fn one_of_many(table: &TableName, own: &[Column], columns: &[(String, Type)], prefix: &str, at: At) -> Result<String> {
    let mut list = Vec::with_capacity(columns.len() + 1);
    for (name, ty) in columns {
        let found = own.iter().find(|c| c.name.eq_ignore_ascii_case(name));
        let value = match found {
            None => "NULL".to_string(),
            Some(column) => {
                let from = Type::parse(&column.column_type);
                if !coerces(&from, ty) {
                    let message =
                        format!("column {name} is {from} in {table} and {ty} in the last table of the wildcard");
                    return Err(invalid(message, at));
                }
                super::coerce::to(Ex::new(quote(&column.name), from), ty, at)?
            }
        };
        list.push(format!("CAST({value} AS {}) AS {}", ty.duckdb(), quote(name)));
    }
    let suffix = table.table.strip_prefix(prefix).unwrap_or_default();
    Ok(format!("SELECT {}, {} AS \"_TABLE_SUFFIX\" FROM {}", list.join(", "), text(suffix), quote_table(table)))
}

fn column_cells(column: &Column, position: u64, facts: &TableFacts) -> Vec<Cell> {
    let same = |name: &String| name.eq_ignore_ascii_case(&column.name);
    let yes = |yes: bool| Cell::Text(if yes { "YES" } else { "NO" }.into());
    let clustered = facts.clustered_by.iter().position(same);
    vec![
        Cell::Text(column.name.clone()),
        Cell::Number(position),
        yes(!facts.required.iter().any(same)),
        Cell::Text(column.column_type.clone()),
        yes(false),
        yes(false),
        yes(facts.partitioned_by.as_ref().is_some_and(same)),
        clustered.map_or(Cell::Null, |i| Cell::Number(i as u64 + 1)),
    ]
}
