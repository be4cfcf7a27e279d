//! INTERVAL as a value: literals, constructors, parts.

use sqlparser::ast::{Expr, Interval};

use super::{Call, Code, Part, Template, dates::amount};
use crate::googlesql::{
    error::{At, Result, invalid, place, unsupported},
    native::intervals::{self, Interval as Parts},
    scope::{Env, Ex, Literal},
    translator::Translator,
    types::Type,
};

pub(super) const TEMPLATES: &[Template] = &[
    ("JUSTIFY_DAYS", "INTERVAL", "INTERVAL", "gs_interval(gsn_interval_justify(gs_interval_parts({0}), 'days'))"),
    ("JUSTIFY_HOURS", "INTERVAL", "INTERVAL", "gs_interval(gsn_interval_justify(gs_interval_parts({0}), 'hours'))"),
    (
        "JUSTIFY_INTERVAL",
        "INTERVAL",
        "INTERVAL",
        "gs_interval(gsn_interval_justify(gs_interval_parts({0}), 'interval'))",
    ),
];

pub(super) const CODE: &[(&str, Code)] = &[("MAKE_INTERVAL", make)];

/// `MAKE_INTERVAL([year][, month][, day][, hour][, minute][, second])`, by place or by name.
fn make(call: &Call) -> Result<Ex> {
    const UNITS: [&str; 6] = ["year", "month", "day", "hour", "minute", "second"];
    call.expect("MAKE_INTERVAL", 0..=6)?;
    let mut parts = Vec::with_capacity(6);
    for (i, unit) in UNITS.iter().enumerate() {
        let given = call.args.get(i);
        if given.is_some() && call.named(unit).is_some() {
            return Err(invalid(format!("MAKE_INTERVAL: {unit} is given twice"), call.at));
        }
        parts.push(match given.or(call.named(unit)) {
            Some(ex) => crate::googlesql::coerce::to(ex.clone(), &Type::Int64, call.at)?,
            None => "0::BIGINT".to_owned(),
        });
    }
    Ok(Ex::new(format!("gs_interval(gsn_interval_make({}))", parts.join(", ")), Type::Interval))
}

/// `INTERVAL '…' unit [TO unit]` and `INTERVAL n unit`.
pub(in super::super) fn interval(t: &mut Translator<'_>, interval: &Interval, env: &Env<'_>) -> Result<Ex> {
    let at = place(&interval.value);
    let name = |field: &Option<sqlparser::ast::DateTimeField>| field.as_ref().map(ToString::to_string);
    if let (Some(value), Some(from)) = (literal(&interval.value), name(&interval.leading_field)) {
        let to = name(&interval.last_field).unwrap_or_else(|| from.clone());
        let parts = intervals::read(value.trim(), &from.to_uppercase(), &to.to_uppercase());
        return Ok(constant(parts.map_err(|message| invalid(message, at))?));
    }
    let (amount, unit) = amount(t, interval, env)?;
    Ok(Ex::new(span(&amount, unit, at)?, Type::Interval))
}

fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            sqlparser::ast::Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// An interval that is known here.
pub(in super::super) fn constant(parts: Parts) -> Ex {
    let sql = format!(
        "(to_months({}::INTEGER) + to_days({}::INTEGER) + to_microseconds({}::BIGINT))",
        number(parts.months),
        number(parts.days),
        number(parts.micros)
    );
    Ex::new(sql, Type::Interval)
}

fn number(n: i64) -> String {
    format!("'{n}'")
}

/// DuckDB's interval of an amount and a unit.
pub(super) fn span(amount: &str, unit: Part, at: At) -> Result<String> {
    if let Some(months) = unit.months() {
        return Ok(format!("to_months(CAST({amount} * {months} AS INTEGER))"));
    }
    match unit {
        Part::Week(0) => Ok(format!("to_days(CAST({amount} * 7 AS INTEGER))")),
        Part::Day => Ok(format!("to_days(CAST({amount} AS INTEGER))")),
        other => match other.microseconds() {
            Some(length) => Ok(format!("to_microseconds({amount} * {length})")),
            None => Err(invalid(format!("{other:?} is no unit of an INTERVAL"), at)),
        },
    }
}

/// `EXTRACT(part FROM interval)`.
pub(super) fn extract(value: &Ex, part: Part, at: At) -> Result<Ex> {
    let name = match part {
        Part::Year
        | Part::Month
        | Part::Day
        | Part::Hour
        | Part::Minute
        | Part::Second
        | Part::Millisecond
        | Part::Microsecond => format!("{part:?}").to_uppercase(),
        other => return Err(invalid(format!("an INTERVAL has no part {other:?}"), at)),
    };
    Ok(Ex::new(format!("gsn_interval_extract(gs_interval_parts({}), '{name}')", value.sql), Type::Int64))
}

/// `interval * n`, `n * interval`, `interval / n`.
pub(in super::super) fn scaled(interval: &Ex, by: &Ex, sign: char, at: At) -> Result<Ex> {
    if by.ty != Type::Int64 || by.literal == Literal::Null {
        return Err(unsupported(format!("INTERVAL {sign} {}", by.ty), at));
    }
    let sql = format!("gs_interval(gsn_interval_scale(gs_interval_parts({}), {}, '{sign}'))", interval.sql, by.sql);
    Ok(Ex::new(sql, Type::Interval))
}
