//! The table that a load goes into: made, kept, extended or made anew, as dispositions and schema options say.

use tailer_model::operation::{
    WriteDisposition,
    ddl::{Field, Mode, Partitioning, TableDefinition},
};

use super::destination;
use crate::{
    Load, WarehouseError,
    embedded::{
        errors::invalid,
        ingestion,
        instance::text,
        session::Session,
        tables,
        types::Type,
        write::{self, Opened, may_be_absent},
    },
    googlesql::quote,
};

/// Makes the table ready for rows of these fields, inside the running transaction.
pub(crate) fn open(session: &Session<'_>, load: &Load, fields: &[Field]) -> Result<Opened, WarehouseError> {
    let table = &load.table;
    if tables::lookup(session, table)?.is_none() {
        if !load.options.create_if_needed {
            return Err(WarehouseError::NotFound(format!("table {table} (and the load may not create it)")));
        }
        if table.decorator.is_none() {
            return create(session, load, fields, TableDefinition::default());
        }
    }
    let Some(opened) = write::open(session, &destination(load))? else {
        return create(session, load, fields, TableDefinition::default());
    };
    let replace = load.options.write_disposition == WriteDisposition::Truncate && table.decorator.is_none();
    if replace && !same_columns(&opened, fields) {
        let old = opened.definition;
        tables::drop_table(session, table)?;
        return create(session, load, fields, carried_over(old, fields));
    }
    if replace {
        describe(session, load, &opened, fields)?;
        return Ok(opened);
    }
    extend(session, load, opened, fields)
}

fn create(
    session: &Session<'_>,
    load: &Load,
    fields: &[Field],
    like: TableDefinition,
) -> Result<Opened, WarehouseError> {
    let description = load.description.clone().or(like.description);
    let definition = TableDefinition { description, schema: fields.to_vec(), ..like };
    tables::create(session, &load.table, &definition, None)?;
    write::just_created(session, &load.table)
}

/// What of a replaced table still makes sense with the new columns.
fn carried_over(old: TableDefinition, fields: &[Field]) -> TableDefinition {
    let has = |name: &str| fields.iter().any(|field| field.name.eq_ignore_ascii_case(name));
    let partitioning = old.partitioning.filter(|partitioning| match partitioning {
        Partitioning::Time { field, .. } => field.as_deref().is_none_or(has),
        Partitioning::Range { field, .. } => has(field),
    });
    let clustering = if old.clustering.iter().all(|name| has(name)) { old.clustering } else { Vec::new() };
    TableDefinition { partitioning, clustering, ..old }
}

fn same_columns(opened: &Opened, fields: &[Field]) -> bool {
    opened.columns.len() == fields.len()
        && opened.columns.iter().zip(fields).all(|(column, field)| {
            column.name == field.name
                && column.column_type == Type::of_field(field)
                && column.required == (field.mode == Mode::Required)
        })
}

/// The descriptions of the DDL file win over older ones.
fn describe(session: &Session<'_>, load: &Load, opened: &Opened, fields: &[Field]) -> Result<(), WarehouseError> {
    if let Some(description) = &load.description {
        session.execute(&format!("COMMENT ON TABLE {} IS {}", opened.storage, text(description)), [])?;
    }
    fields.iter().try_for_each(|field| tables::comment_column(session, &opened.storage, field))
}

/// Appending: columns meet by name; new ones and relaxed ones need their options.
fn extend(session: &Session<'_>, load: &Load, opened: Opened, fields: &[Field]) -> Result<Opened, WarehouseError> {
    let table = &load.table;
    let mut definition = opened.definition.clone();
    let mut changed = false;
    for field in fields {
        match opened.columns.iter().find(|column| column.name.eq_ignore_ascii_case(&field.name)) {
            None if load.options.allow_field_addition && may_be_absent(field) => {
                let sql = format!("ALTER TABLE {} ADD COLUMN {}", opened.storage, tables::column_sql(field));
                session.execute(&sql, [])?;
                tables::comment_column(session, &opened.storage, field)?;
                definition.schema.push(field.clone());
                changed = true;
            }
            None => {
                return Err(invalid(format!(
                    "table {table} has no column `{}`: add it, or allow it with ALLOW_FIELD_ADDITION (as NULLABLE)",
                    field.name
                )));
            }
            Some(column) if column.column_type != Type::of_field(field) => {
                return Err(invalid(format!(
                    "column `{}` of table {table} is {} and the load gives {}",
                    column.name,
                    column.column_type,
                    Type::of_field(field)
                )));
            }
            Some(column) if column.required && may_be_absent(field) => {
                relax(session, load, &opened.storage, &column.name)?;
                let known = definition.schema.iter_mut().find(|known| known.name == column.name);
                known.into_iter().for_each(|known| known.mode = Mode::Nullable);
                changed = true;
            }
            Some(_) => {}
        }
    }
    for column in opened.columns.iter().filter(|column| column.required) {
        if !fields.iter().any(|field| field.name.eq_ignore_ascii_case(&column.name)) {
            relax(session, load, &opened.storage, &column.name)?;
            changed = true;
        }
    }
    if !changed {
        return Ok(opened);
    }
    if ingestion::is_ingestion_time(&definition) {
        ingestion::make_view(session, table, &definition)?;
    }
    let expires = tables::lookup(session, table)?.and_then(|registered| registered.expires);
    tables::register(session, table, &definition, expires)?;
    write::just_created(session, table)
}

fn relax(session: &Session<'_>, load: &Load, storage: &str, column: &str) -> Result<(), WarehouseError> {
    if !load.options.allow_field_relaxation {
        return Err(invalid(format!(
            "column `{column}` of table {} is REQUIRED and the load's schema does not say so: declare it REQUIRED, or allow ALLOW_FIELD_RELAXATION",
            load.table
        )));
    }
    session.execute(&format!("ALTER TABLE {storage} ALTER COLUMN {} DROP NOT NULL", quote(column)), [])?;
    Ok(())
}

/// The load's fields as the table has them: its spelling of names, and REQUIRED where it is.
pub(crate) fn columns(fields: &[Field], opened: &Opened) -> Vec<Field> {
    let column = |field: &Field| {
        let stored = opened.columns.iter().find(|column| column.name.eq_ignore_ascii_case(&field.name));
        let name = stored.map_or(&field.name, |column| &column.name).clone();
        let mode = match stored {
            Some(column) if column.required => Mode::Required,
            _ if field.mode == Mode::Repeated => Mode::Repeated,
            _ => Mode::Nullable,
        };
        Field { name, mode, ..field.clone() }
    };
    fields.iter().map(column).collect()
}
