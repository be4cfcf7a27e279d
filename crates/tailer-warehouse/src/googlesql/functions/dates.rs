//! DATE, TIME, DATETIME, TIMESTAMP and INTERVAL: parts, arithmetic, constructors. The default zone is UTC.

use sqlparser::ast::{DateTimeField, Expr, Interval};

use super::{
    Call, Code, Part, Template,
    intervals::{self, span},
    json, part_of,
};
use crate::googlesql::{
    coerce,
    error::{Result, invalid, place, unsupported},
    scope::{Env, Ex, Literal},
    translator::Translator,
    types::Type,
};

pub(super) const TEMPLATES: &[Template] = &[
    ("CURRENT_DATE", "", "DATE", "CAST((now() AT TIME ZONE gs_zone()) AS DATE)"),
    ("CURRENT_DATE", "STRING", "DATE", "CAST(gs_to_local(now(), {0}) AS DATE)"),
    ("CURRENT_DATETIME", "", "DATETIME", "(now() AT TIME ZONE gs_zone())"),
    ("CURRENT_DATETIME", "STRING", "DATETIME", "gs_to_local(now(), {0})"),
    ("CURRENT_TIME", "", "TIME", "CAST((now() AT TIME ZONE gs_zone()) AS TIME)"),
    ("CURRENT_TIME", "STRING", "TIME", "CAST(gs_to_local(now(), {0}) AS TIME)"),
    ("CURRENT_TIMESTAMP", "", "TIMESTAMP", "now()"),
    ("DATE", "INT64 INT64 INT64", "DATE", "make_date({0}, {1}, {2})"),
    ("DATE", "DATE", "DATE", "{0}"),
    ("DATE", "DATETIME", "DATE", "CAST({0} AS DATE)"),
    ("DATE", "TIMESTAMP", "DATE", "CAST(({0} AT TIME ZONE gs_zone()) AS DATE)"),
    ("DATE", "TIMESTAMP STRING", "DATE", "CAST(gs_to_local({0}, {1}) AS DATE)"),
    ("DATE", "STRING", "DATE", "gs_string_to_date({0})"),
    (
        "DATETIME",
        "INT64 INT64 INT64 INT64 INT64 INT64",
        "DATETIME",
        "make_timestamp({0}, {1}, {2}, {3}, {4}, CAST({5} AS DOUBLE))",
    ),
    ("DATETIME", "DATETIME", "DATETIME", "{0}"),
    ("DATETIME", "DATE", "DATETIME", "CAST({0} AS TIMESTAMP)"),
    ("DATETIME", "DATE TIME", "DATETIME", "({0} + {1})"),
    ("DATETIME", "TIMESTAMP", "DATETIME", "({0} AT TIME ZONE gs_zone())"),
    ("DATETIME", "TIMESTAMP STRING", "DATETIME", "gs_to_local({0}, {1})"),
    ("DATETIME", "STRING", "DATETIME", "gs_string_to_datetime({0})"),
    ("TIME", "INT64 INT64 INT64", "TIME", "make_time({0}, {1}, CAST({2} AS DOUBLE))"),
    ("TIME", "TIME", "TIME", "{0}"),
    ("TIME", "DATETIME", "TIME", "CAST({0} AS TIME)"),
    ("TIME", "TIMESTAMP", "TIME", "CAST(({0} AT TIME ZONE gs_zone()) AS TIME)"),
    ("TIME", "TIMESTAMP STRING", "TIME", "CAST(gs_to_local({0}, {1}) AS TIME)"),
    ("TIMESTAMP", "TIMESTAMP", "TIMESTAMP", "{0}"),
    ("TIMESTAMP", "STRING", "TIMESTAMP", "gs_string_to_timestamp({0})"),
    ("TIMESTAMP", "DATE", "TIMESTAMP", "(CAST({0} AS TIMESTAMP) AT TIME ZONE gs_zone())"),
    ("TIMESTAMP", "DATE STRING", "TIMESTAMP", "gs_of_local(CAST({0} AS TIMESTAMP), {1})"),
    ("TIMESTAMP", "DATETIME", "TIMESTAMP", "({0} AT TIME ZONE gs_zone())"),
    ("TIMESTAMP", "DATETIME STRING", "TIMESTAMP", "gs_of_local({0}, {1})"),
    ("TIMESTAMP", "STRING STRING", "TIMESTAMP", "gs_of_local(gs_string_to_datetime({0}), {1})"),
    ("UNIX_DATE", "DATE", "INT64", "CAST(date_diff('day', DATE '1970-01-01', {0}) AS BIGINT)"),
    ("DATE_FROM_UNIX_DATE", "INT64", "DATE", "gs_check_date(DATE '1970-01-01' + CAST({0} AS INTEGER))"),
    ("UNIX_SECONDS", "TIMESTAMP", "INT64", "gs_floor_div(epoch_us({0}), 1000000)"),
    ("UNIX_MILLIS", "TIMESTAMP", "INT64", "gs_floor_div(epoch_us({0}), 1000)"),
    ("UNIX_MICROS", "TIMESTAMP", "INT64", "epoch_us({0})"),
    ("TIMESTAMP_SECONDS", "INT64", "TIMESTAMP", "gs_check_timestamp(make_timestamptz({0} * 1000000))"),
    ("TIMESTAMP_MILLIS", "INT64", "TIMESTAMP", "gs_check_timestamp(make_timestamptz({0} * 1000))"),
    ("TIMESTAMP_MICROS", "INT64", "TIMESTAMP", "gs_check_timestamp(make_timestamptz({0}))"),
];

pub(super) const CODE: &[(&str, Code)] = &[
    ("STRING", string),
    ("DATE_TRUNC", |c| trunc(c, &[Type::Date, Type::Datetime, Type::Timestamp])),
    ("DATETIME_TRUNC", |c| trunc(c, &[Type::Datetime])),
    ("TIMESTAMP_TRUNC", |c| trunc(c, &[Type::Timestamp])),
    ("DATE_DIFF", |c| diff(c, &[Type::Date, Type::Datetime, Type::Timestamp])),
    ("DATETIME_DIFF", |c| diff(c, &[Type::Datetime])),
    ("TIMESTAMP_DIFF", |c| diff(c, &[Type::Timestamp])),
    ("TIME_DIFF", |c| diff(c, &[Type::Time])),
    ("DATE_ADD", |c| add(c, &[Type::Date, Type::Datetime, Type::Timestamp], "")),
    ("DATE_SUB", |c| add(c, &[Type::Date, Type::Datetime, Type::Timestamp], "-")),
    ("DATETIME_ADD", |c| add(c, &[Type::Datetime], "")),
    ("DATETIME_SUB", |c| add(c, &[Type::Datetime], "-")),
    ("TIMESTAMP_ADD", |c| add(c, &[Type::Timestamp], "")),
    ("TIMESTAMP_SUB", |c| add(c, &[Type::Timestamp], "-")),
    ("TIME_ADD", |c| add(c, &[Type::Time], "")),
    ("TIME_SUB", |c| add(c, &[Type::Time], "-")),
    ("LAST_DAY", last_day),
    ("GENERATE_DATE_ARRAY", generate_dates),
];

/// Translates one argument of a call; parts and `INTERVAL n unit` are told apart by the function's name.
pub(super) fn argument(t: &mut Translator<'_>, name: &str, index: usize, expr: &Expr, env: &Env<'_>) -> Result<Ex> {
    let part_at = match name {
        "DATE_TRUNC" | "DATETIME_TRUNC" | "TIMESTAMP_TRUNC" | "LAST_DAY" => Some(1),
        "DATE_DIFF" | "DATETIME_DIFF" | "TIMESTAMP_DIFF" | "TIME_DIFF" => Some(2),
        _ => None,
    };
    if part_at == Some(index) {
        let part = part_of(expr)?;
        return Ok(Ex { sql: String::new(), ty: Type::Int64, literal: Literal::Part(part) });
    }
    let interval_at = match name {
        "DATE_ADD" | "DATE_SUB" | "DATETIME_ADD" | "DATETIME_SUB" | "TIMESTAMP_ADD" | "TIMESTAMP_SUB" | "TIME_ADD"
        | "TIME_SUB" => Some(1),
        "GENERATE_DATE_ARRAY" => Some(2),
        _ => None,
    };
    match expr {
        Expr::Interval(interval) if interval_at == Some(index) => {
            let (amount, unit) = amount(t, interval, env)?;
            Ok(Ex { sql: amount, ty: Type::Interval, literal: Literal::Part(unit) })
        }
        _ if interval_at == Some(index) => {
            Err(unsupported(format!("{name} with an interval that is not written INTERVAL n unit"), place(expr)))
        }
        expr => t.expr(expr, env),
    }
}

/// The amount (INT64) and the unit of `INTERVAL n unit`.
pub(super) fn amount(t: &mut Translator<'_>, interval: &Interval, env: &Env<'_>) -> Result<(String, Part)> {
    let at = place(&interval.value);
    let single = interval.last_field.is_none()
        && interval.leading_precision.is_none()
        && interval.fractional_seconds_precision.is_none();
    let unit = interval.leading_field.as_ref().and_then(Part::from_field);
    let (Some(unit), true) = (unit, single) else {
        return Err(unsupported("INTERVAL over several units", at));
    };
    let ex = t.expr(&interval.value, env)?;
    if let Literal::Text(text) = &ex.literal {
        let number = text.trim().parse::<i64>().map_err(|_| unsupported(format!("INTERVAL '{text}'"), at))?;
        return Ok((format!("'{number}'::BIGINT"), unit));
    }
    Ok((coerce::to(ex, &Type::Int64, at)?, unit))
}

/// STRING of a date or time, in a zone for a TIMESTAMP; or of JSON.
fn string(call: &Call) -> Result<Ex> {
    call.expect("STRING", 1..=2)?;
    let value = call.arg(0)?;
    let in_zone = call.args.len() == 2;
    let sql = match value.ty {
        Type::Json => return json::string(call),
        Type::Date if !in_zone => format!("gs_date_to_string({})", value.sql),
        Type::Datetime if !in_zone => format!("gs_datetime_to_string({})", value.sql),
        Type::Time if !in_zone => format!("gs_time_to_string({})", value.sql),
        Type::Timestamp if !in_zone => format!("gs_timestamp_to_string({})", value.sql),
        Type::Timestamp => format!("gs_timestamp_to_string_at({}, {})", value.sql, call.typed(1, &Type::String)?),
        ref other => return Err(invalid(format!("STRING does not take {other}"), call.at)),
    };
    Ok(Ex::new(sql, Type::String))
}

fn part(call: &Call, index: usize) -> Result<Part> {
    match &call.arg(index)?.literal {
        Literal::Part(part) => Ok(*part),
        _ => Err(invalid("a date part was expected", call.at)),
    }
}

/// The first argument as the first of some types that it has or coerces to.
fn temporal(call: &Call, index: usize, allowed: &[Type]) -> Result<(String, Type)> {
    let ex = call.arg(index)?;
    let exact = allowed.iter().find(|ty| **ty == ex.ty);
    let ty = exact.or_else(|| allowed.iter().find(|ty| coerce::can(ex, ty)));
    match ty {
        Some(ty) => Ok((coerce::to(ex.clone(), ty, call.at)?, ty.clone())),
        None => Err(invalid(format!("a value of type {} cannot be used as a date here", ex.ty), call.at)),
    }
}

/// `EXTRACT(part FROM value [AT TIME ZONE zone])`.
pub(in super::super) fn extract(
    t: &mut Translator<'_>,
    field: &DateTimeField,
    expr: &Expr,
    env: &Env<'_>,
) -> Result<Ex> {
    let at = place(expr);
    let Some(part) = Part::from_field(field) else {
        return Err(invalid(format!("EXTRACT does not know the part {field}"), at));
    };
    let (value, zone) = match expr {
        Expr::AtTimeZone { timestamp, time_zone } => {
            let zone = t.expr(time_zone, env)?;
            (t.expr(timestamp, env)?, coerce::to(zone, &Type::String, at)?)
        }
        expr => (t.expr(expr, env)?, "gs_zone()".to_string()),
    };
    let has_zone = matches!(expr, Expr::AtTimeZone { .. });
    let local = match &value.ty {
        Type::Interval if !has_zone => return intervals::extract(&value, part, at),
        Type::Timestamp => format!("gs_to_local({}, {zone})", value.sql),
        Type::Date | Type::Datetime | Type::Time if !has_zone => value.sql.clone(),
        other if value.is_null() => return Err(unsupported(format!("EXTRACT of {other}"), at)),
        other => return Err(invalid(format!("EXTRACT does not support {other}"), at)),
    };
    let clock = matches!(part, Part::Microsecond | Part::Millisecond | Part::Second | Part::Minute | Part::Hour);
    let fits = match value.ty {
        Type::Date => !clock && !matches!(part, Part::Time | Part::Date | Part::Datetime),
        Type::Time => clock,
        Type::Datetime => part != Part::Datetime,
        _ => true,
    };
    if !fits {
        return Err(invalid(format!("EXTRACT: {} has no part {field}", value.ty), at));
    }
    let number = |sql: String| Ok(Ex::new(format!("CAST({sql} AS BIGINT)"), Type::Int64));
    let named = |name: &str| number(format!("date_part('{name}', {local})"));
    match part {
        Part::Date => Ok(Ex::new(format!("CAST({local} AS DATE)"), Type::Date)),
        Part::Time => Ok(Ex::new(format!("CAST({local} AS TIME)"), Type::Time)),
        Part::Datetime => Ok(Ex::new(local, Type::Datetime)),
        Part::Microsecond => number(format!("date_part('microsecond', {local}) % 1000000")),
        Part::Millisecond => number(format!("date_part('millisecond', {local}) % 1000")),
        Part::DayOfWeek => number(format!("date_part('dow', {local}) + 1")),
        Part::DayOfYear => named("doy"),
        Part::IsoWeek => named("week"),
        Part::IsoYear => named("isoyear"),
        Part::Week(first) => number(format!("gs_week({local}, {first})")),
        other => match other.duckdb() {
            Some(name) => named(name),
            None => Err(invalid(format!("EXTRACT does not know the part {field}"), at)),
        },
    }
}

fn trunc(call: &Call, allowed: &[Type]) -> Result<Ex> {
    call.expect("this function", 2..=3)?;
    let part = part(call, 1)?;
    let (value, ty) = temporal(call, 0, allowed)?;
    if call.args.len() == 3 && ty != Type::Timestamp {
        return Err(invalid(format!("a time zone does not go with {ty}"), call.at));
    }
    let zone = match call.args.get(2) {
        Some(_) => call.typed(2, &Type::String)?,
        None => "gs_zone()".to_string(),
    };
    let clock = matches!(part, Part::Microsecond | Part::Millisecond | Part::Second | Part::Minute | Part::Hour);
    let wrong = || invalid(format!("{part:?} is no part that a {ty} is truncated to"), call.at);
    if clock && ty == Type::Date {
        return Err(wrong());
    }
    if clock && ty == Type::Timestamp {
        // Below a day nothing but the zone's offset from full hours matters, and local times may be ambiguous.
        let length = part.microseconds().ok_or_else(wrong)?;
        let local = format!("epoch_us(gs_to_local({value}, {zone}))");
        return Ok(Ex::new(format!("({value} - to_microseconds((({local} % {length}) + {length}) % {length}))"), ty));
    }
    let local = if ty == Type::Timestamp { format!("gs_to_local({value}, {zone})") } else { value };
    let truncated = match part {
        Part::Week(first) => format!("gs_week_start({local}, {first})"),
        Part::IsoWeek => format!("gs_week_start({local}, 1)"),
        Part::IsoYear => format!("gs_iso_year_start({local})"),
        other => format!("date_trunc('{}', {local})", other.duckdb().ok_or_else(wrong)?),
    };
    let sql = match ty {
        Type::Date => format!("CAST({truncated} AS DATE)"),
        Type::Timestamp => format!("gs_of_local(CAST({truncated} AS TIMESTAMP), {zone})"),
        _ => format!("CAST({truncated} AS TIMESTAMP)"),
    };
    Ok(Ex::new(sql, ty))
}

fn diff(call: &Call, allowed: &[Type]) -> Result<Ex> {
    call.expect("this function", 3..=3)?;
    let part = part(call, 2)?;
    let (_, left) = temporal(call, 0, allowed)?;
    let (_, right) = temporal(call, 1, allowed)?;
    let Some(ty) = crate::googlesql::query::widest([&left, &right]) else {
        return Err(invalid(format!("a difference of {left} and {right}"), call.at));
    };
    let (a, b) = (call.typed(0, &ty)?, call.typed(1, &ty)?);
    let wrong = || invalid(format!("{part:?} is no part that {ty}s are counted in"), call.at);
    let sql = match (&ty, part) {
        (Type::Timestamp, part) => {
            let length = part.microseconds().ok_or_else(wrong)?;
            format!("gs_div(epoch_us({a}) - epoch_us({b}), {length})")
        }
        (Type::Time, part) => {
            let length = part.microseconds().filter(|_| part != Part::Day).ok_or_else(wrong)?;
            format!("gs_div(epoch_us({a}) - epoch_us({b}), {length})")
        }
        (_, Part::Week(first)) => format!("gs_week_diff({a}, {b}, {first})"),
        (_, Part::IsoWeek) => format!("gs_week_diff({a}, {b}, 1)"),
        (_, Part::IsoYear) => format!("(date_part('isoyear', {a}) - date_part('isoyear', {b}))"),
        (Type::Date, Part::Day | Part::Month | Part::Quarter | Part::Year) | (Type::Datetime, _) => {
            format!("date_diff('{}', {b}, {a})", part.duckdb().ok_or_else(wrong)?)
        }
        _ => return Err(wrong()),
    };
    Ok(Ex::new(format!("CAST({sql} AS BIGINT)"), Type::Int64))
}

fn add(call: &Call, allowed: &[Type], sign: &str) -> Result<Ex> {
    call.expect("this function", 2..=2)?;
    let unit = part(call, 1)?;
    let (value, ty) = temporal(call, 0, allowed)?;
    let amount = format!("({sign}{})", call.arg(1)?.sql);
    let fits = match ty {
        Type::Date => unit.months().is_some() || matches!(unit, Part::Day | Part::Week(0)),
        Type::Timestamp => unit.microseconds().is_some(),
        Type::Time => unit.microseconds().is_some() && unit != Part::Day,
        _ => true,
    };
    if !fits {
        return Err(invalid(format!("{unit:?} is no unit that a {ty} is moved by"), call.at));
    }
    let sql = match (&ty, unit) {
        (Type::Timestamp, Part::Day) => {
            format!("gs_check_timestamp({value} + to_microseconds({amount} * 86400000000))")
        }
        (Type::Date, _) => format!("gs_check_date(CAST({value} + {} AS DATE))", span(&amount, unit, call.at)?),
        (Type::Datetime, _) => format!("gs_check_datetime({value} + {})", span(&amount, unit, call.at)?),
        (Type::Timestamp, _) => format!("gs_check_timestamp({value} + {})", span(&amount, unit, call.at)?),
        _ => format!("({value} + {})", span(&amount, unit, call.at)?),
    };
    Ok(Ex::new(sql, ty))
}

fn last_day(call: &Call) -> Result<Ex> {
    call.expect("LAST_DAY", 1..=2)?;
    let (value, _) = temporal(call, 0, &[Type::Date, Type::Datetime])?;
    let part = if call.args.len() == 2 { part(call, 1)? } else { Part::Month };
    let date = format!("CAST({value} AS DATE)");
    let sql = match part {
        Part::Month => format!("last_day({date})"),
        Part::Week(first) => format!("(CAST(gs_week_start({date}, {first}) AS DATE) + 6)"),
        Part::IsoWeek => format!("(CAST(gs_week_start({date}, 1) AS DATE) + 6)"),
        Part::Quarter => format!("last_day(CAST(date_trunc('quarter', {date}) + to_months(2) AS DATE))"),
        Part::Year => format!("make_date(date_part('year', {date}), 12, 31)"),
        other => return Err(invalid(format!("LAST_DAY does not know the part {other:?}"), call.at)),
    };
    Ok(Ex::new(sql, Type::Date))
}

fn generate_dates(call: &Call) -> Result<Ex> {
    call.expect("GENERATE_DATE_ARRAY", 2..=3)?;
    let (start, end) = (call.typed(0, &Type::Date)?, call.typed(1, &Type::Date)?);
    let ty = Type::array(Type::Date);
    if call.args.len() == 2 {
        return Ok(Ex::new(format!("gs_generate_dates({start}, {end}, 1)"), ty));
    }
    let (unit, amount) = (part(call, 2)?, &call.arg(2)?.sql);
    match (unit, unit.months()) {
        (_, Some(months)) => Ok(Ex::new(format!("gs_generate_months({start}, {end}, {amount} * {months})"), ty)),
        (Part::Day, _) => Ok(Ex::new(format!("gs_generate_dates({start}, {end}, {amount})"), ty)),
        (Part::Week(0), _) => Ok(Ex::new(format!("gs_generate_dates({start}, {end}, {amount} * 7)"), ty)),
        (other, _) => Err(invalid(format!("{other:?} is no step of GENERATE_DATE_ARRAY"), call.at)),
    }
}
