//! CREATE TABLE, CREATE VIEW, CREATE SCHEMA, DROP, ALTER TABLE.

use sqlparser::ast::{
    AlterTable, AlterTableOperation, CreateTable, CreateTableOptions, CreateView, Expr, FunctionArg, FunctionArgExpr,
    FunctionArguments, ObjectName, ObjectType, SchemaName, Spanned, SqlOption, Statement, TableConstraint, Value,
    WrappedCollection,
};
use tailer_model::operation::ddl::{Field, FieldType, Mode, PartitionUnit, Partitioning, TableDefinition};

use super::{
    StatementKind, Translated,
    columns::copied,
    error::{At, Result, invalid, place, unsupported},
    paths, quote, quote_table,
    statement::result_columns,
    translator::Translator,
    types::Type,
};
use crate::TableName;

impl Translator<'_> {
    pub(super) fn definition_statement(&mut self, statement: &Statement) -> Result<Translated> {
        match statement {
            Statement::CreateTable(create) => self.create_table(create),
            Statement::CreateView(create) => self.create_view(create),
            Statement::AlterTable(alter) => self.alter_table(alter),
            Statement::CreateSchema {
                schema_name: SchemaName::Simple(name),
                or_replace: false,
                if_not_exists,
                with: None,
                clone: None,
                ..
            } => {
                let (project, dataset) = paths::dataset(name, self.scope)?;
                let not = if *if_not_exists { "IF NOT EXISTS " } else { "" };
                Ok(ddl(format!("CREATE SCHEMA {not}{}.{}", quote(&project), quote(&dataset)), None))
            }
            Statement::Drop {
                object_type,
                if_exists,
                names,
                cascade,
                restrict: _,
                purge: false,
                temporary: false,
                table: None,
            } => {
                let [name] = names.as_slice() else {
                    return Err(invalid("DROP takes one name", statement.span().start));
                };
                self.drop(*object_type, *if_exists, *cascade, name)
            }
            other => {
                let text = other.to_string();
                let words: Vec<&str> = text.split_whitespace().take(2).collect();
                Err(unsupported(format!("the statement {}", words.join(" ")), super::error::nowhere()))
            }
        }
    }

    fn new_table(&self, name: &ObjectName) -> Result<TableName> {
        let table = paths::table(name, self.scope)?;
        if table.decorator.is_some() {
            return Err(invalid(
                format!("{table}: a partition decorator cannot stand in a statement"),
                name.span().start,
            ));
        }
        Ok(table)
    }

    /// A table of the session's own, which has no dataset.
    fn temporary_table(&self, name: &ObjectName) -> Result<TableName> {
        match paths::parts(name)?.as_slice() {
            [table] => Ok(paths::temporary(table)),
            _ => Err(invalid("a temporary table has no dataset", name.span().start)),
        }
    }

    fn create_table(&mut self, create: &CreateTable) -> Result<Translated> {
        let at = create.name.span().start;
        if create.external || create.snapshot || create.version.is_some() {
            return Err(unsupported("CREATE EXTERNAL or SNAPSHOT TABLE", at));
        }
        // BigQuery does not enforce keys, so there is nothing to do for them.
        let is_key = |c: &TableConstraint| matches!(c, TableConstraint::PrimaryKey(_) | TableConstraint::ForeignKey(_));
        if !create.constraints.iter().all(is_key) || create.primary_key.is_some() {
            return Err(unsupported("table constraints other than keys", at));
        }
        let table = match create.temporary {
            true => self.temporary_table(&create.name)?,
            false => self.new_table(&create.name)?,
        };
        let replace = if create.or_replace { "OR REPLACE " } else { "" };
        let not = if create.if_not_exists { "IF NOT EXISTS " } else { "" };
        let temporary = if create.temporary { "TEMP " } else { "" };
        let head = format!("CREATE {replace}{temporary}TABLE {not}{}", quote_table(&table));
        let mut columns = None;
        if let Some((source, with_rows)) = copied(create) {
            return self.copy_of(source, with_rows, create, &head, table);
        }
        let (sql, schema) = match &create.query {
            Some(query) => {
                let output = self.query_of_columns(query)?;
                let output = self.as_declared(output, &create.columns, at)?;
                let named = result_columns(&output);
                for (i, column) in named.iter().enumerate() {
                    if output.columns.get(i).is_some_and(|c| c.name.is_empty()) {
                        return Err(invalid(format!("CREATE TABLE AS: column {} has no name", i + 1), at));
                    }
                    if named.iter().take(i).any(|c| c.name.eq_ignore_ascii_case(&column.name)) {
                        return Err(invalid(format!("CREATE TABLE AS: duplicate column name {}", column.name), at));
                    }
                }
                let schema = output.columns.iter().map(|c| field(&c.name, &c.ty)).collect();
                columns = Some(named);
                (format!("{head} AS {}", output.sql), schema)
            }
            None => {
                let (list, schema) = self.column_list(&create.columns, at)?;
                (format!("{head} ({})", list.join(", ")), schema)
            }
        };
        let mut definition = TableDefinition { schema, ..TableDefinition::default() };
        definition.partitioning = create.partition_by.as_deref().map(partitioning).transpose()?;
        definition.clustering = clustering(create)?;
        table_options(&create.table_options, &mut definition, at)?;
        Ok(Translated { columns, definition: Some(definition), ..ddl(sql, Some(table)) })
    }

    fn create_view(&mut self, create: &CreateView) -> Result<Translated> {
        let at = create.name.span().start;
        if create.materialized || create.temporary {
            return Err(unsupported("materialized and temporary views", at));
        }
        let table = self.new_table(&create.name)?;
        let output = self.query_of_columns(&create.query)?;
        if self.uses_temporary {
            return Err(invalid("a view cannot use temporary tables: it outlives them", at));
        }
        let replace = if create.or_replace { "OR REPLACE " } else { "" };
        let not = if create.if_not_exists { "IF NOT EXISTS " } else { "" };
        let mut named = result_columns(&output);
        let mut list = String::new();
        if !create.columns.is_empty() {
            if create.columns.len() != named.len() {
                return Err(invalid("the view's columns and its query's differ in number", at));
            }
            for (column, given) in named.iter_mut().zip(&create.columns) {
                column.name.clone_from(&given.name.value);
            }
            let names: Vec<String> = named.iter().map(|c| quote(&c.name)).collect();
            list = format!(" ({})", names.join(", "));
        } else if output.columns.iter().any(|c| c.name.is_empty()) {
            return Err(invalid("CREATE VIEW: every column has to have a name", at));
        }
        let mut definition = TableDefinition::default();
        table_options(&create.options, &mut definition, at)?;
        definition.schema = named.iter().zip(&output.columns).map(|(c, o)| field(&c.name, &o.ty)).collect();
        let sql = format!("CREATE {replace}VIEW {not}{}{list} AS {}", quote_table(&table), output.sql);
        Ok(Translated { columns: Some(named), definition: Some(definition), ..ddl(sql, Some(table)) })
    }

    fn drop(&mut self, object: ObjectType, if_exists: bool, cascade: bool, name: &ObjectName) -> Result<Translated> {
        let exists = if if_exists { "IF EXISTS " } else { "" };
        match object {
            ObjectType::Table | ObjectType::View => {
                let table = self.known_table(name)?;
                let kind = if object == ObjectType::Table { "TABLE" } else { "VIEW" };
                Ok(ddl(format!("DROP {kind} {exists}{}", quote_table(&table)), Some(table)))
            }
            ObjectType::Schema => {
                let (project, dataset) = paths::dataset(name, self.scope)?;
                let cascade = if cascade { " CASCADE" } else { "" };
                Ok(ddl(format!("DROP SCHEMA {exists}{}.{}{cascade}", quote(&project), quote(&dataset)), None))
            }
            other => Err(unsupported(format!("DROP {other}"), name.span().start)),
        }
    }

    fn alter_table(&mut self, alter: &AlterTable) -> Result<Translated> {
        let at = alter.name.span().start;
        let [operation] = alter.operations.as_slice() else {
            return Err(unsupported("several changes in one ALTER TABLE", at));
        };
        let table = self.new_table(&alter.name)?;
        let exists = if alter.if_exists { "IF EXISTS " } else { "" };
        let change = match operation {
            AlterTableOperation::AddColumn { if_not_exists, column_def, column_position: None, .. } => {
                let (list, _) = self.column_list(std::slice::from_ref(column_def), at)?;
                if list.iter().any(|c| c.ends_with("NOT NULL")) {
                    return Err(invalid("an added column may not be REQUIRED", column_def.name.span.start));
                }
                let not = if *if_not_exists { "IF NOT EXISTS " } else { "" };
                format!("ADD COLUMN {not}{}", list.join(", "))
            }
            AlterTableOperation::DropColumn { column_names, if_exists, drop_behavior: None, .. } => {
                let [column] = column_names.as_slice() else {
                    return Err(invalid("DROP COLUMN takes one column", at));
                };
                let exists = if *if_exists { "IF EXISTS " } else { "" };
                format!("DROP COLUMN {exists}{}", quote(&column.value))
            }
            AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
                format!("RENAME COLUMN {} TO {}", quote(&old_column_name.value), quote(&new_column_name.value))
            }
            AlterTableOperation::AlterColumn { column_name, op } => self.alter_column(&table, column_name, op)?,
            _ => return Err(unsupported("this ALTER TABLE", at)),
        };
        Ok(ddl(format!("ALTER TABLE {exists}{} {change}", quote_table(&table)), Some(table)))
    }
}

pub(super) fn ddl(sql: String, writes: Option<TableName>) -> Translated {
    Translated { writes, ..Translated::of(sql, StatementKind::Ddl) }
}

/// A column of a type, as the model has it.
pub(super) fn field(name: &str, ty: &Type) -> Field {
    let (element, mode) = match ty {
        Type::Array(element) => (element.as_ref(), Mode::Repeated),
        other => (other, Mode::Nullable),
    };
    let mut fields = Vec::new();
    let field_type = match element {
        Type::Bool => FieldType::Bool,
        Type::Int64 => FieldType::Int64,
        Type::Float64 => FieldType::Float64,
        Type::Numeric => FieldType::Numeric,
        Type::BigNumeric => FieldType::BigNumeric,
        Type::Bytes => FieldType::Bytes,
        Type::Date => FieldType::Date,
        Type::Time => FieldType::Time,
        Type::Datetime => FieldType::DateTime,
        Type::Timestamp => FieldType::Timestamp,
        Type::Interval => FieldType::Interval,
        Type::Json => FieldType::Json,
        Type::Struct(inner) => {
            let names = super::types::duckdb_field_names(inner);
            fields = inner.iter().zip(names).map(|(f, name)| field(&name, &f.field_type)).collect();
            FieldType::Record
        }
        Type::Other(name) if name.starts_with("GEOGRAPHY") => FieldType::Geography,
        // An array of arrays cannot be made.
        Type::String | Type::Array(_) | Type::Other(_) => FieldType::String,
    };
    Field { name: name.to_string(), field_type, mode, description: None, fields }
}

fn clustering(create: &CreateTable) -> Result<Vec<String>> {
    let (WrappedCollection::NoWrapping(exprs) | WrappedCollection::Parentheses(exprs)) = match &create.cluster_by {
        Some(clustering) => clustering,
        None => return Ok(Vec::new()),
    };
    let mut names = Vec::with_capacity(exprs.len());
    for expr in exprs {
        match expr {
            Expr::Identifier(ident) => names.push(ident.value.clone()),
            other => return Err(invalid("CLUSTER BY takes columns", place(other))),
        }
    }
    Ok(names)
}

/// `PARTITION BY column`, `DATE(column)`, `DATE_TRUNC(column, MONTH)`, `_PARTITIONDATE`, `RANGE_BUCKET(…)`.
fn partitioning(expr: &Expr) -> Result<Partitioning> {
    let at = place(expr);
    let time = |field: &str, unit: PartitionUnit| {
        let ingestion = matches!(field.to_ascii_uppercase().as_str(), "_PARTITIONDATE" | "_PARTITIONTIME");
        Partitioning::Time { field: (!ingestion).then(|| field.to_string()), unit, expiration_ms: None }
    };
    let refused = || unsupported(format!("PARTITION BY {expr}"), at);
    let function = match expr {
        Expr::Identifier(ident) => return Ok(time(&ident.value, PartitionUnit::Day)),
        Expr::Function(function) => function,
        _ => return Err(refused()),
    };
    let FunctionArguments::List(list) = &function.args else { return Err(refused()) };
    let args: Vec<&Expr> = list
        .args
        .iter()
        .filter_map(|a| match a {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        })
        .collect();
    match (function.name.to_string().to_ascii_uppercase().as_str(), args.as_slice()) {
        ("DATE", [Expr::Identifier(column)]) => Ok(time(&column.value, PartitionUnit::Day)),
        ("DATE_TRUNC" | "TIMESTAMP_TRUNC" | "DATETIME_TRUNC", [Expr::Identifier(column), Expr::Identifier(unit)]) => {
            let unit = match unit.value.to_ascii_uppercase().as_str() {
                "HOUR" => PartitionUnit::Hour,
                "DAY" => PartitionUnit::Day,
                "MONTH" => PartitionUnit::Month,
                "YEAR" => PartitionUnit::Year,
                _ => return Err(refused()),
            };
            Ok(time(&column.value, unit))
        }
        ("RANGE_BUCKET", [Expr::Identifier(column), Expr::Function(range)]) => {
            range_partitioning(&column.value, range).ok_or_else(refused)
        }
        _ => Err(refused()),
    }
}

fn range_partitioning(column: &str, range: &sqlparser::ast::Function) -> Option<Partitioning> {
    let FunctionArguments::List(list) = &range.args else { return None };
    let mut numbers = list.args.iter().map(|a| a.to_string().parse::<i64>().ok());
    let (start, end) = (numbers.next()??, numbers.next()??);
    let interval = match numbers.next() {
        Some(step) => step?,
        None => 1,
    };
    Some(Partitioning::Range { field: column.to_string(), start, end, interval })
}

fn table_options(options: &CreateTableOptions, definition: &mut TableDefinition, at: At) -> Result<()> {
    let options = match options {
        CreateTableOptions::None => return Ok(()),
        CreateTableOptions::Options(options) => options,
        _ => return Err(invalid("options stand in OPTIONS(…)", at)),
    };
    for (key, value) in key_values(options, at)? {
        let Expr::Value(value) = value else {
            return Err(unsupported(format!("the option {key} with an expression"), at));
        };
        match (key.as_str(), &value.value) {
            ("description", value) => definition.description = literal_string(value),
            ("require_partition_filter", Value::Boolean(wanted)) => definition.require_partition_filter = *wanted,
            ("partition_expiration_days", Value::Number(days, _)) => {
                let days = days.parse::<f64>().ok().filter(|d| *d > 0.0 && *d < 1e8);
                let days = days.ok_or_else(|| invalid("partition_expiration_days wants a positive number", at))?;
                match &mut definition.partitioning {
                    Some(Partitioning::Time { expiration_ms, .. }) => {
                        *expiration_ms = Some((days * 86_400_000.0) as u64)
                    }
                    _ => return Err(invalid("partition_expiration_days wants a table partitioned by time", at)),
                }
            }
            // Labels for people: nothing depends on them.
            ("friendly_name" | "labels", _) => {}
            (key, _) => return Err(unsupported(format!("the option {key}"), at)),
        }
    }
    Ok(())
}

pub(super) fn key_values<'o>(options: &'o [SqlOption], at: At) -> Result<Vec<(String, &'o Expr)>> {
    let pair = |option: &'o SqlOption| match option {
        SqlOption::KeyValue { key, value } => Ok((key.to_string().to_ascii_lowercase(), value)),
        other => Err(invalid(format!("{other} is no option"), at)),
    };
    options.iter().map(pair).collect()
}

pub(super) fn literal_string(value: &Value) -> Option<String> {
    match value {
        Value::SingleQuotedString(text) => Some(text.clone()),
        _ => None,
    }
}
