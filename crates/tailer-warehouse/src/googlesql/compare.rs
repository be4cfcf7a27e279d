//! `=`, `<`, `IN`, `BETWEEN`, `IS DISTINCT FROM`.
//!
//! DuckDB holds NaN equal to itself and greater than all numbers, and NULL fields of structs comparable; GoogleSQL does neither.

use sqlparser::ast::{BinaryOperator, Expr, InTarget};

use super::{
    coerce,
    error::{At, Result, invalid, place, unsupported},
    quote,
    scope::{Env, Ex, Literal, text},
    translator::Translator,
    types::{Type, duckdb_field_names},
};

pub(super) fn equal(left: Ex, right: Ex, at: At) -> Result<String> {
    comparison(left, &BinaryOperator::Eq, right, at)
}

/// A comparison as BOOL.
pub(super) fn comparison(left: Ex, op: &BinaryOperator, right: Ex, at: At) -> Result<String> {
    let literal = |e: &Ex| matches!(e.literal, Literal::Int(_) | Literal::Float(_));
    let (left_literal, right_literal) = (literal(&left), literal(&right));
    let types = (left.ty.clone(), right.ty.clone());
    let (sql, ty) = coerce::unify(vec![left, right], &format!("{op}"), at)?;
    let [l, r] = sql.as_slice() else { return Err(invalid("a comparison has two sides", at)) };
    let mixed_exact = matches!(types, (Type::Int64, Type::Float64) | (Type::Float64, Type::Int64));
    if mixed_exact && !left_literal && !right_literal {
        return Ok(format!("gs_compare_float({l}, {r}, {})", text(&op.to_string())));
    }
    compared(l, op, r, &ty, (left_literal, right_literal), at)
}

fn compared(l: &str, op: &BinaryOperator, r: &str, ty: &Type, literals: (bool, bool), at: At) -> Result<String> {
    let is_equality = matches!(op, BinaryOperator::Eq | BinaryOperator::NotEq);
    match ty {
        Type::Struct(fields) if is_equality => {
            let names = duckdb_field_names(fields);
            let mut parts = Vec::with_capacity(fields.len());
            for (field, name) in fields.iter().zip(names) {
                let of = |side: &str| format!("struct_extract({side}, {})", text(&name));
                parts.push(compared(&of(l), &BinaryOperator::Eq, &of(r), &field.field_type, (false, false), at)?);
            }
            if parts.is_empty() {
                return Err(unsupported("comparison of STRUCTs without fields", at));
            }
            let all = parts.join(" AND ");
            Ok(if *op == BinaryOperator::Eq { format!("({all})") } else { format!("(NOT ({all}))") })
        }
        Type::Array(_) | Type::Struct(_) | Type::Json | Type::Other(_) => {
            Err(invalid(format!("{op} is not defined for values of type {ty}"), at))
        }
        Type::Float64 => {
            // A literal is not NaN; then the engine's own comparison is right where NaN fails it.
            let plain = match op {
                BinaryOperator::Eq | BinaryOperator::NotEq => literals.0 || literals.1,
                BinaryOperator::Lt | BinaryOperator::LtEq => literals.1,
                _ => literals.0,
            };
            if plain {
                return Ok(format!("({l} {op} {r})"));
            }
            Ok(format!("gs_compare_float({l}, {r}, {})", text(&op.to_string())))
        }
        _ => Ok(format!("({l} {op} {r})")),
    }
}

impl Translator<'_> {
    pub(super) fn between(&mut self, expr: &Expr, low: &Expr, high: &Expr, negated: bool, env: &Env<'_>) -> Result<Ex> {
        let at = place(expr);
        let value = self.expr(expr, env)?;
        let low = self.expr(low, env)?;
        let high = self.expr(high, env)?;
        let low = comparison(value.clone(), &BinaryOperator::GtEq, low, at)?;
        let high = comparison(value, &BinaryOperator::LtEq, high, at)?;
        let not = if negated { "NOT " } else { "" };
        Ok(Ex::new(format!("({not}({low} AND {high}))"), Type::Bool))
    }

    pub(super) fn is_in(&mut self, expr: &Expr, target: &InTarget, negated: bool, env: &Env<'_>) -> Result<Ex> {
        let at = place(expr);
        let value = self.expr(expr, env)?;
        let sql = match target {
            InTarget::List(list) => {
                let mut values = Vec::with_capacity(list.len());
                for item in list {
                    values.push(self.expr(item, env)?);
                }
                in_list(value, values, at)?
            }
            InTarget::Subquery(query) => {
                let output = self.query(query, Some(env))?;
                let [column] = output.columns.as_slice() else {
                    return Err(invalid("a subquery after IN gives one column", at));
                };
                let side = Ex { sql: String::new(), ty: column.ty.clone(), literal: column.literal.clone() };
                let Some(ty) = coerce::common(&[value.clone(), side]) else {
                    return Err(invalid(format!("IN: no common type of {} and {}", value.ty, column.ty), at));
                };
                if matches!(ty, Type::Struct(_)) {
                    let (own, alias) = (quote(&self.alias()), quote(&column.alias));
                    let side = Ex::new(format!("{own}.{alias}"), column.ty.clone());
                    let same = equal(value, side, at)?;
                    let sql = super::like::joined(&same, &format!("({}) AS {own}", output.sql), false);
                    return Ok(Ex::new(if negated { format!("(NOT {sql})") } else { sql }, Type::Bool));
                }
                let alias = quote(&column.alias);
                let output = self.cast_columns(output, std::slice::from_ref(&ty), at)?;
                let value = coerce::to(value, &ty, at)?;
                if ty == Type::Float64 {
                    let own = self.alias();
                    format!(
                        "({value} IN (SELECT {own}.{alias} FROM ({}) AS {own} WHERE isnan({own}.{alias}) IS NOT TRUE))",
                        output.sql
                    )
                } else {
                    format!("({value} IN ({}))", output.sql)
                }
            }
            InTarget::Unnest(array) => {
                let array = self.expr(array, env)?;
                in_array(value, array, at)?
            }
            InTarget::Table { .. } => return Err(invalid("IN wants a list, a subquery or UNNEST(array)", at)),
        };
        Ok(Ex::new(if negated { format!("(NOT {sql})") } else { sql }, Type::Bool))
    }

    pub(super) fn is_distinct(&mut self, left: &Expr, right: &Expr, negated: bool, env: &Env<'_>) -> Result<Ex> {
        let at = place(left);
        let sides = vec![self.expr(left, env)?, self.expr(right, env)?];
        let (sql, ty) = coerce::unify(sides, "IS DISTINCT FROM", at)?;
        if !ty.can_group() {
            return Err(invalid(format!("IS DISTINCT FROM is not defined for values of type {ty}"), at));
        }
        let op = if negated { "IS NOT DISTINCT FROM" } else { "IS DISTINCT FROM" };
        Ok(Ex::new(format!("({})", sql.join(&format!(" {op} "))), Type::Bool))
    }
}

fn in_list(value: Ex, list: Vec<Ex>, at: At) -> Result<String> {
    let Some(ty) = coerce::common(&[vec![value.clone()], list.clone()].concat()) else {
        return Err(invalid(format!("IN: the list has no common type with {}", value.ty), at));
    };
    let careful =
        matches!(ty, Type::Struct(_)) || (ty == Type::Float64 && list.iter().any(|e| e.literal == Literal::No));
    if careful {
        let parts = list.into_iter().map(|e| equal(value.clone(), e, at)).collect::<Result<Vec<_>>>()?;
        return Ok(format!("({})", parts.join(" OR ")));
    }
    if !ty.can_group() || matches!(ty, Type::Array(_)) {
        return Err(invalid(format!("IN is not defined for values of type {ty}"), at));
    }
    let value = coerce::to(value, &ty, at)?;
    let list = list.into_iter().map(|e| coerce::to(e, &ty, at)).collect::<Result<Vec<_>>>()?;
    Ok(format!("({value} IN ({}))", list.join(", ")))
}

/// Membership: NULL when nothing matches and the array holds a NULL, FALSE when there is no array.
fn in_array(value: Ex, array: Ex, at: At) -> Result<String> {
    let element = match &array.ty {
        Type::Array(element) => element.as_ref().clone(),
        _ if array.is_null() => return Ok("false".into()),
        other => return Err(invalid(format!("IN UNNEST wants an ARRAY, found {other}"), at)),
    };
    let side = Ex::new(String::new(), element);
    let Some(ty) = coerce::common(&[value.clone(), side]) else {
        return Err(invalid(format!("IN UNNEST: {} is not the type of the elements", value.ty), at));
    };
    if matches!(ty, Type::Struct(_) | Type::Float64) {
        let Type::Array(element) = &array.ty else { return Err(invalid("IN UNNEST wants an ARRAY", at)) };
        let same = equal(value, Ex::new("e", element.as_ref().clone()), at)?;
        return Ok(format!("gs_any(list_transform({}, lambda e: {same}))", array.sql));
    }
    let value = coerce::to(value, &ty, at)?;
    let array = coerce::to(array, &Type::array(ty), at)?;
    Ok(format!("gs_in_array({value}, {array})"))
}
