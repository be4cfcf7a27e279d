//! Implicit conversion: what GoogleSQL does without being asked, as DuckDB SQL.

use super::{
    cast,
    error::{At, Result, invalid},
    native::decimal::{self, Kind},
    query::widest,
    quote,
    scope::{Ex, Literal, text},
    temporal,
    types::{Type, coerces, duckdb_field_names},
};

/// Whether an expression may stand where a type is wanted.
pub(super) fn can(ex: &Ex, ty: &Type) -> bool {
    if coerces(&ex.ty, ty) {
        return true;
    }
    match &ex.literal {
        Literal::Null => true,
        Literal::EmptyArray => matches!(ty, Type::Array(_)),
        Literal::Float(_) => matches!(ty, Type::Numeric | Type::BigNumeric),
        Literal::Text(_) => matches!(ty, Type::Date | Type::Datetime | Type::Timestamp | Type::Time),
        Literal::Int(_) | Literal::Part(_) | Literal::No => false,
    }
}

/// The type that expressions have in common. Literals give way to others; only NULLs make INT64.
pub(super) fn common(exs: &[Ex]) -> Option<Type> {
    let typed = |literals: bool| {
        let chosen = exs.iter().filter(move |e| match e.literal {
            Literal::Null | Literal::EmptyArray => false,
            Literal::No => true,
            _ => literals,
        });
        chosen.map(|e| &e.ty)
    };
    let fits = |ty: &Type| exs.iter().all(|e| can(e, ty));
    if let Some(ty) = widest(typed(false)).filter(fits) {
        return Some(ty);
    }
    if let Some(ty) = widest(typed(true)).filter(fits) {
        return Some(ty);
    }
    if typed(true).next().is_some() {
        return None;
    }
    exs.iter().find(|e| e.literal == Literal::EmptyArray).or(exs.first()).map(|e| e.ty.clone())
}

/// The expression as a value of a type, which it has to coerce to.
pub(super) fn to(ex: Ex, ty: &Type, at: At) -> Result<String> {
    match &ex.literal {
        Literal::Null | Literal::EmptyArray => return Ok(format!("CAST({} AS {})", ex.sql, ty.duckdb())),
        Literal::Text(value) if *ty != Type::String && can(&ex, ty) => return temporal::literal(value, ty, at),
        Literal::Int(digits) if *ty == Type::Float64 => return Ok(format!("'{digits}'::DOUBLE")),
        Literal::Int(digits) | Literal::Float(digits) if *ty == Type::Numeric => {
            return decimal_literal(digits, Kind::Numeric, at);
        }
        Literal::Int(digits) | Literal::Float(digits) if *ty == Type::BigNumeric => {
            return decimal_literal(digits, Kind::BigNumeric, at);
        }
        _ => {}
    }
    if !can(&ex, ty) {
        return Err(invalid(format!("a value of type {} cannot be used as {ty}", ex.ty), at));
    }
    convert(&ex.sql, &ex.ty, ty, at)
}

/// A literal of NUMERIC or BIGNUMERIC, rounded to its scale.
pub(super) fn decimal_literal(digits: &str, kind: Kind, at: At) -> Result<String> {
    let units = decimal::units(digits, kind).map_err(|message| invalid(message, at))?;
    Ok(match kind {
        Kind::Numeric => format!("'{}'::DECIMAL(38,9)", decimal::fixed(&units, kind.scale())),
        Kind::BigNumeric => format!("'{units}'::BIGNUM"),
    })
}

/// As [`to`] for what has become a column: its literal is no longer in the text.
pub(super) fn column_to(ex: Ex, ty: &Type, at: At) -> Result<String> {
    match &ex.literal {
        Literal::Null | Literal::EmptyArray => Ok(format!("CAST(NULL AS {})", ty.duckdb())),
        _ if ex.ty == *ty => Ok(ex.sql),
        Literal::Text(_) | Literal::Float(_) if can(&ex, ty) && !coerces(&ex.ty, ty) => {
            cast::convert(&ex.sql, &ex.ty, ty, at)
        }
        _ => convert(&ex.sql, &ex.ty, ty, at),
    }
}

/// Both sides as values of their common type.
pub(super) fn unify(exs: Vec<Ex>, what: &str, at: At) -> Result<(Vec<String>, Type)> {
    let Some(ty) = common(&exs) else {
        let types: Vec<String> = exs.iter().map(|e| e.ty.to_string()).collect();
        return Err(invalid(format!("{what}: no common type of {}", types.join(", ")), at));
    };
    let sql = exs.into_iter().map(|e| to(e, &ty, at)).collect::<Result<Vec<_>>>()?;
    Ok((sql, ty))
}

fn convert(sql: &str, from: &Type, to: &Type, at: At) -> Result<String> {
    if from == to || from.duckdb() == to.duckdb() {
        return Ok(sql.to_string());
    }
    match (from, to) {
        (Type::Struct(_), Type::Struct(_)) => rebuild_struct(sql, from, to, &|s, f, t| convert(s, f, t, at)),
        (Type::Array(f), Type::Array(t)) => Ok(format!("list_transform({sql}, lambda e: {})", convert("e", f, t, at)?)),
        _ => cast::convert(sql, from, to, at),
    }
}

/// A STRUCT with each field converted: DuckDB's own cast goes by name, GoogleSQL's by place.
pub(super) fn rebuild_struct(
    sql: &str,
    from: &Type,
    to: &Type,
    field: &dyn Fn(&str, &Type, &Type) -> Result<String>,
) -> Result<String> {
    let (Type::Struct(from), Type::Struct(to)) = (from, to) else {
        return Ok(sql.to_string());
    };
    let (old, new) = (duckdb_field_names(from), duckdb_field_names(to));
    let mut parts = Vec::with_capacity(to.len());
    for (((f, t), old), new) in from.iter().zip(to).zip(old).zip(new) {
        let value = field(&format!("struct_extract(s, {})", text(&old)), &f.field_type, &t.field_type)?;
        parts.push(format!("{} := {value}", quote(&new)));
    }
    Ok(format!(
        "list_transform([{sql}], lambda s: CASE WHEN s IS NULL THEN NULL ELSE struct_pack({}) END)[1]",
        parts.join(", ")
    ))
}
