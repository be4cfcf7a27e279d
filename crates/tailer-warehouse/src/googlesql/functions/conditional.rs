//! IF, COALESCE and their like.

use super::{Call, Code, Template};
use crate::googlesql::{
    coerce, compare,
    error::{Result, invalid},
    scope::Ex,
    types::Type,
};

pub(super) const TEMPLATES: &[Template] =
    &[("SESSION_USER", "", "STRING", "current_user"), ("ERROR", "STRING", "INT64", "error({0})")];

pub(super) const CODE: &[(&str, Code)] = &[
    ("IF", choose),
    ("IFERROR", |c| {
        c.expect("IFERROR", 2..=2)?;
        let (sql, ty) = coerce::unify(c.args.clone(), "IFERROR", c.at)?;
        let [tried, otherwise] = sql.as_slice() else { return Err(invalid("IFERROR takes two arguments", c.at)) };
        Ok(Ex::new(format!("(CASE WHEN TRY([{tried}]) IS NULL THEN {otherwise} ELSE TRY([{tried}])[1] END)"), ty))
    }),
    ("ISERROR", |c| {
        c.expect("ISERROR", 1..=1)?;
        Ok(Ex::new(format!("(TRY([{}]) IS NULL)", c.arg(0)?.sql), Type::Bool))
    }),
    ("NULLIFERROR", |c| {
        c.expect("NULLIFERROR", 1..=1)?;
        let arg = c.arg(0)?;
        Ok(Ex::new(format!("TRY({})", coerce::to(arg.clone(), &arg.ty, c.at)?), arg.ty.clone()))
    }),
    ("IFNULL", |c| {
        c.expect("IFNULL", 2..=2)?;
        coalesce(c)
    }),
    ("COALESCE", coalesce),
    ("NULLIF", nullif),
    ("ZEROIFNULL", |c| {
        c.expect("ZEROIFNULL", 1..=1)?;
        let arg = c.arg(0)?;
        Ok(Ex::new(format!("coalesce({}, 0)", arg.sql), arg.ty.clone()))
    }),
];

fn choose(call: &Call) -> Result<Ex> {
    call.expect("IF", 3..=3)?;
    let condition = call.typed(0, &Type::Bool)?;
    let branches = vec![call.arg(1)?.clone(), call.arg(2)?.clone()];
    let (sql, ty) = coerce::unify(branches, "IF", call.at)?;
    let [yes, no] = sql.as_slice() else { return Err(invalid("IF takes three arguments", call.at)) };
    Ok(Ex::new(format!("(CASE WHEN {condition} THEN {yes} ELSE {no} END)"), ty))
}

fn coalesce(call: &Call) -> Result<Ex> {
    if call.args.is_empty() {
        return Err(invalid("COALESCE takes at least one argument", call.at));
    }
    let (sql, ty) = coerce::unify(call.args.clone(), "COALESCE", call.at)?;
    Ok(Ex::new(format!("coalesce({})", sql.join(", ")), ty))
}

fn nullif(call: &Call) -> Result<Ex> {
    call.expect("NULLIF", 2..=2)?;
    let (left, right) = (call.arg(0)?, call.arg(1)?);
    let condition = compare::equal(left.clone(), right.clone(), call.at)?;
    let Some(ty) = coerce::common(&[left.clone(), right.clone()]) else {
        return Err(invalid(format!("NULLIF: no common type of {} and {}", left.ty, right.ty), call.at));
    };
    let left = coerce::to(left.clone(), &ty, call.at)?;
    Ok(Ex::new(format!("(CASE WHEN {condition} THEN NULL ELSE {left} END)"), ty))
}
