//! Values of any type on their way to a Rust function: packed into one STRUCT, with a description of their types.
//!
//! Packed values may be NULL, and types that do not travel by themselves are written as text.

use super::Call;
use crate::googlesql::{
    coerce,
    error::{At, Result, unsupported},
    native,
    scope::{Ex, text},
    types::{StructField, Type, duckdb_field_names},
};

/// Who reads a TIMESTAMP: JSON wants it in UTC, FORMAT as a cast has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    Json,
    Text,
}

/// The STRUCT and the description of its type, as two arguments.
pub(super) fn packed(values: &[Ex], reader: For, at: At) -> Result<String> {
    let mut members = Vec::with_capacity(values.len());
    let mut fields = Vec::with_capacity(values.len());
    for (i, ex) in values.iter().enumerate() {
        if !ex.ty.is_known() {
            return Err(unsupported(format!("a value of type {} here", ex.ty), at));
        }
        let sql = coerce::to(ex.clone(), &ex.ty, at)?;
        members.push(format!("a{i} := {}", portable(&sql, &ex.ty, reader)));
        fields.push(StructField { name: format!("a{i}"), field_type: ex.ty.clone() });
    }
    // A STRUCT has at least one field.
    if members.is_empty() {
        members.push("a := true".to_owned());
        fields.push(StructField { name: "a".into(), field_type: Type::Bool });
    }
    Ok(format!("struct_pack({}), {}", members.join(", "), text(&native::describe(&Type::Struct(fields)))))
}

/// One value and the description of its own type.
pub(super) fn single(call: &Call, index: usize, reader: For) -> Result<String> {
    let ex = call.arg(index)?;
    if !ex.ty.is_known() {
        return Err(unsupported(format!("a value of type {} here", ex.ty), call.at));
    }
    let sql = coerce::to(ex.clone(), &ex.ty, call.at)?;
    let value = portable(&sql, &ex.ty, reader);
    Ok(format!("struct_pack(v := {value}), {}", text(&native::describe(&ex.ty))))
}

fn portable(sql: &str, ty: &Type, reader: For) -> String {
    if !needs_text(ty, reader) {
        return sql.to_owned();
    }
    match ty {
        Type::Numeric | Type::Json => format!("CAST({sql} AS VARCHAR)"),
        Type::BigNumeric => format!("gs_bignumeric_to_string({sql})"),
        Type::Interval => format!("gs_interval_to_string({sql})"),
        Type::Timestamp => format!("gs_timestamp_to_string({sql})"),
        Type::Array(element) => format!("list_transform({sql}, lambda e: {})", portable("e", element, reader)),
        Type::Struct(fields) => {
            let names = duckdb_field_names(fields);
            let member = |(i, (f, name)): (usize, (&StructField, String))| {
                format!("f{i} := {}", portable(&format!("struct_extract(s, {})", text(&name)), &f.field_type, reader))
            };
            let members: Vec<String> = fields.iter().zip(names).enumerate().map(member).collect();
            format!(
                "list_transform([{sql}], lambda s: CASE WHEN s IS NULL THEN NULL ELSE struct_pack({}) END)[1]",
                members.join(", ")
            )
        }
        _ => sql.to_owned(),
    }
}

fn needs_text(ty: &Type, reader: For) -> bool {
    match ty {
        Type::Numeric | Type::BigNumeric | Type::Interval | Type::Json => true,
        Type::Timestamp => reader == For::Text,
        Type::Array(element) => needs_text(element, reader),
        Type::Struct(fields) => fields.iter().any(|f| needs_text(&f.field_type, reader)),
        _ => false,
    }
}
