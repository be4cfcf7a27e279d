//! `SET a = 1, b.c = 2`: what UPDATE and MERGE assign to columns and to fields of STRUCTs.

use sqlparser::ast::{Assignment, AssignmentTarget, Expr, Ident};

use super::{
    coerce,
    dml::Target,
    error::{Result, hint, invalid, place, unsupported},
    quote,
    scope::{Env, text},
    translator::Translator,
    types::{Type, duckdb_field_names},
};

/// What becomes of a column or of a field.
enum Change {
    Value(String),
    /// Some fields change, by their place; the others stay.
    Fields(Vec<(usize, Change)>),
}

/// A column's name, type and change.
struct Changed {
    column: String,
    ty: Type,
    change: Change,
}

impl Translator<'_> {
    /// Names of columns and their new values; `DEFAULT` stands for itself.
    pub(super) fn assignments(
        &mut self,
        assignments: &[Assignment],
        target: &Target,
        env: &Env<'_>,
    ) -> Result<Vec<(String, String)>> {
        let mut all: Vec<Changed> = Vec::with_capacity(assignments.len());
        for Assignment { target: left, value } in assignments {
            let AssignmentTarget::ColumnName(path) = left else {
                return Err(invalid("SET takes one column at a time", place(value)));
            };
            let idents: Vec<&Ident> = path.0.iter().filter_map(|p| p.as_ident()).collect();
            let idents = match idents.as_slice() {
                [table, rest @ ..] if !rest.is_empty() && target.names.variable(&table.value).is_some() => rest,
                all => all,
            };
            let Some((column, fields)) = idents.split_first() else {
                return Err(invalid("SET wants a column", place(value)));
            };
            let (name, ty) = target.column(column)?;
            let (name, ty) = (name.to_string(), ty.clone());
            let index = all.iter().position(|c| c.column == name);
            let index = index.unwrap_or_else(|| {
                all.push(Changed { column: name.clone(), ty: ty.clone(), change: Change::Fields(Vec::new()) });
                all.len() - 1
            });
            let twice = || invalid(format!("{} is set twice", column.value), column.span.start);
            let steps = steps(&ty, fields)?;
            let new = self.new_value(value, steps.last().map_or(&ty, |(_, ty)| ty), steps.is_empty(), env)?;
            let Some(entry) = all.get_mut(index) else { continue };
            if !put(&mut entry.change, &steps, new) {
                return Err(twice());
            }
        }
        let row = |name: &str| format!("{}.{}", quote(&target.own), quote(name));
        all.into_iter().map(|c| Ok((c.column.clone(), written(&row(&c.column), &c.ty, &c.change)))).collect()
    }

    fn new_value(&mut self, value: &Expr, ty: &Type, is_column: bool, env: &Env<'_>) -> Result<String> {
        if !super::dml::is_default(value) {
            let ex = self.expr(value, env)?;
            return coerce::to(ex, ty, place(value));
        }
        Ok(if is_column { "DEFAULT".into() } else { format!("CAST(NULL AS {})", ty.duckdb()) })
    }
}

/// The places of fields on a path into a STRUCT, each with the field's type.
fn steps(ty: &Type, path: &[&Ident]) -> Result<Vec<(usize, Type)>> {
    let mut steps = Vec::with_capacity(path.len());
    let mut here = ty.clone();
    for ident in path {
        let Type::Struct(fields) = &here else {
            let message = format!("cannot set field {} of a value of type {here}", ident.value);
            return Err(if matches!(here, Type::Json) {
                unsupported("SET of a part of a JSON value", ident.span.start)
            } else {
                invalid(message, ident.span.start)
            });
        };
        let found = fields.iter().position(|f| f.name.eq_ignore_ascii_case(&ident.value));
        let Some((index, field)) = found.and_then(|i| Some((i, fields.get(i)?))) else {
            let hint = hint(&ident.value, fields.iter().map(|f| f.name.as_str()));
            return Err(invalid(format!("field {} does not exist in {here}{hint}", ident.value), ident.span.start));
        };
        let next = field.field_type.clone();
        steps.push((index, next.clone()));
        here = next;
    }
    Ok(steps)
}

/// Puts a new value at the end of a path; false when the path or a part of it is set already.
fn put(change: &mut Change, steps: &[(usize, Type)], value: String) -> bool {
    let Change::Fields(fields) = change else { return false };
    let Some(((index, _), rest)) = steps.split_first() else {
        let fresh = fields.is_empty();
        *change = Change::Value(value);
        return fresh;
    };
    let position = fields.iter().position(|(i, _)| i == index).unwrap_or_else(|| {
        fields.push((*index, Change::Fields(Vec::new())));
        fields.len() - 1
    });
    fields.get_mut(position).is_some_and(|(_, inner)| put(inner, rest, value))
}

/// The new value of a column or field whose old value is some SQL.
fn written(old: &str, ty: &Type, change: &Change) -> String {
    let (Change::Fields(changes), Type::Struct(fields)) = (change, ty) else {
        return match change {
            Change::Value(value) => value.clone(),
            Change::Fields(_) => old.to_string(),
        };
    };
    let mut parts = Vec::with_capacity(fields.len());
    for (i, (field, name)) in fields.iter().zip(duckdb_field_names(fields)).enumerate() {
        let value = format!("struct_extract({old}, {})", text(&name));
        let value = match changes.iter().find(|(index, _)| *index == i) {
            Some((_, change)) => written(&value, &field.field_type, change),
            None => value,
        };
        parts.push(format!("{} := {value}", quote(&name)));
    }
    format!(
        "CASE WHEN {old} IS NULL THEN CAST('googlesql: cannot set a field of a STRUCT that is NULL' AS {}) ELSE struct_pack({}) END",
        ty.duckdb(),
        parts.join(", ")
    )
}
