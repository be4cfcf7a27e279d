//! Columns of CREATE TABLE and ALTER TABLE, and tables that take theirs from other tables (LIKE, COPY, CLONE).

use sqlparser::ast::{
    AlterColumnOperation, ColumnDef, ColumnOption, CreateTable, CreateTableLikeKind, Expr, Ident, ObjectName, Spanned,
};
use tailer_model::operation::ddl::{Field, Mode, TableDefinition};

use super::{
    Translated, coerce,
    ddl::{ddl, field, key_values, literal_string},
    error::{At, Result, hint, invalid, place, unsupported},
    quote, quote_table,
    scope::{Env, Names},
    translator::{Output, Translator},
    types::{Type, coerces, from_ast},
};
use crate::{Column, TableName};

/// The table that a new one is made after, and whether with its rows.
pub(super) fn copied(create: &CreateTable) -> Option<(&ObjectName, bool)> {
    match (&create.like, &create.clone) {
        (Some(CreateTableLikeKind::Plain(like)), _) => Some((&like.name, false)),
        (_, Some(source)) => Some((source, true)),
        _ => None,
    }
}

impl Translator<'_> {
    /// LIKE, COPY and CLONE: columns, and with the latter two rows.
    pub(super) fn copy_of(
        &mut self,
        source: &ObjectName,
        with_rows: bool,
        create: &CreateTable,
        head: &str,
        table: TableName,
    ) -> Result<Translated> {
        let at = source.span().start;
        if create.query.is_some() || !create.columns.is_empty() || create.partition_by.is_some() {
            return Err(unsupported("LIKE, COPY and CLONE with columns, partitions or AS", at));
        }
        let (from, columns) = self.existing_table(source)?;
        let facts = self.catalog.facts(&from).unwrap_or_default();
        if facts.is_view {
            return Err(invalid(format!("{from} is a view: it cannot be copied"), at));
        }
        if facts.partitioned_by.is_some() || self.catalog.ingested(&from).is_some() {
            return Err(unsupported("LIKE, COPY and CLONE of a partitioned table", at));
        }
        let is_required = |name: &String| facts.required.iter().any(|r| r.eq_ignore_ascii_case(name));
        let required = columns.iter().find(|(name, _)| is_required(name));
        if let (true, Some((name, _))) = (with_rows, required) {
            return Err(unsupported(format!("COPY and CLONE of a table with a REQUIRED column ({name})"), at));
        }
        let mut schema: Vec<Field> = columns.iter().map(|(name, ty)| field(name, ty)).collect();
        let mut list = Vec::with_capacity(columns.len());
        for (new, (name, ty)) in schema.iter_mut().zip(&columns) {
            let not_null = if is_required(name) { " NOT NULL" } else { "" };
            if is_required(name) {
                new.mode = Mode::Required;
            }
            list.push(if with_rows { quote(name) } else { format!("{} {}{not_null}", quote(name), ty.duckdb()) });
        }
        let list = list.join(", ");
        let sql = match with_rows {
            true => format!("{head} AS SELECT {list} FROM {}", quote_table(&from)),
            false => format!("{head} ({list})"),
        };
        self.read(from);
        let definition = TableDefinition { schema, clustering: facts.clustered_by, ..TableDefinition::default() };
        let named = |(name, ty): (String, Type)| Column { name, column_type: ty.to_string() };
        let columns = Some(columns.into_iter().map(named).collect());
        Ok(Translated { columns, definition: Some(definition), ..ddl(sql, Some(table)) })
    }

    /// The query's columns under the declared names and types: `CREATE TABLE t (a INT64) AS …`.
    pub(super) fn as_declared(&mut self, output: Output, columns: &[ColumnDef], at: At) -> Result<Output> {
        if columns.is_empty() {
            return Ok(output);
        }
        if columns.len() != output.columns.len() {
            let (declared, given) = (columns.len(), output.columns.len());
            return Err(invalid(format!("{declared} columns are declared, the query gives {given}"), at));
        }
        let mut types = Vec::with_capacity(columns.len());
        for (column, given) in columns.iter().zip(&output.columns) {
            let at = column.name.span.start;
            if !column.options.is_empty() {
                return Err(unsupported("options of columns beside AS", at));
            }
            let ty = from_ast(&column.data_type, at)?;
            if !coerces(&given.ty, &ty) && given.literal == super::scope::Literal::No {
                let message = format!("column {} is {ty}, the query gives {}", column.name.value, given.ty);
                return Err(invalid(message, at));
            }
            types.push(ty);
        }
        let output = self.cast_columns(output, &types, at)?;
        let own = quote(&self.alias());
        let mut list = Vec::with_capacity(columns.len());
        let mut all = output.columns;
        for (given, column) in all.iter_mut().zip(columns) {
            list.push(format!("{own}.{} AS {}", quote(&given.alias), quote(&column.name.value)));
            given.name.clone_from(&column.name.value);
            given.alias.clone_from(&column.name.value);
        }
        let sql = format!("SELECT {} FROM ({}) AS {own}", list.join(", "), output.sql);
        Ok(Output { sql, columns: all, is_value: false })
    }

    /// The value of DEFAULT, which names no columns.
    fn default(&mut self, value: &Expr, ty: &Type) -> Result<String> {
        let names = Names::default();
        let env = Env::new(None, &names);
        let ex = self.without_aggregates("DEFAULT", |t| t.expr(value, &env))?;
        Ok(format!("({})", coerce::to(ex, ty, place(value))?))
    }

    /// `ALTER COLUMN c …`, without the words before it.
    pub(super) fn alter_column(
        &mut self,
        table: &TableName,
        name: &Ident,
        op: &AlterColumnOperation,
    ) -> Result<String> {
        let at = name.span.start;
        let columns = self.catalog.columns(table).unwrap_or_default();
        let Some(column) = columns.iter().find(|c| c.name.eq_ignore_ascii_case(&name.value)) else {
            let hint = hint(&name.value, columns.iter().map(|c| c.name.as_str()));
            return Err(invalid(format!("column {} is not present in table {table}{hint}", name.value), at));
        };
        let ty = Type::parse(&column.column_type);
        let change = match op {
            AlterColumnOperation::DropNotNull => "DROP NOT NULL".to_string(),
            AlterColumnOperation::DropDefault => "DROP DEFAULT".to_string(),
            AlterColumnOperation::SetDefault { value } => format!("SET DEFAULT {}", self.default(value, &ty)?),
            AlterColumnOperation::SetDataType { data_type, using: None, .. } => {
                let new = from_ast(data_type, at)?;
                if !coerces(&ty, &new) || !new.is_number() {
                    return Err(invalid(format!("a column of type {ty} cannot become {new}"), at));
                }
                if new == Type::BigNumeric {
                    return Err(unsupported("ALTER COLUMN to BIGNUMERIC", at));
                }
                format!("SET DATA TYPE {}", new.duckdb())
            }
            other => return Err(unsupported(format!("ALTER COLUMN … {other}"), at)),
        };
        Ok(format!("ALTER COLUMN {} {change}", quote(&column.name)))
    }

    /// Columns as DuckDB wants them and as the model has them.
    pub(super) fn column_list(&mut self, columns: &[ColumnDef], at: At) -> Result<(Vec<String>, Vec<Field>)> {
        let mut list = Vec::with_capacity(columns.len());
        let mut fields: Vec<Field> = Vec::with_capacity(columns.len());
        if columns.is_empty() {
            return Err(invalid("CREATE TABLE wants columns or AS", at));
        }
        for column in columns {
            let at = column.name.span.start;
            let ty = from_ast(&column.data_type, at)?;
            let mut new = field(&column.name.value, &ty);
            let mut sql = format!("{} {}", quote(&column.name.value), ty.duckdb());
            for option in &column.options {
                match &option.option {
                    ColumnOption::NotNull => {
                        new.mode = Mode::Required;
                        sql.push_str(" NOT NULL");
                    }
                    ColumnOption::Options(options) => {
                        for (key, value) in key_values(options, at)? {
                            match (key.as_str(), value) {
                                ("description", Expr::Value(value)) => new.description = literal_string(&value.value),
                                (key, _) => return Err(unsupported(format!("the column option {key}"), at)),
                            }
                        }
                    }
                    ColumnOption::Default(value) => sql.push_str(&format!(" DEFAULT {}", self.default(value, &ty)?)),
                    // Not enforced by BigQuery either.
                    ColumnOption::PrimaryKey(_) | ColumnOption::ForeignKey(_) => {}
                    other => return Err(unsupported(format!("the column attribute {other}"), at)),
                }
            }
            if fields.iter().any(|f| f.name.eq_ignore_ascii_case(&new.name)) {
                return Err(invalid(format!("duplicate column name {}", new.name), at));
            }
            list.push(sql);
            fields.push(new);
        }
        Ok((list, fields))
    }
}
